"""Origin access controls: how CloudFront signs its requests to an origin.

Attached to an origin by id; a change republishes the distributions that use it. Rules: API reference,
OriginAccessControlConfig; Developer Guide, "Restrict access to an Amazon S3 origin" and "Quotas".
"""

import re

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.republishing import republish_users


def check(proposal: Proposal) -> None:
    """The rules that the shape does not state. Raises ApiError `InvalidArgument`."""
    config = proposal.config
    if not re.fullmatch(NAME_PATTERN, config["Name"]):
        raise ApiError("InvalidArgument", f"Name has to be 1 to 64 characters, none a control: '{config['Name']}'.")
    if len(config.get("Description", "")) > LONGEST_DESCRIPTION:
        raise ApiError("InvalidArgument", f"Description is longer than {LONGEST_DESCRIPTION} characters.")
    for member, served in SERVED.items():
        if config[member] not in served:
            raise ApiError(
                "InvalidArgument",
                f"{member} {config[member]} is not served by this version of Edgeward. Use {' or '.join(served)}.",
            )


def describe(_transaction: Transaction, control: Resource) -> Shape:
    """The OriginAccessControl structure."""
    return {"Id": control.id, "OriginAccessControlConfig": control.config}


def summarize(_transaction: Transaction, control: Resource) -> Shape:
    """The OriginAccessControlSummary structure, whose Description is required."""
    return {"Id": control.id, "Description": "", **control.config}


NAME_PATTERN = r"[^\x00-\x1f\x7f]{1,64}"
LONGEST_DESCRIPTION = 256
SERVED = {
    "SigningProtocol": ("sigv4",),
    "SigningBehavior": ("always", "never", "no-override"),
    "OriginAccessControlOriginType": ("s3",),
}
"""The values whose effect the edge has."""

SPEC = ResourceSpec(
    family="origin-access-control",
    noun="OriginAccessControl",
    plural="OriginAccessControls",
    no_such="NoSuchOriginAccessControl",
    already_exists="OriginAccessControlAlreadyExists",
    in_use="OriginAccessControlInUse",
    name_member="Name",
    quota=quotas.ORIGIN_ACCESS_CONTROLS,
    new_id=lambda identifiers: identifiers.capital("E"),
    check=check,
    describe=describe,
    summarize=summarize,
    on_change=republish_users,
)
