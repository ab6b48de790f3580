"""The scanner: one pass over everything, the same answer whatever the blocks, bounded, and honest about what it read."""

import gzip
import json
import random
import sys
import tracemalloc
from pathlib import Path

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model.diagnosis import Hit, Scan
from bot.triage.logtext import undecorated, without_escapes
from bot.triage.scan_syntax import parse
from bot.triage.scanner import FIRST, LAST, Rule, RuleSet, Scanner, check_pattern, scan_bytes

SHARED = Path(__file__).resolve().parents[3] / "shared"


def rules(*patterns: str, kind: str = "any", playbook: str = "p") -> list[Rule]:
    return [Rule(playbook=playbook, index=i, pattern=p, kind=kind) for i, p in enumerate(patterns)]  # type: ignore[arg-type]


def compiled(*patterns: str) -> RuleSet:
    return RuleSet.compile(rules(*patterns))


def scan(ruleset: RuleSet, *lines: str | bytes, end: str = "\n") -> Scan:
    return scan_bytes(ruleset, b"".join((x if isinstance(x, bytes) else x.encode()) + end.encode() for x in lines))


def places(found: Scan) -> list[tuple[int, int]]:
    return [(h.rule, h.line) for h in found.hits]


MIXED = compiled(
    r"lookup (?P<host>[^\s:]+) on (?P<resolver>\S+): .*i/o timeout",
    r"^E: (?P<what>.+)",
    r"^\s*--- FAIL: (?P<test>\S+)",
    r"exit code (?P<code>\d+)$",
    r"(?i)\bno space left\b",
    r"x509: (?:certificate signed by unknown authority|.*expired)",
    r"^Killed$",
    r"\S+: command not found",
    r"[‘'](?P<q>\w+)[’'] is missing",
    r"a{3,}b",
    r".*refused.*",
    r"(?:^|: )EOF$",
)


