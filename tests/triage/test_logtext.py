"""Decoration goes, text stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.triage.logtext import clean, undecorated, without_escapes
from bot.triage.scan_pattern import BEFORE_LINE

STAMP = "2025-01-16T14:24:55.2376056Z "


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (STAMP + "##[error]foo bar", "foo bar"),
        ("\ufeff" + STAMP + "x", "x"),
        (STAMP.strip(), ""),
        ("2021-01-01T01:00:00.020010Z 01O hello", "hello"),
        ("2021-01-01T01:00:00.020010Z 01E+hello", "hello"),
        ("2021-01-01T01:00:00.020010Z 00O section_start:156:s[collapsed=true]\r\x1b[0K\x1b[36;1mPreparing\x1b[0;m", "Preparing"),
        ("section_end:1560896352:my_sec\r\x1b[0K", ""),
        ("\x1b_bk;t=1234\x07fatal: x", "fatal: x"),
        ("[2026-07-29T10:01:29.770Z] + go build", "+ go build"),
        ("10:01:29  hi", "hi"),
        ("[10:01:29]W:\t [Step 1/3] x", "[Step 1/3] x"),
        ("Jul 29 10:01:29 host", "host"),
        ("2026-07-29 10:01:29,123 text", "text"),
        ("2026-07-29T10:01:29.123456789Z stderr F text", "text"),
        (STAMP + "#12 3.456 go: foo", "go: foo"),
        (STAMP + "#12 ERROR: x", "ERROR: x"),
        ("#12 is an issue", "#12 is an issue"),
        ("# a comment", "# a comment"),
        ("web-1  | err", "err"),
        ("a | b", "a | b"),
        ("build\tRun go\t" + STAMP + "abc", "abc"),
        ("one\ttwo\tthree", "one\ttwo\tthree"),
        ("\x1b[31merror\x1b[0m: \x1b]8;;http://x\x07link\x1b]8;;\x07", "error: link"),
        ("10%\r20%\rdone\r\n", "done"),
        ("curl: (28) x\r\r\n", "curl: (28) x"),
        (STAMP + "##[group]Run foo", "Run foo"),
        ("[command]/usr/bin/git fetch", "/usr/bin/git fetch"),
        ("::error file=a.go,line=3::boo", "boo"),
        ("travis_fold:start:x\r\x1b[0Kyes", "yes"),
        ("h\0e\0l\0", "hel"),
        ("12:30 is lunch", "12:30 is lunch"),
        ("2026-07-29 is a day", "2026-07-29 is a day"),
        ("std::error is a C++ word", "std::error is a C++ word"),
        ("tab\tstays \x08bell\x07", "tab\tstays bell"),
        ("right\u202eto left", "rightto left"),
        ("    indented", "    indented"),
    ],
)  # fmt: skip
def test_a_line_as_a_person_reads_it(raw: str, text: str) -> None:
    assert clean(raw) == text
    assert clean(raw.encode()) == text


def test_bytes_that_are_no_utf8_are_shown_as_such() -> None:
    assert clean(b"caf\xe9 \xff") == "caf\ufffd \ufffd"


@given(st.binary(max_size=300))
def test_any_bytes_are_taken(raw: bytes) -> None:
    text = clean(raw.replace(b"\n", b""))
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\n" not in text


@given(st.binary(max_size=300))
def test_line_breaks_survive(raw: bytes) -> None:
    assert without_escapes(raw).count(b"\n") == raw.count(b"\n")


DECORATION = st.lists(
    st.sampled_from(
        [
            b"2025-01-16T14:24:55.2376056Z ", b"##[error]", b"#12 3.456 ", b"2021-01-01T01:00:00.020010Z 01O ", b"10:01:29 ",
            b"2021-01-01T01:00:00.020010Z 01E+", b"[2026-07-29T10:01:29.770Z] ", b"[10:01:29]W:\t", b"\xef\xbb\xbf", b"[command]",
            b"::error x=1::", b"_bk;t=17\x07", b"web_1  | ", b"section_start:1:a\r", b"travis_fold:start:a\r", b"[10:01:29]",
        ]
    ),
    max_size=5,
)  # fmt: skip


@given(DECORATION, st.text("abcXYZ019 #:[]|+.-\t", max_size=40))
def test_what_ends_a_decoration_is_known_to_the_rules(front: list[bytes], text: str) -> None:
    """`^` of a rule is looked for behind these bytes alone: one that is missing there would lose hits."""
    line = b"".join(front) + text.encode()
    left = undecorated(line)
    assert line.endswith(left)
    taken = line[: len(line) - len(left)]
    assert not taken or not left or BEFORE_LINE >> taken[-1] & 1


def test_a_line_of_nothing_but_names_of_services_is_read() -> None:
    assert clean(b"a-1 | " * 100_000 + b"end").endswith("end")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("2024-05-01T10:00:00.1234567Z web:build: error TS2304: x", "error TS2304: x"),
        ("@acme/web:test:unit: FAIL a.test.ts", "FAIL a.test.ts"),
        ("[api] FAIL a.test.ts", "FAIL a.test.ts"),
        ("[0] FAIL a.test.ts", "FAIL a.test.ts"),
        ("│ Error: Failed", "Error: Failed"),
        ("src/main.c:12: error: x", "src/main.c:12: error: x"),
        ("[error] x.scala:3: y", "[error] x.scala:3: y"),
        ("golang:alpine: not found", "golang:alpine: not found"),
    ],
)
def test_the_names_of_parallel_tasks_are_taken_off(raw: str, text: str) -> None:
    assert clean(raw) == text
