"""tls against servers with real certificates: good, untrusted, expired, of another name, silent, and no TLS at all."""

import contextlib
import datetime
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.prober import tls
from bot.prober.der import BadCertificate, leaf
from tests.prober.servers import answering, certificate, hang_up, listening, over_tls, probe, reset, silent


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make this machine trust a CA, and that one alone."""

    def trust(ca):
        ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        monkeypatch.delenv("SSL_CERT_DIR", raising=False)

    return trust


def serve(context):
    return listening(over_tls(context, hang_up))


def test_a_good_certificate(tmp_path, trusting) -> None:
    context, ca = certificate(tmp_path)
    trusting(ca)
    with serve(context) as server:
        result = probe("tls", host="localhost", port=server.port)
    assert result["outcome"] == "ok", result
    facts = result["facts"]
    assert facts["names"] == ["localhost"]
    assert facts["version"].startswith("TLSv1.")
    assert "trustme" in facts["issuer"]
    assert facts["self_signed"] is False


def test_an_address_as_the_name(tmp_path, trusting) -> None:
    context, ca = certificate(tmp_path, name="127.0.0.1")
    trusting(ca)
    with serve(context) as server:
        result = probe("tls", host="127.0.0.1", port=server.port)
    assert (result["outcome"], result["facts"]["names"]) == ("ok", ["127.0.0.1"])


def test_an_untrusted_issuer_is_named(tmp_path, trusting) -> None:
    context, _ = certificate(tmp_path)
    trusting(certificate(tmp_path)[1])
    with serve(context) as server:
        result = probe("tls", host="localhost", port=server.port)
    assert result["outcome"] == "tls-untrusted"
    facts = result["facts"]
    assert "trustme" in facts["issuer"]
    assert facts["not_after"].endswith("Z")
    assert facts["names"] == ["localhost"]
    assert "issued by" in facts["error"]


def test_a_machine_that_trusts_nobody(tmp_path, monkeypatch) -> None:
    context, _ = certificate(tmp_path)
    (tmp_path / "empty.pem").write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with serve(context) as server:
        result = probe("tls", host="localhost", port=server.port)
    assert result["outcome"] == "tls-untrusted"
    assert "no certificate authority at all" in result["facts"]["error"]
    assert result["facts"]["ca_count"] == 0


def test_expired(tmp_path, trusting) -> None:
    context, ca = certificate(tmp_path, days=(-9, -2))
    trusting(ca)
    with serve(context) as server:
        result = probe("tls", host="localhost", port=server.port)
    assert result["outcome"] == "tls-expired"
    assert "has expired on" in result["facts"]["error"]


def test_not_yet_valid_asks_about_the_clock(tmp_path, trusting) -> None:
    context, ca = certificate(tmp_path, days=(2, 9))
    trusting(ca)
    with serve(context) as server:
        result = probe("tls", host="localhost", port=server.port)
    assert result["outcome"] == "tls-expired"
    assert result["facts"]["not_yet_valid"] is True
    assert "is the clock right?" in result["facts"]["error"]
    assert result["facts"]["not_before"] > result["facts"]["time"]


def test_another_name(tmp_path, trusting) -> None:
    context, ca = certificate(tmp_path, name="other.example")
    trusting(ca)
    with serve(context) as server:
        result = probe("tls", host="localhost", port=server.port)
        named = probe("tls", host="localhost", port=server.port, servername="other.example")
    assert result["outcome"] == "tls-name"
    assert result["facts"]["names"] == ["other.example"]
    assert "for other.example, not for localhost" in result["facts"]["error"]
    assert named["outcome"] == "ok"


def test_a_handshake_that_hangs() -> None:
    with listening(silent) as server:
        result = probe("tls", host="127.0.0.1", port=server.port, timeout=0.7)
    assert (result["outcome"], result["facts"]["phase"]) == ("timeout", "tls")


def test_a_handshake_that_drips() -> None:
    def drip(conn):
        conn.recv(4096)
        for byte in b"\x16\x03\x03\x40\x00" + b"\x02" * 3000:
            conn.sendall(bytes([byte]))

    with listening(drip) as server:
        result = probe("tls", host="127.0.0.1", port=server.port, timeout=0.7)
    assert result["outcome"] in {"timeout", "tls-error", "reset"}


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [(reset, "reset"), (hang_up, "reset"), (answering(b"HTTP/1.1 400 Bad\r\n\r\n"), "tls-error")],
)
def test_peers_that_break_it_off(handler, outcome) -> None:
    if outcome == "tls-error":

        def handler(conn):
            conn.recv(4096)
            conn.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)

    with listening(handler) as server:
        result = probe("tls", host="127.0.0.1", port=server.port, timeout=3)
    assert result["outcome"] == outcome, result
    assert result["facts"]["phase"] == "tls"


def test_nobody_listens() -> None:
    with listening(hang_up) as server:
        port = server.port
    result = probe("tls", host="127.0.0.1", port=port)
    assert (result["outcome"], result["facts"]["phase"]) == ("refused", "connect")


def test_the_reader_of_certificates_agrees_with_cryptography(tmp_path) -> None:
    import trustme
    from cryptography import x509

    issued = trustme.CA().issue_cert("a.example", "*.b.example", "10.0.0.1", common_name="Zoë, Ltd.")
    pem = issued.cert_chain_pems[0].bytes()
    import ssl

    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    truth, found = x509.load_pem_x509_certificate(pem), leaf(der)
    assert found.names == ["a.example", "*.b.example", "10.0.0.1"]
    assert found.not_after_s() == truth.not_valid_after_utc.replace(tzinfo=datetime.UTC).timestamp()
    assert "CN=Zoë, Ltd." in found.subject


@given(st.data())
@settings(max_examples=200)
def test_no_bytes_break_the_reader_of_certificates(data) -> None:
    raw = bytearray(_der())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    with contextlib.suppress(BadCertificate):
        leaf(bytes(raw[:cut]))


_DER: list[bytes] = []


def _der() -> bytes:
    if not _DER:
        import ssl

        import trustme

        _DER.append(ssl.PEM_cert_to_DER_cert(trustme.CA().issue_cert("a.example").cert_chain_pems[0].bytes().decode()))
    return _DER[0]


def test_a_bundle_that_is_no_bundle(tmp_path, monkeypatch) -> None:
    (tmp_path / "broken.pem").write_bytes(b"\x00\x01 no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "broken.pem"))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert tls.context(True)[1] == 0


def test_a_connection_that_is_gone_before_the_handshake() -> None:
    """The peer's reset may come between connecting and the first byte of ours."""
    import socket
    import struct

    from bot.prober.verb import Clock, Failed

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)

        def dial() -> socket.socket:
            sock = socket.create_connection(server.getsockname())
            peer, _ = server.accept()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            return sock

        with pytest.raises(Failed) as failed:
            tls.handshake(dial, "localhost", Clock(2))
    assert failed.value.outcome == "reset"


@pytest.mark.skipif(sys.version_info < (3, 10), reason="this Python cannot tell the chain")
def test_the_chain_and_who_opened_it(tmp_path, monkeypatch) -> None:
    import trustme

    ca = trustme.CA(organization_name="Zscaler Inc.")
    context, _ = certificate(tmp_path, ca=ca)
    with listening(over_tls(context, hang_up)) as server:
        result = probe("tls", host="localhost", port=server.port)
        facts = result["facts"]
        assert (result["outcome"], facts["interception"], facts["chain_length"]) == ("tls-untrusted", "Zscaler", 1), (
            result
        )
        ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        facts = probe("tls", host="localhost", port=server.port)["facts"]
    assert facts["interception"] == "Zscaler"
    assert "Zscaler" in facts["chain"][0]["issuer"]
    context, _ = certificate(tmp_path)
    with listening(over_tls(context, hang_up)) as server:
        assert "interception" not in probe("tls", host="localhost", port=server.port)["facts"]
