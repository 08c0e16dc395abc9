"""A certificate authority of one's own, so that https works on a laptop from the first minute.

Owns the CA's key (made at first start, mode 0600, never leaves its directory) and the server certificates it issued,
both kept on disk. Invariant: the CA carries critical name constraints, so a stolen key can forge nothing outside the
names reserved for private use. Used by the control plane and by `edgeward.dev`; knows no distribution.
"""

import hashlib
import ipaddress
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

PERMITTED_DOMAINS = (
    "localhost",
    "test",
    "example",
    "example.com",
    "example.net",
    "example.org",
    "internal",
    "home.arpa",
)
"""Domains (with all their subdomains) the CA may sign: reserved for private use by RFC 2606, 6761, 8375 and ICANN."""


class AuthorityError(Exception):
    """A certificate that this authority cannot issue, or a CA on disk that cannot be used. Says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A server certificate with its private key."""

    names: tuple[str, ...]
    """DNS names (`*.` wildcards allowed) and IP addresses the certificate is good for, lower case, sorted."""
    chain_pem: str
    """The certificate, then its issuer, PEM: what a TLS server sends."""
    key_pem: str
    """The private key, PKCS #8 PEM, not encrypted."""


class LocalAuthority:
    """The local CA kept in `directory`: made there at first use, the same CA at every later one.

    Safe to use from several threads. Raises `AuthorityError` when what lies in `directory` is not a usable CA.
    """

    def __init__(self, directory: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._root_key_path.exists():
            self._make_root()
        self._root_key, self._root = self._load_root()

    @property
    def root_path(self) -> Path:
        """The CA certificate's file: what `curl --cacert` and a browser's trust store are given."""
        return self._directory / "ca.pem"

    @property
    def root_pem(self) -> str:
        """The CA certificate, PEM."""
        return _pem(self._root)

    def covers(self, name: str) -> bool:
        """Whether the CA may sign `name`: a DNS name (wildcards allowed) or a loopback IP address."""
        address = _ip_address(name)
        if address is not None:
            return address.is_loopback
        plain = name.lower().removeprefix("*.")
        return any(plain == domain or plain.endswith(f".{domain}") for domain in PERMITTED_DOMAINS)

    def certificate_for(self, names: Iterable[str]) -> Certificate:
        """The certificate for exactly `names` (their order and case do not matter): from disk, or issued now.

        It is issued anew when less than a third of its life is left. Raises `AuthorityError` for a name outside
        `PERMITTED_DOMAINS`, and for no names.
        """
        wanted = tuple(sorted({name.lower() for name in names}))
        self._require_covered(wanted)
        with self._lock:
            return self._stored(wanted) or self._issue(wanted)

    def sign(self, names: Iterable[str], key: PublicKey) -> str:
        """The chain, PEM, of a new certificate for exactly `names` and a key that somebody else keeps.

        Raises `AuthorityError` as `certificate_for` does.
        """
        wanted = tuple(sorted({name.lower() for name in names}))
        self._require_covered(wanted)
        leaf = _leaf_builder(wanted, self._root, self._clock()).public_key(key)
        return _pem(leaf.sign(self._root_key, hashes.SHA256())) + self.root_pem

    @property
    def _root_key_path(self) -> Path:
        return self._directory / "ca-key.pem"

    def _require_covered(self, names: tuple[str, ...]) -> None:
        if not names:
            raise AuthorityError("a certificate needs at least one name")
        for name in names:
            if not self.covers(name):
                allowed = ", ".join(PERMITTED_DOMAINS)
                raise AuthorityError(f"the local CA cannot sign {name!r}: use a name under one of {allowed}")

    def _make_root(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        # The key goes last: a start that died in between makes a new pair instead of meeting a key without its CA.
        _write(self.root_path, _pem(_root_certificate(key, self._clock())), mode=0o644)
        _write(self._root_key_path, _key_pem(key), mode=0o600)

    def _load_root(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        try:
            key = serialization.load_pem_private_key(self._root_key_path.read_bytes(), password=None)
            root = x509.load_pem_x509_certificate(self.root_path.read_bytes())
        except (OSError, ValueError) as error:
            raise AuthorityError(f"{self._directory} holds no usable CA: remove it to make a new one") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != root.public_key():
            raise AuthorityError(f"{self.root_path} does not belong to its key: remove {self._directory}")
        if root.not_valid_after_utc <= self._clock():
            raise AuthorityError(f"{self.root_path} has expired: remove {self._directory} to make a new CA")
        return key, root

    def _stored(self, names: tuple[str, ...]) -> Certificate | None:
        """The certificate on disk, or None when there is none, it is not this CA's, or its life is nearly over."""
        try:
            key_pem, chain_pem = _split_bundle(self._bundle_path(names).read_text())
            leaf = x509.load_pem_x509_certificate(chain_pem.encode())
            leaf.verify_directly_issued_by(self._root)
        except (FileNotFoundError, ValueError, InvalidSignature):
            return None
        lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
        if leaf.not_valid_after_utc - self._clock() < lifetime / 3:
            return None
        return Certificate(names=names, chain_pem=chain_pem, key_pem=key_pem)

    def _issue(self, names: tuple[str, ...]) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = Certificate(names=names, chain_pem=self.sign(names, key.public_key()), key_pem=_key_pem(key))
        _write(self._bundle_path(names), certificate.key_pem + certificate.chain_pem, mode=0o600)
        return certificate

    def _bundle_path(self, names: tuple[str, ...]) -> Path:
        """Key and chain of one set of names share a file, so that they can never belong to different certificates."""
        return self._directory / f"server-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:32]}.pem"


def _root_certificate(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Edgeward local CA {now:%Y-%m-%d %H:%M}")])
    loopback = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
    permitted = [x509.DNSName(domain) for domain in PERMITTED_DOMAINS] + [x509.IPAddress(net) for net in loopback]
    return (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _ROOT_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _leaf_builder(names: tuple[str, ...], root: x509.Certificate, now: datetime) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Edgeward")])
    issuer_key = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        x509.CertificateBuilder(issuer_name=root.subject, subject_name=subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(min(now + _LEAF_LIFETIME, root.not_valid_after_utc))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    address = _ip_address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _ip_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _split_bundle(bundle: str) -> tuple[str, str]:
    """A bundle's key and chain. Raises `ValueError` when it has no chain."""
    start = bundle.index("-----BEGIN CERTIFICATE-----")
    return bundle[:start], bundle[start:]


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def _write(path: Path, text: str, mode: int) -> None:
    """Puts the file in place whole: a reader sees the old one or the new one."""
    fresh = path.with_name(f"{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


_CLOCK_SKEW = timedelta(minutes=5)
"""Certificates start this much in the past: a viewer's clock may be behind ours."""
_ROOT_LIFETIME = timedelta(days=3650)
_LEAF_LIFETIME = timedelta(days=397)
"""Browsers refuse server certificates that live for more than 398 days."""
