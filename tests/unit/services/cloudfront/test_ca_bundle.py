"""Bundles of authorities: what is taken, and what is refused with what to change."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from edgeward.services.cloudfront.ca_bundle import BundleError, read_bundle

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def certificate(
    key: Any = None, *, is_authority: bool | None = True, digest: Any = hashes.SHA256, name: str = "a", **signing: Any
) -> bytes:
    """A self-signed one, PEM."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder(issuer_name=own, subject_name=own, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=9))
    )
    if is_authority is not None:
        constraints = x509.BasicConstraints(ca=is_authority, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
    return builder.sign(key, digest() if digest else None, **signing).public_bytes(Encoding.PEM)


ONE = certificate()


def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (ONE, 1),
        (ONE + certificate(name="b"), 2),
        (b"# Root\n" + ONE + b"# Intermediate, of 2026\n" + ONE + b"# end", 2),
        (ONE.replace(b"\n", b"\r\n"), 1),
        (b"\n" + ONE + b"\n", 1),
        (ONE * 25, 25),
        (certificate(ec.generate_private_key(ec.SECP384R1()), digest=hashes.SHA512), 1),
        (certificate(rsa_key(2048)), 1),
        (certificate(rsa_key(3072), digest=hashes.SHA384), 1),
        (
            certificate(
                rsa_key(2048), rsa_padding=padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            ),
            1,
        ),
    ],
)
def test_a_sound_bundle_is_counted_and_kept_without_its_comments(content: bytes, count: int) -> None:
    bundle = read_bundle(content)

    assert bundle.count == count == bundle.pem.count("BEGIN CERTIFICATE")
    assert "#" not in bundle.pem
    assert read_bundle(bundle.pem.encode()) == bundle


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "holds no certificate"),
        (b"# nothing\n", "holds no certificate"),
        (b"nonsense", "line 1 is neither"),
        (ONE + b"\n" + ONE, "is neither"),
        (b"# a - b\n" + ONE, "line 1 is neither"),
        (b"\xff" + ONE, "not ASCII"),
        (ONE[:-30], "does not end"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate 1 cannot be read"),
        (ONE + b"-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n", "certificate 2 cannot be read"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "line 1 is neither"),
        (certificate(is_authority=False), "certificate 1 is not one of an authority"),
        (ONE + certificate(is_authority=None), "certificate 2 is not"),
        (certificate(ec.generate_private_key(ec.SECP521R1())), "has a key that is not taken"),
        (certificate(ed25519.Ed25519PrivateKey.generate(), digest=None), "has a key that is not taken"),
        (certificate(rsa_key(1024)), "has a key that is not taken"),
        (certificate(digest=hashes.SHA224), "has a signature that is not taken"),
        (ONE * 26, "holds 26 certificates; at most 25"),
        (b"#" * (64 * 1024 + 1), "has 65537 bytes; at most 65536"),
    ],
)
def test_an_unsound_bundle_is_refused_with_what_to_change(content: bytes, named: str) -> None:
    with pytest.raises(BundleError, match=named):
        read_bundle(content)
