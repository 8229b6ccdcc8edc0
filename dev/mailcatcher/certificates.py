"""Certificates for STARTTLS: a good one with its CA, and a bad one that no client may accept."""

import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificates:
    """Server contexts for STARTTLS and the CA that a trusting client needs."""

    good: ssl.SSLContext
    bad: ssl.SSLContext
    ca_pem: str


def make_certificates(*, now: datetime | None = None) -> Certificates:
    """Fresh certificates, valid for a year from now."""
    at = now or datetime.now(UTC)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _signed("Mail catcher CA", ca_key, issuer_key=ca_key, issuer=None, at=at)
    key = ec.generate_private_key(ec.SECP256R1())
    good = _signed("localhost", key, issuer_key=ca_key, issuer=ca, at=at)
    bad_key = ec.generate_private_key(ec.SECP256R1())
    bad = _signed("mail.example.org", bad_key, issuer_key=bad_key, issuer=None, at=at)
    return Certificates(
        good=_context(good, key),
        bad=_context(bad, bad_key),
        ca_pem=ca.public_bytes(serialization.Encoding.PEM).decode(),
    )


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    at: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    hosts: list[x509.GeneralName] = [x509.DNSName(name.replace(" ", "-"))]
    if name == "localhost":
        hosts.append(x509.IPAddress(IPv4Address("127.0.0.1")))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def _context(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        # The ssl module reads files only; they exist for this moment.
        path = Path(folder) / "both.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(path)
    return context
