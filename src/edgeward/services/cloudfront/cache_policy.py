"""Cache policies: what is in the cache key, and for how long a response stays fresh.

Managed policies are part of every account, cannot be changed, and are listed beside the custom ones. A change
of a policy republishes the distributions that use it. Rules: API reference, CachePolicyConfig; Developer
Guide, "Quotas".
"""

from datetime import UTC, datetime

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.managed_policies import MANAGED_CACHE_POLICIES
from edgeward.services.cloudfront.managed_resources import managed_resources
from edgeward.services.cloudfront.policy_selections import (
    check_selection,
    check_text,
    check_total_length,
    header_names,
    selections,
)
from edgeward.services.cloudfront.republishing import republish_users
from edgeward.services.cloudfront.viewer_headers import NOT_IN_CACHE_KEY, refuse_unwritten_while_attached


def fill_defaults(config: Shape) -> Shape:
    """The configuration with the TTLs that CloudFront fills in: never below the ones given
    (CachePolicyConfig).
    """
    minimum = config["MinTTL"]
    default = config.get("DefaultTTL", max(DEFAULT_TTL_SECONDS, minimum))
    maximum = config.get("MaxTTL", max(MAX_TTL_SECONDS, default))
    return {**config, "DefaultTTL": default, "MaxTTL": maximum}


def check(proposal: Proposal) -> None:
    """The rules of a cache policy that its shape does not state. Raises ApiError with CloudFront's code."""
    config = proposal.config
    check_text(config, NOUN)
    _check_ttls(config)
    parameters = config.get("ParametersInCacheKeyAndForwardedToOrigin")
    if parameters is not None:
        for selection in SELECTIONS:
            check_selection(parameters, selection, NOUN, proposal.quotas)
        _check_headers(parameters)
        most = proposal.quotas[quotas.CACHE_POLICY_NAMES_LENGTH]
        check_total_length(parameters, "CachePolicy", NOUN, most)
        refuse_unwritten_while_attached(proposal, header_names(parameters))


def describe(_transaction: Transaction, policy: Resource) -> Shape:
    """The CachePolicy structure."""
    return {"Id": policy.id, "LastModifiedTime": policy.modified, "CachePolicyConfig": policy.config}


def summarize(transaction: Transaction, policy: Resource) -> Shape:
    """The CachePolicySummary structure."""
    kind = "managed" if policy.id in MANAGED else "custom"
    return {"Type": kind, "CachePolicy": describe(transaction, policy)}


def _check_ttls(config: Shape) -> None:
    ttls = [config[name] for name in ("MinTTL", "DefaultTTL", "MaxTTL")]
    if ttls[0] < 0 or ttls != sorted(ttls):
        raise ApiError(
            "InvalidArgument",
            "The TTLs have to be in order, none negative: MinTTL <= DefaultTTL <= MaxTTL. "
            f"They are {ttls[0]}, {ttls[1]} and {ttls[2]}.",
        )
    if ttls[2] > LONGEST_TTL_SECONDS:
        raise ApiError("InvalidArgument", f"MaxTTL is more than {LONGEST_TTL_SECONDS} seconds (100 years).")
    if ttls[2] == 0 and _caches_on_something(config.get("ParametersInCacheKeyAndForwardedToOrigin")):
        raise ApiError(
            "InvalidArgument",
            "With MaxTTL 0 nothing is cached, so the cache key has to be empty: set both EnableAcceptEncoding "
            "members to false and the behavior of headers, cookies and query strings to none, or raise MaxTTL.",
        )


def _caches_on_something(parameters: Shape | None) -> bool:
    if parameters is None:
        return False
    encodings = parameters["EnableAcceptEncodingGzip"] or parameters.get("EnableAcceptEncodingBrotli", False)
    return encodings or any(parameters[each.outer][each.behavior] != "none" for each in SELECTIONS)


def _check_headers(parameters: Shape) -> None:
    names = set(header_names(parameters))
    normalizes = parameters["EnableAcceptEncodingGzip"] or parameters.get("EnableAcceptEncodingBrotli", False)
    if normalizes and "accept-encoding" in names:
        raise ApiError(
            "InvalidArgument",
            "Accept-Encoding cannot be listed when EnableAcceptEncodingGzip or EnableAcceptEncodingBrotli is "
            "true: it is in the cache key already, normalized.",
        )
    refused = sorted(names & UNCACHEABLE_HEADERS)
    if refused:
        raise ApiError("InvalidArgument", f"These headers cannot be in a cache policy: {', '.join(refused)}.")


NOUN = "cache policy"
SELECTIONS = selections("CachePolicy")

UNCACHEABLE_HEADERS = NOT_IN_CACHE_KEY | {"connection", "cookie", "proxy-authorization", "te", "upgrade"}
"""Developer Guide, "Caching content based on request headers" and "Add CloudFront request headers"."""

DEFAULT_TTL_SECONDS = 86_400
MAX_TTL_SECONDS = 31_536_000
LONGEST_TTL_SECONDS = 3_153_600_000

MANAGED = managed_resources("cache-policy", MANAGED_CACHE_POLICIES, datetime(2020, 7, 22, tzinfo=UTC))

SPEC = ResourceSpec(
    family="cache-policy",
    noun="CachePolicy",
    plural="CachePolicies",
    no_such="NoSuchCachePolicy",
    already_exists="CachePolicyAlreadyExists",
    in_use="CachePolicyInUse",
    name_member="Name",
    quota=quotas.CACHE_POLICIES,
    managed=MANAGED,
    new_id=lambda identifiers: identifiers.uuid(),
    fill_defaults=fill_defaults,
    check=check,
    describe=describe,
    summarize=summarize,
    on_change=republish_users,
)
