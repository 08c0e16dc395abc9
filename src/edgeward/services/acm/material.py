"""A certificate, its chain and its private key as a caller imports them: read, or refused.

Pure but for the time that is passed in. Invariant: what is accepted holds together, so that an edge can serve it: the
key is the certificate's, each certificate is signed by the next one, all are valid now. Rules: API reference,
ImportCertificate; User Guide, "Prerequisites for importing ACM certificates". Differs from ACM: the issuer's key may be
of another algorithm than the certificate's, and RSA keys have 2048 bits at least.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtensionOID

from edgeward.aws.errors import ApiError
from edgeward.services.acm import quotas
from edgeward.services.acm.facts import facts_of_certificate

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A certificate that can be served. All PEM."""

    certificate: str
    chain: str | None
    """Its issuers in order; None for a self-signed certificate."""
    private_key: str = field(repr=False)
    """PKCS #8, not encrypted."""


class OtherKeyError(ApiError):
    """The private key is that of another certificate."""

    def __init__(self) -> None:
        message = "The private key is not that of the certificate. Send the two that belong together."
        super().__init__("ValidationException", message)


def read_material(
    certificate: bytes, chain: bytes | None, private_key: bytes, now: datetime, *, needs_issuers: bool = True
) -> Material:
    """What was sent, written anew. Raises ApiError `ValidationException`, without a word of what it was.

    Unless it `needs_issuers`, a certificate may come without those who signed it.
    """
    [leaf] = _certificates(certificate, "Certificate", most=1)
    issuers = _certificates(chain, "CertificateChain", most=quotas.ISSUERS) if chain is not None else []
    key = _private_key(private_key)
    _check_leaf(leaf)
    if key.public_key() != leaf.public_key():
        raise OtherKeyError
    if issuers or needs_issuers:
        _check_chain(leaf, issuers)
    _check_validity(leaf, issuers, now)
    return Material(
        certificate=_pem(leaf),
        chain="".join(_pem(issuer) for issuer in issuers) or None,
        private_key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )


def _certificates(pem: bytes, member: str, *, most: int) -> list[x509.Certificate]:
    found = _read(lambda: x509.load_pem_x509_certificates(pem), f"{member} is not in PEM, or holds no certificate.")
    if len(found) > most:
        raise _invalid(f"{member} holds {len(found)} certificates; it has at most {most}.")
    return found


def _private_key(pem: bytes) -> PrivateKeyTypes:
    if len(pem) > quotas.PRIVATE_KEY_BYTES:
        raise _invalid(f"The private key has more than {quotas.PRIVATE_KEY_BYTES} bytes.")
    message = "The private key is not one unencrypted key in PEM. Decrypt it before it is imported."
    return _read(lambda: serialization.load_pem_private_key(pem, password=None), message)


def _check_leaf(leaf: x509.Certificate) -> None:
    if leaf.version is not x509.Version.v3:
        raise _invalid("The certificate is not of X.509 version 3.")
    facts = _read(lambda: facts_of_certificate(leaf), "The certificate has an extension or a key that is damaged.")
    if facts.key_algorithm not in KEY_ALGORITHMS:
        known = ", ".join(KEY_ALGORITHMS)
        raise _invalid(f"The certificate has a key of the kind {facts.key_algorithm}; it has to be one of {known}.")
    unknown = [each.oid.dotted_string for each in leaf.extensions if each.critical and each.oid not in UNDERSTOOD]
    if unknown:
        raise _invalid(f"The certificate has the critical extension {unknown[0]}, which the edge does not understand.")
    if not leaf.issuer.rdns:
        raise _invalid("The Issuer field of the certificate must not be empty.")


def _check_chain(leaf: x509.Certificate, issuers: Sequence[x509.Certificate]) -> None:
    if not issuers:
        if not _is_issued_by(leaf, leaf):
            message = "Provided certificate is not a valid self signed. Please provide either a valid self-signed "
            raise _invalid(f"{message}certificate or certificate chain.")
        return
    for place, (subject, issuer) in enumerate(pairwise([leaf, *issuers]), start=1):
        if not _is_issued_by(subject, issuer):
            message = "Could not validate the certificate with the certificate chain: certificate"
            raise _invalid(f"{message} {place} of the chain did not sign the one before it. Begin with the issuer.")


def _is_issued_by(subject: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        subject.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _check_validity(leaf: x509.Certificate, issuers: Sequence[x509.Certificate], now: datetime) -> None:
    for certificate in (leaf, *issuers):
        if now < certificate.not_valid_before_utc:
            raise _invalid("A certificate of the chain is not valid yet: the time is before its Not Before.")
        if now >= certificate.not_valid_after_utc:
            raise _invalid("A certificate of the chain has expired: the time is after its Not After.")


def _read(read: Callable[[], Read], message: str) -> Read:
    """What `read` returns; `message` for what the library cannot read, whose own words may repeat bytes of a key."""
    try:
        return read()
    except UNREADABLE as error:
        raise _invalid(message) from error


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


UNREADABLE = (
    TypeError,
    UnsupportedAlgorithm,
    ValueError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for input that is damaged, encrypted or of a kind that it does not know."""
UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)
"""The extensions that may be critical: an edge's TLS takes no certificate with another one (RFC 5280 section 4.2)."""
KEY_ALGORITHMS = ("RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1")
"""The keys that the edge serves."""
