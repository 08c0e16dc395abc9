"""Making a key and having it certified: what asking for a certificate and renewing one have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from edgeward.acme.orders import Method, Order
from edgeward.authority import PublicKey
from edgeward.services.acm.material import Material

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Issuer(Protocol):
    """Signs certificates at once. `edgeward.authority.LocalAuthority` is one."""

    def covers(self, name: str, /) -> bool:
        """Whether it may sign a name, `*.` wildcards included."""

    def sign(self, names: Iterable[str], key: PublicKey, /) -> str:
        """The chain of a certificate for exactly these names, each of them covered: leaf first, PEM."""


class Validating(Protocol):
    """A CA that has names validated by DNS or by HTTP before it signs. `edgeward.acme.authority.AcmeAuthority` is one.

    Its methods raise `AcmeRefusalError` and `AcmeUnavailableError`.
    """

    def begin(self, names: Sequence[str], key_pem: str, method: Method, /) -> Order:
        """Asks for a certificate for names and a key."""

    def is_published(self, order: Order, /) -> bool:
        """Whether everything is there that the CA will look for."""

    def finish(self, order: Order, names: Sequence[str], key_pem: str, /) -> str:
        """Has the CA look and issue the certificate; returns its chain, PEM, leaf first."""


def issue(issuer: Issuer, names: Sequence[str], key_algorithm: str) -> Material:
    """A new certificate for names, with a new key of one of `KEYS`."""
    key = KEYS[key_algorithm]()
    return material_of(issuer.sign(names, key.public_key()), pem_of_key(key))


def material_of(chain_pem: str, key_pem: str) -> Material:
    """A chain, leaf first, and its key. Raises ValueError for what is no chain."""
    leaf, *issuers = x509.load_pem_x509_certificates(chain_pem.encode())
    chain = "".join(_pem(each) for each in issuers) or None
    return Material(certificate=_pem(leaf), chain=chain, private_key=key_pem)


def pem_of_key(key: PrivateKey) -> str:
    """A key, PKCS #8, not encrypted."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


KEYS: Mapping[str, Callable[[], PrivateKey]] = {
    "RSA_2048": lambda: rsa.generate_private_key(public_exponent=65_537, key_size=2_048),
    "EC_prime256v1": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC_secp384r1": lambda: ec.generate_private_key(ec.SECP384R1()),
}
"""The keys that ACM makes (User Guide, "Key algorithms")."""
