from typing import Any

import pytest

from bot.model.diagnosis import Diagnosis, Hit, LogSummary, ProbeResult, Scan
from bot.triage.diagnose import Hypothesis, Library, conclude, hypotheses, plan, settled
from bot.triage.playbook import Playbook, parse_playbook
from bot.triage.scanner import RuleSet, scan_bytes

DNS = """\
id: silent
title: "{resolver} did not answer for {host}"
cause: dns-timeout
match: {any: ['lookup (?P<host>\\S+) on (?P<resolver>\\S+:53): .*i/o timeout']}
prior: 0.45
probes:
  asked: {verb: dns, host: "{host}", server: "{resolver}", tries: 3}
  control: {verb: dns, host: "{host}", server: control}
verdict:
  - when: 'asked.outcome == "timeout" && control.ok'
    confidence: 0.97
    because: "{resolver} is silent, another answers in {control.ms} ms"
  - {when: 'asked.ok', confidence: 0.45, because: "{resolver} answers now"}
remedy: {summary: "Another resolver for {host}", steps: [{say: "Ask {resolver}", code: "dig {host}"}]}
propose: [{action: rerun, when: 'asked.ok'}]
"""
EGRESS = """\
id: egress
title: "{host} does not open"
cause: network-egress-blocked
match: {any: ['dial tcp.* (?P<host>\\S+):(?P<port>443|53): .*i/o timeout']}
prior: 0.4
probes:
  asked: {verb: tcp, host: "{host}", port: "{port|443}"}
  control: {verb: tcp, host: "{host}", port: 443, at: control}
verdict:
  - {when: 'asked.ok', confidence: 0.1, because: "{host} opens"}
  - {when: 'asked.outcome == "timeout" && control.ok', confidence: 0.95, because: "only here"}
remedy: {summary: "Open the firewall"}
"""
WRAPPER = """\
id: wrapper
title: A step failed
cause: registry-unavailable
role: wrapper
match: {any: ['failed to solve']}
prior: 0.9
remedy: {summary: "Look above"}
"""
TEST = """\
id: failed-test
title: A test failed
cause: test-failure
match: {any: ['^FAIL']}
prior: 0.8
remedy: {summary: "Fix it"}
"""
LINE = b'go: m: Get "https://h.example/m": dial tcp: lookup h.example on 10.0.0.2:53: read udp: i/o timeout\n'


def parsed(*texts: str) -> list[Playbook]:
    return [parse_playbook(text, "x.yaml") for text in texts]


def library(*texts: str) -> Library:
    return Library.build(parsed(*texts))


def hit(playbook: str, line: int, text: str = "x", **more: Any) -> Hit:
    return Hit(playbook=playbook, rule=0, line=line, text=text, **({"end": len(text)} | more))


def scan(*hits: Hit, **log: Any) -> Scan:
    return Scan(log=LogSummary(**({"bytes": 100, "lines": 100} | log)), hits=hits)


def answers(requests: Any, said: dict[tuple[str, str], str], **facts: Any) -> list[ProbeResult]:
    """Results by (verb, at); what is not named does not come back."""
    return [
        ProbeResult.model_validate(
            {"id": r.id, "verb": r.verb, "vantage": "runner" if r.at == "build" else "bot", "ms": 12.4,
             "outcome": said[r.verb, r.at], "facts": facts}
        )
        for r in requests if (r.verb, r.at) in said
    ]  # fmt: skip


def triage(lib: Library, log: bytes | Scan, said: dict[tuple[str, str], str], untried: str | None = None) -> Any:
    seen = scan_bytes(lib.ruleset, log) if isinstance(log, bytes) else log
    hyps = hypotheses(lib, seen)
    return conclude(lib, seen, hyps, answers(plan(lib, hyps), said), untried)


def causes(found: tuple[Diagnosis, ...]) -> list[str]:
    return [d.cause for d in found]


# --- the plan


def test_control_runs_elsewhere_with_that_places_own_resolver() -> None:
    lib = library(DNS)
    requests = plan(lib, hypotheses(lib, scan_bytes(lib.ruleset, LINE)))
    assert [(r.at, r.args) for r in requests] == [
        ("build", {"host": "h.example", "server": "10.0.0.2:53", "tries": 3}),
        ("control", {"host": "h.example"}),
    ]


def test_the_same_probe_of_two_playbooks_is_planned_once() -> None:
    lib = library(
        EGRESS, EGRESS.replace("id: egress", "id: other").replace("asked:", "tried:").replace("asked", "tried")
    )
    log = b"dial tcp h.example:443: i/o timeout\n"
    requests = plan(lib, hypotheses(lib, scan_bytes(lib.ruleset, log)))
    assert [(r.verb, r.at) for r in requests] == [("tcp", "build"), ("tcp", "control")]
    (found,) = triage(lib, log, {("tcp", "build"): "timeout", ("tcp", "control"): "ok"})
    assert [p.id for p in found.probes] in (["asked", "control"], ["tried", "control"])


