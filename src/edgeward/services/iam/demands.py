"""What calls of IAM need to be allowed, on the ARN of the user, role, policy or server certificate they are about.

Rules: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity and Access Management".
"""

from dataclasses import replace

from edgeward.aws.access import Caller, Demand, Demands
from edgeward.aws.model import Operation, Shape
from edgeward.aws.resources import ResourceStore
from edgeward.services.iam import entities
from edgeward.services.iam.entities import ROLE, SERVER_CERTIFICATE, USER, EntityKind


def iam_demands(store: ResourceStore, account_id: str) -> Demands:
    """The demands of an account's IAM."""

    def demands(caller: Caller, operation: Operation, members: Shape) -> list[Demand]:
        tags = {tag["Key"]: tag.get("Value", "") for tag in members.get("Tags", []) if "Key" in tag}
        policy = {"iam:policyarn": [members["PolicyArn"]]} if "PolicyArn" in members else {}
        demand = Demand(
            action=f"iam:{operation.name}",
            resource=_resource(store, account_id, caller, operation.name, members),
            tags=tags or None,
            tag_keys=tuple(members.get("TagKeys", tags)),
            keys=policy,
        )
        target = _target(demand.resource, operation.name, members)
        return [demand] if target is None else [demand, replace(demand, resource=target)]

    return demands


def _resource(store: ResourceStore, account_id: str, caller: Caller, operation: str, members: Shape) -> str:
    if operation in _LISTS:
        return f"arn:aws:iam::{account_id}:{_LISTS[operation]}{members.get('PathPrefix', '/')}"
    for kind in (ROLE, USER, SERVER_CERTIFICATE):
        if kind.name_member in members:
            return _entity(store, account_id, kind, members)
    if "PolicyArn" in members:
        return str(members["PolicyArn"])
    if "PolicyName" in members:
        return f"arn:aws:iam::{account_id}:policy{members.get('Path', '/')}{members['PolicyName']}"
    # Users who name nobody mean themselves.
    return caller.arn


def _target(resource: str, operation: str, members: Shape) -> str | None:
    """The ARN that a certificate would have after it is renamed or moved; None where the operation does neither."""
    if operation != "UpdateServerCertificate":
        return None
    account, _, place = resource.partition(":server-certificate")
    path, _, name = place.rpartition("/")
    path, name = members.get("NewPath", f"{path}/"), members.get("NewServerCertificateName", name)
    return f"{account}:server-certificate{path}{name}"


def _entity(store: ResourceStore, account_id: str, kind: EntityKind, members: Shape) -> str:
    """The ARN of the one who is there, or would be."""
    name = members[kind.name_member]
    with store.read() as transaction:
        entity = transaction.find_by_name(kind.family, name.lower())
    if entity is not None:
        return entities.arn_of(account_id, kind, entity)
    return f"arn:aws:iam::{account_id}:{kind.word}{members.get('Path', '/')}{name}"


_LISTS = {
    "ListPolicies": "policy",
    "ListRoles": "role",
    "ListServerCertificates": "server-certificate",
    "ListUsers": "user",
}
