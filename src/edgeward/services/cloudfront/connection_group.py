"""Connection groups: the names and addresses by which viewers reach distribution tenants.

A tenant that names no group gets the default one, made when it is first needed. Rules: API reference,
ConnectionGroup; Developer Guide, "Create custom connection group" and "Quotas".
"""

import re
from collections.abc import Iterator
from datetime import datetime

from edgeward.aws.engine import Call, Environment, Handler, Proposal, ResourceEngine, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import answer_rows, every, requested_page
from edgeward.aws.model import ServiceModel, Shape
from edgeward.aws.resources import Reference, Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.arns import arn_of, by_any_identifier
from edgeward.services.cloudfront.tagging import read_tags, written_tags


def connection_group_handlers(model: ServiceModel, environment: Environment, domain_suffix: str) -> dict[str, Handler]:
    """The operations of the family; groups get their endpoints under `domain_suffix`."""
    spec = connection_group_spec(environment.account_id, domain_suffix)
    engine = ResourceEngine(spec, model, environment)
    output = model.operations["ListConnectionGroups"].output

    def read_by_endpoint(call: Call) -> Shape:
        endpoint = call.members["RoutingEndpoint"].lower()
        with environment.store.read() as transaction:
            for group in every(transaction, FAMILY):
                if group.attributes["RoutingEndpoint"] == endpoint:
                    return {"ConnectionGroup": spec.describe(transaction, group), "ETag": group.etag}
        raise ApiError("EntityNotFound", f"There is no connection group with the routing endpoint '{endpoint}'.")

    def list_all(call: Call) -> Shape:
        page, wanted = requested_page(call.members), call.members.get("AssociationFilter", {}).get("AnycastIpListId")
        with environment.store.read() as transaction:
            groups = every(transaction, FAMILY)
            rows = {each.id: each for each in groups if wanted in (None, each.config.get("AnycastIpListId"))}
            return answer_rows(output, page, rows, lambda group: spec.summarize(transaction, group))

    return {
        **engine.handlers(),
        "GetConnectionGroupByRoutingEndpoint": read_by_endpoint,
        "ListConnectionGroups": list_all,
    }


def connection_group_spec(account_id: str, domain_suffix: str) -> ResourceSpec:
    """The family, for one account."""

    def summarize(_transaction: Transaction, group: Resource) -> Shape:
        return {
            "Id": group.id,
            "Arn": arn_of(account_id, FAMILY, group.id),
            **group.config,
            "IsDefault": group.name == DEFAULT_NAME,
            "RoutingEndpoint": group.attributes["RoutingEndpoint"],
            "CreatedTime": group.created,
            "LastModifiedTime": group.modified,
            "ETag": group.etag,
            "Status": "Deployed",
        }

    def describe(transaction: Transaction, group: Resource) -> Shape:
        tags = written_tags(transaction, group)
        return {**summarize(transaction, group), **({"Tags": tags} if tags["Items"] else {})}

    return ResourceSpec(
        family=FAMILY,
        noun="ConnectionGroup",
        plural="ConnectionGroups",
        no_such="EntityNotFound",
        already_exists="EntityAlreadyExists",
        in_use="CannotDeleteEntityWhileInUse",
        name_member="Name",
        quota=quotas.CONNECTION_GROUPS,
        new_id=lambda identifiers: identifiers.tagged("cg"),
        new_attributes=lambda identifiers: {"RoutingEndpoint": f"{identifiers.lower('d')}.{domain_suffix}"},
        identify=lambda members: str(members.get("Identifier") or members.get("Id")),
        look_up=by_any_identifier(account_id, FAMILY),
        read_config=read_config,
        read_tags=lambda members, limits: read_tags(members.get("Tags", {}), limits),
        check=check,
        check_delete=check_delete,
        references=references,
        describe=describe,
        summarize=summarize,
    )


def read_config(members: Shape, before: Resource | None) -> Shape:
    """The configuration of an input; an update keeps what it does not name."""
    kept = {"Ipv6Enabled": True, "Enabled": True} if before is None else before.config
    return {**kept, **{name: members[name] for name in MEMBERS if name in members}}


def check(proposal: Proposal) -> None:
    """The rules that the shape does not state. Raises ApiError."""
    config, before = proposal.config, proposal.before
    if not re.fullmatch(NAME_PATTERN, config["Name"]):
        raise ApiError("InvalidArgument", "Name has 3 to 128 letters, digits, hyphens and dots, no hyphen at its ends.")
    wanted = config.get("AnycastIpListId")
    if wanted and proposal.transaction.find("anycast-ip-list", wanted) is None:
        raise ApiError("EntityNotFound", f"There is no Anycast static IP list with the id '{wanted}'.")
    is_used = before is not None and proposal.transaction.referrers(FAMILY, before.id)
    if is_used and not config["Enabled"]:
        raise ApiError("ResourceInUse", "Distribution tenants use this connection group. Move them first.")


def check_delete(_transaction: Transaction, group: Resource) -> None:
    """A group is disabled before it is deleted."""
    if group.config["Enabled"]:
        raise ApiError("ResourceNotDisabled", "The connection group is enabled. Update it with Enabled false first.")


def references(config: Shape) -> Iterator[Reference]:
    """The Anycast list it uses."""
    if config.get("AnycastIpListId"):
        yield Reference(kind="anycast-ip-list", target=config["AnycastIpListId"])


def default_group(environment: Environment, spec: ResourceSpec, transaction: Transaction, now: datetime) -> Resource:
    """The group of tenants that name none; made when it is not there."""
    found = transaction.find_by_name(FAMILY, DEFAULT_NAME)
    if found is not None:
        return found
    group = Resource(
        family=FAMILY,
        id=spec.new_id(environment.identifiers),
        etag=environment.identifiers.capital("E"),
        config={"Ipv6Enabled": True, "Enabled": True, "Name": DEFAULT_NAME},
        created=now,
        modified=now,
        name=DEFAULT_NAME,
        attributes=spec.new_attributes(environment.identifiers),
    )
    transaction.insert(group, ())
    return group


FAMILY = "connection-group"
DEFAULT_NAME = "CreatedByCloudFront"
MEMBERS = ("Name", "Ipv6Enabled", "AnycastIpListId", "Enabled")
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9.-]{1,126}[A-Za-z0-9]"
