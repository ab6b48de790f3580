"""http against real servers: phases, redirects, proxies, and bodies that are cut, slow, huge or bombs."""

import base64
import gzip
import socket
import time

import pytest

from bot.prober.httpwire import MAX_BODY
from bot.prober.policy import Policy
from tests.prober.servers import (
    answering,
    certificate,
    connect_proxy,
    hang_up,
    listening,
    over_tls,
    probe,
    read_head,
    reset,
    silent,
)

ANY = Policy("any")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def response(status="200 OK", headers="", body=b"hello", length=None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


def ask(server, path="/", **args):
    return probe("http", **{"url": f"http://127.0.0.1:{server.port}{path}", **args})


def test_a_plain_answer() -> None:
    seen: list[bytes] = []
    with listening(answering(response(headers="Server: s/1\r\nContent-Type: text/plain\r\n"), seen=seen)) as server:
        result = ask(server, "/x?a=1")
    assert result["outcome"] == "ok"
    facts = result["facts"]
    assert (facts["status"], facts["server"], facts["bytes"], facts["via"]) == (200, "s/1", 5, "direct")
    assert {"dns", "connect", "ttfb", "total"} <= set(facts["phases"])
    assert seen[0].startswith(b"GET /x?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"Accept-Encoding: identity" in seen[0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 503])
def test_a_status(status) -> None:
    headers = "Retry-After: 30\r\nX-RateLimit-Remaining: 0\r\nRateLimit-Limit: 100;w=21600\r\n"
    with listening(answering(response(f"{status} No", headers))) as server:
        result = ask(server)
    facts = result["facts"]
    assert (result["outcome"], facts["status"], facts["retry_after"]) == ("http-status", status, "30")
    assert (facts["ratelimit_remaining"], facts["ratelimit_limit"]) == ("0", "100;w=21600")
    assert str(status) in facts["error"]


def test_head_asks_for_no_body() -> None:
    seen: list[bytes] = []
    with listening(answering(response(body=b"", length=10**9), seen=seen)) as server:
        assert ask(server, method="head")["outcome"] == "ok"
    assert seen[0].startswith(b"HEAD ")


def test_https(tmp_path, monkeypatch) -> None:
    context, ca = certificate(tmp_path)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with listening(over_tls(context, answering(response()))) as server:
        url = f"https://localhost:{server.port}/"
        untrusted = probe("http", url=url)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        trusted = probe("http", url=url)
    assert untrusted["outcome"] == "tls-untrusted"
    assert "trustme" in untrusted["facts"]["issuer"]
    assert (trusted["outcome"], trusted["facts"]["status"]) == ("ok", 200)
    assert "tls" in trusted["facts"]["phases"]


@pytest.mark.parametrize(
    ("handler", "outcome", "phase"),
    [
        (answering(response(body=b"part", length=1000)), "short", "body"),
        (answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), "short", "body"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-"), "short", "ttfb"),
        (answering(), "reset", "ttfb"),
        (reset, "reset", "ttfb"),
        (silent, "timeout", "ttfb"),
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n" * 3), "error", "ttfb"),
        (answering(b"HTTP/1.1 999999 X\r\n\r\n"), "error", "ttfb"),
    ],
)
def test_answers_that_are_none(handler, outcome, phase) -> None:
    with listening(handler) as server:
        result = ask(server, timeout=1)
    assert (result["outcome"], result["facts"]["phase"]) == (outcome, phase), result


def test_whole_chunked_and_endless_bodies() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    with listening(answering(chunked)) as server:
        assert ask(server)["outcome"] == "ok"
    with listening(answering(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65536] * 50)) as server:
        result = ask(server)
    assert (result["outcome"], result["facts"]["bytes"]) == ("ok", MAX_BODY)


def test_a_slow_body_is_measured() -> None:
    def drip(conn):
        read_head(conn)
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            conn.sendall(b"x" * 100)
            time.sleep(0.05)

    with listening(drip) as server:
        result = ask(server, timeout=1)
    assert result["outcome"] == "slow"
    assert 0 < result["facts"]["bytes_per_second"] < 10_000
    assert "of 100000 bytes" in result["facts"]["error"]


def test_a_head_that_drips_costs_the_time_out() -> None:
    def drip(conn):
        read_head(conn)
        conn.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            conn.sendall(b"X")
            time.sleep(0.05)

    with listening(drip) as server:
        result = ask(server, timeout=0.6)
    assert result["outcome"] == "slow"
    assert result["ms"] < 5000


@pytest.mark.parametrize("flood", [b"X-A: " + b"a" * 100_000, b"".join(b"X-%d: y\r\n" % i for i in range(200))])
def test_a_flood_of_headers(flood) -> None:
    with listening(answering(b"HTTP/1.1 200 OK\r\n" + flood + b"\r\n\r\n")) as server:
        result = ask(server)
    assert result["outcome"] == "error"
    assert "flood of headers" in result["facts"]["error"]


def test_a_flood_of_interim_answers() -> None:
    with listening(answering(b"HTTP/1.1 100 Continue\r\n\r\n" * 50)) as server:
        assert ask(server)["outcome"] == "error"


def test_a_bomb_is_not_opened() -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    with listening(answering(response(headers="Content-Encoding: gzip\r\n", body=bomb))) as server:
        result = ask(server)
    assert result["outcome"] == "ok"
    assert result["facts"]["bytes"] <= MAX_BODY


def test_redirects_are_followed_and_counted() -> None:
    with listening(answering(response("302 Found", "Location: /two?token=abc\r\n"))) as server:
        result = ask(server)
    assert result["outcome"] == "ok"
    assert len(result["facts"]["redirects"]) == 4
    assert "abc" not in str(result["facts"])


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/",
        "http://metadata.google.internal/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://10.0.0.1/",
        "//0xa9fea9fe/",
        "http://2852039166/",
    ],
)
def test_redirects_to_forbidden_places(location) -> None:
    with listening(answering(response("302 Found", f"Location: {location}\r\n"))) as server:
        result = ask(server)
    assert (result["outcome"], result["ran"]) == ("denied", False)
    assert result["facts"]["redirects"]


