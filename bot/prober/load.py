"""`load`: how busy this machine is, and which of its limits are near.

Facts: cpus, load1, load5, load15, cpu_percent, steal_percent, memory_total, memory_available, swap_total, swap_free,
oom_kills (of the whole machine since it started), pressure ({cpu, memory, io}: percent of the last 10 s), cgroup (1, 2
or none), cgroup_path, cpu_limit (CPUs), throttled_percent, memory_limit, memory_used, memory_peak, cgroup_oom_kills,
pids_limit, pids, processes, fds, fds_limit, own_fds_limit, conntrack, conntrack_limit, sockets, time_wait,
local_ports (how many outbound connections to one place are possible), uptime, tight (what is nearly used up, in words).
Sizes in bytes. What cannot be read is left out.

proc(5), cgroups(7), the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Dict, List, Optional

from .verb import TIMEOUT, Answer, Context, Facts, Failed, Verb

ROOT = "/"
SAMPLE = 0.3  # seconds over which the CPUs are watched
_NO_LIMIT = 1 << 60  # version 1 writes a limit that is none as a number close to 2**63


def text(path: str) -> str:
    """Up to 64 KB of a file under /proc or /sys, "" where it cannot be read."""
    try:
        with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
            return file.read(65536)
    except (OSError, ValueError):
        return ""


def number(path: str) -> Optional[int]:
    """The first word as a number; None for `max` and for what is none."""
    words = text(path).split()
    return int(words[0]) if words and words[0].isdigit() else None


def table(content: str) -> Dict[str, int]:
    """Lines of `name value` or `name: value kB`."""
    out: Dict[str, int] = {}
    for line in content.splitlines():
        words = line.replace(":", " ").split()
        if len(words) >= 2 and words[1].isdigit():
            out[words[0]] = int(words[1])
    return out


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    if not sys.platform.startswith("linux"):
        raise Failed("unsupported", f"this reads /proc, which {sys.platform} does not have")
    facts: Facts = {}
    for part in (_cpu, _memory, _cgroup, _limits, _network):
        facts.update(part())
    facts["tight"] = _tight(facts)
    return Answer("ok", facts)


def _ticks() -> List[int]:
    words = text("proc/stat").split("\n", 1)[0].split()[1:9]
    return [int(word) for word in words if word.isdigit()]


def _cpu() -> Facts:
    before = _ticks()
    if before:
        time.sleep(SAMPLE)
    spent = [b - a for a, b in zip(before, _ticks())]  # noqa: B905 -- Python 3.8
    facts: Facts = {"cpus": os.cpu_count()}
    total = sum(spent)
    if total > 0 and len(spent) >= 5:
        facts["cpu_percent"] = round(100 - 100 * (spent[3] + spent[4]) / total)  # idle and waiting for disks
        if len(spent) >= 8:
            facts["steal_percent"] = round(100 * spent[7] / total)
    for name, word in zip(("load1", "load5", "load15"), text("proc/loadavg").split()):  # noqa: B905
        facts[name] = float(word)
    words = text("proc/uptime").split()
    facts["uptime"] = round(float(words[0])) if words else None
    pressure = {kind: _pressure(kind) for kind in ("cpu", "memory", "io")}
    facts["pressure"] = {k: v for k, v in pressure.items() if v is not None} or None
    return facts


def _pressure(kind: str) -> Optional[float]:
    for word in text(f"proc/pressure/{kind}").split():
        if word.startswith("avg10="):
            return float(word[6:])
    return None


def _memory() -> Facts:
    found = table(text("proc/meminfo"))
    names = {"memory_total": "MemTotal", "memory_available": "MemAvailable", "swap_total": "SwapTotal",
             "swap_free": "SwapFree"}  # fmt: skip
    facts: Facts = {name: found[key] * 1024 for name, key in names.items() if key in found}
    facts["oom_kills"] = table(text("proc/vmstat")).get("oom_kill")
    return facts


def _cgroup() -> Facts:
    """The limits of the group that this process is in, and of those above it: the narrowest counts."""
    lines = [line.split(":", 2) for line in text("proc/self/cgroup").splitlines() if line.count(":") >= 2]
    unified = next((path for _, kinds, path in lines if kinds == ""), None)
    if unified is not None and text("sys/fs/cgroup/cgroup.controllers"):
        return _version_2(unified)
    first = {kind: path for _, kinds, path in lines for kind in kinds.split(",") if kind}
    return _version_1(first) if first else {"cgroup": "none"}


def _up(path: str) -> List[str]:
    """A group's path and all above it. `..` parts, which a namespace shows, lead nowhere."""
    parts = [part for part in path.split("/") if part and part != ".."]
    return ["/".join(parts[:n]) for n in range(len(parts), -1, -1)]


def _least(values: List[Optional[int]]) -> Optional[int]:
    known = [value for value in values if value is not None]
    return min(known) if known else None


def _version_2(path: str) -> Facts:
    groups = [f"sys/fs/cgroup/{part}".rstrip("/") for part in _up(path)]
    facts: Facts = {"cgroup": "2", "cgroup_path": path}
    quotas = [text(f"{group}/cpu.max").split() for group in groups]
    cpus = [int(q[0]) / int(q[1]) for q in quotas if len(q) == 2 and q[0].isdigit() and q[1].isdigit() and int(q[1])]
    facts["cpu_limit"] = round(min(cpus), 2) if cpus else None
    facts["throttled_percent"] = _throttled([table(text(f"{group}/cpu.stat")) for group in groups])
    facts["memory_limit"] = _least([number(f"{group}/memory.max") for group in groups])
    own = next((g for g in groups if number(f"{g}/memory.max") is not None), groups[0])
    facts["memory_used"], facts["memory_peak"] = number(f"{own}/memory.current"), number(f"{own}/memory.peak")
    # counts of a group hold those of the groups below it
    kills = [table(text(f"{group}/memory.events")).get("oom_kill") for group in groups]
    facts["cgroup_oom_kills"] = max((k for k in kills if k is not None), default=None)
    facts["pids_limit"] = _least([number(f"{group}/pids.max") for group in groups])
    facts["pids"] = number(f"{groups[0]}/pids.current")
    return facts


