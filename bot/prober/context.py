"""`context`: how large the Docker build context of a checkout is, and what .dockerignore leaves out, or could.

Facts: path, dockerfile (found beside it), dockerignore (the file that counts), patterns (how many), total_bytes,
total_files, sent_bytes, sent_files, saved_bytes (by the .dockerignore that is there), could_save ({pattern, bytes,
files}: what builds hardly ever need and what is sent all the same), could_save_bytes, top ({name, bytes} of what is
sent, the largest first), complete (False: the walk stopped at its time or its count), note.

BuildKit sends of this what the Dockerfile copies; a `COPY .` copies all of it.
"""

from __future__ import annotations

import os
import stat
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import dockerignore
from .disk import path
from .dockerignore import BadPattern, Pattern
from .verb import TIMEOUT, Answer, Arg, Clock, Context, Facts, Failed, Verb

MAX_ENTRIES = 400_000
MAX_DEPTH = 60
HEAVY = (
    ".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".mypy_cache", ".pytest_cache", ".terraform",
    ".gradle", ".next", ".cache", "target", ".idea", ".vscode", "coverage", "tmp", ".hg", ".svn", ".bundle",
)  # fmt: skip
_SIGNS = (".git", "Dockerfile", "Containerfile", ".dockerignore", "go.mod", "package.json", "pyproject.toml", "pom.xml")


class Sum:
    """Bytes and files."""

    def __init__(self) -> None:
        self.bytes, self.files = 0, 0

    def add(self, size: int) -> None:
        self.bytes += size
        self.files += 1


class _Folder(NamedTuple):
    full: str
    relative: str  # "" for the checkout itself
    out: bool  # left out, as a whole
    fits: Optional[List[bool]]
    heavy: Optional[str]  # the folder above that hardly anybody needs
    depth: int


class Walk:
    """One pass over a checkout; links are not followed."""

    def __init__(self, root: str, patterns: List[Pattern], kept: Tuple[str, ...], clock: Clock) -> None:
        self.root, self.patterns, self.kept, self.clock = root, patterns, kept, clock
        self.total, self.sent, self.complete, self.seen = Sum(), Sum(), True, 0
        self.heavy: Dict[str, Sum] = {}
        self.top: Dict[str, int] = {}
        self.back = any(pattern.back for pattern in patterns)

    def run(self) -> None:
        waiting = [_Folder(self.root, "", False, None, None, 0)]
        while waiting:
            folder = waiting.pop()
            try:
                entries = os.scandir(folder.full)
            except OSError:
                self.complete = False
                continue
            with entries:
                for entry in entries:
                    self.seen += 1
                    if self.seen > MAX_ENTRIES or (self.seen % 256 == 0 and self.clock.left() <= 0):
                        self.complete = False
                        return
                    below = self._entry(folder, entry)
                    if below is not None:
                        waiting.append(below)

    def _entry(self, folder: _Folder, entry: "os.DirEntry[str]") -> Optional[_Folder]:
        relative = f"{folder.relative}/{entry.name}" if folder.relative else entry.name
        out, fits = folder.out, folder.fits
        if self.patterns and not (out and not self.back):  # without any `!` all below goes with its folder
            out, fits = dockerignore.matched(self.patterns, relative, folder.fits)
        if relative in self.kept:
            out = False  # Docker needs these two, and sends them whatever the patterns say
        try:
            found = entry.stat(follow_symlinks=False)
        except OSError:
            self.complete = False
            return None
        heavy = folder.heavy or (entry.name if entry.name in HEAVY else None)
        if stat.S_ISDIR(found.st_mode):
            if folder.depth >= MAX_DEPTH:
                self.complete = False
                return None
            return _Folder(entry.path, relative, out, fits, heavy, folder.depth + 1)
        size = found.st_size if stat.S_ISREG(found.st_mode) else 0
        self.total.add(size)
        if not out:
            self.sent.add(size)
            name = relative.split("/", 1)[0]
            self.top[name] = self.top.get(name, 0) + size
            if heavy:
                self.heavy.setdefault(heavy, Sum()).add(size)
        return None


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    root: str = args["path"]
    if not os.path.isdir(root):
        raise Failed("nodata", f"there is no folder {root} on this machine", path=root)
    if not any(os.path.lexists(os.path.join(root, sign)) for sign in _SIGNS):
        # this verb tells names and sizes: it is for checkouts, and not for looking around
        raise Failed("denied", f"{root} is no checkout: it has neither .git nor a Dockerfile nor the like", path=root)
    dockerfile: str = args["dockerfile"]
    name, content = _ignore_file(root, dockerfile)
    facts: Facts = {"path": root, "dockerignore": name}
    facts["dockerfile"] = dockerfile if os.path.isfile(os.path.join(root, dockerfile)) else None
    try:
        patterns = dockerignore.read(content)
    except BadPattern as error:
        raise Failed("error", f"docker build refuses {name}: {error}", **facts) from None
    walk = Walk(root, patterns, (dockerfile, name or ".dockerignore"), ctx.clock.part(0.9))
    walk.run()
    return Answer("ok", {**facts, "patterns": len(patterns), **_told(walk)})


def _ignore_file(root: str, dockerfile: str) -> Tuple[Optional[str], str]:
    """(name, content): the one that belongs to this Dockerfile alone comes first."""
    for name in (f"{dockerfile}.dockerignore", ".dockerignore"):
        try:
            with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
                return name, file.read(256 * 1024)
        except OSError:
            continue
    return None, ""


def _told(walk: Walk) -> Facts:
    could = sorted(walk.heavy.items(), key=lambda item: item[1].bytes, reverse=True)
    top = sorted(walk.top.items(), key=lambda item: item[1], reverse=True)
    facts: Facts = {
        "total_bytes": walk.total.bytes, "total_files": walk.total.files, "sent_bytes": walk.sent.bytes,
        "sent_files": walk.sent.files, "saved_bytes": walk.total.bytes - walk.sent.bytes,
        "could_save": [{"pattern": f"**/{k}", "bytes": v.bytes, "files": v.files} for k, v in could[:10]],
        "could_save_bytes": sum(v.bytes for _, v in could), "complete": walk.complete,
        "top": [{"name": name, "bytes": size} for name, size in top[:10]],
    }  # fmt: skip
    if not walk.complete:
        facts["note"] = "not all of it was seen: the figures are the least that there is"
    return facts


def _dockerfile(value: Any) -> str:
    text = path("/" + value if isinstance(value, str) else value)[1:]
    if not text or text.startswith("/"):
        raise ValueError("must be a path inside the checkout")
    return text


VERB = Verb(
    says="the size of a checkout's Docker build context, and what .dockerignore leaves out or could",
    args={
        "path": Arg(path, "the checkout's absolute path", required=True),
        "dockerfile": Arg(_dockerfile, "the Dockerfile, from the checkout on", default="Dockerfile"),
        "timeout": TIMEOUT,
    },
    seconds=10.0,
    run=run,
)
