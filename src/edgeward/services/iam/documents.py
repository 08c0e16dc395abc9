"""Policy documents as callers send and get them: read, bounded, refused with IAM's error."""

from functools import lru_cache
from urllib.parse import quote

from edgeward.access.errors import MalformedPolicyError
from edgeward.access.policy import Kind, Policy, read_policy
from edgeward.aws.errors import ApiError


@lru_cache(maxsize=4096)
def read(text: str, kind: Kind = Kind.IDENTITY) -> Policy:
    """The policy of a document that was stored: read once."""
    return read_policy(text, kind)


def check(text: str, *, longest: int, kind: Kind = Kind.IDENTITY) -> None:
    """Raises ApiError `MalformedPolicyDocument`, or `LimitExceeded` beyond `longest` characters without white space."""
    try:
        read(text, kind)
    except MalformedPolicyError as error:
        raise ApiError("MalformedPolicyDocument", str(error)) from error
    if size(text) > longest:
        raise ApiError("LimitExceeded", f"Cannot exceed quota for PolicySize: {longest}. Shorten the document.")


def size(text: str) -> int:
    """Characters that count: IAM passes over white space."""
    return sum(not character.isspace() for character in text)


def encoded(text: str) -> str:
    """As answers carry documents: percent-encoded (RFC 3986)."""
    return quote(text, safe="")
