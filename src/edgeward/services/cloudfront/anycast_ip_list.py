"""Anycast static IP lists: addresses of one's own at every edge.

A list can be created and read. It stays Deploying and has no addresses, because this edge announces none; a
distribution cannot name one. Rules: API reference, AnycastIpList; Developer Guide, "Request Anycast static IPs".
"""

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront.arns import arn_of
from edgeward.services.cloudfront.tagging import read_tags


def anycast_ip_list_spec(account_id: str) -> ResourceSpec:
    """The family, for one account."""

    def summarize(_transaction: Transaction, addresses: Resource) -> Shape:
        return {
            "Id": addresses.id,
            "Name": addresses.name,
            "Status": "Deploying",
            "Arn": arn_of(account_id, FAMILY, addresses.id),
            "IpCount": addresses.config["IpCount"],
            "IpAddressType": addresses.config["IpAddressType"],
            "LastModifiedTime": addresses.modified,
            "ETag": addresses.etag,
        }

    def describe(transaction: Transaction, addresses: Resource) -> Shape:
        return {**summarize(transaction, addresses), "AnycastIps": []}

    return ResourceSpec(
        family=FAMILY,
        noun="AnycastIpList",
        plural="AnycastIpLists",
        no_such="EntityNotFound",
        already_exists="EntityAlreadyExists",
        in_use="CannotDeleteEntityWhileInUse",
        name_member="Name",
        new_id=lambda identifiers: identifiers.tagged("aip"),
        read_config=read_config,
        read_tags=lambda members, limits: read_tags(members.get("Tags", {}), limits),
        check=check,
        describe=describe,
        summarize=summarize,
    )


def read_config(members: Shape, before: Resource | None) -> Shape:
    """The configuration of an input; an update changes the kind of addresses only."""
    kept = {"IpAddressType": "ipv4"} if before is None else before.config
    given = {name: members[name] for name in MEMBERS if name in members}
    return {**kept, **given}


def check(proposal: Proposal) -> None:
    """The rules that the shape does not state. Raises ApiError `InvalidArgument`."""
    config = proposal.config
    if config["IpCount"] not in IP_COUNTS:
        raise ApiError("InvalidArgument", f"IpCount has to be 3 or 21, not {config['IpCount']}.")
    if config.get("IpamCidrConfigs"):
        raise ApiError("InvalidArgument", "IpamCidrConfigs: address pools are not there yet. Leave it out.")


FAMILY = "anycast-ip-list"
MEMBERS = ("Name", "IpCount", "IpAddressType", "IpamCidrConfigs")
IP_COUNTS = (3, 21)
