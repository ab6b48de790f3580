"""What a git host answers without credentials: smart HTTP's info/refs, the banner of an SSH port, git's own protocol.

gitprotocol-http(5), gitprotocol-pack(5), RFC 4253 section 4.2.
"""

from __future__ import annotations

import re
import socket
from typing import Any, List, NamedTuple, Optional, Tuple

from .blame import outcome_of, words
from .exchange import Fetched, fetch
from .net import connect, resolve
from .target import Target, url
from .verb import Context, Facts, Failed, host, split_port

MAX_REFS = 512 * 1024
_SCP = re.compile(r"(?:[A-Za-z0-9_.-]{1,64}@)?([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(?!//)([!-~]{1,1000})")
_SSH = re.compile(r"(ssh|git|git\+ssh|ssh\+git)://(?:[^@/\s]*@)?([^/\s]+)(/[!-~]{0,1000})?")


class Remote(NamedTuple):
    """A git URL without its credentials. `web` is there for http and https."""

    scheme: str  # http, https, ssh, git
    host: str
    port: int
    path: str
    web: Optional[Target] = None

    def shown(self) -> str:
        at = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443, "ssh": 22, "git": 9418}[self.scheme]
        return f"{self.scheme}://{at}{'' if self.port == usual else f':{self.port}'}{self.path}"


def remote(value: Any) -> Remote:
    """https://host/x.git, ssh://git@host/x.git, git@host:x.git, git://host/x.git. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 -- read_args reports ValueErrors
    text = value.strip()
    if text.lower().startswith(("http://", "https://")):
        target = url(text)
        return Remote(target.scheme, target.host, target.port, target.path.split("?")[0].rstrip("/"), target)
    found = _SSH.fullmatch(text)
    if found:
        name, port = split_port(found.group(2))
        scheme = "git" if found.group(1) == "git" else "ssh"
        return Remote(scheme, host(name), port or (9418 if scheme == "git" else 22), found.group(3) or "/")
    scp = _SCP.fullmatch(text)
    if scp:
        return Remote("ssh", host(scp.group(1)), 22, "/" + scp.group(2).lstrip("/"))
    raise ValueError("must be a git URL: https://host/path, ssh://host/path or git@host:path")


def advertised(where: Remote, ctx: Context, refs: bool) -> Tuple[Fetched, Facts]:
    """Ask for info/refs. `refs`: all of them (protocol 0, at most 512 KB), else the short greeting of protocol 2."""
    path = where.path + "/info/refs?service=git-upload-pack"
    extra = () if refs else (("Git-Protocol", "version=2"),)
    target = Target(where.scheme, where.host, where.port, path)
    got = fetch(target, ctx, extra=extra, cap=MAX_REFS if refs else 65536)
    facts: Facts = {"speaks_git": False}
    kind = got.get("content-type").split(";")[0].strip()
    if got.outcome == "ok" and kind == "application/x-git-upload-pack-advertisement":
        facts["speaks_git"] = True
    if got.status == 401:
        facts["wants_credentials"] = (got.get("www-authenticate").split(" ")[0] or "yes")[:40]
    return got, facts


def names(data: bytes) -> List[str]:
    """The refs of an advertisement, as far as it came."""
    out: List[str] = []
    at = 0
    while at + 4 <= len(data):
        try:
            size = int(data[at : at + 4], 16)
        except ValueError:
            break
        if size < 4:
            at += 4
            continue
        line = data[at + 4 : at + size].split(b"\0")[0].strip()
        at += size
        parts = line.split(b" ", 1)
        if len(parts) == 2 and re.fullmatch(rb"[0-9a-f]{40}|[0-9a-f]{64}", parts[0]):
            out.append(parts[1].decode("utf-8", "replace"))
    return out


def greeting(where: Remote, ctx: Context) -> Facts:
    """Connect to an SSH or git port and take its first words. Raises Failed."""
    found = resolve(where.host, ctx, ctx.clock.part(0.5))
    attempt = connect(found.allowed, where.port, ctx.clock)
    assert attempt.sock
    facts: Facts = {"address": attempt.address, "connect_ms": attempt.ms, "dns_ms": found.ms, "phase": "connect"}
    with attempt.sock as sock:
        try:
            sock.settimeout(max(0.01, ctx.clock.left()))
            if where.scheme == "git":
                ask = f"git-upload-pack {where.path}\0host={where.host}\0".encode("ascii")
                sock.sendall(b"%04x%b" % (len(ask) + 4, ask))
            else:
                sock.sendall(b"SSH-2.0-buildmedic\r\n")
            return _first_line(sock, where, ctx, facts)
        except OSError as error:
            outcome = outcome_of(error)
            said = (
                "connected, and no greeting came" if outcome == "timeout" else f"the connection broke: {words(error)}"
            )
            raise Failed(outcome, said, **{**facts, "phase": "greeting"}) from None


def _first_line(sock: socket.socket, where: Remote, ctx: Context, facts: Facts) -> Facts:
    data = b""
    while len(data) < 4096:
        if ctx.clock.left() <= 0:
            raise socket.timeout("the time is up")
        sock.settimeout(ctx.clock.left())
        part = sock.recv(1024)
        data += part
        if where.scheme == "git" and (len(data) >= 4 or not part):
            break
        if not part or re.search(rb"(?:^|\n)SSH-[^\n]*\n", data):
            break
    if where.scheme == "git":
        if not re.match(rb"[0-9a-f]{4}", data):
            raise Failed("reset" if not data else "error", "what answers does not speak git's protocol", **facts)
        if data[4:].startswith(b"ERR "):
            facts["refused"] = data[8:200].decode("utf-8", "replace")
        return facts
    banner = re.search(rb"(?:^|\n)(SSH-[ -~]{1,250})\r?\n", data)
    if not banner:
        what = "the server closed the connection before its greeting" if not data else "what answers does not speak SSH"
        raise Failed("reset" if not data else "error", what, **{**facts, "phase": "greeting"})
    facts["banner"] = banner.group(1).decode("ascii")
    return facts