def test_the_limit_keeps_the_best_hypotheses_probes() -> None:
    lib = library(DNS, EGRESS)
    seen = scan_bytes(lib.ruleset, LINE)
    assert len(plan(lib, hypotheses(lib, seen), limit=1)) == 1


@pytest.mark.parametrize("host", ["$(rm)", "-oX", "169.254.169.254", "a" * 300, "a;b", "***"])
def test_a_hostile_host_is_never_an_argument(host: str) -> None:
    lib = library(EGRESS)
    seen = scan(hit("egress", 1, facts={"host": host}))
    hyps = hypotheses(lib, seen)
    assert plan(lib, hyps) == ()
    (found,) = conclude(lib, seen, hyps, (), "no vantage serves it")
    assert found.by_hand == ()
    assert any("no usable value" in b for b in found.because)


def test_gaps_are_filled_only_from_hits_that_do_not_contradict() -> None:
    lib = library(DNS)
    same = scan(
        hit("silent", 1, facts={"host": "a.example", "resolver": "10.0.0.2:53"}),
        hit("silent", 9, facts={"host": "a.example"}),
    )
    other = scan(
        hit("silent", 1, facts={"host": "b.example", "resolver": "10.0.0.2:53"}),
        hit("silent", 9, facts={"host": "a.example"}),
    )
    assert hypotheses(lib, same)[0].facts == {"host": "a.example", "resolver": "10.0.0.2:53"}
    assert hypotheses(lib, other)[0].facts == {"host": "a.example"}


# --- verdicts


def test_probes_confirm() -> None:
    found = triage(library(DNS, EGRESS), LINE, {("dns", "build"): "timeout", ("dns", "control"): "ok"})
    top = found[0]
    assert (top.cause, top.confidence) == ("dns-timeout", 0.97)
    assert "10.0.0.2:53 is silent, another answers in 12 ms" in top.because
    assert top.title == "10.0.0.2:53 did not answer for h.example"
    assert [(p.id, p.outcome, p.vantage) for p in top.probes] == [
        ("asked", "timeout", "runner"),
        ("control", "ok", "bot"),
    ]
    assert top.evidence[0].line == 1
    assert any(b.startswith("seen in line 1: ") for b in top.because)
    assert any(
        b.startswith("tried from runner: DNS lookup of h.example at 10.0.0.2:53: no answer in time")
        for b in top.because
    )


def test_a_probe_rules_a_rival_out_and_the_answer_says_so() -> None:
    said = {("dns", "build"): "timeout", ("dns", "control"): "ok", ("tcp", "build"): "ok", ("tcp", "control"): "ok"}
    lib = library(DNS, EGRESS.replace(":(?P<port>443|53): .*", ":(?P<port>53): .*"))
    found = triage(lib, LINE, said)
    assert causes(found) == ["dns-timeout", "network-egress-blocked"]
    assert any("ruled out: network-egress-blocked" in b for b in found[0].because)
    assert found[1].confidence <= 0.15


def test_all_ruled_out_is_unknown_and_names_them() -> None:
    lib = library(EGRESS)
    (found,) = triage(lib, b"dial tcp h.example:443: i/o timeout\n", {("tcp", "build"): "ok"})
    assert found.cause == "unknown"
    assert any("ruled out: network-egress-blocked (h.example opens)" in b for b in found.because)


def test_nothing_above_a_half_from_an_ambiguous_line() -> None:
    rule = "- {when: 'true', confidence: 0.9, because: always}"
    lib = library(EGRESS.replace("- {when: 'asked.ok', confidence: 0.1, because: \"{host} opens\"}", rule))
    (found,) = triage(lib, b"dial tcp h.example:443: i/o timeout\n", {})
    assert found.confidence <= 0.5


def test_a_symptom_is_never_unmistakable() -> None:
    lib = library(TEST.replace("prior: 0.8", "prior: 0.8\nrole: symptom"))
    (found,) = triage(lib, b"FAIL x\n", {})
    assert found.confidence <= 0.5


@pytest.mark.parametrize("outcome", ["denied", "error", "unsupported"])
def test_a_probe_that_told_nothing_of_the_world_decides_nothing(outcome: str) -> None:
    text = EGRESS.replace("when: 'asked.ok', confidence: 0.1", "when: '!asked.ok', confidence: 0.9")
    lib = library(text)
    (found,) = triage(lib, b"dial tcp h.example:443: i/o timeout\n", {("tcp", "build"): outcome})
    assert found.confidence == 0.4
    how = "tried, and the probe itself failed: TCP" if outcome == "error" else "not tried: TCP connection"
    assert any(b.startswith(how) for b in found.because)


