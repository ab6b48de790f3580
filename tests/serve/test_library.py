import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.model.errors import PlaybookError, UsageError
from bot.model.language import Language, speaking
from bot.serve import library, library_cache
from bot.serve.library import LivePlaybooks, load, load_strict
from bot.triage.scanner import scan_bytes

TEXT = "id: {id}\ntitle: T\ncause: disk-full\nmatch: {{any: ['{pattern}']}}\nremedy: {{summary: S}}\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "buildmedic"


def put(folder: Path, id_: str, pattern: str = "no space", more: str = "", name: str | None = None) -> Path:
    place = folder / (name or id_)
    place.mkdir(parents=True, exist_ok=True)
    file = place / "playbook.yaml"
    file.write_text(TEXT.format(id=id_, pattern=pattern) + more)
    return file


def ids(loaded: library.Loaded) -> list[str]:
    return sorted(p.id for p in loaded.library.playbooks)


def test_the_built_in_playbooks_are_found_and_sound() -> None:
    loaded = load_strict()
    assert len(loaded.library.playbooks) >= 12
    assert loaded.builtin == {p.id for p in loaded.library.playbooks}


def test_a_folder_of_playbooks_one_playbook_and_one_file_are_all_read(tmp_path: Path) -> None:
    put(tmp_path / "a", "one")
    put(tmp_path / "b", "two")
    third = put(tmp_path / "c", "three")
    (tmp_path / "a" / "README.md").write_text("not a playbook")
    loaded = load([tmp_path / "a", tmp_path / "b" / "two", third], builtin=False)
    assert ids(loaded) == ["one", "three", "two"]
    assert loaded.folder("two") == tmp_path / "b" / "two"


def test_a_folder_named_twice_is_read_once(tmp_path: Path) -> None:
    put(tmp_path, "one")
    assert load([tmp_path, tmp_path / "one", tmp_path / "."], builtin=False).problems == ()


def test_a_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        load([tmp_path / "nothing"])


def test_what_is_broken_is_left_out_and_named(tmp_path: Path) -> None:
    put(tmp_path, "good")
    put(tmp_path, "bad", pattern="(")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "playbook.yaml").write_bytes(b"id: a\n\xff\xfe\n")
    (tmp_path / "wide").mkdir()
    (tmp_path / "wide" / "playbook.yaml").write_bytes(b"#" * (2 << 20))
    loaded = load([tmp_path], builtin=False)
    assert ids(loaded) == ["good"]
    said = sorted(str(p).removeprefix(str(tmp_path)) for p in loaded.problems)
    assert said[0].startswith("/bad/playbook.yaml:4: bad pattern")
    assert said[1] == "/odd/playbook.yaml:2: not UTF-8 text"
    assert said[2].startswith("/wide/playbook.yaml:1: larger than")
    with pytest.raises(PlaybookError):
        load_strict([tmp_path], builtin=False)


def test_an_own_playbook_with_a_built_in_id_must_say_replaces(tmp_path: Path) -> None:
    taken = sorted(load().files)[0]
    file = put(tmp_path, taken)
    (problem,) = load([tmp_path]).problems
    assert str(problem).startswith(f"{file}:1: duplicate id `{taken}`")
    assert f"replaces: {taken}" in problem.reason
    file.write_text(file.read_text() + f"replaces: {taken}\n")
    loaded = load_strict([tmp_path])
    assert loaded.files[taken] == file
    assert taken not in loaded.builtin


def test_a_replacement_may_have_an_id_of_its_own(tmp_path: Path) -> None:
    taken = sorted(load().files)[0]
    put(tmp_path, "our-own", more=f"replaces: {taken}\n")
    loaded = load_strict([tmp_path])
    assert "our-own" in loaded.files
    assert taken not in loaded.files


def test_replacing_what_is_not_there_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "our-own", more="replaces: go-dns-timeuot\n")
    (problem,) = load([tmp_path]).problems
    assert problem.line == 6
    assert "did you mean `go-dns-timeout`?" in problem.reason


def test_two_own_playbooks_with_one_id(tmp_path: Path) -> None:
    put(tmp_path, "one", name="a")
    put(tmp_path, "one", name="b")
    (problem,) = load([tmp_path], builtin=False).problems
    assert "duplicate id `one`" in problem.reason


