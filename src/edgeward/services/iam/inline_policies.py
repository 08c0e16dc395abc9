"""Policies that belong to one user or role: put, get, list, delete. Rules: IAM API reference."""

from functools import partial

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.services.iam import documents, entities
from edgeward.services.iam.entities import ActorKind


def inline_policy_handlers(environment: Environment, kind: ActorKind) -> dict[str, Handler]:
    """The operations on the inline policies of users, or of roles; and those on their tags."""
    noun = kind.noun
    return {
        f"Put{noun}Policy": partial(put, environment, kind),
        f"Get{noun}Policy": partial(get, environment, kind),
        f"List{noun}Policies": partial(list_names, environment, kind),
        f"Delete{noun}Policy": partial(delete, environment, kind),
        f"Tag{noun}": partial(entities.tagged, environment, kind),
        f"Untag{noun}": partial(entities.untagged, environment, kind),
        f"List{noun}Tags": partial(entities.list_tags, environment, kind),
    }


def put(environment: Environment, kind: ActorKind, call: Call) -> Shape:
    """Adds a policy or replaces the one of that name."""
    name, document = call.members["PolicyName"], call.members["PolicyDocument"]
    documents.check(document, longest=kind.inline_size)
    with environment.store.write() as transaction:
        entity = entities.find(transaction, kind, call.members[kind.name_member])
        inline = {**entity.config["Inline"], name: document}
        if sum(map(documents.size, inline.values())) > kind.inline_size:
            raise ApiError(
                "LimitExceeded",
                f"Maximum policy size of {kind.inline_size} bytes exceeded for {kind.word} {entity.config['Name']}.",
            )
        entities.update(environment, transaction, entity, call.now, Inline=inline)
    return {}


def get(environment: Environment, kind: ActorKind, call: Call) -> Shape:
    """The document of a policy."""
    name = call.members["PolicyName"]
    with environment.store.read() as transaction:
        entity = entities.find(transaction, kind, call.members[kind.name_member])
    if name not in entity.config["Inline"]:
        raise _no_such(kind, name)
    document = documents.encoded(entity.config["Inline"][name])
    return {kind.name_member: entity.config["Name"], "PolicyName": name, "PolicyDocument": document}


def list_names(environment: Environment, kind: ActorKind, call: Call) -> Shape:
    """The names of all policies."""
    with environment.store.read() as transaction:
        entity = entities.find(transaction, kind, call.members[kind.name_member])
    return entities.sliced(sorted(entity.config["Inline"]), "PolicyNames", call)


def delete(environment: Environment, kind: ActorKind, call: Call) -> Shape:
    """Removes a policy."""
    name = call.members["PolicyName"]
    with environment.store.write() as transaction:
        entity = entities.find(transaction, kind, call.members[kind.name_member])
        if name not in entity.config["Inline"]:
            raise _no_such(kind, name)
        inline = {each: document for each, document in entity.config["Inline"].items() if each != name}
        entities.update(environment, transaction, entity, call.now, Inline=inline)
    return {}


def _no_such(kind: ActorKind, name: str) -> ApiError:
    return ApiError("NoSuchEntity", f"The {kind.word} policy with name {name} cannot be found.")
