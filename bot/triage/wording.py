"""Diagnoses in words a person can check: what was seen, what was tried, what it ruled out, what was not tried."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bot.model.causes import CAUSES
from bot.model.diagnosis import Diagnosis, Evidence, Hit, Proposal, Remedy, Scan, Step
from bot.model.language import current, heard, tr
from bot.triage import repeat, template, verbs, verdict
from bot.triage.probe_words import outcome

if TYPE_CHECKING:
    from bot.triage.diagnose import Asked, Weighed

MAX_DIAGNOSES = 8
MAX_EVIDENCE = 5
MAX_BECAUSE = 16


def diagnoses(
    scan: Scan, weighed: Sequence["Weighed"], untried: str | None, step: str | None = None
) -> tuple[Diagnosis, ...]:
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
        made.append(_diagnosis(scan, same, rivals, ceiling, untried, step))
    return tuple(made)


def _diagnosis(
    scan: Scan, same: Sequence["Weighed"], rivals: Sequence["Weighed"], confidence: float, untried: str | None,
    step: str | None,
) -> Diagnosis:  # fmt: skip
    one = same[0]
    playbook, facts, fields = one.playbook, _facts(one), _fields(one)
    words = playbook.words
    steps = tuple(_step(words(s.say), s.code, s.file, facts, fields) for s in playbook.remedy.steps)
    hits = [h for w in same for h in w.hypothesis.hits]
    caution = _caution(one, scan, step)
    return Diagnosis(
        cause=playbook.cause,
        playbook=playbook.id,
        title=_sentence(template.prose(words(playbook.title), facts, fields)),
        confidence=round(confidence, 3),
        evidence=_evidence(hits),
        probes=tuple(r for a in one.asked for r in a.results),
        because=tuple(_because(scan, same, rivals, untried))[: MAX_BECAUSE - 1] + ((caution,) if caution else ()),
        remedy=Remedy(summary=template.prose(words(playbook.remedy.summary), facts, fields), steps=steps),
        proposals=_proposals(one, caution),
        links=playbook.links,
        by_hand=tuple(c for c in _by_hand(one) if not any(c in (s.code or "").splitlines() for s in steps)),
        caution=caution,
    )


def _caution(one: "Weighed", scan: Scan, step: str | None) -> str | None:
    """What speaks against repeating the step that failed, where a re-run could be thought of at all."""
    if one.playbook.never_rerun:
        return None
    found = repeat.unsafe(step or one.hypothesis.hits[0].step, scan.last_command)
    return repeat.warning(found) if found else None


def _step(say: str, code: str | None, file: str | None, facts: template.Facts, fields: template.Probes) -> Step:
    """A step whose code lacks a fact, or has one that is not fit to be pasted, says what to fill in."""
    made = [template.code(text, facts, fields) if text else (None, ()) for text in (code, file)]
    open_ = dict.fromkeys(name for _, names in made for name in names)
    text = template.prose(say, facts, fields)
    if open_:
        text += tr(" (fill in {names}: the log gives no usable value)", names=", ".join(open_))
    return Step(say=text, code=made[0][0], file=made[1][0])


def _sentence(text: str) -> str:
    """A title may begin with a fact's default, like “the server”. Chinese has no capitals: `runner` stays as it is."""
    return text[:1].upper() + text[1:] if current() == "en" and re.match(r"[a-z]+ ", text) else text


def _facts(one: "Weighed") -> dict[str, str]:
    """The log's, and the author's words for where it has none."""
    return {name: one.playbook.words(text) for name, text in one.playbook.facts.items()} | one.hypothesis.facts


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
    more = tr(" (and {n} more like it)", n=count - 1) if count > 1 else ""
    hit = one.hypothesis.hits[0]
    yield tr("seen in line {line}: {text}{more}", line=hit.line, text=template.shown(hit.text), more=more)
    if one.rule is not None:
        facts = _facts(one)
        yield template.prose(one.playbook.words(one.rule.because), facts, _fields(one))
    yield from _tried(one, untried)
    for rival in rivals[:3]:
        yield tr("ruled out: {cause}{why}", cause=rival.hypothesis.cause, why=_said(rival))
    for other in same[1:3]:
        line = other.hypothesis.hits[0].line
        yield tr("line {line} says the same ({playbook})", line=line, playbook=other.playbook.id)
    if scan.log.state == "partial":
        why = heard(scan.log.note) if scan.log.note else tr("the rest could not be had")
        yield tr("only a part of the log was read: {why}", why=why)
    if one.playbook.status == "experimental":
        yield tr("this playbook is experimental: it explains and proposes nothing")


def _said(rival: "Weighed") -> str:
    if rival.rule is None:
        return ""
    facts = _facts(rival)
    return tr(" ({why})", why=template.prose(rival.playbook.words(rival.rule.because), facts, _fields(rival)))


