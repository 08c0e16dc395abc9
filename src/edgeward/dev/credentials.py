"""Access keys and other secrets: made at random at first start, kept in the state folder with mode 0600.

A fixed, well-known secret would let any page in the user's browser forge API calls to the loopback port.
"""

import json
import re
import secrets
import string
from dataclasses import asdict, dataclass
from pathlib import Path

from edgeward.dev.errors import DevError
from edgeward.dev.state_folder import write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An AWS access key."""

    id: str
    """20 characters, `AKIA...`, as AWS makes them."""
    secret: str
    """40 characters that need no quoting in a shell."""


def access_key(path: Path) -> AccessKey:
    """The access key kept at `path`; made there at first call. Raises `DevError` when the file holds no key."""
    if not path.exists():
        key = _new_access_key()
        write_private(path, json.dumps(asdict(key)))
        return key
    try:
        return AccessKey(**json.loads(path.read_text()))
    except (TypeError, ValueError) as error:
        raise DevError(f"{path} holds no access key: remove it to have a new one made") from error


def secret_key(path: Path) -> str:
    """64 hexadecimal digits kept at `path`; made there at first call. Raises `DevError` when the file holds none."""
    if not path.exists():
        write_private(path, secrets.token_hex(32))
    key = path.read_text().strip()
    if not re.fullmatch("[0-9a-f]{64}", key):
        raise DevError(f"{path} holds no key of 64 hexadecimal digits: remove it to have a new one made")
    return key


def _new_access_key() -> AccessKey:
    def draw(alphabet: str, length: int) -> str:
        return "".join(secrets.choice(alphabet) for _ in range(length))

    return AccessKey(
        id="AKIA" + draw(string.ascii_uppercase + "234567", 16),
        secret=draw(string.ascii_letters + string.digits, 40),
    )
