import json
import os
from pathlib import Path

import pytest

from bot.model.errors import UsageError
from bot.serve import author
from bot.serve.author_new import made_text, new
from bot.serve.cli import run
from bot.serve.library import Loaded, load

LINE = 'frob: cannot fetch "https://frob.example:8443/x": the gate is shut after 12 seconds'
TOKEN = "ghp_" + "a1B2" * 9


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load()


def log(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "build.log"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_a_folder_that_lints_and_passes_its_own_test(loaded: Loaded, tmp_path: Path) -> None:
    file = log(
        tmp_path, *(f"2026-01-01T00:00:00.000Z step {i}" for i in range(60)), f"2026-01-01T00:00:01.000Z {LINE}", "end"
    )
    into = tmp_path / "ours"
    made = new(file, 61, into, loaded, cause="registry-unavailable")
    folder = Path(made.folder)
    assert folder == into / "frob-cannot-fetch-gate-shut"
    assert set(made.facts) == {"url", "host", "seconds"}
    assert sorted(os.listdir(folder)) == ["hit-1.log", "playbook.yaml"]
    assert os.listdir(into) == [folder.name]
    assert author.lint([into]) == []
    assert author.run_samples([into], builtin=False).ok
    sample = (folder / "hit-1.log").read_text().splitlines()
    assert len(sample) == 27
    assert sample[25].endswith(LINE)
    assert "playbook lint" in made_text(made)


def test_secrets_do_not_get_into_the_folder(loaded: Loaded, tmp_path: Path) -> None:
    file = log(tmp_path, f"export GITHUB_TOKEN={TOKEN}", f"{LINE} with Authorization: Bearer {TOKEN}")
    made = new(file, 2, tmp_path / "ours", loaded, cause="disk-full")
    for part in Path(made.folder).iterdir():
        assert TOKEN not in part.read_text()
    assert TOKEN not in made_text(made)


def test_a_line_that_is_known_takes_its_cause_and_says_so(loaded: Loaded, tmp_path: Path) -> None:
    file = log(tmp_path, "write /tmp/x: no space left on device")
    made = new(file, 1, tmp_path / "ours", loaded)
    assert made.cause == "disk-full"
    assert "disk-full" in made.known
    assert "known already to: disk-full" in made_text(made)


def test_nothing_is_ever_overwritten(loaded: Loaded, tmp_path: Path) -> None:
    file, into = log(tmp_path, LINE), tmp_path / "ours"
    made = new(file, 1, into, loaded, cause="disk-full")
    before = {p.name: p.read_bytes() for p in Path(made.folder).iterdir()}
    with pytest.raises(UsageError, match="nothing is overwritten"):
        new(file, 1, into, loaded, cause="disk-full")
    (into / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="nothing is overwritten"):
        new(file, 1, into, loaded, name="dangling", cause="disk-full")
    assert {p.name: p.read_bytes() for p in Path(made.folder).iterdir()} == before
    with pytest.raises(UsageError, match="there is a playbook `disk-full` already"):
        new(file, 1, into, loaded, name="disk-full", cause="disk-full")
    assert sorted(os.listdir(into)) == ["dangling", Path(made.folder).name]


@pytest.mark.parametrize(
    ("line", "options", "reason"),
    [
        (0, {}, "lines count from 1"),
        (9, {}, "has 2 lines, and no line 9"),
        (1, {}, "so say what it means: --cause, one of go-version-mismatch"),
        (1, {"cause": "disk-ful"}, "did you mean `disk-full`"),
        (1, {"cause": "unknown"}, "no cause that a playbook can name"),
        (1, {"cause": "disk-full", "name": "Not An Id"}, "`Not An Id` is no id"),
        (1, {"cause": "disk-full", "name": "../../x"}, "is no id"),
        (2, {"cause": "disk-full"}, "line 2: the line has hardly a word in it"),
    ],
)
def test_what_is_refused_is_refused_in_words(
    loaded: Loaded, tmp_path: Path, line: int, options: dict[str, str], reason: str
) -> None:
    into = tmp_path / "ours"
    with pytest.raises(UsageError, match=reason):
        new(log(tmp_path, LINE, "-----"), line, into, loaded, **options)
    assert not into.exists()


def test_places_that_cannot_be_read_or_written(loaded: Loaded, tmp_path: Path) -> None:
    file = log(tmp_path, LINE)
    with pytest.raises(UsageError, match="is a file: name a folder"):
        new(file, 1, file, loaded, cause="disk-full")
    with pytest.raises(UsageError, match="it is a directory"):
        new(tmp_path, 1, tmp_path / "ours", loaded, cause="disk-full")
    with pytest.raises(UsageError, match="cannot be read"):
        new(tmp_path / "none.log", 1, tmp_path / "ours", loaded, cause="disk-full")


def test_a_binary_log_with_an_endless_line(loaded: Loaded, tmp_path: Path) -> None:
    file = tmp_path / "bin.log"
    file.write_bytes(b"\x00\xff" * 3_000_000 + b"\n" + LINE.encode() + b"\r\n" + b"y" * 5000)
    made = new(file, 2, tmp_path / "ours", loaded, cause="disk-full")
    sample = (Path(made.folder) / "hit-1.log").read_text()
    assert len(sample) < 10_000
    assert "\x00" not in sample


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = log(tmp_path, "ok", "write /tmp/x: no space left on device")
    into = str(tmp_path / "ours")
    assert run(["playbook", "new", str(file), "--into", into]) == 2
    assert "which line names the fault? --line N (playbooks hit line 2)" in capsys.readouterr().err
    assert run(["playbook", "new", str(file), "--line", "2", "--into", into, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cause"] == "disk-full"
    assert run(["playbook", "new", "https://a.example/1", "--line", "2"]) == 2
