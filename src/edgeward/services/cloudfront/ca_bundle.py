"""The authorities of a trust store: read from a bundle of PEM certificates, or refused.

Pure: bytes in, a checked text out. Sources: Developer Guide, "Trust stores and certificate management" (format, kinds
of keys and signatures) and "Quotas" (mutual TLS). Called by `trust_store` with what it has fetched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

LARGEST_BUNDLE = 64 * 1024
"""Bytes."""
MOST_CERTIFICATES = 25


class BundleError(ValueError):
    """Why a bundle is not taken, and what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaBundle:
    """The authorities of a bundle."""

    pem: str
    """Their certificates alone, in the order of the bundle."""
    count: int


def read_bundle(content: bytes) -> CaBundle:
    """The authorities in `content`. Raises BundleError."""
    if len(content) > LARGEST_BUNDLE:
        raise BundleError(f"has {len(content)} bytes; at most {LARGEST_BUNDLE}")
    certificates = [_checked(index, each) for index, each in enumerate(_blocks(content))]
    if not certificates:
        raise BundleError("holds no certificate; put PEM certificates into it")
    if len(certificates) > MOST_CERTIFICATES:
        raise BundleError(f"holds {len(certificates)} certificates; at most {MOST_CERTIFICATES}")
    pem = "".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)
    return CaBundle(pem=pem, count=len(certificates))


def _blocks(content: bytes) -> Iterator[bytes]:
    """Each certificate block. Between them stand comments, and nothing else."""
    try:
        lines = content.decode("ascii").replace("\r\n", "\n").strip("\n").split("\n")
    except UnicodeDecodeError:
        raise BundleError("is not ASCII text; write PEM certificates") from None
    block: list[str] | None = None
    for number, line in enumerate(lines if lines != [""] else [], start=1):
        if block is not None:
            block.append(line)
            if line == _END:
                yield "\n".join(block).encode()
                block = None
        elif line == _BEGIN:
            block = [line]
        elif not _COMMENT.fullmatch(line):
            raise BundleError(f"line {number} is neither a certificate nor a comment; {_FORM}")
    if block is not None:
        raise BundleError(f"the last certificate does not end; {_FORM}")


def _checked(index: int, block: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(block)
        reason = _fault(certificate)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise BundleError(f"certificate {index + 1} cannot be read: {error}") from None
    if reason is not None:
        raise BundleError(f"certificate {index + 1} {reason}")
    return certificate


def _fault(certificate: x509.Certificate) -> str | None:
    """Why a certificate is not one of an authority that CloudFront takes; None when it is."""
    if certificate.version is not x509.Version.v3:
        return "is not X.509v3"
    if not _is_authority(certificate):
        return "is not one of an authority: its basic constraints do not say CA"
    key, hashed_by = certificate.public_key(), certificate.signature_hash_algorithm
    is_known_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS
    is_known_curve = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES
    if not (is_known_rsa or is_known_curve):
        return "has a key that is not taken; use RSA of 2048, 3072 or 4096 bits, or ECDSA on secp256r1 or secp384r1"
    if hashed_by is None or hashed_by.name not in _HASHES:
        return "has a signature that is not taken; sign with SHA256, SHA384 or SHA512"
    return None


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_COMMENT = re.compile(r"#[^-]*")
_FORM = "between certificates stand only comments, which begin with # and hold no -"
_RSA_BITS = frozenset({2048, 3072, 4096})
_CURVES = frozenset({"secp256r1", "secp384r1"})
_HASHES = frozenset({"sha256", "sha384", "sha512"})