def test_the_cache_is_used_and_tells_the_same(tmp_path: Path, cache: Path) -> None:
    put(tmp_path / "own", "one")
    first = load([tmp_path / "own"], builtin=False)
    (kept,) = cache.glob("*.bin")
    before = kept.stat().st_mtime_ns
    again = load([tmp_path / "own"], builtin=False)
    assert kept.stat().st_mtime_ns == before
    assert again.library.playbooks == first.library.playbooks
    assert again.files == first.files
    assert scan_bytes(again.library.ruleset, b"no space\n").hits


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"buildmedic-playbooks-1\n" + b"x" * 100])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, cache: Path, damage: bytes) -> None:
    put(tmp_path / "own", "one")
    load([tmp_path / "own"], builtin=False)
    (kept,) = cache.glob("*.bin")
    kept.write_bytes(damage)
    assert ids(load([tmp_path / "own"], builtin=False)) == ["one"]
    assert kept.read_bytes() != damage


@pytest.mark.parametrize("left", [1, 30, 60, 200, -1])
def test_a_cache_cut_short_is_made_anew(tmp_path: Path, cache: Path, left: int) -> None:
    put(tmp_path / "own", "one")
    load([tmp_path / "own"], builtin=False)
    (kept,) = cache.glob("*.bin")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:left])
    assert scan_bytes(load([tmp_path / "own"], builtin=False).library.ruleset, b"no space\n").hits
    assert kept.read_bytes()[:60] == whole[:60]


def test_first_runs_at_once_do_not_disturb_each_other(tmp_path: Path, cache: Path) -> None:
    """Each answers, and one whole file is left, whoever wrote it last."""
    for name in ("one", "two", "three"):
        put(tmp_path / "own", name)
    log = tmp_path / "log"
    log.write_text("no space\n")
    (tmp_path / "buildmedic.yaml").write_text("playbooks: [own]\n")
    argv = [sys.executable, "-c", "from bot.serve.cli import main; main()", "triage", str(log), "--json",
            "--config", str(tmp_path / "buildmedic.yaml")]  # fmt: skip
    runs = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    said = [run.communicate(timeout=120) for run in runs]
    assert [(run.returncode, errors) for run, (_, errors) in zip(runs, said, strict=True)] == [(0, b"")] * 3
    assert len({json.dumps(_without_times(json.loads(out))) for out, _ in said}) == 1
    (kept,) = cache.iterdir()
    assert library_cache._unpack(kept.read_bytes()) is not None


def _without_times(report: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in report.items() if key != "ms"}


def test_a_cached_database_that_the_engine_refuses_is_made_anew(tmp_path: Path, cache: Path) -> None:
    put(tmp_path / "own", "one")
    own = [tmp_path / "own"]
    loaded = load(own, builtin=False)
    sources, _ = library.read_all(own, builtin=False)
    paths = {i: str(f) for i, f in loaded.files.items()}
    library_cache.write(library._key(sources), loaded.library.playbooks, paths, b"another engine's")
    assert scan_bytes(load(own, builtin=False).library.ruleset, b"no space\n").hits


def test_an_edit_is_never_answered_from_the_cache(tmp_path: Path) -> None:
    file = put(tmp_path / "own", "one")
    load([tmp_path / "own"], builtin=False)
    file.write_text(TEXT.format(id="one", pattern="quota"))
    assert scan_bytes(load([tmp_path / "own"], builtin=False).library.ruleset, b"quota\n").hits


def test_without_a_place_for_the_cache_it_still_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr("tempfile.tempdir", str(blocked))
    put(tmp_path / "own", "one")
    assert library_cache.folder() is None
    assert ids(load([tmp_path / "own"], builtin=False)) == ["one"]


# --- while the bot runs


def test_a_change_is_taken(tmp_path: Path) -> None:
    put(tmp_path, "one")
    live = LivePlaybooks([tmp_path], builtin=False)
    assert not live.refresh().changed
    put(tmp_path, "two", pattern="quota")
    assert live.refresh().changed
    assert live.current.by_id("two")
    assert not live.refresh().changed


def test_the_last_good_set_stays_whole(tmp_path: Path) -> None:
    file = put(tmp_path, "one")
    live = LivePlaybooks([tmp_path], builtin=False)
    good = live.current
    put(tmp_path, "two", pattern="quota")
    file.write_text(file.read_text().replace("cause:", "cuase:"))
    told = live.refresh()
    assert not told.changed
    assert "did you mean `cause`?" in str(told.problems[0])
    assert live.current is good
    assert live.problems == told.problems
    assert live.refresh().problems == ()  # said once, until the file changes again
    put(tmp_path, "one")
    assert live.refresh().changed
    assert live.problems == ()
    assert live.current.by_id("two")


