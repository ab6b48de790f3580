"""capture: only where it is allowed, headers alone, and what the packets of an attempt show."""

import json
import os
import shutil
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.prober.pcap import packets
from bot.prober.policy import Policy
from tests.prober.servers import hang_up, listening, probe, reset

WATCH = Policy("any", [], True)


def test_it_is_off_unless_the_settings_say_so() -> None:
    for policy in (Policy("any"), Policy("public", ["127.0.0.1"]), Policy.read({"scope": "any", "capture": 1})):
        with listening(hang_up) as server:
            result = probe("capture", policy, host="127.0.0.1", port=server.port)
            assert (result["outcome"], result["ran"], server.accepted) == ("denied", False, 0)
    assert Policy.read({"capture": True}).capture is True


def test_without_tcpdump(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert probe("capture", WATCH, host="127.0.0.1", port=1)["outcome"] == "unsupported"
    assert probe("capture", WATCH, host="169.254.169.254", port=80)["outcome"] in ("denied", "unsupported")


def needs_tcpdump() -> None:
    if os.geteuid() != 0 or not shutil.which("tcpdump"):
        pytest.skip("needs root and tcpdump")


@pytest.mark.lab
def test_what_the_packets_show() -> None:
    needs_tcpdump()
    secret = b"hunter2hunter2"
    with listening(lambda c: c.sendall(secret)) as server:
        result = probe("capture", WATCH, host="127.0.0.1", port=server.port)
    facts: dict[str, Any] = result["facts"]
    assert (result["outcome"], facts["pattern"], facts["syn"], facts["syn_ack"]) == ("ok", "handshake", 1, 1), result
    assert "hunter2" not in json.dumps(result)
    with listening(reset) as server:
        gone = server.port
    result = probe("capture", WATCH, host="127.0.0.1", port=gone)
    assert (result["outcome"], result["facts"]["pattern"]) == ("refused", "refused")
    assert "a RST came back" in result["facts"]["error"]
    assert probe("capture", WATCH, host="::1", port=gone)["facts"]["pattern"] == "refused"


def _frame(flags: int, ports: tuple[int, int]) -> bytes:
    ip = bytes([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0]) + bytes([10, 0, 0, 1]) + bytes([10, 0, 0, 2])
    return bytes(14) + ip + struct.pack(">HHIIBBHHH", *ports, 7, 0, 0x50, flags, 0, 0, 0) + b"payload that is secret"


def _file(*frames: bytes, link: int = 1) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 120, link)
    return head + b"".join(struct.pack("<IIII", 5, 250_000, len(f), len(f)) + f for f in frames)


def test_headers_are_read_and_nothing_behind_them() -> None:
    (one, two) = packets(_file(_frame(2, (999, 443)), _frame(18, (443, 999))))
    assert (one.flags, one.source, one.source_port, one.target_port, one.at) == ("SYN", "10.0.0.1", 999, 443, 5.25)
    assert two.flags == "SYN-ACK"
    icmp = bytes(14) + bytes([0x45, 0, 0, 56, 0, 0, 0, 0, 63, 1, 0, 0]) + bytes([10, 0, 0, 9, 10, 0, 0, 1])
    icmp += bytes([3, 13, 0, 0, 0, 0, 0, 0]) + _frame(2, (999, 443))[14:42]
    (about,) = packets(_file(icmp))
    assert (about.flags, about.source, about.source_port) == ("icmp 3/13", "10.0.0.9", 999)


@given(st.binary(max_size=200), st.sampled_from([1, 101, 113, 276, 9999]))
@settings(max_examples=200)
def test_any_bytes_are_read_or_passed_over(data: bytes, link: int) -> None:
    list(packets(data))
    list(packets(_file(data, _frame(2, (1, 2))[:30], link=link)))
