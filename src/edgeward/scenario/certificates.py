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

from edgeward.authority import Certificate, LocalAuthority


def root_pem() -> str:
    """The authority that edge and viewer trust."""
    return _authority().root_pem


def edge_certificate(names: Iterable[str]) -> Certificate:
    """What the edge shows to viewers."""
    return _authority().certificate_for(names)


def origin_context(domain_name: str, certificate: str) -> ssl.SSLContext:
    """TLS of a fake origin whose certificate is trusted, self-signed, expired or for a wrong-name."""
    return _server_context(_ORIGIN_CERTIFICATES[certificate](domain_name))


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


@functools.cache
def _server_context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", dir=_directory(), suffix=".pem") as bundle:
        bundle.write(certificate.key_pem + certificate.chain_pem)
        bundle.flush()
        context.load_cert_chain(bundle.name)
    return context


_ORIGIN_CERTIFICATES = {
    "trusted": lambda domain_name: edge_certificate([domain_name]),
    "wrong-name": lambda _: edge_certificate(["elsewhere.localhost"]),
    "self-signed": _self_signed,
    "expired": _expired,
}
