"""What came of a probe, in words for a person: "no answer in time (4003 ms)", "no room left at /var".

In the language in use. What a probe itself put into words on the far machine is English, and is heard.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bot.model.diagnosis import ProbeResult
from bot.model.language import heard, tr
from bot.triage import template

_OUTCOMES = {
    "ok": "works", "timeout": "no answer in time", "refused": "refused", "reset": "cut by the other side",
    "unreachable": "no route", "prohibited": "forbidden on the way", "nxdomain": "the name does not exist (NXDOMAIN)",
    "servfail": "the resolver failed (SERVFAIL)", "dns-refused": "the resolver refuses (REFUSED)",
    "nodata": "the name has no such record", "tls-untrusted": "a certificate that is not trusted",
    "tls-expired": "a certificate that has expired, or is not valid yet", "tls-name": "a certificate for another name",
    "tls-error": "the TLS handshake failed", "proxy-auth": "the proxy wants credentials (407)",
    "proxy-error": "the proxy failed", "short": "the answer broke off", "slow": "too slow",
    "error": "the probe failed", "denied": "not allowed from there", "unsupported": "not possible from there",
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
    text = _GOOD[result.verb](facts) if result.ok and result.verb in _GOOD else _plain(result, facts)
    return text if result.ms is None else tr("{text} ({ms} ms)", text=text, ms=round(result.ms))


def _plain(result: ProbeResult, facts: Mapping[str, Any]) -> str:
    issuer = facts.get("issuer") if result.outcome == "tls-untrusted" else None
    if result.verb in _OF_A_CHAIN and not result.ok and facts.get("error"):
        text = _heard(facts["error"])
        if issuer and "issued by" not in str(facts["error"]):
            return tr("{text}, issued by {issuer}", text=text, issuer=template.shown(issuer))
        return text
    if result.outcome == "http-status":
        if status := facts.get("status"):
            return tr("the server answers {status}", status=template.shown(status))
        return tr("the server answers an error")
    if issuer:
        return tr("a certificate that is not trusted, issued by {issuer}", issuer=template.shown(issuer))
    return tr(_OUTCOMES.get(result.outcome, result.outcome))


def _heard(value: Any) -> str:
    """What the probe says in words of its own, on one line and shortened."""
    return heard(template.shown(value))


def size(value: Any) -> str:
    """Bytes in the unit that a person would choose."""
    number = float(value) if isinstance(value, int | float) else 0.0
    for unit in ("bytes", "KB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            if unit == "bytes":
                return tr("{n} bytes", n=f"{number:.0f}")
            return f"{number:.0f} {unit}" if number >= 10 else f"{number:.1f} {unit}"
        number /= 1000
    return ""


def _listed(value: Any) -> str:
    return ", ".join(_heard(v) for v in value[:5]) if isinstance(value, list | tuple) else ""


def _env(f: Mapping[str, Any]) -> str:
    told = {k: f.get(k) for k in ("goproxy", "http_proxy", "https_proxy", "resolvers")}
    said = [tr("{name} is {value}", name=k, value=template.shown(v)) for k, v in told.items() if v]
    return ", ".join(said) or tr("nothing is set")


def _goproxy(f: Mapping[str, Any]) -> str:
    return tr("{entry} has it", entry=template.shown(f.get("ended_at") or tr("an entry")))


def _gosumdb(f: Mapping[str, Any]) -> str:
    if f.get("ended") in {"off", "private"}:
        return _heard(f.get("note") or "no database is asked")
    through = f.get("through")
    return tr("it answers through {base}", base=template.shown(through)) if through else tr("it answers")


def _git(f: Mapping[str, Any]) -> str:
    if f.get("refused"):
        return tr("it answers: {words}", words=template.shown(f["refused"]))
    if f.get("banner"):
        return tr("it answers as {banner}", banner=template.shown(f["banner"]))
    return tr("it answers, and speaks git")


def _registry(f: Mapping[str, Any]) -> str:
    said = tr("the image is there" if f.get("repository") else "the registry answers")
    left = f.get("ratelimit_remaining")
    return tr("{said}, {n} pulls are left", said=said, n=template.shown(left)) if left else said


def _package(f: Mapping[str, Any]) -> str:
    where = template.shown(f.get("registry") or f.get("index") or f.get("repository") or tr("the registry"))
    for kind, at in (("tarball", "tarball_host"), ("file", "file_host")):
        if f.get(kind) not in (None, "ok"):
            host = template.shown(f.get(at) or tr("another host"))
            why = template.shown(f[kind])
            return tr("{where} answers, and the file at {host} does not come: {why}", where=where, host=host, why=why)
    return tr("{where} answers", where=where)


def _apt(f: Mapping[str, Any]) -> str:
    if f.get("expired"):
        return tr("out of date: {suites}", suites=_listed(f["expired"]))
    return tr("all archives answer")


def _throughput(f: Mapping[str, Any]) -> str:
    return tr("{size} at {rate} a second", size=size(f.get("bytes")), rate=size(f.get("bytes_per_second")))


def _load(f: Mapping[str, Any]) -> str:
    kills = f.get("cgroup_oom_kills") or f.get("oom_kills")
    said = _listed(f.get("tight"))
    if not said:
        load, cpus = template.shown(f.get("load1", "?")), template.shown(f.get("cpus", "?"))
        said = tr("nothing is short (load {load} on {cpus} CPUs)", load=load, cpus=cpus)
    return (
        tr("{said}; the kernel has killed {n} time(s) for memory", said=said, n=template.shown(kills))
        if kills
        else said
    )


def _disk(f: Mapping[str, Any]) -> str:
    if f.get("full"):
        return tr("no room left at {paths}", paths=_listed(f["full"]))
    if f.get("inodes_full"):
        return tr("no inodes left at {paths}", paths=_listed(f["inodes_full"]))
    path, used = template.shown(f.get("path") or "/"), template.shown(f.get("used_percent", "?"))
    return tr("the fullest is {path}, at {used}%", path=path, used=used)


def _clock(f: Mapping[str, Any]) -> str:
    skew = f.get("skew")
    if not f.get("off") or not isinstance(skew, int | float):
        return tr("the clock is right")
    seconds = f"{abs(skew):.0f}"
    if skew > 0:
        return tr("the clock is {seconds} s behind", seconds=seconds)
    return tr("the clock is {seconds} s ahead", seconds=seconds)


def _toolchain(f: Mapping[str, Any]) -> str:
    asked = [name for name in ("go", "git", "curl", "docker", "gcc", "make") if f.get(name)]
    return ", ".join(f"{name} {template.shown(f[name])}" for name in asked) or tr("no tool was found")


def _context(f: Mapping[str, Any]) -> str:
    files, could = template.shown(f.get("sent_files", "?")), f.get("could_save_bytes")
    said = tr("{size} in {files} files would be sent", size=size(f.get("sent_bytes")), files=files)
    return tr("{said}; {size} of it could stay behind", said=said, size=size(could)) if could else said


def _capture(f: Mapping[str, Any]) -> str:
    return tr("the packets show a {pattern}", pattern=template.shown(f.get("pattern") or tr("connection")))


_GOOD: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "env": _env, "goproxy": _goproxy, "gosumdb": _gosumdb, "git": _git, "registry": _registry, "npm": _package,
    "pypi": _package, "maven": _package, "apt": _apt, "throughput": _throughput, "load": _load, "disk": _disk,
    "clock": _clock, "toolchain": _toolchain, "context": _context, "capture": _capture,
}  # fmt: skip
