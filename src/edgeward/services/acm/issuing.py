"""Making a key and having it certified: what asking for a certificate and renewing one have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from edgeward.authority import PublicKey
from edgeward.services.acm.material import Material

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Issuer(Protocol):
    """Signs certificates at once. `edgeward.authority.LocalAuthority` is one."""

    def covers(self, name: str, /) -> bool:
        """Whether it may sign a name, `*.` wildcards included."""

    def sign(self, names: Iterable[str], key: PublicKey, /) -> str:
        """The chain of a certificate for exactly these names, each of them covered: leaf first, PEM."""


def issue(issuer: Issuer, names: Sequence[str], key_algorithm: str) -> Material:
    """A new certificate for names, with a new key of one of `KEYS`."""
    key = KEYS[key_algorithm]()
    leaf, *issuers = x509.load_pem_x509_certificates(issuer.sign(names, key.public_key()).encode())
    return Material(
        certificate=_pem(leaf),
        chain="".join(_pem(each) for each in issuers) or None,
        private_key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


KEYS: Mapping[str, Callable[[], PrivateKey]] = {
    "RSA_2048": lambda: rsa.generate_private_key(public_exponent=65_537, key_size=2_048),
    "EC_prime256v1": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC_secp384r1": lambda: ec.generate_private_key(ec.SECP384R1()),
}
"""The keys that ACM makes (User Guide, "Key algorithms")."""
