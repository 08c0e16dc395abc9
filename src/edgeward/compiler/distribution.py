"""One distribution of the plan, from its DistributionConfig and what it attaches.

A disabled distribution is compiled like any other: the edge must know its names to refuse its viewers. Called by
the publisher for every distribution that a change touches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeward.aws.model import Shape
from edgeward.compiler.cache_behavior import compile_behavior
from edgeward.compiler.origin import compile_origin
from edgeward.compiler.viewer_mtls import compile_viewer_mtls
from edgeward.services.cloudfront.distribution.defaults import ERROR_CACHING_MIN_TTL, fill_defaults
from edgeward.services.cloudfront.distribution.fields import behaviors, cache_tag_header, items_of, origins
from edgeward.services.cloudfront.distribution.references import AttachedResources
from edgeward.services.cloudfront.distribution.viewer_certificate import security_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionSource:
    """All that the compiler needs to know of one distribution itself."""

    id: str
    arn: str
    domain_name: str
    """The name it was given, `d111111abcdef8.cloudfront.localhost`."""
    config: Shape
    """Its DistributionConfig, sound by `rules` and without anything that `unsupported` refuses."""
    certificate: Mapping[str, Any] | None = None
    """`chain_pem`, `key_pem` and perhaps `ocsp` of the certificate for its aliases; None to serve the default one."""
    client_certificates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """`chain_pem` and `key_pem` of the certificates that origins are shown, by their ARNs."""


def compile_distribution(source: DistributionSource, attached: AttachedResources) -> Shape:
    """The distribution as the plan has it.

    Raises DanglingReferenceError when the config names a policy, an access control or a trust store that `attached`
    does not know.
    """
    # A config stored by an older release lacks the defaults that came later.
    config = fill_defaults(source.config)
    return {
        "arn": source.arn,
        "domain_name": source.domain_name,
        "aliases": sorted(alias.lower() for alias in items_of(config["Aliases"])),
        "enabled": config["Enabled"],
        "certificate": None if source.certificate is None else dict(source.certificate),
        "security_policy": security_policy(config),
        "default_root_object": config["DefaultRootObject"],
        "http2": config["HttpVersion"] in _WITH_HTTP2,
        "http3": config["HttpVersion"] in _WITH_HTTP3,
        "origins": {
            origin["Id"]: compile_origin(origin, attached, source.client_certificates) for _, origin in origins(config)
        },
        "origin_groups": {group["Id"]: _compile_origin_group(group) for group in items_of(config["OriginGroups"])},
        "behaviors": [compile_behavior(behavior, attached) for _, behavior in behaviors(config)],
        "cache_tag_header": cache_tag_header(config),
        "geo_restriction": _compile_geo_restriction(config["Restrictions"]["GeoRestriction"]),
        "viewer_mtls": compile_viewer_mtls(config, attached),
        "error_responses": [_compile_error_response(each) for each in _by_status(config)],
    }


def _compile_origin_group(group: Shape) -> Shape:
    primary, secondary = (member["OriginId"] for member in items_of(group["Members"]))
    statuses = sorted(set(items_of(group["FailoverCriteria"]["StatusCodes"])))
    return {"primary": primary, "secondary": secondary, "statuses": statuses}


def _compile_geo_restriction(restriction: Shape) -> Shape | None:
    listed = _LISTED_COUNTRIES.get(restriction["RestrictionType"])
    return None if listed is None else {"listed": listed, "countries": sorted(set(items_of(restriction)))}


def _by_status(config: Shape) -> list[Shape]:
    return sorted(items_of(config["CustomErrorResponses"]), key=lambda response: int(response["ErrorCode"]))


def _compile_error_response(response: Shape) -> Shape:
    path = response.get("ResponsePagePath")
    return {
        "status": response["ErrorCode"],
        "min_ttl": response.get("ErrorCachingMinTTL", ERROR_CACHING_MIN_TTL),
        "page": {"path": path, "status": int(response["ResponseCode"])} if path else None,
    }


_LISTED_COUNTRIES = {"whitelist": "served", "blacklist": "blocked"}
_WITH_HTTP2 = ("http2", "http2and3")
_WITH_HTTP3 = ("http3", "http2and3")
