import pytest

from bot.prober.proxyenv import bypass, choose
from bot.prober.verb import Failed


@pytest.mark.parametrize(
    ("value", "name", "port", "passed"),
    [
        ("*", "a.example", 443, True),
        ("a.example", "a.example", 443, True),
        ("example", "a.example", 443, True),
        (".example", "a.example", 443, True),
        ("*.example", "a.example", 443, True),
        ("ample", "a.example", 443, False),
        ("b.example, A.Example", "a.example", 443, True),
        ("b.example a.example", "a.example", 443, True),
        ("a.example:8443", "a.example", 443, False),
        ("a.example:443", "a.example", 443, True),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("[::1]", "::1", 443, True),
        ("::1", "::1", 443, True),
        ("fd00::/8", "fd00::5", 443, True),
        ("", "a.example", 443, False),
        (",,", "a.example", 443, False),
    ],
)
def test_no_proxy(value, name, port, passed) -> None:
    assert bypass(value, name, port) is passed


def test_the_variable_that_counts() -> None:
    env = {"http_proxy": "p1:3128", "HTTPS_PROXY": "http://u:p%40ss@p2", "ALL_PROXY": "p3"}
    first, second = choose("http", "a.example", 80, env), choose("https", "a.example", 443, env)
    assert first
    assert second
    assert (first.host, first.port, first.variable) == ("p1", 3128, "http_proxy")
    assert (second.host, second.port, second.user) == ("p2", 80, "u:p@ss")
    assert "p@ss" not in second.shown()
    assert choose("http", "a.example", 80, {**env, "NO_PROXY": "a.example"}) is None
    assert choose("http", "a.example", 80, {}) is None


@pytest.mark.parametrize("value", ["http://", "http://[x", "http://a b", "http://p:port"])
def test_values_that_are_no_proxy(value) -> None:
    with pytest.raises(Failed, match="http_proxy is not the address of a proxy"):
        choose("http", "a.example", 80, {"http_proxy": value})
