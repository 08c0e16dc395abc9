"""Cache policies: what is in the cache key, and for how long a response stays fresh.

Managed policies are part of every account, cannot be changed, and are listed beside the custom ones. A change
of a policy republishes the distributions that use it. Rules: API reference, CachePolicyConfig; Developer
Guide, "Quotas".
"""

from datetime import UTC, datetime

from edgeward.aws.engine import Proposal, Quota, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront.managed_policies import MANAGED_CACHE_POLICIES
from edgeward.services.cloudfront.republishing import republish_users


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
    _check_name(config)
    _check_ttls(config)
    parameters = config.get("ParametersInCacheKeyAndForwardedToOrigin")
    if parameters is not None:
        for selection in SELECTIONS:
            _check_selection(parameters, *selection)
        _check_headers(parameters)
        _check_total_length(parameters)


def describe(_transaction: Transaction, policy: Resource) -> Shape:
    """The CachePolicy structure."""
    return {"Id": policy.id, "LastModifiedTime": policy.modified, "CachePolicyConfig": policy.config}


def summarize(transaction: Transaction, policy: Resource) -> Shape:
    """The CachePolicySummary structure."""
    kind = "managed" if policy.id in MANAGED else "custom"
    return {"Type": kind, "CachePolicy": describe(transaction, policy)}


def _check_name(config: Shape) -> None:
    if not config["Name"].strip():
        raise ApiError("InvalidArgument", "Name is empty. Give the cache policy a name.")
    if len(config.get("Comment", "")) > LONGEST_COMMENT:
        raise ApiError("InvalidArgument", f"Comment is longer than {LONGEST_COMMENT} characters.")


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
    return encodings or any(parameters[outer][behavior] != "none" for outer, behavior, *_ in SELECTIONS)


def _check_selection(parameters: Shape, outer: str, behavior: str, inner: str, too_many: str) -> None:
    selection = parameters[outer]
    items = selection.get(inner, {}).get("Items", [])
    lists_names = selection[behavior] in ("whitelist", "allExcept")
    if lists_names and not items:
        raise ApiError(
            "InvalidArgument",
            f"{outer}.{inner} is empty, but {behavior} is {selection[behavior]}. Name at least one.",
        )
    if items and not lists_names:
        raise ApiError(
            "InvalidArgument",
            f"{outer}.{inner} names items, but {behavior} is {selection[behavior]}. Leave {inner} out.",
        )
    if len(items) > MOST_NAMES:
        raise ApiError(too_many, f"{outer}.{inner} has {len(items)} names; a cache policy can have {MOST_NAMES}.")
    _check_names(f"{outer}.{inner}", items, folds_case=inner == "Headers")


def _check_names(where: str, names: list[str], *, folds_case: bool) -> None:
    seen = set()
    for name in names:
        key = name.lower() if folds_case else name
        if not name or key in seen:
            raise ApiError("InvalidArgument", f"{where} has an empty or repeated name: '{name}'.")
        seen.add(key)


def _check_headers(parameters: Shape) -> None:
    names = {name.lower() for name in parameters["HeadersConfig"].get("Headers", {}).get("Items", [])}
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


def _check_total_length(parameters: Shape) -> None:
    names = [name for outer, _, inner, _ in SELECTIONS for name in parameters[outer].get(inner, {}).get("Items", [])]
    if sum(map(len, names)) > LONGEST_NAMES:
        raise ApiError(
            "InvalidArgument",
            f"All names of a cache policy together have at most {LONGEST_NAMES} characters.",
        )


SELECTIONS = (
    ("HeadersConfig", "HeaderBehavior", "Headers", "TooManyHeadersInCachePolicy"),
    ("CookiesConfig", "CookieBehavior", "Cookies", "TooManyCookiesInCachePolicy"),
    ("QueryStringsConfig", "QueryStringBehavior", "QueryStrings", "TooManyQueryStringsInCachePolicy"),
)
"""The three selections: structure, its behavior member, its list, the error for too many names."""

UNCACHEABLE_HEADERS = frozenset(
    {
        "cloudfront-viewer-address",
        "cloudfront-viewer-asn",
        "cloudfront-viewer-ja3-fingerprint",
        "cloudfront-viewer-tls",
        "connection",
        "cookie",
        "proxy-authorization",
        "te",
        "upgrade",
    }
)
"""Developer Guide, "Caching content based on request headers" and "Add CloudFront request headers"."""

DEFAULT_TTL_SECONDS = 86_400
MAX_TTL_SECONDS = 31_536_000
LONGEST_TTL_SECONDS = 3_153_600_000
LONGEST_COMMENT = 128
MOST_NAMES = 10
LONGEST_NAMES = 1_024
MOST_POLICIES = 20

MANAGED = {
    policy.id: Resource(
        family="cache-policy",
        id=policy.id,
        etag="E23ZP02F085DFQ",
        config=policy.config,
        created=datetime(2020, 7, 22, tzinfo=UTC),
        modified=datetime(2020, 7, 22, tzinfo=UTC),
        name=policy.config["Name"],
    )
    for policy in MANAGED_CACHE_POLICIES
}
"""The managed policies as resources; dated to the day CloudFront introduced cache policies."""

SPEC = ResourceSpec(
    family="cache-policy",
    noun="CachePolicy",
    plural="CachePolicies",
    no_such="NoSuchCachePolicy",
    already_exists="CachePolicyAlreadyExists",
    in_use="CachePolicyInUse",
    name_member="Name",
    quota=Quota(limit=MOST_POLICIES, code="TooManyCachePolicies"),
    managed=MANAGED,
    new_id=lambda identifiers: identifiers.uuid(),
    fill_defaults=fill_defaults,
    check=check,
    describe=describe,
    summarize=summarize,
    on_change=republish_users,
)
