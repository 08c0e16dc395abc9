"""Refusing what the edge does not do yet.

A member whose effect the edge lacks is refused by name, never accepted and ignored; a value that asks for nothing
(a default, an empty list, Enabled false) is accepted. REFUSALS is the one table of what is missing: whoever
teaches the edge a feature removes its row and adds one to `support.EFFECTS`. Called by the distribution family
after `rules`, so that a mistake gets CloudFront's own error first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.fields import Field, items_of
from edgeward.services.cloudfront.distribution.support import EFFECTS, INERT


@dataclass(frozen=True, slots=True)
class Refusal:
    """A member that asks for something the edge lacks, unless its value is neutral."""

    path: str
    """As in `support`: relative to DistributionConfig; covers all below it."""
    is_neutral: Callable[[Any], bool]
    """Whether a value asks for nothing."""
    missing: str
    """What the edge lacks, and what to write instead."""


def refuse_unsupported(config: Shape) -> None:
    """Raises ApiError `InvalidArgument`, naming the member, for the first value that the edge cannot give effect.

    `config` has passed the checks of the model; it may be filled with defaults or not.
    """
    for path, at, value in _accounted_values(_meaningful(config), "", Field()):
        refusal = _REFUSALS_BY_PATH.get(path)
        if refusal is not None and not refusal.is_neutral(value):
            raise at.refused(refusal.missing)
        if path not in ACCOUNTED:
            raise at.refused("this edge does not know this member yet; leave it out")


def _meaningful(config: Shape) -> Shape:
    """Without what means nothing beside CloudFront's own certificate (API reference, ViewerCertificate)."""
    certificate = config.get("ViewerCertificate", {})
    if not certificate.get("CloudFrontDefaultCertificate"):
        return config
    return config | {"ViewerCertificate": {"CloudFrontDefaultCertificate": True}}


def _accounted_values(value: Any, path: str, at: Field) -> Iterator[tuple[str, Field, Any]]:
    """Every value that a row stands for, and every value below which there are no rows."""
    if path not in _ON_THE_WAY:
        yield path, at, value
        return
    for name, member in value.items():
        below = f"{path}.{name}" if path else name
        if name == "Items":
            for index, item in enumerate(member):
                yield from _accounted_values(item, f"{below}[]", at.item(_key(item, index)))
        elif name != "Quantity":
            yield from _accounted_values(member, below, at.member(name))


def _key(item: Any, index: int) -> str | int:
    names = (item.get(member) for member in _NAMING_MEMBERS) if isinstance(item, dict) else ()
    return next((name for name in names if name), index)


def _is_unset(value: Any) -> bool:
    return not value


def _is_disabled(feature: Shape) -> bool:
    return not feature.get("Enabled")


def _has_no_items(container: Shape) -> bool:
    return not items_of(container)


def _is_one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: value in values


def _allows_current_tls(protocols: Shape) -> bool:
    return "TLSv1.2" in items_of(protocols)


_DISTRIBUTION_REFUSALS = (
    Refusal(
        "Logging",
        _is_disabled,
        "this edge writes standard logs to its state folder and does not deliver them to a bucket yet; "
        "set Enabled to false",
    ),
    Refusal(
        "ViewerCertificate.SSLSupportMethod",
        _is_one_of("sni-only"),
        "this edge has no address for each certificate; use sni-only",
    ),
    Refusal("WebACLId", _is_unset, "this edge has no web ACLs yet; leave it empty"),
    Refusal("ContinuousDeploymentPolicyId", _is_unset, "continuous deployment is not there yet; leave it empty"),
    Refusal("Staging", _is_unset, "staging distributions are not there yet; set it to false"),
    Refusal("AnycastIpListId", _is_unset, "this edge has no anycast addresses; leave it empty"),
    Refusal(
        "TenantConfig",
        lambda tenants: not tenants.get("ParameterDefinitions"),
        "distribution tenants are not there yet; leave it out",
    ),
    Refusal("ConnectionMode", _is_one_of("direct"), "distribution tenants are not there yet; use direct"),
    Refusal("ConnectionFunctionAssociation", _is_unset, "this edge has no connection functions yet; leave it out"),
)

_ORIGIN_REFUSALS = (
    Refusal(
        "S3OriginConfig.OriginAccessIdentity",
        _is_unset,
        "this edge has no origin access identities; leave it empty and set OriginAccessControlId",
    ),
    Refusal("VpcOriginConfig", _is_unset, "VPC origins are not there yet; use CustomOriginConfig"),
    Refusal(
        "CustomOriginConfig.OriginSslProtocols",
        _allows_current_tls,
        "this edge speaks TLS 1.2 and newer to origins; list TLSv1.2",
    ),
    Refusal("OriginShield", _is_disabled, "Origin Shield is not there yet; set Enabled to false"),
)

_ORIGIN_GROUP_REFUSALS = (
    Refusal(
        "SelectionCriteria",
        _is_one_of("default"),
        "this edge does not know the media quality of an origin; use default, or leave it out",
    ),
)

_BEHAVIOR_REFUSALS = (
    Refusal("SmoothStreaming", _is_unset, "this edge has no Smooth Streaming; set it to false"),
    Refusal("TrustedSigners", _is_disabled, "this edge has no signed URLs yet; set Enabled to false"),
    Refusal("TrustedKeyGroups", _is_disabled, "this edge has no signed URLs yet; set Enabled to false"),
    Refusal("FunctionAssociations", _has_no_items, "this edge runs no CloudFront Functions yet; leave it empty"),
    Refusal("LambdaFunctionAssociations", _has_no_items, "this edge runs no Lambda@Edge yet; leave it empty"),
    Refusal("FieldLevelEncryptionId", _is_unset, "this edge has no field-level encryption yet; leave it empty"),
    Refusal("RealtimeLogConfigArn", _is_unset, "this edge has no real-time logs yet; leave it out"),
)


def _below(prefix: str, rows: tuple[Refusal, ...]) -> Iterator[Refusal]:
    return (Refusal(f"{prefix}.{row.path}", row.is_neutral, row.missing) for row in rows)


REFUSALS: tuple[Refusal, ...] = (
    *_DISTRIBUTION_REFUSALS,
    *_below("Origins.Items[]", _ORIGIN_REFUSALS),
    *_below("OriginGroups.Items[]", _ORIGIN_GROUP_REFUSALS),
    *_below("DefaultCacheBehavior", _BEHAVIOR_REFUSALS),
    *_below("CacheBehaviors.Items[]", _BEHAVIOR_REFUSALS),
)
"""What the edge lacks."""

ACCOUNTED: frozenset[str] = frozenset({*EFFECTS, *INERT, *(refusal.path for refusal in REFUSALS)})
"""Every path that has a row."""

_REFUSALS_BY_PATH = {refusal.path: refusal for refusal in REFUSALS}
_ON_THE_WAY = {path[:end] for path in ACCOUNTED for end in (0, *(at for at, mark in enumerate(path) if mark == "."))}
_NAMING_MEMBERS = ("Id", "PathPattern", "HeaderName")
