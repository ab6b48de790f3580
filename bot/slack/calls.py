"""Calls to Slack's Web API: what is tried again, what it means when Slack says no, and the pace of posting.

Errors are translated here, once: everything that may pass becomes `Unavailable`, a definite no becomes `Refused`
with the thing to do in words. Error names: https://docs.slack.dev/reference/methods/chat.postMessage (each method).
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from bot.model.errors import Refused, ServiceError, Unavailable

SERVICE = "slack"
_TRIES = 2  # beyond the first
_PATIENCE = 10.0  # seconds of Retry-After that are waited out on the spot; longer ones go to the caller
_NOT_TWICE = ("chat.postMessage", "apps.connections.open")  # may have worked although the answer was lost
_PASSING = frozenset({
    "ratelimited", "rate_limited", "message_limit_exceeded", "internal_error", "fatal_error", "service_unavailable",
    "request_timeout", "team_added_to_org", "accesslimited",
})  # fmt: skip
_LONG = frozenset({"msg_too_long", "msg_blocks_too_long", "too_many_blocks", "invalid_blocks", "invalid_blocks_format"})


class TooLong(Refused):
    """Slack finds the message too long or its blocks unfit: a shorter rendering may do."""


class MessageGone(Refused):
    """The message to change was deleted, or may not be changed any more."""


class _Handler(AsyncRetryHandler):
    """Waits with jittered back-off, or as long as Retry-After says."""

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        asked = _retry_after(response.headers if response is not None else {})
        pause = asked if asked is not None else 0.3 * 2**state.current_attempt * random.uniform(0.5, 1)  # noqa: S311 jitter
        await asyncio.sleep(pause)
        state.next_attempt_requested = True
        state.increment_current_attempt()


class NoConnection(_Handler):
    """Refused connections are always safe to try again; a connection lost half-way only where twice does no harm."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        import aiohttp

        if isinstance(error, aiohttp.ClientConnectorError):
            return True
        lost = (aiohttp.ServerConnectionError, aiohttp.ClientOSError)
        return isinstance(error, lost) and _twice_is_harmless(request)


class RateLimited(_Handler):
    """429 was not carried out: try again when Retry-After says so, if that is soon. `told` hears of every one."""

    def __init__(self, max_retry_count: int, told: Callable[[], None]) -> None:
        super().__init__(max_retry_count=max_retry_count)
        self._told = told

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or response.status_code != 429:
            return False
        self._told()
        asked = _retry_after(response.headers)
        return asked is None or asked <= _PATIENCE


class ServerTrouble(_Handler):
    """Any 5xx (slack_sdk's own handler knows 500 and 503 only)."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        return response is not None and response.status_code >= 500 and _twice_is_harmless(request)


def handlers(told: Callable[[], None] = lambda: None) -> list[AsyncRetryHandler]:
    """What is tried again on the spot. `told` is called for every 429."""
    return [
        NoConnection(max_retry_count=_TRIES),
        RateLimited(_TRIES, told),
        ServerTrouble(max_retry_count=_TRIES),
    ]


def _twice_is_harmless(request: HttpRequest) -> bool:
    return not str(request.url).rstrip("/").endswith(_NOT_TWICE)


def _retry_after(headers: Any) -> float | None:
    """Seconds; None where absent or unreadable. slack_sdk hands values as lists or as text."""
    for name, value in dict(headers or {}).items():
        if str(name).lower() == "retry-after":
            text = value[0] if isinstance(value, list | tuple) and value else value
            try:
                return min(3600.0, max(0.0, float(text)))
            except (TypeError, ValueError):
                return None
    return None


def proxy_for(url: str) -> str | None:
    """The proxy that the environment wants for this URL. slack_sdk reads the variables itself and forgets no_proxy."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)


async def call(do: Callable[[], Awaitable[Any]], what: str, *, place: str = "", bot: str = "buildmedic") -> Any:
    """Run one API call; `what` names it, `place` its channel. Raises Unavailable, TooLong, MessageGone, Refused."""
    import aiohttp

    try:
        return await do()
    except SlackApiError as error:
        raise translated(error, what, place, bot) from error
    except TimeoutError as error:
        raise Unavailable(SERVICE, f"{what}: no answer in time") from error
    except (AttributeError, TypeError, UnicodeDecodeError) as error:
        # slack_sdk trips over answers that are no JSON objects: something in between answered for Slack
        raise Unavailable(SERVICE, f"{what}: the answer is not Slack's") from error
    except (aiohttp.ClientError, SlackClientError, OSError) as error:
        raise Unavailable(SERVICE, f"{what}: {_brief(error)}") from error


