"""HTTP/1.1 responses (RFC 9112), read with bounds: a flood of headers, a bomb or a drip costs a fixed amount."""

from __future__ import annotations

import socket
import time
from typing import Dict, List, NamedTuple, Optional, Tuple

from .blame import outcome_of, words
from .verb import Clock, Failed

MAX_HEAD = 32 * 1024
MAX_HEADERS = 100
MAX_BODY = 64 * 1024
MAX_INTERIM = 5


class Head(NamedTuple):
    version: str
    status: int
    headers: Dict[str, str]  # names in lower case; the first of several

    def get(self, name: str) -> Optional[str]:
        return self.headers.get(name)


class Body(NamedTuple):
    data: bytes  # as sent: nothing is decompressed
    expected: Optional[int]  # Content-Length, where it was said
    state: str  # whole, more (we stopped reading), cut (the peer stopped), slow (the time was up)
    seconds: float
    error: Optional[str] = None


class Reader:
    """Bytes of one connection, until the clock runs out."""

    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        self.sock, self.clock, self.buffer = sock, clock, b""
        self.first: Optional[float] = None  # when the first byte came

    def more(self) -> bytes:
        """The next bytes, b"" at the end. Raises OSError; socket.timeout when the time is up."""
        left = self.clock.left()
        if left <= 0:
            raise socket.timeout("the time is up")
        self.sock.settimeout(left)
        data = self.sock.recv(16384)
        if data and self.first is None:
            self.first = time.monotonic()
        return data

    def head(self) -> Head:
        """The final response's head. Raises Failed."""
        for _ in range(MAX_INTERIM):
            found = self._one_head()
            if found.status >= 200 or found.status == 101:
                return found
        raise Failed("error", "the server sends one interim response after another", phase="ttfb")

    def _one_head(self) -> Head:
        while b"\n\r\n" not in self.buffer and b"\n\n" not in self.buffer:
            if len(self.buffer) > MAX_HEAD:
                what = "a flood of headers" if self.buffer.startswith(b"HTTP/") else "no HTTP"
                raise Failed("error", f"the server sent {what} ({len(self.buffer)} bytes and no end)", phase="ttfb")
            try:
                data = self.more()
            except OSError as error:
                raise self._no_head(error) from None
            if not data:
                raise self._no_head(None)
            self.buffer += data
        ends = [(at, len(mark)) for mark in (b"\n\r\n", b"\n\n") for at in [self.buffer.find(mark)] if at >= 0]
        at, size = min(ends)
        raw, self.buffer = self.buffer[:at], self.buffer[at + size :]
        return parse_head(raw)

    def _no_head(self, error: Optional[OSError]) -> Failed:
        got = len(self.buffer)
        if isinstance(error, socket.timeout):
            if got:
                return Failed("slow", f"{got} bytes of the response's head came before the time was up", phase="ttfb")
            return Failed("timeout", "connected, and the request was sent; no answer came", phase="ttfb")
        if got and not self.buffer.startswith(b"HTTP/"):
            return Failed("error", "what answers does not speak HTTP/1", phase="ttfb", bytes=got)
        outcome = "short" if got else "reset"
        if error is not None:
            return Failed(outcome_of(error) if not got else "short", f"cut off: {words(error)}", phase="ttfb")
        return Failed(outcome, "the server closed the connection without a whole answer", phase="ttfb", bytes=got)

    def body(self, head: Head, cap: int = MAX_BODY) -> Body:
        """At most `cap` bytes of the body. Never raises: how it ended is part of the answer."""
        begun = time.monotonic()
        expected = _length(head)
        chunked = "chunked" in (head.get("transfer-encoding") or "").lower()
        state, error, at = "cut", None, 0
        while True:
            if chunked:
                done, at = _next_chunk(self.buffer, at)
                state = "whole" if done else "cut"
            elif expected is not None:
                state = "whole" if len(self.buffer) >= expected else "cut"
            if state == "whole":
                break
            if len(self.buffer) >= cap:
                state = "more"
                break
            try:
                data = self.more()
            except socket.timeout:
                state = "slow"
                break
            except OSError as failure:
                error = words(failure)
                break
            if not data:
                state = "whole" if expected is None and not chunked else "cut"
                break
            self.buffer += data
        return Body(self.buffer[:cap], expected, state, time.monotonic() - begun, error)


def _length(head: Head) -> Optional[int]:
    value = (head.get("content-length") or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


def _next_chunk(data: bytes, at: int) -> Tuple[Optional[bool], int]:
    """Skip the chunks that came whole: (True at the last one, None for what is no chunk, where to go on)."""
    while True:
        end = data.find(b"\n", at)
        if end < 0:
            return False, at
        try:
            size = int(data[at:end].split(b";")[0].strip() or b"x", 16)
        except ValueError:
            return None, at
        if size <= 0:
            return (True if size == 0 else None), at
        at = end + 1 + size + 2


def dechunk(data: bytes) -> bytes:
    """The chunks of a body joined, as far as they came."""
    parts: List[bytes] = []
    at = 0
    while True:
        end = data.find(b"\n", at)
        try:
            size = int(data[at:end].split(b";")[0].strip() or b"x", 16) if end >= 0 else 0
        except ValueError:
            size = 0
        if size <= 0:
            return b"".join(parts)
        parts.append(data[end + 1 : end + 1 + size])
        at = end + 1 + size + 2


def parse_head(raw: bytes) -> Head:
    """Raises Failed for what is no HTTP/1 response."""
    lines: List[str] = raw.decode("latin-1").replace("\r", "").split("\n")
    words_: List[str] = lines[0].split(None, 2)
    if len(words_) < 2 or not words_[0].startswith("HTTP/1") or not _is_status(words_[1]):
        raise Failed("error", "what answers does not speak HTTP/1", phase="ttfb")
    if len(lines) - 1 > MAX_HEADERS:
        raise Failed("error", f"the server sent a flood of headers ({len(lines) - 1})", phase="ttfb")
    headers: Dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return Head(words_[0], int(words_[1]), headers)


def _is_status(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isdigit() and text >= "100"


def send(sock: socket.socket, data: bytes, clock: Clock) -> None:
    """Raises Failed."""
    try:
        sock.settimeout(max(0.01, clock.left()))
        sock.sendall(data)
    except OSError as error:
        raise Failed(outcome_of(error), f"the request could not be sent: {words(error)}", phase="request") from None


def request(method: str, target: str, host: str, extra: Tuple[Tuple[str, str], ...] = ()) -> bytes:
    """A request without a body. The arguments have been checked for control characters."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "User-Agent: buildmedic-probe/1", "Accept: */*"]
    lines += ["Accept-Encoding: identity", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in extra]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
