"""What calls of CloudFront need to be allowed: an action, on the ARN of the resource that the call is about.

Rules: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudFront". Public keys and
key groups have no resource type there, nor have listings: a policy allows those on `*`. Creating, and looking one up by
something else than its name, is about all resources of the type.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from edgeward.aws.access import Caller, Demand, Demands
from edgeward.aws.model import Operation, Shape
from edgeward.aws.resources import ResourceStore, Transaction
from edgeward.services.cloudfront.arns import by_any_identifier, canonical_arn, resource_of_arn


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an operation is about."""

    type: str | None = None
    """The type in the ARN; None: nothing in particular."""
    members: tuple[str, ...] = ()
    """The members of the input that may name it, each one given counts; none: all of the type."""


def cloudfront_demands(store: ResourceStore, account_id: str) -> Demands:
    """The demands of an account's CloudFront."""

    def arns_of(subject: Subject, members: Shape) -> list[str]:
        """The ARNs of what a call is about; none when the call does not name it."""
        if subject.type is None:
            return ["*"]
        if not subject.members:
            return [_arn(account_id, subject.type, "*")]
        words = [members[member] for member in subject.members if member in members]
        return [_canonical(store, account_id, subject.type, word) for word in words]

    def demands(_caller: Caller, operation: Operation, members: Shape) -> list[Demand]:
        named = members.get(HOLDERS.get(operation.name, ""), members)
        # A call that does not name what it has to name is refused by the model, if it gets so far.
        resources = [arn for subject in subjects_of(operation) for arn in arns_of(subject, named)] or ["*"]
        tags = requested_tags(members)
        keys = _tag_keys(members) or tuple(tags or ())
        actions = ACTIONS.get(operation.name, (operation.name,))
        if tags is not None and operation.name != "TagResource":
            actions = (*actions, "TagResource")
        return [
            Demand(action=f"cloudfront:{action}", resource=resource, tags=tags, tag_keys=keys)
            for resource in resources
            for action in actions
        ]

    return demands


def subjects_of(operation: Operation) -> Sequence[Subject]:
    """What an operation is about: from its path, unless what names it lies elsewhere."""
    return SUBJECTS.get(operation.name) or [_subject_of_path(operation.name, operation.uri)]


@cache
def _subject_of_path(name: str, uri: str) -> Subject:
    _, _version, first, *rest = uri.partition("?")[0].split("/")
    parameters = tuple(segment[1:-1] for segment in rest if segment.startswith("{"))
    if name.startswith("List") and not parameters:
        return Subject()
    return Subject(type=PATHS.get(first), members=parameters[:1])


def tags_of_arn(account_id: str) -> Callable[[Transaction, str], Mapping[str, str]]:
    """Looks the tags of a resource up by its ARN; a resource that is not there has none."""

    def look_up(transaction: Transaction, arn: str) -> Mapping[str, str]:
        resource = resource_of_arn(account_id, transaction, arn)
        return transaction.tags(resource.family, resource.id) if resource is not None else {}

    return look_up


def requested_tags(members: Shape) -> Mapping[str, str] | None:
    """The tags that a call wants to set: of its own, or inside what it creates `WithTags`."""
    for holder in (members, *(members[name] for name in WITH_TAGS if name in members)):
        items = holder.get("Tags", {}).get("Items", [])
        if items:
            return {item["Key"]: item.get("Value", "") for item in items if "Key" in item}
    return None


def _tag_keys(members: Shape) -> tuple[str, ...]:
    return tuple(members.get("TagKeys", {}).get("Items", ()))


def _canonical(store: ResourceStore, account_id: str, type: str, word: str) -> str:
    """The one ARN that policies know what a caller calls `word` by, so that no other name gets past a Deny."""
    if type in IDENTIFIED:
        with store.read() as transaction:
            resource = by_any_identifier(account_id, type)(transaction, word)
        word = resource.id if resource is not None else word
    return canonical_arn(word) if word.startswith("arn:") else _arn(account_id, type, word)


