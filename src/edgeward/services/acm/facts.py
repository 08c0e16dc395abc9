"""What a certificate says of itself, in ACM's words.

Pure. Rules: API reference, CertificateDetail; RFC 5280 sections 4.1 and 4.2.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

Extension = TypeVar("Extension", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is told of a certificate."""

    domain_name: str | None
    """The common name, else the first of `dns_names`; None when it has neither."""
    names: tuple[str, ...]
    """Its domain names, `domain_name` first, lower case."""
    dns_names: tuple[str, ...]
    """Those of its subject alternative names, the only ones that viewers go by (RFC 9525 section 6.3), lower case."""
    serial: str
    """As `0a:1b:2c`."""
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    key_algorithm: str
    """As `RSA_2048`, `EC_prime256v1`."""
    signature_algorithm: str
    """As `SHA256WITHRSA`."""
    key_usages: tuple[str, ...]
    extended_key_usages: tuple[tuple[str, str], ...]
    """Names with their object identifiers."""

    @property
    def is_for_clients(self) -> bool:
        """Whether it may be shown to a server, by which its holder is known."""
        return any(name == "TLS_WEB_CLIENT_AUTHENTICATION" for name, _ in self.extended_key_usages)


@lru_cache(maxsize=4_096)
def facts_of(pem: str) -> Facts:
    """The facts of a certificate that `material` has read before."""
    return facts_of_certificate(x509.load_pem_x509_certificate(pem.encode()))


def facts_of_certificate(certificate: x509.Certificate) -> Facts:
    """The facts of a certificate. Raises what `cryptography` raises for one that it cannot read in full."""
    dns_names = _dns_names(certificate)
    common_names = [str(name.value).lower() for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    domains = [name for name in common_names[:1] if "." in name]
    names = tuple(dict.fromkeys([*domains, *dns_names]))
    return Facts(
        domain_name=names[0] if names else None,
        names=names,
        dns_names=dns_names,
        serial=_serial(certificate.serial_number),
        subject=certificate.subject.rfc4514_string(),
        issuer=_issuer(certificate.issuer),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_algorithm=key_algorithm(certificate.public_key()),
        signature_algorithm=_signature_algorithm(certificate),
        key_usages=_key_usages(certificate),
        extended_key_usages=_extended_key_usages(certificate),
    )


def key_algorithm(key: CertificatePublicKeyTypes) -> str:
    """A key's algorithm as ACM calls it; one that ACM has no word for by the name of its type."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA_{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC_{_CURVES.get(key.curve.name, key.curve.name)}"
    return type(key).__name__


def _dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    names = _extension(certificate, x509.SubjectAlternativeName)
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName)) if names is not None else ()


def _serial(number: int) -> str:
    digits = f"{number:x}"
    return ":".join(_pairs(digits.zfill(len(digits) + len(digits) % 2)))


def _pairs(digits: str) -> list[str]:
    return [digits[place : place + 2] for place in range(0, len(digits), 2)]


def _issuer(name: x509.Name) -> str:
    """ACM tells the organization where there is one."""
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        attributes = name.get_attributes_for_oid(oid)
        if attributes:
            return str(attributes[0].value)
    return name.rfc4514_string()


def _signature_algorithm(certificate: x509.Certificate) -> str:
    digest = certificate.signature_hash_algorithm
    name = certificate.signature_algorithm_oid._name  # noqa: SLF001 - the library has no other word for it
    if digest is None:
        return name.upper()
    return f"{digest.name.upper()}WITH{'ECDSA' if 'ecdsa' in name.lower() else 'RSA'}"


def _key_usages(certificate: x509.Certificate) -> tuple[str, ...]:
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None:
        return ()
    # The last two mean nothing without key agreement, and the library refuses to tell.
    names = [name for name in _KEY_USAGES if name not in _OF_AGREEMENT or usage.key_agreement]
    return tuple(_KEY_USAGES[name] for name in names if getattr(usage, name))


def _extended_key_usages(certificate: x509.Certificate) -> tuple[tuple[str, str], ...]:
    usages = _extension(certificate, x509.ExtendedKeyUsage)
    return tuple((_EXTENDED_KEY_USAGES.get(oid, "CUSTOM"), oid.dotted_string) for oid in usages or ())


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


_CURVES = {"secp256r1": "prime256v1"}
_KEY_USAGES = {
    "digital_signature": "DIGITAL_SIGNATURE",
    "content_commitment": "NON_REPUDIATION",
    "key_encipherment": "KEY_ENCIPHERMENT",
    "data_encipherment": "DATA_ENCIPHERMENT",
    "key_agreement": "KEY_AGREEMENT",
    "key_cert_sign": "CERTIFICATE_SIGNING",
    "crl_sign": "CRL_SIGNING",
    "encipher_only": "ENCIPHER_ONLY",
    "decipher_only": "DECIPHER_ONLY",
}
_OF_AGREEMENT = frozenset({"encipher_only", "decipher_only"})
_EXTENDED_KEY_USAGES: dict[ObjectIdentifier, str] = {
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS_WEB_SERVER_AUTHENTICATION",
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS_WEB_CLIENT_AUTHENTICATION",
    ExtendedKeyUsageOID.CODE_SIGNING: "CODE_SIGNING",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "EMAIL_PROTECTION",
    ExtendedKeyUsageOID.TIME_STAMPING: "TIME_STAMPING",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSP_SIGNING",
    ExtendedKeyUsageOID.IPSEC_IKE: "IPSEC_END_SYSTEM",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "ANY",
}
