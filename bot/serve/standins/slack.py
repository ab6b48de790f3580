"""A Slack workspace on this machine: the Web API over real HTTP, signed events, clicks and commands, Socket Mode.

It checks what Slack checks (tokens, membership, limits of blocks, metadata) and says no with Slack's words, so that the
demo shows, and the tests exercise, the bot's real paths. Only what the bot uses is here.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from bot.serve.standins.slack_rules import faults, metadata_fault, too_long

Json = dict[str, Any]
ALL_SCOPES = "chat:write,channels:history,channels:read,commands,users:read,usergroups:read"


class SlackError(Exception):
    """Answered as `{"ok": false, "error": ...}`."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.answer = {"ok": False, "error": error, **more}


@dataclass
class Channel:
    name: str
    members: set[str] = field(default_factory=set)
    messages: dict[str, Json] = field(default_factory=dict)
    archived: bool = False


@dataclass
class Fault:
    """For the next `times` calls of `method` ("" for all): an HTTP status, or Slack's `error`. `after`: the call is
    carried out first, and only its answer is lost."""

    method: str
    times: int = 1
    status: int = 200
    error: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after: bool = False


class SlackStandIn:
    """`events_url` is where the bot listens; None sends everything over Socket Mode. `on_change(kind, what)` is called
    for each thing that people in the workspace would see: message, edit, ephemeral, answer."""

    team = "T0ACME"
    bot_user, bot_id, app_id, bot_name = "U0MEDIC", "B0MEDIC", "A0MEDIC", "buildmedic"

    def __init__(
        self,
        *,
        bot_token: str = "xoxb-stand-in",  # noqa: S107 it opens nothing but this
        app_token: str = "xapp-stand-in",  # noqa: S107
        signing_secret: str = "stand-in-signing-secret",  # noqa: S107
        events_url: str | None = None,
        on_change: Callable[[str, Json], None] = lambda kind, what: None,
        retry_pause: float = 0.05,
    ) -> None:
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self.events_url = events_url
        self.on_change = on_change
        self.retry_pause = retry_pause
        self.scopes: str | None = ALL_SCOPES
        self.channels: dict[str, Channel] = {}
        self.users: dict[str, Json] = {}
        self.groups: dict[str, list[str]] = {}
        self.calls: list[tuple[str, Json]] = []
        self.shown_alone: list[Json] = []
        self.faults: list[Fault] = []
        self.port = 0
        self._aliases: dict[tuple[str, str], str] = {}
        self._response_urls: dict[str, Json] = {}
        self._sockets: list[web.WebSocketResponse] = []
        self._acks: dict[str, asyncio.Future[Json]] = {}
        self._numbers = itertools.count(1)
        self._last_ts = 0.0
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None
        self.add_user("U0ADA", name="ada")
        self.add_user("U0BOB", name="bob")
        self.add_user(self.bot_user, name=self.bot_name, is_bot=True)
        self.add_channel("C0BUILDS", "builds")

    # the workspace

    def add_user(self, user: str, *, name: str, team: str | None = None, **flags: bool) -> None:
        """`flags` as users.info has them: is_restricted, is_ultra_restricted, is_stranger, is_bot, deleted."""
        self.users[user] = {"id": user, "team_id": team or self.team, "name": name, **flags}

    def add_channel(self, channel: str, name: str, *, with_bot: bool = True) -> Channel:
        self.channels[channel] = made = Channel(
            name, set(self.users) if with_bot else set(self.users) - {self.bot_user}
        )
        return made

    def messages(self, channel: str) -> list[Json]:
        """Those of the channel itself, without threads' replies, oldest first."""
        return [m for m in self.channels[channel].messages.values() if m.get("thread_ts", m["ts"]) == m["ts"]]

    def thread(self, channel: str, ts: str) -> list[Json]:
        """The root and its replies, oldest first."""
        return [m for m in self.channels[channel].messages.values() if ts in (m["ts"], m.get("thread_ts"))]

    def ephemerals(self, user: str | None = None) -> list[Json]:
        """What was shown to one person alone."""
        return [e for e in self.shown_alone if user in (None, e["user"])]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    async def start(self, port: int = 0) -> int:
        """Listen on loopback. Returns the port."""
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/response/{id}", self._respond)
        app.router.add_get("/socket", self._socket)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        return self.port

    async def close(self) -> None:
        for socket in list(self._sockets):
            await socket.close()
        if self._http is not None:
            await self._http.close()
            self._http = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def drop_sockets(self) -> None:
        """As Slack does now and then: tell the clients that they have to connect anew."""
        for socket in list(self._sockets):
            await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})

    @property
    def sockets(self) -> int:
        return len(self._sockets)

    # the Web API

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        args = await _arguments(request)
        self.calls.append((method, args))
        fault = self._fault(method)
        if fault is not None and not fault.after:
            return _faulty(fault)
        try:
            answer = self._carry_out(method, args, _token(request, args))
        except SlackError as error:
            answer = error.answer
        if fault is not None:
            return _faulty(fault)
        headers = {"x-oauth-scopes": self.scopes} if self.scopes is not None else {}
        return web.json_response(answer, headers=headers)

    def _fault(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method in ("", method):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def _carry_out(self, method: str, args: Json, token: str | None) -> Json:
        wanted = self.app_token if method == "apps.connections.open" else self.bot_token
        if token is None:
            raise SlackError("not_authed")
        if token != wanted:
            raise SlackError("invalid_auth")
        do = getattr(self, "_do_" + method.replace(".", "_"), None)
        if do is None:
            raise SlackError("unknown_method", req_method=method)
        return {"ok": True, **do(args)}

    def _do_auth_test(self, _args: Json) -> Json:
        return {
            "url": f"{self.url}/", "team": "Acme", "team_id": self.team, "user": self.bot_name,
            "user_id": self.bot_user, "bot_id": self.bot_id, "is_enterprise_install": False,
        }  # fmt: skip

    def _do_apps_connections_open(self, _args: Json) -> Json:
        return {"url": f"ws://127.0.0.1:{self.port}/socket?ticket={next(self._numbers)}"}

    def _do_chat_postMessage(self, args: Json) -> Json:
        channel_id, channel = self._channel(args, must_be_member=True)
        self._check(args, 40_000)
        ts = self._ts()
        message = {
            "type": "message", "user": self.bot_user, "bot_id": self.bot_id, "app_id": self.app_id, "team": self.team,
            "ts": ts, **{k: args[k] for k in ("text", "blocks", "metadata") if args.get(k)},
        }  # fmt: skip
        if args.get("thread_ts"):
            message["thread_ts"] = args["thread_ts"]
        channel.messages[ts] = message
        self.on_change("message", {"channel": channel_id, **message})
        return {"channel": channel_id, "ts": ts, "message": message}

    def _do_chat_update(self, args: Json) -> Json:
        channel_id, channel = self._channel(args)
        self._check(args, 4000)
        message = channel.messages.get(str(args.get("ts")))
        if message is None:
            raise SlackError("message_not_found")
        if message.get("bot_id") != self.bot_id:
            raise SlackError("cant_update_message")
        message.update({k: args[k] for k in ("text", "blocks", "metadata") if k in args})
        message["edited"] = {"user": self.bot_user, "ts": self._ts()}
        self.on_change("edit", {"channel": channel_id, **message})
        return {"channel": channel_id, "ts": message["ts"], "text": message.get("text", "")}

    def _do_chat_postEphemeral(self, args: Json) -> Json:
        channel_id, channel = self._channel(args, must_be_member=True)
        self._check(args, 40_000)
        if args.get("user") not in channel.members:
            raise SlackError("user_not_in_channel")
        self._alone(str(args["user"]), channel_id, str(args.get("text", "")), args.get("thread_ts"))
        return {"message_ts": self._ts()}

    def _alone(self, user: str, channel: str, text: str, thread: str | None = None) -> None:
        shown = {"user": user, "channel": channel, "text": text, "thread_ts": thread}
        self.shown_alone.append(shown)
        self.on_change("ephemeral", shown)

    def _do_conversations_history(self, args: Json) -> Json:
        channel_id, _ = self._channel(args, must_be_member=True)
        return _paged(list(reversed(self.messages(channel_id))), args)

    def _do_conversations_replies(self, args: Json) -> Json:
        channel_id, channel = self._channel(args, must_be_member=True)
        if str(args.get("ts")) not in channel.messages:
            raise SlackError("thread_not_found")
        return _paged(self.thread(channel_id, str(args["ts"])), args)

    def _do_conversations_info(self, args: Json) -> Json:
        channel_id, channel = self._channel(args)
        member = self.bot_user in channel.members
        return {
            "channel": {"id": channel_id, "name": channel.name, "is_member": member, "is_archived": channel.archived}
        }

    def _do_chat_getPermalink(self, args: Json) -> Json:
        channel_id, channel = self._channel(args)
        ts = str(args.get("message_ts"))
        if ts not in channel.messages:
            raise SlackError("message_not_found")
        return {"channel": channel_id, "permalink": f"{self.url}/archives/{channel_id}/p{ts.replace('.', '')}"}

    def _do_users_info(self, args: Json) -> Json:
        if self.scopes is not None and "users:read" not in self.scopes:
            raise SlackError("missing_scope", needed="users:read", provided=self.scopes)
        user = self.users.get(str(args.get("user")))
        if user is None:
            raise SlackError("user_not_found")
        return {"user": user}

    def _do_usergroups_users_list(self, args: Json) -> Json:
        group = self.groups.get(str(args.get("usergroup")))
        if group is None:
            raise SlackError("no_such_subteam")
        return {"users": group}

    def _channel(self, args: Json, *, must_be_member: bool = False) -> tuple[str, Channel]:
        channel_id = str(args.get("channel") or "")
        channel = self.channels.get(channel_id)
        if channel is None:
            raise SlackError("channel_not_found")
        if channel.archived and must_be_member:
            raise SlackError("is_archived")
        if must_be_member and self.bot_user not in channel.members:
            raise SlackError("not_in_channel")
        return channel_id, channel

    def _check(self, args: Json, limit: int) -> None:
        if not args.get("text") and not args.get("blocks"):
            raise SlackError("no_text")
        if len(str(args.get("text") or "")) > limit:
            raise SlackError("msg_too_long")
        blocks = args.get("blocks") or []
        if found := faults(blocks):
            raise SlackError("invalid_blocks", errors=found, response_metadata={"messages": found})
        if too_long(blocks):
            raise SlackError("msg_blocks_too_long")
        if args.get("metadata") is not None and (fault := metadata_fault(args["metadata"])):
            raise SlackError("invalid_metadata_format", response_metadata={"messages": [fault]})

    def _ts(self) -> str:
        self._last_ts = max(time.time(), self._last_ts + 0.000002)
        return f"{self._last_ts:.6f}"

    async def _respond(self, request: web.Request) -> web.Response:
        held = self._response_urls.get(request.match_info["id"])
        if held is None or held["left"] <= 0:
            return web.Response(status=404, text="used_url")
        if (fault := self._fault("response_url")) is not None:
            return _faulty(fault)
        held["left"] -= 1
        body = await request.json()
        self._alone(held["user"], held["channel"], str(body.get("text", "")))
        return web.Response(text="ok")

    def _response_url(self, user: str, channel: str) -> str:
        key = str(next(self._numbers))
        self._response_urls[key] = {"user": user, "channel": channel, "left": 5}
        return f"{self.url}/response/{key}"

    # what people and apps do

    async def post_notice(self, sample: Json, channel: str | None = None) -> str:
        """An app's message or edit, from an event (or its whole `event_callback` envelope) as ../shared's samples are.
        It gets a ts of its own, which is returned; edits find the message that an earlier sample with their ts made."""
        event = json.loads(json.dumps(sample.get("event", sample)))
        place = channel or str(event["channel"])
        event["channel"] = place
        told = event.get("message") or event
        fresh = self._ts()
        if event.get("subtype") != "message_changed":
            self._aliases[place, str(told.get("ts"))] = fresh
        ts = self._aliases.get((place, str(told.get("ts"))), str(told.get("ts")))
        told["ts"] = ts
        if told.get("thread_ts"):
            told["thread_ts"] = self._aliases.get((place, told["thread_ts"]), told["thread_ts"])
        event["event_ts"] = fresh
        if told is not event:
            event["ts"] = fresh
            event.get("previous_message", {})["ts"] = ts
        stored = {k: v for k, v in told.items() if k not in ("channel", "event_ts", "channel_type")}
        self.channels[place].messages[ts] = stored
        self.on_change("edit" if told is not event else "message", {"channel": place, **stored})
        await self.event(event)
        return ts

    async def event(self, event: Json, event_id: str | None = None) -> int:
        """An Events API event; tried three times more, as Slack does, where the bot does not take it. Returns the last
        HTTP status (200 for an acknowledged envelope, 0 for none)."""
        envelope = {
            "token": "deprecated", "team_id": self.team, "api_app_id": self.app_id, "event": event,
            "type": "event_callback", "event_id": event_id or f"Ev{next(self._numbers):08d}",
            "event_time": int(time.time()),
            "authorizations": [{"team_id": self.team, "user_id": self.bot_user, "is_bot": True}],
        }  # fmt: skip
        status = 0
        for attempt in range(4):
            retry = {"x-slack-retry-num": str(attempt), "x-slack-retry-reason": "http_error"} if attempt else {}
            status, _ = await self.deliver("events_api", envelope, retry)
            if 200 <= status < 300:
                return status
            await asyncio.sleep(self.retry_pause * 2**attempt)
        return status

    def button(self, channel: str, ts: str, action_id: str) -> Json:
        """The button of a message as it is now. Raises LookupError where there is none."""
        for block in self.channels[channel].messages[ts].get("blocks") or ():
            for element in block.get("elements") or ():
                if isinstance(element, dict) and element.get("action_id") == action_id:
                    return element
        raise LookupError(f"the message has no button {action_id}")

    async def click(self, user: str, channel: str, ts: str, action_id: str, *, button: Json | None = None) -> int:
        """Press (and confirm) a button; `button` presses one that is no longer shown. Returns the HTTP status."""
        pressed = button or self.button(channel, ts, action_id)
        message = self.channels[channel].messages[ts]
        number = next(self._numbers)
        who = self.users.get(user, {"id": user, "team_id": self.team, "name": user})
        container = {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False}
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        payload = {
            "type": "block_actions", "token": "deprecated", "api_app_id": self.app_id,
            "team": {"id": self.team, "domain": "acme"}, "is_enterprise_install": False,
            "user": {"id": user, "username": who["name"], "name": who["name"], "team_id": who["team_id"]},
            "channel": {"id": channel, "name": self.channels[channel].name}, "container": container,
            "message": message, "trigger_id": f"{number}.{number}.click", "state": {"values": {}},
            "response_url": self._response_url(user, channel),
            "actions": [
                {"type": "button", "block_id": "b", "action_id": action_id, "action_ts": self._ts(),
                 "text": pressed.get("text"), "value": pressed.get("value")}
            ],
        }  # fmt: skip
        return (await self.deliver("interactive", payload, {}))[0]

    async def command(self, user: str, channel: str, text: str, command: str = "/medic") -> int:
        """A slash command. What the bot answers at once is shown to the person alone. Returns the HTTP status."""
        number = next(self._numbers)
        who = self.users.get(user, {"name": user, "team_id": self.team})
        payload = {
            "token": "deprecated", "team_id": who["team_id"], "team_domain": "acme", "channel_id": channel,
            "channel_name": self.channels[channel].name, "user_id": user, "user_name": who["name"], "command": command,
            "text": text, "api_app_id": self.app_id, "is_enterprise_install": "false",
            "response_url": self._response_url(user, channel), "trigger_id": f"{number}.{number}.command",
        }  # fmt: skip
        status, answer = await self.deliver("slash_commands", payload, {})
        if answer.get("text"):
            self._alone(user, channel, str(answer["text"]))
        elif status != 200:
            self._alone(user, channel, f"{command} failed (HTTP {status})")
        return status

    # on its way to the bot

    async def deliver(self, kind: str, payload: Json, headers: Mapping[str, str]) -> tuple[int, Json]:
        """One try, by Socket Mode where the bot is connected that way, else by signed HTTP. Status 0: nobody there."""
        if self._sockets:
            return await self._by_socket(kind, payload)
        if self.events_url is None or self._http is None:
            return 0, {}
        body, content = _encoded(kind, payload)
        sent = {**self.signed(body), "Content-Type": content, **headers}
        try:
            async with self._http.post(self.events_url, data=body, headers=sent) as response:
                text = await response.text()
                answer = json.loads(text) if response.content_type == "application/json" and text else {}
                return response.status, answer if isinstance(answer, dict) else {}
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0, {}

    def signed(self, body: bytes, at: float | None = None) -> dict[str, str]:
        """The headers that prove that a body comes from here. `at`: UNIX time."""
        stamp = str(int(time.time() if at is None else at))
        mac = hmac.new(self.signing_secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=" + mac.hexdigest()}

    async def _by_socket(self, kind: str, payload: Json) -> tuple[int, Json]:
        envelope_id = f"envelope-{next(self._numbers)}"
        ack: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._acks[envelope_id] = ack
        envelope = {"envelope_id": envelope_id, "type": kind, "payload": payload, "accepts_response_payload": True}
        try:
            await self._sockets[-1].send_json(envelope)
            return 200, (await asyncio.wait_for(ack, 3)).get("payload") or {}
        except (TimeoutError, ConnectionError):
            return 0, {}
        finally:
            self._acks.pop(envelope_id, None)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_json({"type": "hello", "num_connections": len(self._sockets)})
        try:
            async for message in socket:
                if message.type == aiohttp.WSMsgType.TEXT:
                    told = json.loads(message.data)
                    ack = self._acks.get(str(told.get("envelope_id")))
                    if ack is not None and not ack.done():
                        ack.set_result(told)
        finally:
            self._sockets.remove(socket)
        return socket


def _encoded(kind: str, payload: Json) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    form = {"payload": json.dumps(payload)} if kind == "interactive" else payload
    return urlencode(form).encode(), "application/x-www-form-urlencoded"


def _token(request: web.Request, args: Json) -> str | None:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ") or args.pop("token", None)


async def _arguments(request: web.Request) -> Json:
    """From the query, a form or JSON; slack_sdk uses all three. Nested values in forms are JSON."""
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        given = await request.json()
        args.update(given if isinstance(given, dict) else {})
    elif request.can_read_body:
        args.update({k: v for k, v in (await request.post()).items() if isinstance(v, str)})
    for key in ("blocks", "metadata"):
        if isinstance(args.get(key), str):
            args[key] = json.loads(args[key])
    return args


def _paged(messages: list[Json], args: Json) -> Json:
    limit, start = min(int(args.get("limit") or 100), 999), int(args.get("cursor") or 0)
    page = messages[start : start + limit]
    wants = str(args.get("include_all_metadata", "")).lower() in ("1", "true")
    shown = page if wants else [{k: v for k, v in m.items() if k != "metadata"} for m in page]
    more = start + limit < len(messages)
    cursor = str(start + limit) if more else ""
    return {"messages": shown, "has_more": more, "response_metadata": {"next_cursor": cursor}}


def _faulty(fault: Fault) -> web.Response:
    if fault.error is not None:
        return web.json_response({"ok": False, "error": fault.error}, headers=dict(fault.headers))
    if fault.status == 429:
        body = json.dumps({"ok": False, "error": "ratelimited"})
        return web.Response(status=429, text=body, content_type="application/json", headers=dict(fault.headers))
    return web.Response(status=fault.status, text="<html>trouble</html>", content_type="text/html")
