from typing import Any

import jsonschema
import pytest
import yaml

from bot.model.errors import PlaybookError
from bot.triage.playbook import Playbook, examine, parse_playbook, schema

GOOD = """\
id: go-dns-timeout
title: "The resolver {resolver} did not answer for {host}"
cause: dns-timeout
status: stable
match:
  any:
    - '(?:lookup|resolve) (?P<host>\\S+) on (?P<resolver>\\S+:53): .*i/o timeout'
  none: ['^--- FAIL']
prior: 0.45
probes:
  asked:   {verb: dns, host: "{host}", server: "{resolver}", tries: 3}
  control: {verb: dns, host: "{host}", server: control}
verdict:
  - {when: 'asked.outcome == "timeout" && control.ok', confidence: 0.97, because: "another answers in {control.ms} ms"}
  - when: 'asked.ok'
    confidence: 0.45
    because: "{resolver} answers now"
remedy:
  summary: "Point the runner at a resolver that answers"
  steps:
    - {say: "Docker", file: /etc/docker/daemon.json, code: '{"dns": ["10.0.0.2", "1.1.1.1"]}'}
propose:
  - {action: rerun, when: 'asked.ok'}
links: ["https://example.com/"]
"""


def test_the_format_of_the_design_is_read() -> None:
    playbook = parse_playbook(GOOD, "x.yaml")
    assert playbook.probes["asked"].args == {"host": "{host}", "server": "{resolver}", "tries": 3}
    assert playbook.probes["control"].at == "control"
    assert playbook.probes["control"].args == {"host": "{host}"}
    assert playbook.role == "cause"
    assert playbook.fact_names == {"host", "resolver"}


def test_it_comes_back_from_json_as_it_was() -> None:
    playbook = parse_playbook(GOOD, "x.yaml")
    assert Playbook.model_validate(playbook.model_dump(mode="json")) == playbook


def test_only_five_keys_are_required() -> None:
    text = "id: a\ntitle: T\ncause: disk-full\nmatch: {any: ['No space left']}\nremedy: {summary: Clean up}\n"
    playbook = parse_playbook(text, "x.yaml")
    assert playbook.status == "stable"
    assert playbook.prior <= 0.5


CONTROL = '{verb: dns, host: "{host}", server: control}'


def change(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (change("prior: 0.45", "piror: 0.45"), 9, "unknown key `piror`: did you mean `prior`?"),
        (change("  none:", "  nome:"), 8, "did you mean `none`?"),
        (change("    confidence: 0.45", "    confidnce: 0.45"), 16, "confidnce`: did you mean `confidence`?"),
        (change("tries: 3", "trys: 3"), 11, "dns has no argument `trys` (did you mean `tries`?)"),
        (change("prior: 0.45", "prior: 1.5"), 9, "between 0 and 1"),
        (change("prior: 0.45", "prior: .nan"), 9, "between 0 and 1"),
        (change("prior: 0.45", "prior: high"), 9, "a number between 0 and 1"),
        (change("prior: 0.45", "prior: true"), 9, "a number between 0 and 1"),
        (change("    confidence: 0.45", "    confidence: -1"), 16, "between 0 and 1"),
        (change("cause: dns-timeout", "cause: dns-timout"), 3, "`dns-timout` (did you mean `dns-timeout`?)"),
        (change("status: stable", "status: stabel"), 4, "did you mean `stable`?"),
        (change("asked:   {verb: dns", "asked:   {verb: dsn"), 11, "did you mean `dns`?"),
        (change('server: "{resolver}"', 'server: "{resolvr}"'), 11, "did you mean `resolver`?"),
        (change("{host}\"\ncause", "{hots}\"\ncause"), 2, "{hots}: no named group"),
        (change("{control.ms}", "{contrl.ms}"), 14, "there is no probe `contrl` (did you mean `control`?)"),
        (change("{control.ms}", "{control.msec}"), 14, "probe `control` (dns) has no fact `msec`"),
        (change("- when: 'asked.ok'", "- when: 'askd.ok'"), 15, "did you mean `asked`?"),
        (change("- when: 'asked.ok'", "- when: 'asked.ok &&'"), 15, "not a CEL expression"),
        (change("rerun, when: 'asked.ok'", "rerun, when: 'asked.okay'"), 23, "has no fact `okay`"),
        (change("action: rerun", "action: rerunn"), 23, "did you mean `rerun`?"),
        (change("id: go-dns-timeout", "id: Go DNS"), 1, "small letters, digits and single hyphens"),
        (change("id: go-dns-timeout", "id: 17"), 1, "must be text: write it in quotes"),
        (change("id: go-dns-timeout\n", ""), 1, "`id` is missing"),
        (change("prior: 0.45", "prior: 0.45\nprior: 0.5"), 10, "duplicate key `prior`"),
        (change("prior: 0.45", "prior: [0.45"), 10, "not YAML"),
        (change("links: [", "links: [3, "), 24, "must be text"),
        (change("probes:", "probes: {}\nprobes2:"), 11, "unknown key `probes2`"),
        (change(CONTROL, "{verb: tcp, port: 1}"), 12, "needs `host`"),
        (change(CONTROL, "{verb: tcp, host: '-x', port: 1}"), 12, "is not a host"),
        (change(CONTROL, "{verb: http, url: 'ftp://x'}"), 12, "is not an http"),
        ("", 1, "the file is empty"),
        ("- a\n- b\n", 1, "a playbook is a mapping"),
        ("just words\n", 1, "a playbook is a mapping"),
        ("id: a\ntitle: \x07\n", 2, "not YAML"),
        ("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdef", "bcdefg", strict=True)), 1, "aliases"),
        ("x" * 300_000, 1, "are allowed"),
        ("[" * 5000, 1, "YAML"),
    ],
)  # fmt: skip
def test_what_is_refused_names_the_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        parse_playbook(text, "own/a/playbook.yaml")
    assert reason in caught.value.reason
    assert str(caught.value).startswith("own/a/playbook.yaml:")
    if reason != "YAML":
        assert caught.value.line == line


