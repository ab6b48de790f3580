"""A triage and a probe as people read them: calm, 80 columns, no colour where there is no terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from bot.model.language import heard, tr

if TYPE_CHECKING:
    from bot.model.diagnosis import Diagnosis, Evidence, LogSummary, ProbeResult
    from bot.serve.triage_once import Triage

_EVIDENCE = 4
_OTHERS = 4
_FACTS = 4
_STATES = {
    "read": "read to the end",
    "partial": "only a part could be read",
    "missing": "there was no log",
    "failed": "the engine failed on it",
}


def console() -> Console:
    """Obeys NO_COLOR and the terminal's width; a pipe gets 80 columns (or COLUMNS) and no codes."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=False)


def show_triage(done: Triage, out: Console | None = None) -> None:
    """The best diagnosis in full, the others in a line each, and what was read."""
    out = out or console()
    report = done.report
    if done.title:
        _line(out, done.title, style="dim")
    _jobs(out, done)
    firsts = _firsts(done)
    for found in firsts:
        _diagnosis(out, found)
    _others(out, [d for d in report.diagnoses if d not in firsts])
    _untried(out, done, firsts)
    out.print()
    if done.note:
        _line(out, done.note, style="yellow")
    _line(out, _read(report.log, report.ms.total), style="dim")


def _firsts(done: Triage) -> list[Diagnosis]:
    """The first distinct cause of each job: those are told in full."""
    causes = dict.fromkeys(j.examined.diagnoses[0].cause for j in done.jobs) or {done.report.diagnoses[0].cause: None}
    found: dict[str, Diagnosis] = {}
    for diagnosis in done.report.diagnoses:
        if diagnosis.cause in causes:
            found.setdefault(diagnosis.cause, diagnosis)
    return list(found.values())[:3] or [done.report.diagnoses[0]]


def _jobs(out: Console, done: Triage) -> None:
    if len(done.jobs) < 2:
        return
    for job in done.jobs:
        best = job.examined.diagnoses[0]
        _line(out, f"{job.name}: {best.cause} ({_percent(best)})", indent=2)


def _percent(found: Diagnosis) -> str:
    return f"{round(found.confidence * 100)}%"


def _diagnosis(out: Console, found: Diagnosis) -> None:
    out.print()
    sure = "" if found.cause == "unknown" else tr(", {percent} sure", percent=_percent(found))
    _line(out, found.title, style="bold")
    of = tr(" (playbook {playbook})", playbook=found.playbook) if found.playbook else ""
    _line(out, f"{found.cause}{sure}{of}", style="dim")
    if found.evidence:
        _heading(out, tr("Seen in the log"))
        for seen in found.evidence[:_EVIDENCE]:
            _evidence(out, seen)
        if len(found.evidence) > _EVIDENCE:
            _line(out, tr("and {n} more like it", n=len(found.evidence) - _EVIDENCE), indent=2, style="dim")
    if found.probes:
        _heading(out, tr("Probes"))
        for result in found.probes:
            _probe(out, result)
    if found.because:
        _heading(out, tr("Why"))
        for reason in found.because:
            _line(out, reason, indent=2, bullet="- ")
    _remedy(out, found)


def _evidence(out: Console, seen: Evidence) -> None:
    _line(out, seen.text.strip(), indent=2, bullet=tr("line {line}: ", line=seen.line))


def _remedy(out: Console, found: Diagnosis) -> None:
    _heading(out, tr("What to do"))
    _line(out, found.remedy.summary, indent=2)
    for number, step in enumerate(found.remedy.steps, 1):
        place = f" ({step.file})" if step.file else ""
        _line(out, f"{step.say}{place}", indent=2, bullet=f"{number}. ")
        if step.code:
            _code(out, step.code)
    for proposal in found.proposals:
        what = tr("a re-run is worth a try") if proposal.action == "rerun" else proposal.action
        told = tr("{what}: {note}", what=what, note=proposal.note) if proposal.note else what
        _line(out, told, indent=2, bullet="- ")
    for link in found.links:
        _line(out, link, indent=2, style="dim")


