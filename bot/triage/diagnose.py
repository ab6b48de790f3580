"""Differential diagnosis: what a log's hits may mean, which probes would tell, and what they told.

Pure: the caller scans, runs the probes and hands the results back. `hypotheses`, `plan`, `conclude`, in this order.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from bot.model import Noun
from bot.model.diagnosis import Diagnosis, Hit, ProbeRequest, ProbeResult, Role, Scan
from bot.model.language import Language, speaking
from bot.triage import silence, template, verbs, verdict
from bot.triage.playbook import Playbook, Probe, Verdict
from bot.triage.ranking import (
    ROLES,
    UNMISTAKABLE,
    Standing,
    about_tool,
    failing_step,
    least,
    link,
    place,
    specificity,
)

if TYPE_CHECKING:
    from bot.triage.scanner import RuleSet

RULED_OUT = 0.15
"""At or below this, or below half of what the line alone gave, a probe has ruled a hypothesis out."""

CLEAR = 0.9
"""From here on a confirmed hypothesis needs no more probes."""


class Library:
    """A set of playbooks and its compiled rules. Immutable."""

    def __init__(self, playbooks: Iterable[Playbook], ruleset: "RuleSet") -> None:
        self.playbooks: tuple[Playbook, ...] = tuple(playbooks)
        self.ruleset = ruleset
        self._by_id = {p.id: p for p in self.playbooks}

    @classmethod
    def build(cls, playbooks: Iterable[Playbook], blob: bytes | None = None) -> "Library":
        """Compile the rules, or load them from `blob` (of `ruleset.dump()` for the very same rules)."""
        from bot.triage.scanner import RuleSet

        playbooks = tuple(playbooks)
        rules = [rule for playbook in playbooks for rule in playbook.rules()]
        return cls(playbooks, RuleSet.compile(rules) if blob is None else RuleSet.load(rules, blob))

    def by_id(self, playbook: str) -> Playbook | None:
        return self._by_id.get(playbook)


class Hypothesis(Noun):
    """What one playbook says of the log, before any probe."""

    playbook: str
    cause: str
    role: Role
    prior: float
    hits: tuple[Hit, ...]  # unsuppressed, the one that counts first
    facts: dict[str, str]  # of the log, defaults not among them
    in_step: bool = False  # in the step that failed
    tool: bool = False  # it is about the tool that ran


class Weighed(NamedTuple):
    """A hypothesis after the probes."""

    hypothesis: Hypothesis
    playbook: Playbook
    confidence: float
    rule: Verdict | None  # the verdict rule that counted
    confirmed: bool
    ruled_out: bool
    asked: "tuple[Asked, ...]"
    standing: Standing


class Asked(NamedTuple):
    """One probe of one playbook: what was asked, and what came back."""

    name: str
    probe: Probe
    request: ProbeRequest | None  # None: the log does not give its arguments
    results: tuple[ProbeResult, ...]  # under the playbook's own name

    @property
    def result(self) -> ProbeResult | None:
        """The one that counts: an answer before none, and among controls one that works before one that does not."""
        ranked = sorted(self.results, key=lambda r: (verdict.answered(r), self.probe.at == "control" and r.ok))
        return ranked[-1] if ranked else None


def hypotheses(
    library: Library, scan: Scan, *, failed_step: str | None = None, tool: str | None = None
) -> tuple[Hypothesis, ...]:
    """One for each playbook that has an unsuppressed hit, best first by the log alone.

    `failed_step`: what the CI calls the step that failed; `tool`: the tool that is known to have run."""
    hits = [h for h in scan.hits if h.suppressed is None and library.by_id(h.playbook)]
    failing = failing_step(hits, failed_step, scan.failed_step)
    found = []
    for playbook in library.playbooks:
        own = sorted((h for h in hits if h.playbook == playbook.id), key=lambda h: place(h, failing), reverse=True)
        for more in _settings(playbook, scan) if own else ():
            found.append(
                Hypothesis(
                    playbook=playbook.id, cause=playbook.cause, role=least(playbook.role, own[0].role),
                    prior=playbook.prior,
                    hits=tuple(own), facts=_facts(playbook, own) | more, tool=about_tool(playbook, tool),
                    in_step=failing is None or own[0].step == failing,
                )
            )  # fmt: skip
    return tuple(w.hypothesis for w in weigh(library, found, ()))


def _settings(playbook: Playbook, scan: Scan) -> Iterable[dict[str, str]]:
    """The facts that the hits cannot give: one hypothesis for each."""
    if playbook.endpoint is None:
        return ({},)
    return [{"host": e.host, "port": str(e.port)} for e in silence.endpoints(scan)]


def plan(library: Library, hyps: Sequence[Hypothesis], limit: int = 24) -> tuple[ProbeRequest, ...]:
    """The probes that could tell the hypotheses apart: the union, each once, those of the best hypotheses first."""
    requests: dict[str, ProbeRequest] = {}
    for hypothesis in hyps:
        for _, _, request in _requests(library, hypothesis):
            if request is not None:
                requests.setdefault(request.id, request)
    return tuple(requests.values())[:limit]


def conclude(
    library: Library,
    scan: Scan,
    hyps: Sequence[Hypothesis],
    results: Sequence[ProbeResult],
    untried: str | None = None,
    *,
    language: Language = "en",
    step: str | None = None,
) -> tuple[Diagnosis, ...]:
    """Weigh the hypotheses with what the probes told. Best first, never empty; `unknown` stands only alone.

    `untried`: why no probe ran from where the build ran, in words; `language`: that of titles, reasons and steps;
    `step`: what the CI calls the step that failed."""
    from bot.triage import wording

    weighed = weigh(library, hyps, results)
    known = [w for w in weighed if w.hypothesis.cause != "unknown"]
    with speaking(language):
        if not any(not w.ruled_out for w in known):
            return (wording.unknown(scan, weighed, untried),)
        return wording.diagnoses(scan, known, untried, step)


def settled(library: Library, hyps: Sequence[Hypothesis], results: Sequence[ProbeResult]) -> bool:
    """Whether more probes would change nothing: the best hypothesis has all its answers, they bear it out, and no rival
    of another cause could still come near it."""
    weighed = weigh(library, hyps, results)
    if not weighed or not weighed[0].confirmed or weighed[0].confidence < CLEAR:
        return False
    best = weighed[0]
    if not all(a.request is None or (a.result is not None and verdict.answered(a.result)) for a in best.asked):
        return False
    rivals = [w for w in weighed[1:] if w.hypothesis.cause != best.hypothesis.cause and not w.ruled_out]
    return all(w.confidence <= UNMISTAKABLE and w.standing.role <= best.standing.role for w in rivals)


def weigh(library: Library, hyps: Sequence[Hypothesis], results: Sequence[ProbeResult]) -> tuple[Weighed, ...]:
    """Every hypothesis with its confidence and standing, best first."""
    clear_lines = {(h.role, h.hits[0].line) for h in hyps if _unmistakable(h)}
    weighed = []
    for hypothesis in sorted(hyps, key=lambda h: h.playbook):
        playbook = library.by_id(hypothesis.playbook)
        if playbook is not None:
            weighed.append(_weigh_one(library, hypothesis, playbook, results, clear_lines))
    return tuple(sorted(weighed, key=lambda w: w.standing, reverse=True))


def _weigh_one(
    library: Library,
    hypothesis: Hypothesis,
    playbook: Playbook,
    results: Sequence[ProbeResult],
    clear_lines: set[tuple[Role, int]],
) -> Weighed:
    asked = tuple(_asked(library, hypothesis, results))
    rule = _decide(playbook, hypothesis, asked)
    line_alone = hypothesis.prior if _unmistakable(hypothesis) else min(hypothesis.prior, UNMISTAKABLE)
    confidence, confirmed, ruled_out = line_alone, False, False
    if rule is not None:
        probed = bool(verdict.names(rule.when) & playbook.probes.keys())
        of_log = "log" in verdict.names(rule.when)
        # a rule that looks at nothing says nothing new: it cannot lift what the line alone gives
        confidence = rule.confidence if probed or of_log else min(rule.confidence, max(line_alone, UNMISTAKABLE))
        confirmed = probed and confidence > UNMISTAKABLE and confidence >= line_alone
        ruled_out = probed and (confidence <= RULED_OUT or confidence < line_alone / 2)
    best = hypothesis.hits[0]
    standing = Standing(
        kept=not ruled_out, confirmed=confirmed, role=ROLES[hypothesis.role], step=hypothesis.in_step,
        probed=confidence if confirmed else 0.0, clear_line=(hypothesis.role, best.line) in clear_lines,
        line=best.line, link=link(best), clear=_unmistakable(hypothesis), start=best.start, confidence=confidence,
        specific=specificity(playbook.match.any[best.rule]) if best.rule < len(playbook.match.any) else 0,
        tool=hypothesis.tool,
    )  # fmt: skip
    return Weighed(hypothesis, playbook, confidence, rule, confirmed, ruled_out, asked, standing)


def environment(hypothesis: Hypothesis, asked: Iterable[Asked]) -> dict[str, dict[str, Any]]:
    """What verdict rules see: probes that told something, and `log`."""
    answered = {a.name: a.result for a in asked if a.result is not None and verdict.answered(a.result)}
    return {name: verdict.as_fields(r) for name, r in answered.items()} | {"log": dict(hypothesis.facts)}


def _decide(playbook: Playbook, hypothesis: Hypothesis, asked: Sequence[Asked]) -> Verdict | None:
    seen = environment(hypothesis, asked)
    return next((rule for rule in playbook.verdict if verdict.holds(rule.when, seen)), None)


def _unmistakable(hypothesis: Hypothesis) -> bool:
    """A symptom and a hint are by their nature never unmistakable."""
    return hypothesis.prior > UNMISTAKABLE and hypothesis.role not in {"symptom", "hint"}


def _facts(playbook: Playbook, hits: Sequence[Hit]) -> dict[str, str]:
    """The first hit's facts; gaps are filled from other hits that contradict nothing, then from the URL."""
    facts: dict[str, str] = {}
    for hit in hits:
        own = {k: v for k, v in hit.facts.items() if v}
        if all(facts.get(k, v) == v for k, v in own.items()):
            facts = own | facts
    url, names = verbs.url(facts.get("url", "")), playbook.fact_names
    if url is not None:
        parts = urlsplit(url)
        derived = {
            "host": parts.hostname or "",
            "port": str(parts.port or (80 if parts.scheme == "http" else 443)),
        }
        if facts.get("host", derived["host"]) == derived["host"]:
            facts = {k: v for k, v in derived.items() if v and k in names} | facts
    return facts


