import pytest

from bot.triage import template


def test_only_names_in_single_braces_are_holes() -> None:
    text = '{host} {control.ms} {port|443} ${home} %{http_code} {{.Names}} {"dns": []} { x } {Upper} {}'
    assert template.holes(text) == ("host", "control.ms", "port")


def test_prose_fills_and_names_what_is_missing_in_general_words() -> None:
    assert template.prose("{host} on {port|443}", {"host": "a.example"}) == "a.example on 443"
    assert template.prose("{host} failed", {}) == "the server failed"
    assert template.prose("{oddity}", {}) == "(not known)"
    assert (
        template.prose("{c.ms} ms, {c.addresses}", {}, {"c": {"ms": 12.345, "addresses": ["x", "y"]}}) == "12 ms, x, y"
    )


def test_prose_shows_no_control_or_direction_marks_and_stays_short() -> None:
    shown = template.prose("{host}", {"host": "a\x1b[31m\n\u202eb" + "x" * 500})
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert "\u202e" not in shown
    assert len(shown) <= 200


@pytest.mark.parametrize(
    "value",
    ["$(rm -rf ~)", "`id`", "a;b", "a b", "-rf", "a'b", 'a"b', "a|b", "a&b", "a>b", "a\nb", "{x}", "*",
     "~root", "#x", "a:",
     "", "a,b: c", "\\x", "!x", "&x", "x" * 400],
)  # fmt: skip
def test_nobody_is_made_to_paste_a_hostile_value(value: str) -> None:
    assert template.code("curl {host}", {"host": value}) == ("curl HOST", ("HOST",))


@pytest.mark.parametrize(
    ("name", "value"),
    [("host", "a.example"), ("resolver", "10.0.0.2:53"), ("url", "https://a.example/x/@v/list"), ("version", "v1.2.3+x"),
     ("port", "8443"), ("ip", "2001:db8::1"), ("module", "git.corp.example/a/b@v1.0.0"), ("image", "reg.io:5000/a/b:1.2"),
     ("package", "@scope/name"), ("file", "cmd/main.go"), ("tool", "g++"), ("other", "a=b")],
)  # fmt: skip
def test_harmless_values_go_into_code(name: str, value: str) -> None:
    filled = template.code(f"curl {{{name}}} {{p.issuer}}", {name: value}, {"p": {"issuer": "CN=x; id"}})
    assert filled == (f"curl {value} P-ISSUER", ("P-ISSUER",))


@pytest.mark.parametrize(
    ("name", "value"),
    [("host", "a/b"), ("host", "-oProxyCommand=x"), ("port", "0"), ("port", "70000"), ("port", "22x"), ("ip", "1.2.3"),
     ("url", "file:///etc/passwd"), ("url", "https://u:p@a.example/"), ("module", "a/../../b"), ("module", "../x"),
     ("image", "a/../b"), ("file", "../../etc/passwd"), ("file", "/etc/passwd"), ("tool", "a/b"), ("version", "latest"),
     ("seconds", "1e9"), ("status", "2xx"), ("host", "169.254.169.254"), ("cidr", "0.0.0.0/0; id")],
)  # fmt: skip
def test_a_value_that_is_not_what_its_name_says_never_gets_into_code(name: str, value: str) -> None:
    assert template.code(f"x {{{name}}}", {name: value}) == (f"x {name.upper()}", (name.upper(),))


def test_facts_made_from_others() -> None:
    facts = {"ip": "192.0.2.7", "module": "git.corp.example/a/b", "version": "1.24.3"}
    assert template.code("{cidr} {module_owner} {minor}", facts) == ("192.0.2.7/32 git.corp.example 1.24", ())
    assert template.code("{module_owner}", {"module": "github.com/acme/x/v2"})[0] == "github.com/acme"
    assert template.code("{cidr}", {"ip": "2001:db8::1"}) == ("2001:db8::1/128", ())
    assert template.code("{cidr} {module_owner}", {"ip": "x", "module": "std"})[0] == "CIDR MODULE-OWNER"


def test_an_ipv6_address_is_bracketed_where_an_address_needs_it() -> None:
    host = {"host": "2001:db8::1", "port": "443"}
    assert template.code("curl https://{host}/ {host}:{port} {host}", host)[0] == (
        "curl https://[2001:db8::1]/ [2001:db8::1]:443 2001:db8::1"
    )


def test_a_default_of_the_author_goes_into_code() -> None:
    assert template.code("nc {host} {port|443}", {"host": "a"}) == ("nc a 443", ())


def test_an_argument_is_filled_whole_or_not_at_all() -> None:
    assert template.argument("https://{host}:{port|443}/", {"host": "a"}) == "https://a:443/"
    assert template.argument("https://{host}/", {}) is None
    assert template.argument("{host}", {"host": ""}) is None
    assert template.argument("{host}", {"host": "{port}"}) == "{port}"
