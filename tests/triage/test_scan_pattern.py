"""What hyperscan looks for holds every line that RE2 fits; and it is told once or a few times a line."""

import contextlib

import hyperscan
import pytest
import re2
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.triage.scan_pattern import hunt
from bot.triage.scan_syntax import Unreadable, parse

ATOMS = [
    "a",
    "b",
    "x",
    "[ab]",
    "[^a]",
    r"\d",
    r"\s",
    r"\S",
    ".",
    r"\b",
    "^",
    "$",
    "(?i:Ab)",
    "foo",
    r"\.",
    "é",
    "[éa]",
    r"\w",
    r"\x41",
    "[[:digit:]]",
    r"\pL",
]
REPEATS = ["", "", "", "*", "+", "?", "*?", "+?", "{2}", "{0,3}", "{2,}", "{0,40}"]
PATTERNS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(REPEATS)).map(lambda pair: f"(?P<g>{pair[0]}){pair[1]}"),
    ),
    max_leaves=10,
)
LINES = st.lists(st.text("abxAB01 .éfo\t", max_size=12), min_size=1, max_size=4)


def lines_found(expression: str, text: bytes) -> set[int]:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=[expression.encode()], flags=hyperscan.HS_FLAG_MULTILINE)
    ends: list[int] = []
    database.scan(text, match_event_handler=lambda _i, _s, end, _f, _c: ends.append(end))
    return {text.count(b"\n", 0, end - 1) for end in ends}


@given(PATTERNS, LINES)
@settings(max_examples=500, deadline=None)
def test_no_line_is_missed(pattern: str, lines: list[str]) -> None:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    parsed = parse(pattern)
    try:
        exact = re2.compile(parsed.latin1, options)
    except re2.error:
        assume(False)
    assume(not exact.search(b"") and (hunted := hunt(parsed)))
    try:
        found = lines_found(hunted.expression, "\n".join(lines).encode())
    except hyperscan.error as error:
        assume("empty" in str(error))
        raise
    wanted = {i for i, line in enumerate(lines) if exact.search(line.encode())}
    assert wanted <= found
    if hunted.exact:
        assert wanted == found


@pytest.mark.parametrize(
    ("pattern", "plain"),
    [
        (r".*foo.*", "foo"), (r"\S+: foo", r"\S: foo"), (r"foo (?P<x>\S+)", r"foo \S"), (r"(?:a|b)?foo(?:bar)*", "foo"), (r"fo+", "fo"),
        (r"\s*foo\d{3,}", r"foo\d\d\d"), (r"^.*foo", "foo"), ("foo.*$", "foo"),
    ],
)  # fmt: skip
def test_what_may_be_missing_at_the_ends_is_not_looked_for(pattern: str, plain: str) -> None:
    mine, other = hunt(parse(pattern)), hunt(parse(plain))
    assert mine
    assert other
    assert mine.expression == other.expression


@pytest.mark.parametrize("pattern", [r"\w", r"\d+", "a", "^.+$", r"\S \S"])
def test_what_says_little_is_reported_once_a_line(pattern: str) -> None:
    hunted = hunt(parse(pattern))
    assert hunted
    assert hunted.weak


def test_names_may_stand_in_several_branches() -> None:
    assert parse("(?P<a>x)(y)|(?P<a>z)").groups == (("a", 1), ("a", 3))


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "[a",
        "a**b(",
        "\\",
        r"\Q",
        "(?",
        "(?P<",
        "[a-",
        "[[:alpha:]",
        "{",
        "+",
        "(?i",
        "\\x{",
        "|" * 50,
        "(" * 500,
    ],
)
def test_broken_syntax_ends_in_an_answer(pattern: str) -> None:
    with contextlib.suppress(Unreadable):
        parse(pattern)


@pytest.mark.parametrize(
    ("pattern", "same"),
    [
        (r"\S+@\S+: .*unknown revision", "unknown revision"),
        (r"(?:^go: |: )[\w./-]+@v[\w.+-]+: (?:.*: )?unexpected EOF", "unexpected EOF"),
        (r"(?:npm|yarn|pnpm) error", "(?:npm|yarn) error"),
        (r"error: (?:time|timeout|lost)", "error: (?:time|lost)"),
        (r"\s+fatal: .*", "\\sfatal: "),
    ],
)
def test_what_says_little_is_not_looked_for(pattern: str, same: str) -> None:
    one, other = hunt(parse(pattern)), hunt(parse(same))
    assert one is not None
    assert other is not None
    assert one.expression == other.expression


@pytest.mark.parametrize(
    ("pattern", "exact"),
    [
        (r"^.*\bHTTP 50[0-4]\b.*proxy", True),
        (r"^[^x]*HTTP 50[0-4]", False),
        (r"^HTTP 50[0-4]", False),
        (r"\S+@\S+: .*unknown revision", False),
        (r"(?:npm|pnpm) error", True),
    ],
)
def test_whether_hyperscan_is_to_be_believed(pattern: str, exact: bool) -> None:
    found = hunt(parse(pattern))
    assert found is not None
    assert found.exact == exact


@pytest.mark.parametrize(
    ("pattern", "weak"),
    [
        (r"ab", True), (r"abc", False), (r"\d{9}", True), (r"[0-9a-f]{10}", True), (r"(?:SC|MD)\d{4}\b", False), (r":\d+:\d+: ", False),
        (r"(?:abc|x)", True), (r"a.b.c.d", True), (r"(?:ab)\W", True), (r"=+ ", True),
    ],
)  # fmt: skip
def test_what_says_little_is_told_once_a_line(pattern: str, weak: bool) -> None:
    found = hunt(parse(pattern))
    assert found is not None
    assert found.weak == weak
