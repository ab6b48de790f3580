"""A case as a Slack message: the one reply, rendered whole each time and updated in place. Pure.

Limits (docs.slack.dev/reference/block-kit): 50 blocks, section 3000 characters, confirm text 300, button value 2000,
chat.update text 4000; near 13,000 characters in all Slack refuses without documenting it, so this stays under 9,000.
"""

import json
import re
from datetime import datetime
from typing import Any

from bot.model.case import Action, Case
from bot.model.language import heard, tr
from bot.slack import releases, words
from bot.slack.mrkdwn import approver, bare, clip, link, moment, person, prose, safe_url, span
from bot.slack.releases import is_release
from bot.slack.sections import (
    DETAILS,
    Block,
    Detail,
    Group,
    amount,
    confidence,
    context,
    details,
    grouped,
    headline,
    section,
)

EVENT_TYPE = "buildmedic_case"
TOTAL_LIMIT = 9000
BLOCK_LIMIT = 50
_LEAST = len(DETAILS) - 1
_PROGRESS = ("new", "reading", "probing", "open", "acting", "watching")
_BUTTONS = {
    "rerun": "primary", "approve": "primary", "decline": "danger", "restore": None, "right": None, "wrong": None,
}  # fmt: skip


def render(case: Case, now: datetime, *, least: int = 0) -> dict[str, Any]:
    """`{text, blocks, metadata}` for chat.postMessage and chat.update.

    `now` is only shown as time gone by. `least` skips the longer renderings: 0 is the fullest, `SHORTEST` the last
    resort when Slack says `msg_too_long`. Never raises for any valid case.
    """
    groups = grouped(case)
    text = _text(case, groups)
    blocks: list[Block] = []
    for number, detail in enumerate(DETAILS):
        if number < least:
            continue
        blocks = _blocks(case, groups, now, detail, cut=number > 0)
        if fits(text, blocks):
            break
    return {"text": text, "blocks": blocks, "metadata": metadata(case)}


SHORTEST = _LEAST


def fits(text: str, blocks: list[Block]) -> bool:
    """Whether Slack would take it, with room to spare; counted as the JSON that is sent."""
    return len(blocks) <= BLOCK_LIMIT and len(text) + len(json.dumps(blocks, ensure_ascii=False)) < TOTAL_LIMIT


def metadata(case: Case) -> dict[str, Any]:
    """What machines read, and how the message is found again after a crash."""
    groups = grouped(case)
    payload = {
        "case": case.id,
        "cause": groups[0].cause if groups else "unknown",
        "confidence": round(groups[0].diagnosis.confidence, 3) if groups else 0.0,
        "state": case.state,
    }
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def _text(case: Case, groups: list[Group]) -> str:
    """What phones and notifications show: the first line stands alone."""
    suffix = tr(words.SUFFIX.get(case.state, ""))
    if is_release(case):
        first = releases.first_line(case)
    elif groups:
        first = prose(groups[0].diagnosis.title or groups[0].cause, 300)
        first += tr(words.AND_MORE, n=len(groups) - 1) if len(groups) > 1 else ""
        first += f" – {suffix}" if suffix else ""
    else:
        first = tr(words.FIRST.get(case.state, words.FIRST_OTHER))
    lines = [first] if is_release(case) else [first, _run_name(case, plain=True)]
    if groups:
        lead = groups[0].diagnosis
        lines.append("" if groups[0].cause == "unknown" else confidence(lead.confidence))
        lines.append(prose(lead.remedy.summary, 300))
    lines.append(prose(heard(case.trouble), 300) if case.trouble else "")
    return "\n".join(line for line in lines if line)


def _blocks(case: Case, groups: list[Group], now: datetime, detail: Detail, *, cut: bool) -> list[Block]:
    blocks = [headline(groups[0], case.build, detail)] if groups else [section(f"*{_first(case)}*")]
    blocks.append(releases.run_line(case) if is_release(case) else _run_line(case))
    blocks += _status(case, now)
    blocks += releases.details(case) if is_release(case) else []
    for number, group in enumerate(groups[: detail.causes]):
        if number:
            blocks += [{"type": "divider"}, headline(group, case.build, detail)]
        blocks += details(group, detail)
    left = groups[detail.causes :]
    if left:
        ids = ", ".join(span(g.cause, 60) for g in left[:10])
        blocks.append(section(tr(words.MORE_CAUSES, n=len(left), ids=ids)))
    blocks += _actions(case)
    if cut:
        blocks.append(context(tr(words.CUT)))
    blocks.append(_footer(case, groups, detail))
    return blocks


def _first(case: Case) -> str:
    if is_release(case):
        return releases.first_line(case)
    return tr(words.FIRST.get(case.state, words.FIRST_OTHER))