def _requests(library: Library, hypothesis: Hypothesis) -> Iterable[tuple[str, Probe, ProbeRequest | None]]:
    playbook = library.by_id(hypothesis.playbook)
    if playbook is None:
        return
    facts = playbook.facts | hypothesis.facts
    for name, probe in playbook.probes.items():
        yield name, probe, _request(probe, facts)


def _request(probe: Probe, facts: dict[str, str]) -> ProbeRequest | None:
    """None where the log does not give an argument, or gives one that is not fit to be used."""
    args: dict[str, Any] = {}
    for name, raw in probe.args.items():
        text = template.argument(str(raw), facts)
        value = None if text is None else verbs.read_argument(probe.verb, name, text)
        if value is None:
            return None
        args[name] = value
    for name, spec in verbs.VERBS[probe.verb].arguments.items():
        if spec.default is not None:
            args.setdefault(name, spec.default)
    return ProbeRequest(id=_request_id(probe.verb, args, probe.at), verb=probe.verb, args=args, at=probe.at)


def _request_id(verb: str, args: dict[str, Any], at: Literal["build", "control"]) -> str:
    digest = hashlib.sha256(json.dumps([verb, args, at], sort_keys=True).encode()).hexdigest()[:12]
    return f"{verb}-{digest}"


def _asked(library: Library, hypothesis: Hypothesis, results: Sequence[ProbeResult]) -> Iterable[Asked]:
    for name, probe, request in _requests(library, hypothesis):
        own = [r.model_copy(update={"id": name}) for r in results if request is not None and r.id == request.id]
        yield Asked(name, probe, request, tuple(own))
