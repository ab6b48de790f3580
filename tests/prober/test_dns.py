"""The DNS client against honest, broken and hostile servers."""

import contextlib
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.prober.dnswire import BadPacket, parse, query
from tests.prober.servers import Question, a_record, dns, probe


def ok(q: Question) -> bytes:
    return q.answer(a_record("192.0.2.7")) if q.kind == 1 else q.answer(a_record("2001:db8::7"))


def test_an_answer() -> None:
    with dns(ok) as server:
        result = probe("dns", host="a.example", server=server.server, tries=3)
    facts = result["facts"]
    assert result["outcome"] == "ok"
    assert (facts["resolver"], facts["rcode"], facts["answered"], facts["tries"]) == (server.server, "NOERROR", 3, 3)
    assert set(facts["addresses"]) == {"192.0.2.7", "2001:db8::7"}
    assert facts["types"] == {"A": "ok", "AAAA": "ok"}
    assert result["ms"] < 1000


@pytest.mark.parametrize(
    ("rcode", "outcome"), [(3, "nxdomain"), (2, "servfail"), (5, "dns-refused"), (4, "dns-refused"), (0, "nodata")]
)
def test_what_the_server_says(rcode: int, outcome: str) -> None:
    with dns(lambda q: q.answer(rcode=rcode)) as server:
        result = probe("dns", host="a.example", server=server.server)
    assert result["outcome"] == outcome
    assert server.server in result["facts"]["error"]


def test_silence_on_udp_and_tcp() -> None:
    with dns(lambda _: None) as server:
        result = probe("dns", host="a.example", server=server.server, tries=2, timeout=1.6)
    assert (result["outcome"], result["facts"]["answered"], result["facts"]["tcp"]) == ("timeout", 0, "timeout")
    assert result["ms"] >= 1500


def test_udp_is_silent_and_tcp_answers() -> None:
    with dns(lambda _: None, tcp=ok) as server:
        result = probe("dns", host="a.example", server=server.server, timeout=1.6)
    assert (result["outcome"], result["facts"]["tcp"]) == ("timeout", "ok")


def test_nobody_is_there() -> None:
    with dns(ok) as server:
        gone = server.server
    result = probe("dns", host="a.example", server=gone)
    assert result["outcome"] == "refused"
    assert result["facts"]["answered"] == 0


def test_a_cut_answer_is_fetched_over_tcp() -> None:
    with dns(lambda q: q.answer(flags=0x8380), tcp=ok) as server:
        result = probe("dns", host="a.example", server=server.server, type="A")
    assert result["outcome"] == "ok"
    assert (result["facts"]["truncated"], result["facts"]["tcp"]) == (True, "ok")
    assert result["facts"]["addresses"] == ["192.0.2.7"]


def test_one_try_of_three_is_answered() -> None:
    turn = iter([1, 0, 0])
    with dns(lambda q: ok(q) if next(turn, 0) else None) as server:
        result = probe("dns", host="a.example", server=server.server, tries=3, type="A", timeout=1.5)
    assert result["outcome"] == "ok"
    assert (result["facts"]["answered"], result["facts"]["tries"]) == (1, 3)


def test_a_failing_answer_beside_a_good_one_is_told() -> None:
    turn = iter([2, 0, 2])
    with dns(lambda q: ok(q) if not (r := next(turn, 0)) else q.answer(rcode=r)) as server:
        result = probe("dns", host="a.example", server=server.server, tries=3, type="A")
    assert result["outcome"] == "ok"
    assert result["facts"]["rcodes"] == {"SERVFAIL": 2, "NOERROR": 1}


def test_aaaa_is_dropped() -> None:
    with dns(lambda q: ok(q) if q.kind == 1 else None) as server:
        result = probe("dns", host="a.example", server=server.server)
    assert result["outcome"] == "ok"
    assert result["facts"]["types"] == {"A": "ok", "AAAA": "timeout"}