def _run_name(case: Case, *, plain: bool) -> str:
    """`CI #482 · acme/shop`."""
    build = case.build
    title = build.title if build and build.title else tr(words.RUN)
    number = f" #{build.number}" if build and build.number else f" {case.key.run}"
    name = clip(title, 100) + clip(number, 40)
    shown = prose(name, 140) if plain else link(build.url if build else None, name, 140)
    return f"{shown} · {prose(case.key.repository, 140)}"


def _run_line(case: Case) -> Block:
    parts = [_run_name(case, plain=False)]
    build = case.build
    if build:
        where = span(build.branch, 80) if build.branch else ""
        commit = f"@ {span(build.commit[:7])}" if build.commit else ""
        parts += [" ".join(p for p in (where, commit) if p)]
        parts += [tr(words.BY, who=prose(build.author or build.actor or "", 60)) if build.author or build.actor else ""]
    parts.append(tr(words.ATTEMPT, n=case.key.attempt) if case.key.attempt > 1 else "")
    if case.previous and case.key.attempt > 1:
        parts.append(tr(words.PREVIOUS, n=case.key.attempt - 1))
    if case.notice_link and (target := safe_url(case.notice_link)):
        parts.append(f"<{target}|{tr(words.NOTICE)}>")
    parts.append(tr(words.ASKED_BY, who=person(case.asked_by)) if case.asked_by else "")
    return context(" · ".join(p for p in parts if p))


def _status(case: Case, now: datetime) -> list[Block]:
    """How far we are, who did what, and what came of it."""
    lines = []
    action = case.action
    if action is not None:
        lines.append(_action(case, action))
        if action.detail:
            lines.append(f"> {prose(heard(action.detail), 400)}")
    skip = case.state == "acting" and action is not None
    told = releases.status_words(case) if is_release(case) else words.STATUS.get(case.state)
    if (status := told) and not skip:
        lines.append(tr(status, attempt=_attempt(case)) + _elapsed(case, now))
    if case.outcome and (outcome := prose(heard(case.outcome), 400)) not in " ".join(lines):
        lines.append(outcome)
    if case.trouble:
        lines.append(tr(words.TROUBLE, trouble=prose(heard(case.trouble), 600)))
    if case.away and action is not None and action.state == "waiting":
        since, _, until = case.away.partition(" ")
        lines.append(tr(words.AWAY, since=_clock(since), until=_clock(until)))
    for past in case.past[-3:]:
        decided = tr(words.DECIDED_BY, who=person(past.decided_by)) if past.decided_by else ""
        told = tr(
            words.EARLIER_ACTION,
            kind=tr(words.KIND[past.kind]),
            who=person(past.requested_by),
            state=past.state,
            decided=decided,
        )
        lines.append(tr(words.EARLIER, what=told))
    return [section("\n".join(lines))] if lines else []


def _clock(at: str) -> str:
    """A moment (UNIX time, whole seconds) in the reader's own time zone."""
    return moment(int(at), "{time_secs}") if at.isdecimal() and len(at) < 12 else prose(at, 40)


def _attempt(case: Case) -> str:
    number = case.action.new_attempt if case.action and case.action.new_attempt else case.key.attempt + 1
    return tr(words.OF_ATTEMPT, n=number)


def _elapsed(case: Case, now: datetime) -> str:
    """Time gone by since the case was opened, only while we work on it and once it is worth saying."""
    try:
        seconds = (now - case.opened).total_seconds()
    except TypeError:  # one of them has no time zone
        return ""
    if case.state not in _PROGRESS or seconds < 60:
        return ""
    if seconds < 7200:
        return tr(words.MINUTES, n=round(seconds / 60))
    return tr(words.HOURS, n=round(seconds / 3600))


def _action(case: Case, action: Action) -> str:
    names = [person(user) for user in action.approvals[:10]]
    text = tr(
        releases.action_words(action),
        who=person(action.requested_by),
        approvals=len(action.approvals),
        needed=action.needed,
        names=f" ({', '.join(names)})" if names else "",
        approved=tr(words.APPROVED_BY, names=", ".join(names)) if names else "",
        attempt=_attempt(case),
        decliner=person(action.decided_by) if action.decided_by else tr(words.SOMEBODY),
    )
    if action.state == "waiting" and action.expires:
        text += tr(words.LAPSES, when=moment(int(action.expires)))
    if action.state == "waiting" and action.approvers:
        left = [approver(who) for who in action.approvers[:10] if who not in action.approvals]
        text += tr(words.MAY_APPROVE, who=", ".join(left)) if left else ""
    return text


