"""Built-in rules stay cheap on ordinary logs: what the first look finds is counted, nothing is timed."""

from pathlib import Path

import hyperscan as hs

from bot.serve.library import load
from tests.bench import material

MEGABYTES = 4


def test_ordinary_lines_hold_next_to_none_of_the_texts_that_rules_are_looked_for_by(tmp_path: Path) -> None:
    """One pattern once began with `go: download`: a tenth of all lines had to be looked at twice."""
    ruleset = load(()).library.ruleset
    log = material.make_log(tmp_path / "quiet.log", MEGABYTES << 20, noisy=False).read_bytes()
    found: list[int] = []
    ruleset.sieve.scan(log, match_event_handler=lambda i, *_: found.append(i), scratch=hs.Scratch(ruleset.sieve))
    assert len(found) < 100 * MEGABYTES, f"{len(found)} reports in {MEGABYTES} MB of quiet log"


def test_few_rules_are_without_such_a_text() -> None:
    """Each of them is looked for as it is in every byte of every log; one alone once took a third of the time."""
    expressions = load(()).library.ruleset.expressions
    assert sum(not e.hunt.sieve for e in expressions) <= 45
