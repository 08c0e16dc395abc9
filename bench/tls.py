"""The certificate all servers share, and the proof that wrk speaks the TLS we mean to measure."""

import datetime as dt
import ssl
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from socket import create_server, socket

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.content import HOST
from bench.load import LOAD_ENVIRONMENT

CHAIN_NAME = "chain.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """PEM files of one self-signed certificate for `HOST`."""

    chain: Path
    key: Path
    chain_and_key: Path
    """Both in one file, as HAProxy wants them."""


def make_certificate(folder: Path) -> Certificate:
    """Write a fresh ECDSA P-256 certificate, valid for a week, below `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain_pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return _write(folder, chain_pem, key_pem)


def negotiated_by_wrk(wrk: str, certificate: Certificate) -> tuple[str, str]:
    """Return the TLS version and cipher suite that wrk agrees on with a server that would take any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    with create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        agreed: list[tuple[str, str]] = []
        acceptor = threading.Thread(target=_accept_until_agreed, args=(listener, context, agreed))
        acceptor.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        subprocess.run(
            [wrk, "-t1", "-c1", "-d1s", url],
            env=LOAD_ENVIRONMENT,
            capture_output=True,
            check=False,
            timeout=30,
        )
        acceptor.join()
    return agreed[0] if agreed else ("none", "none")


def _accept_until_agreed(listener: socket, context: ssl.SSLContext, agreed: list[tuple[str, str]]) -> None:
    """Accept until one TLS handshake completes; wrk first opens a connection only to see that it can."""
    for _ in range(5):
        try:
            connection, _address = listener.accept()
            with context.wrap_socket(connection, server_side=True) as secured:
                agreed.append((secured.version() or "none", (secured.cipher() or ("none",))[0]))
                return
        except OSError:  # a connection that sent no hello, or no connection in time
            continue


def _write(folder: Path, chain_pem: bytes, key_pem: bytes) -> Certificate:
    files = Certificate(chain=folder / CHAIN_NAME, key=folder / "key.pem", chain_and_key=folder / "chain-and-key.pem")
    files.chain.write_bytes(chain_pem)
    files.key.write_bytes(key_pem)
    files.chain_and_key.write_bytes(chain_pem + key_pem)
    return files
