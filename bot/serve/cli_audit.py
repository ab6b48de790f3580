"""`buildmedic audit`: the chain as people and scripts read it. The database is only read; the bot may be running."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from bot.model.errors import UsageError
from bot.ports import CaseStore
from bot.serve.settings import Settings
from bot.store import open_store
from bot.triage.audit import AuditEntry
from bot.triage.audit import verify as verify_chain

_PAGE = 1000


def verify(settings: Settings, expect: str | None, as_json: bool) -> int:
    """0 if the chain is whole, 1 if not."""
    store = _store(settings)
    try:
        found = verify_chain(_entries(store, None), expect)
    finally:
        store.close()
    if as_json:
        sys.stdout.write(json.dumps({"ok": found.fault is None, **found.model_dump(mode="json")}) + "\n")
    elif found.fault is None:
        head = found.head or "(empty)"
        sys.stdout.write(f"the audit chain is whole: {found.entries} entries, head {head}\n")
    else:
        sys.stdout.write(f"FAULT: {found.fault} ({found.entries} entries before it are in order)\n")
    return 0 if found.fault is None else 1


def show(settings: Settings, about: str | None, as_json: bool) -> int:
    """One entry a line, oldest first."""
    store = _store(settings)
    try:
        for entry in _entries(store, about):
            if as_json:
                shown = entry.model_dump(mode="json") | {"detail": json.loads(entry.detail)}
                sys.stdout.write(json.dumps(shown, ensure_ascii=False) + "\n")
            else:
                at = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
                sys.stdout.write(f"{entry.seq:>5}  {at}Z  {entry.who:<12} {entry.what:<24} {entry.about}\n")
                if detail := _brief(entry.detail):
                    sys.stdout.write(f"       {detail}\n")
    finally:
        store.close()
    return 0


def _brief(detail: str) -> str:
    """`key: value` pairs of the entry's JSON, those that say something."""
    told = json.loads(detail)
    pairs = [
        f"{k}: {json.dumps(v, ensure_ascii=False) if isinstance(v, list | dict) else v}" for k, v in told.items() if v
    ]
    return "; ".join(pairs)[:600]


def _store(settings: Settings) -> CaseStore:
    if not settings.database.exists():
        raise UsageError(f"there is no database yet: {settings.database}")
    return open_store(f"sqlite:///{settings.database}")


def _entries(store: CaseStore, about: str | None) -> Iterator[AuditEntry]:
    after = 0
    while page := store.audit_trail(about, _PAGE, after):
        yield from page
        after = page[-1].seq
