"""Policies with a life of their own, their versions, and who they are attached to.

Those that AWS manages are there as far as people attach them to get at CloudFront. Rules: IAM API reference; AWS
managed policy reference.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import every
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.iam import documents, entities, quotas
from edgeward.services.iam.entities import ATTACHED, KINDS, ActorKind


def managed_policy_handlers(environment: Environment) -> dict[str, Handler]:
    """The operations on managed policies."""
    return {
        "CreatePolicy": partial(create_policy, environment),
        "GetPolicy": partial(get_policy, environment),
        "ListPolicies": partial(list_policies, environment),
        "DeletePolicy": partial(delete_policy, environment),
        "CreatePolicyVersion": partial(create_version, environment),
        "GetPolicyVersion": partial(get_version, environment),
        "ListPolicyVersions": partial(list_versions, environment),
        "SetDefaultPolicyVersion": partial(set_default_version, environment),
        "DeletePolicyVersion": partial(delete_version, environment),
        "ListEntitiesForPolicy": partial(list_entities, environment),
    }


def attachment_handlers(environment: Environment, kind: ActorKind) -> dict[str, Handler]:
    """The operations that attach them to users, or to roles."""
    return {
        f"Attach{kind.noun}Policy": partial(attach, environment, kind),
        f"Detach{kind.noun}Policy": partial(detach, environment, kind),
        f"ListAttached{kind.noun}Policies": partial(list_attached, environment, kind),
    }


def document_of(account_id: str, transaction: Transaction, arn: str) -> str | None:
    """The document of a policy's default version."""
    policy = _lookup(account_id, transaction, arn)
    return _default(policy)["Document"] if policy is not None else None


def create_policy(environment: Environment, call: Call) -> Shape:
    """CreatePolicy."""
    name = call.members["PolicyName"]
    documents.check(call.members["PolicyDocument"], longest=LONGEST)
    config = {
        "Path": call.members.get("Path", "/"),
        "Name": name,
        "Description": call.members.get("Description"),
        "Tags": call.members.get("Tags", []),
        "Versions": [_version(1, call.members["PolicyDocument"], call.now)],
        "Default": "v1",
        "Last": 1,
    }
    policy = entities.new(
        call, FAMILY, environment.identifiers.unique("ANPA"), config, etag=environment.identifiers.capital("E")
    )
    with environment.store.write() as transaction:
        if transaction.find_by_name(FAMILY, name.lower()) is not None:
            raise ApiError(
                "EntityAlreadyExists", f"A policy called {name} already exists. Duplicate names are not allowed."
            )
        entities.refuse_one_too_many(
            transaction.count(FAMILY), environment.quotas[quotas.POLICIES], "PoliciesPerAccount"
        )
        transaction.insert(policy, ())
    return {"Policy": shown(environment, policy, 0)}


def shown(environment: Environment, policy: Resource, attachments: int) -> Shape:
    """A policy as answers have it."""
    return {
        "PolicyName": policy.config["Name"],
        "PolicyId": policy.id,
        "Arn": arn_of(environment.account_id, policy),
        "Path": policy.config["Path"],
        "DefaultVersionId": policy.config["Default"],
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "Description": policy.config["Description"],
        "CreateDate": policy.created,
        "UpdateDate": policy.modified,
        "Tags": policy.config["Tags"],
    }


def arn_of(account_id: str, policy: Resource) -> str:
    """The ARN of a policy."""
    owner = "aws" if policy.id in _OF_AWS_BY_ID else account_id
    return f"arn:aws:iam::{owner}:policy{policy.config['Path']}{policy.config['Name']}"


def get_policy(environment: Environment, call: Call) -> Shape:
    """GetPolicy."""
    arn = call.members["PolicyArn"]
    with environment.store.read() as transaction:
        policy = _find(environment, transaction, arn)
        return {"Policy": shown(environment, policy, len(transaction.referrers(ATTACHED, arn)))}


def list_policies(environment: Environment, call: Call) -> Shape:
    """ListPolicies: those of AWS and those of the account, or only some of them."""
    entities.refuse_unserved(call, "PolicyUsageFilter")
    scope = call.members.get("Scope", "All")
    prefix = call.members.get("PathPrefix", "/")
    with environment.store.read() as transaction:
        own = [] if scope == "AWS" else _all(transaction)
        policies = [*(() if scope == "Local" else OF_AWS.values()), *own]
        items = [
            shown(environment, policy, count)
            for policy in policies
            if policy.config["Path"].startswith(prefix)
            and (
                (count := len(transaction.referrers(ATTACHED, arn_of(environment.account_id, policy))))
                or not call.members.get("OnlyAttached", False)
            )
        ]
    return entities.sliced(items, "Policies", call)


