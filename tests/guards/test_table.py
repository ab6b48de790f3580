"""The table of guards fits the tree. That each removal is red is seen by `python tests/guards/remove.py`."""

from pathlib import Path

from tests.guards.guard import Guard
from tests.guards.remove import GUARDS, stale, without


def test_each_guard_stands_once_and_has_its_test() -> None:
    assert stale(GUARDS) == []
    names = [g.name for g in GUARDS]
    assert len(set(names)) == len(names)


def tree(folder: Path, code: str) -> Path:
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\npythonpath = ['.']\n")
    (folder / "door.py").write_text("def open_for(who):\n    if who == 'eve':\n        return False\n    return True\n")
    (folder / "test_door.py").write_text(f"from door import open_for\n\n\ndef test_eve():\n    {code}\n")
    return folder


def test_red_green_and_broken_are_told_apart(tmp_path: Path) -> None:
    eve = Guard("eve stays out", "door.py", "    if who == 'eve':", "    if False:", "test_door.py::test_eve")
    asserts = tree(tmp_path, "assert not open_for('eve')")
    assert stale([eve], asserts) == []
    assert without(eve, asserts) is None
    assert "if who == 'eve'" in (tmp_path / "door.py").read_text()  # put back
    assert "no Python" in str(without(eve._replace(instead="    if"), asserts))
    assert "another reason" in str(without(eve._replace(instead="    if nobody:"), asserts))
    assert "did not fail by itself" in str(without(eve._replace(text="def open_for", instead="def closed"), asserts))
    assert without(eve, tree(tmp_path, "assert open_for('bob')")) == "STAYS GREEN"
    (fault,) = stale([eve._replace(text="    if who == 'bob':")], tmp_path)
    assert "stands 0 times" in fault
