"""`playbook lint`: what is wrong with these playbooks, each by itself and beside the others. Nothing is fetched.

Every finding is a fault with file, line and reason; what may be as it is (a text without a translation) is none.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bot.model.errors import PlaybookError, UsageError
from bot.serve.library import FILE, Source, builtin_folder, playbook_files, read_source, shared_for
from bot.serve.library_extras import STEPS, Shared, beside, read_text
from bot.triage import logic, playbook_yaml, template, translation, verdict
from bot.triage.playbook import SYMPTOM_PRIOR, Playbook
from bot.triage.verdict import nearest

Fault = tuple[tuple[str | int, ...], str]


@dataclass
class _Seen:
    """What was met so far in this run."""

    ids: dict[str, Path] = field(default_factory=dict)
    files: set[Path] = field(default_factory=set)
    playbooks: list[tuple[Playbook, Source]] = field(default_factory=list)


def lint(dirs: Sequence[Path]) -> list[PlaybookError]:
    """Every fault in these playbooks, in the order of files and lines. Raises UsageError for a missing folder."""
    findings: list[PlaybookError] = []
    seen = _Seen()
    for folder in dirs:
        files = playbook_files(folder)
        shared = shared_for([folder])
        findings.extend(p for p in shared.problems if Path(p.file).is_relative_to(folder.resolve()))
        findings.extend(_stale_steps(folder, shared))
        findings.extend(_strays(folder, files))
        for path in files:
            if path.resolve() not in seen.files:
                seen.files.add(path.resolve())
                findings.extend(_lint_file(path, seen, shared))
    findings.extend(_together(seen))
    order = {str(path): i for i, path in enumerate(dict.fromkeys(f.file for f in findings))}
    return sorted(findings, key=lambda f: (order.get(f.file, 0), f.line))


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


def _lint_file(path: Path, seen: _Seen, shared: Shared) -> list[PlaybookError]:
    try:
        source = read_source(path, shared=shared)
    except PlaybookError as error:
        return [error]
    playbook, findings = source.examine()
    if playbook is None:
        return findings
    seen.playbooks.append((playbook, source))
    faults = [*_style(playbook), *_links(playbook), *_conditions(playbook), *_repeated(playbook)]
    if playbook.status == "stable":  # until its samples are there, a playbook says that it is experimental
        faults += _about_samples(path)
    if (other := seen.ids.setdefault(playbook.id, path)) != path:
        faults.append((("id",), f"duplicate id `{playbook.id}`: {other} has it already"))
    if path.name == FILE and path.resolve().parent.name != playbook.id:
        faults.append((("id",), f"id `{playbook.id}` and folder `{path.resolve().parent.name}` differ"))
    findings += _at(source, faults)
    return [*sorted(findings, key=lambda f: f.line), *_stale(playbook, path)]


def _at(source: Source, faults: Iterable[Fault]) -> list[PlaybookError]:
    return [PlaybookError(str(source.path), playbook_yaml.line_of(source.text, p), reason) for p, reason in faults]


def _style(playbook: Playbook) -> Iterator[Fault]:
    if "\n" in playbook.title.strip():
        yield ("title",), "the title has more than one line"
    if playbook.role not in {"cause", "wrapper"} and playbook.prior > SYMPTOM_PRIOR:
        yield ("prior",), f"a {playbook.role} is never unmistakable: at most {SYMPTOM_PRIOR}"
    for i, groups in enumerate(playbook.groups):
        for hole in template.holes(playbook.title):
            known = groups | playbook.facts.keys() | template.GENERAL_WORDS
            if "." not in hole and hole not in known and not template.has_default(playbook.title, hole):
                reason = f"does not capture `{hole}`, which the title names: give a default (`{{{hole}|...}}`)"
                yield ("match", "any", i), reason


def _links(playbook: Playbook) -> Iterator[Fault]:
    """Dead by their form; whether anybody answers there is not asked."""
    for i, link in enumerate(playbook.links):
        try:
            parts = urlsplit(link)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port, parts = "", None, urlsplit("")
        reason = None
        if parts.scheme != "https" or not host or re.search(r"[\s<>{}\"\\^`|]", link):
            reason = "is not an https URL"
        elif parts.username is not None or port is not None:
            reason = "names a user or a port: nobody else gets in there"
        elif "." not in host or re.fullmatch(r"[\d.]+", host) or host.endswith((".local", ".internal", ".invalid")):
            reason = "leads to a host that only your own network knows"
        elif link.endswith((".", ",", ";", ")", "#")) or "//" in parts.path or "/../" in parts.path:
            reason = "ends or goes on as no page's address does (a slip while it was copied?)"
        if reason:
            yield ("links", i), f"`{link}` {reason}"
        elif link in playbook.links[:i]:
            yield ("links", i), f"`{link}` stands here twice"


def _conditions(playbook: Playbook) -> Iterator[Fault]:
    """Verdicts and proposals that can never come true."""
    always: int | None = None
    same: dict[str, int] = {}
    sources = [rule.when for rule in playbook.verdict]
    for i, source in enumerate(sources):
        twin = same.setdefault("".join(source.split()), i)
        said = verdict.constant(source)
        if always is not None:
            yield ("verdict", i), f"unreachable: verdict {always + 1} is always true"
        elif twin != i:
            yield ("verdict", i), f"unreachable: verdict {twin + 1} has the same condition"
        elif said is False:
            yield ("verdict", i), "unreachable: its condition is never true"
        elif reason := logic.never(source):
            yield ("verdict", i), f"unreachable: {reason}"
        elif (hidden := logic.hidden_by(sources[:i], source)) is not None:
            yield ("verdict", i), f"unreachable: whenever it holds, verdict {hidden + 1} holds already"
        if said and always is None:
            always = i
    for i, proposal in enumerate(playbook.propose):
        if not proposal.when:
            continue
        if verdict.constant(proposal.when) is False:
            yield ("propose", i), "never proposed: its condition is never true"
        elif reason := logic.never(proposal.when):
            yield ("propose", i), f"never proposed: {reason}"


def _repeated(playbook: Playbook) -> Iterator[Fault]:
    patterns: dict[str, str] = {}
    for key, listed in (("any", playbook.match.any), ("none", playbook.match.none)):
        for i, pattern in enumerate(listed):
            where = patterns.setdefault(pattern, f"match.{key}[{i}]")
            if where != f"match.{key}[{i}]":
                what = (
                    "takes back every hit of" if key == "none" and where.startswith("match.any") else "is the same as"
                )
                yield ("match", key, i), f"this pattern {what} {where}"
    steps: dict[str, int] = {}
    for i, step in enumerate(playbook.remedy.steps):
        if step.code and (first := steps.setdefault(step.code.strip(), i)) != i:
            yield ("remedy", "steps", i), f"step {i + 1} has the same code as step {first + 1}"
    for i, other in enumerate(playbook.also):
        if other == playbook.id or other in playbook.also[:i]:
            yield ("also", i), f"`{other}` is the playbook itself" if other == playbook.id else f"`{other}` twice"


def _about_samples(path: Path) -> Iterator[Fault]:
    for kind in ("hit", "miss"):
        found = sorted(path.parent.glob(f"{kind}-*.log"))
        if not found:
            yield (), f"no {kind}-*.log beside it: at least one sample of real output is needed"
        for sample in found:
            if not sample.is_file() or sample.stat().st_size == 0:
                yield (), f"the sample {sample.name} is empty"


# --- translations


def _stale(playbook: Playbook, path: Path) -> Iterator[PlaybookError]:
    """Translations of what the playbook no longer says, and such that ask for other facts."""
    texts = list(dict.fromkeys(translation.spoken(playbook)))
    for file in beside(path).values():
        yield from _check_table(file, texts)


def _stale_steps(folder: Path, shared: Shared) -> Iterator[PlaybookError]:
    if (folder / STEPS).is_file():
        texts = [str(step["say"]) for step in shared.steps.values()]
        for file in beside(folder / STEPS).values():
            yield from _check_table(file, texts)


def _check_table(file: Path, texts: list[str]) -> Iterator[PlaybookError]:
    try:
        text = read_text(file)
    except PlaybookError as error:
        yield error
        return
    table, faults = translation.read(text, str(file))
    yield from faults
    for key, reason in translation.check(texts, table):
        yield PlaybookError(str(file), playbook_yaml.line_of(text, (key,)), reason)


# --- beside each other


def _together(seen: _Seen) -> Iterator[PlaybookError]:
    """Overlaps between playbooks that nothing could ever tell apart, and names that nobody has."""
    known = {p.id for p, _ in seen.playbooks} | set(_builtin_ids())
    owners: dict[str, Playbook] = {}
    for playbook, source in seen.playbooks:
        faults: list[Fault] = []
        for i, pattern in enumerate(playbook.match.any):
            other = owners.setdefault(pattern, playbook)
            if other is not playbook and (reason := _overlap(playbook, other)):
                faults.append((("match", "any", i), f"`{other.id}` has the same pattern, and {reason}"))
        for i, name in enumerate(playbook.also):
            if name not in known:
                faults.append((("also", i), f"there is no playbook `{name}`{nearest(name, known)}"))
        yield from _at(source, faults)


def _overlap(playbook: Playbook, other: Playbook) -> str | None:
    """Rivals on one line are meant, as long as probes can tell them apart."""
    if playbook.cause == other.cause and playbook.probes == other.probes:
        return "names the same cause: one of them is enough"
    if not playbook.verdict and not other.verdict:
        return "neither has verdicts: nothing could tell the two apart"
    if playbook.prior > 0.5 and other.prior > 0.5 and playbook.cause != other.cause:
        return "both call the line unmistakable (prior above 0.5)"
    return None


def _builtin_ids() -> Iterator[str]:
    try:
        yield from (path.parent.name for path in playbook_files(builtin_folder()))
    except UsageError:
        return


def lint_text(findings: Sequence[PlaybookError], playbooks: int | None = None) -> str:
    """One finding a line, `file:line: reason`, then a line that sums up."""
    lines = [str(f) for f in findings]
    what = "" if playbooks is None else f" in {playbooks} playbooks"
    lines.append(f"{len(findings)} fault{'s' if len(findings) != 1 else ''}{what}" if findings else f"no faults{what}")
    return "\n".join(lines)
