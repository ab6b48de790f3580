import importlib
import shlex

import pytest

from bot.triage import verbs


@pytest.mark.parametrize(
    "value", ["proxy.golang.org", "a", "_sip._tcp.example", "10.0.0.1", "::1", "xn--bcher-kva.example"]
)
def test_hosts(value: str) -> None:
    assert verbs.host(value) == value


def test_hosts_are_brought_to_one_form() -> None:
    assert verbs.host("example.com.") == "example.com"
    assert verbs.host("[fd00::0001]") == "fd00::1"


@pytest.mark.parametrize(
    "value",
    [
        "", ".", "-oProxyCommand=x", "a b", "a;b", "$(rm -rf ~)", "`id`", "a..b", "a" * 64, "a." * 130, "ho\nst",
        "127.1", "0x7f.0x1", "1.2.3.4.5", "a/b", "a:80", "user@host", "bücher.example", "***", "a\x00b", "host-",
        "169.254.169.254", "::ffff:169.254.169.254", "metadata.google.internal", "METADATA.google.internal.",
        "fd00:ec2::254",
    ],
)  # fmt: skip
def test_what_is_no_host(value: str) -> None:
    assert verbs.host(value) is None


@pytest.mark.parametrize("value", ["0", "65536", "-1", "80 ", "", "٨٠", "8e1", "1" * 30])
def test_what_is_no_port(value: str) -> None:
    assert verbs.port(value) is None


def test_resolvers() -> None:
    assert verbs.server("10.0.0.2:53") == "10.0.0.2:53"
    assert verbs.server("10.0.0.2") == "10.0.0.2"
    assert verbs.server("[fd00::1]:5353") == "[fd00::1]:5353"
    assert verbs.server("fd00::1") == "fd00::1"
    assert verbs.server("dns.example:99999") is None
    assert verbs.server("-x:53") is None


@pytest.mark.parametrize("value", ["https://a.example", "http://10.0.0.1:8080/x?y=z&b=%20", "https://[::1]:1/"])
def test_urls(value: str) -> None:
    assert verbs.url(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "ftp://a.example", "file:///etc/passwd", "https://u:p@a.example", "https://u@a.example/", "https:///x",
        "a.example",
        "https://a.example/ x", "https://a.example/\n", "https://a.example:0/", "https://a.example:99999/", "https://-x/",
        "https://a.example/***", "https://a.example/?token=[REDACTED]", "https://169.254.169.254/latest", "https://[::1",
        "https://a.example/" + "x" * 2048, "javascript:alert(1)", "https://a\\@b.example",
    ],
)  # fmt: skip
def test_what_is_no_url(value: str) -> None:
    assert verbs.url(value) is None


@pytest.mark.parametrize(
    ("verb", "args", "command"),
    [
        ("dns", {"host": "a.example", "server": "10.0.0.2:53", "tries": 3}, "dig +time=5 +tries=3 @10.0.0.2 a.example"),
        ("dns", {"host": "a.example", "server": "[fd00::1]:99"}, "dig +time=5 +tries=2 @fd00::1 -p 99 a.example"),
        ("dns", {"host": "a.example", "server": "fd00::1"}, "dig +time=5 +tries=2 @fd00::1 a.example"),
        ("tcp", {"host": "a.example", "port": 443}, "nc -vz -w 10 a.example 443"),
        (
            "tls",
            {"host": "::1", "port": 8443, "servername": "b.example"},
            "openssl s_client -connect '[::1]:8443' -servername b.example </dev/null",
        ),
        (
            "http",
            {"url": "https://a.example/?a=1&b=2"},
            "curl -sv -o /dev/null --max-time 20 'https://a.example/?a=1&b=2'",
        ),
    ],
)
def test_the_same_by_hand(verb: str, args: dict[str, object], command: str) -> None:
    assert verbs.by_hand(verb, args) == command
    assert shlex.split(command)


def test_every_verb_can_be_said_and_tried_by_hand() -> None:
    args = {"host": "a.example", "port": 1, "url": "https://a.example", "image": "a.example/x", "path": "/src"}
    for verb in verbs.VERBS:
        assert "{" not in verbs.in_words(verb, args)
        assert shlex.split(verbs.by_hand(verb, args))


@pytest.mark.parametrize("verb", sorted(verbs.VERBS))
def test_the_prober_takes_the_same_arguments(verb: str) -> None:
    theirs = importlib.import_module(f"bot.prober.{verb}").VERB.args
    assert {name: arg.needed for name, arg in verbs.VERBS[verb].arguments.items()} == {
        name: arg.required for name, arg in theirs.items()
    }


def test_seconds() -> None:
    assert verbs.read_argument("tcp", "timeout", 2.5) == 2.5
    assert verbs.read_argument("tcp", "timeout", 31) is None
    assert verbs.read_argument("tcp", "timeout", "nan") is None


@pytest.mark.parametrize(
    "value", ["169.254.0.1", "fe80::1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "168.63.129.16", "metadata.goog"]
)
def test_what_no_vantage_may_probe_is_no_argument_either(value: str) -> None:
    assert verbs.host(value) is None
    assert verbs.url(f"http://[{value}]/" if ":" in value else f"http://{value}/") is None
    assert verbs.server(f"[{value}]:53" if ":" in value else f"{value}:53") is None
