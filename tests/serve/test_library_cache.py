from pathlib import Path

import pytest

from bot.serve import library_cache as cache
from bot.triage.playbook import parse_playbook

TEXT = "id: one\ntitle: T\ncause: disk-full\nmatch: {any: ['no space']}\nremedy: {summary: S}\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return tmp_path / "buildmedic"


def test_what_was_written_is_read(place: Path) -> None:
    playbook = parse_playbook(TEXT, "x")
    cache.write("k" * 64, [playbook], {"one": "/x"}, b"\x00blob")
    assert cache.read("k" * 64) == cache.Cached((playbook,), {"one": "/x"}, b"\x00blob")
    assert cache.read("j" * 64) is None
    assert place.stat().st_mode & 0o077 == 0
    assert [f.stat().st_mode & 0o777 for f in place.iterdir()] == [0o600]


def test_one_changed_byte_is_noticed(place: Path) -> None:
    cache.write("k", [parse_playbook(TEXT, "x")], {}, b"blob")
    (file,) = place.iterdir()
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    assert cache.read("k") is None


def test_a_folder_or_file_that_others_can_write_is_not_used(place: Path) -> None:
    cache.write("k", [parse_playbook(TEXT, "x")], {}, b"blob")
    (file,) = place.iterdir()
    file.chmod(0o666)
    assert cache.read("k") is None
    file.chmod(0o600)
    assert cache.read("k") is not None
    place.chmod(0o777)
    assert cache.folder() != place


def test_a_link_in_the_folders_place_is_not_followed(place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    place.symlink_to(tmp_path / "elsewhere")
    assert cache.folder() != place


def test_old_sets_are_removed(place: Path) -> None:
    for i in range(12):
        cache.write(f"{i:040}", [], {}, b"")
    assert len(list(place.iterdir())) <= 6
    assert cache.read(f"{11:040}") is not None
