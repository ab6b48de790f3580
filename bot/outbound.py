"""How this program speaks HTTP to the services it uses: one client, one set of manners, one translation of errors.

- Every request has time-outs. Only idempotent ones are repeated here, a few times, with jittered back-off, and
  `Retry-After` is obeyed where it is short; a longer wait is the caller's (`Unavailable.retry_after`).
- Answers are read up to a bound. Redirects are not followed, except within one origin and only where asked for.
- Credentials (`private` headers) go to the base URL's own origin and nowhere else, whatever a redirect says.
- What goes wrong becomes `Unavailable` (may pass) or `Refused` (a definite no) of `bot.model.errors`; messages name
  the service, the method and the path, never a query string and never a credential.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from bot import __version__
from bot.model.errors import Refused, ServiceError, Unavailable
from bot.prober.policy import Policy
from bot.triage.redact import redact

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

USER_AGENT = f"buildmedic/{__version__}"
JSON_LIMIT = 16 << 20  # bytes of one answer; a page of 100 GitHub jobs is about 1 MiB
_ERROR_LIMIT = 64 << 10
_BLOCK = 256 << 10
_LONGEST_WAIT = 24 * 3600.0
_UNTOLD_WAIT = 60.0  # GitHub's own advice where a limit is hit and no header says until when
_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def read_json(body: bytes) -> Any:
    """JSON from outside. Half a surrogate pair, which JSON can spell and no database can store, becomes "?".
    Raises ValueError; RecursionError where it is nested too deeply."""
    data = json.loads(body)
    if b"\\ud" in body or b"\\uD" in body:
        data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    return data


@dataclass(frozen=True)
class Answer:
    """A complete answer. `headers` are looked up without regard to case."""

    service: str
    what: str  # method and path, for messages
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Raises Refused when it is not JSON: something else than the service answers at this URL."""
        try:
            return read_json(self.body)
        except (ValueError, RecursionError):
            kind = self.headers.get("content-type", "no content type")[:60]
            raise Refused(
                self.service,
                f"{self.what} answered {self.status} with {kind}, not JSON: is the URL right?",
                self.status,
            ) from None

    @property
    def message(self) -> str:
        """What the service says in words (`message` or `error` of a JSON object), one line, or an empty text."""
        try:
            data = read_json(self.body)
        except (ValueError, RecursionError):
            return ""
        said = (data.get("message") or data.get("error")) if isinstance(data, dict) else None
        return " ".join(said.split())[:300] if isinstance(said, str) else ""


Explain = Callable[[Answer], ServiceError | None]
"""Own words for an answer of 400 and above; None leaves it to the general ones."""


class Stream:
    """An answer whose body is still to come."""

    def __init__(self, outbound: Outbound, response: httpx.Response, what: str) -> None:
        self._outbound, self._response, self._what = outbound, response, what
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    @property
    def redirect(self) -> str | None:
        """The absolute URL that a 3xx points at."""
        location = self.headers.get("location")
        if self.status not in _REDIRECTS or not location:
            return None
        return _join(str(self._response.url), location)

    async def blocks(self) -> AsyncIterator[bytes]:
        """The decoded body, up to 256 KiB at a time. A break raises Unavailable after what had come."""
        async with self._outbound.translate(self._what):
            async for block in self._response.aiter_bytes(_BLOCK):
                yield block


