"""CI notices in Slack, read by content and URL and not by a list of layouts. Pure.

Apps put the facts anywhere: in the text, in attachments (Jenkins, GitLab and Travis post nothing else), in blocks, in
the blocks of attachments (GitHub), on buttons. So the whole message is walked; what looks like text or a URL is taken.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from bot.model import Noun
from bot.model.case import MessageRef
from bot.ports import NoticeVerdict
from bot.slack.verdicts import STATUS_LINE, STATUS_NAME, verdict_of

_IGNORED = frozenset({
    "message_deleted", "message_replied", "tombstone", "channel_join", "channel_leave", "channel_topic",
    "channel_purpose", "channel_name", "channel_archive", "channel_unarchive", "group_join", "group_leave",
    "group_topic", "group_purpose", "group_name", "bot_add", "bot_remove", "pinned_item", "unpinned_item",
    "reminder_add", "ekm_access_denied", "me_message", "file_comment", "assistant_app_thread",
    "channel_convert_to_private", "channel_posting_permissions",
})  # fmt: skip
_MAX_PIECES, _MAX_URLS, _MAX_TEXT, _MAX_DEPTH = 400, 60, 20_000, 24


class NoticeSeen(Noun):
    """What an app's message says. `message` is the thread's root where the app answered in a thread of its own.
    `why` says what decided the verdict, or why there is none."""

    message: MessageRef
    urls: tuple[str, ...]
    verdict: NoticeVerdict
    app: str
    why: str


def read_notice(event: Mapping[str, Any], own: Collection[str] = ()) -> NoticeSeen | None:
    """Read the `event` of a Slack `message` event; None for what is no app's message (people, deletions, our own).

    `own`: the bot's own user and bot ids. Never raises, whatever the shape.
    """
    subtype = event.get("subtype")
    message = event.get("message") if subtype == "message_changed" else event
    if not isinstance(message, Mapping) or {str(subtype), str(message.get("subtype"))} & _IGNORED:
        return None
    channel, ts = event.get("channel"), message.get("thread_ts") or message.get("ts")
    if not isinstance(channel, str) or not isinstance(ts, str) or not _by_an_app(message):
        return None
    if {str(message.get("bot_id")), str(message.get("user"))} & set(own):
        return None
    pieces = _Pieces()
    pieces.take(message)
    verdict, why = verdict_of(pieces.status, pieces.texts, pieces.colours)
    if not pieces.urls:
        verdict, why = "unclear", "there is no link in it"
    return NoticeSeen(
        message=MessageRef(channel=channel, ts=ts),
        urls=tuple(sorted(pieces.urls, key=_aim)),
        verdict=verdict,
        app=_app(message),
        why=why,
    )


def _by_an_app(message: Mapping[str, Any]) -> bool:
    """People are always there with a user id and without the marks of an app."""
    marks = ("bot_id", "app_id", "bot_profile")
    return any(message.get(m) for m in marks) or message.get("subtype") == "bot_message" or not message.get("user")


def _app(message: Mapping[str, Any]) -> str:
    profile = message.get("bot_profile")
    names = [profile.get("name") if isinstance(profile, Mapping) else None, message.get("username")]
    return next((str(n)[:80] for n in [*names, message.get("bot_id"), message.get("app_id")] if n), "an app")


# what the message is made of

_TEXT_KEYS = (
    "text",
    "pretext",
    "title",
    "value",
    "fallback",
    "footer",
    "author_name",
    "label",
    "alt_text",
    "description",
)
_URL_KEYS = ("title_link", "url", "from_url", "original_url", "author_link", "app_unfurl_url", "video_url")
_SKIP_KEYS = frozenset({
    "bot_profile", "icons", "metadata", "edited", "reactions", "previous_message", "root", "style", "files", "confirm",
})  # fmt: skip
_ENTITY = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_BARE = re.compile(r"https?://[^\s<>|\"'`]+")


class _Pieces:
    """Texts and URLs of a message, in reading order; bounded, whatever the message holds."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.status: list[str] = []
        self.colours: list[str] = []
        self.urls: dict[str, None] = {}

    def take(self, node: Any, depth: int = 0) -> None:
        if depth > _MAX_DEPTH or len(self.texts) >= _MAX_PIECES:
            return
        if isinstance(node, list | tuple):
            for item in node:
                self.take(item, depth + 1)
        elif isinstance(node, Mapping):
            self._mapping(node, depth)

    def _mapping(self, node: Mapping[str, Any], depth: int) -> None:
        if isinstance(node.get("color"), str):
            self.colours.append(node["color"].lower().lstrip("#"))
        if node.get("type") == "emoji" and isinstance(node.get("name"), str):
            self._text(f":{node['name']}:")
        title, value = node.get("title"), node.get("value")
        is_field = isinstance(title, str) and isinstance(value, str)
        if is_field and STATUS_NAME.fullmatch(_plain(str(title))):
            self.status.append(_plain(str(value)))
        is_button = node.get("type") in ("button", "overflow", "workflow_button")
        for key in _TEXT_KEYS:
            text = node.get(key)
            if isinstance(text, str) and not (is_button and key in ("value", "text")):
                self._text(text)
        for key in _URL_KEYS:
            if isinstance(node.get(key), str):
                self._url(node[key])
        for key, child in node.items():
            if key not in _SKIP_KEYS and isinstance(child, Mapping | list | tuple):
                if is_button and key == "text":
                    continue  # "Re-run failed jobs" on a button tells nothing of the status
                self.take(child, depth + 1)

    def _text(self, text: str) -> None:
        text = text[:_MAX_TEXT]
        if text.strip("[]") == "no preview available":
            return
        for target, _ in _ENTITY.findall(text):
            self._url(target)
        for target in _BARE.findall(_ENTITY.sub(" ", text)):
            self._url(target.rstrip(".,;:!?)]}»。，"))
        plain = _plain(text)
        for name, value in STATUS_LINE.findall(plain):
            if STATUS_NAME.fullmatch(name.strip()):
                self.status.append(value)
        if plain and plain not in self.texts:
            self.texts.append(plain)

    def _url(self, url: str) -> None:
        url = _unescape(url).strip()
        if url.startswith(("http://", "https://")) and len(url) <= 2000 and len(self.urls) < _MAX_URLS:
            self.urls.setdefault(url)


_RUN = re.compile(r"/(?:runs?|jobs?|pipelines?|builds?|_build|workflows?|results)(?:/|\?|$)", re.I)
_ASIDE = re.compile(r"/(?:commits?|compare|tree|blob|branches|users?)(?:/|$)", re.I)


def _aim(url: str) -> int:
    """Addresses of runs and jobs first, those of commits and branches last: the first that a CI knows is taken."""
    return 0 if _RUN.search(url) else 2 if _ASIDE.search(url) else 1


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _plain(text: str) -> str:
    """As it is read: labels of links instead of their addresses, entities undone, marks of bold and code dropped."""

    def shown(match: re.Match[str]) -> str:
        target, label = match.group(1), match.group(2)
        return label if label else " " if target.startswith(("http", "mailto")) else target

    text = _BARE.sub(" ", _ENTITY.sub(shown, text))
    return re.sub(r"[*`]+", "", _unescape(text)).strip()
