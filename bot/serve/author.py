"""What playbook authors need: lint, samples, list, show, schema. Functions return data; `*_text` renders it for people.

`explain` and `backtest` live beside this module and are offered here too.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bot.model import Noun
from bot.model.diagnosis import Scan
from bot.model.errors import UsageError
from bot.serve.backtest import Backtest, backtest, backtest_text
from bot.serve.explain import Explanation, explain, explain_text
from bot.serve.library import Loaded, load, read_source
from bot.serve.lint import lint, lint_text
from bot.triage.diagnose import Hypothesis, Library, conclude, hypotheses
from bot.triage.playbook import Playbook
from bot.triage.playbook import schema as playbook_schema
from bot.triage.ranking import UNMISTAKABLE
from bot.triage.verdict import nearest

__all__ = [
    "Backtest", "Explanation", "Listed", "SampleFailure", "SampleReport", "backtest", "backtest_text", "explain",
    "explain_text", "lint", "lint_text", "listing", "listing_text", "run_samples", "samples_text", "schema", "show",
]  # fmt: skip

_BLOCK = 1 << 20


# --- samples ------------------------------------------------------------------------------------------------------


class SampleFailure(Noun):
    playbook: str
    sample: str  # file
    reason: str


class SampleReport(Noun):
    playbooks: int
    samples: int
    failures: tuple[SampleFailure, ...] = ()
    untested: tuple[str, ...] = ()  # playbooks without a hit-*.log
    problems: tuple[str, ...] = ()  # playbooks that could not be loaded, `file:line: reason`
    overlaps: tuple[
        SampleFailure, ...
    ] = ()  # two call one line unmistakable, and neither declares the other: no failure

    @property
    def ok(self) -> bool:
        return not self.failures and not self.problems


def run_samples(dirs: Sequence[Path] = (), *, builtin: bool = True) -> SampleReport:
    """Every sample of the built-in playbooks and of these, against all of them together. Raises UsageError."""
    loaded = load(dirs, builtin=builtin)
    failures: list[SampleFailure] = []
    untested: list[str] = []
    overlaps: list[SampleFailure] = []
    count = 0
    for playbook in loaded.library.playbooks:
        samples = sorted(loaded.folder(playbook.id).glob("*.log"))
        if not any(s.name.startswith("hit-") for s in samples):
            untested.append(playbook.id)
        for sample in samples:
            kind = sample.name.split("-", 1)[0]
            if kind in {"hit", "miss"}:
                count += 1
                reason, other = _judge(loaded.library, playbook, sample, kind)
                if reason:
                    failures.append(SampleFailure(playbook=playbook.id, sample=str(sample), reason=reason))
                elif other:
                    overlaps.append(SampleFailure(playbook=playbook.id, sample=str(sample), reason=other))
    problems = tuple(str(p) for p in loaded.problems)
    return SampleReport(
        playbooks=len(loaded.library.playbooks),
        samples=count,
        failures=tuple(failures),
        problems=problems,
        untested=tuple(untested),
        overlaps=tuple(overlaps),
    )


def _judge(library: Library, playbook: Playbook, sample: Path, kind: str) -> tuple[str | None, str | None]:
    """Why this sample fails, in words; else an overlap that it shows."""
    try:
        scan = scan_file(library, sample)
    except OSError as error:
        return f"cannot be read: {error.strerror}", None
    found = hypotheses(library, scan)
    mine = next((h for h in found if h.playbook == playbook.id), None)
    if kind == "miss":
        held = f"must not match, and does in line {mine.hits[0].line}: {mine.hits[0].text[:200]}" if mine else None
        return held, None
    if mine is None:
        return _no_hit(playbook, scan), None
    top = conclude(library, scan, found, ())[0]
    if top.playbook == playbook.id or top.playbook in playbook.also:
        return None, _overlap(library, playbook, mine, found)
    order = ", ".join(f"{h.playbook} (line {h.hits[0].line})" for h in found[:4])
    return f"must come first; {top.playbook} ({top.cause}) does. In order: {order}", None


def _overlap(library: Library, playbook: Playbook, mine: Hypothesis, found: Sequence[Hypothesis]) -> str | None:
    """Another playbook that finds the same line unmistakable too: which of the two is right hangs on a hair."""
    line = mine.hits[0].line
    for other in found:
        rival = library.by_id(other.playbook)
        same = other.cause != mine.cause and other.role == mine.role and any(h.line == line for h in other.hits)
        if rival is None or not same or min(other.prior, mine.prior) <= UNMISTAKABLE:
            continue
        if other.playbook not in playbook.also and playbook.id not in rival.also:
            both = f"both find line {line} unmistakable (`also` declares it)"
            return f"overlaps with {other.playbook} ({other.cause}): {both}"
    return None


def _no_hit(playbook: Playbook, scan: Scan) -> str:
    held = [h for h in scan.hits if h.playbook == playbook.id and h.suppressed]
    if held:
        return f"matches in line {held[0].line}, but does not count: {held[0].suppressed}"
    others = ", ".join(dict.fromkeys(h.playbook for h in scan.hits if not h.suppressed)) or "no other one does"
    return f"must match, and no pattern does (matching: {others})"


def scan_file(library: Library, path: Path) -> Scan:
    """Scan a file in blocks. Raises OSError."""
    scanner = library.ruleset.scanner()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(_BLOCK), b""):
            scanner.feed(block)
    found: Scan = scanner.finish()
    return found


def samples_text(report: SampleReport) -> str:
    lines = [f"{p}" for p in report.problems]
    lines += [f"{f.sample}: {f.reason}" for f in report.failures]
    lines += [f"{o.sample}: {o.reason}" for o in report.overlaps]
    if report.untested:
        lines.append(f"without a hit-*.log, so not tested: {', '.join(report.untested)}")
    bad = len(report.failures)
    lines.append(f"{report.samples} samples of {report.playbooks} playbooks: {report.samples - bad} as they should be")
    if bad or report.problems:
        lines[-1] += f", {bad} not; {len(report.problems)} playbook faults"
    return "\n".join(lines)


# --- list, show, schema -------------------------------------------------------------------------------------------


class Listed(Noun):
    id: str
    cause: str
    status: str
    role: str
    title: str
    probes: tuple[str, ...]
    builtin: bool
    file: str


def listing(loaded: Loaded) -> list[Listed]:
    """The playbooks in force, by cause and id."""
    made = [
        Listed(
            id=p.id, cause=p.cause, status=p.status, role=p.role, title=p.title,
            probes=tuple(dict.fromkeys(x.verb for x in p.probes.values())),
            builtin=p.id in loaded.builtin, file=str(loaded.files.get(p.id, "")),
        )
        for p in loaded.library.playbooks
    ]  # fmt: skip
    return sorted(made, key=lambda x: (x.cause, x.id))


def listing_text(listed: Iterable[Listed]) -> str:
    rows = list(listed)
    wide = max((len(r.id) for r in rows), default=0)
    causes = max((len(r.cause) for r in rows), default=0)
    lines = []
    for r in rows:
        marks = [r.status] if r.status != "stable" else []
        marks += [] if r.builtin else ["own"]
        note = f"  [{', '.join(marks)}]" if marks else ""
        lines.append(f"{r.id:<{wide}}  {r.cause:<{causes}}  {r.title}{note}")
    return "\n".join([*lines, f"{len(rows)} playbooks"])


def show(loaded: Loaded, playbook: str) -> str:
    """The playbook's file as it stands, under a line that says where it lies, and the shared steps that it uses,
    written out after it. Raises UsageError for an unknown id."""
    if loaded.library.by_id(playbook) is None:
        hint = nearest(playbook, loaded.files.keys()) or ": see `buildmedic playbook list`"
        raise UsageError(f"there is no playbook `{playbook}`{hint}")
    path = loaded.files[playbook]
    return f"# {path}\n{read_source(path).text}" + "".join(_written_out(loaded, playbook))


def _written_out(loaded: Loaded, playbook: str) -> Iterator[str]:
    found = loaded.library.by_id(playbook)
    for number, step in enumerate(found.remedy.steps if found else (), 1):
        if step.use is not None:
            place = f" ({step.file})" if step.file else ""
            code = "".join(f"    {line}\n" for line in (step.code or "").splitlines())
            yield f"\n# step {number}, {step.use}{place}: {step.say}\n{code}"


def schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of playbook.yaml."""
    return playbook_schema()
