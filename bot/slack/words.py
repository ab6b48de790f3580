"""Every English word that Slack shows, in one place; `tr` puts them into the channel's language. Pure.

`{...}` is filled with text that is already made safe.
"""

from typing import Final

CONFIDENCE: Final = (
    (0.9, "almost certain"),
    (0.75, "very likely"),
    (0.5, "likely"),
    (0.25, "possible"),
    (0.0, "a guess"),
)

# what the first line says while there is no cause yet
FIRST: Final = {
    "new": "A build failed; I am about to read its log",
    "reading": "A build failed; I am reading its log",
    "probing": "A build failed; its log is read, I am testing the explanations",
    "passed": "The run passed after all",
    "stuck": "I could not look into this failure",
}
FIRST_OTHER: Final = "A build failed; the cause is not known yet"

# what follows the cause in the first line, by state
SUFFIX: Final = {
    "probing": "testing it now",
    "open": "so far; the run is still going",
    "acting": "re-run asked for",
    "watching": "re-run under way",
    "recovered": "the re-run passed",
    "same-cause": "again, after the re-run",
    "other-cause": "the re-run failed for another cause",
    "inconclusive": "the re-run told nothing: please look",
    "passed": "but the run passed",
    "stuck": "then I got stuck",
}

STATUS: Final = {
    "new": ":hourglass_flowing_sand: Fetching the build…",
    "reading": ":mag: Reading the log…",
    "probing": ":satellite_antenna: Testing the explanations from where the build ran…",
    "open": ":hourglass_flowing_sand: The run is still going: more jobs may fail. Buttons appear when it has finished.",
    "acting": ":arrows_counterclockwise: Sending the re-run…",
    "watching": ":eyes: Re-run under way{attempt}; the outcome will stand here.",
    "recovered": ":white_check_mark: *Recovered.* The re-run{attempt} passed.",
    "same-cause": ":x: *The same cause again*{attempt}. Another re-run will not help.",
    "other-cause": ":warning: *The re-run{attempt} failed with another cause.* See the answer for that attempt.",
    "inconclusive": ":grey_question: *Inconclusive.* The re-run{attempt} told nothing; a person has to look.",
    "passed": ":white_check_mark: The CI says that this run passed: nothing to do.",
    "stuck": ":no_entry: *I am stuck.*",
}

ACTION: Final = {
    "waiting": ":raised_hand: {who} asks to re-run the failed jobs. {approvals} of {needed} approvals{names}.",
    "approved": ":arrows_counterclockwise: {who} asked for a re-run of the failed jobs{approved}.",
    "sending": ":arrows_counterclockwise: {who} asked for a re-run of the failed jobs{approved}; sending it…",
    "sent": ":arrows_counterclockwise: {who} asked for a re-run of the failed jobs{approved}: sent{attempt}.",
    "failed": ":x: {who} asked for a re-run{approved}; *it was not done*.",
    "unknown": ":grey_question: {who} asked for a re-run{approved}; *it is not certain whether it was sent*."
    " Please look at the run before you try again.",
    "declined": ":no_entry_sign: {who} asked for a re-run; {decliner} declined it.",
    "expired": ":alarm_clock: {who} asked for a re-run; nobody decided in time, so it lapsed.",
    "lapsed": ":leftwards_arrow_with_hook: {who} asked for a re-run; it lapsed.",
}

SEEN: Final = "*Seen in the log*"
TRIED: Final = "*Tried*"
NOT_TRIED: Final = "*Not tried:* {why}"
BY_HAND: Final = "*Try by hand*, where the build runs:"
WHY: Final = "*Why*"
DO: Final = "*What to do:* {summary}"
RULED_LOWER: Final = "*Also possible:* {others}"
READ_MORE: Final = "Read more: {links}"
MORE_STEPS: Final = "…and {n} more steps: `buildmedic playbook show {playbook}` has them all"
MORE_STEPS_NO_PLAYBOOK: Final = "…and {n} more steps, in the playbook"
CUT: Final = "Cut to fit Slack; `buildmedic triage` with the run's URL shows all of it."
MORE_CAUSES: Final = "…and {n} more causes: {ids}"
JOBS_MORE: Final = "{n} more"
STEP: Final = "step {step}"
PROBE_NOT_RUN: Final = "not run"
LOG_READ: Final = "read {bytes}, {lines} lines"
LOG_STATE: Final = {
    "partial": ":warning: Only part of the log could be had ({read}){note}",
    "missing": ":warning: There was no log to read{note}",
    "failed": ":warning: Reading the log failed on our side{note}",
}
AND_MORE: Final = " (and {n} more)"
SURE: Final = "{word} ({percent}%)"
OF_JOB: Final = " of {job}"
MORE_LIKE_IT: Final = " ({n} more like it)"
NOT_SHOWN: Final = " ({n} more not shown)"
FROM: Final = "from {vantage}"
RUN: Final = "run"
THIS_RUN: Final = "this run"
BY: Final = "by {who}"
OF_ATTEMPT: Final = " (attempt {n})"
MINUTES: Final = " _{n} min so far_"
HOURS: Final = " _{n} h so far_"
APPROVED_BY: Final = ", approved by {names}"
SOMEBODY: Final = "somebody"
LAPSES: Final = " Lapses {when}."
ATTEMPT: Final = "attempt {n}"
PREVIOUS: Final = "follows attempt {n}"
NOTICE: Final = "the CI's notice"
ASKED_BY: Final = "asked by {who}"
TROUBLE: Final = ":warning: {trouble}"
PROBED_FROM: Final = "probed from {vantage}"