def delete_policy(environment: Environment, call: Call) -> Shape:
    """DeletePolicy: one that nobody has, and that has one version alone."""
    arn = call.members["PolicyArn"]
    with environment.store.write() as transaction:
        policy = _own(environment, transaction, arn)
        if transaction.referrers(ATTACHED, arn):
            raise ApiError("DeleteConflict", "Cannot delete a policy attached to entities. Detach it first.")
        if len(policy.config["Versions"]) > 1:
            raise ApiError("DeleteConflict", "This policy has more than one version. Delete the others first.")
        transaction.delete(FAMILY, policy.id, call.now)
    return {}


def create_version(environment: Environment, call: Call) -> Shape:
    """CreatePolicyVersion."""
    document = call.members["PolicyDocument"]
    documents.check(document, longest=LONGEST)
    with environment.store.write() as transaction:
        policy = _own(environment, transaction, call.members["PolicyArn"])
        most = environment.quotas[quotas.POLICY_VERSIONS]
        entities.refuse_one_too_many(len(policy.config["Versions"]), most, "VersionsPerPolicy")
        last = policy.config["Last"] + 1
        version = _version(last, document, call.now)
        default = version["VersionId"] if call.members.get("SetAsDefault", False) else policy.config["Default"]
        policy = _update(
            environment,
            transaction,
            policy,
            call.now,
            Versions=[*policy.config["Versions"], version],
            Default=default,
            Last=last,
        )
    return {"PolicyVersion": _shown_version(policy, version, with_document=False)}


def get_version(environment: Environment, call: Call) -> Shape:
    """GetPolicyVersion."""
    with environment.store.read() as transaction:
        policy = _find(environment, transaction, call.members["PolicyArn"])
    return {"PolicyVersion": _shown_version(policy, _version_of(policy, call), with_document=True)}


def list_versions(environment: Environment, call: Call) -> Shape:
    """ListPolicyVersions, the newest first."""
    with environment.store.read() as transaction:
        policy = _find(environment, transaction, call.members["PolicyArn"])
    versions = [_shown_version(policy, version, with_document=False) for version in policy.config["Versions"][::-1]]
    return entities.sliced(versions, "Versions", call)


def set_default_version(environment: Environment, call: Call) -> Shape:
    """SetDefaultPolicyVersion: from now on this one counts."""
    with environment.store.write() as transaction:
        policy = _own(environment, transaction, call.members["PolicyArn"])
        default = _version_of(policy, call)["VersionId"]
        _update(environment, transaction, policy, call.now, Default=default)
    return {}


def delete_version(environment: Environment, call: Call) -> Shape:
    """DeletePolicyVersion: any but the one that counts."""
    with environment.store.write() as transaction:
        policy = _own(environment, transaction, call.members["PolicyArn"])
        version = _version_of(policy, call)
        if version["VersionId"] == policy.config["Default"]:
            raise ApiError("DeleteConflict", "Cannot delete the default version of a policy. Make another the default.")
        kept = [each for each in policy.config["Versions"] if each != version]
        _update(environment, transaction, policy, call.now, Versions=kept)
    return {}


def list_entities(environment: Environment, call: Call) -> Shape:
    """ListEntitiesForPolicy."""
    entities.refuse_unserved(call, "EntityFilter", "PathPrefix", "PolicyUsageFilter")
    with environment.store.read() as transaction:
        _find(environment, transaction, call.members["PolicyArn"])
        found = [
            (kind, entity)
            for holder in transaction.referrers(ATTACHED, call.members["PolicyArn"])
            if (entity := transaction.find((kind := KINDS[holder[:4]]).family, holder)) is not None
        ]
    page = entities.sliced(found, "Found", call)
    answer: Shape = {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": [], **page}
    for kind, entity in answer.pop("Found"):
        answer[f"Policy{kind.noun}s"].append({kind.name_member: entity.config["Name"], f"{kind.noun}Id": entity.id})
    return answer


def attach(environment: Environment, kind: ActorKind, call: Call) -> Shape:
    """Attaches a policy; one that is attached already stays so."""
    arn = call.members["PolicyArn"]
    with environment.store.write() as transaction:
        entity = entities.find(transaction, kind, call.members[kind.name_member])
        _find(environment, transaction, arn)
        attached = entity.config["Attached"]
        if arn not in attached:
            most = environment.quotas[kind.most_policies]
            entities.refuse_one_too_many(len(attached), most, f"PoliciesPer{kind.noun}")
            entities.update(environment, transaction, entity, call.now, Attached=[*attached, arn])
    return {}


def detach(environment: Environment, kind: ActorKind, call: Call) -> Shape:
    """Detaches a policy."""
    arn = call.members["PolicyArn"]
    with environment.store.write() as transaction:
        entity = entities.find(transaction, kind, call.members[kind.name_member])
        if arn not in entity.config["Attached"]:
            raise ApiError("NoSuchEntity", f"Policy {arn} was not found.")
        kept = [each for each in entity.config["Attached"] if each != arn]
        entities.update(environment, transaction, entity, call.now, Attached=kept)
    return {}


def list_attached(environment: Environment, kind: ActorKind, call: Call) -> Shape:
    """The policies that a user or role has."""
    entities.refuse_unserved(call, "PathPrefix")
    with environment.store.read() as transaction:
        entity = entities.find(transaction, kind, call.members[kind.name_member])
    attached = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in entity.config["Attached"]]
    return entities.sliced(attached, "AttachedPolicies", call)