def test_a_redirect_to_no_url_is_an_answer() -> None:
    for location in ("file:///etc/passwd", "javascript:x", "gopher://127.0.0.1/", "http://a b/", "http://[bad/"):
        with listening(answering(response("302 Found", f"Location: {location}\r\n"))) as server:
            result = ask(server)
        assert (result["outcome"], result["facts"]["status"]) == ("ok", 302)


def test_a_page_where_a_machine_was_asked() -> None:
    page = response(headers="Content-Type: text/html\r\n", body=b"<html><title>Please log in</title>")
    with listening(answering(page)) as server:
        result = ask(server, "/golang.org/x/text/@v/list")
        plain = ask(server, "/welcome")
    assert result["facts"]["captive_portal"] is True
    assert result["facts"]["title"] == "Please log in"
    assert "captive_portal" not in plain["facts"]


def test_the_servers_clock() -> None:
    with listening(answering(response(headers="Date: Mon, 01 Jan 2001 00:00:00 GMT\r\n"))) as server:
        assert ask(server)["facts"]["skew"] < -1e8
    with listening(answering(response(headers="Date: soon\r\n"))) as server:
        assert "skew" not in ask(server)["facts"]


# proxies


def test_connect_through_a_proxy(tmp_path, monkeypatch) -> None:
    context, ca = certificate(tmp_path)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    seen: list[bytes] = []
    with listening(over_tls(context, answering(response()))) as server, listening(connect_proxy(seen=seen)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://me:s3cret@127.0.0.1:{proxy.port}")
        url = f"https://localhost:{server.port}/"
        result = probe("http", url=url)
        by_name = probe("http", ANY, url=url)
        direct = probe("http", url=url, via="direct")
    assert result["outcome"] == by_name["outcome"] == direct["outcome"] == "ok"
    assert (result["facts"]["via"], direct["facts"]["via"]) == ("proxy", "direct")
    assert result["facts"]["proxy_from"] == "https_proxy"
    # the bot's own host asks for the address that was judged, a build's machine for the name
    assert seen[0].startswith((f"CONNECT 127.0.0.1:{server.port}".encode(), f"CONNECT [::1]:{server.port}".encode()))
    assert seen[1].startswith(f"CONNECT localhost:{server.port}".encode())
    assert base64.b64encode(b"me:s3cret") in seen[0]
    assert "s3cret" not in str(result)
    assert "s3cret" not in str(by_name)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_credentials(scheme, monkeypatch) -> None:
    wants = connect_proxy("407 Proxy Authentication Required", "Proxy-Authenticate: Negotiate\r\n")
    with listening(wants) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", f"127.0.0.1:{proxy.port}")
        result = probe("http", url=f"{scheme}://127.0.0.1:9/")
    facts = result["facts"]
    assert (result["outcome"], facts["status"], facts["proxy_authenticate"]) == ("proxy-auth", 407, "Negotiate")
    assert "wants credentials" in facts["error"]


def test_a_proxy_that_says_no(monkeypatch) -> None:
    with listening(connect_proxy("403 Forbidden")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}/")
        result = probe("http", url="https://127.0.0.1:9/")
    assert (result["outcome"], result["facts"]["proxy_status"]) == ("proxy-error", 403)
    assert result["facts"]["proxy_from"] == "HTTPS_PROXY"


@pytest.mark.parametrize(("handler", "outcome"), [(silent, "timeout"), (hang_up, "reset"), (None, "refused")])
def test_a_broken_proxy(handler, outcome, monkeypatch) -> None:
    with listening(handler or hang_up) as proxy:
        port = proxy.port
        if handler is None:
            proxy.close()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        result = probe("http", url="https://127.0.0.1:9/", timeout=1)
    assert (result["outcome"], result["facts"]["proxy_outcome"]) == ("proxy-error", outcome)
    assert f"127.0.0.1:{port}" in result["facts"]["error"]


@pytest.mark.parametrize("value", ["http://no-such-proxy.invalid:3128", "http://a b:1", "http://x:99999", "://"])
def test_a_proxy_that_is_none(value, monkeypatch) -> None:
    monkeypatch.setenv("https_proxy", value)
    assert probe("http", url="https://127.0.0.1:9/", timeout=3)["outcome"] == "proxy-error"


def test_other_proxies_are_not_spoken_to(monkeypatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5h://127.0.0.1:1080")
    result = probe("http", url="https://127.0.0.1:9/")
    assert (result["outcome"], result["ran"]) == ("unsupported", False)


def test_via_proxy_without_one() -> None:
    result = probe("http", url="http://127.0.0.1:9/", via="proxy")
    assert (result["outcome"], result["ran"]) == ("unsupported", False)


def test_the_proxy_is_configuration_and_the_target_is_not(monkeypatch) -> None:
    """On the bot's own host the environment's proxy may be private; what it is asked for may not."""
    closed = Policy("public")
    seen: list[bytes] = []
    with listening(connect_proxy("403 No", seen=seen)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        for target in ("169.254.169.254", "10.0.0.1", "0x7f.1", "localhost", "metadata.google.internal", "[::1]"):
            for scheme in ("http", "https"):
                result = probe("http", closed, url=f"{scheme}://{target}/")
                assert result["outcome"] == "denied", target
        unknown = probe("http", closed, url="https://only-the-proxy-knows.invalid/", timeout=4)
        assert unknown["outcome"] == "denied"
        assert "cannot be checked" in unknown["facts"]["error"]
        assert (proxy.accepted, seen) == (0, [])
        assert probe("http", closed, url="https://203.0.114.7/")["facts"]["proxy_status"] == 403
        assert seen[0].startswith(b"CONNECT 203.0.114.7:443 ")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a/",
        "http://",
        "http:///x",
        "http://a b/",
        "http://a\r\nX: y/",
        "http://a:0/",
        "http://a:99999/",
        "http://a\\@b/",
        "http://" + "a" * 3000,
        "http://[::1",
        "//a/",
        "http://exa\x00mple/",
        7,
        None,
        "http://a/\tb",
    ],
)
def test_bad_urls(url) -> None:
    result = probe("http", url=url)
    assert (result["outcome"], result["ran"]) == ("error", False)
    assert "url" in result["facts"]["error"]


def test_a_credential_in_a_url_is_neither_sent_nor_told() -> None:
    seen: list[bytes] = []
    with listening(answering(response(), seen=seen)) as server:
        result = probe("http", url=f"http://me:s3cret@127.0.0.1:{server.port}/")
    assert result["outcome"] == "ok"
    assert b"uthorization" not in seen[0]
    assert "s3cret" not in str(result)


def test_a_name_that_rebinds_is_connected_to_where_it_was_judged(monkeypatch) -> None:
    """The name says a public address first, at which nobody is, and a private one from then on."""
    real = socket.getaddrinfo
    answers = iter(["203.0.114.9"])
    with listening(answering(response())) as server:
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda _, port, *a, **k: real(next(answers, "127.0.0.1"), port, *a, **k)
        )
        result = probe("http", Policy("public"), url=f"http://rebind.example:{server.port}/", timeout=1)
        assert result["outcome"] != "ok"
        assert server.accepted == 0


@pytest.mark.parametrize("policy", [Policy("public", ["0.0.0.0/0"]), ANY], ids=["everything listed", "any"])
def test_a_metadata_address_is_no_proxy(monkeypatch, policy) -> None:
    monkeypatch.setenv("http_proxy", "http://169.254.169.254:3128")
    result = probe("http", policy, url="http://127.0.0.1:9/", timeout=1)
    assert (result["outcome"], result["ran"]) == ("denied", False)