def _arn(account_id: str, type: str, word: str) -> str:
    return f"arn:aws:cloudfront::{account_id}:{type}/{word}"


PATHS = {
    "anycast-ip-list": "anycast-ip-list",
    "cache-policy": "cache-policy",
    "connection-function": "connection-function",
    "connection-group": "connection-group",
    "continuous-deployment-policy": "continuous-deployment-policy",
    "distribution": "distribution",
    "distribution-tenant": "distribution-tenant",
    "field-level-encryption": "field-level-encryption-config",
    "field-level-encryption-profile": "field-level-encryption-profile",
    "function": "function",
    "key-value-store": "key-value-store",
    "managed-certificate": "distribution-tenant",
    "origin-access-control": "origin-access-control",
    "origin-access-identity": "origin-access-identity",
    "origin-request-policy": "origin-request-policy",
    "realtime-log-config": "realtime-log-config",
    "response-headers-policy": "response-headers-policy",
    "streaming-distribution": "streaming-distribution",
    "trust-store": "trust-store",
    "vpc-origin": "vpcorigin",
}
"""The first segment of a path, and the type in the ARNs of what lies there; others are about nothing in particular."""

_ANY_ARN = (Subject(type="distribution", members=("Resource",)),)
_RESOURCE_POLICY = (Subject(type="distribution", members=("ResourceArn",)),)
_LOG_CONFIG = (Subject(type="realtime-log-config", members=("ARN", "Name")),)
_DISTRIBUTION_OR_TENANT = (
    Subject(type="distribution", members=("DistributionId",)),
    Subject(type="distribution-tenant", members=("DistributionTenantId",)),
)
SUBJECTS: Mapping[str, Sequence[Subject]] = {
    "DeleteRealtimeLogConfig": _LOG_CONFIG,
    "DeleteResourcePolicy": _RESOURCE_POLICY,
    "GetRealtimeLogConfig": _LOG_CONFIG,
    "GetResourcePolicy": _RESOURCE_POLICY,
    "ListConflictingAliases": (Subject(type="distribution", members=("DistributionId",)),),
    "ListDistributionsByConnectionFunction": (
        Subject(type="connection-function", members=("ConnectionFunctionIdentifier",)),
    ),
    "ListDistributionsByTrustStore": (Subject(type="trust-store", members=("TrustStoreIdentifier",)),),
    "ListDomainConflicts": _DISTRIBUTION_OR_TENANT,
    "ListTagsForResource": _ANY_ARN,
    "PutResourcePolicy": _RESOURCE_POLICY,
    "TagResource": _ANY_ARN,
    "UntagResource": _ANY_ARN,
    "UpdateDistributionWithStagingConfig": (
        Subject(type="distribution", members=("Id",)),
        Subject(type="distribution", members=("StagingDistributionId",)),
    ),
    "UpdateDomainAssociation": _DISTRIBUTION_OR_TENANT,
    "UpdateRealtimeLogConfig": _LOG_CONFIG,
    "VerifyDnsConfiguration": (Subject(type="distribution-tenant", members=("Identifier",)),),
}
"""Of the operations whose path does not name what they are about, or not all of it."""

HOLDERS = {"ListDomainConflicts": "DomainControlValidationResource", "UpdateDomainAssociation": "TargetResource"}
"""The member inside which the subject is named."""

ACTIONS: Mapping[str, Sequence[str]] = {
    "CopyDistribution": ("CopyDistribution", "CreateDistribution", "GetDistribution"),
    "CreateDistributionWithTags": ("CreateDistribution",),
    "UpdateDistributionWithStagingConfig": ("GetDistribution", "UpdateDistribution"),
}
"""Of the operations that need others than the one of their name (their pages in the API reference)."""

IDENTIFIED = frozenset(
    {"connection-function", "connection-group", "distribution-tenant", "key-value-store", "trust-store"}
)
"""The types whose resources callers name by id, name or ARN, and whose ARNs have the id."""
WITH_TAGS = ("DistributionConfigWithTags", "StreamingDistributionConfigWithTags")
