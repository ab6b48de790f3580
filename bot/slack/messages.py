"""A case as a Slack message: the one reply, rendered whole each time and updated in place. Pure.

Limits (docs.slack.dev/reference/block-kit): 50 blocks, section 3000 characters, confirm text 300, button value 2000,
chat.update text 4000; near 13,000 characters in all Slack refuses without documenting it, so this stays under 9,000.
"""

import json
import re
from datetime import datetime
from typing import Any

from bot.model.case import Action, Case
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
    suffix = words.SUFFIX.get(case.state, "")
    if is_release(case):
        first = releases.first_line(case)
    elif groups:
        first = prose(groups[0].diagnosis.title or groups[0].cause, 300)
        first += f" (and {len(groups) - 1} more)" if len(groups) > 1 else ""
        first += f" – {suffix}" if suffix else ""
    else:
        first = words.FIRST.get(case.state, words.FIRST_OTHER)
    lines = [first] if is_release(case) else [first, _run_name(case, plain=True)]
    if groups:
        lead = groups[0].diagnosis
        lines.append("" if groups[0].cause == "unknown" else confidence(lead.confidence))
        lines.append(prose(lead.remedy.summary, 300))
    lines.append(prose(case.trouble, 300) if case.trouble else "")
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
        blocks.append(section(words.MORE_CAUSES.format(n=len(left), ids=ids)))
    blocks += _actions(case)
    if cut:
        blocks.append(context(words.CUT))
    blocks.append(_footer(case, groups, detail))
    return blocks


def _first(case: Case) -> str:
    if is_release(case):
        return releases.first_line(case)
    return words.FIRST.get(case.state, words.FIRST_OTHER)


def _run_name(case: Case, *, plain: bool) -> str:
    """`CI #482 · acme/shop`."""
    build = case.build
    title = build.title if build and build.title else "run"
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
        parts += [f"by {prose(build.author or build.actor or '', 60)}" if build.author or build.actor else ""]
    parts.append(words.ATTEMPT.format(n=case.key.attempt) if case.key.attempt > 1 else "")
    if case.previous and case.key.attempt > 1:
        parts.append(words.PREVIOUS.format(n=case.key.attempt - 1))
    if case.notice_link and (target := safe_url(case.notice_link)):
        parts.append(f"<{target}|{words.NOTICE}>")
    parts.append(words.ASKED_BY.format(who=person(case.asked_by)) if case.asked_by else "")
    return context(" · ".join(p for p in parts if p))


def _status(case: Case, now: datetime) -> list[Block]:
    """How far we are, who did what, and what came of it."""
    lines = []
    action = case.action
    if action is not None:
        lines.append(_action(case, action))
        if action.detail:
            lines.append(f"> {prose(action.detail, 400)}")
    skip = case.state == "acting" and action is not None
    told = releases.status_words(case) if is_release(case) else words.STATUS.get(case.state)
    if (status := told) and not skip:
        lines.append(status.format(attempt=_attempt(case)) + _elapsed(case, now))
    if case.outcome and prose(case.outcome, 400) not in " ".join(lines):
        lines.append(prose(case.outcome, 400))
    if case.trouble:
        lines.append(words.TROUBLE.format(trouble=prose(case.trouble, 600)))
    if case.away and action is not None and action.state == "waiting":
        since, _, until = case.away.partition(" ")
        lines.append(words.AWAY.format(since=_clock(since), until=_clock(until)))
    for past in case.past[-3:]:
        decided = words.DECIDED_BY.format(who=person(past.decided_by)) if past.decided_by else ""
        told = words.EARLIER_ACTION.format(
            kind=words.KIND[past.kind], who=person(past.requested_by), state=past.state, decided=decided
        )
        lines.append(words.EARLIER.format(what=told))
    return [section("\n".join(lines))] if lines else []


def _clock(at: str) -> str:
    """A moment (UNIX time, whole seconds) in the reader's own time zone."""
    return moment(int(at), "{time_secs}") if at.isdecimal() and len(at) < 12 else prose(at, 40)


