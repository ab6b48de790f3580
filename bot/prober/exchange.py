"""One HTTP request over a checked connection, directly or through the environment's proxy; `fetch` takes redirects.

Whatever a verb asks for goes through here: every hop's target is judged by the policy before it is connected to, only
so many bytes are kept, and no credential is sent on to another place.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import time
from email.utils import parsedate_to_datetime
from typing import Any, Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import urljoin

from . import tls
from .httpwire import MAX_BODY, Body, Head, Reader, dechunk, request, send
from .net import connect, resolve
from .proxyenv import Proxy, choose
from .target import Target, url
from .verb import Context, Facts, Failed

MAX_REDIRECTS = 3
MACHINE = re.compile(r"/@v/|/@latest|/lookup/|/sumdb/|/v2/|\.(?:json|info|mod|zip|tar|tgz|gz|whl|pom)\b")
Headers = Tuple[Tuple[str, str], ...]
_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{1,200})", re.IGNORECASE)
_SHOWN = {
    "server": "server", "content_type": "content-type", "retry_after": "retry-after", "date": "date",
    "via_header": "via", "www_authenticate": "www-authenticate", "location": "location",
    "ratelimit_limit": "x-ratelimit-limit", "ratelimit_remaining": "x-ratelimit-remaining",
    "ratelimit_reset": "x-ratelimit-reset", "ratelimit_source": "docker-ratelimit-source",
    "ratelimit": "ratelimit", "mitigated": "cf-mitigated", "x_error": "x-squid-error",
}  # fmt: skip


class Hop:
    """One request and its answer."""

    def __init__(
        self, target: Target, method: str, via: str, ctx: Context, extra: Headers = (), cap: int = MAX_BODY,
        segment: Optional[int] = None,
    ) -> None:  # fmt: skip
        self.target, self.method, self.via, self.ctx, self.extra, self.cap = target, method, via, ctx, extra, cap
        self.segment = segment  # the largest TCP segment, in bytes; None: the system's own
        self.head: Optional[Head] = None
        self.body: Optional[Body] = None
        self.facts: Facts = {}
        self.phases: Facts = {}
        self.proxy: Optional[Proxy] = None
        self.tls_facts: Facts = {}
        self.judged: List[str] = []  # addresses of the target that the policy let pass

    def run(self) -> Head:
        """Raises Failed with the facts up to there."""
        try:
            return self._run()
        except Failed as failure:
            failure.facts = {**self.facts, **self.tls_facts, **failure.facts, "phases": self.phases}
            raise

    def _run(self) -> Head:
        if self.via != "direct":
            self.proxy = choose(self.target.scheme, self.target.host, self.target.port)
            if self.proxy is None and self.via == "proxy":
                raise Failed("unsupported", "the environment names no proxy for this URL", phase="proxy")
        self.facts["via"] = "proxy" if self.proxy else "direct"
        if self.proxy:
            self.facts.update(proxy=self.proxy.shown(), proxy_from=self.proxy.variable)
        self._judge()
        sock = self._open()
        try:
            return self._exchange(sock)
        finally:
            sock.close()

    def _judge(self) -> None:
        """The target is judged, whoever connects to it."""
        policy = self.ctx.policy
        if not self.proxy:
            found = resolve(self.target.host, self.ctx, self.ctx.clock.part(0.5))
            self.judged = found.allowed
            self.phases["dns"] = found.ms
            return
        reason = policy.deny_name(self.target.host)
        if reason:
            raise Failed("denied", reason, phase="policy")
        try:
            self.judged = resolve(self.target.host, self.ctx, self.ctx.clock.part(0.3)).allowed
        except Failed as failure:
            if failure.outcome == "denied":
                raise
            if policy.public:
                raise Failed(
                    "denied",
                    f"{self.target.host} does not resolve here, so where the proxy would go cannot be checked, and the "
                    "bot's own host asks for checked addresses only: probe from the build's vantage",
                    phase="policy",
                ) from None

    @property
    def _asked(self) -> str:
        """What the proxy is asked for. On the bot's own host that is the address that was judged, so that a name
        that answers the proxy otherwise gains nothing; elsewhere the name, as the build's own tools do."""
        if self.ctx.policy.public and self.judged:
            self.facts["asked_by"] = "address"
            return f"[{self.judged[0]}]" if ":" in self.judged[0] else self.judged[0]
        return f"[{self.target.host}]" if ":" in self.target.host else self.target.host

    def _open(self) -> socket.socket:
        if self.target.scheme == "http":
            return self._dial()
        begun = time.monotonic()
        wrapped, self.tls_facts = tls.handshake(self._dial, self.target.host, self.ctx.clock)
        self.phases["tls"] = self.tls_facts.pop("tls_ms", round((time.monotonic() - begun) * 1000, 1))
        return wrapped

    def _dial(self) -> socket.socket:
        """A connection that the target is at the other end of."""
        if not self.proxy:
            attempt = connect(self.judged, self.target.port, self.ctx.clock, self.segment)
            self.facts["address"], self.phases["connect"] = attempt.address, attempt.ms
            assert attempt.sock
            return attempt.sock
        sock = self._dial_proxy(self.proxy)
        if self.target.scheme == "https":
            try:
                self._tunnel(sock, self.proxy)
            except BaseException:
                sock.close()
                raise
        return sock

    def _dial_proxy(self, proxy: Proxy) -> socket.socket:
        if proxy.scheme != "http":
            raise Failed(
                "unsupported", f"a {proxy.scheme} proxy: this prober speaks to http proxies only", phase="proxy"
            )
        try:
            trusted = self.ctx._replace(policy=_trusted())
            found = resolve(proxy.host, trusted, self.ctx.clock.part(0.4))
            attempt = connect(found.allowed, proxy.port, self.ctx.clock.part(0.6), self.segment)
        except Failed as failure:
            if failure.outcome == "denied":
                raise
            raise Failed(
                "proxy-error",
                f"the proxy {proxy.shown()} (from {proxy.variable}) cannot be reached: {failure.error}",
                phase="proxy",
                proxy_outcome=failure.outcome,
            ) from None
        self.facts["proxy_address"], self.phases["connect"] = attempt.address, attempt.ms
        assert attempt.sock
        return attempt.sock

    def _authorization(self) -> Any:
        if not self.proxy or not self.proxy.user:
            return ()
        word = base64.b64encode(self.proxy.user.encode("utf-8")).decode("ascii")
        return (("Proxy-Authorization", f"Basic {word}"),)

    def _tunnel(self, sock: socket.socket, proxy: Proxy) -> None:
        where = f"{self._asked}:{self.target.port}"
        begun = time.monotonic()
        try:
            send(sock, request("CONNECT", where, where, self._authorization()), self.ctx.clock)
            head = Reader(sock, self.ctx.clock).head()
        except Failed as failure:
            raise Failed(
                "proxy-error",
                f"the proxy {proxy.shown()} did not answer CONNECT: {failure.error}",
                phase="proxy",
                proxy_outcome=failure.outcome,
            ) from None
        self.phases["proxy"] = round((time.monotonic() - begun) * 1000, 1)
        if head.status == 407:
            raise self._wants_credentials(head)
        if not 200 <= head.status < 300:
            raise Failed(
                "proxy-error",
                f"the proxy {proxy.shown()} answered {head.status} to CONNECT {where}",
                phase="proxy",
                proxy_status=head.status,
                status=head.status,
                server=head.get("server"),
            )

    def _wants_credentials(self, head: Head) -> Failed:
        wants = (head.get("proxy-authenticate") or "").split(" ")[0][:40]
        who = f"the proxy {self.proxy.shown()}" if self.proxy else "a proxy in between"
        refused = "refused the credentials" if self.proxy and self.proxy.user else "wants credentials"
        return Failed(
            "proxy-auth", f"{who} {refused} (407)", phase="proxy", status=407, proxy_status=407,
            proxy_authenticate=wants or None,
        )  # fmt: skip

    def _exchange(self, sock: socket.socket) -> Head:
        plain_proxy = self.proxy and self.target.scheme == "http"
        target = self.target.path
        if plain_proxy:
            target = f"http://{self._asked}:{self.target.port}{self.target.path}"
        extra = (*self.extra, *(self._authorization() if plain_proxy else ()))
        begun = time.monotonic()
        send(sock, request(self.method, target, self.target.authority, extra), self.ctx.clock)
        reader = Reader(sock, self.ctx.clock)
        self.head = head = reader.head()
        self.phases["ttfb"] = round(((reader.first or time.monotonic()) - begun) * 1000, 1)
        self._describe(head)
        if head.status == 407:
            raise self._wants_credentials(head)
        if self.method == "GET" and head.status not in (204, 304):
            self._take(reader, head)
        return head

    def _describe(self, head: Head) -> None:
        self.facts.update(status=head.status, phase="total", url=self.target.shown())
        for name, header in _SHOWN.items():
            self.facts[name] = head.get(header)
        for name in ("limit", "remaining", "reset"):
            value = head.get(f"ratelimit-{name}")
            if value is not None:
                self.facts[f"ratelimit_{name}"] = value
        try:
            served = parsedate_to_datetime(head.get("date") or "").timestamp()
            self.facts["skew"] = round(served - time.time(), 1)
        except (TypeError, ValueError, IndexError, OverflowError):
            pass

    def _take(self, reader: Reader, head: Head) -> None:
        self.body = body = reader.body(head, self.cap)
        size = len(body.data)
        self.facts.update(bytes=size, expected=body.expected)
        if size and body.seconds > 0.001:
            self.facts["bytes_per_second"] = round(size / body.seconds)
        start = body.data[:4096].lstrip()[:200].lower()
        html = "html" in (head.get("content-type") or "") or start.startswith((b"<html", b"<!doctype html"))
        if html:
            title = _TITLE.search(body.data)
            self.facts["html"] = True
            self.facts["title"] = title.group(1).decode("utf-8", "replace").strip()[:100] if title else None
            # a page for people where a machine's answer belongs: a log-in portal, a filter's notice
            if head.status < 400 and MACHINE.search(self.target.path):
                self.facts["captive_portal"] = True
        if body.state == "cut":
            of = f" of {body.expected}" if body.expected is not None else ""
            why = f": {body.error}" if body.error else ""
            raise Failed("short", f"the body was cut off after {size}{of} bytes{why}", phase="body")
        if body.state == "slow":
            of = f" of {body.expected}" if body.expected is not None else ""
            raise Failed("slow", f"{size}{of} bytes of the body came in {body.seconds:.1f} s", phase="body")


