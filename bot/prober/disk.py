"""`disk`: space and inodes where builds write.

Facts: disks ({path, device, type, total, free, used_percent, inodes, inodes_free, inodes_percent, readonly}), full
(paths without room), inodes_full, readonly (paths that cannot be written), path, free, used_percent, inodes_percent (of
the worst, or of the one that was asked for), skipped (paths that gave no answer: a dead network mount). Bytes.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from typing import Any, Dict, List, Optional, Tuple

from .verb import TIMEOUT, Answer, Arg, Clock, Context, Facts, Failed, Verb

PLACES = (
    "/", "/home", "/tmp", "/var", "/var/tmp", "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers",
    "/var/lib/buildkit", "/var/lib/kubelet", "/run", "/dev/shm", "/opt", "/builds", "/data", "/mnt", "/workspace",
    "/github", "/home/runner/_work", "/actions-runner/_work", "/var/lib/jenkins",
)  # fmt: skip
LEAST = 256 * 1024 * 1024  # less than this is no room for a build
_NO_DISK = frozenset({"proc", "sysfs", "devpts", "cgroup", "cgroup2", "mqueue", "securityfs", "debugfs", "tracefs"})


def path(value: Any) -> str:
    """An absolute path, as it stands. Raises ValueError."""
    text = value if isinstance(value, str) else ""
    if not re.fullmatch(r"/[^\x00-\x1f]{0,1000}", text) or ".." in text.split("/"):
        raise ValueError("must be an absolute path without ..")
    return text


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    asked: Optional[str] = args["path"]
    home = os.path.expanduser("~")
    places = [asked] if asked is not None else list(dict.fromkeys([*PLACES, home, tempfile.gettempdir()]))
    rows, skipped = _look(places, ctx.clock.part(0.8))
    if not rows:
        why = "no file system gave an answer" if skipped else f"there is no {asked} on this machine"
        raise Failed("timeout" if skipped else "nodata", why, skipped=skipped, path=asked)
    rows.sort(key=lambda row: max(row["used_percent"], row.get("inodes_percent") or 0), reverse=True)
    facts: Facts = {
        "disks": rows[:16],
        "full": [row["path"] for row in rows if row["free"] < min(LEAST, row["total"] // 100)],
        "inodes_full": [row["path"] for row in rows if (row.get("inodes_percent") or 0) >= 99],
        "readonly": [row["path"] for row in rows if row["readonly"]],
        "skipped": skipped or None,
    }
    facts.update({k: rows[0].get(k) for k in ("path", "free", "used_percent", "inodes_percent")})
    return Answer("ok", facts)


def _look(places: List[str], clock: Clock) -> Tuple[List[Facts], List[str]]:
    """One row a file system. A network mount that is dead holds its thread, and nobody else."""
    mounts = _mounts()
    found: Dict[str, Facts] = {}

    def one(place: str) -> None:
        try:
            stat, device = os.statvfs(place), os.stat(place).st_dev
        except OSError:
            found[place] = {}
            return
        if stat.f_blocks:
            found[place] = _row(place, stat, device, mounts)

    threads = [threading.Thread(target=one, args=(place,), daemon=True) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(clock.left() + 0.05)
    rows: Dict[int, Facts] = {}
    for place in places:
        row = found.get(place)
        if row and row["type"] not in _NO_DISK:
            rows.setdefault(row.pop("_device"), row)
    return list(rows.values()), [place for place in places if place not in found]


def _row(place: str, stat: os.statvfs_result, device: int, mounts: List[Tuple[str, str, str, str]]) -> Facts:
    real = os.path.realpath(place)
    fits = [m for m in mounts if real == m[1] or real.startswith(m[1].rstrip("/") + "/")]
    name, _, kind, options = max(fits, key=lambda m: len(m[1])) if fits else ("", "", "", "")
    total, free = stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize
    usable = stat.f_blocks - stat.f_bfree + stat.f_bavail
    row: Facts = {"path": place, "device": name, "type": kind, "total": total, "free": free, "_device": device}
    # as df(1) counts: what only root may still take is not free
    row["used_percent"] = round(100 * (usable - stat.f_bavail) / usable) if usable else 100
    if stat.f_files:
        row.update(inodes=stat.f_files, inodes_free=stat.f_favail)
        row["inodes_percent"] = round(100 * (stat.f_files - stat.f_ffree) / stat.f_files)
    row["readonly"] = bool(stat.f_flag & getattr(os, "ST_RDONLY", 1)) or "ro" in options.split(",")
    return row


def _mounts() -> List[Tuple[str, str, str, str]]:
    """(device, folder, type, options) of /proc/self/mounts; empty where there is none."""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
            lines = [line.split(" ") for line in file.read(1 << 20).splitlines()]
    except OSError:
        return []
    return [(w[0], w[1].replace("\\040", " "), w[2], w[3]) for w in lines if len(w) >= 4]


VERB = Verb(
    says="space and inodes of the file systems that builds write to",
    args={"path": Arg(path, "one absolute path; left out: the usual places"), "timeout": TIMEOUT},
    seconds=4.0,
    run=run,
)