def _brief(error: Exception) -> str:
    text = str(error).split("\n")[0][:200] or type(error).__name__
    return "the connection broke off" if "ServerDisconnected" in type(error).__name__ else text


def translated(error: SlackApiError, what: str, place: str = "", bot: str = "buildmedic") -> ServiceError:
    """One of our errors, for what Slack said."""
    answer: Any = error.response
    status = int(getattr(answer, "status_code", None) or getattr(answer, "status", None) or 0)
    data = getattr(answer, "data", None)
    fields: dict[str, Any] = data if isinstance(data, dict) else {}
    code = str(fields.get("error") or "")
    retry_after = _retry_after(getattr(answer, "headers", None))
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return Unavailable(SERVICE, f"{what}: too many requests (429)", retry_after or 1.0)
    if status >= 500 or code in _PASSING:
        return Unavailable(SERVICE, f"{what}: {code or f'HTTP {status}'}", retry_after)
    if not code and status == 404:
        return Refused(SERVICE, f"{what}: the server at slack.api_url has no such method (unknown_method)", status)
    if not code:
        return Unavailable(SERVICE, f"{what}: the answer (HTTP {status}) is not Slack's", retry_after)
    if code in _LONG:
        return TooLong(SERVICE, f"{what}: the message does not fit ({code})", status)
    if code in ("message_not_found", "cant_update_message", "edit_window_closed"):
        return MessageGone(SERVICE, f"{what}: {_WORDS[code]} ({code})", status)
    return Refused(SERVICE, f"{what}: {_say(code, fields, place, bot)}", status)


_WORDS = {
    "message_not_found": "the message is not there any more; somebody deleted it",
    "cant_update_message": "that message is not the bot's own",
    "edit_window_closed": "the workspace does not let messages be edited that late",
    "invalid_auth": "the bot token is not valid: check slack.bot_token (invalid_auth)",
    "not_authed": "no token was sent: check slack.bot_token (not_authed)",
    "account_inactive": "the bot's account was switched off: install the Slack app again (account_inactive)",
    "token_revoked": "the token was revoked: install the Slack app again and put its new token into slack.bot_token"
    " (token_revoked)",
    "token_expired": "the token has expired: install the Slack app again (token_expired)",
    "org_login_required": "the workspace is being moved to an organisation: try again later (org_login_required)",
    "user_not_in_channel": "that person is not in the channel (user_not_in_channel)",
    "thread_not_found": "the thread is not there any more; its first message was deleted (thread_not_found)",
}


def _say(code: str, fields: dict[str, Any], place: str, bot: str) -> str:
    """What is wrong and what to do, with Slack's own word for it at the end."""
    if code in _WORDS:
        return _WORDS[code]
    here = f"#{place}" if place and not place[:1].isupper() else place or "the channel"
    if code == "missing_scope":
        needed = fields.get("needed") or "another scope"
        return (
            f"the bot token lacks the scope {needed}: add it under “OAuth & Permissions” of the Slack app, install the"
            " app again (missing_scope)"
        )
    if code == "not_in_channel":
        return f"the bot is not a member of {here}: type `/invite @{bot}` in {here} (not_in_channel)"
    if code == "channel_not_found":
        return (
            f"{here} does not exist, or it is private and the bot is no member: check the id, and type"
            f" `/invite @{bot}` in {here} (channel_not_found)"
        )
    if code == "is_archived":
        return f"{here} is archived: unarchive it, or name another channel in the configuration (is_archived)"
    if code in ("restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel"):
        return f"the workspace does not let the bot post in {here}: an admin has to allow it ({code})"
    return code


class Pace:
    """Slack lets bursts through and asks for about one message a second and channel when it has had enough: from a 429
    on, and for five minutes, `gap` seconds are kept between two posts into one channel."""

    _CALM = 300.0  # seconds without a 429 until bursts are tried again

    def __init__(self, gap: float = 1.0) -> None:
        self._gap = gap
        self._until = 0.0
        self._free: dict[str, float] = {}

    def limited(self) -> None:
        """Slack has said 429."""
        self._until = time.monotonic() + self._CALM

    async def wait(self, channel: str) -> None:
        now = time.monotonic()
        if now >= self._until:
            return
        slot = max(now, self._free.get(channel, 0.0))
        self._free[channel] = slot + self._gap
        if slot > now:
            await asyncio.sleep(slot - now)
        if len(self._free) > 1000:
            self._free = {c: t for c, t in self._free.items() if t > now}
