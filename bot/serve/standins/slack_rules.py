"""What Slack refuses in a message, as its block reference documents it (docs.slack.dev/reference/block-kit). Pure.

Stricter than slack_sdk's own validators, which miss option lengths, empty texts, unknown types and the 51st block.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]
_KNOWN = frozenset({"section", "header", "context", "actions", "divider", "image", "rich_text"})
_TOTAL = 13_000  # undocumented; seen as msg_blocks_too_long


def faults(blocks: Any) -> list[str]:
    """Every fault as `path: words`; empty where Slack would take the blocks."""
    if not isinstance(blocks, list):
        return ["blocks: must be an array"]
    found = ["blocks: more than 50"] if len(blocks) > 50 else []
    ids = [b.get("block_id") for b in blocks if isinstance(b, dict) and b.get("block_id")]
    if len(ids) != len(set(ids)):
        found.append("blocks: block_id is not unique")
    for number, block in enumerate(blocks):
        at = f"blocks/{number}"
        if not isinstance(block, dict) or block.get("type") not in _KNOWN:
            found.append(f"{at}: unknown type")
            continue
        if len(str(block.get("block_id") or "")) > 255:
            found.append(f"{at}: block_id over 255")
        found += _block(block, at)
    return found


def too_long(blocks: Any) -> bool:
    return len(json.dumps(blocks, ensure_ascii=False)) > _TOTAL


def _block(block: Json, at: str) -> list[str]:
    kind = block["type"]
    if kind == "section":
        if block.get("text") is None and not block.get("fields"):
            return [f"{at}: a section needs text or fields"]
        found = _text(block["text"], f"{at}/text", 3000) if block.get("text") is not None else []
        fields = block.get("fields") or []
        found += [f"{at}/fields: more than 10"] if len(fields) > 10 else []
        return found + [f for i, t in enumerate(fields) for f in _text(t, f"{at}/fields/{i}", 2000)]
    if kind == "header":
        return _text(block.get("text"), f"{at}/text", 150, plain=True)
    if kind == "context":
        return _list(block, at, 10, lambda e, p: [] if e.get("type") == "image" else _text(e, p, 3000))
    if kind == "actions":
        return _list(block, at, 25, _element)
    return []


def _list(block: Json, at: str, limit: int, each: Any) -> list[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        return [f"{at}/elements: none"]
    found = [f"{at}/elements: more than {limit}"] if len(elements) > limit else []
    ids = [e.get("action_id") for e in elements if e.get("action_id")]
    found += [f"{at}/elements: action_id is not unique"] if len(ids) != len(set(ids)) else []
    return found + [f for i, e in enumerate(elements) for f in each(e, f"{at}/elements/{i}")]


def _text(text: Any, at: str, limit: int, *, plain: bool = False) -> list[str]:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        return [f"{at}: no text object"]
    kinds: Sequence[str] = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    found = [] if text.get("type") in kinds else [f"{at}: type must be one of {kinds}"]
    allowed = {"type", "text", "emoji"} if text.get("type") == "plain_text" else {"type", "text", "verbatim"}
    found += [f"{at}: unknown key {key}" for key in text if key not in allowed]
    length = len(text["text"])
    return found + ([f"{at}: {length} characters, must be 1 to {limit}"] if not 1 <= length <= limit else [])


def _element(element: Json, at: str) -> list[str]:
    if element.get("type") != "button":
        return [f"{at}: only buttons are known here"]
    found = _text(element.get("text"), f"{at}/text", 75, plain=True)
    if len(str(element.get("value") or "")) > 2000:
        found.append(f"{at}: value over 2000")
    if len(str(element.get("action_id") or "")) > 255:
        found.append(f"{at}: action_id over 255")
    if element.get("style") not in (None, "primary", "danger"):
        found.append(f"{at}: unknown style")
    if (confirm := element.get("confirm")) is not None:
        for key, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            found += _text(confirm.get(key), f"{at}/confirm/{key}", limit, plain=key != "text")
    return found


def metadata_fault(metadata: Any) -> str | None:
    """`event_type` and a flat `event_payload` of plain values."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        return "metadata needs event_type"
    payload = metadata.get("event_payload")
    if not isinstance(payload, dict) or any(v is None for v in payload.values()):
        return "metadata needs an event_payload object without nulls"
    return None