class Outbound:
    """A client of one service. Cheap to make: the connection pool (and httpx itself) comes with the first request.

    `headers` and `private` go to the origin of `base_url` alone. `explain` gives the service's own words for errors.
    Times are in seconds: `connect`, `read` (between two pieces), `total` (one try of `request`), `write_gap` (least
    pause between two requests that change something).
    """

    def __init__(
        self,
        service: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        private: Mapping[str, str] | None = None,
        explain: Explain | None = None,
        connect: float = 10.0,
        read: float = 30.0,
        total: float = 60.0,
        tries: int = 3,
        longest_pause: float = 5.0,
        write_gap: float = 0.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.service, self.base_url = service, base_url.rstrip("/")
        self._headers, self._private = dict(headers or {}), dict(private or {})
        self._explain = explain
        self._connect, self._read, self._total = connect, read, total
        self._tries, self._longest_pause, self._write_gap = max(1, tries), longest_pause, write_gap
        self._sleep = sleep
        self._client: httpx.AsyncClient | None = None
        self._writing = asyncio.Lock()
        self._wrote = float("-inf")

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        limit: int = JSON_LIMIT,
        explain: Explain | None = None,
        redirects: int = 0,
    ) -> Answer:
        """One answer below 400. `path` is below the base URL, or an absolute URL.

        `redirects`: how many to follow within the origin (a POST only through 307 and 308).
        Raises Refused, Unavailable.
        """
        url = self._url(path)
        for _ in range(redirects + 1):
            answer = await self._patiently(method, url, params, json, headers, limit, explain)
            target = answer.headers.get("location") if answer.status in _REDIRECTS else None
            if not redirects or target is None:
                return answer
            target = _join(url, target)
            if origin(target) != origin(url) or (method not in _IDEMPOTENT and answer.status not in (307, 308)):
                raise Refused(self.service, f"{answer.what} answered with a redirect to {_host(target)}", answer.status)
            url, params = target, None
        raise Refused(self.service, f"{method} {urlsplit(self._url(path)).path} is redirected in a circle")

    async def _patiently(
        self, method: str, url: str, params: Any, body: Any, headers: Any, limit: int, explain: Explain | None
    ) -> Answer:
        async def once() -> Answer:
            try:
                async with asyncio.timeout(self._total):
                    return await self._once(method, url, params, body, headers, limit, explain)
            except TimeoutError:
                raise Unavailable(
                    self.service, f"{self._what(method, url)} was not answered in full within {self._total:.0f} s"
                ) from None

        if method in _IDEMPOTENT:
            return await self._retrying(once)
        async with self._writing:
            await self._sleep(max(0.0, self._wrote + self._write_gap - time.monotonic()))
            try:
                return await once()
            finally:
                self._wrote = time.monotonic()

    async def _retrying(self, once: Callable[[], Awaitable[T]]) -> T:
        for attempt in range(1, self._tries + 1):
            try:
                return await once()
            except Unavailable as error:
                pause = random.uniform(0.5, 1.0) * min(self._longest_pause, 0.5 * 2**attempt)  # noqa: S311 jitter
                if error.retry_after is not None:
                    pause = max(pause, error.retry_after)
                if attempt == self._tries or pause > self._longest_pause:
                    raise
                await self._sleep(pause)
        raise AssertionError("unreachable")

    async def _once(
        self, method: str, url: str, params: Any, body: Any, headers: Any, limit: int, explain: Explain | None
    ) -> Answer:
        what, headers = self._what(method, url), self._for(url, headers)
        async with self.translate(what):
            kwargs = {"params": params} if params is not None else {}
            async with self.client.stream(method, url, json=body, headers=headers, **kwargs) as response:
                answer = await self._read_all(response, what, limit if response.status_code < 400 else _ERROR_LIMIT)
        if answer.status >= 400:
            raise self.error(answer, explain)
        return answer

    @asynccontextmanager
    async def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, explain: Explain | None = None
    ) -> AsyncIterator[Stream]:
        """GET whose body is read by the caller, block by block and without bound. Opening it is repeated like any
        idempotent request; a break later is not. Redirects are the caller's: see `Stream.redirect`."""
        url = self._url(url)
        what = self._what("GET", url)

        async def opened() -> httpx.Response:
            async with self.translate(what):
                request = self.client.build_request("GET", url, headers=self._for(url, headers))
                response = await self.client.send(request, stream=True)
                if response.status_code < 400:
                    return response
                try:
                    answer = await self._read_all(response, what, _ERROR_LIMIT)
                finally:
                    await response.aclose()
            raise self.error(answer, explain)

        response = await self._retrying(opened)
        try:
            yield Stream(self, response, what)
        finally:
            await response.aclose()

    async def close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    @property
    def client(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(self._read, connect=self._connect),
                limits=httpx.Limits(max_connections=20, keepalive_expiry=15),
                follow_redirects=False,
            )
        return self._client

    def _url(self, path: str) -> str:
        return path if path.startswith(("http://", "https://")) else f"{self.base_url}/{path.lstrip('/')}"

    def _for(self, url: str, extra: Mapping[str, str] | None) -> dict[str, str]:
        ours = {**self._headers, **self._private} if origin(url) == origin(self.base_url) else {}
        return {"User-Agent": USER_AGENT, **ours, **(extra or {})}

    def _what(self, method: str, url: str) -> str:
        """For messages. Of a foreign URL only the host: its path and query may be a signed secret."""
        inside = origin(url) == origin(self.base_url)
        return f"{method} {urlsplit(url).path}" if inside else f"{method} on {_host(url)}"

    async def _read_all(self, response: httpx.Response, what: str, limit: int) -> Answer:
        body = bytearray()
        async for block in response.aiter_bytes():
            body += block
            if len(body) > limit:
                if response.status_code < 400:
                    raise Refused(self.service, f"{what} answered more than {limit} bytes", response.status_code)
                del body[limit:]
                break
        return Answer(self.service, what, response.status_code, response.headers, bytes(body))

    # errors

    @asynccontextmanager
    async def translate(self, what: str) -> AsyncIterator[None]:
        """httpx's errors, as ours."""
        import httpx

        try:
            yield
        except httpx.TransportError as error:
            raise self._transport(error, what) from None
        except httpx.DecodingError:
            raise Unavailable(self.service, f"{what}: the answer's compression is broken") from None
        except (httpx.InvalidURL, UnicodeError, ValueError):
            raise Refused(
                self.service, f"{what}: the URL or a header cannot be sent: check the configuration"
            ) from None

    def _transport(self, error: httpx.TransportError, what: str) -> ServiceError:
        import httpx

        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
            # its text quotes the header, which may be the credential
            return self._unsendable(what)
        if isinstance(error, httpx.ConnectTimeout):
            return Unavailable(self.service, f"{what}: no connection within {self._connect:.0f} s")
        if isinstance(error, httpx.TimeoutException):
            return Unavailable(self.service, f"{what}: nothing came for {self._read:.0f} s")
        if isinstance(error, httpx.ConnectError):
            return Unavailable(self.service, f"{what}: cannot connect: {self._scrub(_root(error))}")
        if isinstance(error, httpx.ProxyError):
            return Unavailable(self.service, f"{what}: the proxy says no: {self._scrub(str(error))}")
        detail = self._scrub(str(error) or type(error).__name__)
        return Unavailable(self.service, f"{what}: the connection broke: {detail}")

    def _unsendable(self, what: str) -> Refused:
        return Refused(self.service, f"{what}: the URL or a header cannot be sent: check the configuration")

    def error(self, answer: Answer, explain: Explain | None = None) -> ServiceError:
        """The error for an answer of 400 and above: the caller's words, the service's, or the general ones."""
        for words in (explain, self._explain):
            if words is not None and (own := words(answer)) is not None:
                return own
        said = f": {self._scrub(answer.message)}" if answer.message else ""
        text = f"{answer.what} answered {answer.status}{said}"
        if rate_limited(answer):
            return Unavailable(self.service, f"{text} (rate limit)", retry_after(answer.headers, _UNTOLD_WAIT))
        if answer.status in _MAY_PASS or answer.status >= 500:
            return Unavailable(self.service, text, retry_after(answer.headers, None))
        return Refused(self.service, text, answer.status)

    def _scrub(self, text: str) -> str:
        for value in self._private.values():
            for secret in (value, value.rpartition(" ")[2]):
                if len(secret) >= 6:
                    text = text.replace(secret, "***")
        return redact(" ".join(text.split()))[:300]


