"""The build context of a checkout."""

import os
from pathlib import Path

import pytest

from tests.prober.servers import probe


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    for name, size in {"Dockerfile": 100, "main.go": 200, ".git/objects/pack": 5000, "web/node_modules/x/y.js": 3000,
                       "data/big.bin": 10_000, "data/keep.txt": 7}.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * size)
    return root


def facts(root: Path, **args: object) -> dict:
    result = probe("context", path=str(root), **args)
    assert result["outcome"] == "ok", result
    return result["facts"]


def test_without_an_ignore_file(checkout: Path) -> None:
    found = facts(checkout)
    assert (found["total_bytes"], found["sent_bytes"], found["total_files"]) == (18_307, 18_307, 6)
    assert found["could_save"] == [
        {"pattern": "**/.git", "bytes": 5000, "files": 1}, {"pattern": "**/node_modules", "bytes": 3000, "files": 1}
    ]  # fmt: skip
    assert (found["could_save_bytes"], found["complete"], found["dockerfile"]) == (8000, True, "Dockerfile")
    assert found["top"][0] == {"name": "data", "bytes": 10_007}
    assert "dockerignore" not in found


def test_with_one(checkout: Path) -> None:
    (checkout / ".dockerignore").write_text(".git\n**/node_modules\ndata\n!data/keep.txt\nDockerfile\n.dockerignore\n")
    found = facts(checkout)
    size = (checkout / ".dockerignore").stat().st_size
    assert found["sent_bytes"] == 100 + 200 + 7 + size  # Docker sends its own two files whatever the patterns say
    assert (found["saved_bytes"], found["could_save"], found["patterns"]) == (18_000, [], 6)


def test_the_one_of_the_dockerfile_counts(checkout: Path) -> None:
    (checkout / ".dockerignore").write_text("**")
    (checkout / "ci.Dockerfile").write_text("FROM x\n")
    (checkout / "ci.Dockerfile.dockerignore").write_text("*\n!main.go\n")
    found = facts(checkout, dockerfile="ci.Dockerfile")
    assert (found["dockerignore"], found["sent_files"]) == ("ci.Dockerfile.dockerignore", 3)


def test_links_are_not_followed_and_loops_end(checkout: Path) -> None:
    (checkout / "loop").symlink_to(checkout)
    (checkout / "etc").symlink_to("/etc")
    os.mkfifo(checkout / "pipe")
    assert facts(checkout)["total_bytes"] == 18_307


def test_what_docker_refuses_is_told(checkout: Path) -> None:
    (checkout / ".dockerignore").write_text("a[")
    result = probe("context", path=str(checkout))
    assert result["outcome"] == "error"
    assert "docker build refuses .dockerignore: syntax error in pattern: a[" in result["facts"]["error"]


def test_it_is_not_for_looking_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("x")
    result = probe("context", path=str(tmp_path))
    assert (result["outcome"], result["ran"]) == ("denied", False)
    assert probe("context", path=str(tmp_path / "nope"))["outcome"] == "nodata"
    for bad in ("relative", "/a/../b", "/a\x00b", "/a\nb", 5):
        assert "must be an absolute path" in probe("context", path=bad)["facts"]["error"]
    assert "without .." in probe("context", path=str(tmp_path), dockerfile="../x")["facts"]["error"]


def test_a_walk_that_is_too_long_says_so(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.prober import context

    monkeypatch.setattr(context, "MAX_ENTRIES", 3)
    found = facts(checkout)
    assert found["complete"] is False
    assert "the least that there is" in found["note"]
