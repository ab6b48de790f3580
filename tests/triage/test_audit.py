"""The audit chain shows every change, and, with a noted head, a tail that was cut off."""

import pytest

from bot.triage.audit import AuditEntry, audit_hash, verify


def chain(count: int = 5) -> list[AuditEntry]:
    made, link = [], ""
    for seq in range(1, count + 1):
        link = audit_hash(link, float(seq), "U1", f"does {seq}", "case", "{}")
        made.append(AuditEntry(seq=seq, at=seq, who="U1", what=f"does {seq}", about="case", detail="{}", hash=link))
    return made


def test_a_whole_chain_and_an_empty_one_are_in_order() -> None:
    assert verify(chain()).fault is None
    assert verify(chain()).head == chain()[-1].hash
    assert verify([]).fault is None


@pytest.mark.parametrize("field", ["at", "who", "what", "about", "detail"])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_any_change_shows(field: str, place: int) -> None:
    entries = chain()
    entries[place] = entries[place].model_copy(update={field: 9.5 if field == "at" else "other"})
    found = verify(entries)
    assert found.fault is not None
    assert f"entry {place + 1}" in found.fault


@pytest.mark.parametrize("place", [0, 2])
def test_an_entry_that_is_gone_shows(place: int) -> None:
    entries = chain()
    del entries[place]
    assert "is missing" in (verify(entries).fault or "")


def test_an_entry_that_was_made_anew_breaks_the_next_one() -> None:
    entries = chain()
    forged = audit_hash(entries[0].hash, 2.0, "U1", "does nothing", "case", "{}")
    entries[1] = entries[1].model_copy(update={"what": "does nothing", "hash": forged})
    assert "entry 3" in (verify(entries).fault or "")


def test_a_tail_that_was_cut_off_shows_by_the_head_that_was_noted() -> None:
    head = chain()[-1].hash
    assert verify(chain(4)).fault is None
    assert "cut off" in (verify(chain(4), expect=head).fault or "")
    assert verify(chain(7), expect=head).fault is None
