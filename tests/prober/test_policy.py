"""Hostile targets in every spelling: nothing connects. A listener counts."""

import ipaddress
import itertools
import random
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.prober.policy import Policy, embedded, parse
from tests.prober.servers import a_record, dns, hang_up, listening, probe

CLOSED = Policy("public")
ANY = Policy("any")
EVERYTHING = Policy("public", ["0.0.0.0/0", "::/0"])

METADATA = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"]
METADATA += ["fe80::a9fe:a9fe", "fd20:ce::254", "169.254.0.1"]


def spellings(address: str) -> Iterator[str]:
    """One IPv4 address as inet_aton(3) takes it (decimal, octal and hex parts, 1 to 4 of them), and inside IPv6."""
    a, b, c, d = (int(part) for part in address.split("."))
    groups = [[a, b, c, d], [a, b, c << 8 | d], [a, b << 16 | c << 8 | d], [a << 24 | b << 16 | c << 8 | d]]
    styles = ["{}", "0x{:x}", "0X{:X}", "0{:o}", "0x{:08x}", "000{:o}"]
    for parts in groups:
        for chosen in itertools.product(styles, repeat=len(parts)) if len(parts) < 4 else _some(styles):
            yield ".".join(style.format(part) for style, part in zip(chosen, parts, strict=True))
    n = int(ipaddress.ip_address(address))
    high, low = n >> 16, n & 0xFFFF
    for prefix in (
        "::ffff:",
        "::",
        "64:ff9b::",
        "::ffff:0:",
        "0:0:0:0:0:ffff:",
        "64:ff9b:1::",
        "::5efe:",
        "::200:5efe:",
    ):
        yield f"{prefix}{address}"
        yield f"[{prefix}{high:x}:{low:x}]"
    yield f"2002:{high:x}:{low:x}::1"
    yield f"2001:0:{high:x}:{low:x}::"
    yield f"2001:0:102:304:0:0:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}"
    yield f"{address}."
    yield " " + address


def _some(styles: list[str]) -> Iterator[tuple[str, ...]]:
    chooser = random.Random(1)
    for _ in range(60):
        yield tuple(chooser.choice(styles) for _ in range(4))


def test_no_spelling_of_loopback_is_connected_to() -> None:
    tried = 0
    with listening(hang_up) as server:
        for text in itertools.chain(
            spellings("127.0.0.1"), spellings("127.9.8.7"), spellings("0.0.0.0"), ["::1", "::"]
        ):
            result = probe("tcp", CLOSED, host=text, port=server.port)
            assert result["outcome"] != "ok", text
            assert result["outcome"] in {"denied", "nxdomain", "error"}, (text, result)
            tried += 1
        assert server.accepted == 0
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(b"x")
            assert sock.recv(1) == b""
        assert server.accepted == 1  # the listener does count
    assert tried > 1000


@pytest.mark.parametrize("policy", [CLOSED, ANY, EVERYTHING], ids=["closed", "any", "everything listed"])
@pytest.mark.parametrize("address", METADATA)
def test_metadata_never(address: str, policy: Policy) -> None:
    assert "no vantage" in str(policy.deny(address))
    forms = [address] if ":" in address else list(spellings(address))[::40]
    for form in forms:
        for verb in ("tcp", "tls"):
            assert probe(verb, policy, host=form, port=80)["outcome"] in {"denied", "nxdomain", "error"}, form
        bracketed = f"[{form}]" if ":" in form and "[" not in form else form.strip()
        assert probe("http", policy, url=f"http://{bracketed}/latest/meta-data/")["outcome"] in {
            "denied",
            "nxdomain",
            "error",
        }


