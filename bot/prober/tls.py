"""`tls`: open a connection, finish the TLS handshake, and tell why it does not.

Facts: phase (connect, tls), address, connect_ms, tls_ms, version, cipher, issuer, subject, names, not_before,
not_after, self_signed (of the certificate that was served, trusted or not), reason (OpenSSL's words), verify (its
code), ca_file, ca_count, time and date hints for a clock that is off, chain ({subject, issuer, not_after} of what the
server sent, leaf first) and chain_length (from Python 3.10 on), interception (a product that opens TLS, by its name in
the chain).
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from .blame import outcome_of, words
from .der import BadCertificate, Leaf, leaf
from .net import connect, resolve
from .verb import HOST, PORT, TIMEOUT, Answer, Arg, Clock, Context, Facts, Failed, Verb, host

# where distributions keep their bundle, in the order in which Go looks (crypto/x509 root_linux.go)
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# X509_V_ERR_* (openssl/x509_vfy.h)
_EXPIRED, _NOT_YET, _NAMES = (10, 12), (9, 11), (62, 63, 64)

# products that open TLS on its way and sign it anew, by the names in the certificates that they make
_OPENERS = re.compile(
    r"zscaler|blue ?coat|symantec proxy|forti(?:net|gate)|palo alto|netskope|cisco umbrella|mcafee|skyhigh|sophos"
    r"|watchguard|check ?point|barracuda|forcepoint|websense|iboss|menlo security|mitmproxy|squid|charles proxy|fiddler"
    r"|portswigger|kaspersky|avast|\beset\b|bitdefender|smoothwall|untangle|securly|lightspeed|cloudflare gateway"
    r"|(?:ssl|tls|https) ?(?:inspection|interception|proxy|decrypt\w*)",
    re.IGNORECASE,
)

Dial = Callable[[], socket.socket]


class Trust(NamedTuple):
    """The certificates that programs on this machine trust."""

    ca_file: Optional[str]
    ca_dir: Optional[str]
    exists: bool

    def load(self, context: ssl.SSLContext) -> Optional[int]:
        """How many certificates there are; None where a folder holds them and they load one by one."""
        try:
            if self.ca_file and os.path.isfile(self.ca_file):
                context.load_verify_locations(cafile=self.ca_file)
            if self.ca_dir and os.path.isdir(self.ca_dir):
                context.load_verify_locations(capath=self.ca_dir)
                return None
        except (OSError, ssl.SSLError):
            pass  # a broken bundle trusts nobody, which is what the count will say
        return context.cert_store_stats()["x509"]


def trust() -> Trust:
    """As Go and OpenSSL do: SSL_CERT_FILE and SSL_CERT_DIR, else the distribution's bundle."""
    ca_file, ca_dir = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not ca_file and not ca_dir:
        ca_file = next((path for path in BUNDLES if os.path.isfile(path)), None)
        ca_file = ca_file or ssl.get_default_verify_paths().cafile
    exists = bool(ca_file and os.path.isfile(ca_file)) or bool(ca_dir and os.path.isdir(ca_dir))
    return Trust(ca_file, ca_dir, exists)


