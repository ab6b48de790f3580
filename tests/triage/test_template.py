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
    assert template.code("curl {host}", {"host": value}) == "curl <host>"


@pytest.mark.parametrize("value", ["a.example", "10.0.0.2:53", "https://a.example/x/@v/list", "v1.2.3+x"])
def test_harmless_values_go_into_code(value: str) -> None:
    assert (
        template.code("curl {host} {p.issuer}", {"host": value}, {"p": {"issuer": "CN=x; id"}})
        == f"curl {value} <p-issuer>"
    )


def test_a_default_of_the_author_goes_into_code() -> None:
    assert template.code("nc {host} {port|443}", {"host": "a"}) == "nc a 443"


def test_an_argument_is_filled_whole_or_not_at_all() -> None:
    assert template.argument("https://{host}:{port|443}/", {"host": "a"}) == "https://a:443/"
    assert template.argument("https://{host}/", {}) is None
    assert template.argument("{host}", {"host": ""}) is None
    assert template.argument("{host}", {"host": "{port}"}) == "{port}"
