"""The cache policies that every account has without creating them.

Each is data only: the id that AWS publishes and the `CachePolicyConfig` that `GetCachePolicy` returns for it.
They are read-only: a caller can attach one to a cache behavior, never change or delete it. The cache policy
family lists them beside its own, and tools find them by name (Terraform) or by id (CDK, CloudFormation).
The policies that AWS reserves for the distributions of Amplify Hosting are left out. One is Edgeward's own:
`Edgeward-RFC9111`, under which the edge caches by RFC 9111 alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    """A policy that belongs to no account: `list-cache-policies --type managed` shows it."""

    id: str
    """The published id, the same everywhere."""
    config: dict[str, Any]
    """A `CachePolicyConfig` as boto3 receives it. Shared: copy before changing."""


def _selection(kind: str, chosen: str | Sequence[str]) -> dict[str, Any]:
    """`chosen` is a behavior ("none", "all") or the names of a whitelist."""
    if isinstance(chosen, str):
        return {f"{kind}Behavior": chosen}
    return {f"{kind}Behavior": "whitelist", f"{kind}s": {"Quantity": len(chosen), "Items": list(chosen)}}


def _cache_key(
    encodings: str,
    *,
    headers: str | Sequence[str] = "none",
    cookies: str = "none",
    query_strings: str | Sequence[str] = "none",
) -> dict[str, Any]:
    return {
        "EnableAcceptEncodingGzip": "gzip" in encodings,
        "EnableAcceptEncodingBrotli": "br" in encodings,
        "HeadersConfig": _selection("Header", headers),
        "CookiesConfig": _selection("Cookie", cookies),
        "QueryStringsConfig": _selection("QueryString", query_strings),
    }


def _policy(policy_id: str, name: str, comment: str, ttls: tuple[int, int, int], key: dict[str, Any]) -> ManagedPolicy:
    minimum, default, maximum = ttls
    config = {
        "Name": name,
        "Comment": comment,
        "MinTTL": minimum,
        "DefaultTTL": default,
        "MaxTTL": maximum,
        "ParametersInCacheKeyAndForwardedToOrigin": key,
    }
    return ManagedPolicy(id=policy_id, config=config)


_DAY = 86_400
_YEAR = 31_536_000
_METHOD_OVERRIDES = ("host", "origin", "x-http-method", "x-http-method-override", "x-method-override")

CACHING_DISABLED_POLICY_ID = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""Nothing is cached."""

RFC9111_CACHE_POLICY_ID = "7beac0f4-da6b-46c5-a323-5d65164381a8"
"""A behavior that attaches it stores and reuses responses by the rules of RFC 9111. Everything the viewer sends but
Host reaches the origin, unless an origin request policy says otherwise; Vary selects among the stored responses.
"""

# Ids and settings: Developer Guide, "Use managed cache policies". Names, comments and the case of header
# names: as ListCachePolicies shows them. The two UseOriginCacheControlHeaders have no "Managed-" prefix.
MANAGED_CACHE_POLICIES: tuple[ManagedPolicy, ...] = (
    _policy(
        "08627262-05a9-4f76-9ded-b50ca2e3a84f",
        "Managed-Elemental-MediaPackage",
        "Policy for Elemental MediaPackage Origin",
        (0, _DAY, _YEAR),
        _cache_key(
            "gzip",
            headers=("origin",),
            query_strings=("aws.manifestfilter", "end", "m", "start"),
        ),
    ),
    _policy(
        "2e54312d-136d-493c-8eb9-b001f22f67d2",
        "Managed-Amplify",
        "Policy for Amplify Origin",
        (2, 2, 600),
        _cache_key(
            "gzip, br",
            headers=("Authorization", "CloudFront-Viewer-Country", "Host"),
            cookies="all",
            query_strings="all",
        ),
    ),
    _policy(
        CACHING_DISABLED_POLICY_ID,
        "Managed-CachingDisabled",
        "Policy with caching disabled",
        (0, 0, 0),
        _cache_key(""),
    ),
    _policy(
        "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
        "UseOriginCacheControlHeaders-QueryStrings",
        "Policy for origins that return Cache-Control headers and serve different content based on values "
        "present in the query string.",
        (0, 0, _YEAR),
        _cache_key("gzip, br", headers=_METHOD_OVERRIDES, cookies="all", query_strings="all"),
    ),
    _policy(
        "658327ea-f89d-4fab-a63d-7e88639e58f6",
        "Managed-CachingOptimized",
        "Policy with caching enabled. Supports Gzip and Brotli compression.",
        (1, _DAY, _YEAR),
        _cache_key("gzip, br"),
    ),
    _policy(
        "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
        "UseOriginCacheControlHeaders",
        "Policy for origins that return Cache-Control headers. Query strings are not included in the cache key.",
        (0, 0, _YEAR),
        _cache_key("gzip, br", headers=_METHOD_OVERRIDES, cookies="all"),
    ),
    _policy(
        "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
        "Managed-CachingOptimizedForUncompressedObjects",
        "Default policy when compression is disabled",
        (1, _DAY, _YEAR),
        _cache_key(""),
    ),
    _policy(
        RFC9111_CACHE_POLICY_ID,
        "Edgeward-RFC9111",
        "Caching by RFC 9111: origins decide with Cache-Control, Expires and Vary. Not a policy of CloudFront's.",
        (0, 0, _YEAR),
        _cache_key("", query_strings="all"),
    ),
)