@pytest.mark.parametrize("name", ["metadata.google.internal", "METADATA.google.internal.", "metadata", "instance-data"])
def test_metadata_names(name: str) -> None:
    for policy in (ANY, EVERYTHING):
        for verb in ("dns", "tcp", "tls"):
            result = probe(verb, policy, host=name)
            assert (result["outcome"], result["ran"]) == ("denied", False)
        assert probe("http", policy, url=f"http://{name}/", via="direct")["outcome"] == "denied"


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.31.255.1",
        "192.168.0.1",
        "127.0.0.53",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "::1",
        "::",
        "fc00::1",
        "fd12::1",
        "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "2002:0a00:0001::1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001:db8::1",
        "2001:0:102:304::1",
        "::10.0.0.1",
        "4000::1",
        "5f00::1",
    ],
)
def test_special_addresses_are_closed_to_the_bots_host_alone(address: str) -> None:
    reason = CLOSED.deny(address)
    assert reason
    assert "probe_allow" in reason
    assert ANY.deny(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "2002:0808:0808::1",
        "64:ff9b::8.8.8.8",
        "::ffff:8.8.8.8",
    ],
)
def test_public_addresses_are_open(address: str) -> None:
    assert CLOSED.deny(address) is None


def test_what_is_listed_is_open_and_its_neighbour_is_not() -> None:
    policy = Policy("public", ["10.20.0.0/16", "fd00:1::/64"])
    assert policy.deny("10.20.3.4") is None
    assert policy.deny("::ffff:10.20.3.4") is None
    assert policy.deny("fd00:1::5") is None
    assert policy.deny("10.21.3.4")
    assert policy.deny("fd00:1:0:1::5")


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_an_address_inside_another_is_judged_as_itself(number: int) -> None:
    inner = ipaddress.IPv4Address(number)
    shut = CLOSED.deny(str(inner)) is not None
    for base in (0xFFFF << 32, 0x64FF9B << 96):
        outer = ipaddress.IPv6Address(base | number)
        assert inner in set(embedded(outer))
        assert (CLOSED.deny(str(outer)) is not None) == shut
    assert shut <= (CLOSED.deny(str(ipaddress.IPv6Address(0x2002 << 112 | number << 80))) is not None)


@given(st.integers(0, 2**128 - 1))
@settings(max_examples=300)
def test_only_global_unicast_is_open_in_ipv6(number: int) -> None:
    address = ipaddress.IPv6Address(number)
    if CLOSED.deny(str(address)) is None:
        assert (
            address in ipaddress.ip_network("2000::/3")
            or address in ipaddress.ip_network("64:ff9b::/96")
            or address.ipv4_mapped
        )


def test_zones_are_no_way_round() -> None:
    assert CLOSED.deny("fe80::1%lo")
    assert str(parse("fe80::1%lo")) == "fe80::1"
    assert probe("tcp", ANY, host="fe80::1%lo")["outcome"] == "error"


def test_a_request_without_a_policy_is_closed() -> None:
    policy = Policy.read({})
    assert policy.deny("10.0.0.1")
    for bad in ({"scope": "all"}, {"allow": "10.0.0.0/8"}, {"allow": ["x"]}, {"more": 1}, [], {"scope": ["any"]}):
        with pytest.raises(ValueError, match=r".+"):
            Policy.read(bad)


def test_a_resolver_named_by_a_log_is_a_target_too() -> None:
    with dns(lambda q: q.answer(a_record("1.2.3.4"))) as server:
        result = probe("dns", CLOSED, host="a.example", server=server.server)
        assert (result["outcome"], server.asked) == ("denied", 0)
        assert probe("dns", host="a.example", server=server.server)["outcome"] == "ok"
    assert probe("dns", ANY, host="a.example", server="169.254.169.254:53")["outcome"] == "denied"
    assert probe("dns", CLOSED, host="a.example", server="127.0.0.1:1")["outcome"] == "denied"


def test_a_name_is_resolved_once_and_only_the_judged_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that says a public address first and a private one from then on."""
    real = socket.getaddrinfo
    answers = iter(["203.0.114.9"])  # public, and nobody is there
    asked = []

    def resolver(host: object, port: object, *args: object, **more: object) -> object:
        asked.append(host)
        return real(next(answers, "127.0.0.1"), port, *args, **more)  # type: ignore[arg-type]

    with listening(hang_up) as server:
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        result = probe("tls", CLOSED, host="rebind.example", port=server.port, timeout=1)
        assert result["facts"]["address"] == "203.0.114.9"
        assert asked == [b"rebind.example"]
        assert probe("tcp", CLOSED, host="rebind.example", port=server.port)["outcome"] == "denied"
        assert server.accepted == 0
