"""Certificates of one's own: files in a folder, which distributions name as they name those of ACM or IAM.

Each file holds one private key and the chain of its certificate, leaf first, both PEM, and is called by the
certificate's id: `<id>.pem` is what the ARN `arn:aws:acm:us-east-1:<account>:certificate/<id>` or the IAM id `<id>`
stands for. Invariant: a file that others may read or that does not hold together is never used. Called by the control
plane; knows no distribution.
"""

import re
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from edgeward.authority import Certificate

CertificateFinder = Callable[[str], Certificate | None]
"""Gives the certificate with an id, or None when there is none. Raises `CertificateError`."""


class CertificateError(Exception):
    """A file that cannot be used as a certificate. Says what to do."""


def no_certificates(_id: str) -> Certificate | None:
    """The finder of who has no certificates of their own."""
    return None


class CertificateFolder:
    """The certificates in `directory`, which need not exist. Each look-up reads the file anew."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def version(self) -> object:
        """Something that compares unequal once a file has come, gone or changed."""
        try:
            return sorted(_version_of(path) for path in self._directory.glob("*.pem"))
        except OSError:
            return None  # A file went away just now: the next look finds the rest.

    def find(self, id: str) -> Certificate | None:
        """The certificate `id`; None when there is no such file.

        Raises `CertificateError` for a file that others may read, or without a key and a certificate for it.
        """
        if not _ID.fullmatch(id):
            return None
        path = self._directory / f"{id}.pem"
        try:
            return _read(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise CertificateError(f"{path.name} cannot be read: {error}") from error


def _version_of(path: Path) -> tuple[str, int, int, int]:
    found = path.stat()
    return path.name, found.st_ino, found.st_ctime_ns, found.st_size


def _read(path: Path) -> Certificate:
    if stat.S_IMODE(path.stat().st_mode) & _OTHERS:
        raise CertificateError(f"{path.name} holds a private key that others may read: chmod 600 it")
    blocks = _BLOCK.findall(path.read_text(encoding="ascii"))
    keys = [block for block, label in blocks if label.endswith("PRIVATE KEY")]
    chain = [block for block, label in blocks if label == "CERTIFICATE"]
    if len(keys) != 1 or not chain:
        raise CertificateError(f"{path.name} holds {len(keys)} keys and {len(chain)} certificates: one key, its chain")
    leaf = _verified_leaf(path, keys[0], chain)
    return Certificate(names=_dns_names(leaf), chain_pem="".join(chain), key_pem=keys[0])


def _verified_leaf(path: Path, key_pem: str, chain: list[str]) -> x509.Certificate:
    try:
        key = serialization.load_pem_private_key(key_pem.encode(), password=None)
        leaf, *_issuers = [x509.load_pem_x509_certificate(block.encode()) for block in chain]
    except (ValueError, TypeError) as error:
        # What the parser says may repeat bytes of a key.
        raise CertificateError(f"{path.name} holds a key or certificate that is damaged or encrypted") from error
    if key.public_key() != leaf.public_key():
        raise CertificateError(f"{path.name}: the first certificate is not that of the key; the leaf comes first")
    return leaf


def _dns_names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(sorted(name.lower() for name in names.get_values_for_type(x509.DNSName)))


_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_BLOCK = re.compile(r"(-----BEGIN ([A-Z0-9 ]+)-----\n.*?-----END \2-----\n?)", re.DOTALL)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
