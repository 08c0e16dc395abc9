"""One origin of the plan: where it is, how to reach it, whether its requests are signed."""

from collections.abc import Mapping
from typing import Any

from edgeward.aws.model import Shape
from edgeward.compiler.exceptions import DanglingReferenceError
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.distribution.origin_mtls import client_certificate_arn
from edgeward.services.cloudfront.distribution.references import AttachedResources
from edgeward.services.cloudfront.distribution.s3_names import region_of


def compile_origin(
    origin: Shape, attached: AttachedResources, client_certificates: Mapping[str, Mapping[str, Any]]
) -> Shape:
    """The origin as the plan has it; `origin` is filled with defaults."""
    is_bucket = "S3OriginConfig" in origin
    return {
        "kind": "s3" if is_bucket else "custom",
        "domain_name": origin["DomainName"].lower(),
        "path": origin["OriginPath"],
        "headers": sorted(
            [item["HeaderName"].lower(), item["HeaderValue"]] for item in items_of(origin["CustomHeaders"])
        ),
        "connection_attempts": origin["ConnectionAttempts"],
        "connection_timeout": origin["ConnectionTimeout"],
        "signing": _compile_signing(origin, attached) if is_bucket else None,
        "client_certificate": _client_certificate(origin, client_certificates),
        "response_completion_timeout": origin.get("ResponseCompletionTimeout") or None,
        **(_reach_bucket(origin["S3OriginConfig"]) if is_bucket else _reach_server(origin["CustomOriginConfig"])),
    }


def _reach_bucket(s3: Shape) -> Shape:
    """S3 is asked by the viewer's scheme (Developer Guide, "Use HTTPS with Amazon S3 origins"), on S3's own ports."""
    return {
        "protocol": "match-viewer",
        "http_port": 80,
        "https_port": 443,
        "response_timeout": s3["OriginReadTimeout"],
        "keepalive_timeout": _BUCKET_KEEPALIVE_SECONDS,
        "ip_address_type": "dualstack",
    }


def _reach_server(custom: Shape) -> Shape:
    return {
        "protocol": custom["OriginProtocolPolicy"],
        "http_port": custom["HTTPPort"],
        "https_port": custom["HTTPSPort"],
        "response_timeout": custom["OriginReadTimeout"],
        "keepalive_timeout": custom["OriginKeepaliveTimeout"],
        "ip_address_type": custom["IpAddressType"],
    }


def _client_certificate(origin: Shape, certificates: Mapping[str, Mapping[str, Any]]) -> Shape | None:
    named = client_certificate_arn(origin)
    if named is None:
        return None
    if named not in certificates:
        raise DanglingReferenceError("certificate", named)
    return dict(certificates[named])


def _compile_signing(origin: Shape, attached: AttachedResources) -> Shape | None:
    control_id = origin["OriginAccessControlId"]
    if not control_id:
        return None
    control = attached.origin_access_control(control_id)
    if control is None:
        raise DanglingReferenceError("origin access control", control_id)
    if control["SigningBehavior"] == "never":
        return None
    return {"service": "s3", "region": region_of(origin["DomainName"]), "behavior": control["SigningBehavior"]}


# S3 origins have no setting for it; five seconds is the default of custom origins.
_BUCKET_KEEPALIVE_SECONDS = 5
