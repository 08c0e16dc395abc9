"""Certificates as callers bring them: authorities that Edgeward does not know, and what they sign."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
KINDS: dict[str, Callable[[], Key]] = {
    "RSA_1024": lambda: rsa.generate_private_key(65_537, 1_024),
    "RSA_2048": lambda: rsa.generate_private_key(65_537, 2_048),
    "RSA_4096": lambda: rsa.generate_private_key(65_537, 4_096),
    "EC_prime256v1": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC_secp384r1": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EC_secp521r1": lambda: ec.generate_private_key(ec.SECP521R1()),
}


@cache
def key(kind: str = "EC_prime256v1", number: int = 0) -> Key:
    """A key of a kind, made once; another number is another key."""
    return KINDS[kind]()


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A certificate with its key and whoever signed it; None: itself."""

    certificate: x509.Certificate
    private_key: Key
    issuer: "Signed | None" = None

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The same as it goes over the wire."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        """Its key, PKCS #8."""
        form = serialization.PrivateFormat.PKCS8
        return self.private_key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())

    @property
    def chain_pem(self) -> bytes:
        """The certificates of its issuers, in order."""
        return b"" if self.issuer is None else self.issuer.pem + self.issuer.chain_pem

    @property
    def members(self) -> dict[str, Any]:
        """As ImportCertificate takes it."""
        chain = {"CertificateChain": self.chain_pem} if self.issuer is not None else {}
        return {"Certificate": self.pem, "PrivateKey": self.key_pem, **chain}


def authority(name: str = "Example CA", issuer: Signed | None = None, **given: Any) -> Signed:
    """An authority, its own root unless another one signs it."""
    return signed([], issuer=issuer, common_name=name, is_authority=True, kind="EC_secp384r1", **given)


def signed(  # noqa: PLR0913 - each is a thing that a certificate may differ in
    names: Sequence[str],
    *,
    issuer: Signed | None = None,
    common_name: str | None = None,
    kind: str = "EC_prime256v1",
    number: int = 0,
    days: tuple[float, float] = (-1, 90),
    is_authority: bool = False,
    extensions: Sequence[x509.ExtensionType] = (),
    is_critical: bool = False,
    key_pem: str | None = None,
) -> Signed:
    """A certificate for names, signed by an issuer or by itself, valid between two days from today."""
    own, now = key(kind, number) if key_pem is None else _read_key(key_pem), datetime.now(UTC)
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common_name or names[0])] if common_name or names else []
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer is not None else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    certificate = builder.sign(issuer.private_key if issuer is not None else own, hashes.SHA256())
    return Signed(certificate=certificate, private_key=own, issuer=issuer)


def _read_key(pem: str) -> Key:
    found = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(found, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return found


SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
SIGNATURES = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