def _trusted() -> Any:
    """The proxy's own address is configuration, not a log's word; metadata addresses stay closed."""
    from .policy import Policy

    return Policy("any")


def following(head: Head, target: Target) -> Optional[Target]:
    """Where a redirect leads; None where there is none, or it leads to no http URL."""
    location = head.get("location")
    if head.status not in (301, 302, 303, 307, 308) or not location or len(location) > 2048:
        return None
    try:
        return url(urljoin(target.shown(), location))
    except ValueError:
        return None


def read_json(data: bytes) -> Any:
    """Of a stranger. Raises ValueError, and nothing else; endless numbers and nests cost no more than others."""
    try:
        return json.loads(data.decode("utf-8"), parse_int=lambda digits: int(digits[:18]))
    except RecursionError:
        raise ValueError("nested too deep") from None


class Fetched(NamedTuple):
    """What became of a request. `outcome` is one of the probe's; `status` is there once a server has answered."""

    outcome: str
    status: Optional[int]
    headers: Dict[str, str]
    data: bytes  # of the body, chunks joined, at most what was asked for
    whole: bool  # whether that is all of it
    facts: Facts
    ms: float
    url: str  # where the last hop went
    error: Optional[str]

    def get(self, name: str) -> str:
        """A header, "" where there is none."""
        return self.headers.get(name, "")

    def brief(self) -> Facts:
        """Enough for a list of several requests."""
        out: Facts = {"url": self.url, "outcome": self.outcome, "ms": self.ms}
        for name in ("error", "status"):
            if getattr(self, name) is not None:
                out[name] = getattr(self, name)
        if "proxy" in self.facts:
            out["proxy"] = self.facts["proxy"]
        return out

    def needed(self, phase: str) -> Fetched:
        """Itself where it went well; else raises Failed with its facts."""
        if self.outcome == "ok":
            return self
        raise Failed(self.outcome, self.error or self.outcome, **{**self.facts, "phase": phase})


