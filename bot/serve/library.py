"""Where playbooks come from: the built-in ones, folders of our own, the cache beside them, and reloading while we run.

Findings are `PlaybookError`s (file, line, reason). A cache that cannot be read or written costs time, never an answer.
"""

import contextlib
import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot import triage
from bot.model.errors import PlaybookError, UsageError
from bot.serve import library_cache as cache
from bot.triage.diagnose import Library
from bot.triage.playbook import Playbook, examine

FILE = "playbook.yaml"
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """One playbook file, read."""

    path: Path
    text: str
    builtin: bool = False


@dataclass(frozen=True)
class Loaded:
    """What could be loaded, where it came from, and what was refused."""

    library: Library
    files: dict[str, Path]  # playbook id -> its file
    problems: tuple[PlaybookError, ...] = ()
    builtin: frozenset[str] = frozenset()  # ids that came with the product

    def folder(self, playbook: str) -> Path:
        return self.files[playbook].parent


@dataclass
class _Gathered:
    playbooks: dict[str, Playbook] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    problems: list[PlaybookError] = field(default_factory=list)


def builtin_folder() -> Path:
    """The playbooks of the wheel, or of the checkout in an editable install. Raises UsageError if neither is there."""
    package = Path(triage.__file__).resolve().parent.parent
    for folder in (package / "_playbooks", package.parent / "playbooks"):
        if folder.is_dir():
            return folder
    raise UsageError(f"the built-in playbooks are missing from the installation at {package}: install it again")


def playbook_files(folder: Path) -> list[Path]:
    """The playbooks under a folder of playbooks, or of the one folder (or file) named itself. Raises UsageError."""
    try:
        if folder.is_file():
            return [folder]
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}")
        if (folder / FILE).is_file():
            return [folder / FILE]
        return sorted(sub / FILE for sub in folder.iterdir() if (sub / FILE).is_file())
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be read: {error.strerror}") from None


