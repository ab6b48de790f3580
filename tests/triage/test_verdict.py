import pytest

from bot.model.diagnosis import ProbeResult
from bot.triage import verdict

ROOTS = {
    "asked": {"outcome", "ok", "ms", "status", "addresses"},
    "control": {"outcome", "ok"},
    "log": {"host", "status"},
}
SEEN = {
    "asked": {"outcome": "http-status", "ok": False, "ms": 12.5, "status": 404, "addresses": ["10.0.0.1"]},
    "log": {"host": "a.example", "status": "404"},
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("asked.status == 404", True),
        ("asked.ms > 10 && asked.ms < 20.5", True),
        ("asked.status in [404, 410]", True),
        ('log.host.endsWith(".example")', True),
        ("int(log.status) >= 400", True),
        ("has(asked.missing)", False),
        ("asked.missing == 1", False),
        ("asked.missing == 1 || !asked.ok", True),
        ("control.ok || !asked.ok", False),  # control did not run: the rule is skipped, whatever the rest says
        ("!control.ok", False),
        ("asked.status", False),
        ('"yes"', False),
        ("asked.outcome > 3", False),
        ("1 / 0 == 1", False),
        ("9223372036854775807 + 1 > 0", False),
        ("this is no (expression", False),
    ],
)
def test_only_a_plain_true_counts(expression: str, expected: bool) -> None:
    assert verdict.holds(expression, SEEN) is expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("asked.outcome ==", "not a CEL expression"),
        ("", "not a CEL expression"),
        ("nobody.ok", "`nobody` is neither a probe"),
        ("aksed.ok", "did you mean `asked`?"),
        ("asked.statsu == 404", "probe `asked` has no fact `statsu` (did you mean `status`?)"),
        ('log.hst == "a"', "no named group gives the fact `hst` (did you mean `host`?)"),
        ("log.status == 404", 'compare `log.status` with "404"'),
        ('asked.outcome == "timeuot"', 'no probe has the outcome "timeuot" (did you mean `timeout`?)'),
        ('asked.outcome == "denied"', "counts as not run"),
        ("asked.addresses.exists(a, a == 'x')", "the macro `exists` is not allowed"),
        ("asked.addresses .map (a, a) == []", "the macro `map` is not allowed"),
        ("asked.addresses.\nall\n(a, true)", "the macro `all` is not allowed"),
        ("asked.addresses.// x\nall(a, true)", "comments"),
        ('"""x""" == "x"', "triple quotes"),
        ("foo(asked.ok)", "unknown function `foo`"),
        ("asked.ok && " * 60 + "true", "500 are allowed"),
        ("(" * 240 + "true" + ")" * 240, "not a CEL expression"),
        ("[" * 240, "not a CEL expression"),
    ],
)
def test_what_is_refused_and_why(expression: str, reason: str) -> None:
    assert reason in str(verdict.check(expression, ROOTS))


@pytest.mark.parametrize(
    "expression",
    [
        'asked.outcome == "timeout" && control.ok',
        'asked.outcome != "denied"',
        "asked.outcome in ['refused', 'reset']",
        'log.host.contains("exists(") && asked.ok',
        'has(log.host) && log.host.matches("^a") && size(asked.addresses) > 0',
        "true",
    ],
)
def test_what_is_sound(expression: str) -> None:
    assert verdict.check(expression, ROOTS) is None


def test_a_constant_is_known() -> None:
    assert verdict.constant("true") is True
    assert verdict.constant("1 == 2") is False
    assert verdict.constant("asked.ok") is None


def test_facts_from_the_far_side_cannot_stop_or_forge_a_verdict() -> None:
    deep: dict[str, object] = {}
    for _ in range(50):
        deep = {"a": deep}
    facts = {
        "outcome": "ok", "ok": True, "big": 2**80, "nan": float("nan"), "odd": object(), "half": "\ud800",
        "deep": deep, "keys": {1: 2}, "status": 404,
    }  # fmt: skip
    result = ProbeResult(id="asked", verb="http", vantage="runner", outcome="http-status", facts=facts)
    fields = verdict.as_fields(result)
    assert not verdict.holds("asked.ok", {"asked": fields})
    assert verdict.holds("asked.status == 404", {"asked": fields})


@pytest.mark.parametrize("outcome", ["denied", "unsupported", "error"])
def test_an_outcome_about_the_probing_is_no_answer(outcome: str) -> None:
    result = ProbeResult.model_validate({"id": "a", "verb": "tcp", "vantage": "local", "outcome": outcome})
    assert not verdict.answered(result)