def test_forged_answers_are_passed_over() -> None:
    def forged(q: Question) -> list[bytes]:
        bad = q.answer(a_record("10.6.6.6"))
        other = bytes([q.ident[0] ^ 0xFF, q.ident[1]]) + bad[2:]
        elsewhere = bad.replace(b"\x01a\x07", b"\x01b\x07")
        return [other, elsewhere, b"", b"x", q.answer(flags=0x0180), ok(q)]

    with dns(forged) as server:
        result = probe("dns", host="a.example", server=server.server, type="A")
    assert result["facts"]["addresses"] == ["192.0.2.7"]


@pytest.mark.parametrize(
    "make",
    [
        lambda q: q.answer(a_record("1.2.3.4", name=b"\xc0\xff")),
        lambda q: q.answer(b"\xc0" + bytes([12 + len(q.raw)])),  # a name that points at itself
        lambda q: q.answer(b"\x3f" + b"a" * 10),
        lambda q: q.answer(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 9999) + b"x"),
        lambda q: q.answer(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 3) + b"xxx"),
    ],
    ids=["pointer out", "loop", "label cut", "record cut", "short address"],
)
def test_malformed_answers(make: object) -> None:
    with dns(make) as server:  # type: ignore[arg-type]
        result = probe("dns", host="a.example", server=server.server, type="A", timeout=2)
    assert result["outcome"] == "error"
    assert "malformed" in result["facts"]["error"]


def test_cname_chains_and_floods_of_records() -> None:
    alias = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, 3) + b"\x01z\x00"

    def many(q: Question) -> bytes:
        return q.answer(alias, *(a_record(f"192.0.2.{i % 250}") for i in range(400)))

    with dns(many) as server:
        result = probe("dns", host="a.example", server=server.server, type="A")
    assert result["outcome"] == "ok"
    assert result["facts"]["cname"] == ["z"]
    assert len(result["facts"]["addresses"]) <= 16


def test_text_records_are_masked() -> None:
    secret = b"\x2aghp_0123456789abcdefghijABCDEFGHIJ01234567"
    text = b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 60, len(secret)) + secret
    with dns(lambda q: q.answer(text)) as server:
        result = probe("dns", host="a.example", server=server.server, type="TXT")
    assert result["outcome"] == "ok"
    assert "ghp_" not in str(result)


@pytest.mark.parametrize(
    "server", ["127.0.0.1:0", "127.0.0.1:99999", "a b", "http://x", "[::1", "", "x:y:z", "1.2.3.4:53/x", 5]
)
def test_bad_servers(server: object) -> None:
    result = probe("dns", host="a.example", server=server)
    assert (result["outcome"], result["ran"]) == ("error", False)
    assert "server" in result["facts"]["error"]


def test_the_machines_own_resolvers(tmp_path: object) -> None:
    for server in ("control", "system"):
        result = probe("dns", host="localhost", server=server)
        # whatever the resolver says, the hosts file knows the name
        assert result["outcome"] == "ok"
        assert result["facts"]["resolvers"]
        assert {"search", "ndots", "system"} <= set(result["facts"])


@given(st.binary(max_size=300))
@settings(max_examples=400)
def test_no_packet_breaks_the_parser(tail: bytes) -> None:
    head = query(7, "a.example", "A")
    packet = head[:2] + b"\x81\x80" + head[4:6] + b"\x00\x05\x00\x00\x00\x00" + head[12:] + tail
    with contextlib.suppress(BadPacket):
        parse(packet, 7, "a.example", "A")


def test_damaged_real_answers_never_break_it() -> None:
    chooser = random.Random(3)
    good = Question(query(7, "a.example", "A")).answer(a_record("192.0.2.7"), a_record("192.0.2.8"))
    for _ in range(2000):
        raw = bytearray(good)
        for _ in range(chooser.randrange(1, 6)):
            raw[chooser.randrange(len(raw))] = chooser.randrange(256)
        with contextlib.suppress(BadPacket):
            parse(bytes(raw[: chooser.randrange(len(raw) + 1)]), 7, "a.example", "A")


