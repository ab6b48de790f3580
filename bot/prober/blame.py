"""Why a socket failed: the system's error, and on Linux the ICMP message behind it, which tells a filter's refusal
from a missing host."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from typing import Tuple

# Linux, include/uapi/linux/{in,in6,errqueue,icmp,icmpv6}.h; Python's socket module lacks them
_IP_RECVERR, _IPV6_RECVERR, _MSG_ERRQUEUE = 11, 25, 0x2000
_ICMP, _ICMP6 = 2, 3
_PROHIBITED = {(_ICMP, 3, 9), (_ICMP, 3, 10), (_ICMP, 3, 13), (_ICMP6, 1, 1), (_ICMP6, 1, 5), (_ICMP6, 1, 6)}

_OUTCOMES = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.EADDRNOTAVAIL: "unreachable",
    errno.EINVAL: "unreachable",  # no source address that fits (a v6 target with loopback alone)
    errno.EACCES: "prohibited",
    errno.EPERM: "prohibited",
}
for _name in ("EHOSTDOWN", "ENONET"):
    if hasattr(errno, _name):
        _OUTCOMES[getattr(errno, _name)] = "unreachable"


def outcome_of(error: OSError) -> str:
    """The outcome that an error of the operating system stands for."""
    if isinstance(error, socket.timeout):
        return "timeout"
    if isinstance(error, ConnectionResetError):
        return "reset"
    if _is_tls(error):
        return "tls-error"
    return _OUTCOMES.get(error.errno or 0, "error")


def _is_tls(error: OSError) -> bool:
    """Errors of OpenSSL carry its own numbers in `errno`, which mean something else to the system."""
    return type(error).__module__ == "ssl"


def words(error: OSError) -> str:
    if _is_tls(error):
        return str(getattr(error, "reason", None) or error)
    return os.strerror(error.errno) if error.errno else str(error) or type(error).__name__


def report_icmp(sock: socket.socket, on: bool) -> None:
    """Ask Linux to queue the ICMP errors, which tell a filter from a missing host (ip(7), IP_RECVERR)."""
    if sys.platform != "linux":
        return
    try:
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, int(on))
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, int(on))
    except OSError:
        pass  # sandboxes that lack it: errno alone has to do


def blame(sock: socket.socket, error: OSError) -> Tuple[str, str]:
    """(outcome, words) of a failed socket, by the queued ICMP message where there is one."""
    outcome, text = outcome_of(error), words(error)
    if sys.platform != "linux":
        return outcome, text
    try:
        _, control, _, _ = sock.recvmsg(512, 512, _MSG_ERRQUEUE)
    except OSError:
        return outcome, text
    for level, kind, data in control:
        if (level, kind) not in ((socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)):
            continue
        if len(data) < 8:
            continue
        _, origin, icmp_type, code = struct.unpack_from("=IBBB", data)
        if origin in (_ICMP, _ICMP6):
            if (origin, icmp_type, code) in _PROHIBITED:
                outcome = "prohibited"
            text += f" (ICMP{'v6' if origin == _ICMP6 else ''} type {icmp_type} code {code}{_sender(data)})"
    return outcome, text


def _sender(data: bytes) -> str:
    """The router that sent the ICMP message: a sockaddr after the 16 bytes of sock_extended_err."""
    family = struct.unpack_from("=H", data, 16)[0] if len(data) >= 18 else 0
    if family == socket.AF_INET and len(data) >= 24:
        return " from " + socket.inet_ntop(socket.AF_INET, data[20:24])
    if family == socket.AF_INET6 and len(data) >= 40:
        return " from " + socket.inet_ntop(socket.AF_INET6, data[24:40])
    return ""
