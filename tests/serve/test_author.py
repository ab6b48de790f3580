from pathlib import Path

import jsonschema
import pytest
import yaml

from bot.model.errors import UsageError
from bot.serve import author
from bot.serve.library import builtin_folder, load, playbook_files

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


PROBED = "probes: {a: {verb: tcp, host: a.example}}\n"


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
        (("prior: 0.8", "propose: [{action: rerun, when: 'log.device'}]"), "6: never proposed: `log.device` is no yes"),
        (("prior: 0.8", PROBED + rules("a.ms")), "8: unreachable: `a.ms` is no yes-or-no"),
        (("prior: 0.8", PROBED + rules("a.ok", 'a.ok && log.device == "x"')), "9: unreachable: whenever it holds, verdict 1"),
        (("prior: 0.8", PROBED + rules('a.ok && a.outcome == "timeout"')), "8: unreachable: `a.ok` contradicts"),
        (("any: [", "any: ['no space on (?P<device>\\S+)', "), "5: this pattern is the same as match.any[0]"),
        (("any: [", "none: ['no space on (?P<device>\\S+)']\n  any: ["), "5: this pattern takes back every hit of"),
        (("/x\"]", "/x\", \"https://example.com/x\"]"), "8: `https://example.com/x` stands here twice"),
        (("https://example.com/x", "https://example.com/x)"), "8: `https://example.com/x)` ends or goes on as no"),
        (("https://example.com/x", "https://wiki/x"), "8: `https://wiki/x` leads to a host that only"),
        (("https://example.com/x", "https://u@example.com/x"), "8: `https://u@example.com/x` names a user"),
        (("https://example.com/x", "https://[x/"), "8: `https://[x/` is not an https URL"),
        (("prior: 0.8", "also: [go-dns-timeuot]"), "6: there is no playbook `go-dns-timeuot` (did you mean `go-dns-timeout`"),
        (("prior: 0.8", "also: [full]"), "6: `full` is the playbook itself"),
        (("summary: Clean up", "summary: x, steps: [{say: a, code: ls}, {say: b, code: ls}]"), "7: step 2 has the same code"),
        (("summary: Clean up", "summary: x, steps: [{use: no-such}]"), "7: there is no shared step `no-such`"),
        (("summary: Clean up", "summary: x, steps: [{say: a, code: 'rm {host}'}]"), "7: {host}: no named group"),
        (("(?P<device>\\S+)", "(?P<device>\\S+)(?=x)"), "5: bad pattern: "),
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


def test_two_that_find_one_line_unmistakable_are_named_until_one_declares_it(tmp_path: Path) -> None:
    place = put(tmp_path, hit="no space on sda: quota is spent\n")
    other = (
        TEXT.replace("id: full", "id: quota")
        .replace("disk-full", "rate-limited")
        .replace("'no space on (?P<device>\\S+)'", "'space on (?P<device>\\S+)'")
    )
    put(tmp_path, other, name="quota", hit="space on sdb\n", miss="x\n")
    report = author.run_samples([tmp_path], builtin=False)
    told = [f"{o.playbook}: {o.reason}" for o in (*report.overlaps, *report.failures)]
    assert any("find line 1 unmistakable" in t or "must come first" in t for t in told)
    (place / "playbook.yaml").write_text(TEXT + "also: [quota]\n")
    assert author.run_samples([tmp_path], builtin=False).overlaps == ()


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
    shown = author.show(loaded, "network-egress-blocked")
    assert "(build-egress.yaml): Kubernetes: allow exactly this connection" in shown
    assert 'cidr: "{cidr}"' in shown
    with pytest.raises(UsageError, match="did you mean `go-dns-timeout`"):
        author.show(loaded, "go-dns-timeuot")


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(author.schema())
    assert author.schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


# --- beside each other, and in other languages


RIVAL = TEXT.replace("id: full", "id: rival")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (RIVAL, "names the same cause: one of them is enough"),
        (RIVAL.replace("disk-full", "out-of-memory"), "neither has verdicts: nothing could tell the two apart"),
        (
            RIVAL.replace("disk-full", "out-of-memory").replace("remedy", PROBED + rules("a.ok") + "\nremedy"),
            "both call the line unmistakable (prior above 0.5)",
        ),
    ],
)
def test_one_pattern_in_two_playbooks(tmp_path: Path, text: str, reason: str) -> None:
    put(tmp_path)
    put(tmp_path, text, name="rival")
    assert reasons(tmp_path) == [f"rival/playbook.yaml:5: `full` has the same pattern, and {reason}"]


