"""AWS Signature Version 4A: the ECDSA key that belongs to an access key, and checking what it signed.

The private key on P-256 is derived from the secret access key (NIST SP 800-108 in counter mode), so both sides have
it; we need the public half only. Invariant: no input makes this raise. Called by `sigv4`, which knows what is signed.
Rules: "How AWS SigV4A works" of the IAM User Guide.
"""

import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256


def is_signed(message: bytes, signature: str, access_key: str, secret: str) -> bool:
    """Whether `signature` (hexadecimal, DER) is that of an access key over `message`."""
    try:
        public_key(access_key, secret).verify(bytes.fromhex(signature), message, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=1_024)
def public_key(access_key: str, secret: str) -> ec.EllipticCurvePublicKey:
    """The public key of an access key."""
    for counter in range(1, 255):
        candidate = _candidate(access_key, secret, counter)
        if candidate <= ORDER - 2:
            return ec.derive_private_key(candidate + 1, ec.SECP256R1()).public_key()
    raise AssertionError("254 hashes in a row beyond the order of P-256 do not happen")


def _candidate(access_key: str, secret: str, counter: int) -> int:
    one, bits = (1).to_bytes(4, "big"), (256).to_bytes(4, "big")
    fixed = b"".join([one, ALGORITHM.encode(), b"\0", access_key.encode(), bytes([counter]), bits])
    return int.from_bytes(hmac.digest(f"AWS4A{secret}".encode(), fixed, "sha256"), "big")


ALGORITHM = "AWS4-ECDSA-P256-SHA256"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256 (FIPS 186-4, D.1.2.3)."""
