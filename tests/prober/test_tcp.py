"""tcp on loopback; what a packet filter does is in test_lab.py."""

import socket
import threading

from bot.prober.net import Attempt, summary
from tests.prober.servers import Listener, hang_up, listening, probe


def test_it_opens() -> None:
    with listening(hang_up) as server:
        result = probe("tcp", host="127.0.0.1", port=server.port)
    assert result["outcome"] == "ok"
    facts = result["facts"]
    assert (facts["address"], facts["port"], facts["failed"]) == ("127.0.0.1", server.port, 0)
    assert facts["attempts"][0]["ms"] >= 0


def test_refused_says_where() -> None:
    with listening(hang_up) as server:
        port = server.port
    result = probe("tcp", host="127.0.0.1", port=port)
    assert result["outcome"] == "refused"
    assert f"127.0.0.1 port {port}" in result["facts"]["error"]


def test_a_full_backlog_is_a_timeout() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(8):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            waiting.append(one)
        result = probe("tcp", host="127.0.0.1", port=full.getsockname()[1], timeout=0.6)
        for one in waiting:
            one.close()
    assert result["outcome"] == "timeout"


def test_a_name_that_does_not_exist_gets_the_outcome_of_dns() -> None:
    result = probe("tcp", host="no-such-host.invalid", port=80)
    assert result["outcome"] in {"nxdomain", "timeout", "refused", "unreachable", "servfail", "dns-refused"}
    assert result["facts"]["phase"] == "dns"
    assert "no-such-host.invalid does not resolve" in result["facts"]["error"]


def test_the_port_is_443_by_default() -> None:
    assert probe("tcp", host="127.0.0.1", timeout=1)["facts"]["port"] == 443


def test_a_missing_route_here_does_not_hide_what_the_network_said() -> None:
    v6 = Attempt("2001:db8::1", "unreachable", 0.1, "Network is unreachable", None, True)
    v4 = Attempt("192.0.2.1", "timeout", 3000.0, "no answer", None)
    assert summary([v6, v4]) is v4
    assert summary([v6]) is v6


def test_tries_and_families() -> None:
    with listening(hang_up) as server:
        facts = probe("tcp", host="127.0.0.1", port=server.port, tries=3)["facts"]
        assert (facts["tries"], facts["opened"]) == (3, 3)
        assert (facts["how"], facts["families"]) == ("opened", {"ipv4": "ok"})
    result = probe("tcp", host="127.0.0.1", port=server.port)
    assert (result["outcome"], result["facts"]["how"], "tries" in result["facts"]) == ("refused", "refused", False)


def test_a_port_that_opens_only_at_times() -> None:
    with listening(hang_up) as server:
        port = server.port
    timer = threading.Timer(0.3, lambda: opened.append(Listener(hang_up, port=port)))
    opened: list[Listener] = []
    timer.start()
    result = probe("tcp", host="127.0.0.1", port=port, tries=6, timeout=6)
    timer.join()
    opened[0].close()
    assert result["outcome"] == "ok", result
    assert 0 < result["facts"]["opened"] < 6
