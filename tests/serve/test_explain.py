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
    assert told.model_dump(mode="json")["ranking"][0]["standing"]["line"] == 7


def test_nothing_that_counts() -> None:
    told = explain(library(), Scan(log=LogSummary(state="partial", note="cut")))
    assert told.answer == "unknown"
    assert "nothing that counts: unknown" in explain_text(told)
    assert "partial (cut)" in explain_text(told)
