"""Secrets at rest: secret access keys in the store, all of a session inside its token.

AES-256-GCM by `cryptography`. Invariant: what is sealed can be opened only with the key and for the purpose it was
sealed for; nobody without the key learns or changes anything of it.
"""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Vault:
    """Seals and opens texts with one key."""

    def __init__(self, key: str) -> None:
        """`key` is 64 hexadecimal digits."""
        self._cipher = AESGCM(bytes.fromhex(key))

    def seal(self, text: str, purpose: str) -> str:
        """The text as base64 that only `open` with the same purpose reads."""
        nonce = os.urandom(NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), purpose.encode())).decode()

    def open(self, sealed: str, purpose: str) -> str | None:
        """What was sealed for the purpose; None when it was not, or not with this key."""
        try:
            content = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], purpose.encode()).decode()
        except (binascii.Error, InvalidTag, ValueError):
            return None


NONCE_BYTES = 12
