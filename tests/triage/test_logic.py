import pytest

from bot.triage.logic import hidden_by, never, ways


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("a.ok", 1), ("a.ok && b.ok", 1), ("a.ok || b.ok", 2), ("(a.ok || b.ok) && (c.ok || d.ok)", 4),
        ('a.outcome == "x" && (b.ok)', 1), ("a.ms > 5 || (a.ok)", 2), ('size(a.addresses) > 0 && a.issuer.contains("x")', 1),
        ("(a.ms + 1) > 5", 1), ("!(a.ok || b.ok)", None), ("a.ok ? b.ok : c.ok", None), ("a.ok &&", None), ("((a.ok)", None),
    ],
)  # fmt: skip
def test_ways(source: str, count: int | None) -> None:
    found = ways(source)
    assert (None if found is None else len(found)) == count


def test_a_condition_with_too_many_ways_is_not_judged() -> None:
    assert ways(" && ".join(f"(a{i}.ok || b{i}.ok)" for i in range(20))) is None


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('a.outcome == "timeout" && a.outcome == "refused"', "two outcomes at once"),
        ('a.ok && a.outcome == "timeout"', "contradicts the outcome timeout"),
        ('!a.ok && a.outcome == "ok"', "contradicts the outcome ok"),
        ("a.ok && !a.ok", "cannot both hold"),
        ("a.ms", "no yes-or-no"),
        ("log.host", "no yes-or-no"),
        ('a.ok && "timeout"', "no yes-or-no"),
        ('a.ok || a.outcome', "no yes-or-no"),
    ],
)  # fmt: skip
def test_what_never_holds(source: str, why: str) -> None:
    assert why in str(never(source))


@pytest.mark.parametrize(
    "source",
    ['a.outcome == "timeout"', "a.ok", "!a.ok", 'a.ok && b.outcome == "timeout"', "a.ms > 5", "a.self_signed",
     'a.outcome == "x" || a.outcome == "y"', 'a.issuer.contains("x")', '"x" in a.names', '!a.ok && a.outcome == "timeout"',
     'a.ok || (a.ok && a.outcome == "timeout")', "!(a.ok)"],
)  # fmt: skip
def test_what_may_hold(source: str) -> None:
    assert never(source) is None


@pytest.mark.parametrize(
    ("earlier", "later", "hidden"),
    [
        (["a.ok"], "a.ok && b.ok", True),
        (["a.ok || a.ran"], "a.ok", True),
        (["a.ok"], "a.ok && a.ms > 5", True),
        (["a.ok && b.ok"], "a.ok", False),
        (["a.ok || b.ok"], "a.ok", False),  # b may not have run, and then the first is skipped
        (["a.ok"], "b.ok", False),
        (['a.outcome == "x" || a.outcome == "y"'], "a.outcome=='x' && b.ok", False),
        (['a.outcome == "x" || a.outcome == "y"'], 'a.outcome=="x" && b.ok', True),
        (["!(a.ok)"], "a.ok", False),
    ],
)  # fmt: skip
def test_what_an_earlier_condition_hides(earlier: list[str], later: str, hidden: bool) -> None:
    assert (hidden_by(earlier, later) == 0) == hidden