def reference(ruleset: RuleSet, data: bytes) -> list[tuple[int, int]]:
    """Line by line, rule by rule, with RE2 alone."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    patterns = [re2.compile(parse(r.pattern).latin1, options) for r in ruleset.rules]
    found = []
    for number, line in enumerate(data.split(b"\n"), 1):
        text = without_escapes(line).replace(b"\0", b"")
        pieces = [undecorated(p) for p in text.rstrip(b"\r").split(b"\r")]
        found += [(i, number) for i, p in enumerate(patterns) if any(p.search(x) for x in pieces if x)]
    return found


def expected(ruleset: RuleSet, data: bytes) -> list[tuple[int, int]]:
    """What is kept of them: the first and the last of each rule."""
    every = reference(ruleset, data)
    kept = []
    for rule in range(len(ruleset.rules)):
        own = [e for e in every if e[0] == rule]
        kept += own if len(own) <= FIRST + LAST else own[:FIRST] + own[-LAST:]
    return kept


FRONTS = [
    b"", b"2025-01-16T14:24:55.2376056Z ", b"\xef\xbb\xbf2025-01-16T14:24:55.2376056Z ##[error]", b"#12 3.456 ",
    b"2021-01-01T01:00:00.020010Z 01O ", b"2021-01-01T01:00:00.020010Z 01E+", b"\x1b[31m", b"10:01:29 ",
    b"[2026-07-29T10:01:29.770Z] ", b"\x1b_bk;t=1234\x07", b"10%\r50%\r", b"section_start:1560896352:s\r\x1b[0K",
    b"web-1  | ", b"[10:01:29]W:\t ", b"2025-01-16T14:24:55.2376056Z #9 0.512 \x1b[1m", b"build\tRun go\t2025-01-16T14:24:55.1Z ",
]  # fmt: skip
TEXTS = [
    b"go: lookup proxy.golang.org on 10.0.0.2:53: read udp 1.2.3.4:5->10.0.0.2:53: i/o timeout", b"E: oh no", b"--- FAIL: TestX",
    b"    --- FAIL: TestX/sub", b"exit code 1", b"exit code 1 ", b"no space left on device", b"x509: something expired", b"Killed",
    b"sh: git: command not found", "‘cc’ is missing".encode(), b"'cc' is missing", b"aaaaab", b"connect: connection refused", b"EOF",
    b"read: EOF", b"NOTE: x EOF", b"\x1b[31mno spa\x1b[0mce left", b"xE: not at the start", b"lookup a on b: fine", b"", b"\xff\xfe\xfd",
    b"Get: unexpected EOF", b"lookup a on b:\r i/o timeout", b"e\0x\0i\0t\0 \0c\0o\0d\0e\0 \0007\0",
]  # fmt: skip
ENDS = [b"\n", b"\r\n", b"\x1b[0m\n", b"\r\r\n", b" \n"]
LINES = st.tuples(st.sampled_from(FRONTS), st.sampled_from(TEXTS), st.sampled_from(ENDS)).map(b"".join)
LOGS = st.lists(st.one_of(LINES, LINES, LINES, st.binary(max_size=80)), max_size=60).map(b"".join)


@given(LOGS)
@settings(max_examples=300, deadline=None)
def test_it_finds_what_re2_finds_line_by_line(data: bytes) -> None:
    prefix = b"plain text that tells the encoding: this is no archive, and no UTF-16, said in more than 64 bytes.\n"
    found = scan_bytes(MIXED, prefix + data)
    assert sorted(places(found)) == sorted(expected(MIXED, prefix + data))
    assert found.counts.get("p", 0) == len(reference(MIXED, prefix + data))
    assert found.log.lines == len((prefix + data).removesuffix(b"\n").split(b"\n"))


@given(LOGS, st.integers(200, 4000), st.lists(st.integers(1, 700), min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_the_blocks_make_no_difference(data: bytes, block: int, cuts: list[int]) -> None:
    whole = scan_bytes(MIXED, data)
    scanner = Scanner(MIXED, block=max(block, 2 * max(map(len, data.split(b"\n")), default=0)))
    at = i = 0
    while at < len(data):
        scanner.feed(data[at : at + cuts[i % len(cuts)]])
        at += cuts[i % len(cuts)]
        i += 1
    found = scanner.finish()
    assert found.hits == whole.hits
    assert (found.log, found.counts, found.tail, found.last_command) == (
        whole.log,
        whole.counts,
        whole.tail,
        whole.last_command,
    )


def test_a_hit_says_where_and_what() -> None:
    found = scan(
        MIXED,
        "one", "2025-01-16T14:24:55.2376056Z two",
        "2025-01-16T14:24:55.2376056Z go: lookup a.example on 10.0.0.2:53: dial: i/o timeout", "four", "five", "six",
    )  # fmt: skip
    (hit,) = found.hits
    assert (hit.line, hit.text) == (3, "go: lookup a.example on 10.0.0.2:53: dial: i/o timeout")
    assert hit.text[hit.start : hit.end] == "lookup a.example on 10.0.0.2:53: dial: i/o timeout"
    assert hit.facts == {"host": "a.example", "resolver": "10.0.0.2:53"}
    assert hit.context == ("one", "two", hit.text, "four", "five")
    assert found.tail[-1] == "six"
    assert found.log.model_dump() == {"bytes": 135, "lines": 6, "state": "read", "note": None}


def test_context_reaches_over_a_block_border() -> None:
    scanner = Scanner(MIXED, block=128)
    text = b"".join(b"line %d %s\n" % (i, b"." * 20) for i in range(1, 40))
    for line in (text.replace(b"line 20 ", b"E: boo ")).splitlines(keepends=True):
        scanner.feed(line)
    (hit,) = scanner.finish().hits
    assert [c.split(" .")[0] for c in hit.context] == ["line 17", "line 18", "line 19", "E: boo", "line 21", "line 22"]


def test_many_hits_are_counted_and_few_are_kept() -> None:
    found = scan(MIXED, *(f"{i}: connection refused" for i in range(1, 5001)))
    assert [h.line for h in found.hits] == [*range(1, FIRST + 1), *range(5001 - LAST, 5001)]
    assert found.counts == {"p": 5000}


def test_a_line_of_many_megabytes_is_matched_in_pieces_and_it_says_so() -> None:
    ruleset = compiled("needle(?P<n>\\d)", "^needle", "x$", "^start")
    line = b"start" + b"x" * 3_000_000 + b"needle1" + b"y" * 5_000_000 + b"needle2" + b"z" * 100
    tracemalloc.start()
    scanner = ruleset.scanner()
    for at in range(0, len(line), 65536):
        scanner.feed(line[at : at + 65536])
    scanner.feed(b"\nneedle3\n")
    found = scanner.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert places(found) == [(3, 1), (0, 1), (0, 2), (1, 2)]  # the piece that fits first stands for the line
    assert found.log.lines == 2
    assert "line 1 is longer than 4096 KiB and was matched in pieces" in (found.log.note or "")
    assert peak < 60_000_000
    assert all(len(h.text) <= 500 and len(c) <= 500 for h in found.hits for c in h.context)
    assert found.hits[1].text[found.hits[1].start : found.hits[1].end] == "needle1"


def test_a_match_over_the_border_of_two_pieces_is_found() -> None:
    ruleset = compiled("left and right")
    for shift in range(0, 40, 3):
        scanner = Scanner(ruleset, block=256, overlap=64)
        scanner.feed(b"." * (490 + shift) + b"left and right" + b"." * 600)
        assert places(scanner.finish()) == [(0, 1)]


def test_rules_that_match_at_every_byte_cost_one_hit_a_line() -> None:
    ruleset = compiled("aaa", "a+a", r"\w", "aa.*aa")
    found = scan(ruleset, "a" * 300_000, "b", "a" * 300_000)
    assert places(found) == [(0, 1), (1, 1), (2, 1), (3, 1), (2, 2), (0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("data", "lines", "state", "note"),
    [
        (b"", 0, "read", None),
        (b"\n", 1, "read", None),
        (b"E: x", 1, "read", None),
        ("E: x\n".encode("utf-16"), 1, "read", "UTF-16"),
        (("E: x\n" * 40).encode("utf-16-le"), 40, "read", "UTF-16"),
        (("E: x\n" * 40).encode("utf-16-be"), 40, "read", "UTF-16"),
        ("E: x\n".encode("utf-32"), 1, "read", "UTF-32"),
        (b"\xef\xbb\xbfE: x\r\n", 1, "read", None),
        (gzip.compress(b"E: x\n" * 3, mtime=0), 3, "read", "gzip"),
        (gzip.compress(b"E: x\n", mtime=0) + gzip.compress(b"E: y\n", mtime=0), 2, "read", "gzip"),
        (gzip.compress(random.Random(1).randbytes(500_000))[:-9], None, "partial", "ends too early"),
        (gzip.compress(b"E: x\n" * 99, mtime=0)[:60] + b"????????", None, "partial", "damaged"),
        (b"PK\x03\x04" + b"x" * 100, 0, "failed", "zip archive"),
        (bytes(range(256)) * 40, None, "read", "looks binary"),
    ],
)
def test_it_says_what_it_read(data: bytes, lines: int | None, state: str, note: str | None) -> None:
    for size in (1, 7, 4096, len(data) or 1):
        if size < 7 and len(data) > 20_000:
            continue
        scanner = MIXED.scanner()
        for at in range(0, len(data), size):
            scanner.feed(data[at : at + size])
        found = scanner.finish()
        assert found.log.bytes == len(data)
        assert found.log.state == state
        assert lines is None or found.log.lines == lines
        assert (note is None and found.log.note is None) or (note or "") in (found.log.note or "")
        if note in ("UTF-16", "UTF-32", "gzip") or data.startswith((b"E", b"\xef")):
            assert found.hits[0].text == "E: x"


def test_the_caller_knows_whether_it_was_all() -> None:
    scanner = MIXED.scanner()
    scanner.feed(b"E: x\nhalf a li")
    found = scanner.finish("partial", "the connection broke")
    assert (found.log.state, found.log.note, found.log.lines) == ("partial", "the connection broke", 2)
    assert MIXED.scanner().finish("missing", "no log yet").log.state == "missing"


def test_secrets_do_not_leave() -> None:
    ruleset = compiled(r"Get \"(?P<url>[^\"]+)\": (?P<why>.+)", r"token=(?P<t>\S+) (?P<rest>refused)")
    found = scan(
        ruleset,
        "password=hunter2", 'Get "https://bob:hunter2@h.example/x": EOF', "x token=hunter2 refused", "-----BEGIN PRIVATE KEY-----",
        "hunter2hunter2", "-----END PRIVATE KEY-----", "+ curl -u bob:hunter2 https://x",
    )  # fmt: skip
    assert "hunter2" not in found.model_dump_json()
    assert found.hits[0].facts["url"] == "https://[redacted]@h.example/x"
    assert found.hits[0].text[found.hits[0].start :].startswith('Get "https')
    assert found.hits[1].facts == {"t": "[redacted]", "rest": "refused"}
    assert found.hits[1].text[: found.hits[1].end].endswith("refused")


def test_a_set_survives_its_dump_and_no_other_takes_it() -> None:
    mine, others = rules("E: x", "y+"), rules("E: x", "y+z")
    blob = RuleSet.compile(mine).dump()
    assert places(scan(RuleSet.load(mine, blob), "E: x", "y")) == [(0, 1), (1, 2)]
    for wrong_rules, wrong in ((others, blob), (mine, blob[:-5]), (mine, b""), (mine, blob[:200])):
        with pytest.raises(ValueError, match="compiled rules"):
            RuleSet.load(wrong_rules, wrong)
    assert RuleSet.fingerprint(mine) != RuleSet.fingerprint(others)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("a*", "empty string"), ("(a", "RE2 refuses"), ("(?=x)y", "RE2 refuses"), (r"(a)\1", "RE2 refuses"), ("^$", "empty string"),
        (r"\b", "empty string"), ("a\nb", "one line at a time"), ("x" * 9000, "longer than"), ("", "empty string"),
    ],
)  # fmt: skip
def test_a_bad_pattern_is_explained(pattern: str, says: str) -> None:
    assert says in (check_pattern(pattern) or "")
    with pytest.raises(ValueError, match=r"playbook p, match\.any\[1\]: "):
        compiled("fine", pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "a",
        ".",
        "é+x",
        r"\pL\d",
        "[^é]y",
        "(?i)STRASSE",
        r"\Qa.b\E",
        "[[:alpha:]]1",
        "a{0,900}b",
        "(?s).x",
        r"(?P<a>x)|(?P<a>y)",
    ],
)
def test_a_good_pattern_passes(pattern: str) -> None:
    assert check_pattern(pattern) is None


def test_three_thousand_large_rules_compile_or_say_why_not() -> None:
    many = rules(*(f"error {i} (?:on|at) \\S+ in [a-z]{{1,{i % 900 + 1}}} end{i}" for i in range(300)))
    assert places(scan(RuleSet.compile(many), "error 7 on x in abc end7")) == [(7, 1)]


def test_scanners_of_one_set_do_not_disturb_each_other() -> None:
    from concurrent.futures import ThreadPoolExecutor

    data = [b"".join(b"E: %d %d\n" % (n, i) for i in range(3000)) for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for n, found in enumerate(pool.map(lambda d: scan_bytes(MIXED, d), data)):
            assert found.counts == {"p": 3000}
            assert found.hits[0].facts == {"what": f"{n} 0"}


# steps and commands


def steps_of(*lines: str) -> list[str | None]:
    return [h.step for h in scan(compiled("boom"), *lines).hits]


def test_github_steps() -> None:
    t = "2025-01-16T14:24:55.2376056Z "
    assert steps_of(
        t + "##[group]Operating System", t + "boom", t + "##[endgroup]", t + "##[group]Run go test ./...", t + "shell: bash",
        t + "##[endgroup]", t + "boom", t + "##[group]inner", t + "boom", t + "##[endgroup]", t + "Post job cleanup.", t + "boom",
    ) == ["Operating System", "Run go test ./...", "Run go test ./...", "Post job cleanup"]  # fmt: skip


def test_other_steps() -> None:
    assert steps_of("section_start:1:get_sources\r\x1b[0KGetting", "boom", "section_end:2:get_sources\r\x1b[0K",
                    "section_start:3:step_script\r\x1b[0Kx", "boom", "section_end:4:step_script\r\x1b[0K", "boom") == [
        "get_sources", "step_script", None]  # fmt: skip
    assert steps_of("[Pipeline] { (Build)", "boom", "[Pipeline] // stage", "boom") == ["Build", None]
    assert steps_of("##[section]Starting: Go", "boom", "##[section]Finishing: Go", "boom") == ["Go", None]
    assert steps_of("travis_fold:start:git.1\r", "boom", "travis_fold:end:git.1\r", "boom") == ["git.1", None]
    assert steps_of("\x1b_bk;t=1\x07~~~ Preparing", "boom", "\x1b_bk;t=2\x07--- :go: Build", "boom") == [
        "Preparing",
        ":go: Build",
    ]
    assert steps_of("#9 [build 3/5] RUN go mod download", "#10 [other 1/2] RUN x", "#9 1.234 boom") == [
        "[build 3/5] RUN go mod download"
    ]


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        (["$ go build ./...", "x"], "go build ./..."),
        (["\x1b[32;1m$ make\x1b[0;m", "+ go vet", "x"], "go vet"),
        (["##[group]Run go mod download", "##[endgroup]", "x", "##[error]Process completed with exit code 1.", "##[group]Run clean"],
         "go mod download"),
        (["2025-01-16T14:24:55.2376056Z [command]/usr/bin/git fetch", "fatal: x"], "/usr/bin/git fetch"),
        (["#9 [3/5] RUN go mod download", "#9 0.1 x"], "go mod download"),
        (["a + b", " + cpython-3.15"], None),
        (["+ left-pad@1.0.0"], None),
    ],
)  # fmt: skip
def test_the_last_command(lines: list[str], command: str | None) -> None:
    assert scan(MIXED, *lines).last_command == command
    scanner = Scanner(MIXED, block=96)
    for line in lines:
        scanner.feed(line.encode() + b"\n")
    assert scanner.finish().last_command == command


# the logs that live beside the checkout


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the labelled logs are not beside the checkout")
@pytest.mark.parametrize("name", ["real-failures.jsonl", "tool-faults.jsonl"])
def test_real_logs_give_what_re2_alone_gives(name: str) -> None:
    ruleset = compiled(
        r"(?i)\berror\b", r"time(?:d )?[ -]?out", r"^(?:E|Err|W): ?", r"exit code (?P<n>\d+)", r"(?P<h>[\w.-]+):\d+.*refused", r"^\s*at \S+",
        r"\b(?:4\d\d|50\d)\b", r"\w+$", r"no such host|not found", r"'[^']+'$",
    )  # fmt: skip
    for line in (SHARED / "logs" / name).read_text("utf-8").splitlines():
        case = json.loads(line)
        data = case["log"].encode()
        found = scan_bytes(ruleset, data)
        assert sorted(places(found)) == sorted(expected(ruleset, data)), case["id"]
        assert found.counts.get("p", 0) == len(reference(ruleset, data)), case["id"]


def test_a_kept_hit_is_small() -> None:
    found = scan(compiled("(?P<x>needle.*)"), "needle" + "x" * 3000)
    hit: Hit = found.hits[0]
    assert len(hit.text) <= 500
    assert len(hit.facts["x"]) <= 300
    assert sys.getsizeof(hit.model_dump_json()) < 4000


def test_names_around_a_hit_lose_their_secrets() -> None:
    """The step, the BuildKit stage, the last command and the end of the log are text of the log too."""
    ruleset = compiled(r"E: (?P<what>.+)")
    step = scan(ruleset, "##[group]Run curl -u bob:hunter2 https://x", "##[endgroup]", "E: x", "and token=hunter2")
    stage = scan(ruleset, "#7 [build 2/3] RUN curl -u bob:hunter2 https://x", "#7 0.123 E: x")
    assert (step.hits[0].step, stage.hits[0].step) != (None, None)
    for found in (step, stage):
        assert "hunter2" not in found.model_dump_json()
    assert any("token=[redacted]" in line for line in step.tail)


def test_a_hit_inside_a_key_block_is_all_secret() -> None:
    """The line by itself does not tell; the lines around it do."""
    ruleset = compiled(r"(?P<what>MII\w+)")
    found = scan(ruleset, "-----BEGIN PRIVATE KEY-----", "MIIhunter2", "-----END PRIVATE KEY-----")
    assert found.hits[0].text == "[redacted]"
    assert "hunter2" not in found.model_dump_json()