BUTTON: Final = {
    "rerun": "Re-run failed jobs",
    "approve": "Approve",
    "decline": "Decline",
    "restore": "Put back what was switched off",
    "right": "Cause is right",
    "wrong": "Cause is wrong",
}
CAUTION: Final = ":warning: *Before you re-run:* {caution}"
CONFIRM_TITLE: Final = "Re-run the failed jobs?"
CONFIRM_TEXT: Final = (
    "{ci} will be asked, once, to run {jobs} of {run} again, as attempt {attempt}. I will watch it and write the"
    " outcome here. Your name will stand beside it."
)
CONFIRM_YES: Final = "Re-run"
CONFIRM_NO: Final = "Not now"
ONE_JOB: Final = "the failed job"
N_JOBS: Final = "the {n} failed jobs"

# the slash command
HELP: Final = """*buildmedic* reads the log of a failed build, tests what could explain it, and says what to do.
`/medic triage URL` – look into a run or job now; the answer is posted here
`/medic rerun URL` – re-run the failed jobs of a run
`/medic rollback DEPLOY [REVISION]` – show what a rollback would change, and ask those who have to agree
`/medic approvals` – what waits for approval
`/medic status` – open cases, services, what I could not read
`/medic pause`, `/medic resume` – stop all actions, and allow them again
`/medic help` – this text
Failures that a CI app reports in a watched channel are answered in their own thread, without asking."""
NEEDS_URL: Final = "`/medic {command}` needs the URL of a run or job, like `/medic {command} https://github.com/acme/shop/actions/runs/123`."
TAKES_NONE: Final = "`/medic {command}` takes nothing after it."
UNKNOWN_COMMAND: Final = "There is no `/medic {given}`. Did you mean `/medic {nearest}`? `/medic help` lists all."
LATER: Final = "`/medic {command}` is not in this release yet. `/medic help` lists what is."

GUEST: Final = "Guests of this workspace cannot do that; please ask a full member."
STRANGER: Final = "Only people of this bot's own workspace can do that; please ask one of them."
BOT: Final = "Bots cannot do that; a person has to."
CANNOT_TELL: Final = (
    "I cannot do that: I have to check first that you are a full member of this workspace, and Slack does not let me"
    " look ({why}). Whoever runs the bot has to add the scope `users:read` to its Slack app and install it again."
)
TRYING_ON: Final = "{why}. I have written your request down and keep trying."

OF_DEPLOY: Final = "{kind} of {app} ({environment}) to {target}"
OF_DEPLOY_ALONE: Final = "{kind} of {app} ({environment})"
WAITS: Final = "{kind} waits for approval"
OF_CASE: Final = "{kind} of {case}"
STATUS_HEAD: Final = "*buildmedic {version}* – {open} open cases, {read} notices read, {unread} not understood"
STATUS_PAUSED: Final = ":double_vertical_bar: Actions are {paused}"
STATUS_RECENT: Final = "*Latest cases*"
STATUS_SERVICES: Final = "*Services*"

