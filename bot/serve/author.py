"""What playbook authors need: lint, samples, list, show, schema. Functions return data; `*_text` renders it for people.

`explain` and `backtest` live beside this module and are offered here too.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.model import Noun
from bot.model.diagnosis import Scan
from bot.model.errors import PlaybookError, UsageError
from bot.serve.backtest import Backtest, backtest, backtest_text
from bot.serve.explain import Explanation, explain, explain_text
from bot.serve.library import FILE, Loaded, load, playbook_files, read_source
from bot.triage import playbook_yaml, template, verdict
from bot.triage.diagnose import Library, conclude, hypotheses
from bot.triage.playbook import SYMPTOM_PRIOR, Playbook, examine
from bot.triage.playbook import schema as playbook_schema
from bot.triage.verdict import nearest

__all__ = [
    "Backtest", "Explanation", "Listed", "SampleFailure", "SampleReport", "backtest", "backtest_text", "explain",
    "explain_text", "lint", "lint_text", "listing", "listing_text", "run_samples", "samples_text", "schema", "show",
]  # fmt: skip

_BLOCK = 1 << 20


# --- lint ---------------------------------------------------------------------------------------------------------


def lint(dirs: Sequence[Path]) -> list[PlaybookError]:
    """Every fault in these playbooks alone, in the order of files and lines. Raises UsageError for a missing folder."""
    findings: list[PlaybookError] = []
    ids: dict[str, Path] = {}
    seen: set[Path] = set()
    for folder in dirs:
        files = playbook_files(folder)
        findings.extend(_strays(folder, files))
        for path in files:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                findings.extend(_lint_file(path, ids))
    return findings


def _strays(folder: Path, files: Sequence[Path]) -> Iterator[PlaybookError]:
    """Folders that look like playbooks and are none."""
    if not files:
        yield PlaybookError(str(folder), 1, f"no playbook here: one folder each, with a {FILE} in it")
    if folder.is_file() or (folder / FILE).is_file():
        return
    for sub in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "_"))):
        names = {p.name for p in sub.iterdir()}
        if FILE not in names and (close := names & {"playbook.yml", "Playbook.yaml", "playbook.yaml.txt"}):
            yield PlaybookError(str(sub / min(close)), 1, f"is not read: its name must be {FILE}")
        elif FILE not in names and any(n.startswith(("hit-", "miss-")) for n in names):
            yield PlaybookError(str(sub), 1, f"samples without a {FILE}")


def _lint_file(path: Path, ids: dict[str, Path]) -> list[PlaybookError]:
    try:
        text = read_source(path).text
    except PlaybookError as error:
        return [error]
    playbook, findings = examine(text, str(path))
    if playbook is None:
        return findings
    faults = [*_style(playbook), *_unreachable(playbook)]
    if playbook.status == "stable":  # until its samples are there, a playbook says that it is experimental
        faults += _about_samples(path)
    if (other := ids.setdefault(playbook.id, path)) != path:
        faults.append((("id",), f"duplicate id `{playbook.id}`: {other} has it already"))
    if path.name == FILE and path.resolve().parent.name != playbook.id:
        faults.append((("id",), f"id `{playbook.id}` and folder `{path.resolve().parent.name}` differ"))
    findings += [PlaybookError(str(path), playbook_yaml.line_of(text, place), reason) for place, reason in faults]
    return sorted(findings, key=lambda f: f.line)


Fault = tuple[tuple[str | int, ...], str]


def _style(playbook: Playbook) -> Iterator[Fault]:
    for i, link in enumerate(playbook.links):
        parts = urlsplit(link)
        if parts.scheme != "https" or not parts.hostname or any(c.isspace() for c in link):
            yield ("links", i), f"`{link}` is not an https URL"
    if "\n" in playbook.title.strip():
        yield ("title",), "the title has more than one line"
    if playbook.role in {"symptom", "hint"} and playbook.prior > SYMPTOM_PRIOR:
        yield ("prior",), f"a {playbook.role} is never unmistakable: at most {SYMPTOM_PRIOR}"
    for i, groups in enumerate(playbook.groups):
        for hole in template.holes(playbook.title):
            known = groups | playbook.facts.keys() | template.GENERAL_WORDS
            if "." not in hole and hole not in known and not template.has_default(playbook.title, hole):
                reason = f"does not capture `{hole}`, which the title names: give a default (`{{{hole}|...}}`)"
                yield ("match", "any", i), reason
    for i, proposal in enumerate(playbook.propose):
        if proposal.when and verdict.constant(proposal.when) is False:
            yield ("propose", i), "never proposed: its condition is never true"


def _unreachable(playbook: Playbook) -> Iterator[Fault]:
    always: int | None = None
    seen: dict[str, int] = {}
    for i, rule in enumerate(playbook.verdict):
        same = seen.setdefault("".join(rule.when.split()), i)
        said = verdict.constant(rule.when)
        if always is not None:
            yield ("verdict", i), f"unreachable: verdict {always + 1} is always true"
        elif same != i:
            yield ("verdict", i), f"unreachable: verdict {same + 1} has the same condition"
        elif said is False:
            yield ("verdict", i), "unreachable: its condition is never true"
        if said and always is None:
            always = i


def _about_samples(path: Path) -> Iterator[Fault]:
    for kind in ("hit", "miss"):
        found = sorted(path.parent.glob(f"{kind}-*.log"))
        if not found:
            yield (), f"no {kind}-*.log beside it: at least one sample of real output is needed"
        for sample in found:
            if sample.stat().st_size == 0:
                yield (), f"the sample {sample.name} is empty"


def lint_text(findings: Sequence[PlaybookError], playbooks: int | None = None) -> str:
    """One finding a line, `file:line: reason`, then a line that sums up."""
    lines = [str(f) for f in findings]
    what = "" if playbooks is None else f" in {playbooks} playbooks"
    lines.append(f"{len(findings)} fault{'s' if len(findings) != 1 else ''}{what}" if findings else f"no faults{what}")
    return "\n".join(lines)


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

    @property
    def ok(self) -> bool:
        return not self.failures and not self.problems


def run_samples(dirs: Sequence[Path] = (), *, builtin: bool = True) -> SampleReport:
    """Every sample of the built-in playbooks and of these, against all of them together. Raises UsageError."""
    loaded = load(dirs, builtin=builtin)
    failures: list[SampleFailure] = []
    untested: list[str] = []
    count = 0
    for playbook in loaded.library.playbooks:
        samples = sorted(loaded.folder(playbook.id).glob("*.log"))
        if not any(s.name.startswith("hit-") for s in samples):
            untested.append(playbook.id)
        for sample in samples:
            kind = sample.name.split("-", 1)[0]
            if kind in {"hit", "miss"}:
                count += 1
                if reason := _judge(loaded.library, playbook, sample, kind):
                    failures.append(SampleFailure(playbook=playbook.id, sample=str(sample), reason=reason))
    problems = tuple(str(p) for p in loaded.problems)
    return SampleReport(
        playbooks=len(loaded.library.playbooks),
        samples=count,
        failures=tuple(failures),
        problems=problems,
        untested=tuple(untested),
    )


def _judge(library: Library, playbook: Playbook, sample: Path, kind: str) -> str | None:
    """Why this sample fails, in words."""
    try:
        scan = scan_file(library, sample)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    found = hypotheses(library, scan)
    mine = next((h for h in found if h.playbook == playbook.id), None)
    if kind == "miss":
        return f"must not match, and does in line {mine.hits[0].line}: {mine.hits[0].text[:200]}" if mine else None
    if mine is None:
        return _no_hit(playbook, scan)
    top = conclude(library, scan, found, ())[0]
    if top.playbook == playbook.id or top.playbook in playbook.also:
        return None
    order = ", ".join(f"{h.playbook} (line {h.hits[0].line})" for h in found[:4])
    return f"must come first; {top.playbook} ({top.cause}) does. In order: {order}"


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
    """The playbook's file as it stands, under a line that says where it lies. Raises UsageError for an unknown id."""
    if loaded.library.by_id(playbook) is None:
        hint = nearest(playbook, loaded.files.keys()) or ": see `buildmedic playbook list`"
        raise UsageError(f"there is no playbook `{playbook}`{hint}")
    path = loaded.files[playbook]
    return f"# {path}\n{read_source(path).text}"


def schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of playbook.yaml."""
    return playbook_schema()