def soa(zone: bytes = b"\xc0\x0c", ttl: int = 300, minimum: int = 60) -> bytes:
    data = b"\x01a\0\x01b\0" + struct.pack(">IIIII", 1, 2, 3, 4, minimum)
    return zone + struct.pack(">HHIH", 6, 1, ttl, len(data)) + data


def denial(q: Question, authority: bytes, flags: int = 0x8183) -> bytes:
    return q.ident + struct.pack(">HHHHH", flags, 1, 0, 1, 0) + q.raw + authority


def test_who_denies_a_name_and_for_how_long() -> None:
    with dns(lambda q: denial(q, soa())) as server:
        facts = probe("dns", host="a.example", server=server.server)["facts"]
    assert (facts["soa"], facts["negative_ttl"], facts["rcode"]) == ("a.example", 60, "NXDOMAIN")
    for broken in (soa()[:15], b"\xc0\xff", b"\xc0\x0c" + struct.pack(">HHIH", 6, 1, 9, 9999)):
        with dns(lambda q, data=broken: denial(q, data)) as server:
            result = probe("dns", host="a.example", server=server.server)
        assert (result["outcome"], "soa" in result["facts"]) == ("nxdomain", False)


def test_a_server_that_asks_nobody_else() -> None:
    with dns(lambda q: q.answer(flags=0x8100)) as server:
        facts = probe("dns", host="a.example", server=server.server)["facts"]
    assert facts["recursion"] is False
    with dns(lambda q: q.answer(a_record("192.0.2.1"), flags=0x8580)) as server:
        facts = probe("dns", host="a.example", server=server.server, type="A")["facts"]
    assert (facts["authoritative"], "recursion" in facts) == (True, False)


def test_one_transport_alone() -> None:
    with dns(ok, tcp=lambda q: q.answer(a_record("192.0.2.9")) if q.kind == 1 else q.answer()) as server:
        over_tcp = probe("dns", host="a.example", server=server.server, transport="tcp", tries=2)
        assert server.asked == 0
        over_udp = probe("dns", host="a.example", server=server.server, transport="udp", type="A")
    assert (over_tcp["outcome"], over_tcp["facts"]["addresses"], over_tcp["facts"]["answered"]) == (
        "ok",
        ["192.0.2.9"],
        2,
    )
    assert over_udp["facts"]["addresses"] == ["192.0.2.7"]
    with dns(lambda _: None, tcp=ok) as server:
        result = probe("dns", host="a.example", server=server.server, transport="udp", timeout=1.4)
    assert (result["outcome"], "tcp" in result["facts"]) == ("timeout", False)
    with dns(ok) as server:  # its TCP port is silent
        result = probe("dns", host="a.example", server=server.server, transport="tcp", timeout=0.8)
    assert result["outcome"] == "timeout"


@pytest.mark.parametrize(
    ("name", "ndots", "order", "known"),
    [
        ("db", 1, ["db.corp.example", "db.example", "db"], "db.corp.example"), ("a.db", 5, ["a.db.corp.example", "a.db.example", "a.db"], None),
        ("gone.test", 1, ["gone.test", "gone.test.corp.example", "gone.test.example"], None),
    ],
)  # fmt: skip
def test_search_domains(name, ndots, order, known, monkeypatch) -> None:
    from bot.prober import dns as verb
    from bot.prober import resolvconf, resolver

    def reply(q: Question) -> bytes:
        return q.answer(a_record("192.0.2.5")) if q.name == "db.corp.example" and q.kind == 1 else q.answer(rcode=3)

    with dns(reply) as server:
        config = resolvconf.Config(("127.0.0.1",), ("corp.example", "example"), ndots, (), True)
        monkeypatch.setattr(resolvconf, "read", lambda: config)
        for module in (verb, resolver):
            real = module.ask
            monkeypatch.setattr(module, "ask", lambda _, *a, real=real, **k: real(("127.0.0.1", server.port), *a, **k))
        facts = probe("dns", host=name, timeout=3)["facts"]
    assert [row["name"] for row in facts["searched"]] == order
    assert facts.get("answers_to") == known
