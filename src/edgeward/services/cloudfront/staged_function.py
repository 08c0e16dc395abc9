"""Functions with two stages: CloudFront Functions and connection functions.

Callers write the DEVELOPMENT stage; publishing copies it to LIVE, which is what a distribution runs. Each stage has
an ETag of its own; deleting a function ends both. Running a function, and so testing one, is not here. Rules: API
reference, CreateFunction and PublishFunction; Developer Guide, "Quotas".
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from edgeward.aws.engine import Call, Environment, Handler, Proposal, ResourceEngine, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import answer_rows, every, requested_page
from edgeward.aws.model import ServiceModel, Shape
from edgeward.aws.quotas import ServiceQuota
from edgeward.aws.resources import Reference, Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.arns import arn_of, by_any_identifier, by_name, resource_of_arn
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.distribution.holds import last_segment
from edgeward.services.cloudfront.republishing import republish_holders
from edgeward.services.cloudfront.tagging import read_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionKind:
    """What tells the two families apart."""

    family: str
    noun: str
    no_such: str
    already_exists: str
    quota: ServiceQuota
    size: ServiceQuota
    """How many bytes its code may have."""
    in_use: str
    is_named: bool
    """Whether callers and distributions know a function by its name, not by its id."""
    tag_error: str

    @property
    def live(self) -> str:
        """The family of the LIVE stages; such a resource has the id of its function."""
        return f"{self.family}-live"


def function_handlers(kind: FunctionKind, model: ServiceModel, environment: Environment) -> dict[str, Handler]:
    """The operations of one of the families."""
    functions = _Functions(kind, model, environment)
    noun = kind.noun
    return {
        **functions.engine.handlers(),
        f"Get{noun}": functions.read_code,
        f"Describe{noun}": functions.describe_stage,
        f"Publish{noun}": functions.publish,
        f"List{noun}s": functions.list_stages,
    }


class _Functions:
    """The verbs of one family that know about stages."""

    def __init__(self, kind: FunctionKind, model: ServiceModel, environment: Environment) -> None:
        self._kind = kind
        self._environment = environment
        self.engine = ResourceEngine(self._spec(), model, environment)
        self._list_output = model.operations[f"List{kind.noun}s"].output

    def read_code(self, call: Call) -> Shape:
        """GetFunction: the code itself."""
        with self._environment.store.read() as transaction:
            stage = self._stage(transaction, call)
        code = b64decode(stage.config["Code"])
        return {f"{self._kind.noun}Code": code, "ETag": stage.etag, "ContentType": "application/octet-stream"}

    def describe_stage(self, call: Call) -> Shape:
        """DescribeFunction: everything but the code."""
        with self._environment.store.read() as transaction:
            stage = self._stage(transaction, call)
            return {self._content: self._describe(transaction, stage), "ETag": stage.etag}

    def publish(self, call: Call) -> Shape:
        """PublishFunction: LIVE becomes what DEVELOPMENT is."""
        kind = self._kind
        with self._environment.store.write() as transaction:
            function = self.engine.find(transaction, _identifier(call.members))
            self.engine.require_match(transaction, function, call.members.get("IfMatch"))
            published = self._put_live(transaction, function, call.now)
            republish_holders(transaction, kind.family, self._word(function))
        if transaction.last_position is not None:
            self._environment.deployment.settle(transaction.last_position)
        with self._environment.store.read() as transaction:
            return {self._content: self._describe(transaction, published)}

    def list_stages(self, call: Call) -> Shape:
        """ListFunctions: every stage of every function, or of one kind."""
        page, wanted = requested_page(call.members), call.members.get("Stage")
        families = [family for family in (self._kind.family, self._kind.live) if self._is_wanted(family, wanted)]
        with self._environment.store.read() as transaction:
            stages = [stage for family in families for stage in every(transaction, family)]
            rows = {f"{stage.name}:{stage.family}": stage for stage in stages}
            return answer_rows(self._list_output, page, rows, lambda stage: self._describe(transaction, stage))

    @property
    def _content(self) -> str:
        return f"{self._kind.noun}Summary"

    def _is_wanted(self, family: str, stage: str | None) -> bool:
        return stage is None or (stage == "LIVE") == (family == self._kind.live)

    def _stage(self, transaction: Transaction, call: Call) -> Resource:
        function = self.engine.find(transaction, _identifier(call.members))
        if call.members.get("Stage", "DEVELOPMENT") == "DEVELOPMENT":
            return function
        live = transaction.find(self._kind.live, function.id)
        if live is None:
            raise ApiError(self._kind.no_such, f"The function '{function.name}' has no LIVE stage. Publish it first.")
        return live

    def _put_live(self, transaction: Transaction, function: Resource, now: datetime) -> Resource:
        etag = self._environment.identifiers.capital("E")
        live = transaction.find(self._kind.live, function.id)
        if live is None:
            live = replace(function, family=self._kind.live, etag=etag, created=now, modified=now, attributes={})
            transaction.insert(live, ())
        else:
            live = replace(live, config=function.config, etag=etag, modified=now)
            transaction.update(live, ())
        return live

    def _describe(self, transaction: Transaction, stage: Resource) -> Shape:
        kind, account = self._kind, self._environment.account_id
        arn = arn_of(account, kind.family, self._word(stage))
        name = "LIVE" if stage.family == kind.live else "DEVELOPMENT"
        times = {"CreatedTime": stage.created, "LastModifiedTime": stage.modified}
        common = {
            "Name": stage.name,
            "Status": self._status(transaction, stage),
            f"{kind.noun}Config": stage.config["Config"],
        }
        if kind.is_named:
            return {**common, "FunctionMetadata": {"FunctionARN": arn, "Stage": name, **times}}
        return {**common, "Id": stage.id, f"{kind.noun}Arn": arn, "Stage": name, **times}

    def _status(self, transaction: Transaction, stage: Resource) -> str:
        """UNPUBLISHED while LIVE is not the same; else whether a distribution runs it."""
        live = transaction.find(self._kind.live, stage.id)
        if live is None or live.config != stage.config:
            return "UNPUBLISHED"
        is_used = transaction.referrers(self._kind.family, self._word(stage))
        return "ASSOCIATED" if is_used else "UNASSOCIATED"

    def _word(self, stage: Resource) -> str:
        return (stage.name or "") if self._kind.is_named else stage.id

    def _spec(self) -> ResourceSpec:
        kind, account = self._kind, self._environment.account_id
        return ResourceSpec(
            family=kind.family,
            noun=kind.noun,
            plural=f"{kind.noun}s",
            no_such=kind.no_such,
            already_exists=kind.already_exists,
            in_use=kind.in_use,
            name_member="Name",
            quota=kind.quota,
            new_id=lambda identifiers: identifiers.tagged("cf"),
            identify=_identifier,
            look_up=by_name(kind.family) if kind.is_named else by_any_identifier(account, kind.family),
            path_name=self._word,
            held_as=self._word,
            read_config=self._read_config,
            read_tags=lambda members, limits: read_tags(members.get("Tags", {}), limits, kind.tag_error),
            check=self._check,
            references=_references,
            describe=self._describe,
            summarize=self._describe,
            on_delete=lambda transaction, function, now: transaction.delete(kind.live, function.id, now),
        )

    def _read_config(self, members: Shape, before: Resource | None) -> Shape:
        noun = self._kind.noun
        return {
            "Name": members["Name"] if before is None else before.name,
            "Config": members[f"{noun}Config"],
            "Code": b64encode(members[f"{noun}Code"]).decode("ascii"),
        }

    def _check(self, proposal: Proposal) -> None:
        size = len(b64decode(proposal.config["Code"]))
        most = proposal.quotas[self._kind.size]
        if size > most:
            raise ApiError(self._kind.size.error, f"The code has {size} bytes; a function has at most {most}.")
        self._check_stores(proposal, proposal.config["Config"])

    def _check_stores(self, proposal: Proposal, config: Shape) -> None:
        associations = items_of(config.get("KeyValueStoreAssociations"))
        most = proposal.quotas[quotas.STORES_PER_FUNCTION]
        if len(associations) > most:
            raise ApiError(quotas.STORES_PER_FUNCTION.error, f"A function can use {most} key value store.")
        if associations and config["Runtime"] != "cloudfront-js-2.0":
            raise ApiError("InvalidArgument", "Only functions with the runtime cloudfront-js-2.0 use key value stores.")
        for association in associations:
            arn = association["KeyValueStoreARN"]
            store = resource_of_arn(self._environment.account_id, proposal.transaction, arn)
            if store is None:
                raise ApiError("InvalidArgument", f"There is no key value store '{arn}'. Create it first.")
            self._check_users(proposal, store)

    def _check_users(self, proposal: Proposal, store: Resource) -> None:
        own = proposal.before.id if proposal.before is not None else None
        users = [user for user in proposal.transaction.referrers(store.family, store.id) if user != own]
        most = proposal.quotas[quotas.FUNCTIONS_PER_STORE]
        if len(users) >= most:
            raise ApiError(quotas.FUNCTIONS_PER_STORE.error, f"{most} functions can use a key value store.")


def _identifier(members: Shape) -> str:
    """A function is named by Name, by Id, or by Identifier, depending on the operation."""
    return str(members.get("Identifier") or members.get("Id") or members.get("Name"))


def _references(config: Shape) -> Iterator[Reference]:
    for association in items_of(config["Config"].get("KeyValueStoreAssociations")):
        yield Reference(kind="key-value-store", target=last_segment(association["KeyValueStoreARN"]))


FUNCTION = FunctionKind(
    family="function",
    noun="Function",
    no_such="NoSuchFunctionExists",
    already_exists="FunctionAlreadyExists",
    quota=quotas.FUNCTIONS,
    size=quotas.FUNCTION_SIZE,
    in_use="FunctionInUse",
    is_named=True,
    tag_error="InvalidArgument",
)

CONNECTION_FUNCTION = FunctionKind(
    family="connection-function",
    noun="ConnectionFunction",
    no_such="EntityNotFound",
    already_exists="EntityAlreadyExists",
    quota=quotas.CONNECTION_FUNCTIONS,
    size=quotas.CONNECTION_FUNCTION_SIZE,
    in_use="CannotDeleteEntityWhileInUse",
    is_named=False,
    tag_error="InvalidTagging",
)
