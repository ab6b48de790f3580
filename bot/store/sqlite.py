"""The store on SQLite, by way of sqlite-utils.

One connection behind one lock: every method is one short `BEGIN IMMEDIATE` transaction (a deferred one that reads
and then writes fails at once with "database is locked" when two meet). WAL with synchronous=NORMAL: a power cut may
lose the last milliseconds, a killed process loses nothing.
"""

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from bot.model.case import Case, MessageRef
from bot.model.errors import ConfigError, Unavailable
from bot.ports import Button, Delivery
from bot.triage.audit import AuditEntry, audit_hash
from bot.triage.redact import cleared, redact

_SCHEMA = """
CREATE TABLE IF NOT EXISTS cases (
  id TEXT PRIMARY KEY, state TEXT NOT NULL, opened REAL NOT NULL, updated REAL NOT NULL, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS cases_opened ON cases (opened);
CREATE TABLE IF NOT EXISTS deliveries (
  source TEXT NOT NULL, delivery TEXT NOT NULL, received REAL NOT NULL, due REAL NOT NULL, tries INTEGER NOT NULL
  DEFAULT 0, headers TEXT, body BLOB, outcome TEXT, PRIMARY KEY (source, delivery));
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE outcome IS NULL;
CREATE TABLE IF NOT EXISTS notices (run TEXT PRIMARY KEY, channel TEXT NOT NULL, ts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS buttons (
  id TEXT PRIMARY KEY, case_id TEXT NOT NULL, action TEXT NOT NULL, digest TEXT NOT NULL, expires REAL NOT NULL,
  UNIQUE (case_id, action, digest));
CREATE TABLE IF NOT EXISTS flags (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS audit (
  seq INTEGER PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, about TEXT NOT NULL,
  detail TEXT NOT NULL, hash TEXT NOT NULL);
"""


