"""`/medic ...`: what was typed, and the answers that need no looking up. Pure."""

import difflib
import re
from collections.abc import Sequence
from typing import Literal

from bot.model import Noun
from bot.model.case import Case
from bot.model.language import heard, tr
from bot.ports import Status
from bot.slack import words
from bot.slack.mrkdwn import clip, link, moment, person, prose, span

Verb = Literal["triage", "rerun", "rollback", "approvals", "status", "pause", "resume"]
_WITH_URL = ("triage", "rerun")
_ALONE = ("approvals", "status", "pause", "resume")
_LATER = ("probe", "checkup", "history", "stats", "playbooks", "mute", "unmute")
_NOW = ("help", "rollback", *_WITH_URL, *_ALONE)
_DEPLOY = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})(?:\s+([A-Za-z0-9][A-Za-z0-9._+/-]{0,99}))?")


class Typed(Noun):
    """Either a `verb` to carry out, or an `answer` that is ready now."""

    verb: Verb | None = None
    url: str = ""
    deploy: str = ""  # of rollback
    revision: str | None = None
    answer: str = ""


def read(text: str) -> Typed:
    """What the person typed after `/medic`."""
    name, _, rest = text.strip().partition(" ")
    name, rest = name.lower() or "help", rest.strip()
    if name == "help":
        return Typed(answer=tr(words.HELP))
    if name in _WITH_URL:
        url = _url(rest)
        if url is None:
            return Typed(answer=tr(words.NEEDS_URL, command=name))
        return Typed(verb="triage" if name == "triage" else "rerun", url=url)
    if name == "rollback":
        named = _DEPLOY.fullmatch(rest.strip("`"))
        if named is None:
            return Typed(answer=tr(words.NEEDS_DEPLOY))
        return Typed(verb="rollback", deploy=named[1], revision=named[2])
    for verb in _ALONE:
        if name == verb:
            answer = tr(words.TAKES_NONE, command=name)
            return Typed(answer=answer) if rest else Typed.model_validate({"verb": verb})
    if name in _LATER:
        return Typed(answer=tr(words.LATER, command=name))
    near = difflib.get_close_matches(name, _NOW, 1, 0.5)
    given = prose(clip(name, 40), 80)
    return Typed(answer=tr(words.UNKNOWN_COMMAND, given=given, nearest=near[0] if near else "help"))


def _url(text: str) -> str | None:
    """Slack may hand a typed URL over as it is, or as `<url|label>` with entities."""
    match = re.fullmatch(r"<?(https?://[^\s<>|]+)(?:\|[^<>]*)?>?", text)
    return match.group(1).replace("&amp;", "&") if match else None


def approvals_text(waiting: Sequence[tuple[Case, str | None]]) -> str:
    """The answer to `/medic approvals`, as Slack's mrkdwn."""
    lines = []
    for case, url in waiting:
        action = case.action
        if action is None:
            continue
        at = int(action.expires or 0)
        lapses = f", lapses {moment(at, 'at {time}')}" if at else ""
        if action.plan is not None:
            plan = action.plan
            text = words.OF_DEPLOY if action.kind == "rollback" else words.OF_DEPLOY_ALONE
            what = tr(
                text, kind=tr(words.KIND[action.kind]), app=plan.app, environment=plan.environment,
                target=plan.target.revision[:12],
            )  # fmt: skip
        else:
            what = tr(words.OF_CASE, kind=tr(words.KIND[action.kind]), case=case.id)
        lines.append(
            tr(words.APPROVALS_LINE, what=prose(what, 200), approvals=len(action.approvals), needed=action.needed,
                who=person(action.requested_by), lapses=lapses, link=f" – {link(url, 'open')}" if url else "",
            )
        )  # fmt: skip
    return "\n".join([tr(words.APPROVALS), *lines]) if lines else tr(words.NO_APPROVALS)


def status_text(status: Status) -> str:
    """The answer to `/medic status`, as Slack's mrkdwn."""
    lines = [
        tr(
            words.STATUS_HEAD,
            version=status.version,
            open=status.open_cases,
            read=status.notices_read,
            unread=status.notices_unread,
        )
    ]
    if status.paused:
        # made by the desk, with a mention of the person who did it
        lines.append(tr(words.STATUS_PAUSED, paused=heard(status.paused[:200])))
    if status.services:
        lines.append(tr(words.STATUS_SERVICES))
        marks = {True: ":white_check_mark:", False: ":x:"}
        lines += [f"{marks[c.ok]} {prose(c.what, 80)}: {prose(c.detail, 200)}" for c in status.services[:15]]
    if status.recent:
        lines.append(tr(words.STATUS_RECENT))
    for case in status.recent[:8]:
        causes = ", ".join(span(c, 60) for c in case.causes[:3])
        trouble = f" – {prose(heard(case.trouble), 160)}" if case.trouble else ""
        waits = case.action is not None and case.action.state == "waiting"
        how = tr(words.WAITS, kind=tr(words.KIND[case.action.kind])) if waits and case.action else case.state
        lines.append(f"• {span(case.id, 160)} {how}" + (f": {causes}" if causes else "") + trouble)
    return "\n".join(lines)
