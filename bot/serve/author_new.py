"""`playbook new`: a folder to start from, out of a log and one line of it. It never overwrites anything."""

import contextlib
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from bot.model import Noun
from bot.model.causes import CAUSES
from bot.model.diagnosis import Scan
from bot.model.errors import UsageError
from bot.serve.library import FILE, Loaded
from bot.triage import logtext
from bot.triage.diagnose import Library, hypotheses
from bot.triage.playbook import parse_playbook
from bot.triage.propose import Proposal, propose
from bot.triage.redact import redact
from bot.triage.verdict import nearest

BEFORE, AFTER = 25, 10  # lines of the log that go into the sample around the line
_WIDEST = 2000  # characters of one line in the sample
_LONGEST = 1 << 20  # bytes of one line that are looked at
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Made(Noun):
    """What was written, and what its author should know."""

    folder: str
    line: str
    pattern: str
    facts: tuple[str, ...]
    cause: str
    known: tuple[str, ...] = ()  # playbooks that know this line already


def new(log: Path, line: int, into: Path, loaded: Loaded, *, name: str | None = None, cause: str | None = None) -> Made:
    """Write `into/ID/` with a playbook.yaml and a hit-1.log. Raises UsageError, in words, and then leaves nothing."""
    around, at = _around(log, line)
    text = redact(logtext.clean(around[at]))
    try:
        made = propose(text)
    except ValueError as error:
        raise UsageError(f"line {line}: {error}") from None
    name = name or made.id
    if not _ID.fullmatch(name):
        raise UsageError(f"`{name}` is no id: small letters, digits and single hyphens (dns-timeout)")
    sample = "".join(redact(_readable(raw)) + "\n" for raw in around)
    known = _known(loaded.library, sample, at + 1)
    cause = _cause(cause, known, loaded.library)
    _free(name, into, loaded)
    yaml = _yaml(made, name, cause, text)
    playbook = parse_playbook(yaml, FILE)
    _must_match(Library.build([playbook]), sample, line)
    folder = _write(into, name, {FILE: yaml, "hit-1.log": sample})
    return Made(folder=str(folder), line=text, pattern=made.pattern, facts=made.facts, cause=cause, known=known)


def _around(log: Path, line: int) -> tuple[list[bytes], int]:
    """The lines around line `line` (from 1), and where it stands among them. Reads no further than it must."""
    if line < 1:
        raise UsageError("lines count from 1")
    kept: deque[bytes] = deque(maxlen=BEFORE + 1)
    after: list[bytes] = []
    number = 0
    try:
        with log.open("rb") as stream:
            for number, raw in enumerate(_lines(stream), 1):
                if number <= line:
                    kept.append(raw)
                elif len(after) < AFTER:
                    after.append(raw)
                else:
                    break
    except OSError as error:
        reason = "it is a directory" if isinstance(error, IsADirectoryError) else error.strerror
        raise UsageError(f"the log cannot be read: {log}: {reason}") from None
    if number < line:
        raise UsageError(f"{log} has {number} lines, and no line {line}")
    return [*kept, *after], len(kept) - 1


def _lines(stream: object) -> Iterator[bytes]:
    """Whole lines; of one that never ends the beginning."""
    read = stream.readline  # type: ignore[attr-defined]
    while raw := read(_LONGEST):
        line: bytes = raw
        while not raw.endswith(b"\n") and (raw := read(_LONGEST)):
            pass
        yield line.rstrip(b"\r\n")


def suspects(library: Library, scan: Scan) -> list[int]:
    """Lines that look like the fault: what our own playbooks hit, for those who did not name one."""
    return sorted({h.line for h in scan.hits if h.suppressed is None})[:8]


def _readable(raw: bytes) -> str:
    """As the log has it, but for what an editor could not show."""
    text = raw.decode("utf-8", "replace")
    text = "".join(c if c.isprintable() or c in "\t\x1b" else "\ufffd" for c in text)
    return text if len(text) <= _WIDEST else text[:_WIDEST] + " [cut]"


