"""ListDistributionsBy...: the distributions that hold on to one thing.

One row for each operation; what a distribution holds is `distribution.holds`' to say. Rules: API reference of each
operation.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from edgeward.aws.engine import Call, Environment, Handler, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import answer_rows, every, requested_page
from edgeward.aws.model import Operation, ServiceModel, Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import cache_policy, origin_request_policy, response_headers_policy
from edgeward.services.cloudfront.arns import by_any_identifier, resource_of_arn
from edgeward.services.cloudfront.distribution.holds import last_segment

Finder = Callable[[str, Transaction, str], Iterable[str] | None]
"""The holders of what a word names, for an account; None when there is no such thing."""
Summarize = Callable[[Transaction, Resource], Shape]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How one operation finds its distributions."""

    member: str
    """The member of the input that names what is held."""
    find: Finder
    no_such: str = "InvalidArgument"
    """The error for a thing that is not there."""


def listing_handlers(model: ServiceModel, environment: Environment, summarize: Summarize) -> dict[str, Handler]:
    """All of the operations; `summarize` makes a DistributionSummary."""

    def handler(name: str, listing: Listing) -> Handler:
        operation = model.operations[name]
        return lambda call: list_distributions(environment, operation, listing, summarize, call)

    handlers = {name: handler(name, listing) for name, listing in LISTINGS.items()}
    by_log_config = handlers["ListDistributionsByRealtimeLogConfig"]
    return handlers | {"ListDistributionsByRealtimeLogConfig": lambda call: by_log_config(_with_name(call))}


def list_distributions(
    environment: Environment, operation: Operation, listing: Listing, summarize: Summarize, call: Call
) -> Shape:
    """One of the operations: ids, summaries, or ids with their owner, as its output has them."""
    page, word = requested_page(call.members), call.members[listing.member]
    with environment.store.read() as transaction:
        holders = listing.find(environment.account_id, transaction, word)
        if holders is None:
            raise ApiError(listing.no_such, f"There is nothing with the {listing.member} '{word}'.")
        found = {each: transaction.find("distribution", each) for each in holders}
        rows = {each: distribution for each, distribution in found.items() if distribution is not None}
        return answer_rows(operation.output, page, rows, _item(environment, operation, transaction, summarize))


def _item(
    environment: Environment, operation: Operation, transaction: Transaction, summarize: Summarize
) -> Callable[[Resource], str | Shape]:
    """What stands in the list for a distribution."""
    items: dict[str, Callable[[Resource], str | Shape]] = {
        "DistributionIdList": lambda each: each.id,
        "DistributionIdOwnerList": lambda each: {
            "DistributionId": each.id,
            "OwnerAccountId": environment.account_id,
        },
        "DistributionList": lambda each: summarize(transaction, each),
    }
    assert operation.output is not None
    (payload,) = operation.output.members.values()
    return items[payload.name]


def _with_name(call: Call) -> Call:
    """A real-time log configuration is told by its name or by its ARN."""
    word = call.members.get("RealtimeLogConfigName") or call.members.get("RealtimeLogConfigArn")
    if not word:
        raise ApiError("InvalidArgument", "RealtimeLogConfigName or RealtimeLogConfigArn is needed.")
    return replace(call, members=call.members | {"RealtimeLogConfigName": last_segment(word)})


def _policy(spec: ResourceSpec) -> Finder:
    def find(_account_id: str, transaction: Transaction, word: str) -> Iterable[str] | None:
        is_there = word in spec.managed or transaction.find(spec.family, word) is not None
        return transaction.referrers(spec.family, word) if is_there else None

    return find


def _by_id(family: str) -> Finder:
    def find(_account_id: str, transaction: Transaction, word: str) -> Iterable[str] | None:
        is_there = transaction.find(family, word) is not None
        return transaction.referrers(family, word) if is_there else None

    return find


def _by_any(family: str) -> Finder:
    def find(account_id: str, transaction: Transaction, word: str) -> Iterable[str] | None:
        resource = by_any_identifier(account_id, family)(transaction, word)
        return transaction.referrers(family, resource.id) if resource is not None else None

    return find


def _by_log_config(_account_id: str, transaction: Transaction, name: str) -> Iterable[str]:
    return transaction.referrers("realtime-log-config", name)


def _by_owned(account_id: str, transaction: Transaction, arn: str) -> Iterable[str] | None:
    """Of the resources that accounts can share, distributions name VPC origins."""
    resource = resource_of_arn(account_id, transaction, arn)
    if resource is None or resource.family != "vpc-origin":
        return None
    return transaction.referrers("vpc-origin", resource.id)


def _by_mode(_account_id: str, transaction: Transaction, mode: str) -> Iterable[str]:
    """A distribution that names no mode is reached directly."""
    distributions = every(transaction, "distribution")
    return [each.id for each in distributions if (each.config.get("ConnectionMode") or "direct") == mode]


def _by_web_acl(_account_id: str, transaction: Transaction, word: str) -> Iterable[str]:
    """The word `null` stands for having none (API reference)."""
    if word == "null":
        return [each.id for each in every(transaction, "distribution") if not each.config["WebACLId"]]
    return transaction.referrers("web-acl", word)


LISTINGS = {
    "ListDistributionsByAnycastIpListId": Listing(
        member="AnycastIpListId", no_such="EntityNotFound", find=_by_id("anycast-ip-list")
    ),
    "ListDistributionsByCachePolicyId": Listing(
        member="CachePolicyId", no_such="NoSuchCachePolicy", find=_policy(cache_policy.SPEC)
    ),
    "ListDistributionsByConnectionFunction": Listing(
        member="ConnectionFunctionIdentifier", no_such="EntityNotFound", find=_by_any("connection-function")
    ),
    "ListDistributionsByConnectionMode": Listing(member="ConnectionMode", find=_by_mode),
    "ListDistributionsByKeyGroup": Listing(member="KeyGroupId", no_such="NoSuchResource", find=_by_id("key-group")),
    "ListDistributionsByOriginRequestPolicyId": Listing(
        member="OriginRequestPolicyId",
        no_such="NoSuchOriginRequestPolicy",
        find=_policy(origin_request_policy.SPEC),
    ),
    "ListDistributionsByOwnedResource": Listing(member="ResourceArn", no_such="EntityNotFound", find=_by_owned),
    "ListDistributionsByRealtimeLogConfig": Listing(member="RealtimeLogConfigName", find=_by_log_config),
    "ListDistributionsByResponseHeadersPolicyId": Listing(
        member="ResponseHeadersPolicyId",
        no_such="NoSuchResponseHeadersPolicy",
        find=_policy(response_headers_policy.SPEC),
    ),
    "ListDistributionsByTrustStore": Listing(
        member="TrustStoreIdentifier", no_such="EntityNotFound", find=_by_any("trust-store")
    ),
    "ListDistributionsByVpcOriginId": Listing(
        member="VpcOriginId", no_such="EntityNotFound", find=_by_id("vpc-origin")
    ),
    "ListDistributionsByWebACLId": Listing(member="WebACLId", find=_by_web_acl),
}
"""The operations by name."""
