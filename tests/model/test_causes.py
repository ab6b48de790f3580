import re
from pathlib import Path

import pytest

from bot.model.causes import CAUSES, LOOK_ALIKES

TABLE = Path(__file__).parents[2] / "../shared/CAUSES.md"


def test_every_cause_has_a_title_and_a_step_of_the_method() -> None:
    for id_, cause in CAUSES.items():
        assert cause.id == id_
        assert cause.title
        assert cause.title[-1] != "."
        assert cause.step is None or 1 <= cause.step <= 6


def test_a_look_alike_is_never_run_again() -> None:
    assert all(not CAUSES[c].rerun for c in LOOK_ALIKES)
    assert not CAUSES["checksum-mismatch"].rerun
    assert CAUSES["flaky-network-reset"].rerun


@pytest.mark.shared
@pytest.mark.skipif(not TABLE.is_file(), reason="the table of causes is not beside the checkout")
def test_the_table_is_the_published_one() -> None:
    rows = re.findall(r"^\| ([a-z-]+[a-z]) \|.*\| (\d|-) \|$", TABLE.read_text(), re.MULTILINE)
    assert {id_: step for id_, step in rows if id_ != "id"} == {
        c.id: str(c.step) if c.step else "-" for c in CAUSES.values()
    }