def _known(library: Library, sample: str, line: int) -> tuple[str, ...]:
    from bot.triage.scanner import scan_bytes

    scan = scan_bytes(library.ruleset, sample.encode())
    found = hypotheses(library, scan)
    return tuple(h.playbook for h in found if any(hit.line == line for hit in h.hits))


def _cause(cause: str | None, known: tuple[str, ...], library: Library) -> str:
    if cause is None and known:
        first = library.by_id(known[0])
        return first.cause if first else ""
    if cause is None:
        names = ", ".join(c for c in CAUSES if c not in {"unknown", "not-a-failure"})
        raise UsageError(f"no playbook knows this line yet, so say what it means: --cause, one of {names}")
    if cause not in CAUSES or cause == "unknown":
        raise UsageError(f"`{cause}` is no cause that a playbook can name{nearest(cause, CAUSES)}")
    return cause


def _free(name: str, into: Path, loaded: Loaded) -> None:
    if (other := loaded.files.get(name)) is not None:
        raise UsageError(f"there is a playbook `{name}` already ({other}): choose another id with --id")
    if into.exists() and not into.is_dir():
        raise UsageError(f"{into} is a file: name a folder for playbooks with --into")
    if (into / name).exists() or (into / name).is_symlink():
        raise UsageError(f"{into / name} is there already, and nothing is overwritten: choose another id with --id")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _yaml(made: Proposal, name: str, cause: str, text: str) -> str:
    facts = ", ".join(made.facts) or "none"
    shown = "".join(c if c.isprintable() else " " for c in text)[:300]
    return f"""\
id: {name}
title: {_quoted(made.title)}
cause: {cause}
status: experimental        # explains and proposes nothing; stable once miss-*.log samples are there
about: {_quoted("From the line: " + shown)}
match:
  any:
    # facts of this pattern: {facts}. Leave out what another version or another run would print differently
    - {_quoted(made.pattern)}
prior: 0.4                  # above 0.5 only where the line can mean nothing else
remedy:
  summary: {_quoted("Say here what to do, in one line")}
  steps:
    - {{say: "Say here how to see it by hand", code: "echo replace me"}}
"""


def _must_match(library: Library, sample: str, line: int) -> None:
    from bot.triage.scanner import scan_bytes

    if not scan_bytes(library.ruleset, sample.encode()).hits:
        raise UsageError(f"line {line}: no pattern could be made that finds it again: write this one by hand")


def _write(into: Path, name: str, files: dict[str, str]) -> Path:
    """All or nothing: a folder that is complete is moved to its place, and only if the place is free."""
    folder = into / name
    try:
        into.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=into))
    except OSError as error:
        raise UsageError(f"{into} cannot be written: {error.strerror}") from None
    try:
        for file, content in files.items():
            (temporary / file).write_text(content, encoding="utf-8", errors="replace", newline="\n")
        temporary.chmod(0o755)
        folder.mkdir()  # fails where somebody was faster
        temporary.replace(folder)  # an empty folder gives way
    except FileExistsError:
        raise UsageError(f"{folder} is there already, and nothing is overwritten: choose another id") from None
    except OSError as error:
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def made_text(made: Made) -> str:
    lines = [f"{made.folder}/{FILE}", f"  line:    {made.line[:300]}", f"  pattern: {made.pattern}"]
    lines.append(f"  facts:   {', '.join(made.facts) or 'none'}")
    lines.append(f"  cause:   {made.cause}")
    if made.known:
        lines.append(f"  known already to: {', '.join(made.known)} (a rival needs verdicts that tell them apart)")
    lines += [
        "Next: shorten the pattern to what the tool means, write the remedy, read hit-1.log for secrets,",
        "add miss-*.log from what looks alike,",
        f"then `buildmedic playbook lint {made.folder}` and `buildmedic playbook test {Path(made.folder).parent}`",
    ]
    return "\n".join(lines)
