"""An authority whose certificates name a responder on loopback, and the responder."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

HOUR = timedelta(hours=1)
LIFE = timedelta(days=89)


@dataclass
class Signer:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def sign(subject: str, issuer: Signer | None, *extensions: x509.ExtensionType, is_ca: bool = False) -> Signer:
    """A certificate by `issuer`, or by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    signer = key if issuer is None else issuer.key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - HOUR)
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(_key_usage(is_ca=is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Signer(builder.sign(signer, hashes.SHA256()), key)


def _key_usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass
class Responder:
    """Answers about what it issued, about `leaf` where it is not asked clearly, as its members say at that time."""

    url: str
    issuer: Signer = field(init=False)
    leaf: Signer = field(init=False)
    revoked: datetime | None = None
    status: int = 200
    life: timedelta = 24 * HOUR
    raw: bytes | None = None
    """In place of an answer."""
    requests: int = 0
    issued: dict[int, Signer] = field(default_factory=dict)
    """By serial number."""

    def __post_init__(self) -> None:
        self.issuer = sign("issuer", None, is_ca=True)
        self.leaf = self.issue("stapled.example.com")

    def issue(self, name: str) -> Signer:
        """A certificate for `name` that names this responder."""
        where = x509.UniformResourceIdentifier(self.url)
        access = x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, where)])
        made = sign(name, self.issuer, x509.SubjectAlternativeName([x509.DNSName(name)]), access)
        return self.issued.setdefault(made.certificate.serial_number, made)

    def delegate(self, usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.OCSP_SIGNING) -> Signer:
        """Somebody who signs answers in place of the issuer."""
        return sign("delegate", self.issuer, x509.ExtendedKeyUsage([usage]))

    @property
    def chain_pem(self) -> str:
        return self.leaf.pem + self.issuer.pem

    def answer(self, about: Signer | None = None, by: Signer | None = None, since: datetime | None = None) -> bytes:
        """A signed answer, DER."""
        signer, since = by or self.issuer, since or datetime.now(UTC) - timedelta(minutes=1)
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=(about or self.leaf).certificate,
            issuer=self.issuer.certificate,
            algorithm=hashes.SHA1(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if self.revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=since,
            next_update=since + self.life,
            revocation_time=self.revoked,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        if by is not None:
            builder = builder.certificates([by.certificate])
        return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@contextmanager
def responder() -> Iterator[Responder]:
    """One that listens."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.requests += 1
            asked = ocsp.load_der_ocsp_request(self.rfile.read(int(self.headers["Content-Length"])))
            about = found.issued.get(asked.serial_number)
            content = found.answer(about) if found.raw is None else found.raw
            self.send_response(found.status)
            self.send_header("Content-Type", "application/ocsp-response")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Responder(f"http://127.0.0.1:{server.server_address[1]}/ocsp")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
