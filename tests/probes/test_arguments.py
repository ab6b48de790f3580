from typing import get_args

import pytest

from bot.model.errors import UsageError
from bot.probes import parse_args, verbs
from bot.triage.playbook import VerbName


def test_both_forms() -> None:
    assert parse_args("dns", ["host=a.example", "server=10.0.0.2:53"]) == {"host": "a.example", "server": "10.0.0.2:53"}
    assert parse_args("http", {"url": "https://a.example/?x=1"}) == {"url": "https://a.example/?x=1"}
    assert parse_args("http", ["url=https://a.example/?x=1"]) == {"url": "https://a.example/?x=1"}
    assert parse_args("env", []) == {}


@pytest.mark.parametrize(
    ("verb", "given", "says"),
    [
        ("ping", [], "unknown probe 'ping' (known: "),
        ("run", [], "unknown probe 'run'"),
        ("__init__", [], "unknown probe"),
        ("../dns", [], "unknown probe"),
        ("tcp", ["host"], "'host' is not ARG=VALUE (known arguments: host, port, timeout, tries)"),
        ("tcp", ["host=a", "host=b"], "host is given twice"),
        ("tcp", ["port=1"], "the argument 'host' is missing"),
        ("tcp", ["host=a", "prot=1"], "unknown argument 'prot' (known: host, port, timeout, tries)"),
        ("tcp", ["host=a", "port=x"], "port='x' must be a whole number from 1 to 65535"),
        ("env", ["x=1"], "unknown argument 'x' (known: timeout)"),
    ],
)
def test_errors_name_what_is_known(verb: str, given: list[str], says: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_args(verb, given)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_the_table() -> None:
    table = verbs()
    assert set(table) == set(get_args(VerbName))
    assert table["tcp"].arguments["host"].required
    assert table["tcp"].arguments["port"].default == 443


def test_playbooks_and_the_prober_know_the_same_arguments() -> None:
    from bot.triage.verbs import VERBS

    table = verbs()
    assert set(VERBS) == set(table)
    for name, verb in VERBS.items():
        assert set(verb.arguments) == set(table[name].arguments), name
