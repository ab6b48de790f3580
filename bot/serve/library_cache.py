"""The cache of a parsed and compiled set of playbooks: one file a set, written atomically, checked before it is used.

The compiled database is native code's data structure: it is only read from a folder and a file that belong to us and
that nobody else can write.
"""

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from bot.triage.playbook import Playbook

_MAGIC = b"buildmedic-playbooks-1\n"
_KEEP = 6  # sets; older ones are removed
_MAX_BYTES = 256 << 20


class Cached(NamedTuple):
    playbooks: tuple[Playbook, ...]
    paths: dict[str, str]  # playbook id -> its file
    blob: bytes  # RuleSet.dump()


def code_version() -> str:
    """Changes with the code that reads playbooks, also in a checkout where the version stands still."""
    from bot import triage

    marks = [
        _installed("buildmedic"),
        _installed("hyperscan"),
        _installed("google-re2"),
        _installed("pydantic"),
    ]
    folder = Path(triage.__file__).resolve().parent
    for file in sorted(folder.glob("*.py")):
        with contextlib.suppress(OSError):
            seen = file.stat()
            marks.append(f"{file.name}:{seen.st_mtime_ns}:{seen.st_size}")
    return "|".join(marks)


def _installed(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} ?"


def folder() -> Path | None:
    """Ours alone, made if need be: $XDG_CACHE_HOME/buildmedic, ~/.cache/buildmedic, or one in the temporary folder.
    None where there is none to be had."""
    for candidate in _candidates():
        try:
            candidate.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _ours(os.lstat(candidate)) and os.access(candidate, os.W_OK | os.X_OK):
                return candidate
        except (OSError, ValueError):
            continue
    return None


def _candidates() -> list[Path]:
    named = os.environ.get("XDG_CACHE_HOME", "")
    found = [Path(named) / "buildmedic"] if named and Path(named).is_absolute() else []
    if not found:
        with contextlib.suppress(RuntimeError):  # no home is known
            found.append(Path.home() / ".cache" / "buildmedic")
    return [*found, Path(tempfile.gettempdir()) / f"buildmedic-{os.getuid()}"]


def _ours(seen: os.stat_result) -> bool:
    return seen.st_uid == os.getuid() and not seen.st_mode & 0o022 and not stat.S_ISLNK(seen.st_mode)


def read(key: str) -> Cached | None:
    """The set of that key, or None: not there, not whole, not ours, or of other code."""
    where = folder()
    if where is None:
        return None
    try:
        with _file(where, key).open("rb") as stream:
            if not _ours(os.fstat(stream.fileno())):
                return None
            raw = stream.read(_MAX_BYTES)
    except OSError:
        return None
    return _unpack(raw)


def _unpack(raw: bytes) -> Cached | None:
    start = len(_MAGIC)
    if not raw.startswith(_MAGIC) or hashlib.sha256(raw[start + 32 :]).digest() != raw[start : start + 32]:
        return None
    start += 32
    length = int.from_bytes(raw[start : start + 8], "big")
    body, blob = raw[start + 8 : start + 8 + length], raw[start + 8 + length :]
    try:
        data = json.loads(body)
        playbooks = TypeAdapter(tuple[Playbook, ...]).validate_python(data["playbooks"])
    except (ValueError, KeyError, TypeError, ValidationError):
        return None
    return Cached(playbooks, dict(data["paths"]), blob)


def write(key: str, playbooks: Sequence[Playbook], paths: dict[str, str], blob: bytes) -> None:
    """Atomic; a failure is silent, since only time is lost."""
    where = folder()
    if where is None:
        return
    body = json.dumps({"paths": paths, "playbooks": [p.model_dump(mode="json") for p in playbooks]}).encode()
    payload = len(body).to_bytes(8, "big") + body + blob
    raw = _MAGIC + hashlib.sha256(payload).digest() + payload
    with contextlib.suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=where, prefix=".new-")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(raw)
            Path(temporary).replace(_file(where, key))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _prune(where)


def _file(where: Path, key: str) -> Path:
    return where / f"playbooks-{key[:40]}.bin"


def _prune(where: Path) -> None:
    kept = sorted(where.glob("playbooks-*.bin"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
    for old in [*kept[_KEEP:]]:
        old.unlink(missing_ok=True)
