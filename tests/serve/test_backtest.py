import json
from pathlib import Path

import pytest

from bot.model.errors import UsageError
from bot.serve.backtest import backtest, backtest_text
from bot.triage.diagnose import Library
from bot.triage.playbook import parse_playbook

SHARED = Path(__file__).parents[2] / "../shared/logs"


def made(id_: str, cause: str, pattern: str) -> str:
    return f"id: {id_}\ntitle: T\ncause: {cause}\nmatch: {{any: ['{pattern}']}}\nprior: 0.8\nremedy: {{summary: S}}\n"


@pytest.fixture(scope="module")
def library() -> Library:
    texts = [made("a", "disk-full", "no space"), made("b", "dns-timeout", "silent"), made("c", "rate-limited", "429")]
    return Library.build(parse_playbook(t, "x") for t in texts)


def cases(tmp_path: Path, *lines: object) -> Path:
    file = tmp_path / "cases.jsonl"
    file.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return file


def test_wrong_and_unknown_are_counted_apart(library: Library, tmp_path: Path) -> None:
    file = cases(
        tmp_path,
        {"id": "1", "log": "no space\n", "label": "disk-full"},
        {"id": "2", "log": "silent\n", "label": "disk-full", "also": ["dns-timeout"]},
        {"id": "3", "log": "429\n", "label": "disk-full"},
        {"id": "4", "log": "nothing\n", "label": "disk-full"},
        "",
        {"id": "5", "log": "429"},
        {"id": "6", "log": "silent\nno space\n", "label": "dns-timeout"},
    )
    result = backtest(library, file)
    summary = result.summary
    assert [c.predicted[0] for c in result.cases] == [
        "disk-full",
        "dns-timeout",
        "rate-limited",
        "unknown",
        "rate-limited",
        "disk-full",
    ]
    assert (summary.cases, summary.labelled, summary.right, summary.wrong, summary.unknown) == (6, 5, 2, 2, 1)
    assert summary.named_second == 1
    assert summary.precision == 0.5
    assert summary.recall == 0.4
    assert summary.confusion["disk-full"] == {"disk-full": 1, "dns-timeout": 1, "rate-limited": 1, "unknown": 1}
    assert summary.causes["rate-limited"].precision == 0.0
    assert summary.causes["rate-limited"].recall is None
    text = backtest_text(result)
    assert "right 2, wrong 2, unknown 1" in text
    assert "3: rate-limited   <- wrong: disk-full" in text
    assert (summary.exact, summary.acceptable) == (1, 1)
    assert summary.uncategorised == round(1 / 6, 3)
    assert [(w.label, w.named, w.count, w.playbook, w.cases) for w in summary.worst] == [
        ("disk-full", "rate-limited", 1, "c", ("3",)),
        ("dns-timeout", "disk-full", 1, "a", ("6",)),
    ]
    assert "disk-full taken for rate-limited, 1x, by c" in text
    assert "1: disk-full" not in text, "a case that is right needs no line"
    dumped = result.model_dump(mode="json")
    assert dumped["cases"][0]["predicted"] == ["disk-full"]


def test_it_works_without_labels_and_without_cases(library: Library, tmp_path: Path) -> None:
    result = backtest(library, cases(tmp_path, {"id": "1", "log": "silent", "label": None, "also": None}))
    assert result.summary.labelled == 0
    assert result.summary.precision is None
    assert "1: dns-timeout" in backtest_text(result)
    assert backtest(library, cases(tmp_path)).cases == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "not JSON"),
        ("[]", "a case is an object"),
        ('{"id": "1"}', "`log` is missing"),
        ('{"log": "x"}', "`id` is missing"),
        ('{"id": "1", "log": 5}', "`log` must be text"),
        ('{"id": ["1"], "log": ""}', "`id` must be text"),
        ('{"id": "1", "log": "", "label": 3}', "`label` must be text"),
        ('{"id": "1", "log": "", "also": "x"}', "`also` must be a list"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_line_is_named(library: Library, tmp_path: Path, line: str, reason: str) -> None:
    file = cases(tmp_path, {"id": "0", "log": "x"}, line)
    with pytest.raises(UsageError) as caught:
        backtest(library, file)
    assert str(caught.value).startswith(f"{file}:2: {reason}")


def test_a_file_that_is_not_there_or_no_text(library: Library, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        backtest(library, tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="cannot be read"):
        backtest(library, tmp_path)
    (tmp_path / "bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="bin:1: not UTF-8"):
        backtest(library, tmp_path / "bin")


def test_half_a_character_in_a_log_is_no_reason_to_stop(library: Library, tmp_path: Path) -> None:
    file = cases(tmp_path, '{"id": 7, "log": "\\ud800 silent \\u0000\\n", "label": "some-new-cause", "more": 1}')
    (case,) = backtest(library, file).cases
    assert (case.id, case.predicted, case.verdict) == ("7", ("dns-timeout",), "wrong")


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the labelled logs are not beside the checkout")
@pytest.mark.parametrize("name", ["real-failures", "tool-faults"])
def test_the_labelled_logs(name: str) -> None:
    from bot.serve.library import load

    summary = backtest(load().library, SHARED / f"{name}.jsonl").summary
    assert summary.labelled == summary.cases > 80
    assert summary.precision is not None
    assert summary.precision > 0.85, "a wrong cause is worse than none"


def test_green_builds_and_rules_that_never_hit(library: Library, tmp_path: Path) -> None:
    file = cases(
        tmp_path,
        {"id": "g1", "log": "all is well\n", "label": "not-a-failure"},
        {"id": "g2", "log": "no space\n", "label": "not-a-failure"},
        {"id": "f1", "log": "no space\n", "label": "disk-full"},
    )
    result = backtest(library, file)
    summary = result.summary
    assert (summary.green, summary.green_hits) == (2, ("g2",))
    assert [(u.rule, u.cases, u.last) for u in summary.rules] == [("a, match.any[0]", 2, "f1")]
    assert summary.never == ("b, match.any[0]", "c, match.any[0]")
    text = backtest_text(result)
    assert "green builds (not-a-failure): 2, of which 1 were named a failure: g2" in text
    assert "playbooks of which no rule ever did: b, c" in text
    dumped = result.model_dump(mode="json")
    assert set(dumped) == {"cases", "summary"}
    assert dumped["cases"][0]["id"] == "g1"


def test_ten_confusions_at_most_the_most_frequent_first(library: Library, tmp_path: Path) -> None:
    lines = [{"id": f"x{i}", "log": "429\n", "label": f"cause-{i % 12}"} for i in range(30)]
    worst = backtest(library, cases(tmp_path, *lines)).summary.worst
    assert len(worst) == 10
    assert [w.count for w in worst] == [3] * 6 + [2] * 4
    assert worst[0].cases == ("x0", "x12", "x24")