def test_a_probe_that_did_not_run_is_said_to_have_not_run() -> None:
    lib = library(EGRESS)
    seen = scan_bytes(lib.ruleset, b"dial tcp h.example:443: i/o timeout\n")
    hyps = hypotheses(lib, seen)
    results = [
        ProbeResult(
            id=r.id, verb=r.verb, vantage="runner", outcome="timeout", ran=False, facts={"error": "the host is down"}
        )
        for r in plan(lib, hyps)
    ]
    (found,) = conclude(lib, seen, hyps, results)
    assert found.confidence == 0.4
    assert any("not tried" in b and "the host is down" in b for b in found.because)
    assert found.by_hand == ("nc -vz -w 10 h.example 443",)


def test_untried_gives_the_commands_and_the_reason() -> None:
    top = triage(library(DNS), LINE, {}, "a hosted runner: no vantage serves it")[0]
    assert "not tried from where the build ran: a hosted runner: no vantage serves it" in top.because
    assert top.by_hand == ("dig +time=5 +tries=3 @10.0.0.2 h.example",)
    assert top.proposals == ()


def test_results_that_nobody_asked_for_are_passed_over() -> None:
    lib = library(DNS)
    seen = scan_bytes(lib.ruleset, LINE)
    stray = ProbeResult(id="tcp-0", verb="tcp", vantage="x", outcome="ok")
    (found,) = conclude(lib, seen, hypotheses(lib, seen), [stray])
    assert found.probes == ()


# --- proposals and remedies


def test_a_proposal_needs_its_condition() -> None:
    assert [p.action for p in triage(library(DNS), LINE, {("dns", "build"): "ok"})[0].proposals] == ["rerun"]
    assert triage(library(DNS), LINE, {("dns", "build"): "timeout"})[0].proposals == ()


def test_an_experimental_playbook_proposes_nothing() -> None:
    (found,) = triage(library(DNS + "status: experimental\n"), LINE, {("dns", "build"): "ok"})
    assert found.proposals == ()
    assert any("experimental" in b for b in found.because)


def test_code_to_paste_holds_no_hostile_fact() -> None:
    lib = library(DNS)
    seen = scan(hit("silent", 1, facts={"host": "$(rm -rf ~)", "resolver": "1.1.1.1:53"}))
    (found,) = conclude(lib, seen, hypotheses(lib, seen), ())
    assert found.remedy.steps[0].code == "dig HOST"


# --- the order


def order(*hits: Hit, texts: tuple[str, ...] = (DNS, EGRESS, WRAPPER, TEST), **hints: str) -> list[str]:
    lib = library(*texts)
    return [h.playbook for h in hypotheses(lib, scan(*hits), **hints)]


def test_role_before_place() -> None:
    assert order(hit("silent", 1), hit("wrapper", 90, role="wrapper")) == ["silent", "wrapper"]


def test_an_unmistakable_line_before_an_ambiguous_one_nearer_to_the_end() -> None:
    assert order(hit("failed-test", 10), hit("silent", 90)) == ["failed-test", "silent"]


def test_nearer_to_the_end() -> None:
    assert order(hit("egress", 10), hit("silent", 90)) == ["silent", "egress"]
    assert order(hit("egress", 90), hit("silent", 10)) == ["egress", "silent"]


def test_the_last_link_of_the_chain_on_one_line() -> None:
    text = "egress: wrapped: silent"
    early, late = hit("egress", 5, text, end=6), hit("silent", 5, text, start=17)
    assert order(early, late) == ["silent", "egress"]
    clear = hit("failed-test", 5, text, end=6)
    assert order(clear, late)[0] == "silent"


def test_both_ends_alike_the_later_start_counts() -> None:
    text = "dial tcp: lookup x: i/o timeout"
    assert order(hit("egress", 5, text), hit("silent", 5, text, start=10)) == ["silent", "egress"]


def test_the_failing_step_before_others() -> None:
    hits = (
        hit("silent", 10, step="Build"), hit("wrapper", 20, role="wrapper", step="Build"),
        hit("egress", 90, step="Upload the reports"),
    )  # fmt: skip
    assert order(*hits) == ["silent", "egress", "wrapper"]
    assert order(*hits, failed_step="Upload the reports")[0] == "egress"


def test_suppressed_hits_make_no_hypothesis() -> None:
    assert order(hit("silent", 1, suppressed="recovered")) == []