def test_a_bad_pattern_names_its_line() -> None:
    for bad in ("'(unclosed'", "'(?=ahead)x'", "''", "'x*'"):
        with pytest.raises(PlaybookError) as caught:
            parse_playbook(change("none: ['^--- FAIL']", f"none: ['ok', {bad}]"), "x.yaml")
        assert caught.value.line == 8


def test_a_group_that_stands_twice_is_refused() -> None:
    with pytest.raises(PlaybookError, match=r"x\.yaml:7: .*`host` stands twice"):
        parse_playbook(change("- '(?:lookup", "- '(?P<host>x)|(?:lookup"), "x.yaml")


@pytest.mark.parametrize("cause", ["test-failure", "compile-error", "lint-failure", "checksum-mismatch"])
def test_a_look_alike_never_proposes_a_rerun(cause: str) -> None:
    with pytest.raises(PlaybookError, match=f"x.yaml:23: .*{cause}.* never proposes a re-run"):
        parse_playbook(change("cause: dns-timeout", f"cause: {cause}"), "x.yaml")


def test_rerun_never_and_a_proposal_contradict_each_other() -> None:
    with pytest.raises(PlaybookError, match="rerun: never"):
        parse_playbook(GOOD + "rerun: never\n", "x.yaml")


def test_all_faults_are_found_at_once_in_order() -> None:
    text = change("cause: dns-timeout", "cause: dns-timeout\ncolour: red").replace("status: stable", "status: odd")
    _, faults = examine(text, "x.yaml")
    assert [f.line for f in faults] == [4, 5]


def validator() -> Any:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def test_the_schema_takes_what_the_parser_takes() -> None:
    check = validator()
    check.validate(yaml.safe_load(GOOD))
    check.validate(yaml.safe_load(GOOD + "tool: go\nalso: [x]\nrole: symptom\nfacts: {host: x}\n"))


@pytest.mark.parametrize(
    "text",
    [
        change("prior:", "piror:"), change("cause: dns-timeout", "cause: dns-timout"), change("tries: 3", "trys: 3"),
        change("asked:   {verb: dns", "asked:   {verb: dsn"), change("id: go-dns-timeout\n", ""),
    ],
)  # fmt: skip
def test_the_schema_refuses_what_the_parser_refuses(text: str) -> None:
    assert not validator().is_valid(yaml.safe_load(text))