def _attempt(case: Case) -> str:
    number = case.action.new_attempt if case.action and case.action.new_attempt else case.key.attempt + 1
    return f" (attempt {number})"


def _elapsed(case: Case, now: datetime) -> str:
    """Time gone by since the case was opened, only while we work on it and once it is worth saying."""
    try:
        seconds = (now - case.opened).total_seconds()
    except TypeError:  # one of them has no time zone
        return ""
    if case.state not in _PROGRESS or seconds < 60:
        return ""
    return f" _{seconds / 60:.0f} min so far_" if seconds < 7200 else f" _{seconds / 3600:.0f} h so far_"


def _action(case: Case, action: Action) -> str:
    names = [person(user) for user in action.approvals[:10]]
    text = releases.action_words(action).format(
        who=person(action.requested_by),
        approvals=len(action.approvals),
        needed=action.needed,
        names=f" ({', '.join(names)})" if names else "",
        approved=f", approved by {', '.join(names)}" if names else "",
        attempt=_attempt(case),
        decliner=person(action.decided_by) if action.decided_by else "somebody",
    )
    if action.state == "waiting" and action.expires:
        text += f" Lapses {moment(int(action.expires))}."
    if action.state == "waiting" and action.approvers:
        left = [approver(who) for who in action.approvers[:10] if who not in action.approvals]
        text += words.MAY_APPROVE.format(who=", ".join(left)) if left else ""
    return text


def _actions(case: Case) -> list[Block]:
    """Only what may be pressed now. The value is an opaque id; what it does lives in the store."""
    elements = []
    for name, style in _BUTTONS.items():
        value = case.buttons.get(name)
        if not value or len(value) > 2000:
            continue
        button = _button(f"medic.{name}", words.BUTTON[name], value, style)
        if name == "rerun":
            button["confirm"] = _confirm(case)
        elif name == "restore":
            button["confirm"] = releases.dialog(words.CONFIRM_RESTORE, words.CONFIRM_RESTORE_TEXT, words.CONFIRM_ASK)
        elif name == "approve" and case.action is not None:
            what = words.CONFIRM_APPROVE_TEXT.format(what=_what(case, case.action))
            button["confirm"] = releases.dialog(words.CONFIRM_APPROVE, what, words.BUTTON["approve"])
        elements.append(button)
    elements += _rollbacks(case)
    return [{"type": "actions", "elements": elements}] if elements else []


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
            label = words.BUTTON_ROLLBACK.format(app=clip(bare(plan.app), 40))
            found.append({**_button(action_id, label, value, "danger"), "confirm": releases.confirm_rollback(plan)})
    return found


def _what(case: Case, action: Action) -> str:
    """What is approved, in one plain sentence."""
    if action.plan is not None:
        return clip(bare(releases.what_is_decided(action)), 200) + "."
    return clip(f"{words.CONFIRM_TITLE} {_plain_run(case)}", 200)


def _confirm(case: Case) -> Block:
    """Says what will happen, before it does. Plain text: nothing of the CI's is interpreted."""
    failed = len(case.build.failed_jobs) if case.build else 0
    text = words.CONFIRM_TEXT.format(
        ci=clip(bare(case.key.ci), 30),
        jobs=words.N_JOBS.format(n=failed) if failed > 1 else words.ONE_JOB,
        run=clip(_plain_run(case), 70),
        attempt=case.key.attempt + 1,
    )
    return releases.dialog(words.CONFIRM_TITLE, text, words.CONFIRM_YES)


def _plain_run(case: Case) -> str:
    build = case.build
    title = build.title if build and build.title else "run"
    name = f"{title} #{build.number}" if build and build.number else f"{title} {case.key.run}"
    return re.sub(r"[<>&@\s]+", " ", bare(name)).strip() or "this run"


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
        parts.append(words.PROBED_FROM.format(vantage=prose(", ".join(v for v in vantages if v), 80)))
    return context(" · ".join(p for p in parts if p))