def read_source(path: Path, *, builtin: bool = False) -> Source:
    """Raises PlaybookError where the file cannot be read or is no UTF-8 text."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise PlaybookError(str(path), 1, f"cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise PlaybookError(str(path), 1, f"larger than {MAX_BYTES} bytes")
    try:
        return Source(path, raw.decode("utf-8-sig"), builtin)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PlaybookError(str(path), line, "not UTF-8 text") from None


def load(own: Sequence[Path] = (), *, builtin: bool = True) -> Loaded:
    """Every playbook that is sound: the built-in ones and those under `own`. What is refused stands in `problems`.
    Raises UsageError for a folder that is not there."""
    sources, problems = read_all(own, builtin=builtin)
    return assemble(sources, problems)


def load_strict(own: Sequence[Path] = (), *, builtin: bool = True) -> Loaded:
    """As `load`, but raises the first PlaybookError."""
    loaded = load(own, builtin=builtin)
    if loaded.problems:
        raise loaded.problems[0]
    return loaded


def read_all(own: Sequence[Path], *, builtin: bool) -> tuple[list[Source], list[PlaybookError]]:
    sources: list[Source] = []
    problems: list[PlaybookError] = []
    for path, is_builtin in _paths(own, builtin=builtin):
        try:
            sources.append(read_source(path, builtin=is_builtin))
        except PlaybookError as error:
            problems.append(error)
    return sources, problems


def _paths(own: Sequence[Path], *, builtin: bool) -> Iterator[tuple[Path, bool]]:
    """Each file once, also where a folder is named twice or is the built-in one."""
    seen: set[Path] = set()
    listed = [(p, True) for p in playbook_files(builtin_folder())] if builtin else []
    listed += [(p, False) for folder in own for p in playbook_files(folder)]
    for path, is_builtin in listed:
        real = path.resolve()
        if real not in seen:
            seen.add(real)
            yield path, is_builtin


def assemble(sources: Sequence[Source], problems: Iterable[PlaybookError] = ()) -> Loaded:
    """Parse, put together and compile; from the cache where this very set was seen before."""
    key = _key(sources)
    found = cache.read(key)
    gathered = _Gathered(problems=list(problems))
    if found is not None:
        by_path = {str(s.path): s for s in sources}
        with contextlib.suppress(Exception):  # a database of another machine or engine: compile it anew
            library = Library.build(found.playbooks, blob=found.blob)
            gathered.sources = {i: by_path[path] for i, path in found.paths.items()}
            return _loaded(gathered, library)
    clean = _gather(sources, gathered)
    library = _compile(gathered)
    if clean and not gathered.problems:
        paths = {i: str(s.path) for i, s in gathered.sources.items()}
        cache.write(key, library.playbooks, paths, library.ruleset.dump())
    return _loaded(gathered, library)


def _loaded(gathered: _Gathered, library: Library) -> Loaded:
    return Loaded(
        library=library,
        files={i: s.path for i, s in gathered.sources.items()},
        problems=tuple(gathered.problems),
        builtin=frozenset(i for i, s in gathered.sources.items() if s.builtin),
    )


def _key(sources: Sequence[Source]) -> str:
    """Names this very set: texts, where they lie, and the code that reads them."""
    digest = hashlib.sha256(cache.code_version().encode())
    for source in sources:
        for part in (str(source.path), str(source.builtin), source.text):
            raw = part.encode("utf-8", "surrogateescape")
            digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


def _gather(sources: Sequence[Source], gathered: _Gathered) -> bool:
    """Parse each and settle who replaces whom. Our own patterns are checked; the built-in ones were, when they were
    made. What hyperscan alone refuses shows when the set is compiled. Returns whether nothing was refused."""
    before = len(gathered.problems)
    own: list[tuple[Playbook, Source]] = []
    for source in sources:
        playbook, faults = examine(source.text, str(source.path), patterns=not source.builtin, alone=False)
        gathered.problems.extend(faults)
        if playbook is None or faults:
            continue
        if source.builtin:
            _add(playbook, source, gathered)
        else:
            own.append((playbook, source))
    builtin = set(gathered.playbooks)
    for playbook, source in own:
        _add_own(playbook, source, gathered, builtin)
    return len(gathered.problems) == before


def _add(playbook: Playbook, source: Source, gathered: _Gathered) -> None:
    if (other := gathered.sources.get(playbook.id)) is not None:
        reason = f"duplicate id `{playbook.id}`: {other.path} has it already"
        if other.builtin and not source.builtin:
            reason += f" (built in; to put this one in its place, write `replaces: {playbook.id}`)"
        gathered.problems.append(PlaybookError(str(source.path), _line(source, "id"), reason))
        return
    gathered.playbooks[playbook.id] = playbook
    gathered.sources[playbook.id] = source


def _add_own(playbook: Playbook, source: Source, gathered: _Gathered, builtin: set[str]) -> None:
    if playbook.replaces is not None:
        if playbook.replaces not in builtin:
            from bot.triage.verdict import nearest

            reason = f"replaces `{playbook.replaces}`, and no built-in playbook has that id"
            reason += nearest(playbook.replaces, builtin)
            gathered.problems.append(PlaybookError(str(source.path), _line(source, "replaces"), reason))
            return
        stands = gathered.sources.get(playbook.replaces)
        if stands is not None and stands.builtin:
            del gathered.playbooks[playbook.replaces], gathered.sources[playbook.replaces]
    _add(playbook, source, gathered)


def _line(source: Source, key: str) -> int:
    from bot.triage.playbook_yaml import line_of

    return line_of(source.text, (key,))


def _compile(gathered: _Gathered) -> Library:
    """Compile; where the engine refuses the set, find the pattern that is to blame and go on without its playbook."""
    try:
        return Library.build(gathered.playbooks.values())
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except Exception as error:
        before = len(gathered.playbooks)
        for id_, source in list(gathered.sources.items()):
            _, faults = examine(source.text, str(source.path), patterns=True)
            if faults:
                gathered.problems.extend(faults)
                del gathered.playbooks[id_], gathered.sources[id_]
        if len(gathered.playbooks) == before:
            raise UsageError(f"the playbooks' patterns cannot be compiled together: {error}") from error
        return Library.build(gathered.playbooks.values())


@dataclass(frozen=True)
class Reload:
    """What a look at the folders led to."""

    changed: bool  # a new set is in force
    problems: tuple[PlaybookError, ...] = ()  # why it is not


class LivePlaybooks:
    """The set in force while the bot runs. A change that has a fault in it is refused whole: the last good set stays.

    At the start there is no last good set, so there only the broken playbooks are left out (see `problems`)."""

    def __init__(self, own: Sequence[Path] = (), *, builtin: bool = True) -> None:
        self._own, self._builtin = tuple(own), builtin
        self._lock = threading.Lock()
        self._seen = self._signature()
        self._loaded = load(self._own, builtin=builtin)
        self.problems: tuple[PlaybookError, ...] = self._loaded.problems

    @property
    def current(self) -> Library:
        """The last good set."""
        return self._loaded.library

    @property
    def loaded(self) -> Loaded:
        return self._loaded

    def refresh(self) -> Reload:
        """Look at the folders, and take what changed. Blocks for up to a second when it compiles: call it in a
        thread. Never raises."""
        with self._lock:
            signature = self._signature()
            if signature == self._seen:
                return Reload(False, ())
            self._seen = signature
            try:
                fresh = load(self._own, builtin=self._builtin)
            except UsageError as error:
                self.problems = (PlaybookError(str(self._own[0] if self._own else FILE), 1, str(error)),)
                return Reload(False, self.problems)
            self.problems = fresh.problems
            if fresh.problems:
                return Reload(False, fresh.problems)
            self._loaded = fresh
            return Reload(True, ())

    def _signature(self) -> tuple[object, ...]:
        """Changes when a file does. An unreadable folder has a signature of its own."""
        try:
            return tuple(_stat(path) for path, _ in _paths(self._own, builtin=self._builtin))
        except UsageError as error:
            return (str(error),)


def _stat(path: Path) -> tuple[object, ...]:
    try:
        seen = path.stat()
    except OSError as error:
        return str(path), error.errno
    return str(path), seen.st_mtime_ns, seen.st_size, seen.st_ino
