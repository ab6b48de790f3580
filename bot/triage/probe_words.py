"""What came of a probe, in words for a person: "no answer in time (4003 ms)", "no room left at /var"."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.model.diagnosis import ProbeResult
from bot.triage import template

_OUTCOMES = {
    "ok": "works", "timeout": "no answer in time", "refused": "refused", "reset": "cut by the other side",
    "unreachable": "no route", "prohibited": "forbidden on the way", "nxdomain": "the name does not exist (NXDOMAIN)",
    "servfail": "the resolver failed (SERVFAIL)", "dns-refused": "the resolver refuses (REFUSED)",
    "nodata": "the name has no such record", "tls-untrusted": "a certificate that is not trusted",
    "tls-expired": "a certificate that has expired, or is not valid yet", "tls-name": "a certificate for another name",
    "tls-error": "the TLS handshake failed", "proxy-auth": "the proxy wants credentials (407)",
    "proxy-error": "the proxy failed", "short": "the answer broke off", "slow": "too slow",
}  # fmt: skip
_OF_A_CHAIN = frozenset(
    {
        "goproxy",
        "gosumdb",
        "registry",
        "git",
        "npm",
        "pypi",
        "maven",
        "apt",
        "throughput",
        "context",
        "capture",
        "clock",
    }
)
"""Verbs of several steps: which one failed, and how, is in their error, and an outcome alone would hide it."""


def outcome(result: ProbeResult) -> str:
    """One line, the time with it."""
    facts = result.facts
    if result.ok and result.verb in _GOOD:
        return _GOOD[result.verb](facts)
    if result.verb in _OF_A_CHAIN and not result.ok and facts.get("error"):
        text = template.shown(facts["error"])
    elif result.outcome == "http-status":
        text = f"the server answers {template.shown(facts.get('status', 'an error'))}"
    else:
        text = _OUTCOMES.get(result.outcome, result.outcome)
    if result.outcome == "tls-untrusted" and (issuer := facts.get("issuer")) and "issued by" not in text:
        text += f", issued by {template.shown(issuer)}"
    return text if result.ms is None else f"{text} ({round(result.ms)} ms)"


def size(value: Any) -> str:
    """Bytes in the unit that a person would choose."""
    number = float(value) if isinstance(value, int | float) else 0.0
    for unit in ("bytes", "KB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            return f"{number:.0f} {unit}" if unit == "bytes" or number >= 10 else f"{number:.1f} {unit}"
        number /= 1000
    return ""


def _listed(value: Any) -> str:
    return ", ".join(template.shown(v) for v in value[:5]) if isinstance(value, list | tuple) else ""


def _env(f: Mapping[str, Any]) -> str:
    told = {k: f.get(k) for k in ("goproxy", "http_proxy", "https_proxy", "resolvers")}
    return ", ".join(f"{k} is {template.shown(v)}" for k, v in told.items() if v) or "nothing is set"


def _goproxy(f: Mapping[str, Any]) -> str:
    return f"{template.shown(f.get('ended_at', 'an entry'))} has it"


def _gosumdb(f: Mapping[str, Any]) -> str:
    if f.get("ended") in {"off", "private"}:
        return template.shown(f.get("note", "no database is asked"))
    return f"it answers through {template.shown(f.get('through', 'the way in use'))}"


def _git(f: Mapping[str, Any]) -> str:
    if f.get("refused"):
        return f"it answers: {template.shown(f['refused'])}"
    return f"it answers as {template.shown(f['banner'])}" if f.get("banner") else "it answers, and speaks git"


def _registry(f: Mapping[str, Any]) -> str:
    left = f", {template.shown(f['ratelimit_remaining'])} pulls are left" if f.get("ratelimit_remaining") else ""
    return ("the image is there" if f.get("repository") else "the registry answers") + left


def _package(f: Mapping[str, Any]) -> str:
    where = f.get("registry") or f.get("index") or f.get("repository") or "the registry"
    for kind in ("tarball", "file"):
        if f.get(kind) not in (None, "ok"):
            host = template.shown(f.get(f"{kind}_host", "another host"))
            return f"{template.shown(where)} answers, and the file at {host} does not come: {template.shown(f[kind])}"
    return f"{template.shown(where)} answers"


def _apt(f: Mapping[str, Any]) -> str:
    return f"out of date: {_listed(f['expired'])}" if f.get("expired") else "all archives answer"


def _throughput(f: Mapping[str, Any]) -> str:
    return f"{size(f.get('bytes'))} at {size(f.get('bytes_per_second'))} a second"


def _load(f: Mapping[str, Any]) -> str:
    kills = f.get("cgroup_oom_kills") or f.get("oom_kills")
    said = _listed(f.get("tight")) or f"nothing is short (load {f.get('load1')} on {f.get('cpus')} CPUs)"
    return said + (f"; the kernel has killed {kills} time(s) for memory" if kills else "")


def _disk(f: Mapping[str, Any]) -> str:
    if f.get("full"):
        return f"no room left at {_listed(f['full'])}"
    if f.get("inodes_full"):
        return f"no inodes left at {_listed(f['inodes_full'])}"
    return f"the fullest is {template.shown(f.get('path', '/'))}, at {f.get('used_percent')}%"


def _clock(f: Mapping[str, Any]) -> str:
    skew = f.get("skew")
    if not f.get("off") or not isinstance(skew, int | float):
        return "the clock is right"
    return f"the clock is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead'}"


def _toolchain(f: Mapping[str, Any]) -> str:
    asked = [name for name in ("go", "git", "curl", "docker", "gcc", "make") if f.get(name)]
    return ", ".join(f"{name} {template.shown(f[name])}" for name in asked) or "no tool was found"


def _context(f: Mapping[str, Any]) -> str:
    could = f.get("could_save_bytes")
    more = f"; {size(could)} of it could stay behind" if could else ""
    return f"{size(f.get('sent_bytes'))} in {f.get('sent_files')} files would be sent{more}"


def _capture(f: Mapping[str, Any]) -> str:
    return f"the packets show a {template.shown(f.get('pattern', 'connection'))}"


_GOOD: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "env": _env, "goproxy": _goproxy, "gosumdb": _gosumdb, "git": _git, "registry": _registry, "npm": _package,
    "pypi": _package, "maven": _package, "apt": _apt, "throughput": _throughput, "load": _load, "disk": _disk,
    "clock": _clock, "toolchain": _toolchain, "context": _context, "capture": _capture,
}  # fmt: skip