def test_hits_of_a_playbook_that_is_gone_are_passed_over() -> None:
    assert order(hit("gone", 1), hit("silent", 2)) == ["silent"]


def test_several_causes_are_all_named_and_confidence_never_rises() -> None:
    lib = library(DNS, EGRESS, WRAPPER, TEST)
    seen = scan(hit("silent", 90), hit("failed-test", 10), hit("wrapper", 95, role="wrapper"), hit("egress", 5))
    found = conclude(lib, seen, hypotheses(lib, seen), ())
    assert causes(found) == ["test-failure", "dns-timeout", "network-egress-blocked", "registry-unavailable"]
    confidences = [d.confidence for d in found]
    assert confidences == sorted(confidences, reverse=True)


def test_one_diagnosis_for_each_cause() -> None:
    lib = library(DNS, DNS.replace("id: silent", "id: silent-too"))
    found = triage(lib, LINE, {})
    assert causes(found) == ["dns-timeout"]
    assert any("says the same (silent" in b for b in found[0].because)


# --- unknown


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ({"state": "missing", "note": "it expired"}, "There is no log (yet): it expired"),
        ({"state": "partial", "note": "cut at 5 MB"}, "Only a part of the log could be read"),
        ({"state": "failed", "note": "out of memory"}, "the engine failed"),
        ({"bytes": 0, "lines": 0}, "The log is empty"),
        ({}, "no playbook fits"),
    ],
)
def test_the_four_answers_are_told_apart(log: dict[str, Any], words: str) -> None:
    lib = library(DNS)
    (found,) = conclude(lib, scan(**log), (), ())
    assert found.cause == "unknown"
    assert words in found.title
    assert found.remedy.summary
    assert found.proposals == ()


def test_unknown_gives_the_last_command_the_tail_and_what_did_not_count() -> None:
    lib = library(DNS)
    seen = Scan(
        log=LogSummary(bytes=9, lines=3), hits=(hit("silent", 2, suppressed="it was tried again, and passed"),),
        last_command="make all", tail=("one", "two"),
    )  # fmt: skip
    (found,) = conclude(lib, seen, hypotheses(lib, seen), ())
    said = " ".join(s.say for s in found.remedy.steps)
    assert "make all" in said
    assert "two" in said
    assert all(s.code is None for s in found.remedy.steps)
    assert any("does not count: it was tried again, and passed" in b for b in found.because)


def test_a_part_of_a_log_is_said_beside_a_cause_too() -> None:
    lib = library(DNS)
    seen = scan(hit("silent", 1), state="partial", note="the connection broke")
    (found,) = conclude(lib, seen, hypotheses(lib, seen), ())
    assert any("only a part of the log was read: the connection broke" in b for b in found.because)


def test_hypotheses_go_through_json() -> None:
    lib = library(DNS)
    (one,) = hypotheses(lib, scan_bytes(lib.ruleset, LINE))
    assert Hypothesis.model_validate_json(one.model_dump_json()) == one


def test_a_library_is_built_from_its_dump() -> None:
    first = library(DNS, EGRESS)
    again = Library.build(parsed(DNS, EGRESS), blob=first.ruleset.dump())
    assert isinstance(again.ruleset, RuleSet)
    assert causes(triage(again, LINE, {}))[0] == "dns-timeout"
    assert again.by_id("silent") is not None
    assert again.by_id("nothing") is None


# --- when to stop probing


@pytest.mark.parametrize(
    ("said", "rival", "wanted"),
    [
        ({("dns", "build"): "timeout", ("dns", "control"): "ok"}, None, True),
        ({("dns", "build"): "timeout"}, None, False),  # a control is still out
        ({("dns", "build"): "ok", ("dns", "control"): "ok"}, None, False),  # it answers now: nothing is borne out
        ({("dns", "build"): "timeout", ("dns", "control"): "ok"}, EGRESS, True),  # 0.4 for the rival: a guess
        ({("tcp", "build"): "timeout", ("tcp", "control"): "ok"}, EGRESS, True),
        ({("dns", "build"): "timeout", ("dns", "control"): "error"}, None, False),  # an error is no answer
        ({}, EGRESS, False),
    ],
)
def test_more_probes_would_change_nothing(said: dict[tuple[str, str], str], rival: str | None, wanted: bool) -> None:
    lib = library(DNS, *([rival] if rival else []))
    line = LINE if rival is None else LINE + b"dial tcp h.example:443: i/o timeout\n"
    hyps = hypotheses(lib, scan_bytes(lib.ruleset, line))
    assert settled(lib, hyps, answers(plan(lib, hyps), said)) is wanted


def test_nothing_settles_an_empty_log() -> None:
    assert settled(library(DNS), (), ()) is False