def fetch(
    target: Target, ctx: Context, *, method: str = "GET", via: str = "auto", extra: Headers = (), cap: int = MAX_BODY,
    redirects: int = 5, stay_secure: bool = True,
) -> Fetched:  # fmt: skip
    """Ask, follow redirects, and say how it ended. Never raises. `extra` headers go to the first origin alone; with
    `stay_secure` an https URL is not left for an http one, as careful clients do."""
    begun, first, hop = time.monotonic(), target, None
    outcome, error = "ok", None
    try:
        for _ in range(redirects + 1):
            same = (target.scheme, target.host, target.port) == (first.scheme, first.host, first.port)
            hop = Hop(target, method, via, ctx, extra if same else (), cap)
            head = hop.run()
            onward = following(head, target)
            if onward is None:
                break
            if stay_secure and target.scheme == "https" and onward.scheme == "http":
                raise Failed(
                    "http-status", f"{target.host} redirects from https to http: {onward.shown()}", **hop.facts
                )
            target = onward
        else:
            raise Failed("http-status", f"more than {redirects} redirects", **(hop.facts if hop else {}))
        if head.status >= 300:
            outcome, error = "http-status", f"{target.host} answered {head.status}"
            if hop.proxy:
                error += f" (through the proxy {hop.proxy.shown()})"
        facts = {**hop.tls_facts, **hop.facts}
    except Failed as failure:
        outcome, error, facts = failure.outcome, failure.error, failure.facts
    return _fetched(outcome, error, facts, hop, target, begun)


def _fetched(
    outcome: str, error: Optional[str], facts: Facts, hop: Optional[Hop], target: Target, begun: float
) -> Fetched:  # fmt: skip
    head, body = (hop.head, hop.body) if hop else (None, None)
    chunked = bool(head and "chunked" in (head.get("transfer-encoding") or "").lower())
    data = b"" if body is None else dechunk(body.data) if chunked else body.data
    ms = round((time.monotonic() - begun) * 1000, 1)
    whole = body is not None and body.state == "whole"
    status = facts.get("status") if outcome != "proxy-error" else None
    return Fetched(outcome, status, head.headers if head else {}, data, whole, facts, ms, target.shown(), error)
