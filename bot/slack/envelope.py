"""What Slack sends, before it is worked on: is it genuine, what is it, under which id is it kept. Pure.

Signing: https://docs.slack.dev/authentication/verifying-requests-from-slack (v0, HMAC-SHA256, five minutes).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from bot.model import Noun
from bot.model.errors import BadPayload, BadSignature

STALE = 300  # seconds
KEPT_HEADERS = ("content-type", "x-slack-retry-num", "x-slack-retry-reason", "x-slack-request-timestamp")
MODE = "x-buildmedic-mode"  # "socket_mode" where the request came by WebSocket


class Inbound(Noun):
    """A request that was read: `delivery` is its id, the same for Slack's repeats."""

    kind: str  # event, interaction, command, url_verification, ssl_check
    delivery: str
    payload: dict[str, Any]


def verify(secret: str | None, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raises BadSignature with the reason. `headers` in lower case."""
    if not secret:
        raise BadSignature("no slack.signing_secret is configured, so nothing is taken over HTTP")
    stamp, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not stamp or not given:
        raise BadSignature("the request is not signed")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise BadSignature("the timestamp of the signature is no number")
    if abs(now - int(stamp)) > STALE:
        raise BadSignature("the signature is stale: more than five minutes old, or this host's clock is off")
    expected = "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise BadSignature("the signature does not match: is slack.signing_secret that of this app?")


def read_http(content_type: str, body: bytes) -> Inbound:
    """Events come as JSON; interactions as a form with `payload`; commands as a form. Raises BadPayload."""
    text = _utf8(body)
    if content_type.split(";", 1)[0].strip().lower() == "application/json" or text.lstrip()[:1] == "{":
        return read_event(_json(text))
    form = {k: v[-1] for k, v in parse_qs(text, keep_blank_values=True, max_num_fields=500).items()}
    if form.get("ssl_check") == "1":
        return Inbound(kind="ssl_check", delivery="ssl_check", payload={})
    if "payload" in form:
        return read_interaction(_json(form["payload"]), body)
    if form.get("command"):
        return read_command(form, body)
    raise BadPayload("this is no event, interaction or command of Slack's")


def read_socket(kind: str, payload: Any) -> Inbound:
    """An envelope of Socket Mode: events_api, interactive, slash_commands. Raises BadPayload."""
    if not isinstance(payload, dict):
        raise BadPayload("the envelope has no payload")
    body = json.dumps(payload, sort_keys=True).encode()
    if kind == "events_api":
        return read_event(payload)
    if kind == "interactive":
        return read_interaction(payload, body)
    if kind == "slash_commands":
        return read_command(payload, body)
    raise BadPayload(f"an envelope of the kind {kind[:40]!r} is not known")


def read_event(data: Any) -> Inbound:
    if not isinstance(data, dict):
        raise BadPayload("the JSON is no object")
    if data.get("type") == "url_verification":
        if not isinstance(data.get("challenge"), str):
            raise BadPayload("url_verification without a challenge")
        return Inbound(kind="url_verification", delivery="url_verification", payload=data)
    event_id, event = data.get("event_id"), data.get("event")
    if data.get("type") == "event_callback" and isinstance(event, dict) and isinstance(event.get("type"), str):
        if not isinstance(event_id, str) or not event_id:
            raise BadPayload("an event without event_id")
        return Inbound(kind="event", delivery=f"event:{event_id[:200]}", payload=data)
    if data.get("type") == "app_rate_limited":
        return Inbound(kind="event", delivery=f"limited:{data.get('minute_rate_limited')}", payload=data)
    raise BadPayload("this JSON is no event of Slack's")


def read_interaction(data: Any, body: bytes) -> Inbound:
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise BadPayload("the interaction's payload is no object with a type")
    actions = data.get("actions")
    whole = isinstance(actions, list) and bool(actions) and all(isinstance(a, dict) for a in actions)
    if data["type"] == "block_actions" and not whole:
        raise BadPayload("a block_actions payload without its actions")
    return Inbound(kind="interaction", delivery=f"action:{_trigger(data, body)}", payload=data)


def read_command(data: Mapping[str, Any], body: bytes) -> Inbound:
    if not isinstance(data.get("command"), str) or not isinstance(data.get("user_id"), str):
        raise BadPayload("a slash command without command or user_id")
    return Inbound(kind="command", delivery=f"command:{_trigger(data, body)}", payload=dict(data))


def _trigger(data: Mapping[str, Any], body: bytes) -> str:
    """`trigger_id` is new for each click and each command; without one the bytes stand for themselves."""
    trigger = data.get("trigger_id")
    return trigger[:200] if isinstance(trigger, str) and trigger else hashlib.sha256(body).hexdigest()


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadPayload("the body is not UTF-8") from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadPayload("the body is not JSON") from error
