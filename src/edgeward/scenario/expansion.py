"""Expands the short form of a distribution to what the API would receive: a DistributionConfig and its policies.

Owns the one-origin default. The result goes through the real defaults, checks and compiler, so a scenario cannot show
a configuration that the API would refuse. Pure: ports of the fake origins are passed in. Called by `edge_under_test`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeward.scenario.short_form import (
    Selection,
    ShortBehavior,
    ShortCors,
    ShortCountries,
    ShortDistribution,
    ShortErrorResponse,
    ShortOrigin,
    ShortOriginGroup,
    ShortOriginRequest,
    ShortResponseHeaders,
    ShortViewerMtls,
    merge,
)
from edgeward.scenario.viewer_certificates import authority_pem
from edgeward.services.cloudfront.managed_policies import MANAGED_CACHE_POLICIES

Shape = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OriginPorts:
    """Where a fake origin listens; both are the same port when it speaks only one protocol."""

    http: int
    https: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A distribution as the API would receive it."""

    config: Shape
    """A DistributionConfig, botocore-shaped."""
    cache_policies: Mapping[str, Shape]
    """CachePolicyConfig by id."""
    origin_request_policies: Mapping[str, Shape]
    """OriginRequestPolicyConfig by id."""
    response_headers_policies: Mapping[str, Shape]
    """ResponseHeadersPolicyConfig by id."""
    origin_access_controls: Mapping[str, Shape]
    """OriginAccessControlConfig by id."""
    trust_stores: Mapping[str, str]
    """The certificates of their authorities, PEM, by id."""


def expand(name: str, short: ShortDistribution, ports: Mapping[str, OriginPorts]) -> Expansion:
    """The distribution `name`; `ports` are those of the fake custom origins."""
    whole = merge(DEFAULT, short)
    behaviors = [
        *(merge(_DEFAULT_BEHAVIOR, each) for each in whole.behaviors or ()),
        whole.default or _DEFAULT_BEHAVIOR,
    ]
    by_policy_id = {_policy_id(name, index): each for index, each in enumerate(behaviors)}
    origins = whole.origins or {}
    return Expansion(
        config=_required(name, whole, ports) | _behaviors(by_policy_id) | _optional(name, whole),
        cache_policies={key: _cache_policy(each, key) for key, each in by_policy_id.items()},
        origin_request_policies={
            key: _origin_request_policy(each.forward, key) for key, each in by_policy_id.items() if each.forward
        },
        response_headers_policies={
            key: _response_headers_policy(each.response_headers, key)
            for key, each in by_policy_id.items()
            if each.response_headers
        },
        origin_access_controls={
            _control_id(key): _access_control(key, each) for key, each in origins.items() if each.signing
        },
        trust_stores=_trust_stores(name, whole.viewer_mtls),
    )


def _required(name: str, whole: ShortDistribution, ports: Mapping[str, OriginPorts]) -> Shape:
    origins, groups = whole.origins or {}, whole.groups or {}
    return {
        "CallerReference": name,
        "Comment": "",
        "Enabled": whole.enabled is not False,
        "Aliases": _items(whole.aliases or ()),
        "CustomErrorResponses": _items([_error_response(each) for each in whole.errors or ()]),
        "DefaultRootObject": whole.default_root_object or "",
        "HttpVersion": whole.http_version or "http2",
        "Origins": _items([_origin(key, origin, ports) for key, origin in origins.items()]),
        "OriginGroups": _items([_origin_group(key, group) for key, group in groups.items()]),
    }


def _behaviors(by_policy_id: Mapping[str, ShortBehavior]) -> Shape:
    """The last one is the default."""
    *others, default = [(each.path or "", _behavior(each, key)) for key, each in by_policy_id.items()]
    return {
        "DefaultCacheBehavior": default[1],
        "CacheBehaviors": _items([{"PathPattern": path, **shape} for path, shape in others]),
    }


def _optional(name: str, whole: ShortDistribution) -> Shape:
    config: Shape = {}
    if whole.countries:
        config["Restrictions"] = {"GeoRestriction": _geo_restriction(whole.countries)}
    if whole.security_policy:
        config["ViewerCertificate"] = {
            "ACMCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/scenario",
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": whole.security_policy,
        }
    if whole.cache_tags:
        config["CacheTagConfig"] = {"HeaderName": whole.cache_tags}
    if whole.viewer_mtls:
        config["ViewerMtlsConfig"] = _viewer_mtls(name, whole.viewer_mtls)
    return config


def origins_of(short: ShortDistribution) -> Mapping[str, ShortOrigin]:
    """The origins by name, with `main`."""
    return merge(DEFAULT, short).origins or {}


def domain_of(name: str, origin: ShortOrigin) -> str:
    """The domain name an origin gets: what the origin request's Host shows."""
    if origin.domain_name:
        return origin.domain_name
    return f"{name}.s3.us-east-1.amazonaws.com" if origin.kind == "s3" else f"{name}.origin.localhost"


