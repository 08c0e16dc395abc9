"""The generic resource engine: Create, Get, GetConfig, Update, Delete and List for every family.

ETag and If-Match, CallerReference and unique names, quotas, paging, Location and in-use checks are done here,
once. A family describes itself as a `ResourceSpec`, with a hook where its operations are shaped otherwise;
verbs outside the pattern are plain functions registered beside it. Invariant: a change and its outbox row are
one transaction; the edges are waited for only after the commit.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from edgeward.aws.access import Caller
from edgeward.aws.errors import ApiError
from edgeward.aws.identifiers import Identifiers
from edgeward.aws.listing import answer_page, read_page, requested_page
from edgeward.aws.model import ServiceModel, Shape, content_member, payload_member
from edgeward.aws.quotas import AWS_QUOTAS, Quotas, ServiceQuota
from edgeward.aws.resources import FINAL_STATUS, Deployment, Page, Reference, Resource, ResourceStore, Transaction
from edgeward.aws.wire import WireRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated, parsed and validated call of an operation."""

    members: Shape
    request: WireRequest
    """As it came."""
    now: datetime
    caller: Caller

    @property
    def origin(self) -> str:
        """Scheme and authority by which the caller reached the API, for Location headers."""
        return self.request.origin


Handler = Callable[[Call], Shape]
"""Does what an operation says; returns its output's members or raises ApiError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What families work with. One per control plane."""

    store: ResourceStore
    deployment: Deployment
    identifiers: Identifiers
    account_id: str
    quotas: Quotas = AWS_QUOTAS


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A configuration, defaults filled in, that is about to be stored."""

    transaction: Transaction
    config: Shape
    before: Resource | None
    """The version it would replace; None on creation."""
    now: datetime
    quotas: Quotas


def accept(_proposal: Proposal) -> None:
    """The check of a family that has no rules beyond the model."""


def no_tags(_members: Shape, _quotas: Quotas) -> Mapping[str, str]:
    """The tags of a family that is not created with any."""
    return {}


def no_references(_config: Shape) -> Iterable[Reference]:
    """The references of a family that refers to nothing."""
    return ()


def no_change(_transaction: Transaction, _resource: Resource) -> None:
    """What a family does on a change that no edge has to know of."""


def nothing_else_ends(_transaction: Transaction, _resource: Resource, _moment: datetime) -> None:
    """What a family does when a resource ends that nothing belongs to."""


Verb = Literal["create", "get", "get_config", "update", "delete", "list"]
"""What the engine does; the operations of a family are named after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSpec:
    """A resource family, declared. Operation and member names follow from `noun` through the model."""

    family: str
    noun: str
    """The resource in operation names: `CachePolicy` in CreateCachePolicy."""
    plural: str
    no_such: str
    """The error for an unknown id."""
    already_exists: str
    """The error for a name or caller reference in use."""
    in_use: str | None = None
    """The error for deleting what others refer to; None when nothing can refer to it."""
    name_member: str | None = None
    """The member of the configuration that is unique in the family."""
    renamed: Mapping[Verb, str] = field(default_factory=dict)
    """The operations that are not named after `noun` and `plural`."""
    immutable: tuple[str, ...] = ()
    """Members of the configuration that no update may change."""
    immutable_code: str = "IllegalUpdate"
    """The error for an update that tries."""
    has_versions: bool = True
    """Whether Update and Delete need If-Match."""
    repeats_creation: bool = False
    """Whether Create with a caller reference and configuration sent before answers with the resource made then."""
    quota: ServiceQuota | None = None
    """How many resources of the family an account may have."""
    managed: Mapping[str, Resource] = field(default_factory=dict)
    """Resources that every account has and nobody can change, by id."""
    new_id: Callable[[Identifiers], str]
    new_attributes: Callable[[Identifiers], Shape] = lambda _identifiers: {}
    identify: Callable[[Shape], str] = lambda members: str(members["Id"])
    """What a call says to name the resource it is about."""
    look_up: Callable[[Transaction, str], Resource | None] | None = None
    """The resource that such a word names; by its id when not given."""
    path_name: Callable[[Resource], str] = lambda resource: resource.id
    """The last segment of a resource's path, for Location."""
    held_as: Callable[[Resource], str] = lambda resource: resource.id
    """What others refer to it by."""
    read_config: Callable[[Shape, Resource | None], Shape] | None = None
    """The configuration that the input of Create or Update asks for; its payload when not given."""
    read_tags: Callable[[Shape, Quotas], Mapping[str, str]] = no_tags
    """The tags in the input of Create."""
    fill_defaults: Callable[[Shape], Shape] = lambda config: config
    check: Callable[[Proposal], None] = accept
    """The family's own rules; raises ApiError."""
    check_delete: Callable[[Transaction, Resource], None] = no_change
    references: Callable[[Shape], Iterable[Reference]] = no_references
    describe: Callable[[Transaction, Resource], Shape]
    """What Get answers."""
    summarize: Callable[[Transaction, Resource], Shape]
    """What List answers for each resource."""
    on_change: Callable[[Transaction, Resource], None] = no_change
    """Called in the transaction of every change, deletion included; enqueues what edges have to learn."""
    on_delete: Callable[[Transaction, Resource, datetime], None] = nothing_else_ends
    """Ends what belongs to a deleted resource, in the same transaction."""

    def operation(self, verb: Verb) -> str:
        """The name of the family's operation."""
        derived: Mapping[Verb, str] = {
            "create": f"Create{self.noun}",
            "get": f"Get{self.noun}",
            "get_config": f"Get{self.noun}Config",
            "update": f"Update{self.noun}",
            "delete": f"Delete{self.noun}",
            "list": f"List{self.plural}",
        }
        return self.renamed.get(verb, derived[verb])


