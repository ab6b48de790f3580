from pathlib import Path

import jsonschema
import pytest

from bot.model.errors import UsageError
from bot.serve import author
from bot.serve.library import load

TEXT = """\
id: full
title: "No space on {device}"
cause: disk-full
match:
  any: ['no space on (?P<device>\\S+)']
prior: 0.8
remedy: {summary: Clean up}
links: ["https://example.com/x"]
"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def put(
    folder: Path, text: str = TEXT, name: str = "full", hit: str | None = "no space on sda\n", miss: str | None = "ok\n"
) -> Path:
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "playbook.yaml").write_text(text)
    for kind, sample in (("hit", hit), ("miss", miss)):
        if sample is not None:
            (place / f"{kind}-one.log").write_text(sample)
    return place


def rules(*when: str) -> str:
    return "verdict:" + "".join(f"\n- {{when: '{w}', confidence: 0.4, because: x}}" for w in when)


def reasons(folder: Path) -> list[str]:
    return [str(f).removeprefix(f"{folder}/") for f in author.lint([folder])]


def test_a_sound_playbook_has_no_faults(tmp_path: Path) -> None:
    put(tmp_path)
    assert author.lint([tmp_path]) == []
    assert author.lint([tmp_path / "full"]) == []
    assert author.lint_text([]) == "no faults"


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (("https://example.com/x", "http://example.com/x"), "8: `http://example.com/x` is not an https URL"),
        (("https://example.com/x", "see below"), "8: `see below` is not an https URL"),
        (("id: full", "id: fuller"), "1: id `fuller` and folder `full` differ"),
        (("prior: 0.8", "prior: 0.8\nrole: symptom"), "6: a symptom is never unmistakable: at most 0.5"),
        (("any: [", "any: ['disk is full', "), "5: does not capture `device`, which the title names"),
        (("prior:", "prios:"), "6: unknown key `prios`: did you mean `prior`?"),
        (
            ("prior: 0.8", rules("true", 'log.device == "a"')),
            "8: unreachable: verdict 1 is always true",
        ),
        (("prior: 0.8", rules("false")), "7: unreachable: its condition is never true"),
        (
            ("prior: 0.8", rules('log.device=="a"', 'log.device == "a"')),
            "8: unreachable: verdict 1 has the same condition",
        ),
        (("prior: 0.8", "propose: [{action: rerun, when: '1 == 2'}]"), "6: never proposed"),
    ],
)  # fmt: skip
def test_faults_are_named_with_file_and_line(tmp_path: Path, change: tuple[str, str], finding: str) -> None:
    put(tmp_path, TEXT.replace(*change))
    (found,) = reasons(tmp_path)
    assert found.startswith(f"full/playbook.yaml:{finding}")


def test_samples_are_missed(tmp_path: Path) -> None:
    put(tmp_path, hit=None, miss="")
    assert [f.split(": ", 1)[1] for f in reasons(tmp_path)] == [
        "no hit-*.log beside it: at least one sample of real output is needed",
        "the sample miss-one.log is empty",
    ]


def test_duplicate_ids_and_strays(tmp_path: Path) -> None:
    put(tmp_path)
    put(tmp_path, name="second")
    (tmp_path / "third").mkdir()
    (tmp_path / "third" / "hit-x.log").write_text("x")
    (tmp_path / "fourth").mkdir()
    (tmp_path / "fourth" / "playbook.yml").write_text(TEXT)
    found = "\n".join(reasons(tmp_path))
    assert "duplicate id `full`" in found
    assert "third:1: samples without a playbook.yaml" in found
    assert "fourth/playbook.yml:1: is not read: its name must be playbook.yaml" in found


def test_every_fault_of_every_file_is_listed(tmp_path: Path) -> None:
    put(tmp_path, TEXT.replace("cause: disk-full", "cause: disk-full\ncolour: 1\nsize: 2"))
    put(tmp_path, "id: [", name="other")
    found = author.lint([tmp_path])
    assert len(found) == 3
    assert author.lint_text(found, 2).endswith("3 faults in 2 playbooks")


def test_lint_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        author.lint([tmp_path / "none"])
    (found,) = author.lint([tmp_path])
    assert "no playbook here" in found.reason


# --- samples


def test_samples_that_are_as_they_should_be(tmp_path: Path) -> None:
    put(tmp_path)
    report = author.run_samples([tmp_path], builtin=False)
    assert report.ok
    assert (report.playbooks, report.samples) == (1, 2)


def test_a_sample_fails_in_words(tmp_path: Path) -> None:
    put(tmp_path, hit="all is well\n", miss="fine\nno space on sdb\n")
    report = author.run_samples([tmp_path], builtin=False)
    hit, miss = report.failures
    assert hit.reason.startswith("must match, and no pattern does")
    assert miss.reason == "must not match, and does in line 2: no space on sdb"
    assert not report.ok
    assert "2 not" in author.samples_text(report)


def test_the_own_playbook_must_come_first_unless_the_overlap_is_declared(tmp_path: Path) -> None:
    place = put(tmp_path, hit="no space on sda\nquota is spent\n")
    other = TEXT.replace("id: full", "id: quota").replace(
        "'no space on (?P<device>\\S+)'", "'quota is (?P<device>spent)'"
    )
    put(tmp_path, other, name="quota", hit="quota is spent\n", miss="x\n")
    (failure,) = author.run_samples([tmp_path], builtin=False).failures
    assert failure.sample == str(place / "hit-one.log")
    assert failure.reason.startswith("must come first; quota (disk-full) does. In order: quota (line 2), full (line 1)")
    (place / "playbook.yaml").write_text(TEXT + "also: [quota]\n")
    assert author.run_samples([tmp_path], builtin=False).ok


def test_a_suppressed_hit_says_why(tmp_path: Path) -> None:
    put(tmp_path, TEXT.replace("  any:", "  none: ['as usual']\n  any:"), hit="as usual\nno space on sda\n")
    (failure,) = author.run_samples([tmp_path], builtin=False).failures
    assert failure.reason.startswith("matches in line 2, but does not count: ")


def test_a_playbook_that_cannot_be_loaded_is_a_fault_of_the_test(tmp_path: Path) -> None:
    put(tmp_path, TEXT.replace("disk-full", "disk-ful"))
    report = author.run_samples([tmp_path], builtin=False)
    assert not report.ok
    assert "playbook.yaml:3: unknown cause" in author.samples_text(report)


# --- list, show, schema


def test_list_and_show(tmp_path: Path) -> None:
    place = put(tmp_path)
    loaded = load([tmp_path])
    rows = {r.id: r for r in author.listing(loaded)}
    assert rows["full"].builtin is False
    assert rows["go-dns-timeout"].builtin is True
    assert "own" in author.listing_text(rows.values())
    assert author.show(loaded, "full") == f"# {place / 'playbook.yaml'}\n{TEXT}"
    with pytest.raises(UsageError, match="did you mean `go-dns-timeout`"):
        author.show(loaded, "go-dns-timeuot")


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(author.schema())
    assert author.schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
