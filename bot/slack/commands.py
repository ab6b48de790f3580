"""`/medic ...`: what was typed, and the answers that need no looking up. Pure."""

import difflib
import re
from typing import Literal

from bot.model import Noun
from bot.model.language import heard, tr
from bot.ports import Status
from bot.slack import words
from bot.slack.mrkdwn import clip, prose, span

Verb = Literal["triage", "rerun", "status", "pause", "resume"]
_WITH_URL = ("triage", "rerun")
_ALONE = ("status", "pause", "resume")
_LATER = ("probe", "checkup", "rollback", "history", "stats", "playbooks", "approvals", "mute", "unmute")
_NOW = ("help", *_WITH_URL, *_ALONE)


class Typed(Noun):
    """Either a `verb` to carry out, or an `answer` that is ready now."""

    verb: Verb | None = None
    url: str = ""
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
    for verb in _ALONE:
        if name == verb:
            answer = tr(words.TAKES_NONE, command=name)
            return Typed(answer=answer) if rest else Typed.model_validate({"verb": verb})
    if name in _LATER:
        return Typed(answer=tr(words.LATER, command=name))
    near = difflib.get_close_matches(name, _NOW, 1, 0.0)
    given = prose(clip(name, 40), 80)
    return Typed(answer=tr(words.UNKNOWN_COMMAND, given=given, nearest=near[0] if near else "help"))


def _url(text: str) -> str | None:
    """Slack may hand a typed URL over as it is, or as `<url|label>` with entities."""
    match = re.fullmatch(r"<?(https?://[^\s<>|]+)(?:\|[^<>]*)?>?", text)
    return match.group(1).replace("&amp;", "&") if match else None


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
        lines.append(f"• {span(case.id, 160)} {case.state}" + (f": {causes}" if causes else "") + trouble)
    return "\n".join(lines)
