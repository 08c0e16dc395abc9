"""The certificates of a run: what the edge shows to viewers and what the fake origins show to the edge.

All come from one local authority per process that lives in a temporary directory; a scenario may ask for an origin
whose certificate must be refused. Called by `runner`.
"""

import atexit
import functools
import shutil
import ssl
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edgeward.authority import Certificate, LocalAuthority


def root_pem() -> str:
    """The authority that edge and viewer trust."""
    return _authority().root_pem


def edge_certificate(names: Iterable[str]) -> Certificate:
    """What the edge shows to viewers."""
    return _authority().certificate_for(names)


def origin_context(domain_name: str, certificate: str, *, demands_certificate: bool = False) -> ssl.SSLContext:
    """TLS of a fake origin, made anew: its certificate is trusted, self-signed, expired or for a wrong-name, and it may
    be for clients alone that show the trusted certificate.
    """
    return _server_context(_ORIGIN_CERTIFICATES[certificate](domain_name), demands_certificate=demands_certificate)


@functools.cache
def client_certificate(kind: str) -> Certificate:
    """What the edge shows to origins: the certificate that they trust, or that of a stranger."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"the edge, {kind}")])
    pem = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(names=(), chain_pem=pem.decode(), key_pem=key_pem.decode())


def _expired(domain_name: str) -> Certificate:
    long_ago = datetime.now(UTC) - timedelta(days=1500)
    return LocalAuthority(_directory() / "trusted", lambda: long_ago).certificate_for([domain_name, "old.localhost"])


def _self_signed(domain_name: str) -> Certificate:
    return LocalAuthority(_directory() / "stranger").certificate_for([domain_name])


@functools.cache
def _authority() -> LocalAuthority:
    return LocalAuthority(_directory() / "trusted")


@functools.cache
def _directory() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="edgeward-scenario-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def _server_context(certificate: Certificate, *, demands_certificate: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", dir=_directory(), suffix=".pem") as bundle:
        bundle.write(certificate.key_pem + certificate.chain_pem)
        bundle.flush()
        context.load_cert_chain(bundle.name)
    if demands_certificate:
        context.load_verify_locations(cadata=client_certificate("trusted").chain_pem)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


CLIENT_CERTIFICATES = ("trusted", "stranger")
"""The kinds of certificates that the edge may show to origins."""
_ORIGIN_CERTIFICATES = {
    "trusted": lambda domain_name: edge_certificate([domain_name]),
    "wrong-name": lambda _: edge_certificate(["elsewhere.localhost"]),
    "self-signed": _self_signed,
    "expired": _expired,
}