def _tried(one: "Weighed", untried: str | None) -> Iterable[str]:
    told: dict[str, None] = {}  # two probes may be the same request
    for asked in one.asked:
        for result in asked.results:
            if asked.request is not None and verdict.answered(result):
                what = heard(verbs.in_words(asked.request.verb, asked.request.args))
                said = tr(
                    "tried from {vantage}: {what}: {came}", vantage=result.vantage, what=what, came=outcome(result)
                )
                told[said] = None
    yield from told
    if told and one.rule is None:
        yield tr("the probes do not settle it: the confidence is that of the line alone")
    yield from _not_tried(one.asked, untried)


def _not_tried(asked: Sequence["Asked"], untried: str | None) -> Iterable[str]:
    if untried and any(a.probe.at == "build" for a in asked):
        yield tr("not tried from where the build ran: {why}", why=heard(untried))
    lacking = [one for one in asked if one.request is None]
    if lacking:
        names = ", ".join(f"{one.name} ({one.probe.verb})" for one in lacking)
        yield tr("not tried, since the log gives no usable values for it: {names}", names=names)
    for one in asked:
        if one.request is None:
            continue
        if one.result is None or not verdict.answered(one.result):
            if one.probe.at == "build" and untried:
                continue  # said once, above
            why = one.result.facts.get("error") if one.result is not None else None
            why = heard(str(why)) if why else tr("no vantage ran it") if one.result is None else outcome(one.result)
            what, why = heard(verbs.in_words(one.request.verb, one.request.args)), template.shown(why)
            if one.result is not None and one.result.ran and one.result.outcome == "error":
                yield tr("tried, and the probe itself failed: {what}: {why}", what=what, why=why)
            elif one.probe.at == "control":
                yield tr("not tried from elsewhere: {what}: {why}", what=what, why=why)
            else:
                yield tr("not tried: {what}: {why}", what=what, why=why)


def _proposals(one: "Weighed", caution: str | None) -> tuple[Proposal, ...]:
    from bot.triage.diagnose import environment

    if one.playbook.status == "experimental" or one.ruled_out:
        return ()
    seen, facts, fields = (
        environment(one.hypothesis, one.asked),
        _facts(one),
        _fields(one),
    )
    made: dict[str, Proposal] = {}
    for proposal in one.playbook.propose:
        if proposal.action == "rerun" and one.playbook.never_rerun:
            continue
        if proposal.when is None or verdict.holds(proposal.when, seen):
            note = template.prose(one.playbook.words(proposal.note), facts, fields) if proposal.note else None
            notes = [n for n in (note, caution) if n]
            made.setdefault(proposal.action, Proposal(action=proposal.action, note="; ".join(notes) or None))
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
    note = tr(": {note}", note=heard(log.note)) if log.note else ""
    if log.state == "missing":
        return tr("There is no log (yet){note}", note=note), tr("Triage the run again once its log is there")
    if log.state == "failed":
        return (
            tr("The log could not be matched, the engine failed on it{note}", note=note),
            tr("Read the log by hand, and report this"),
        )
    if log.state == "partial":
        title = tr("Only a part of the log could be read, and nothing in it fits{note}", note=note)
        return title, tr("Triage it again when the whole log can be had; until then, read it by hand")
    if log.bytes == 0:
        return tr("The log is empty"), tr("See in the CI whether the job printed anything, or died before it could")
    title = tr("The log was read to its end, and no playbook fits")
    if scan.last_command:
        return title, tr("Start from the last command that the log shows")
    return title, tr("Start from the log's last lines")


def _unknown_because(scan: Scan, weighed: Sequence["Weighed"], untried: str | None) -> Iterable[str]:
    log = scan.log
    if log.state in {"read", "partial"}:
        if log.lines == 1:
            yield tr("read and matched: 1 line, {bytes} bytes", bytes=log.bytes)
        else:
            yield tr("read and matched: {lines} lines, {bytes} bytes", lines=log.lines, bytes=log.bytes)
    for one in weighed:
        if one.ruled_out:
            yield tr("ruled out: {cause}{why}", cause=one.hypothesis.cause, why=_said(one))
            yield from _tried(one, untried)
    seen: set[tuple[str, str]] = set()
    for hit in scan.hits:
        if hit.suppressed and (hit.playbook, hit.suppressed) not in seen and len(seen) < 5:
            seen.add((hit.playbook, hit.suppressed))
            said = "line {line} looks like {playbook}, and does not count: {why}"
            yield tr(said, line=hit.line, playbook=hit.playbook, why=heard(hit.suppressed))


def _unknown_steps(scan: Scan) -> Iterable[Step]:
    if scan.last_command:
        yield Step(say=tr("The last command in the log: {command}", command=template.shown(scan.last_command)))
    tail = [template.shown(line) for line in scan.tail[-5:] if line.strip()]
    if tail and "binary" not in (scan.log.note or ""):
        yield Step(say=tr("The log ends with: {lines}", lines=" / ".join(tail)))
    if scan.log.state == "read" and scan.log.bytes:
        yield Step(say=tr("If you find the cause: write a playbook for its line, so that it is known the next time"))


def cause_title(cause: str) -> str:
    """One line for a cause id."""
    return tr(CAUSES[cause].title) if cause in CAUSES else cause