def _all(transaction: Transaction) -> list[Resource]:
    return list(every(transaction, FAMILY))


def _lookup(account_id: str, transaction: Transaction, arn: str) -> Resource | None:
    policy = OF_AWS.get(arn) or transaction.find_by_name(FAMILY, arn.rpartition("/")[2].lower())
    return policy if policy is not None and arn_of(account_id, policy) == arn else None


def _find(environment: Environment, transaction: Transaction, arn: str) -> Resource:
    policy = _lookup(environment.account_id, transaction, arn)
    if policy is None:
        raise ApiError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
    return policy


def _own(environment: Environment, transaction: Transaction, arn: str) -> Resource:
    if arn in OF_AWS:
        raise ApiError("AccessDenied", f"Policy {arn} is managed by AWS. Make one of your own.")
    return _find(environment, transaction, arn)


def _update(
    environment: Environment, transaction: Transaction, policy: Resource, now: datetime, **config: Any
) -> Resource:
    etag = environment.identifiers.capital("E")
    changed = replace(policy, config={**policy.config, **config}, etag=etag, modified=now)
    transaction.update(changed, ())
    return changed


def _version(number: int, document: str, now: datetime) -> Shape:
    return {"VersionId": f"v{number}", "Document": document, "CreateDate": now.isoformat()}


def _version_of(policy: Resource, call: Call) -> Shape:
    for version in policy.config["Versions"]:
        if version["VersionId"] == call.members["VersionId"]:
            found: Shape = version
            return found
    raise ApiError("NoSuchEntity", f"Policy version {call.members['VersionId']} does not exist.")


def _default(policy: Resource) -> Shape:
    versions: list[Shape] = policy.config["Versions"]
    return next(version for version in versions if version["VersionId"] == policy.config["Default"])


def _shown_version(policy: Resource, version: Shape, *, with_document: bool) -> Shape:
    return {
        "Document": documents.encoded(version["Document"]) if with_document else None,
        "VersionId": version["VersionId"],
        "IsDefaultVersion": version["VersionId"] == policy.config["Default"],
        "CreateDate": datetime.fromisoformat(version["CreateDate"]),
    }


def _of_aws(number: int, name: str, description: str, *actions: str) -> tuple[str, Resource]:
    since = datetime(2015, 2, 6, 18, 39, tzinfo=UTC)
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policy = Resource(
        family=FAMILY,
        id=f"ANPA{number:017d}",
        etag="E1",
        config={
            "Path": "/",
            "Name": name,
            "Description": description,
            "Tags": [],
            "Versions": [_version(1, document, since)],
            "Default": "v1",
            "Last": 1,
        },
        created=since,
        modified=since,
    )
    return f"arn:aws:iam::aws:policy/{name}", policy


FAMILY = "iam-policy"
LONGEST = 6_144

OF_AWS: Mapping[str, Resource] = dict(
    [
        _of_aws(1, "AdministratorAccess", "Everything.", "*"),
        _of_aws(2, "IAMFullAccess", "Everything of IAM.", "iam:*"),
        _of_aws(3, "IAMReadOnlyAccess", "Reading IAM.", "iam:Get*", "iam:List*"),
        _of_aws(
            4,
            "CloudFrontFullAccess",
            "Everything of CloudFront, its key value stores and Edgeward's own API.",
            "cloudfront:*",
            "cloudfront-keyvaluestore:*",
            "edgeward:*",
        ),
        _of_aws(
            5,
            "CloudFrontReadOnlyAccess",
            "Reading CloudFront and its key value stores.",
            "cloudfront:Describe*",
            "cloudfront:Get*",
            "cloudfront:List*",
            "cloudfront-keyvaluestore:Describe*",
            "cloudfront-keyvaluestore:Get*",
            "cloudfront-keyvaluestore:List*",
        ),
    ]
)
"""By ARN."""
_OF_AWS_BY_ID = frozenset(policy.id for policy in OF_AWS.values())
