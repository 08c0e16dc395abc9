"""One cache behavior of the plan, its cache policy resolved into it.

The edge never looks a policy up: a change of one compiles every distribution that attaches it.
"""

from edgeward.aws.model import Shape
from edgeward.compiler.exceptions import DanglingReferenceError
from edgeward.compiler.forwarded_values import compile_legacy_cache, compile_legacy_origin_request
from edgeward.compiler.response_headers import compile_response_headers
from edgeward.services.cloudfront.distribution.defaults import DEFAULT_TTL, MAX_TTL
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.distribution.references import AttachedResources
from edgeward.services.cloudfront.managed_policies import RFC9111_CACHE_POLICY_ID


def compile_behavior(behavior: Shape, attached: AttachedResources) -> Shape:
    """The cache behavior as the plan has it; the default one, which has no PathPattern, matches everything."""
    methods = behavior["AllowedMethods"]
    return {
        "path_pattern": behavior.get("PathPattern", "*"),
        "origin": behavior["TargetOriginId"],
        "viewer_protocol": behavior["ViewerProtocolPolicy"],
        "allowed_methods": sorted(items_of(methods)),
        "cached_methods": sorted(items_of(methods["CachedMethods"])),
        "compress": behavior["Compress"],
        **_compile_caching(behavior, attached),
        "response_headers": _compile_response_headers(behavior, attached),
        "grpc": behavior["GrpcConfig"]["Enabled"],
    }


def _compile_response_headers(behavior: Shape, attached: AttachedResources) -> Shape | None:
    policy_id = behavior.get("ResponseHeadersPolicyId")
    if not policy_id:
        return None
    policy = attached.response_headers_policy(policy_id)
    if policy is None:
        raise DanglingReferenceError("response headers policy", policy_id)
    return compile_response_headers(policy)


def _compile_caching(behavior: Shape, attached: AttachedResources) -> Shape:
    origin_request: Shape | None
    if not behavior.get("CachePolicyId"):
        cache, origin_request = compile_legacy_cache(behavior), compile_legacy_origin_request(behavior)
    else:
        cache = _compile_policy(_cache_policy(behavior["CachePolicyId"], attached)) | _codings_of_our_own(behavior)
        origin_request = _compile_origin_request(behavior, attached)
    return {"cache": cache | {"rules": _rules(behavior)}, "origin_request": origin_request}


def _codings_of_our_own(behavior: Shape) -> Shape:
    """With our own rules Compress is enough; CloudFront's policies name the codings themselves."""
    compresses = behavior["Compress"]
    return {"gzip": compresses, "brotli": compresses} if _rules(behavior) == "rfc9111" else {}


def _rules(behavior: Shape) -> str:
    return "rfc9111" if behavior.get("CachePolicyId") == RFC9111_CACHE_POLICY_ID else "cloudfront"


def _cache_policy(policy_id: str, attached: AttachedResources) -> Shape:
    policy = attached.cache_policy(policy_id)
    if policy is None:
        raise DanglingReferenceError("cache policy", policy_id)
    return policy


def _compile_origin_request(behavior: Shape, attached: AttachedResources) -> Shape | None:
    policy_id = behavior.get("OriginRequestPolicyId")
    if not policy_id:
        return _EVERYTHING_BUT_HOST if _rules(behavior) == "rfc9111" else None
    policy = attached.origin_request_policy(policy_id)
    if policy is None:
        raise DanglingReferenceError("origin request policy", policy_id)
    return _selections(policy)


def _compile_policy(policy: Shape) -> Shape:
    key = policy.get("ParametersInCacheKeyAndForwardedToOrigin", _KEY_WITHOUT_PARAMETERS)
    return {
        **_ttls(policy),
        "gzip": key["EnableAcceptEncodingGzip"],
        "brotli": key.get("EnableAcceptEncodingBrotli", False),
        **_selections(key),
    }


def _selections(policy: Shape) -> Shape:
    return {
        "headers": _selection(policy["HeadersConfig"], "Header", lower=True),
        "cookies": _selection(policy["CookiesConfig"], "Cookie"),
        "query_strings": _selection(policy["QueryStringsConfig"], "QueryString"),
    }


def _ttls(policy: Shape) -> Shape:
    """In seconds, with the defaults of the API reference (CachePolicyConfig): a longer MinTTL lifts that of
    DefaultTTL, and DefaultTTL lifts that of MaxTTL.
    """
    minimum = policy["MinTTL"]
    default = policy.get("DefaultTTL", max(DEFAULT_TTL, minimum))
    return {
        "min_ttl": minimum,
        "default_ttl": default,
        "max_ttl": policy.get("MaxTTL", max(MAX_TTL, default)),
    }


def _selection(config: Shape, kind: str, *, lower: bool = False) -> Shape:
    """In the order of the names: the order in which a policy lists them means nothing."""
    names = items_of(config.get(f"{kind}s"))
    return {
        "mode": _MODES[config[f"{kind}Behavior"]],
        "names": sorted({name.lower() if lower else name for name in names}),
    }


_MODES = {
    "none": "none",
    "whitelist": "whitelist",
    "allExcept": "all_except",
    "all": "all",
    "allViewer": "all",
    "allViewerAndWhitelistCloudFront": "all",
}

_KEY_WITHOUT_PARAMETERS: Shape = {
    "EnableAcceptEncodingGzip": False,
    "HeadersConfig": {"HeaderBehavior": "none"},
    "CookiesConfig": {"CookieBehavior": "none"},
    "QueryStringsConfig": {"QueryStringBehavior": "none"},
}

_EVERYTHING_BUT_HOST: Shape = {
    "headers": {"mode": "all_except", "names": ["host"]},
    "cookies": {"mode": "all", "names": []},
    "query_strings": {"mode": "all", "names": []},
}
"""By the rules of RFC 9111 the origin says with Vary what its response depends on, so it gets to see all of it."""