def _others(out: Console, others: Sequence[Diagnosis]) -> None:
    if not others:
        return
    _heading(out, tr("Less likely"))
    for other in others[:_OTHERS]:
        _line(out, f"{other.cause} ({_percent(other)}): {other.title}", indent=2, bullet="- ")
    if len(others) > _OTHERS:
        _line(out, tr("and {n} more (--json shows all)", n=len(others) - _OTHERS), indent=2, style="dim")


def _untried(out: Console, done: Triage, firsts: Iterable[Diagnosis]) -> None:
    """What was not tried is said, and how a person can try it."""
    commands = list(dict.fromkeys(c for found in firsts for c in found.by_hand))
    if not done.untried and not commands:
        return
    _heading(out, tr("Not tried"))
    if done.untried:
        _line(out, tr("no probe ran from where the build ran: {why}", why=heard(done.untried)), indent=2)
    if commands:
        _line(out, tr("by hand, on the runner:"), indent=2)
        for command in commands:
            _code(out, command)


def _read(log: LogSummary, total_ms: float) -> str:
    state = tr(_STATES[log.state])
    note = f" ({heard(log.note)})" if log.note else ""
    size, lines, ms = f"{log.bytes:,}", f"{log.lines:,}", f"{total_ms:,.0f}"
    return tr(
        "Log: {bytes} bytes, {lines} lines, {state}{note}; {ms} ms",
        bytes=size,
        lines=lines,
        state=state,
        note=note,
        ms=ms,
    )


def show_probe(result: ProbeResult, out: Console | None = None) -> None:
    out = out or console()
    _probe(out, result, every_fact=True)


def _probe(out: Console, result: ProbeResult, *, every_fact: bool = False) -> None:
    where = tr(" from {vantage}", vantage=result.vantage) if result.vantage else ""
    if not result.ran:
        _line(
            out,
            tr("did not run{where}: {why}", where=where, why=heard(str(result.facts.get("error") or ""))),
            indent=2,
            bullet=f"{result.id}: ",
        )
        return
    took = f", {result.ms:,.0f} ms" if result.ms is not None else ""
    style = "green" if result.ok else "red"
    facts = [f"{key}={_fact(value)}" for key, value in result.facts.items() if value not in (None, "", [], {})]
    shown = facts if every_fact else facts[:_FACTS]
    _line(out, f"{result.verb}{where}: {result.outcome}{took}", indent=2, bullet=f"{result.id}: ", style=style)
    for fact in shown:
        _line(out, fact, indent=6, style="dim")


def _fact(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_fact(v) for v in value[:6]) + (" ..." if len(value) > 6 else "")
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in list(value.items())[:8])
    return str(value)


def _heading(out: Console, text: str) -> None:
    out.print()
    _line(out, text, style="bold")


def _line(out: Console, text: str, *, indent: int = 0, bullet: str = "", style: str = "") -> None:
    """Wrapped, with a hanging indent under the bullet. Control characters of hostile logs are shown, not obeyed."""
    clean = "".join(c if c.isprintable() else "�" if c not in "\t\n" else " " for c in text)
    hang = indent + len(bullet)
    if hang > out.width // 2:
        hang = indent + 2
    body = Text(clean, style=style)
    wrapped = body.wrap(out, max(20, out.width - hang), overflow="fold")
    for number, part in enumerate(wrapped):
        part.rstrip()
        out.print(Text(" " * indent + bullet if number == 0 else " " * hang).append_text(part), soft_wrap=True)


def _code(out: Console, code: str) -> None:
    """As it is to be typed: never wrapped, so that it can be copied."""
    for line in code.rstrip("\n").split("\n"):
        clean = "".join(c if c.isprintable() or c == "\t" else "�" for c in line)
        out.print(Text("     " + clean, style="cyan"), soft_wrap=True)
