"""VPC origins: load balancers and instances without a public address.

A VPC origin can be created and read; an edge of this version reaches origins by their public names only, so naming
one in an origin is refused. Rules: API reference, VpcOriginEndpointConfig; Developer Guide, "Restrict access with VPC
origins" and "Quotas".
"""

import re

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.arns import arn_of
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.tagging import read_tags


def vpc_origin_spec(account_id: str) -> ResourceSpec:
    """The family, for one account."""

    def identity(origin: Resource) -> Shape:
        return {
            "Id": origin.id,
            "Arn": arn_of(account_id, FAMILY, origin.id),
            "AccountId": account_id,
            "Status": "Deployed",
            "CreatedTime": origin.created,
            "LastModifiedTime": origin.modified,
        }

    def describe(_transaction: Transaction, origin: Resource) -> Shape:
        return {**identity(origin), "VpcOriginEndpointConfig": origin.config}

    def summarize(_transaction: Transaction, origin: Resource) -> Shape:
        config = origin.config
        named = {"Name": config["Name"], "IpAddressType": config["IpAddressType"], "OriginEndpointArn": config["Arn"]}
        return {**identity(origin), **named}

    return ResourceSpec(
        family=FAMILY,
        noun="VpcOrigin",
        plural="VpcOrigins",
        no_such="EntityNotFound",
        already_exists="EntityAlreadyExists",
        in_use="CannotDeleteEntityWhileInUse",
        name_member="Name",
        quota=quotas.VPC_ORIGINS,
        new_id=lambda identifiers: identifiers.tagged("vo"),
        read_config=lambda members, _before: members["VpcOriginEndpointConfig"],
        read_tags=lambda members, limits: read_tags(members.get("Tags", {}), limits),
        fill_defaults=lambda config: {"IpAddressType": "ipv4"} | config,
        check=check,
        describe=describe,
        summarize=summarize,
    )


def check(proposal: Proposal) -> None:
    """The rules that the shape does not state. Raises ApiError."""
    config, before = proposal.config, proposal.before
    if before is not None and proposal.transaction.referrers(FAMILY, before.id):
        raise ApiError("CannotUpdateEntityWhileInUse", "Distributions use this VPC origin. Detach it first.")
    if not 1 <= len(config["Name"]) <= LONGEST_NAME:
        raise ApiError("InvalidArgument", f"Name has 1 to {LONGEST_NAME} characters.")
    if not re.fullmatch(ENDPOINT_PATTERN, config["Arn"]):
        raise ApiError(
            "InvalidArgument",
            f"Arn is of no load balancer and of no instance: '{config['Arn'][:120]}'.",
        )
    for member in ("HTTPPort", "HTTPSPort"):
        if config[member] not in PORTS:
            raise ApiError("InvalidArgument", f"{member} has to be 80, 443 or from 1024 to 65535.")
    protocols = items_of(config.get("OriginSslProtocols"))
    if len(set(protocols)) < len(protocols) or ("OriginSslProtocols" in config and not protocols):
        raise ApiError("InvalidArgument", "OriginSslProtocols is empty or names a protocol twice. Name each once.")


FAMILY = "vpc-origin"
LONGEST_NAME = 64
ENDPOINT_PATTERN = (
    r"arn:aws[a-z-]*:(elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/(app|net)/[A-Za-z0-9/-]{1,128}"
    r"|ec2:[a-z0-9-]+:[0-9]{12}:instance/i-[0-9a-f]{8,17})"
)
PORTS = frozenset({80, 443, *range(1_024, 65_536)})
