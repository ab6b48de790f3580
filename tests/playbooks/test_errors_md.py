"""Every row of ERRORS.md that was read in source (S) or printed by a real tool (R): the right cause comes first."""

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.serve.library import load
from bot.triage.diagnose import Library, conclude, hypotheses
from bot.triage.scanner import scan_bytes
from tests.playbooks.errors_md import Row, expected, marked, rows
from tests.playbooks.errors_md_rows import CANNOT_TELL, LOGS

ERRORS = Path(__file__).resolve().parents[3] / "shared" / "ERRORS.md"
COMMANDS = {1: "go mod download", 2: "docker build .", 3: "helm upgrade shop ./chart", 4: "git clone https://git.example.com/acme/shop.git",
            5: "python3 -m pip install -r requirements.txt", 6: "npm ci", 7: "apt-get update && apt-get install -y make"}  # fmt: skip

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not ERRORS.exists(), reason="ERRORS.md is not beside this checkout"),
]


@functools.cache
def built_in() -> Library:
    return load().library


def wrapped(row: Row, text: str) -> bytes:
    """In a job of its tool."""
    head = (
        [f"##[group]Run {COMMANDS[row.section]}", COMMANDS[row.section], "##[endgroup]"]
        if row.section in COMMANDS
        else []
    )
    tail = ["##[error]Process completed with exit code 1."] if row.section in COMMANDS else []
    return "".join(f"{line}\n" for line in (*head, *text.split("\n"), *tail)).encode()


def first(row: Row, text: str) -> str:
    scan = scan_bytes(built_in().ruleset, wrapped(row, text))
    return conclude(built_in(), scan, hypotheses(built_in(), scan), ())[0].cause


def keyed(row: Row, table: dict[str, object]) -> str | None:
    whole = f"{row.template} | {row.cause}".replace("\\|", "|")
    return next((key for key in table if key.replace("\\|", "|") in whole), None)


def cases() -> Iterator[tuple[Row, str, frozenset[str]]]:
    """Each row's logs, and which causes may come first."""
    for row in rows(ERRORS.read_text()) if ERRORS.exists() else ():
        if not marked(row):
            continue
        if key := keyed(row, LOGS):  # type: ignore[arg-type]
            yield from ((row, log, frozenset(causes.split())) for log, causes in LOGS[key])
        elif key := keyed(row, CANNOT_TELL):  # type: ignore[arg-type]
            yield from ((row, form, frozenset({"unknown", *CANNOT_TELL[key][1].split()})) for form in row.forms)
        else:
            yield from ((row, form, expected(row)) for form in row.forms)


def test_every_row_has_its_cause() -> None:
    wrong = [
        f"ERRORS.md:{row.line}: {text!r}: {got}, and not {', '.join(sorted(causes)) or 'anything that is written down'}"
        for row, text, causes in cases()
        if (got := first(row, text)) not in causes
    ]
    assert not wrong, f"{len(wrong)} lines:\n" + "\n".join(wrong)


def test_no_entry_is_left_over() -> None:
    table = [row for row in rows(ERRORS.read_text()) if marked(row)]
    used = {key for row in table for kind in (LOGS, CANNOT_TELL) if (key := keyed(row, kind))}  # type: ignore[arg-type]
    assert used == LOGS.keys() | CANNOT_TELL.keys()
