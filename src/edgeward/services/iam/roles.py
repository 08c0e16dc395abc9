"""Roles and who may take them. Rules: IAM API reference."""

from functools import partial

from edgeward.access.policy import Kind
from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource
from edgeward.services.iam import documents, entities, quotas
from edgeward.services.iam.entities import ROLE


def role_handlers(environment: Environment) -> dict[str, Handler]:
    """The operations on roles."""
    return {
        "CreateRole": partial(create_role, environment),
        "GetRole": partial(get_role, environment),
        "ListRoles": lambda call: entities.listed(
            environment, ROLE.family, "Roles", call, partial(shown, environment.account_id)
        ),
        "UpdateRole": partial(update_role, environment),
        "UpdateAssumeRolePolicy": partial(update_trust, environment),
        "DeleteRole": partial(entities.delete, environment, ROLE),
    }


def shown(account_id: str, role: Resource) -> Shape:
    """A role as answers have it."""
    return {
        "Path": role.config["Path"],
        "RoleName": role.config["Name"],
        "RoleId": role.id,
        "Arn": entities.arn_of(account_id, ROLE, role),
        "CreateDate": role.created,
        "AssumeRolePolicyDocument": documents.encoded(role.config["Trust"]),
        "Description": role.config["Description"],
        "MaxSessionDuration": role.config["MaxSessionDuration"],
        "Tags": role.config["Tags"] or None,
    }


def create_role(environment: Environment, call: Call) -> Shape:
    """CreateRole."""
    trust = call.members["AssumeRolePolicyDocument"]
    documents.check(trust, longest=environment.quotas[quotas.TRUST_POLICY_LENGTH], kind=Kind.TRUST)
    members = {
        "Trust": trust,
        "Description": call.members.get("Description"),
        "MaxSessionDuration": call.members.get("MaxSessionDuration", DEFAULT_DURATION),
    }
    return {"Role": shown(environment.account_id, entities.create(environment, ROLE, call, members))}


def get_role(environment: Environment, call: Call) -> Shape:
    """GetRole."""
    with environment.store.read() as transaction:
        return {"Role": shown(environment.account_id, entities.find(transaction, ROLE, call.members["RoleName"]))}


def update_role(environment: Environment, call: Call) -> Shape:
    """UpdateRole: description and longest session; what is not sent falls back to its default."""
    with environment.store.write() as transaction:
        role = entities.find(transaction, ROLE, call.members["RoleName"])
        duration = call.members.get("MaxSessionDuration", DEFAULT_DURATION)
        description = call.members.get("Description", role.config["Description"])
        entities.update(environment, transaction, role, call.now, Description=description, MaxSessionDuration=duration)
    return {}


def update_trust(environment: Environment, call: Call) -> Shape:
    """UpdateAssumeRolePolicy."""
    trust = call.members["PolicyDocument"]
    documents.check(trust, longest=environment.quotas[quotas.TRUST_POLICY_LENGTH], kind=Kind.TRUST)
    with environment.store.write() as transaction:
        role = entities.find(transaction, ROLE, call.members["RoleName"])
        entities.update(environment, transaction, role, call.now, Trust=trust)
    return {}


DEFAULT_DURATION = 3_600
