from bot.model.diagnosis import Hit, LogSummary, Scan
from bot.serve.explain import explain, explain_text
from bot.triage.diagnose import Library
from bot.triage.playbook import parse_playbook

CAUSE = """\
id: silent
title: "{host} is silent"
cause: dns-timeout
match: {any: ['lookup (?P<host>\\S+): timeout']}
probes: {asked: {verb: dns, host: "{host}"}}
remedy: {summary: S}
"""
WRAPPER = """\
id: exit
title: T
cause: registry-unavailable
role: wrapper
match: {any: ['exit code']}
remedy: {summary: S}
"""


def library() -> Library:
    return Library.build(parse_playbook(t, "x") for t in (CAUSE, WRAPPER))


def test_hits_suppressed_hits_ranking_and_reasons() -> None:
    hits = (
        Hit(
            playbook="silent",
            rule=0,
            line=3,
            text="lookup a.example: timeout",
            end=25,
            suppressed="tried again, and passed",
        ),
        Hit(playbook="silent", rule=0, line=7, text="lookup b.example: timeout", end=25, facts={"host": "b.example"}),
        Hit(playbook="exit", rule=0, line=9, text="exit code 1", end=9, role="wrapper"),
    )
    told = explain(library(), Scan(log=LogSummary(bytes=90, lines=9), hits=hits))
    assert [(h.line, h.suppressed) for h in told.hits] == [(3, "tried again, and passed"), (7, None), (9, None)]
    assert told.hits[1].pattern == r"lookup (?P<host>\S+): timeout"
    assert [r.playbook for r in told.ranking] == ["silent", "exit"]
    assert told.ranking[0].before_next == "a cause comes before a wrapper"
    assert told.probes == ("DNS lookup of b.example [build]",)
    assert told.answer == "dns-timeout"
    text = explain_text(told)
    assert "does not count: tried again, and passed" in text
    assert "before the next: a cause comes before a wrapper" in text
    assert text.splitlines()[:2] == [
        "dns-timeout, 40% sure from the log alone",
        "  by playbook silent, line 7:",
    ]
    assert text.splitlines()[2] == "    | lookup b.example: timeout"
    assert "  from where the build ran: DNS lookup of b.example" in text
    assert "silent (dns-timeout), pattern 1: host=b.example" in text
    assert "exit (registry-unavailable) as a wrapper, pattern 1" in text
    assert told.model_dump(mode="json")["ranking"][0]["standing"]["line"] == 7


def test_nothing_that_counts() -> None:
    told = explain(library(), Scan(log=LogSummary(state="partial", note="cut")))
    assert told.answer == "unknown"
    assert "nothing that counts: unknown" in explain_text(told)
    assert "partial (cut)" in explain_text(told)
    assert explain_text(told).startswith("unknown: nothing in this log counts")


def test_rules_of_one_playbook_on_one_line_stand_together_and_a_log_without_hits_shows_its_end() -> None:
    hit = Hit(playbook="silent", rule=0, line=7, text="lookup b.example: timeout", facts={"host": "b.example"})
    twice = (hit, hit.model_copy(update={"rule": 1, "facts": {"port": "53"}}))
    text = explain_text(explain(library(), Scan(log=LogSummary(lines=9), hits=twice, counts={"silent": 2})))
    assert text.count("silent (dns-timeout), patterns 1, 2: ") == 1
    assert "hits in all" not in text
    text = explain_text(explain(library(), Scan(log=LogSummary(lines=2), tail=("one", "", "two"))))
    assert "No pattern hit. The log ends with:\n    | one\n    | two" in text


def test_a_log_with_very_many_hits_stays_readable() -> None:
    hits = tuple(
        Hit(playbook="silent", rule=0, line=n, text=f"lookup h{n}.example: timeout", facts={"host": f"h{n}.example"})
        for n in range(1, 400)
    )
    held = tuple(h.model_copy(update={"suppressed": "a test prints it"}) for h in hits)
    told = explain(library(), Scan(log=LogSummary(lines=400), hits=(*hits, *held), counts={"silent": 998}))
    text = explain_text(told)
    assert len(text.splitlines()) < 110
    assert "... 387 more lines (--json has them)" in text
    assert "; 998 hits in all" in text


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    hits = (Hit(playbook="silent", rule=0, line=1, text="lookup \x1b[2Ja\u202e: timeout\n" + "x" * 900),)
    text = explain_text(explain(library(), Scan(log=LogSummary(lines=1), hits=hits, last_command="rm \x1b[2J")))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(len(line) for line in text.splitlines()) < 260
