"""The one message of a case: what it shows in each state, that it fits, and that nothing from outside can act in it."""

import json
import re
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_cases import KEY, NOW, build, case, diagnosis, finding

from bot.model.case import Action, Case, CaseState
from bot.model.diagnosis import Evidence, LogSummary, ProbeResult, Remedy, Step
from bot.serve.standins.slack_rules import faults, metadata_fault
from bot.slack.messages import SHORTEST, TOTAL_LIMIT, render
from bot.slack.sections import confidence


def texts(payload: dict[str, Any]) -> str:
    """Everything a person could read, as it is sent."""
    found: list[str] = [payload["text"]]

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("text"), str):
                found.append(node["text"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for item in node:
                walk(item)

    walk(payload["blocks"])
    return "\n".join(found)


def buttons(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for b in payload["blocks"] if b["type"] == "actions" for e in b["elements"]]


def assert_fits(payload: dict[str, Any]) -> None:
    assert faults(payload["blocks"]) == []
    assert metadata_fault(payload["metadata"]) is None
    assert 0 < len(payload["text"]) <= 4000
    assert len(json.dumps(payload["blocks"], ensure_ascii=False)) + len(payload["text"]) < TOTAL_LIMIT
    fences = [b["text"]["text"].count("```") for b in payload["blocks"] if b["type"] == "section"]
    assert all(n % 2 == 0 for n in fences)
    json.dumps(payload).encode()


def test_the_first_line_is_the_cause_in_words() -> None:
    payload = render(case(), NOW)
    assert payload["text"].split("\n")[0] == "The resolver 10.0.0.2:53 did not answer for proxy.golang.org"
    assert payload["blocks"][0]["text"]["text"].startswith("*The resolver 10.0.0.2:53 did not answer")
    assert_fits(payload)


def test_what_the_answer_rests_on_is_shown() -> None:
    shown = texts(render(case(), NOW))
    for part in (
        "almost certain (97%)", "go mod download", "   812 ▶ go: example.com/x@v1.2.3",
        "*Why*\n• 10.0.0.2:53 is silent",
        "✗  dns (asked)    from runner  timeout  4,003 ms", "✓  dns (control)  from local   ok          12 ms",
        "*Not tried:* the bot's own host does not probe private addresses – `tcp53 (tcp)`",
        "dig +time=2 +tries=3 proxy.golang.org @10.0.0.2", "*What to do:* Point the runner at a resolver that answers",
        '{"dns": ["10.0.0.3", "1.1.1.1"]}', "`/etc/docker/daemon.json`",
    ):  # fmt: skip
        assert part in shown


def test_ids_stand_in_a_context_block_and_in_the_metadata() -> None:
    payload = render(case(), NOW)
    footer = payload["blocks"][-1]
    assert footer["type"] == "context"
    text = footer["elements"][0]["text"]
    assert "`dns-timeout` (`go-dns-timeout`)" in text
    assert KEY.id in text
    assert "read 1.2 MB, 8,412 lines" in text
    assert payload["metadata"] == {
        "event_type": "buildmedic_case",
        "event_payload": {"case": KEY.id, "cause": "dns-timeout", "confidence": 0.97, "state": "diagnosed"},
    }


def test_jobs_that_share_a_cause_share_a_section() -> None:
    test = diagnosis(cause="test-failure", playbook="go-test", title="TestCheckout failed", confidence=0.99, by_hand=())
    found = (finding("1", "build"), finding("2", "integration"), finding("3", "unit 3.12", diagnoses=(test,)))
    payload = render(case(build=build(3), findings=found), NOW)
    heads = [b["text"]["text"] for b in payload["blocks"] if b["type"] == "section" and b["text"]["text"][0] == "*"]
    assert heads[0].startswith("*TestCheckout failed*")
    dns = next(h for h in heads if h.startswith("*The resolver"))
    assert re.search(r"\|build>, <[^>]+\|integration> › go mod download", dns)
    assert "unit 3.12" not in dns
    assert payload["text"].split("\n")[0] == "TestCheckout failed (and 1 more)"


@pytest.mark.parametrize("state", get_args(CaseState))
def test_every_state_has_words(state: CaseState) -> None:
    for findings in ((), (finding(),)):
        payload = render(case(state=state, findings=findings, buttons={}, build=None), NOW)
        assert_fits(payload)
        assert payload["metadata"]["event_payload"]["state"] == state
        assert buttons(payload) == []


@pytest.mark.parametrize("state", get_args(Action.model_fields["state"].annotation))
def test_every_action_says_who_and_what(state: Any) -> None:
    action = Action(kind="rerun", id="r", requested_by="U0ADA", state=state, approvals=("U0BOB",), needed=2,
                    expires=1795400000, detail="the CI said: try <later>")  # fmt: skip
    shown = texts(render(case(state="acting", action=action), NOW))
    assert "<@U0ADA>" in shown
    assert "try &lt;later&gt;" in shown


def test_buttons_appear_only_when_the_case_has_them() -> None:
    assert [b["action_id"] for b in buttons(render(case(), NOW))] == ["medic.rerun", "medic.right", "medic.wrong"]
    waiting = case(buttons={"approve": "a1", "decline": "d1", "odd": "x"})
    assert [(b["action_id"], b["value"]) for b in buttons(render(waiting, NOW))] == [
        ("medic.approve", "a1"),
        ("medic.decline", "d1"),
    ]


def test_the_rerun_button_asks_first_and_says_what_will_happen() -> None:
    rerun = buttons(render(case(build=build(3)), NOW))[0]
    assert rerun["value"] == "b-rerun-1"
    said = rerun["confirm"]["text"]["text"]
    for part in ("github", "the 3 failed jobs", "CI #482", "attempt 2"):
        assert part in said


def test_a_log_that_was_not_read_whole_is_said_so() -> None:
    for state, words in (("partial", "Only part of the log"), ("missing", "no log to read"), ("failed", "on our side")):
        log = LogSummary(bytes=10, lines=1, state=state, note="cut at <10> bytes")
        shown = texts(render(case(findings=(finding(log=log),)), NOW))
        assert words in shown
        assert "cut at &lt;10&gt; bytes" in shown


def test_why_nothing_was_tried_and_what_to_try_by_hand() -> None:
    bare = diagnosis(probes=())
    untried = finding(diagnoses=(bare,), vantage=None, untried="no vantage is configured for this runner")
    shown = texts(render(case(findings=(untried,)), NOW))
    assert "*Not tried:* no vantage is configured for this runner" in shown
    assert "nc -vz 10.0.0.2 53" in shown


def test_after_a_rerun_the_message_tells_what_became_of_it() -> None:
    action = Action(kind="rerun", id="r", requested_by="U0ADA", state="sent", new_attempt=2)
    done = case(state="recovered", action=action, outcome="The re-run passed in 3 minutes", buttons={})
    payload = render(done, NOW)
    shown = texts(payload)
    assert payload["text"].startswith(
        "The resolver 10.0.0.2:53 did not answer for proxy.golang.org – the re-run passed"
    )
    assert "sent (attempt 2)" in shown
    assert "*Recovered.*" in shown
    assert "The re-run passed in 3 minutes" in shown


def test_a_late_notice_is_linked_to() -> None:
    shown = texts(render(case(notice_link="https://acme.slack.com/archives/C0/p1"), NOW))
    assert "<https://acme.slack.com/archives/C0/p1|the CI's notice>" in shown


HOSTILE = '<!channel> <@U0ADA> <https://evil.example|ok> ```\n*bold* @here &amp; \u202e\x1b[31m\x00 ``` ` "'


def hostile_case() -> Case:
    bad = diagnosis(
        title=HOSTILE, playbook=HOSTILE, evidence=(Evidence(line=1, text=HOSTILE, context=(HOSTILE, "x")),),
        because=(HOSTILE,), by_hand=(HOSTILE,), links=("javascript:alert(1)", "https://x|y>z"),
        remedy=Remedy(summary=HOSTILE, steps=(Step(say=HOSTILE, code=HOSTILE, file=HOSTILE),)),
        probes=(ProbeResult(id=HOSTILE, verb=HOSTILE, vantage=HOSTILE, outcome="error", facts={"error": HOSTILE}),),
    )  # fmt: skip
    run = build(title=HOSTILE, branch=HOSTILE, author=HOSTILE, url="https://x|<!here>")
    action = Action(kind="rerun", id="r", requested_by="U1> <!channel", state="failed", detail=HOSTILE)
    return case(findings=(finding(name=HOSTILE, diagnoses=(bad, bad), untried=HOSTILE),), build=run, action=action,
                trouble=HOSTILE, outcome=HOSTILE, notice_link="https://a|b", asked_by=HOSTILE)  # fmt: skip


def test_nothing_from_outside_can_mention_link_or_break_out_of_a_code_block() -> None:
    payload = render(hostile_case(), NOW)
    assert_fits(payload)
    shown = texts(payload)
    live = re.findall(r"<[^>]*>", shown)
    assert [x for x in live if not x.startswith("<https://github.com/acme/shop/")] == []
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    for block in payload["blocks"]:
        if block["type"] == "section":
            assert block["text"]["verbatim"] is True
            for number, part in enumerate(block["text"]["text"].split("```")):
                if number % 2:
                    assert part.startswith("\n")
                    assert part.endswith("\n")


def huge_case() -> Case:
    many = tuple(
        finding(
            str(i), f"job {i} " + "&" * 300,
            diagnoses=tuple(
                diagnosis(cause=f"cause-{i % 40}", title="<" * 5000, evidence=diagnosis().evidence * 50,
                          because=("&" * 4000,) * 50, by_hand=("`" * 4000,) * 50,
                          remedy=Remedy(summary=">" * 9000, steps=(Step(say="s" * 5000, code="``\n" * 9000),) * 60))
                for _ in range(4)
            ),
        )
        for i in range(120)
    )  # fmt: skip
    action = Action(kind="rerun", id="r", requested_by="U0ADA", state="waiting", needed=99,
                    approvals=tuple(f"U{i:010}" for i in range(500)), detail="&" * 9000)  # fmt: skip
    return case(findings=many, build=build(120), trouble="&" * 9000, outcome="&" * 9000, action=action)


@pytest.mark.parametrize("least", [0, 2, SHORTEST])
def test_the_largest_case_fits(least: int) -> None:
    payload = render(huge_case(), NOW, least=least)
    assert_fits(payload)
    assert "more causes" in texts(payload)


def test_a_long_remedy_is_cut_with_a_pointer() -> None:
    steps = tuple(Step(say=f"step {i}", code="x" * 100) for i in range(40))
    long = diagnosis(remedy=Remedy(summary="do", steps=steps))
    shown = texts(render(case(findings=(finding(diagnoses=(long,)),)), NOW))
    assert "more steps: `buildmedic playbook show go-dns-timeout` has them all" in shown


@pytest.mark.parametrize(
    ("value", "words"), [(0.97, "almost certain (97%)"), (0.5, "likely (50%)"), (0.0, "a guess (0%)"), (1.0, "(100%)")]
)
def test_confidence_is_told_in_words(value: float, words: str) -> None:
    assert words in confidence(value)


nasty = st.text(
    alphabet=st.sampled_from(list("<>&`*_~|:@#!\n\r\t\x00\x1b\u202e\u200b\ud800 aé中😀{}%\"'\\/")), max_size=400
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_case_holds_the_message_fits(data: st.DataObject) -> None:
    def word() -> str:
        return data.draw(nasty) * data.draw(st.sampled_from([1, 1, 1, 30]))

    def some(kind: Any, most: int = 4) -> tuple[Any, ...]:
        return tuple(kind() for _ in range(data.draw(st.integers(0, most))))

    def one() -> Any:
        return diagnosis(
            cause=word() or "x", title=word(), playbook=word(), confidence=data.draw(st.floats(0, 1)),
            evidence=some(lambda: Evidence(line=data.draw(st.integers(0, 10**9)), text=word(), context=some(word))),
            because=some(word), by_hand=some(word), links=some(word),
            probes=some(lambda: ProbeResult(id=word(), verb=word(), vantage=word(), outcome="error", ms=1e9,
                                            facts={word(): word(), "n": [1, word()]}, ran=data.draw(st.booleans()))),
            remedy=Remedy(summary=word(), steps=some(lambda: Step(say=word(), code=word(), file=word()))),
        )  # fmt: skip

    findings = some(lambda: finding(word(), word(), diagnoses=(one(),), untried=word()), 6)
    shown = case(
        state=data.draw(st.sampled_from(get_args(CaseState))), findings=findings, trouble=word(), outcome=word(),
        build=build(data.draw(st.integers(0, 9)), title=word(), branch=word(), number=word(), url=word()),
    )  # fmt: skip
    payload = render(shown, NOW)
    assert faults(payload["blocks"]) == []
    assert len(json.dumps(payload["blocks"], ensure_ascii=False)) + len(payload["text"]) < TOTAL_LIMIT
    assert 0 < len(payload["text"]) <= 4000


def test_a_step_that_all_jobs_share_is_named_once_and_others_beside_their_job() -> None:
    given = build(3)
    findings = tuple(finding(str(i), n) for i, n in enumerate(("build", "integration", "unit 3.12"), 1))
    same = json.dumps(render(case(build=given, findings=findings), NOW)["blocks"], ensure_ascii=False)
    assert same.count("› go mod download") == 1
    other = given.jobs[1].model_copy(update={"failed_step": "go test"})
    mixed = given.model_copy(update={"jobs": (given.jobs[0], other, given.jobs[2])})
    text = json.dumps(render(case(build=mixed, findings=findings), NOW)["blocks"], ensure_ascii=False)
    assert text.count("› go mod download") == 2
    assert text.count("› go test") == 1


def test_a_manifest_of_usual_length_is_shown_whole() -> None:
    code = "\n".join(f"line-{i}: value" for i in range(30))
    long = diagnosis(remedy=Remedy(summary="S", steps=(Step(say="Apply", file="x.yaml", code=code),) * 2))
    text = json.dumps(render(case(findings=(finding(diagnoses=(long,)),)), NOW)["blocks"], ensure_ascii=False)
    assert text.count("line-29: value") == 2
    assert "more lines" not in text
