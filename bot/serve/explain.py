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
    tail: tuple[str, ...] = ()  # the log's last lines


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
        tail=scan.tail,
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


_SHOWN = 12
"""Lines that are shown of each kind; the JSON has all that were kept."""


def explain_text(explanation: Explanation) -> str:
    """For a person: the answer first, then what it rests on, then what was passed over and why."""
    lines = [*_answer(explanation), "", *_log(explanation)]
    counted = [h for h in explanation.hits if not h.suppressed]
    held = [h for h in explanation.hits if h.suppressed]
    if counted:
        lines += ["", "What hit (the line, and what each playbook makes of it):", *_hits(counted, explanation.counts)]
    if held:
        lines += ["", "What hit and does not count:", *_held(held)]
    if not explanation.hits and explanation.tail:
        ends = [f"    | {_cut(line)}" for line in explanation.tail[-8:] if line.strip()]
        lines += ["", "No pattern hit. The log ends with:", *ends]
    lines += ["", "Ranking, from the log alone:", *_ranking(explanation.ranking)]
    if explanation.probes:
        lines += ["", "Probes that could tell (nothing was probed):", *_probes(explanation.probes)]
    return "\n".join(lines)


def _answer(explanation: Explanation) -> list[str]:
    if explanation.answer == "unknown" or not explanation.ranking:
        return ["unknown: nothing in this log counts"]
    first = explanation.ranking[0]
    told = f"{explanation.answer}, {first.confidence:.0%} sure from the log alone"
    text = next((h.text for h in explanation.hits if h.playbook == first.playbook and h.line == first.line), "")
    return [told, f"  by playbook {first.playbook}, line {first.line}:", f"    | {_cut(text)}"]


def _cut(text: str) -> str:
    """A long line loses its middle: the beginning names the tool, the end the last link of the chain."""
    clean = shown(text[:100]) if len(text) <= 100 else shown(text[:60]) + " … " + shown(text[-100:])
    return clean if len(text) > 160 else shown(text)


def _log(explanation: Explanation) -> list[str]:
    log = explanation.log
    state = {"read": "read to its end", "missing": "not there", "failed": "the engine failed on it"}
    note = f" ({log.note})" if log.note else ""
    lines = [f"Log: {log.lines:,} lines, {log.bytes:,} bytes, {state.get(log.state, log.state)}{note}"]
    if explanation.last_command:
        lines.append(f"Last command that it shows: {shown(explanation.last_command)}")
    return lines


def _hits(hits: list[HitExplained], counts: dict[str, int]) -> list[str]:
    """By line, since rivals stand on the same one; first and last lines where there are many."""
    by_line: dict[int, list[HitExplained]] = {}
    for hit in hits:
        by_line.setdefault(hit.line, []).append(hit)
    numbers = list(by_line)
    left = len(numbers) - _SHOWN
    if left > 0:
        numbers = [*numbers[: _SHOWN // 2], *numbers[-_SHOWN // 2 :]]
    lines: list[str] = []
    for place, number in enumerate(numbers):
        if left > 0 and place == _SHOWN // 2:
            lines.append(f"  ... {left} more lines (--json has them)")
        own = by_line[number]
        step = f" (in step {shown(own[0].step)})" if own[0].step else ""
        lines += [f"  line {number}{step}", f"    | {_cut(own[0].text)}"]
        by_playbook: dict[str, list[HitExplained]] = {}
        for hit in own:
            by_playbook.setdefault(hit.playbook, []).append(hit)
        lines += [_made_of(same, counts, hits) for same in by_playbook.values()]
    return lines


def _made_of(same: list[HitExplained], counts: dict[str, int], hits: list[HitExplained]) -> str:
    """What one playbook makes of one line."""
    hit = same[0]
    role = "" if hit.role == "cause" else f" as a {hit.role}"
    facts = ", ".join(f"{k}={shown(v)}" for k, v in {k: v for h in reversed(same) for k, v in h.facts.items()}.items())
    rules = sorted({h.rule + 1 for h in same})
    patterns = f"pattern{'s' if len(rules) > 1 else ''} {', '.join(map(str, rules))}"
    kept = sum(1 for h in hits if h.playbook == hit.playbook)
    many = f"; {counts[hit.playbook]} hits in all" if counts.get(hit.playbook, 0) > kept else ""
    text = f"      {hit.playbook} ({hit.cause}){role}, {patterns}{many}"
    return f"{text}: {facts}" if facts else text


def _held(hits: list[HitExplained]) -> list[str]:
    lines = []
    for hit in hits[:_SHOWN]:
        lines += [f"  line {hit.line}", f"    | {_cut(hit.text)}"]
        lines.append(f"      {hit.playbook} does not count: {hit.suppressed}")
    if len(hits) > _SHOWN:
        lines.append(f"  ... {len(hits) - _SHOWN} more (--json has them)")
    return lines


def _ranking(ranking: tuple[Ranked, ...]) -> list[str]:
    if not ranking:
        return ["  nothing that counts: unknown"]
    wide = max(len(r.cause) for r in ranking)
    lines = []
    for i, one in enumerate(ranking[:_SHOWN], 1):
        role = "" if one.role == "cause" else f", a {one.role}"
        lines.append(f"  {i:>2}. {one.cause:<{wide}}  {one.confidence:>4.0%}  {one.playbook}, line {one.line}{role}")
        if one.before_next and i < min(len(ranking), _SHOWN):
            lines.append(f"      before the next: {one.before_next}")
    if len(ranking) > _SHOWN:
        lines.append(f"  ... {len(ranking) - _SHOWN} more (--json has them)")
    return lines


def _probes(probes: tuple[str, ...]) -> list[str]:
    """From the build's machine first, then from elsewhere."""
    sides = (("build", "from where the build ran"), ("control", "from elsewhere"))
    lines = []
    for side, words in sides:
        own = [p.removesuffix(f" [{side}]") for p in probes if p.endswith(f"[{side}]")]
        lines += [f"  {words}: {probe}" for probe in own]
    return lines
