"""Text for Slack: what comes from logs, CIs and people is made harmless here, and cut to size. Pure.

Facts about Slack: `&`, `<` and `>` are its control characters (mentions, channel calls and links are all `<...>`);
three back-ticks end a code block; https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from datetime import UTC, datetime

from bot.triage.redact import redact

ELLIPSIS = "…"
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_MENTION = re.compile(r"&lt;@([UW][A-Z0-9]{2,30})&gt;")
_URL = re.compile(r"https?://[^\s<>|`\"\\^{}\x00-\x20\x7f]+")
_FORMAT = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})


def escape(text: str) -> str:
    """`&`, `<` and `>` as entities: nothing in the text can mention, call or link any more."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def bare(text: str) -> str:
    """Without control characters, overrides of the writing direction, zero-width marks and broken code points; and
    without secrets, whichever way they came: every text from outside passes here before it is cut."""
    return redact(_SURROGATE.sub("\ufffd", _CONTROL.sub("", text.replace("\r\n", "\n").replace("\t", "    "))))


def clip(text: str, limit: int) -> str:
    """At most `limit` characters; a cut is marked."""
    if len(text) <= limit:
        return text
    return text[: max(0, limit - 1)].rstrip() + ELLIPSIS if limit > 0 else ""


def clip_escaped(text: str, limit: int) -> str:
    """Escape, and cut so that the *escaped* text has at most `limit` characters (never through an entity)."""
    whole = escape(text)
    if len(whole) <= limit:
        return whole
    out, room = [], limit - 1
    for char in text:
        piece = escape(char)
        room -= len(piece)
        if room < 0:
            break
        out.append(piece)
    return "".join(out).rstrip() + ELLIPSIS


def prose(text: str, limit: int = 300) -> str:
    """One line of running text: escaped, white space folded, formatting marks made plain."""
    line = _SPACE.sub(" ", bare(text).translate(_FORMAT)).strip()
    return clip_escaped(line, limit)


def said(text: str, limit: int = 2900) -> str:
    """What we say to a person: lines and marks kept, escaped, but mentions of people (`<@U...>`) stay mentions."""
    return _MENTION.sub(r"<@\1>", clip_escaped(bare(text), limit))


def line_of_code(text: str, limit: int) -> str:
    """One line for a code block. Three back-ticks would end the block: a zero-width space keeps them apart."""
    line = bare(text).replace("\n", " ").rstrip()
    line = clip_escaped(line, limit)
    return line.replace("``", "`\u200b`")


def fence(lines: list[str]) -> str:
    """A code block of lines that went through `line_of_code`."""
    return "```\n" + "\n".join(lines) + "\n```"


def code(text: str, *, lines: int, width: int) -> str:
    """A code block of at most so many lines, each at most so wide; says how many lines were left out."""
    given = bare(text).strip("\n").split("\n")
    kept = [line_of_code(line, width) for line in given[:lines]]
    if len(given) > lines:
        kept.append(f"{ELLIPSIS} {len(given) - lines} more lines")
    return fence(kept)


def span(text: str, limit: int = 120) -> str:
    """Inline code of one line."""
    inner = clip_escaped(_SPACE.sub(" ", bare(text)).replace("`", "ˋ").strip(), limit)
    return f"`{inner}`" if inner else ""


def safe_url(url: str | None) -> str | None:
    """The URL if it can stand inside `<url|label>` and leads to the web; else None."""
    if url is None or len(url) > 1500 or not _URL.fullmatch(url):
        return None
    return escape(url)


def link(url: str | None, label: str, limit: int = 120) -> str:
    """`<url|label>`, or the label alone where the URL is not usable."""
    words = prose(label, limit).replace("|", "¦")
    target = safe_url(url)
    return f"<{target}|{words}>" if target and words else words


def moment(at: int, form: str = "{date_short_pretty} at {time}") -> str:
    """A UNIX time in the reader's own time zone, in one of Slack's forms; in UTC where Slack cannot tell."""
    at = max(0, min(at, 32_000_000_000))
    return f"<!date^{at}^{form}|{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC>"


def approver(who: str) -> str:
    """A person, or a user group, as a mention."""
    return f"<!subteam^{who}>" if re.fullmatch(r"S[A-Z0-9]{2,30}", who) else person(who)


def person(user: str) -> str:
    """A mention where it is a Slack user id, else the plain name."""
    return f"<@{user}>" if re.fullmatch(r"[UW][A-Z0-9]{2,30}", user) else prose(user, 60)
