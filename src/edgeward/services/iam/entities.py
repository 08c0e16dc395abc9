"""Users, roles and server certificates: what they have in common. Their policies and tags lie in their configurations.

Invariant: the name is unique among the living of its kind, whatever its case. Rules: IAM API reference.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from edgeward.aws.engine import Call, Environment
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.quotas import ServiceQuota
from edgeward.aws.resources import Page, Reference, Resource, Transaction
from edgeward.services.iam import quotas


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityKind:
    """Users, roles, or server certificates."""

    family: str
    word: str
    """As it stands in ARNs."""
    noun: str
    """As it stands in the names of operations and members."""
    prefix: str
    """Of its ids."""
    most: ServiceQuota
    """How many an account has."""
    most_tags: ServiceQuota

    @property
    def name_member(self) -> str:
        """The member of inputs that names one."""
        return f"{self.noun}Name"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorKind(EntityKind):
    """Users, or roles: those who act, and have policies that say what they may."""

    most_policies: ServiceQuota
    """How many managed policies one may have."""
    inline_size: int
    """Characters that all its inline policies may have together."""


USER = ActorKind(
    family="iam-user",
    word="user",
    noun="User",
    prefix="AIDA",
    most=quotas.USERS,
    most_tags=quotas.USER_TAGS,
    most_policies=quotas.POLICIES_PER_USER,
    inline_size=2_048,
)
ROLE = ActorKind(
    family="iam-role",
    word="role",
    noun="Role",
    prefix="AROA",
    most=quotas.ROLES,
    most_tags=quotas.ROLE_TAGS,
    most_policies=quotas.POLICIES_PER_ROLE,
    inline_size=10_240,
)
KINDS: Mapping[str, ActorKind] = {kind.prefix: kind for kind in (USER, ROLE)}
"""Those who act, by the beginning of their ids."""
SERVER_CERTIFICATE = EntityKind(
    family="iam-server-certificate",
    word="server-certificate",
    noun="ServerCertificate",
    prefix="ASCA",
    most=quotas.SERVER_CERTIFICATES,
    most_tags=quotas.SERVER_CERTIFICATE_TAGS,
)
"""The family is the kind of the references that hold one, by its id."""


def find(transaction: Transaction, kind: EntityKind, name: str) -> Resource:
    """The living one of that name. Raises ApiError `NoSuchEntity`."""
    found = transaction.find_by_name(kind.family, name.lower())
    if found is None:
        raise no_such(kind.word, name)
    return found


def no_such(word: str, name: str) -> ApiError:
    """The error for a name that nothing has."""
    return ApiError("NoSuchEntity", f"The {word} with name {name} cannot be found.")


def arn_of(account_id: str, kind: EntityKind, entity: Resource) -> str:
    """The ARN of a user or role."""
    return f"arn:aws:iam::{account_id}:{kind.word}{entity.config['Path']}{entity.config['Name']}"


def tags_of_entity(account_id: str) -> Callable[[Transaction, str], Mapping[str, str]]:
    """Looks the tags of one up by its ARN; one that is not there has none."""

    def look_up(transaction: Transaction, arn: str) -> Mapping[str, str]:
        kind = next((kind for kind in (USER, ROLE, SERVER_CERTIFICATE) if f":{kind.word}/" in arn), None)
        entity = transaction.find_by_name(kind.family, arn.rpartition("/")[2].lower()) if kind is not None else None
        if kind is None or entity is None or arn_of(account_id, kind, entity) != arn:
            return {}
        return {tag["Key"]: tag["Value"] for tag in entity.config["Tags"]}

    return look_up


def create(
    environment: Environment,
    kind: EntityKind,
    call: Call,
    members: Shape,
    attributes_of: Callable[[str], Shape] = lambda _id: {},
) -> Resource:
    """Stores a new one. Raises ApiError `EntityAlreadyExists` or `LimitExceeded`."""
    refuse_unserved(call, "PermissionsBoundary")
    name = call.members[kind.name_member]
    config = {
        "Path": call.members.get("Path", "/"),
        "Name": name,
        "Tags": call.members.get("Tags", []),
        "Inline": {},
        "Attached": [],
        **members,
    }
    entity = new(
        call,
        kind.family,
        environment.identifiers.unique(kind.prefix),
        config,
        etag=environment.identifiers.capital("E"),
    )
    entity = replace(entity, attributes=attributes_of(entity.id))
    with environment.store.write() as transaction:
        if transaction.find_by_name(kind.family, name.lower()) is not None:
            raise ApiError("EntityAlreadyExists", f"{kind.noun} with name {name} already exists.")
        refuse_one_too_many(transaction.count(kind.family), environment.quotas[kind.most], f"{kind.noun}sPerAccount")
        transaction.insert(entity, ())
    return entity


def new(call: Call, family: str, id: str, config: Shape, *, etag: str) -> Resource:
    """A user, role or policy that is not stored yet."""
    return Resource(
        family=family,
        id=id,
        etag=etag,
        config=config,
        created=call.now,
        modified=call.now,
        name=config["Name"].lower(),
    )


def update(environment: Environment, transaction: Transaction, entity: Resource, now: datetime, **config: Any) -> None:
    """Stores a version of a user or role with other values in its configuration."""
    changed = replace(
        entity, config={**entity.config, **config}, etag=environment.identifiers.capital("E"), modified=now
    )
    transaction.update(changed, [Reference(kind=ATTACHED, target=arn) for arn in changed.config["Attached"]])


def delete(environment: Environment, kind: EntityKind, call: Call) -> Shape:
    """Ends the life of one that nothing hangs on. Raises ApiError `DeleteConflict`."""
    with environment.store.write() as transaction:
        entity = find(transaction, kind, call.members[kind.name_member])
        for member, what in (("Attached", "detach all policies"), ("Inline", "delete policies")):
            if entity.config[member]:
                raise ApiError("DeleteConflict", f"Cannot delete entity, must {what} first.")
        if transaction.count(ACCESS_KEY, parent=entity.id):
            raise ApiError("DeleteConflict", "Cannot delete entity, must delete access keys first.")
        transaction.delete(kind.family, entity.id, call.now)
    return {}


def listed(environment: Environment, family: str, member: str, call: Call, shown: Callable[[Resource], Shape]) -> Shape:
    """A page of the living of a family under a path, as `List...` answers it."""
    size = call.members.get("MaxItems", 100)
    prefix = call.members.get("PathPrefix", "/")
    with environment.store.read() as transaction:
        found = transaction.page(family, Page(size=size + 1, marker=call.members.get("Marker")))
    items = [shown(entity) for entity in found[:size] if entity.config["Path"].startswith(prefix)]
    if len(found) <= size:
        return {member: items, "IsTruncated": False}
    return {member: items, "IsTruncated": True, "Marker": found[size - 1].id}


def sliced(items: Sequence[Any], member: str, call: Call) -> Shape:
    """A page of a list that lies in one place; the marker is where it goes on."""
    marker = call.members.get("Marker", "0")
    if not marker.isascii() or not marker.isdecimal():
        raise ApiError("ValidationError", "The Marker is none that an answer before this gave.")
    start, end = int(marker), int(marker) + call.members.get("MaxItems", 100)
    if end >= len(items):
        return {member: items[start:], "IsTruncated": False}
    return {member: items[start:end], "IsTruncated": True, "Marker": str(end)}


def tagged(environment: Environment, kind: EntityKind, call: Call) -> Shape:
    """TagUser and its like: adds tags, and replaces those of the same keys."""
    with environment.store.write() as transaction:
        entity = find(transaction, kind, call.members[kind.name_member])
        tags = {tag["Key"]: tag for tag in [*entity.config["Tags"], *call.members["Tags"]]}
        refuse_one_too_many(len(tags) - 1, environment.quotas[kind.most_tags], f"TagsPer{kind.noun}")
        update(environment, transaction, entity, call.now, Tags=list(tags.values()))
    return {}


def untagged(environment: Environment, kind: EntityKind, call: Call) -> Shape:
    """UntagUser and its like."""
    with environment.store.write() as transaction:
        entity = find(transaction, kind, call.members[kind.name_member])
        kept = [tag for tag in entity.config["Tags"] if tag["Key"] not in call.members["TagKeys"]]
        update(environment, transaction, entity, call.now, Tags=kept)
    return {}


def list_tags(environment: Environment, kind: EntityKind, call: Call) -> Shape:
    """ListUserTags and its like."""
    with environment.store.read() as transaction:
        return sliced(find(transaction, kind, call.members[kind.name_member]).config["Tags"], "Tags", call)


def refuse_one_too_many(count: int, most: int, what: str) -> None:
    """Raises ApiError `LimitExceeded` when there are `most` already."""
    if count >= most:
        raise ApiError("LimitExceeded", f"Cannot exceed quota for {what}: {most}. Delete one first.")


def refuse_unserved(call: Call, *members: str) -> None:
    """Raises ApiError `ValidationError` for a member that would have no effect."""
    for member in members:
        if member in call.members:
            raise ApiError("ValidationError", f"{member} is not served by this version of Edgeward. Leave it out.")


ACCESS_KEY = "iam-access-key"
ATTACHED = "iam-policy"
"""The kind of the references to managed policies."""
