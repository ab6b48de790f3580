"""`explain`: which rules hit where, which hits were suppressed and why, and why the ranking is what it is."""

from typing import Any

from bot.model import Noun
from bot.model.diagnosis import Hit, LogSummary, Role, Scan
from bot.triage.diagnose import Library, Weighed, conclude, hypotheses, plan, weigh
from bot.triage.ranking import why
from bot.triage.template import shown
from bot.triage.verbs import in_words


class HitExplained(Noun):
    playbook: str
    cause: str
    rule: int  # index into match.any
    pattern: str
    role: Role
    line: int
    text: str
    facts: dict[str, str]
    step: str | None
    suppressed: str | None


class Ranked(Noun):
    playbook: str
    cause: str
    role: Role
    confidence: float
    line: int
    before_next: str | None  # why it stands before the next one, in words
    standing: dict[str, Any]  # what was compared, first field first


class Explanation(Noun):
    log: LogSummary
    hits: tuple[HitExplained, ...]  # in the order of the log
    counts: dict[str, int]  # playbook -> all hits, beyond those kept
    ranking: tuple[Ranked, ...]
    probes: tuple[str, ...]  # what would be tried, in words
    answer: str  # the cause that is named from the log alone
    last_command: str | None = None


def explain(library: Library, scan: Scan) -> Explanation:
    """The log alone: no probe runs."""
    found = hypotheses(library, scan)
    weighed = weigh(library, found, ())
    return Explanation(
        log=scan.log,
        hits=tuple(_hit(library, h) for h in scan.hits if library.by_id(h.playbook)),
        counts=scan.counts,
        ranking=tuple(_ranked(weighed)),
        probes=tuple(f"{in_words(r.verb, r.args)} [{r.at}]" for r in plan(library, found)),
        answer=conclude(library, scan, found, ())[0].cause,
        last_command=scan.last_command,
    )


def _hit(library: Library, hit: Hit) -> HitExplained:
    playbook = library.by_id(hit.playbook)
    assert playbook is not None
    pattern = playbook.match.any[hit.rule] if hit.rule < len(playbook.match.any) else ""
    return HitExplained(
        playbook=hit.playbook, cause=playbook.cause, rule=hit.rule, pattern=pattern, role=hit.role, line=hit.line,
        text=hit.text, facts=hit.facts, step=hit.step, suppressed=hit.suppressed,
    )  # fmt: skip


def _ranked(weighed: tuple[Weighed, ...]) -> list[Ranked]:
    made = []
    for i, one in enumerate(weighed):
        after = weighed[i + 1] if i + 1 < len(weighed) else None
        made.append(
            Ranked(
                playbook=one.playbook.id, cause=one.hypothesis.cause, role=one.hypothesis.role,
                confidence=one.confidence, line=one.hypothesis.hits[0].line,
                before_next=why(one.standing, after.standing) if after else None,
                standing=one.standing._asdict(),
            )
        )  # fmt: skip
    return made


def explain_text(explanation: Explanation) -> str:
    log = explanation.log
    lines = [
        f"log: {log.lines} lines, {log.bytes} bytes, {log.state}{f' ({log.note})' if log.note else ''}",
        "",
        "hits:",
    ]
    for hit in explanation.hits:
        lines.append(f"  line {hit.line}: {hit.playbook} [{hit.role}, match.any[{hit.rule}]]  {shown(hit.text)}")
        if hit.facts:
            lines.append("      facts: " + ", ".join(f"{k}={shown(v)}" for k, v in hit.facts.items()))
        if hit.suppressed:
            lines.append(f"      does not count: {hit.suppressed}")
    if not explanation.hits:
        lines.append("  none")
    lines += ["", "ranking (from the log alone):"]
    for i, one in enumerate(explanation.ranking, 1):
        lines.append(f"  {i}. {one.cause}  {one.confidence:.2f}  ({one.playbook}, line {one.line})")
        if one.before_next:
            lines.append(f"      before the next: {one.before_next}")
    if not explanation.ranking:
        lines.append("  nothing that counts: unknown")
    if explanation.probes:
        lines += ["", "probes that could tell:", *(f"  {p}" for p in explanation.probes)]
    return "\n".join(lines)
