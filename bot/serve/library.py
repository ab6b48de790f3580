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
from bot.serve.library_extras import Shared, beside, read_shared, read_text, read_translations
from bot.triage.diagnose import Library
from bot.triage.playbook import Playbook, examine

FILE = "playbook.yaml"


@dataclass(frozen=True)
class Source:
    """One playbook file, read."""

    path: Path
    text: str
    builtin: bool = False
    shared: Shared = field(default_factory=Shared)
    translations: dict[str, dict[str, str]] = field(default_factory=dict)
    beside: str = ""  # the text of its translations
    problems: tuple[PlaybookError, ...] = ()  # of its translations: it is then told in English

    def examine(self, *, patterns: bool = True, alone: bool = True) -> tuple[Playbook | None, list[PlaybookError]]:
        """See `bot.triage.playbook.examine`."""
        return examine(
            self.text, str(self.path), patterns=patterns, alone=alone, shared=self.shared.steps,
            translations=self.translations,
        )  # fmt: skip


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


def read_source(path: Path, *, builtin: bool = False, shared: Shared | None = None) -> Source:
    """Raises PlaybookError where the file cannot be read or is no UTF-8 text."""
    shared = shared if shared is not None else shared_for([path.parent])
    text = read_text(path)
    tables, beside, problems = read_translations(path, shared)
    return Source(path, text, builtin, shared, tables, beside, tuple(problems))


def shared_for(folders: Sequence[Path]) -> Shared:
    """The steps that playbooks in these folders may `use`: the built-in ones, and those of the folders (of a single
    playbook's folder or file: of the folder around it)."""
    folders = [_around(folder) for folder in folders]
    with contextlib.suppress(UsageError):
        folders = [builtin_folder(), *folders]
    return read_shared(folders)


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


def _around(folder: Path) -> Path:
    folder = folder.resolve()
    if folder.is_file():
        return folder.parent.parent
    return folder.parent if (folder / FILE).is_file() else folder


def read_all(own: Sequence[Path], *, builtin: bool) -> tuple[list[Source], list[PlaybookError]]:
    sources: list[Source] = []
    shared = shared_for(own)
    problems: list[PlaybookError] = list(shared.problems)
    for path, is_builtin in _paths(own, builtin=builtin):
        try:
            sources.append(read_source(path, builtin=is_builtin, shared=shared))
            problems.extend(sources[-1].problems)
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
    shared = dict.fromkeys(source.shared.texts for source in sources)  # mostly one
    for source in sources:
        own = (str(source.path), str(source.builtin), source.text, source.beside)
        for part in (*own, str(list(shared).index(source.shared.texts))):
            raw = part.encode("utf-8", "surrogateescape")
            digest.update(len(raw).to_bytes(8, "big") + raw)
    digest.update(repr(list(shared)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _gather(sources: Sequence[Source], gathered: _Gathered) -> bool:
    """Parse each and settle who replaces whom. Our own patterns are checked; the built-in ones were, when they were
    made. What hyperscan alone refuses shows when the set is compiled. Returns whether nothing was refused."""
    before = len(gathered.problems)
    own: list[tuple[Playbook, Source]] = []
    for source in sources:
        playbook, faults = source.examine(patterns=not source.builtin, alone=False)
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
            _, faults = source.examine()
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
            files = [path for path, _ in _paths(self._own, builtin=self._builtin)]
            files += [other for path in files for other in beside(path).values()]
            files += [f for folder in {p.parent.parent for p in files} for f in sorted(folder.glob("steps*.yaml"))]
            return tuple(_stat(path) for path in sorted(set(files)))
        except UsageError as error:
            return (str(error),)


def _stat(path: Path) -> tuple[object, ...]:
    try:
        seen = path.stat()
    except OSError as error:
        return str(path), error.errno
    return str(path), seen.st_mtime_ns, seen.st_size, seen.st_ino
