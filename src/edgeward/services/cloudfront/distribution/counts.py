"""How many distributions an account has, and how many may share a resource.

The quotas that need a look at other distributions. A distribution that shares a resource already may be changed also
when there are too many by now: only what is new is counted. Policies that AWS manages may be shared by all. Source:
Developer Guide, "Quotas". Called by the distribution family, once everything else is in order.
"""

from collections.abc import Iterator

from edgeward.aws.engine import Proposal
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import every
from edgeward.aws.quotas import ServiceQuota
from edgeward.services.cloudfront import cache_policy, origin_request_policy, quotas, response_headers_policy
from edgeward.services.cloudfront.distribution.holds import references


def check_counts(proposal: Proposal) -> None:
    """Raises ApiError with the code of the first quota that would be exceeded."""
    for quota, count, what in (*_of_account(proposal), *_shared(proposal)):
        most = proposal.quotas[quota]
        if count >= most:
            raise ApiError(quota.error, f"{what}: at most {most} distributions. Delete or change another one first.")


def _of_account(proposal: Proposal) -> Iterator[tuple[ServiceQuota, int, str]]:
    """The quotas of an account that a new distribution counts for, and how many there are."""
    if proposal.before is not None:
        return
    config, transaction = proposal.config, proposal.transaction
    yield quotas.DISTRIBUTIONS, transaction.count("distribution"), "An account"
    if config["Staging"]:
        staging = sum(each.config["Staging"] for each in every(transaction, "distribution"))
        yield quotas.STAGING_DISTRIBUTIONS, staging, "Staging"
    if config.get("ConnectionMode") == TENANT_ONLY:
        shared = len(transaction.referrers("connection-mode", TENANT_ONLY))
        yield quotas.MULTI_TENANT_DISTRIBUTIONS, shared, f"ConnectionMode {TENANT_ONLY}"


def _shared(proposal: Proposal) -> Iterator[tuple[ServiceQuota, int, str]]:
    """What the distribution would share with others and did not before, and how many do."""
    before = set(references(proposal.before.config)) if proposal.before is not None else set()
    for reference in dict.fromkeys(references(proposal.config)):
        quota = SHARED.get(reference.kind)
        if quota is None or reference in before or reference.target in MANAGED:
            continue
        users = proposal.transaction.referrers(reference.kind, reference.target)
        yield quota, len(users), f"The {reference.kind.replace('-', ' ')} '{reference.target}'"


TENANT_ONLY = "tenant-only"
SHARED = {
    "cache-policy": quotas.DISTRIBUTIONS_PER_CACHE_POLICY,
    "field-level-encryption-config": quotas.DISTRIBUTIONS_PER_ENCRYPTION_CONFIG,
    "function": quotas.DISTRIBUTIONS_PER_FUNCTION,
    "key-group": quotas.DISTRIBUTIONS_PER_KEY_GROUP,
    "origin-access-control": quotas.DISTRIBUTIONS_PER_ORIGIN_ACCESS_CONTROL,
    "origin-request-policy": quotas.DISTRIBUTIONS_PER_ORIGIN_REQUEST_POLICY,
    "response-headers-policy": quotas.DISTRIBUTIONS_PER_RESPONSE_HEADERS_POLICY,
    "trust-store": quotas.DISTRIBUTIONS_PER_TRUST_STORE,
}
"""By kind of reference."""
MANAGED = cache_policy.MANAGED.keys() | origin_request_policy.MANAGED.keys() | response_headers_policy.MANAGED.keys()
