"""OCSP (RFC 6960): the question about one certificate, and what an answer is worth.

Invariant: a `Staple` was signed by the issuer of its certificate, or by whom the issuer put in charge, is about that
certificate, and was in force at the time it was checked. Pure; called by `stapler`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID


class OcspError(Exception):
    """An answer that is no use, or a certificate that nobody can be asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to send, and where to."""

    url: str
    """The responder that the certificate names; http."""
    request: bytes
    """DER; the content of a POST."""
    leaf: x509.Certificate
    issuer: x509.Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Staple:
    """An answer that may be shown to viewers."""

    response: bytes
    """DER, as the responder sent it."""
    produced: datetime
    expires: datetime
    """From then on it proves nothing."""
    revoked: datetime | None
    """Since when the certificate is revoked; None: it is good."""

    @property
    def renew_at(self) -> datetime:
        """When half of its life is over: the other half is for responders that cannot be reached."""
        return self.produced + (self.expires - self.produced) / 2


def query_for(chain_pem: str) -> Query | None:
    """The question about the first certificate of a chain; None when it names no responder, or the chain no issuer.

    Raises `OcspError` for a chain that cannot be read.
    """
    try:
        leaf, *issuers = x509.load_pem_x509_certificates(chain_pem.encode())
        url = _responder(leaf)
        if url is None or not issuers:
            return None
        builder = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuers[0], _HASH)
        request = builder.build().public_bytes(serialization.Encoding.DER)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise OcspError(f"the certificate chain cannot be read: {error}") from error
    return Query(url=url, request=request, leaf=leaf, issuer=issuers[0])


def staple_of(answer: bytes, query: Query, now: datetime) -> Staple:
    """What a responder's answer to `query` proves at `now`. Raises `OcspError` when it proves nothing."""
    try:
        response = ocsp.load_der_ocsp_response(answer)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise OcspError(f"the responder answered {response.response_status.name}")
        _check_subject(response, query)
        _check_signature(response, query.issuer, now)
        return _in_force(response, answer, now)
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise OcspError(f"the answer does not hold: {str(error) or type(error).__name__}") from error


def _responder(leaf: x509.Certificate) -> str | None:
    try:
        access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return None
    urls = [
        description.access_location.value
        for description in access
        if description.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(description.access_location, x509.UniformResourceIdentifier)
    ]
    return next((url for url in urls if url.startswith("http://")), None)


def _check_subject(response: ocsp.OCSPResponse, query: Query) -> None:
    """It is about the certificate, of which the request named serial number, issuer and issuer's key."""
    asked = ocsp.load_der_ocsp_request(query.request)
    is_same = (
        response.serial_number == asked.serial_number
        and response.hash_algorithm.name == asked.hash_algorithm.name
        and response.issuer_name_hash == asked.issuer_name_hash
        and response.issuer_key_hash == asked.issuer_key_hash
    )
    if not is_same:
        raise OcspError("the answer is about another certificate")


def _check_signature(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> None:
    """Signed by the issuer, or by a certificate of its that is for nothing else (RFC 6960 section 4.2.2.2)."""
    signer = next(filter(_is_named_by(response), (issuer, *response.certificates)), None)
    if signer is None:
        raise OcspError("the answer does not say who signed it")
    if signer != issuer:
        signer.verify_directly_issued_by(issuer)
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.OCSP_SIGNING not in usage:
            raise OcspError("the answer is signed by a certificate that is not for that")
        if not signer.not_valid_before_utc <= now <= signer.not_valid_after_utc:
            raise OcspError("the answer is signed by a certificate that is not in force")
    _verify(response, signer)


def _is_named_by(response: ocsp.OCSPResponse) -> Callable[[x509.Certificate], bool]:
    def is_named(certificate: x509.Certificate) -> bool:
        key_hash = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
        return response.responder_key_hash == key_hash or response.responder_name == certificate.subject

    return is_named


def _verify(response: ocsp.OCSPResponse, signer: x509.Certificate) -> None:
    key, algorithm = signer.public_key(), response.signature_hash_algorithm
    if algorithm is None:
        raise OcspError("the answer is signed by an algorithm that is not known here")
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
    else:
        raise OcspError("the answer is signed with a key that is neither RSA nor ECDSA")


def _in_force(response: ocsp.OCSPResponse, answer: bytes, now: datetime) -> Staple:
    produced = response.this_update_utc
    expires = response.next_update_utc or now + _WITHOUT_NEXT_UPDATE
    if not produced - _CLOCK_SKEW <= now < expires:
        raise OcspError(f"the answer is in force from {produced:%Y-%m-%d %H:%M} to {expires:%Y-%m-%d %H:%M} UTC")
    match response.certificate_status:
        case ocsp.OCSPCertStatus.GOOD:
            revoked = None
        case ocsp.OCSPCertStatus.REVOKED:
            revoked = response.revocation_time_utc or datetime.fromtimestamp(0, UTC)
        case _:
            raise OcspError("the responder does not know the certificate")
    return Staple(response=answer, produced=produced, expires=expires, revoked=revoked)


# What every responder understands (RFC 5019 section 2.1.1); it names the issuer and protects nothing.
_HASH = hashes.SHA1()  # noqa: S303 - see above
_CLOCK_SKEW = timedelta(minutes=5)
_WITHOUT_NEXT_UPDATE = timedelta(hours=1)
"""How long an answer is shown whose responder says that newer ones are always to be had."""