class ResourceEngine:
    """The operations of one family."""

    def __init__(self, spec: ResourceSpec, model: ServiceModel, environment: Environment) -> None:
        self.spec = spec
        self._environment = environment
        self._operations = model.operations

    def handlers(self) -> dict[str, Handler]:
        """The family's operations by name: those of the six that the model has."""
        verbs: Mapping[Verb, Handler] = {
            "create": self._create,
            "get": self._get,
            "get_config": self._get_config,
            "update": self._update,
            "delete": self._delete,
            "list": self._list,
        }
        named = {self.spec.operation(verb): handler for verb, handler in verbs.items()}
        return {name: handler for name, handler in named.items() if name in self._operations}

    def find(self, transaction: Transaction, id: str) -> Resource:
        """The resource that `id` names, managed ones included. Raises the family's "no such" error."""
        look_up = self.spec.look_up or self._by_id
        resource = look_up(transaction, id)
        if resource is None:
            raise ApiError(self.spec.no_such, f"The specified {self._words} does not exist: '{id}'.")
        return resource

    def add(self, call: Call, config: Shape, tags: Mapping[str, str] | None = None) -> Shape:
        """Creates a resource and answers as Create does.

        Raises ApiError: the family's "already exists" and quota errors, and whatever its rules refuse.
        """
        spec = self.spec
        with self._environment.store.write() as transaction:
            filled = spec.fill_defaults(config)
            resource = self._repeated(transaction, filled)
            if resource is None:
                self._refuse_duplicate(transaction, filled, None)
                self._refuse_one_too_many(transaction)
                spec.check(self._proposal(transaction, filled, None, call.now))
                resource = self._new(filled, call.now)
                transaction.insert(resource, spec.references(filled))
                if tags:
                    transaction.put_tags(spec.family, resource.id, dict(tags))
                spec.on_change(transaction, resource)
        return self._settled("create", transaction, resource, call.origin)

    def change(self, call: Call, id: str, config: Shape) -> Shape:
        """Replaces a resource's configuration under `If-Match` and answers as Update does."""
        return self._change(call, id, lambda _before: config)

    def _change(self, call: Call, id: str, configure: Callable[[Resource], Shape]) -> Shape:
        spec = self.spec
        with self._environment.store.write() as transaction:
            before = self.find(transaction, id)
            self._refuse_managed(before, "IllegalUpdate", "changed")
            self._require_match(transaction, before, call)
            filled = spec.fill_defaults(configure(before))
            self._refuse_immutable(before.config, filled)
            self._refuse_duplicate(transaction, filled, before)
            spec.check(self._proposal(transaction, filled, before, call.now))
            resource = replace(
                before,
                etag=self._environment.identifiers.capital("E"),
                config=filled,
                modified=call.now,
                name=self._name(filled),
            )
            transaction.update(resource, spec.references(filled))
            spec.on_change(transaction, resource)
        return self._settled("update", transaction, resource, call.origin)

    def require_match(self, transaction: Transaction, resource: Resource, if_match: str | None) -> None:
        """Compares `If-Match` with the resource's ETag (RFC 9110 section 13.1.1).

        CloudFront does not say how it tells a stale value from an invalid one; here, by the resource's history.
        Raises ApiError `PreconditionFailed` when it names an earlier version, `InvalidIfMatchVersion` when it
        is missing or never was an ETag of this resource.
        """
        if if_match == resource.etag:
            return
        if if_match is not None and transaction.had_etag(resource.family, resource.id, if_match):
            raise ApiError(
                "PreconditionFailed",
                "The request failed because it didn't meet the preconditions in one or more request-header "
                f"fields: the {self._words} has changed. Get it again and repeat the change with the new ETag.",
            )
        raise ApiError(
            "InvalidIfMatchVersion",
            "The If-Match version is missing or not valid for the resource. "
            f"Send the ETag of the {self._words} '{resource.id}' as If-Match.",
        )

    def _create(self, call: Call) -> Shape:
        tags = self.spec.read_tags(call.members, self._environment.quotas)
        return self.add(call, self._read_config("create", call, None), tags)

    def _get(self, call: Call) -> Shape:
        with self._environment.store.read() as transaction:
            resource = self.find(transaction, self.spec.identify(call.members))
            return self._answer("get", transaction, resource, call.origin)

    def _get_config(self, call: Call) -> Shape:
        operation = self._operations[self.spec.operation("get_config")]
        with self._environment.store.read() as transaction:
            resource = self.find(transaction, self.spec.identify(call.members))
        return {content_member(operation.output): resource.config, "ETag": resource.etag}

    def _update(self, call: Call) -> Shape:
        return self._change(
            call, self.spec.identify(call.members), lambda before: self._read_config("update", call, before)
        )

    def _delete(self, call: Call) -> Shape:
        spec = self.spec
        with self._environment.store.write() as transaction:
            resource = self.find(transaction, spec.identify(call.members))
            self._refuse_managed(resource, "IllegalDelete", "deleted")
            self._require_match(transaction, resource, call)
            spec.check_delete(transaction, resource)
            self._refuse_in_use(transaction, resource)
            answer = self._farewell(transaction, resource)
            transaction.delete(spec.family, resource.id, call.now)
            spec.on_delete(transaction, resource, call.now)
            spec.on_change(transaction, resource)
        self._settle(transaction)
        return answer

    def _list(self, call: Call) -> Shape:
        operation = self._operations[self.spec.operation("list")]
        page = requested_page(call.members)
        with self._environment.store.read() as transaction:
            found = self._page(transaction, page, call.members.get("Type"))
            return answer_page(
                operation.output, page, found, lambda resource: self.spec.summarize(transaction, resource)
            )

    def _page(self, transaction: Transaction, page: Page, kind: str | None) -> tuple[list[Resource], bool]:
        """A page over stored and managed resources; `kind` is managed, custom or None for both."""
        stored, more = ([], False) if kind == "managed" else read_page(transaction, self.spec.family, page)
        managed = [] if kind == "custom" else self.spec.managed.values()
        wanted = [resource for resource in managed if page.marker is None or resource.id > page.marker]
        merged = sorted([*stored, *wanted], key=lambda resource: resource.id)
        return merged[: page.size], more or len(merged) > page.size

    def _settled(self, verb: Verb, written: Transaction, resource: Resource, origin: str) -> Shape:
        """Waits for the edges, then answers with the version just written and the status it has reached.

        Never with a newer version: its ETag would let the caller overwrite a change it has not seen.
        """
        has_settled = self._settle(written)
        with self._environment.store.read() as transaction:
            reached = self._reached(transaction, resource, has_settled=has_settled)
            return self._answer(verb, transaction, reached, origin)

    def _reached(self, transaction: Transaction, resource: Resource, *, has_settled: bool) -> Resource:
        """The version with its status, which is looked up only where it is not known."""
        if has_settled and resource.family in FINAL_STATUS:
            return replace(resource, status=FINAL_STATUS[resource.family])
        current = transaction.find(resource.family, resource.id)
        return replace(resource, status=current.status if current is not None else "InProgress")

    def _answer(self, verb: Verb, transaction: Transaction, resource: Resource, origin: str) -> Shape:
        collection = self._operations[self.spec.operation("create")].uri
        return {
            content_member(self._operations[self.spec.operation(verb)].output): self.spec.describe(
                transaction, resource
            ),
            "ETag": resource.etag,
            "Location": f"{origin}{collection}/{self.spec.path_name(resource)}",
        }

    def _farewell(self, transaction: Transaction, resource: Resource) -> Shape:
        """What Delete answers: the resource as it was, where the model has an answer at all."""
        output = self._operations[self.spec.operation("delete")].output
        if output is None or not output.members:
            return {}
        return {content_member(output): self.spec.describe(transaction, resource), "ETag": resource.etag}

    def _proposal(self, transaction: Transaction, config: Shape, before: Resource | None, now: datetime) -> Proposal:
        quotas = self._environment.quotas
        return Proposal(transaction=transaction, config=config, before=before, now=now, quotas=quotas)

    def _new(self, config: Shape, now: datetime) -> Resource:
        spec, identifiers = self.spec, self._environment.identifiers
        return Resource(
            family=spec.family,
            id=spec.new_id(identifiers),
            etag=identifiers.capital("E"),
            config=config,
            created=now,
            modified=now,
            name=self._name(config),
            caller_reference=config.get("CallerReference"),
            attributes=spec.new_attributes(identifiers),
        )

    def _settle(self, transaction: Transaction) -> bool:
        """Whether something was written that every edge has by now."""
        position = transaction.last_position
        return position is not None and self._environment.deployment.settle(position)

    def _read_config(self, verb: Verb, call: Call, before: Resource | None) -> Shape:
        if self.spec.read_config is not None:
            return self.spec.read_config(call.members, before)
        name = self.spec.operation(verb)
        shape = self._operations[name].input
        payload = payload_member(shape) if shape is not None else None
        assert payload is not None, f"{name} has no payload; give its family a `read_config`"
        config: Shape = call.members[payload]
        return config

    def _by_id(self, transaction: Transaction, id: str) -> Resource | None:
        return self.spec.managed.get(id) or transaction.find(self.spec.family, id)

    def _require_match(self, transaction: Transaction, resource: Resource, call: Call) -> None:
        if self.spec.has_versions:
            self.require_match(transaction, resource, call.members.get("IfMatch"))

    def _repeated(self, transaction: Transaction, config: Shape) -> Resource | None:
        """The resource that the same request made before, in a family whose creation may be repeated."""
        reference = config.get("CallerReference")
        if not self.spec.repeats_creation or reference is None:
            return None
        earlier = transaction.find_by_caller_reference(self.spec.family, reference)
        return earlier if earlier is not None and earlier.config == config else None

    def _refuse_in_use(self, transaction: Transaction, resource: Resource) -> None:
        spec = self.spec
        if spec.in_use and (users := transaction.referrers(spec.family, spec.held_as(resource))):
            raise ApiError(spec.in_use, f"The {self._words} is in use by {', '.join(users)}. Detach it first.")

    def _name(self, config: Shape) -> str | None:
        return config[self.spec.name_member] if self.spec.name_member else None

    def _refuse_duplicate(self, transaction: Transaction, config: Shape, before: Resource | None) -> None:
        own_id = before.id if before is not None else None
        name = self._name(config)
        if name is not None and (other := self._named(transaction, name)) is not None and other.id != own_id:
            raise ApiError(
                self.spec.already_exists,
                f"The {self._words} '{other.id}' already has the name '{name}'. Choose another.",
            )
        # Whether a deleted resource's reference may be used again is not documented; a careful user would expect so.
        reference = config.get("CallerReference")
        if before is None and reference is not None:
            other = transaction.find_by_caller_reference(self.spec.family, reference)
            if other is not None:
                raise ApiError(
                    self.spec.already_exists,
                    "The caller reference that you are using to create a "
                    f"{self._words} is associated with another {self._words}. Already exists: {other.id}",
                )

    def _named(self, transaction: Transaction, name: str) -> Resource | None:
        managed = (resource for resource in self.spec.managed.values() if resource.name == name)
        return next(managed, None) or transaction.find_by_name(self.spec.family, name)

    def _refuse_one_too_many(self, transaction: Transaction) -> None:
        quota = self.spec.quota
        if quota is not None and transaction.count(self.spec.family) >= self._environment.quotas[quota]:
            most = self._environment.quotas[quota]
            raise ApiError(quota.error, f"An account can have {most} of these. Delete one before adding another.")

    def _refuse_managed(self, resource: Resource, code: str, verb: str) -> None:
        if resource.id in self.spec.managed:
            raise ApiError(code, f"The {self._words} '{resource.id}' is managed by AWS and cannot be {verb}.")

    def _refuse_immutable(self, before: Shape, after: Shape) -> None:
        for member in self.spec.immutable:
            if before.get(member) != after.get(member):
                raise ApiError(
                    self.spec.immutable_code, f"{member} cannot be changed after creation. Send the value it has."
                )

    @property
    def _words(self) -> str:
        return self.spec.family.replace("-", " ")
