"""The fast first look loses no line, whatever the block; threads change nothing."""

import random

import pytest
from hypothesis import given, settings

from bot.model.diagnosis import Hit
from bot.triage.scan_hunt import Hunter
from bot.triage.scan_pattern import hunt
from bot.triage.scan_rules import RuleSet
from bot.triage.scan_sieve import texts
from bot.triage.scan_syntax import parse
from bot.triage.scanner import Scanner
from tests.triage.test_scanner import LOGS, MIXED, compiled

# the same rules, and nothing but the rules is looked for
PLAIN = RuleSet(MIXED.rules, MIXED.expressions, MIXED.database, MIXED.database)


@given(LOGS)
@settings(max_examples=200, deadline=None)
def test_the_first_look_loses_nothing(data: bytes) -> None:
    quiet = b"an everyday line of a build, in which nothing is said that a rule asks for\n" * 30
    for text in (data, quiet + data + quiet):
        everything = Hunter(PLAIN).hunt(text)
        assert {k: sorted(v) for k, v in Hunter(MIXED).hunt(text).items()} == {
            k: sorted(v) for k, v in everything.items()
        }


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing(share: float, threads: int) -> None:
    chance = random.Random(f"{share} {threads}")
    lines = [
        b"E: no luck",
        b"dial: connection refused",
        b"\x1b[31mKilled\x1b[0m",
        b"##[group]Run x",
        b"x exit code 1\r",
    ]
    log = b"".join(
        (chance.choice(lines) if chance.random() < share else b"all is well %d" % i) + b"\n" for i in range(20_000)
    ) + b"E: " + b"x" * 30_000 + b" exit code 7"  # fmt: skip
    one, many = Scanner(MIXED, block=4096), Scanner(MIXED, block=4096, threads=threads)
    at = 0
    while at < len(log):
        step = chance.randrange(1, 9000)
        one.feed(log[at : at + step])
        many.feed(log[at : at + step])
        at += step
    assert many.finish() == one.finish()


def test_a_thread_that_fails_is_told() -> None:
    class Broken:
        def scan(self, *_: object, **__: object) -> None:
            raise RuntimeError("out of order")

    scanner = Scanner(RuleSet(MIXED.rules, MIXED.expressions, MIXED.database, MIXED.database), block=64, threads=2)
    scanner.feed(b"E: one\n" * 40)
    scanner._rules.sieve = scanner._rules.database = Broken()
    with pytest.raises(RuntimeError, match="out of order"):
        scanner.feed(b"E: two\n" * 400)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"lookup \S+ on \S+: .*i/o timeout", {"lookup ", "i/o timeou", "/o timeout"}),
        (r"(?:dial|read) tcp .*refused", None),
        (r"x509: .*|certificate signed", None),
        (r"\d+ in \d+", set()),
        (r".{3,}", set()),
    ],
)
def test_what_is_looked_for(pattern: str, found: set[str] | None) -> None:
    made = {"".join(chr(m.bit_length() - 1) for m in text) for text in texts(parse(pattern).tree)}
    assert bool(made) == (found != set())
    if found:
        assert made <= found


def test_a_rule_without_such_a_text_is_looked_for_itself() -> None:
    ruleset = compiled(r"^\d+ in \d+$")
    hunted = hunt(parse(r"^\d+ in \d+$"))
    assert hunted is not None
    assert hunted.sieve == ()
    assert [h.line for h in _scan(ruleset, b"x\n7 in 9\n")] == [2]


def _scan(ruleset: RuleSet, data: bytes) -> tuple[Hit, ...]:
    scanner = ruleset.scanner()
    scanner.feed(data)
    return scanner.finish().hits