def _origin(name: str, origin: ShortOrigin, ports: Mapping[str, OriginPorts]) -> Shape:
    shape: Shape = {
        "Id": name,
        "DomainName": domain_of(name, origin),
        "OriginPath": origin.path or "",
        "CustomHeaders": _items(
            [{"HeaderName": key, "HeaderValue": value} for key, value in (origin.headers or {}).items()]
        ),
        "ConnectionAttempts": origin.connection_attempts or 3,
        "ConnectionTimeout": origin.connection_timeout or 10,
    }
    if origin.completion_timeout:
        shape["ResponseCompletionTimeout"] = origin.completion_timeout
    if origin.signing:
        shape["OriginAccessControlId"] = _control_id(name)
    if origin.kind == "s3":
        return shape | {"S3OriginConfig": {"OriginAccessIdentity": ""}}
    return shape | {"CustomOriginConfig": _custom_origin(name, origin, ports)}


def client_certificate_arn(kind: str) -> str:
    """The ARN of the certificate that is shown to origins and is `kind`."""
    return f"arn:aws:acm:us-east-1:123456789012:certificate/{kind}"


def _custom_origin(name: str, origin: ShortOrigin, ports: Mapping[str, OriginPorts]) -> Shape:
    mtls = {}
    if origin.client_certificate:
        mtls["OriginMtlsConfig"] = {"ClientCertificateArn": client_certificate_arn(origin.client_certificate)}
    return {
        **mtls,
        "HTTPPort": ports[name].http,
        "HTTPSPort": ports[name].https,
        "OriginProtocolPolicy": origin.protocol or "http-only",
        "OriginSslProtocols": _items(("TLSv1.2",)),
        "OriginReadTimeout": origin.response_timeout or 30,
        "OriginKeepaliveTimeout": origin.keepalive_timeout or 5,
        "IpAddressType": origin.ip_address_type or "ipv4",
    }


def _origin_group(name: str, group: ShortOriginGroup) -> Shape:
    return {
        "Id": name,
        "FailoverCriteria": {"StatusCodes": _items(group.statuses or (500, 502, 503, 504))},
        "Members": _items([{"OriginId": member} for member in group.members]),
    }


def _geo_restriction(countries: ShortCountries) -> Shape:
    if countries.served and countries.blocked:
        raise ValueError("countries: give either those that are served or those that are blocked")
    if countries.served:
        return {"RestrictionType": "whitelist", **_items(countries.served)}
    return {"RestrictionType": "blacklist", **_items(countries.blocked or ())}


def _viewer_mtls(name: str, asked: ShortViewerMtls) -> Shape:
    if asked.mode == "passthrough":
        return {"Mode": asked.mode}
    trust_store = {
        "TrustStoreId": f"ts_{name}",
        "AdvertiseTrustStoreCaNames": asked.advertise_names is True,
        "IgnoreCertificateExpiry": asked.ignore_expiry is True,
    }
    return {"Mode": asked.mode or "required", "TrustStoreConfig": trust_store}


def _trust_stores(name: str, asked: ShortViewerMtls | None) -> Mapping[str, str]:
    if asked is None:
        return {}
    return {f"ts_{name}": "".join(authority_pem(each) for each in asked.trusts or ("clients",))}


def _error_response(response: ShortErrorResponse) -> Shape:
    shape: Shape = {"ErrorCode": response.code}
    if response.page is not None:
        shape["ResponsePagePath"] = response.page
    if response.status is not None:
        shape["ResponseCode"] = str(response.status)
    if response.min_ttl is not None:
        shape["ErrorCachingMinTTL"] = response.min_ttl
    return shape


def _behavior(behavior: ShortBehavior, policy_id: str) -> Shape:
    """One id serves for the policies of every kind that the behavior attaches."""
    attached = _forwarded_values(behavior) if behavior.legacy else {"CachePolicyId": _managed(behavior) or policy_id}
    if behavior.forward:
        attached["OriginRequestPolicyId"] = policy_id
    if behavior.response_headers:
        attached["ResponseHeadersPolicyId"] = policy_id
    return {
        "TargetOriginId": behavior.origin or MAIN,
        "ViewerProtocolPolicy": behavior.viewer_protocol or "allow-all",
        "AllowedMethods": {
            **_items(behavior.allowed_methods or ("GET", "HEAD")),
            "CachedMethods": _items(behavior.cached_methods or ("GET", "HEAD")),
        },
        "Compress": behavior.compress is True,
        "GrpcConfig": {"Enabled": behavior.grpc is True},
        **attached,
    }