class SQLiteStore:
    """`ports.CaseStore` in one file. Raises ConfigError if the file cannot be opened at all."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0  # a method called from within a transaction joins it
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # short: whoever else holds the file (a backup, a person) must not stop the whole bot; callers try again
            self._connection = sqlite3.connect(path, timeout=1, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._db = Database(self._connection)
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"storage: {path} cannot be used: {error}") from error

    @contextmanager
    def atomic(self) -> Iterator[None]:
        with self._write():
            yield

    @contextmanager
    def _write(self) -> Iterator[Database]:
        with self._lock:
            if self._depth:
                yield self._db
                return
            self._do("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield self._db
            except sqlite3.Error as error:  # the disk is full, the file is gone ...
                self._undo()
                raise Unavailable("store", str(error)) from error
            except BaseException:
                self._undo()
                raise
            finally:
                self._depth = 0
            try:
                self._do("COMMIT")
            except Unavailable:
                self._undo()
                raise

    def _do(self, sql: str) -> None:
        try:
            self._connection.execute(sql)
        except sqlite3.Error as error:
            raise Unavailable("store", str(error)) from error

    def _undo(self) -> None:
        """SQLite may have rolled back by itself already."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _rows(self, sql: str, args: Sequence[object] = ()) -> list[tuple[object, ...]]:
        with self._lock:
            try:
                return list(self._connection.execute(sql, args))
            except sqlite3.Error as error:
                raise Unavailable("store", str(error)) from error

    # cases

    def get_case(self, case_id: str) -> Case | None:
        rows = self._rows("SELECT doc FROM cases WHERE id = ?", [case_id])
        return Case.model_validate_json(str(rows[0][0])) if rows else None

    def open_case(self, case: Case) -> tuple[Case, bool]:
        with self._write() as db:
            if (there := self.get_case(case.id)) is not None:
                return there, False
            self._put(db, case)
            return case, True

    def change_case(self, case_id: str, change: Callable[[Case], Case]) -> Case:
        with self._write() as db:
            case = self.get_case(case_id)
            if case is None:
                raise KeyError(case_id)
            after = change(case)
            if after != case:
                self._put(db, after)
            return after

    @staticmethod
    def _put(db: Database, case: Case) -> None:
        row = {
            "id": case.id,
            "state": case.state,
            "opened": case.opened.timestamp(),
            "updated": case.updated.timestamp(),
            "doc": case.model_dump_json(),
        }
        db.table("cases").upsert(row, pk="id")

    def recent_cases(self, limit: int = 20, states: Sequence[str] | None = None) -> Sequence[Case]:
        where = f"WHERE state IN ({','.join('?' * len(states))})" if states else ""
        sql = f"SELECT doc FROM cases {where} ORDER BY opened DESC LIMIT ?"  # noqa: S608 only question marks
        return [Case.model_validate_json(str(doc)) for (doc,) in self._rows(sql, [*(states or ()), limit])]

    # deliveries

    def keep_delivery(self, source: str, delivery: str, headers: Mapping[str, str], body: bytes) -> bool:
        with self._write() as db:
            now = time.time()
            row = (source, delivery, now, now, json.dumps(dict(headers)), body)
            sql = (
                "INSERT OR IGNORE INTO deliveries (source, delivery, received, due, headers, body)"
                " VALUES (?, ?, ?, ?, ?, ?)"
            )
            return bool(db.conn.execute(sql, row).rowcount)

    def pending_deliveries(self, now: float, limit: int = 100) -> Sequence[Delivery]:
        sql = (
            "SELECT source, delivery, headers, body, tries, received FROM deliveries"
            " WHERE outcome IS NULL AND due <= ? ORDER BY received LIMIT ?"
        )
        names = ("source", "delivery", "headers", "body", "tries", "received")
        found = [dict(zip(names, row, strict=True)) for row in self._rows(sql, [now, limit])]
        return [Delivery.model_validate({**row, "headers": json.loads(str(row["headers"]))}) for row in found]

    def settle_delivery(self, source: str, delivery: str, outcome: str) -> None:
        with self._write() as db:
            sql = "UPDATE deliveries SET outcome = ?, headers = NULL, body = NULL WHERE source = ? AND delivery = ?"
            db.conn.execute(sql, [redact(outcome)[:300], source, delivery])

    def delay_delivery(self, source: str, delivery: str, until: float, why: str) -> None:
        with self._write() as db:
            sql = "UPDATE deliveries SET due = ?, tries = tries + 1 WHERE source = ? AND delivery = ?"
            db.conn.execute(sql, [until, source, delivery])

    # notices

    def note_notice(self, run_key: str, message: MessageRef) -> MessageRef:
        with self._write() as db:
            sql = "INSERT OR IGNORE INTO notices (run, channel, ts) VALUES (?, ?, ?)"
            db.conn.execute(sql, [run_key, message.channel, message.ts])
            stands = self.notice_of(run_key)
            return stands or message

    def notice_of(self, run_key: str) -> MessageRef | None:
        rows = self._rows("SELECT channel, ts FROM notices WHERE run = ?", [run_key])
        return MessageRef(channel=str(rows[0][0]), ts=str(rows[0][1])) if rows else None

    # buttons

    def mint_button(self, case_id: str, action: str, digest: str, expires: float) -> str:
        with self._write() as db:
            sql = "INSERT OR IGNORE INTO buttons (id, case_id, action, digest, expires) VALUES (?, ?, ?, ?, ?)"
            db.conn.execute(sql, [secrets.token_urlsafe(18), case_id, action, digest, expires])
            sql = "SELECT id FROM buttons WHERE case_id = ? AND action = ? AND digest = ?"
            return str(self._rows(sql, [case_id, action, digest])[0][0])

    def button(self, opaque: str) -> Button | None:
        sql = "SELECT id, case_id, action, digest, expires FROM buttons WHERE id = ?"
        rows = self._rows(sql, [opaque])
        if not rows:
            return None
        names = ("id", "case", "action", "digest", "expires")
        return Button.model_validate(dict(zip(names, rows[0], strict=True)))

    # flags

    def get_flag(self, name: str) -> str | None:
        rows = self._rows("SELECT value FROM flags WHERE name = ?", [name])
        return str(rows[0][0]) if rows else None

    def set_flag(self, name: str, value: str | None) -> None:
        with self._write() as db:
            if value is None:
                db.conn.execute("DELETE FROM flags WHERE name = ?", [name])
            else:
                db.table("flags").upsert({"name": name, "value": value}, pk="name")

    # audit

    def audit(self, who: str, what: str, about: str, detail: Mapping[str, object], at: float) -> None:
        with self._write() as db:
            last = self._rows("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1")
            text = json.dumps(cleared(detail), ensure_ascii=False, sort_keys=True)
            link = audit_hash(str(last[0][0]) if last else "", at, who, what, about, text)
            sql = "INSERT INTO audit (at, who, what, about, detail, hash) VALUES (?, ?, ?, ?, ?, ?)"
            db.conn.execute(sql, [at, who, what, about, text, link])

    def audit_trail(self, about: str | None = None, limit: int = 1000, after: int = 0) -> Sequence[AuditEntry]:
        where, args = ("AND about = ?", [about]) if about else ("", [])
        sql = f"SELECT seq, at, who, what, about, detail, hash FROM audit WHERE seq > ? {where} ORDER BY seq LIMIT ?"  # noqa: S608 no input in it
        names = ("seq", "at", "who", "what", "about", "detail", "hash")
        rows = self._rows(sql, [after, *args, limit])
        return [AuditEntry.model_validate(dict(zip(names, row, strict=True))) for row in rows]

    def ping(self) -> None:
        self.set_flag("ping", str(time.time()))

    def close(self) -> None:
        with self._lock:
            self._connection.close()