def _version_1(paths: Dict[str, str]) -> Facts:
    def groups(kind: str) -> List[str]:
        # a container sees its own group at the root
        return [f"sys/fs/cgroup/{kind}/{part}".rstrip("/") for part in _up(paths.get(kind, ""))]

    facts: Facts = {"cgroup": "1", "cgroup_path": paths.get("memory") or paths.get("cpu")}
    quotas = [(number(f"{g}/cpu.cfs_quota_us"), number(f"{g}/cpu.cfs_period_us")) for g in groups("cpu")]
    cpus = [quota / period for quota, period in quotas if quota and period]
    facts["cpu_limit"] = round(min(cpus), 2) if cpus else None
    facts["throttled_percent"] = _throttled([table(text(f"{group}/cpu.stat")) for group in groups("cpu")])
    limits = [number(f"{group}/memory.limit_in_bytes") for group in groups("memory")]
    facts["memory_limit"] = _least([limit if limit is not None and limit < _NO_LIMIT else None for limit in limits])
    own = next((g for g in groups("memory") if text(f"{g}/memory.usage_in_bytes")), "")
    facts["memory_used"] = number(f"{own}/memory.usage_in_bytes")
    facts["memory_peak"] = number(f"{own}/memory.max_usage_in_bytes")
    kills = [table(text(f"{group}/memory.oom_control")).get("oom_kill") for group in groups("memory")]
    facts["cgroup_oom_kills"] = max((k for k in kills if k is not None), default=None)
    facts["pids_limit"] = _least([number(f"{group}/pids.max") for group in groups("pids")])
    facts["pids"] = number(f"{groups('pids')[0]}/pids.current")
    return facts


def _throttled(stats: List[Dict[str, int]]) -> Optional[float]:
    """In how many periods of 100 the group had to wait although it had work."""
    shares = [100.0 * s["nr_throttled"] / s["nr_periods"] for s in stats if s.get("nr_periods") and "nr_throttled" in s]
    return round(max(shares), 1) if shares else None


def _limits() -> Facts:
    facts: Facts = {}
    words = text("proc/sys/fs/file-nr").split()
    if len(words) >= 3 and words[0].isdigit() and words[2].isdigit():
        facts.update(fds=int(words[0]), fds_limit=int(words[2]))
    try:
        import resource

        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        facts["own_fds_limit"] = soft if soft >= 0 else None
    except (ImportError, OSError, ValueError):
        pass
    running = text("proc/loadavg").split()
    if len(running) >= 4 and "/" in running[3]:
        facts["processes"] = int(running[3].split("/")[1])
    return facts


def _network() -> Facts:
    facts: Facts = {
        "conntrack": number("proc/sys/net/netfilter/nf_conntrack_count"),
        "conntrack_limit": number("proc/sys/net/netfilter/nf_conntrack_max"),
    }
    for line in text("proc/net/sockstat").splitlines():
        words = line.split()
        if words[:1] == ["TCP:"]:
            pairs = dict(zip(words[1::2], words[2::2]))  # noqa: B905
            facts.update(sockets=int(pairs.get("inuse", 0)), time_wait=int(pairs.get("tw", 0)))
    ports = text("proc/sys/net/ipv4/ip_local_port_range").split()
    if len(ports) == 2:
        facts["local_ports"] = int(ports[1]) - int(ports[0]) + 1
    return facts


def _tight(f: Facts) -> List[str]:
    """What is nearly used up. The thresholds are our own: where builds begin to fail, not where graphs turn red."""

    def part(used: str, limit: str) -> float:
        return float(f[used]) / f[limit] if f.get(used) is not None and f.get(limit) else 0.0

    cpus = f.get("cpu_limit") or f.get("cpus") or 1
    left = part("memory_available", "memory_total") if f.get("memory_available") is not None else 1.0
    pressure = f.get("pressure") or {}
    checks = (
        (left < 0.05, "memory: less than 5% is available"),
        (part("memory_used", "memory_limit") > 0.95, "memory: the cgroup is at its limit"),
        ((f.get("load1") or 0) > 4 * cpus, f"cpu: the load is {f.get('load1')} on {cpus} CPUs"),
        ((f.get("throttled_percent") or 0) > 25, "cpu: the cgroup's quota stops it again and again"),
        ((f.get("steal_percent") or 0) > 20, "cpu: the host gives a good part of it to others"),
        ((pressure.get("memory") or 0) > 20, "memory: tasks wait for it"),
        ((pressure.get("io") or 0) > 40, "disk: tasks wait for it"),
        (part("fds", "fds_limit") > 0.9, "files: nearly as many are open as the machine allows"),
        (part("pids", "pids_limit") > 0.9, "processes: the cgroup is near its limit"),
        (part("conntrack", "conntrack_limit") > 0.9, "network: the connection table is nearly full"),
        (part("time_wait", "local_ports") > 0.8, "network: nearly all local ports are in use or wait"),
    )
    return [words for holds, words in checks if holds]


VERB = Verb(
    says="how busy the machine is: CPU, memory, cgroup limits, OOM kills, file descriptors, connections",
    args={"timeout": TIMEOUT},
    seconds=4.0,
    run=run,
)