def context(verify: bool) -> Tuple[ssl.SSLContext, Optional[int]]:
    """A client context and the number of trusted certificates. TLS 1.2 at least, as Go and curl ask."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
        return made, None
    if hasattr(ssl, "VERIFY_X509_STRICT"):
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13 refuses private CAs that Go and curl take
    return made, trust().load(made)


def sent(wrapped: ssl.SSLSocket) -> Facts:
    """The certificates as the server sent them. 3.13 has a method for it, 3.10 to 3.12 a hidden one."""
    inner: Any = wrapped if hasattr(wrapped, "get_unverified_chain") else getattr(wrapped, "_sslobj", None)
    if not hasattr(inner, "get_unverified_chain"):
        return {}
    found: List[Leaf] = []
    raw = inner.get_unverified_chain() or []
    for one in raw[:10]:
        try:
            found.append(leaf(one if isinstance(one, bytes) else one.public_bytes(2)))  # 2: DER
        except (BadCertificate, AttributeError, TypeError, ValueError):
            continue
    rows = [{"subject": c.subject, "issuer": c.issuer, "not_after": c.not_after} for c in found]
    return {"chain": rows[:5], "chain_length": len(raw), **_opened_by(found)} if rows else {}


def _opened_by(found: List[Leaf]) -> Facts:
    for certificate in found:
        for text in (certificate.issuer, certificate.subject):
            named = _OPENERS.search(text)
            if named:
                return {"interception": named.group()}
    return {}


def handshake(dial: Dial, name: str, clock: Clock) -> Tuple[ssl.SSLSocket, Facts]:
    """Wrap what `dial` opens. `name` is asked for and checked. Raises Failed; after an untrusted certificate a second,
    unverified connection tells whose it is."""
    made, count = context(True)
    sock = dial()
    begun = time.monotonic()
    try:
        wrapped = _wrap(made, sock, name, clock)
    except ssl.SSLCertVerificationError as error:
        sock.close()
        facts: Facts = {"verify": error.verify_code, "ca_file": trust().ca_file}
        if count is not None:
            facts["ca_count"] = count
        found, chain = _served(dial, name, clock)
        facts.update(_opened_by([found]) if found else {}, **chain)
        raise _untrusted(error, name, facts, found, count) from None
    except (OSError, ValueError) as error:
        sock.close()
        raise _broken(error, clock, begun) from None
    facts = {"tls_ms": round((time.monotonic() - begun) * 1000, 1)}
    facts["version"], facts["cipher"] = wrapped.version(), (wrapped.cipher() or ("",))[0]
    facts.update(leaf_facts(wrapped.getpeercert(binary_form=True)), **sent(wrapped))
    return wrapped, facts


def _wrap(made: ssl.SSLContext, sock: socket.socket, name: str, clock: Clock) -> ssl.SSLSocket:
    try:
        sock.getpeername()
    except OSError:  # reset between connecting and here: `wrap_socket` would leave a socket behind
        raise ConnectionResetError(errno.ECONNRESET, "") from None
    sock.settimeout(max(0.01, clock.left()))  # over the whole handshake: CPython counts it down
    wrapped = made.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
    wrapped.settimeout(max(0.01, clock.left()))
    try:
        wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    return wrapped


def unverified(sock: socket.socket, name: str, clock: Clock) -> ssl.SSLSocket:
    """A session with whoever it is. Raises Failed."""
    begun = time.monotonic()
    try:
        return _wrap(context(False)[0], sock, name, clock)
    except (OSError, ValueError) as error:
        sock.close()
        raise _broken(error, clock, begun) from None


def _served(dial: Dial, name: str, clock: Clock) -> Tuple[Optional[Leaf], Facts]:
    try:
        wrapped = _wrap(context(False)[0], dial(), name, clock)
        with wrapped:
            return leaf(wrapped.getpeercert(binary_form=True) or b""), sent(wrapped)
    except (OSError, ValueError, Failed, BadCertificate):
        return None, {}  # what was seen the first time is enough for the outcome


def leaf_facts(data: Optional[bytes]) -> Facts:
    try:
        return _leaf_facts(leaf(data or b""))
    except BadCertificate:
        return {}


def _leaf_facts(found: Leaf) -> Facts:
    return dict(found._asdict())


def _untrusted(
    error: ssl.SSLCertVerificationError, name: str, facts: Facts, found: Optional[Leaf], count: Optional[int]
) -> Failed:
    code, said = error.verify_code, error.verify_message
    facts.update(phase="tls", reason=said, **(_leaf_facts(found) if found else {}))
    by = f", issued by {found.issuer or found.subject or 'nobody'}" if found else ""
    if code in _NAMES:
        theirs = ", ".join(found.names[:5]) if found and found.names else "no name"
        return Failed("tls-name", f"the certificate is for {theirs}, not for {name}{by}", **facts)
    if code in _EXPIRED:
        over = found is not None and found.not_after_s() < time.time()
        said = f"the certificate has expired on {found.not_after}" if found and over else "the certificate has expired"
        return Failed("tls-expired", f"{said}{by}", time=_now(), **facts)
    if code in _NOT_YET:
        facts["not_yet_valid"] = True
        start = f" before {found.not_before}" if found else ""
        hint = f"the certificate is not valid{start}, and this machine's clock says {_now()}: is the clock right?"
        return Failed("tls-expired", hint, time=_now(), **facts)
    if count == 0:
        return Failed("tls-untrusted", f"this machine trusts no certificate authority at all{by}", **facts)
    return Failed("tls-untrusted", f"the certificate is not trusted: {said}{by}", **facts)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _broken(error: Exception, clock: Clock, begun: float) -> Failed:
    """A handshake that did not come to its end, apart from the certificate."""
    facts: Facts = {"phase": "tls", "tls_ms": round((time.monotonic() - begun) * 1000, 1)}
    if isinstance(error, socket.timeout) or clock.left() <= 0:
        return Failed("timeout", "TCP opened, the TLS handshake did not finish", **facts)
    if isinstance(error, ssl.SSLError):
        facts["reason"] = reason = error.reason or str(error)
        if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or "EOF" in reason:
            return Failed("reset", "the peer closed the connection during the TLS handshake", **facts)
        hint = {
            "WRONG_VERSION_NUMBER": ": what answers does not speak TLS",
            "HTTP_REQUEST": ": what answers speaks plain HTTP",
            "UNSUPPORTED_PROTOCOL": ": the server offers nothing newer than TLS 1.1",
        }.get(reason, "")
        return Failed("tls-error", f"the TLS handshake failed ({reason}){hint}", **facts)
    if isinstance(error, OSError):
        outcome = outcome_of(error)
        if error.errno in (None, 0):
            outcome = "reset"  # OpenSSL's SSL_ERROR_SYSCALL without an errno is an end of file
        return Failed(outcome, f"the connection broke during the TLS handshake: {words(error)}", **facts)
    return Failed("tls-error", f"the TLS handshake failed: {error}", **facts)


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    name, port = args["servername"] or args["host"], args["port"]
    found = resolve(args["host"], ctx, ctx.clock.part(0.5))
    attempt = connect(found.allowed, port, ctx.clock.part(0.6))
    base: Facts = {"address": attempt.address, "port": port, "servername": name}
    base.update(dns_ms=found.ms, connect_ms=attempt.ms)
    opened: List[socket.socket] = [attempt.sock] if attempt.sock else []

    def dial() -> socket.socket:
        again = opened.pop() if opened else connect([attempt.address], port, ctx.clock).sock
        assert again
        return again

    try:
        wrapped, facts = handshake(dial, name, ctx.clock)
    except Failed as failure:
        failure.facts = {**base, **failure.facts}
        raise
    wrapped.close()
    return Answer("ok", {**base, **facts, "phase": "tls"})


VERB = Verb(
    says="finish a TLS handshake, and check the certificate as the machine's programs would",
    args={
        "host": HOST,
        "port": PORT,
        "servername": Arg(host, "the name to ask for and check, where it is not the host"),
        "timeout": TIMEOUT,
    },
    seconds=8.0,
    run=run,
)