# releases and rollbacks
ROLLBACK_FIRST: Final = "Rollback of {app} ({environment}) to {target}"
ROLLBACK_FROM: Final = "Rollback of {app} ({environment}) from {current} to {target}"
RESTORE_FIRST: Final = "Switching auto-sync of {app} ({environment}) on again"
RELEASE_FIRST: Final = "{app} ({environment}) is {health}: the release failed"
RELEASE_LOOKING: Final = "{app}: a release failed; I am looking at it"
RELEASE_RUNS: Final = "{app} · {environment} · runs {revision}"
RELEASE_RAN: Final = "{app} · {environment} · ran {revision}"
MAY_APPROVE: Final = " May approve: {who}."
ROLLBACK_SUFFIX: Final = {
    "waiting": "waits for approval",
    "approved": "approved",
    "sending": "is being sent",
    "sent": "was sent",
    "failed": "was not done",
    "unknown": "nobody knows whether it was done: please look",
    "declined": "was declined",
    "expired": "expired",
    "lapsed": "lapsed, the world had moved",
    # by the case's state, once there is an outcome
    "watching": "under way",
    "recovered": "done, and healthy",
    "worse": "done, and it is no better",
    "inconclusive": "the outcome is not clear: please look",
    "restored": "done; what it had switched off is on again",
}
PLAN_HEAD: Final = "*What changes*"
PLAN_HEAD_DONE: Final = "*What changed*"
PLAN_FROM: Final = "{before}: {revision}{images}{deployed}"
PLAN_TO: Final = "back to: {revision}{images}{deployed} (entry {entry})"
PLAN_DEPLOYED: Final = ", deployed {when}"
PLAN_BY: Final = " by {who}"
PLAN_HEALTH: Final = "health {before}: {health}"
PLAN_AUTOMATIC: Final = (
    ":electric_plug: {automatic} will be switched off for it, and stays off until somebody puts it back: a button for"
    " that comes here afterwards."
)
PLAN_NOW: Final = "now"
PLAN_BEFORE: Final = "before"
PLAN_AUTOMATIC_DONE: Final = (
    ":electric_plug: {automatic} was switched off for it, and stays off until somebody puts it back."
)
PLAN_AUTOMATIC_BACK: Final = ":electric_plug: {automatic} was switched off for it, and is on again."
PLAN_WARNING: Final = ":warning: {warning}"
RELEASE_FAILED: Final = "*What failed*\n{failed}"
RELEASE_BUSY: Final = ":hourglass_flowing_sand: under way: {busy}"
ROLLBACK_ACTION: Final = {
    "waiting": ":raised_hand: {who} asks for this rollback. {approvals} of {needed} approvals{names}.",
    "approved": ":rewind: {who} asked for this rollback{approved}.",
    "sending": ":rewind: {who} asked for this rollback{approved}; sending it…",
    "sent": ":rewind: {who} asked for this rollback{approved}: sent.",
    "failed": ":x: {who} asked for this rollback{approved}; *it was not done*.",
    "unknown": ":grey_question: {who} asked for this rollback{approved}; *it is not certain whether it was done*."
    " Please look at the application before you try again.",
    "declined": ":no_entry_sign: {who} asked for this rollback; {decliner} declined it.",
    "expired": ":alarm_clock: {who} asked for this rollback; too few people approved in time, so it lapsed.",
    "lapsed": ":leftwards_arrow_with_hook: {who} asked for this rollback; it lapsed.",
}
RESTORE_ACTION: Final = {
    "waiting": ":raised_hand: {who} asks to put back what the rollback switched off. {approvals} of {needed}"
    " approvals{names}.",
    "approved": ":electric_plug: {who} asked to put back what the rollback switched off{approved}.",
    "sending": ":electric_plug: {who} asked to put back what the rollback switched off{approved}; sending it…",
    "sent": ":electric_plug: {who} put back what the rollback had switched off{approved}.",
    "failed": ":x: {who} asked to put back what the rollback switched off{approved}; *it was not done*.",
    "unknown": ":grey_question: {who} asked to put it back{approved}; *it is not certain whether it was done*.",
    "declined": ":no_entry_sign: {who} asked to put it back; {decliner} declined it.",
    "expired": ":alarm_clock: {who} asked to put it back; too few people approved in time, so it lapsed.",
    "lapsed": ":leftwards_arrow_with_hook: {who} asked to put it back; it lapsed.",
}
ROLLBACK_STATUS: Final = {
    "acting": ":rewind: Sending it…",
    "watching": ":eyes: Under way; I am watching its health, and write the outcome here.",
    "recovered": ":white_check_mark: *Recovered.* The rollback is done, and the application is healthy.",
    "worse": ":x: *No better.* The rollback failed, or what it brought back is unhealthy. A person has to look.",
    "inconclusive": ":grey_question: *Inconclusive*: a person has to look.",
    "restored": ":electric_plug: What the rollback had switched off is on again.",
}
EARLIER: Final = "Earlier here: {what}"
EARLIER_ACTION: Final = "{kind} asked by {who}: {state}{decided}"
DECIDED_BY: Final = " by {who}"
KIND: Final = {"rerun": "re-run", "rollback": "rollback", "restore": "putting back"}
AWAY: Final = (
    ":information_source: I was away from {since} to {until}: clicks made in that time did not reach me. Who pressed"
    " then, please press again."
)
BUTTON_ROLLBACK: Final = "Roll back {app}…"
CONFIRM_ROLLBACK: Final = "Roll back {app}?"
CONFIRM_ROLLBACK_TEXT: Final = (
    "{environment}: from {current} back to {target}. {approval} Your name will stand beside it."
)
CONFIRM_ROLLBACK_WAITS: Final = "Nothing happens before those who have to agree have agreed."
CONFIRM_RESTORE: Final = "Put it back?"
CONFIRM_RESTORE_TEXT: Final = (
    "Auto-sync will be as it was, and deploys what git says: if git still has the bad release, it comes back."
)
CONFIRM_ASK: Final = "Ask for it"
CONFIRM_APPROVE: Final = "Approve this?"
CONFIRM_APPROVE_TEXT: Final = "{what} Your name will stand beside it."

NEEDS_DEPLOY: Final = (
    "`/medic rollback` needs the name of a deploy, and takes a revision: `/medic rollback checkout`,"
    " `/medic rollback checkout 7c1d2e3`."
)
NO_APPROVALS: Final = "Nothing waits for approval."
APPROVALS: Final = "*Waiting for approval*"
APPROVALS_LINE: Final = "• {what}: {approvals} of {needed} approvals, asked by {who}{lapses}{link}"
