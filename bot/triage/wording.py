"""Diagnoses in words a person can check: what was seen, what was tried, what it ruled out, what was not tried."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bot.model.causes import CAUSES
from bot.model.diagnosis import Diagnosis, Evidence, Hit, Proposal, Remedy, Scan, Step
from bot.triage import template, verbs, verdict
from bot.triage.probe_words import outcome

if TYPE_CHECKING:
    from bot.triage.diagnose import Asked, Weighed

MAX_DIAGNOSES = 8
MAX_EVIDENCE = 5
MAX_BECAUSE = 16


def diagnoses(scan: Scan, weighed: Sequence["Weighed"], untried: str | None) -> tuple[Diagnosis, ...]:
    """One for each distinct cause, best first; confidence never rises down the list: what stands lower is, at least
    in part, explained by what stands above it."""
    first: dict[str, list[Weighed]] = {}
    for one in weighed:
        first.setdefault(one.hypothesis.cause, []).append(one)
    made: list[Diagnosis] = []
    ceiling = 1.0
    for same in list(first.values())[:MAX_DIAGNOSES]:
        best = max(w.confidence for w in same if w.ruled_out == same[0].ruled_out)
        ceiling = min(ceiling, best)
        rivals = [w for w in weighed if w.ruled_out and w.hypothesis.cause != same[0].hypothesis.cause]
        made.append(_diagnosis(scan, same, rivals, ceiling, untried))
    return tuple(made)


def _diagnosis(
    scan: Scan, same: Sequence["Weighed"], rivals: Sequence["Weighed"], confidence: float, untried: str | None
) -> Diagnosis:
    one = same[0]
    playbook, facts, fields = one.playbook, one.playbook.facts | one.hypothesis.facts, _fields(one)
    steps = tuple(
        Step(
            say=template.prose(s.say, facts, fields),
            code=template.code(s.code, facts, fields) if s.code else None,
            file=template.code(s.file, facts, fields) if s.file else None,
        )
        for s in playbook.remedy.steps
    )
    hits = [h for w in same for h in w.hypothesis.hits]
    return Diagnosis(
        cause=playbook.cause,
        playbook=playbook.id,
        title=_sentence(template.prose(playbook.title, facts, fields)),
        confidence=round(confidence, 3),
        evidence=_evidence(hits),
        probes=tuple(r for a in one.asked for r in a.results),
        because=tuple(_because(scan, same, rivals, untried))[:MAX_BECAUSE],
        remedy=Remedy(summary=template.prose(playbook.remedy.summary, facts, fields), steps=steps),
        proposals=_proposals(one),
        links=playbook.links,
        by_hand=_by_hand(one),
    )


def _sentence(text: str) -> str:
    """A title may begin with a fact's default, like “the server”."""
    return text[:1].upper() + text[1:] if re.match(r"[a-z]+ ", text) else text


def _fields(one: "Weighed") -> dict[str, dict[str, object]]:
    return {a.name: verdict.as_fields(a.result) for a in one.asked if a.result is not None}


def _evidence(hits: Iterable[Hit]) -> tuple[Evidence, ...]:
    by_line: dict[int, Evidence] = {}
    for hit in hits:
        by_line.setdefault(hit.line, Evidence(line=hit.line, text=hit.text, facts=hit.facts, context=hit.context))
    return tuple(by_line.values())[:MAX_EVIDENCE]


def _because(scan: Scan, same: Sequence["Weighed"], rivals: Sequence["Weighed"], untried: str | None) -> Iterable[str]:
    one = same[0]
    count = max(scan.counts.get(one.playbook.id, 0), len(one.hypothesis.hits))
    more = f" (and {count - 1} more like it)" if count > 1 else ""
    yield f"seen in line {one.hypothesis.hits[0].line}: {template.shown(one.hypothesis.hits[0].text)}{more}"
    if one.rule is not None:
        yield template.prose(one.rule.because, one.playbook.facts | one.hypothesis.facts, _fields(one))
    yield from _tried(one, untried)
    for rival in rivals[:3]:
        yield f"ruled out: {rival.hypothesis.cause}{_said(rival)}"
    for other in same[1:3]:
        yield f"line {other.hypothesis.hits[0].line} says the same ({other.playbook.id})"
    if scan.log.state == "partial":
        yield f"only a part of the log was read: {scan.log.note or 'the rest could not be had'}"
    if one.playbook.status == "experimental":
        yield "this playbook is experimental: it explains and proposes nothing"


def _said(rival: "Weighed") -> str:
    if rival.rule is None:
        return ""
    facts = rival.playbook.facts | rival.hypothesis.facts
    return f" ({template.prose(rival.rule.because, facts, _fields(rival))})"


def _tried(one: "Weighed", untried: str | None) -> Iterable[str]:
    told: dict[str, None] = {}  # two probes may be the same request
    for asked in one.asked:
        for result in asked.results:
            if asked.request is not None and verdict.answered(result):
                what = verbs.in_words(asked.request.verb, asked.request.args)
                told[f"tried from {result.vantage}: {what}: {outcome(result)}"] = None
    yield from told
    if told and one.rule is None:
        yield "the probes do not settle it: the confidence is that of the line alone"
    yield from _not_tried(one.asked, untried)


