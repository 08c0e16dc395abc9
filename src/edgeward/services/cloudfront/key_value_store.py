"""Key value stores: small tables that functions read.

What is here is their existence; the keys are another service's (`services.key_value_store`). A store is ready as soon
as it is there. Rules: API reference, CreateKeyValueStore; Developer Guide, "Quotas".
"""

from datetime import datetime

from edgeward.aws.engine import Call, Environment, Handler, Proposal, ResourceEngine, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import answer_rows, every, requested_page
from edgeward.aws.model import ServiceModel, Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.arns import arn_of, by_name
from edgeward.services.cloudfront.tagging import read_tags


def key_value_store_handlers(model: ServiceModel, environment: Environment) -> dict[str, Handler]:
    """The operations of the family."""
    spec = key_value_store_spec(environment.account_id)
    output = model.operations["ListKeyValueStores"].output

    def list_all(call: Call) -> Shape:
        page, wanted = requested_page(call.members), call.members.get("Status", READY)
        with environment.store.read() as transaction:
            stores = every(transaction, FAMILY) if wanted == READY else ()
            rows = {store.id: store for store in stores}
            return answer_rows(output, page, rows, lambda store: spec.summarize(transaction, store))

    return {**ResourceEngine(spec, model, environment).handlers(), "ListKeyValueStores": list_all}


def key_value_store_spec(account_id: str) -> ResourceSpec:
    """The family, for one account."""

    def describe(_transaction: Transaction, store: Resource) -> Shape:
        return {
            "Name": store.name,
            "Id": store.id,
            "Comment": store.config["Comment"],
            "ARN": arn_of(account_id, FAMILY, store.id),
            "Status": READY,
            "LastModifiedTime": store.modified,
        }

    return ResourceSpec(
        family=FAMILY,
        noun="KeyValueStore",
        plural="KeyValueStores",
        no_such="EntityNotFound",
        already_exists="EntityAlreadyExists",
        in_use="CannotDeleteEntityWhileInUse",
        renamed={"get": "DescribeKeyValueStore"},
        name_member="Name",
        quota=quotas.KEY_VALUE_STORES,
        new_id=lambda identifiers: identifiers.uuid(),
        identify=lambda members: str(members["Name"]),
        look_up=by_name(FAMILY),
        path_name=lambda store: str(store.name),
        read_config=read_config,
        read_tags=lambda members, limits: read_tags(members.get("Tags", {}), limits, "InvalidArgument"),
        check=check,
        describe=describe,
        summarize=describe,
        on_delete=end_keys,
    )


def end_keys(transaction: Transaction, store: Resource, moment: datetime) -> None:
    """The keys end with their store."""
    transaction.values(store.id).clear()
    if transaction.find(KEYS_FAMILY, store.id) is not None:
        transaction.delete(KEYS_FAMILY, store.id, moment)


def read_config(members: Shape, before: Resource | None) -> Shape:
    """The configuration of an input; an update brings a new comment only."""
    if before is not None:
        return before.config | {"Comment": members["Comment"]}
    source = {"ImportSource": members["ImportSource"]} if "ImportSource" in members else {}
    return {"Name": members["Name"], "Comment": members.get("Comment", ""), **source}


def check(proposal: Proposal) -> None:
    """An import is refused by name. Raises ApiError `InvalidArgument`."""
    if "ImportSource" in proposal.config:
        raise ApiError(
            "InvalidArgument",
            "ImportSource: this version does not import from S3 yet. Create the store empty and put its keys with "
            "UpdateKeys.",
        )


FAMILY = "key-value-store"
KEYS_FAMILY = "key-value-data"
"""The versions of a store's keys; such a resource has the id of its store."""
READY = "READY"
