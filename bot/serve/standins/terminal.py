"""Slack messages as a terminal shows them: for the demo, and for whoever wants to read a thread without Slack."""

import re
from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

_LINK = re.compile(r"<(?P<url>[^|>]+)(?:\|(?P<label>[^>]*))?>")
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_EMOJI = {
    ":x:": "✗", ":white_check_mark:": "✓", ":warning:": "⚠", ":hourglass_flowing_sand:": "…", ":mag:": "⌕",
    ":arrows_counterclockwise:": "↻", ":question:": "?", ":heavy_check_mark:": "✓",
}  # fmt: skip


def message(shown: dict[str, Any], names: dict[str, str]) -> RenderableType:
    """One message: its blocks, or its text where it has none. `names`: user id -> name."""
    parts: list[RenderableType] = []
    for holder in (shown, *shown.get("attachments", ())):
        for block in holder.get("blocks") or ():
            parts.extend(_block(block, names))
    if not parts:
        said = [str(shown.get("text") or "")]
        for attachment in shown.get("attachments", ()):
            said += [str(attachment.get(k) or "") for k in ("pretext", "title", "text")]
            said += [f"{f.get('title', '')}: {f.get('value', '')}" for f in attachment.get("fields") or ()]
        parts = [_mrkdwn("\n".join(s for s in said if s), names)]
    return Group(*parts)


def _block(block: dict[str, Any], names: dict[str, str]) -> Iterator[RenderableType]:
    kind = block.get("type")
    if kind == "header":
        yield Text(_plain(block["text"]["text"]), style="bold")
    elif kind == "section":
        for text in [block.get("text"), *block.get("fields", ())]:
            if text:
                yield from _section(str(text["text"]), names)
    elif kind == "context":
        words = "  ".join(str(e.get("text") or "") for e in block["elements"] if e.get("type") != "image")
        yield Text.assemble((_mrkdwn(words, names).plain, "dim"))
    elif kind == "actions":
        buttons = [f"[reverse] {escape(e['text']['text'])} [/reverse]" for e in block["elements"] if e.get("text")]
        yield Text.from_markup("  ".join(buttons))
    elif kind == "divider":
        yield Text("─" * 20, style="dim")


def _section(text: str, names: dict[str, str]) -> Iterator[RenderableType]:
    for number, part in enumerate(text.split("```")):
        if not part.strip():
            continue
        if number % 2:
            yield Padding(Panel(Text(_plain(part.strip("\n"))), border_style="dim", expand=False), (0, 0, 0, 1))
        else:
            yield _mrkdwn(part.strip("\n"), names)


def _mrkdwn(text: str, names: dict[str, str]) -> Text:
    def link(match: re.Match[str]) -> str:
        target = match["url"]
        if target.startswith("@"):
            return "@" + names.get(target[1:], target[1:])
        if target.startswith("!date^"):
            return match["label"] or ""
        return match["label"] or target

    plain = _LINK.sub(link, text)
    for code, sign in _EMOJI.items():
        plain = plain.replace(code, sign)
    marked = _SPAN.sub(r"[cyan]\1[/cyan]", _BOLD.sub(r"[bold]\1[/bold]", escape(_plain(plain))))
    try:
        return Text.from_markup(marked)
    except Exception:  # rich's own error for text that looks like markup: shown as it is
        return Text(_plain(plain))


def _plain(text: str) -> str:
    for entity, sign in _ENTITIES:
        text = text.replace(entity, sign)
    return text
