"""Classic mistakes, told with every change of a distribution: as a response header that SDKs pass over.

A change is never refused for one, and never fails because of the look for them. The rules are `edgeward.lint`'s; here
they get the policies that the account has. Called by the API for operations that answer with a distribution they
changed, and by the operation `lint` of Edgeward's own API.
"""

import logging
from collections.abc import Callable, Mapping

from edgeward.aws.model import Operation, Shape
from edgeward.aws.resources import ResourceStore, Transaction
from edgeward.lint import header
from edgeward.lint.rules import Finding, Subject, findings
from edgeward.services.cloudfront.distribution.fields import behaviors
from edgeward.services.cloudfront.store_references import StoreAttachments

logger = logging.getLogger(__name__)


def mistake_headers(store: ResourceStore) -> Callable[[Operation, Shape], Mapping[str, str]]:
    """What an answer says of mistakes in the distribution that was made or changed; nothing for other operations."""

    def headers(operation: Operation, result: Shape) -> Mapping[str, str]:
        if operation.name not in CHANGING:
            return {}
        try:
            with store.read() as transaction:
                found = mistakes(transaction, result["Distribution"]["DistributionConfig"])
        except Exception:
            # The change is made, and its caller has to hear so.
            logger.exception("the look for mistakes after %s failed", operation.name)
            return {}
        value = header.write(found)
        return {} if value is None else {header.HEADER: value}

    return headers


def mistakes(transaction: Transaction, config: Shape) -> list[Finding]:
    """What the rules find in a configuration that is filled with defaults."""
    known = StoreAttachments(transaction=transaction)
    return findings(
        Subject(
            config=config,
            cache_policies=_attached(config, "CachePolicyId", known.cache_policy),
            origin_request_policies=_attached(config, "OriginRequestPolicyId", known.origin_request_policy),
        )
    )


def _attached(config: Shape, member: str, find: Callable[[str], Shape | None]) -> dict[str, Shape]:
    ids = {behavior[member] for _, behavior in behaviors(config) if behavior.get(member)}
    found = {each: find(each) for each in ids}
    return {each: policy for each, policy in found.items() if policy is not None}


CHANGING = frozenset(
    {
        "CopyDistribution",
        "CreateDistribution",
        "CreateDistributionWithTags",
        "UpdateDistribution",
        "UpdateDistributionWithStagingConfig",
    }
)
"""The operations that answer with a distribution that they made or changed."""