def test_a_folder_that_vanishes_changes_nothing_in_force(tmp_path: Path) -> None:
    own = tmp_path / "own"
    put(own, "one")
    live = LivePlaybooks([own], builtin=False)
    own.rename(tmp_path / "gone")
    assert not live.refresh().changed
    assert live.problems
    assert live.current.by_id("one")
    (tmp_path / "gone").rename(own)
    live.refresh()
    assert live.problems == ()


def test_a_removed_playbook_goes(tmp_path: Path) -> None:
    put(tmp_path, "one")
    file = put(tmp_path, "two")
    live = LivePlaybooks([tmp_path], builtin=False)
    file.unlink()
    assert live.refresh().changed
    assert live.current.by_id("two") is None


def test_at_the_start_only_the_broken_one_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "one")
    put(tmp_path, "bad", pattern="(")
    live = LivePlaybooks([tmp_path], builtin=False)
    assert live.current.by_id("one")
    assert len(live.problems) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    file = put(tmp_path, "one")
    file.chmod(0)
    (problem,) = load([tmp_path], builtin=False).problems
    assert "cannot be read" in problem.reason


def test_a_file_that_is_half_written_waits_until_it_is_whole(tmp_path: Path) -> None:
    put(tmp_path, "one")
    live = LivePlaybooks([tmp_path], builtin=False)
    whole = TEXT.format(id="two", pattern="quota")
    for cut in range(1, len(whole) - 1, 7):
        (tmp_path / "two").mkdir(exist_ok=True)
        (tmp_path / "two" / "playbook.yaml").write_text(whole[:cut])
        live.refresh()
        assert live.current.by_id("one"), "the last good set stays in force"
    put(tmp_path, "two", pattern="quota")
    assert live.refresh().changed
    assert live.current.by_id("two")


def test_odd_things_in_the_folder_leave_the_last_good_set(tmp_path: Path) -> None:
    put(tmp_path, "one")
    live = LivePlaybooks([tmp_path], builtin=False)
    good = live.current
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "up").symlink_to(tmp_path)
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "playbook.yaml").symlink_to(odd / "playbook.yaml")
    assert live.refresh().problems == ()
    assert live.current is good
    (odd / "playbook.yaml").unlink()
    os.mkfifo(odd / "playbook.yaml")  # opening it would wait for ever
    assert live.refresh().problems == ()
    (odd / "playbook.yaml").unlink()
    (odd / "playbook.yaml").write_bytes(b"#" * (3 << 20))
    assert "larger than" in str(live.refresh().problems[0])
    assert live.current is good
    (odd / "playbook.yaml").write_bytes(b"id: \xff\xfe")
    assert "not UTF-8" in str(live.refresh().problems[0])
    assert live.current is good


def test_shared_steps_and_translations_reload_too(tmp_path: Path) -> None:
    file = put(tmp_path, "one")
    steps = tmp_path / "steps.yaml"
    steps.write_text("mine: {say: Old}\n")
    file.write_text(file.read_text().replace("{summary: S}", "{summary: S, steps: [{use: mine}]}"))
    live = LivePlaybooks([tmp_path], builtin=False)

    def said(language: Language) -> tuple[str, str]:
        found = live.current.by_id("one")
        assert found is not None
        with speaking(language):
            return found.words(found.title), found.words(found.remedy.steps[0].say)

    assert said("zh") == ("T", "Old")
    steps.write_text("mine: {say: Renewed}\n")
    assert live.refresh().changed
    assert said("en") == ("T", "Renewed")
    (tmp_path / "one" / "playbook.zh.yaml").write_text("T: 标题\n")
    (tmp_path / "steps.zh.yaml").write_text("Renewed: 新\n")
    assert live.refresh().changed
    assert said("zh") == ("标题", "新")
    assert said("en") == ("T", "Renewed")
    steps.write_text("mine: [")
    assert not live.refresh().changed
    assert said("zh") == ("标题", "新")
    (tmp_path / "one" / "playbook.zh.yaml").write_text("T: [")
    assert live.refresh().problems
    assert said("zh") == ("标题", "新")
