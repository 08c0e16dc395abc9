"""What viewers of a scenario show to the edge, and the authorities that a trust store may hold.

Made on demand, once per process. Everything is valid around the scenario's own time, not today's, but for what is
named after its fault. Called by `expansion` for trust stores and by `viewer` for its side of a handshake.
"""

import functools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edgeward.scenario.timeline import EPOCH_MS

Shown = Literal[
    "trusted",
    "rsa",
    "by-intermediate",
    "without-intermediate",
    "expired",
    "not-yet-valid",
    "for-servers",
    "too-deep",
    "by-stranger",
    "by-expired-authority",
]
Trusted = Literal["clients", "intermediate", "strangers", "expired"]
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A certificate with its key, and those above it that are shown with it."""

    certificate: x509.Certificate
    key: Key
    above: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        """Key, certificate and what is above it."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return key + "".join(pem_of(each) for each in (self.certificate, *self.above))


def authority_pem(name: Trusted) -> str:
    """The certificate of an authority."""
    return pem_of(_authority(name).certificate)


def pem_of(certificate: x509.Certificate) -> str:
    """One certificate as text."""
    return certificate.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    """How one certificate of a viewer differs from a good one."""

    issuer: Trusted = "clients"
    above: int = 0
    """How often the issuer's certificate is shown with it."""
    is_rsa: bool = False
    days: tuple[int, int] = (-3_000, 3_000)
    """From when on and until when it is valid, as days after the scenario's beginning."""
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH


@functools.cache
def shown(name: Shown) -> Party:
    """What a viewer shows under this name."""
    leaf = _LEAVES[name]
    issuer, key = _authority(leaf.issuer), _rsa_key() if leaf.is_rsa else _ec_key()
    builder = _builder(name, issuer.certificate.subject, key, leaf.days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([leaf.purpose]), critical=False)
    certificate = builder.serial_number(_SERIAL).sign(issuer.key, hashes.SHA256())
    return Party(certificate=certificate, key=key, above=(issuer.certificate,) * leaf.above)


@functools.cache
def _authority(name: Trusted) -> Party:
    issuer, key = _authority("clients") if name == "intermediate" else None, _ec_key()
    own_name = f"{name} authority"
    by = _subject(own_name) if issuer is None else issuer.certificate.subject
    builder = _builder(own_name, by, key, _LONG_AGO if name == "expired" else _YEARS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = builder.serial_number(x509.random_serial_number()).sign(issuer.key if issuer else key, hashes.SHA256())
    return Party(certificate=signed, key=key)


def _builder(name: str, issuer: x509.Name, key: Key, days: tuple[int, int]) -> x509.CertificateBuilder:
    now = datetime.fromtimestamp(EPOCH_MS / 1000, UTC)
    return (
        x509.CertificateBuilder(issuer_name=issuer, subject_name=_subject(name), public_key=key.public_key())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
    )


def _ec_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _rsa_key() -> Key:
    return rsa.generate_private_key(65537, 2048)


def _subject(name: str) -> x509.Name:
    attributes = (
        (NameOID.COUNTRY_NAME, "US"),
        (NameOID.ORGANIZATION_NAME, "Edgeward, Viewers"),
        (NameOID.COMMON_NAME, name),
    )
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in attributes])


_YEARS, _LONG_AGO = (-3_000, 3_000), (-60, -30)
_SERIAL = 0x4A3F5C92D1E87B6C
"""Of every viewer in every run, so that a scenario can name it."""
_LEAVES: dict[Shown, _Leaf] = {
    "trusted": _Leaf(),
    "rsa": _Leaf(is_rsa=True),
    "by-intermediate": _Leaf(issuer="intermediate", above=1),
    "without-intermediate": _Leaf(issuer="intermediate"),
    "expired": _Leaf(days=_LONG_AGO),
    "not-yet-valid": _Leaf(days=(30, 60)),
    "for-servers": _Leaf(purpose=ExtendedKeyUsageOID.SERVER_AUTH),
    "too-deep": _Leaf(issuer="intermediate", above=4),
    "by-stranger": _Leaf(issuer="strangers"),
    "by-expired-authority": _Leaf(issuer="expired"),
}