def test_rivals_that_probes_tell_apart_are_meant(tmp_path: Path) -> None:
    put(tmp_path)
    text = RIVAL.replace("disk-full", "out-of-memory").replace("0.8", "0.4")
    put(tmp_path, text.replace("remedy", PROBED + rules("a.ok") + "\nremedy"), name="rival")
    assert reasons(tmp_path) == []


def test_a_translation_of_what_is_no_longer_said_is_stale(tmp_path: Path) -> None:
    place = put(tmp_path)
    other = place / "playbook.zh.yaml"
    other.write_text('"No space on {device}": "{device} 没有空间"\n"Clean it up": "清理"\n')
    (found,) = reasons(tmp_path)
    assert found.startswith(
        "full/playbook.zh.yaml:2: stale: the playbook does not say “Clean it up” (any more); it may now"
    )
    other.write_text('"No space on {device}": "{disk} 没有空间"\n')
    assert "do not ask for the same facts: {device}, {disk}" in reasons(tmp_path)[0]
    other.write_text("- a\n")
    assert "translations are a mapping" in reasons(tmp_path)[0]
    other.write_text('"No space on {device}": "{device} 没有空间"\n')
    assert reasons(tmp_path) == []


def test_shared_steps_of_our_own(tmp_path: Path) -> None:
    put(tmp_path, TEXT.replace("summary: Clean up", "summary: x, steps: [{use: free-space}, {use: tcp-by-hand}]"))
    steps = tmp_path / "steps.yaml"
    steps.write_text("free-space: {say: Free it, code: 'df -h'}\n")
    assert reasons(tmp_path) == []
    (found,) = [p for p in load([tmp_path]).library.playbooks if p.id == "full"]
    assert found.remedy.steps[0].say == "Free it"
    assert found.remedy.steps[1].code.startswith("getent ahosts {host}")
    steps.write_text("free-space: {say: Free it, kode: 'df -h'}\ntcp-by-hand: {say: x}\n")
    told = "\n".join(reasons(tmp_path))
    assert "steps.yaml:1: the shared step `free-space` has the key `kode`" in told
    assert "steps.yaml:2: there is a shared step `tcp-by-hand` already" in told
    (tmp_path / "steps.zh.yaml").write_text("'Free it all': 清理\n")
    steps.write_text("free-space: {say: Free it}\n")
    assert "steps.zh.yaml:1: stale" in "\n".join(reasons(tmp_path))


# --- the schema says what lint says, as far as a schema can


def accepts(text: str) -> bool:
    return jsonschema.Draft202012Validator(author.schema()).is_valid(yaml.safe_load(text))


def test_the_schema_takes_every_built_in_playbook() -> None:
    for path in playbook_files(builtin_folder()):
        errors = list(jsonschema.Draft202012Validator(author.schema()).iter_errors(yaml.safe_load(path.read_text())))
        assert errors == [], path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cause: disk-full", "cause: disk-ful"), ("prior: 0.8", "prior: 1.8"), ("prior: 0.8", "prior: high"),
        ("title:", "titel:"), ("id: full", "id: Full_One"), ("any: ['no space on (?P<device>\\S+)']", "any: []"),
        ("summary: Clean up", "summary: x, steps: [{code: ls}]"), ("summary: Clean up", "summary: x, steps: [{say: a, kode: b}]"),
        ("prior: 0.8", "role: culprit"), ("prior: 0.8", "status: draft"), ("prior: 0.8", "probes: {a: {verb: ping}}"),
        ("prior: 0.8", "probes: {a: {verb: tcp}}"), ("prior: 0.8", "probes: {A: {verb: tcp, host: x}}"),
        ("prior: 0.8", "propose: [{action: reboot}]"), ("prior: 0.8", "translations: {zh: {}}"), ("prior: 0.8", "prior: null"),
    ],
)  # fmt: skip
def test_the_schema_refuses_what_lint_refuses(tmp_path: Path, old: str, new: str) -> None:
    assert old in TEXT
    put(tmp_path, TEXT.replace(old, new))
    assert reasons(tmp_path) != []
    assert not accepts(TEXT.replace(old, new))
    assert accepts(TEXT)
