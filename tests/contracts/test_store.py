"""The `CaseStore` port. Every store passes this."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.model.build import CaseKey
from bot.model.case import Case, MessageRef
from bot.model.errors import ConfigError
from bot.ports import CaseStore
from bot.store import open_store
from bot.triage.audit import audit_hash

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def case(run: str = "7", **fields: object) -> Case:
    key = CaseKey(ci="github", repository="acme/shop", run=run, attempt=1)
    return Case.model_validate({"key": key, "opened": NOW, "updated": NOW, **fields})


@pytest.fixture(params=["sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CaseStore]:
    made = open_store(f"sqlite:///{tmp_path}/cases.db")
    yield made
    made.close()


def test_a_case_is_opened_once(store: CaseStore) -> None:
    assert store.open_case(case()) == (case(), True)
    there, made = store.open_case(case(asked_by="U9"))
    assert (there.asked_by, made) == (None, False)
    assert store.get_case(case().id) == case()
    assert store.get_case("github:acme/shop:8:1") is None


def test_a_change_that_raises_changes_nothing(store: CaseStore) -> None:
    store.open_case(case())

    def broken(_case: Case) -> Case:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 our own
        store.change_case(case().id, broken)
    with pytest.raises(KeyError):
        store.change_case("github:a/b:1:1", lambda c: c)
    assert store.get_case(case().id) == case()
    store.ping()


def test_changes_by_many_threads_all_count(store: CaseStore) -> None:
    store.open_case(case(trouble=""))

    def add() -> None:
        for _ in range(20):
            store.change_case(case().id, lambda c: c.model_copy(update={"trouble": (c.trouble or "") + "x"}))

    threads = [threading.Thread(target=add) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = store.get_case(case().id)
    assert after is not None
    assert after.trouble == "x" * 100


def test_deliveries_are_kept_once_and_survive_until_settled(store: CaseStore) -> None:
    assert store.keep_delivery("github", "d1", {"a": "b"}, b"\x00body")
    assert not store.keep_delivery("github", "d1", {}, b"again")
    assert store.keep_delivery("slack", "d1", {}, b"another source")
    far = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
    first = store.pending_deliveries(far)[0]
    assert (first.source, first.body, first.headers, first.tries) == ("github", b"\x00body", {"a": "b"}, 0)
    store.delay_delivery("github", "d1", far + 1, "down")
    assert [d.source for d in store.pending_deliveries(far)] == ["slack"]
    store.settle_delivery("github", "d1", "done")
    assert not store.keep_delivery("github", "d1", {}, b"a late repetition")
    assert [d.source for d in store.pending_deliveries(far + 9)] == ["slack"]


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/cases.db"
    one = open_store(url)
    one.open_case(case())
    one.keep_delivery("github", "d1", {}, b"x")
    two = open_store(url)  # the first was never closed, as after kill -9
    assert two.get_case(case().id) == case()
    assert len(two.pending_deliveries(4e9)) == 1
    one.close()
    two.close()


def test_the_first_notice_stands(store: CaseStore) -> None:
    first, second = MessageRef(channel="C1", ts="1.0"), MessageRef(channel="C1", ts="2.0")
    assert store.note_notice("github:acme/shop:7", first) == first
    assert store.note_notice("github:acme/shop:7", second) == first
    assert store.notice_of("github:acme/shop:8") is None


def test_a_button_is_minted_once_for_what_it_stands_for(store: CaseStore) -> None:
    one = store.mint_button("case", "rerun", "digest", 5)
    assert store.mint_button("case", "rerun", "digest", 9) == one
    assert store.mint_button("case", "rerun", "other", 5) != one
    known = store.button(one)
    assert known is not None
    assert (known.case, known.action, known.digest, known.expires) == ("case", "rerun", "digest", 5)
    assert store.button("guessed") is None


def test_flags(store: CaseStore) -> None:
    store.set_flag("paused", "U1")
    assert store.get_flag("paused") == "U1"
    store.set_flag("paused", None)
    assert store.get_flag("paused") is None


def test_the_audit_log_is_a_chain(store: CaseStore) -> None:
    for number in range(3):
        store.audit("U1", "does", "case", {"n": number}, 1.5)
    link = ""
    for entry in store.audit_trail():
        link = audit_hash(link, entry.at, entry.who, entry.what, entry.about, entry.detail)
        assert entry.hash == link
    assert len(store.audit_trail(about="nothing")) == 0


def test_cases_come_newest_first_and_by_state(store: CaseStore) -> None:
    store.open_case(case("1"))
    store.open_case(case("2", state="diagnosed", opened=datetime(2026, 11, 25, tzinfo=UTC)))
    assert [c.key.run for c in store.recent_cases()] == ["2", "1"]
    assert [c.key.run for c in store.recent_cases(5, ["new"])] == ["1"]


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be used"):
        open_store(f"sqlite:///{tmp_path}/file/cases.db")
    with pytest.raises(ConfigError, match="only sqlite"):
        open_store("mysql://x")


def test_no_secret_is_written_for_ever(store: CaseStore, tmp_path: Path) -> None:
    url = "https://bob:hunter2@git.example/x"
    store.audit("U1", "does", "case", {"detail": url, "more": [{"why": url}], "n": 1, "none": None}, 1.5)
    store.keep_delivery("github", "d1", {}, b"{}")
    store.settle_delivery("github", "d1", f"not usable: {url}")
    (entry,) = store.audit_trail()
    told = json.loads(entry.detail)
    assert (told["n"], told["none"]) == (1, None)
    assert told["detail"] == told["more"][0]["why"] == "https://[redacted]@git.example/x"
    store.close()
    assert not [f for f in tmp_path.rglob("*") if f.is_file() and b"hunter2" in f.read_bytes()]