def _not_tried(asked: Sequence["Asked"], untried: str | None) -> Iterable[str]:
    if untried and any(a.probe.at == "build" for a in asked):
        yield f"not tried from where the build ran: {untried}"
    for one in asked:
        if one.request is None:
            yield f"not tried: the {one.probe.verb} probe `{one.name}`: the log gives no usable value for it"
        elif one.result is None or not verdict.answered(one.result):
            if one.probe.at == "build" and untried:
                continue  # said once, above
            why = one.result.facts.get("error") if one.result is not None else None
            fallback = "no vantage ran it" if one.result is None else outcome(one.result)
            where = " from elsewhere" if one.probe.at == "control" else ""
            what = verbs.in_words(one.request.verb, one.request.args)
            if one.result is not None and one.result.ran and one.result.outcome == "error":
                yield f"tried, and the probe itself failed: {what}: {template.shown(why or 'no reason given')}"
                continue
            yield f"not tried{where}: {what}: {template.shown(why or fallback)}"


def _proposals(one: "Weighed") -> tuple[Proposal, ...]:
    from bot.triage.diagnose import environment

    if one.playbook.status == "experimental" or one.ruled_out:
        return ()
    seen, facts, fields = (
        environment(one.hypothesis, one.asked),
        one.playbook.facts | one.hypothesis.facts,
        _fields(one),
    )
    made: dict[str, Proposal] = {}
    for proposal in one.playbook.propose:
        if proposal.action == "rerun" and one.playbook.never_rerun:
            continue
        if proposal.when is None or verdict.holds(proposal.when, seen):
            note = template.prose(proposal.note, facts, fields) if proposal.note else None
            made.setdefault(proposal.action, Proposal(action=proposal.action, note=note))
    return tuple(made.values())


def _by_hand(one: "Weighed") -> tuple[str, ...]:
    """Commands for the build's probes that no vantage could run."""
    open_ = [
        a.request for a in one.asked
        if a.request is not None and a.probe.at == "build" and not (a.result and verdict.answered(a.result))
    ]  # fmt: skip
    return tuple(dict.fromkeys(verbs.by_hand(r.verb, r.args) for r in open_))


def unknown(scan: Scan, weighed: Sequence["Weighed"], untried: str | None) -> Diagnosis:
    """The honest answer. Its words tell apart: no log, a part of a log, an engine that failed, an empty log, and a
    log that was read and that nothing fits."""
    title, summary = _unknown_words(scan)
    return Diagnosis(
        cause="unknown",
        title=title,
        confidence=0.0,
        because=tuple(_unknown_because(scan, weighed, untried))[:MAX_BECAUSE],
        remedy=Remedy(summary=summary, steps=tuple(_unknown_steps(scan))),
        probes=tuple(r for w in weighed for a in w.asked for r in a.results),
        by_hand=tuple(dict.fromkeys(command for w in weighed for command in _by_hand(w))),
    )


def _unknown_words(scan: Scan) -> tuple[str, str]:
    log = scan.log
    note = f": {log.note}" if log.note else ""
    if log.state == "missing":
        return f"There is no log (yet){note}", "Triage the run again once its log is there"
    if log.state == "failed":
        return (
            f"The log could not be matched, the engine failed on it{note}",
            "Read the log by hand, and report this",
        )
    if log.state == "partial":
        title = f"Only a part of the log could be read, and nothing in it fits{note}"
        return title, "Triage it again when the whole log can be had; until then, read it by hand"
    if log.bytes == 0:
        return "The log is empty", "See in the CI whether the job printed anything, or died before it could"
    if scan.last_command:
        return (
            "The log was read to its end, and no playbook fits",
            "Start from the last command that the log shows",
        )
    return "The log was read to its end, and no playbook fits", "Start from the log's last lines"


def _unknown_because(scan: Scan, weighed: Sequence["Weighed"], untried: str | None) -> Iterable[str]:
    log = scan.log
    if log.state in {"read", "partial"}:
        yield f"read and matched: {log.lines} line{'s' if log.lines != 1 else ''}, {log.bytes} bytes"
    for one in weighed:
        if one.ruled_out:
            yield f"ruled out: {one.hypothesis.cause}{_said(one)}"
            yield from _tried(one, untried)
    seen: set[tuple[str, str]] = set()
    for hit in scan.hits:
        if hit.suppressed and (hit.playbook, hit.suppressed) not in seen and len(seen) < 5:
            seen.add((hit.playbook, hit.suppressed))
            yield f"line {hit.line} looks like {hit.playbook}, and does not count: {hit.suppressed}"


def _unknown_steps(scan: Scan) -> Iterable[Step]:
    if scan.last_command:
        yield Step(say=f"The last command in the log: {template.shown(scan.last_command)}")
    tail = [template.shown(line) for line in scan.tail[-5:] if line.strip()]
    if tail and "binary" not in (scan.log.note or ""):
        yield Step(say="The log ends with: " + " / ".join(tail))
    if scan.log.state == "read" and scan.log.bytes:
        yield Step(say="If you find the cause: write a playbook for its line, so that it is known the next time")


def cause_title(cause: str) -> str:
    """One line of English for a cause id."""
    return CAUSES[cause].title if cause in CAUSES else cause