def _actions(case: Case) -> list[Block]:
    """Only what may be pressed now. The value is an opaque id; what it does lives in the store."""
    elements = []
    for name, style in _BUTTONS.items():
        value = case.buttons.get(name)
        if not value or len(value) > 2000:
            continue
        button = _button(f"medic.{name}", tr(words.BUTTON[name]), value, style)
        if name == "rerun":
            button["confirm"] = _confirm(case)
        elif name == "restore":
            button["confirm"] = releases.dialog(
                tr(words.CONFIRM_RESTORE), tr(words.CONFIRM_RESTORE_TEXT), tr(words.CONFIRM_ASK)
            )
        elif name == "approve" and case.action is not None:
            what = tr(words.CONFIRM_APPROVE_TEXT, what=_what(case, case.action))
            button["confirm"] = releases.dialog(tr(words.CONFIRM_APPROVE), what, tr(words.BUTTON["approve"]))
        elements.append(button)
    elements += _rollbacks(case)
    if not elements:
        return []
    caution = prose(_caution(case), 400) if "rerun" in case.buttons else ""
    warned = [section(tr(words.CAUTION, caution=caution))] if caution else []
    return [*warned, {"type": "actions", "elements": elements}]


def _caution(case: Case) -> str:
    """Why running the failed steps again may do harm; the same once, however many jobs say so."""
    said = (f.diagnoses[0].caution for f in case.findings)
    return "; ".join(dict.fromkeys(c for c in said if c))


def _button(action_id: str, label: str, value: str, style: str | None) -> Block:
    text = {"type": "plain_text", "text": clip(label, 75), "emoji": False}
    button: Block = {"type": "button", "action_id": action_id, "text": text, "value": value}
    return {**button, "style": style} if style else button


def _rollbacks(case: Case) -> list[Block]:
    """One button for each application that may be rolled back from here; action ids are unique in a message."""
    found: list[Block] = []
    for name, plan in list(case.offers.items())[:5]:
        value = case.buttons.get(f"rollback:{name}")
        if value:
            action_id = "medic.rollback" if not found else f"medic.rollback.{len(found) + 1}"
            label = tr(words.BUTTON_ROLLBACK, app=clip(bare(plan.app), 40))
            found.append({**_button(action_id, label, value, "danger"), "confirm": releases.confirm_rollback(plan)})
    return found


def _what(case: Case, action: Action) -> str:
    """What is approved, in one plain sentence."""
    if action.plan is not None:
        return clip(bare(releases.what_is_decided(action)), 200) + "."
    return clip(f"{tr(words.CONFIRM_TITLE)} {_plain_run(case)}", 200)


def _confirm(case: Case) -> Block:
    """Says what will happen, before it does. Plain text: nothing of the CI's is interpreted."""
    failed = len(case.build.failed_jobs) if case.build else 0
    text = tr(
        words.CONFIRM_TEXT,
        ci=clip(bare(case.key.ci), 30),
        jobs=tr(words.N_JOBS, n=failed) if failed > 1 else tr(words.ONE_JOB),
        run=clip(_plain_run(case), 70),
        attempt=case.key.attempt + 1,
    )
    return releases.dialog(tr(words.CONFIRM_TITLE), _first_warned(case, text), tr(words.CONFIRM_YES))


def _first_warned(case: Case, text: str) -> str:
    """A warning comes before the rest, which may be cut."""
    caution = clip(bare(_caution(case)), 200)
    return f"⚠ {caution}\n{text}" if caution else text


def _plain_run(case: Case) -> str:
    build = case.build
    title = build.title if build and build.title else tr(words.RUN)
    name = f"{title} #{build.number}" if build and build.number else f"{title} {case.key.run}"
    return re.sub(r"[<>&@\s]+", " ", bare(name)).strip() or tr(words.THIS_RUN)


def _footer(case: Case, groups: list[Group], detail: Detail) -> Block:
    """Ids for machines and for whoever files a bug: cause, playbook, case, and how much of the log was read."""
    ids = []
    for group in groups[: detail.causes]:
        playbook = group.diagnosis.playbook
        ids.append(span(group.cause, 80) + (f" ({span(playbook, 80)})" if playbook else ""))
    parts = [" ".join(ids), span(case.id, 240)]
    logs = [f.log for f in case.findings]
    if logs:
        parts.append(amount(sum(log.bytes for log in logs), sum(log.lines for log in logs)))
    vantages = dict.fromkeys(f.vantage for f in case.findings if f.vantage)
    if vantages:
        parts.append(tr(words.PROBED_FROM, vantage=prose(", ".join(v for v in vantages if v), 80)))
    return context(" · ".join(p for p in parts if p))
