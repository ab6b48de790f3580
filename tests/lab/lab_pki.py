"""Certificates of the lab: one root that the runner trusts, and every way in which a server's can be wrong."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)
KINDS = ("ok", "untrusted", "self-signed", "expired", "not-yet", "wrong-name")


@dataclass(frozen=True)
class Issuer:
    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def _name(common: str, organization: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _sign(
    subject: x509.Name,
    issuer: Issuer | None,
    names: list[str],
    *,
    ca: bool = False,
    start: dt.timedelta = -DAY,
    days: int = 30,
) -> Issuer:
    """A certificate for `names` valid from now + `start`; `issuer=None` signs it with its own key."""
    key = ec.generate_private_key(ec.SECP256R1())
    begin = dt.datetime.now(dt.UTC) + start
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.cert.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + days * DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if names:
        sans = x509.SubjectAlternativeName([x509.DNSName(n) for n in names])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(sans, critical=False).add_extension(usage, critical=False)
    return Issuer(builder.sign(signer, hashes.SHA256()), key)


def _pem(made: Issuer) -> bytes:
    return made.cert.public_bytes(serialization.Encoding.PEM)


def make(folder: Path, names: list[str]) -> Path:
    """Write `<kind>.pem` (chain and key) for each of KINDS into `folder`; returns the trusted root's PEM file."""
    folder.mkdir(parents=True, exist_ok=True)
    root = _sign(_name("Lab Root CA", "Lab Example"), None, [], ca=True, days=60)
    corporate = _sign(_name("Acme Inspection CA", "Acme Corp"), None, [], ca=True, days=60)
    subject = _name(names[0])
    wrong = "portal.lab.example"
    leaves = {
        "ok": _sign(subject, root, names),
        "untrusted": _sign(subject, corporate, names),
        "self-signed": _sign(subject, None, names),
        "expired": _sign(subject, root, names, start=-40 * DAY, days=10),
        "not-yet": _sign(subject, root, names, start=20 * DAY),
        "wrong-name": _sign(_name(wrong), root, [wrong]),
    }
    for kind, leaf in leaves.items():
        key = leaf.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / f"{kind}.pem").write_bytes(_pem(leaf) + key)
    trusted = folder / "root.crt"
    trusted.write_bytes(_pem(root))
    return trusted