def _root(error: BaseException) -> str:
    """The last reason in the chain that says something ("Name or service not known", not "attempts failed")."""
    said, seen = str(error), 0
    cause = error.__cause__ or error.__context__
    while cause is not None and seen < 8:
        said, seen = (str(cause) or said), seen + 1
        cause = cause.__cause__ or cause.__context__
    return said or type(error).__name__


def rate_limited(answer: Answer) -> bool:
    """429, or a 403 that is a spent quota in truth (GitHub answers so)."""
    if answer.status == 429:
        return True
    return answer.status == 403 and (
        "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    )


def retry_after(headers: Mapping[str, str], default: float | None, now: float | None = None) -> float | None:
    """Seconds to wait, at most a day: `Retry-After` (seconds or a date), else `X-RateLimit-Reset` (UNIX time) where
    nothing remains, else `default`."""
    now = time.time() if now is None else now
    told = headers.get("retry-after", "").strip()
    if told.isdecimal() and len(told) < 10:
        return min(float(told), _LONGEST_WAIT)
    if told:
        try:
            return min(max(0.0, parsedate_to_datetime(told).timestamp() - now), _LONGEST_WAIT)
        except (ValueError, OverflowError, IndexError):
            pass
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal() and len(reset) < 14:
        return min(max(1.0, float(reset) - now + 1), _LONGEST_WAIT)  # a second more: clocks are rounded
    return default


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what a credential belongs to. Of an unreadable URL: an origin that equals no other."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower(), 0)
        return parts.scheme.lower(), (parts.hostname or "").rstrip("."), port
    except ValueError:
        return "", url, -1


def _join(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError:
        return location  # unreadable; whoever looks at its origin refuses it


def _host(url: str) -> str:
    return origin(url)[1][:200] or "?"


async def refuse_metadata(service: str, url: str) -> None:
    """Raises Refused for a URL that no CI has business to send us to: not http(s), or a link-local or cloud metadata
    address, however it is spelled. A name that does not resolve here is left to the connection (a proxy may know
    it)."""
    scheme, host, port = origin(url)
    if scheme not in ("http", "https") or not host:
        raise Refused(
            service, f"is redirected to {f'a {scheme}:' if scheme else 'an unreadable'} URL, which is not fetched"
        )
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    # `any`: a CI's own log store may be private; what stays closed is closed to every vantage
    if any(Policy("any").deny(str(address[4][0])) for address in found):
        raise Refused(service, f"is redirected to {host[:200]}, a link-local or metadata address: not fetched")
