"""ARNs of CloudFront resources: written for answers, read to find what a caller names.

`arn:aws:cloudfront::<account>:<type>/<word>`; the word is the resource's id, or its name in the families that
callers know by name. Used by tags, resource policies and every family with an ARN.
"""

import re
from collections.abc import Callable

from edgeward.aws.resources import Resource, Transaction


def arn_of(account_id: str, family: str, word: str) -> str:
    """The ARN of a resource; `word` is its name in the families of `NAMED`, its id elsewhere."""
    return f"arn:aws:cloudfront::{account_id}:{TYPES[family]}/{word}"


def is_arn(text: str) -> bool:
    """Whether a text has the form of a CloudFront ARN."""
    return ARN.fullmatch(text) is not None


def canonical_arn(arn: str) -> str:
    """The one spelling of a CloudFront ARN that policies are written in: the partition `aws`. Other texts stay."""
    return ARN.sub(r"arn:aws:cloudfront::\g<account>:\g<type>/\g<word>", arn) if is_arn(arn) else arn


def resource_of_arn(account_id: str, transaction: Transaction, arn: str) -> Resource | None:
    """The living resource of an ARN; None when there is none, or it is of another account."""
    match = ARN.fullmatch(arn)
    family = FAMILIES.get(match["type"]) if match is not None else None
    if match is None or family is None or match["account"] != account_id:
        return None
    if family in NAMED:
        return transaction.find_by_name(family, match["word"])
    return transaction.find(family, match["word"])


def by_any_identifier(account_id: str, family: str) -> Callable[[Transaction, str], Resource | None]:
    """Looks a resource of a family up by its id, its name or its ARN."""

    def look_up(transaction: Transaction, identifier: str) -> Resource | None:
        if is_arn(identifier):
            found = resource_of_arn(account_id, transaction, identifier)
            return found if found is not None and found.family == family else None
        return transaction.find(family, identifier) or transaction.find_by_name(family, identifier)

    return look_up


def by_name(family: str) -> Callable[[Transaction, str], Resource | None]:
    """Looks a resource of a family up by its name."""
    return lambda transaction, name: transaction.find_by_name(family, name)


ARN = re.compile(r"arn:aws(-cn)?:cloudfront::(?P<account>[0-9]+):(?P<type>[a-z-]+)/(?P<word>[A-Za-z0-9_.-]+)")

TYPES = {
    "anycast-ip-list": "anycast-ip-list",
    "connection-function": "connection-function",
    "connection-group": "connection-group",
    "distribution": "distribution",
    "distribution-tenant": "distribution-tenant",
    "function": "function",
    "key-value-store": "key-value-store",
    "realtime-log-config": "realtime-log-config",
    "streaming-distribution": "streaming-distribution",
    "trust-store": "trust-store",
    "vpc-origin": "vpcorigin",
}
"""The families that have ARNs, and the type that stands in them."""

FAMILIES = {word: family for family, word in TYPES.items()}
NAMED = frozenset({"function", "realtime-log-config"})
