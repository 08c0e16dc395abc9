"""What a distribution holds on to: the aliases it owns and every resource that it names.

One entry for each member that names a resource, so that in-use checks and ListDistributionsBy... see the same. A
target is what the resource's family calls itself by (`ResourceSpec.path_name`). Called by the distribution family
whenever it stores a configuration.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from edgeward.aws.model import Shape
from edgeward.aws.resources import Reference
from edgeward.services.cloudfront.distribution.fields import items_of


def references(config: Shape) -> Iterator[Reference]:
    """The aliases a distribution owns and the resources it names."""
    for alias in items_of(config["Aliases"]):
        yield Reference(kind="alias", target=alias)
    yield from _named(config, _OF_DISTRIBUTION)
    for behavior in [config["DefaultCacheBehavior"], *items_of(config["CacheBehaviors"])]:
        yield from _named(behavior, _OF_BEHAVIOR)
        for group in items_of(behavior.get("TrustedKeyGroups")):
            yield Reference(kind="key-group", target=group)
        for association in items_of(behavior.get("FunctionAssociations")):
            yield Reference(kind="function", target=last_segment(association["FunctionARN"]))
    for origin in items_of(config["Origins"]):
        yield from _named(origin, _OF_ORIGIN)


def last_segment(arn: str) -> str:
    """What stands behind the last slash: the name or id in an ARN or a path."""
    return arn.rsplit("/", 1)[-1]


def _named(shape: Shape, members: Iterable[tuple[Sequence[str], str]]) -> Iterator[Reference]:
    for path, kind in members:
        value = _value_at(shape, path)
        if value:
            # Web ACLs and certificates are known by their ARNs, and looked for as they were given.
            yield Reference(kind=kind, target=value if kind in WHOLE else last_segment(value))


def _value_at(shape: Shape, path: Sequence[str]) -> str:
    value: Any = shape
    for member in path:
        if not (value := value.get(member)):
            return ""
    return str(value)


def _by_path(kinds: Mapping[str, str]) -> Sequence[tuple[Sequence[str], str]]:
    return [(tuple(path.split(".")), kind) for path, kind in kinds.items()]


DISTRIBUTION_MEMBERS = {
    "WebACLId": "web-acl",
    "ViewerCertificate.ACMCertificateArn": "acm-certificate",
    "ViewerCertificate.IAMCertificateId": "iam-server-certificate",
    "ContinuousDeploymentPolicyId": "continuous-deployment-policy",
    "AnycastIpListId": "anycast-ip-list",
    "ConnectionMode": "connection-mode",
    "ViewerMtlsConfig.TrustStoreConfig.TrustStoreId": "trust-store",
    "ConnectionFunctionAssociation.Id": "connection-function",
}
"""Members of a DistributionConfig that name a resource, and the kind of it."""

BEHAVIOR_MEMBERS = {
    "CachePolicyId": "cache-policy",
    "OriginRequestPolicyId": "origin-request-policy",
    "ResponseHeadersPolicyId": "response-headers-policy",
    "FieldLevelEncryptionId": "field-level-encryption-config",
    "RealtimeLogConfigArn": "realtime-log-config",
}
"""The same of a cache behavior."""

ORIGIN_MEMBERS = {
    "OriginAccessControlId": "origin-access-control",
    "S3OriginConfig.OriginAccessIdentity": "origin-access-identity",
    "VpcOriginConfig.VpcOriginId": "vpc-origin",
    "CustomOriginConfig.OriginMtlsConfig.ClientCertificateArn": "acm-certificate",
}
"""The same of an origin."""

_OF_DISTRIBUTION, _OF_BEHAVIOR, _OF_ORIGIN = map(_by_path, (DISTRIBUTION_MEMBERS, BEHAVIOR_MEMBERS, ORIGIN_MEMBERS))
WHOLE = frozenset({"acm-certificate", "web-acl"})
