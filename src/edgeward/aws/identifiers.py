"""Random names: ids, ETags, request ids.

Randomness enters Edgeward's control plane here and nowhere else, so that a test can seed it. Forms are AWS's:
`E` and 13 capitals or digits for most ids and all ETags, a UUID for policies and requests.
"""

import random
import string
import uuid


class Identifiers:
    """A source of fresh identifiers; the operating system's randomness unless a seeded one is given."""

    def __init__(self, source: random.Random | None = None) -> None:
        self._source = source or random.SystemRandom()

    def capital(self, initial: str) -> str:
        """`initial` and 13 capitals or digits: `E2QWRUHAPOMQZL`."""
        return initial + self._draw(string.ascii_uppercase + string.digits)

    def lower(self, initial: str) -> str:
        """`initial` and 13 small letters or digits: `d111111abcdef8`."""
        return initial + self._draw(string.ascii_lowercase + string.digits)

    def tagged(self, prefix: str) -> str:
        """`prefix`, an underscore and 27 letters or digits: `vo_2wjDZi3hD1ivOXf6rpZJO1AB7uv`."""
        return f"{prefix}_{self._draw(string.ascii_letters + string.digits, 27)}"

    def unique(self, prefix: str) -> str:
        """`prefix` and 17 capitals or digits, as IAM names users and roles: `AIDACKCEVSQ6C2EXAMPLE`."""
        return prefix + self._draw(string.ascii_uppercase + string.digits, 17)

    def access_key(self, prefix: str) -> str:
        """`prefix` and 16 capitals or digits: `AKIAIOSFODNN7EXAMPLE`."""
        return prefix + self._draw(string.ascii_uppercase + string.digits, 16)

    def secret(self) -> str:
        """40 letters or digits, 238 bits: the secret of an access key."""
        return self._draw(string.ascii_letters + string.digits, 40)

    def hexadecimal(self, length: int) -> str:
        """That many hexadecimal digits."""
        return self._draw(string.hexdigits[:16], length)

    def uuid(self) -> str:
        """A random UUID (RFC 9562 version 4)."""
        return str(uuid.UUID(int=self._source.getrandbits(128), version=4))

    def _draw(self, alphabet: str, length: int = 13) -> str:
        """Letters of one draw of the system's randomness, not one for each: the remainders of a number that has 64 bits
        more than the letters need are even but for 2^-64.
        """
        number, letters = self._source.getrandbits(8 * length + 64), []
        for _ in range(length):
            number, place = divmod(number, len(alphabet))
            letters.append(alphabet[place])
        return "".join(letters)