def _forwarded_values(behavior: ShortBehavior) -> Shape:
    none = Selection(mode="none")
    headers, cookies, query = behavior.headers or none, behavior.cookies or none, behavior.query_strings or none
    whitelist = {"WhitelistedNames": _items(cookies.names)} if cookies.names else {}
    return {
        "ForwardedValues": {
            "QueryString": query.mode != "none",
            "QueryStringCacheKeys": _items(query.names),
            "Cookies": {"Forward": cookies.mode, **whitelist},
            "Headers": _items(("*",) if headers.mode == "all" else headers.names),
        },
        "MinTTL": behavior.min_ttl,
        "DefaultTTL": behavior.default_ttl,
        "MaxTTL": behavior.max_ttl,
    }


def _origin_request_policy(forward: ShortOriginRequest, policy_id: str) -> Shape:
    headers = _selection("Header", "Headers", forward.headers)
    if headers["HeaderBehavior"] == "all":
        headers["HeaderBehavior"] = "allViewer"
    return {
        "Name": policy_id,
        "HeadersConfig": headers,
        "CookiesConfig": _selection("Cookie", "Cookies", forward.cookies),
        "QueryStringsConfig": _selection("QueryString", "QueryStrings", forward.query_strings),
    }


def _response_headers_policy(short: ShortResponseHeaders, policy_id: str) -> Shape:
    override = short.override is True
    custom = [{"Header": name, "Value": value, "Override": override} for name, value in (short.custom or {}).items()]
    config: Shape = {
        "Name": policy_id,
        "CustomHeadersConfig": _items(custom),
        "RemoveHeadersConfig": _items([{"Header": name} for name in short.remove or ()]),
    }
    if short.cors is not None:
        config["CorsConfig"] = _cors(short.cors, override=override)
    if short.server_timing is not None:
        config["ServerTimingHeadersConfig"] = {"Enabled": True, "SamplingRate": float(short.server_timing)}
    return config


def _cors(cors: ShortCors, *, override: bool) -> Shape:
    return {
        "AccessControlAllowOrigins": _items(cors.allow_origins or ("*",)),
        "AccessControlAllowHeaders": _items(cors.allow_headers or ("*",)),
        "AccessControlAllowMethods": _items(cors.allow_methods or ("GET", "HEAD")),
        "AccessControlAllowCredentials": cors.allow_credentials is True,
        "AccessControlExposeHeaders": _items(cors.expose_headers or ()),
        "OriginOverride": override,
        **({} if cors.max_age is None else {"AccessControlMaxAgeSec": cors.max_age}),
    }


def _cache_policy(behavior: ShortBehavior, policy_id: str) -> Shape:
    parameters = {
        "EnableAcceptEncodingGzip": behavior.gzip is True,
        "EnableAcceptEncodingBrotli": behavior.brotli is True,
        "HeadersConfig": _selection("Header", "Headers", behavior.headers),
        "CookiesConfig": _selection("Cookie", "Cookies", behavior.cookies),
        "QueryStringsConfig": _selection("QueryString", "QueryStrings", behavior.query_strings),
    }
    return {
        "Name": policy_id,
        "MinTTL": behavior.min_ttl,
        "DefaultTTL": behavior.default_ttl,
        "MaxTTL": behavior.max_ttl,
        "ParametersInCacheKeyAndForwardedToOrigin": parameters,
    }


def _selection(prefix: str, names: str, selection: Selection | None) -> Shape:
    chosen = selection or Selection(mode="none")
    shape: Shape = {f"{prefix}Behavior": chosen.mode}
    return shape | ({names: _items(chosen.names)} if chosen.names else {})


def _access_control(name: str, origin: ShortOrigin) -> Shape:
    return {
        "Name": name,
        "SigningProtocol": "sigv4",
        "SigningBehavior": origin.signing,
        "OriginAccessControlOriginType": "s3",
    }


def _items(items: Any) -> Shape:
    return {"Quantity": len(items), "Items": list(items)} if items else {"Quantity": 0}


def _managed(behavior: ShortBehavior) -> str | None:
    """The id of the managed cache policy that the behavior names."""
    ids = {policy.config["Name"]: policy.id for policy in MANAGED_CACHE_POLICIES}
    if behavior.policy and behavior.policy not in ids:
        raise ValueError(f"there is no managed cache policy {behavior.policy!r}; there are {', '.join(ids)}")
    return ids.get(behavior.policy) if behavior.policy else None


def _policy_id(name: str, index: int) -> str:
    return f"00000000-0000-0000-{index:04x}-{name.encode().hex()[:12]:>012}"


def _control_id(name: str) -> str:
    return f"E{name.upper():A<13.13}"


MAIN = "main"
_DEFAULT_BEHAVIOR = ShortBehavior(min_ttl=0, default_ttl=86400, max_ttl=31536000)
DEFAULT = ShortDistribution(default=_DEFAULT_BEHAVIOR, origins={MAIN: ShortOrigin()})
"""One custom origin named `main`, everything cached by its own headers, nothing but the path in the key."""
