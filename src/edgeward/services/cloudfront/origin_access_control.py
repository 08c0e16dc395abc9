"""Origin access controls: how CloudFront signs its requests to an origin.

Attached to an origin by id; a change republishes the distributions that use it. Rules: API reference,
OriginAccessControlConfig; Developer Guide, "Restrict access to an Amazon S3 origin" and "Quotas".
"""

import re

from edgeward.aws.engine import Proposal, Quota, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront.republishing import republish_users


def check(proposal: Proposal) -> None:
    """The rules that the shape does not state. Raises ApiError `InvalidArgument`."""
    config = proposal.config
    if not re.fullmatch(NAME_PATTERN, config["Name"]):
        raise ApiError(
            "InvalidArgument", f"Name has to be 1 to 64 characters, none a control: '{config['Name']}'."
        )
    if len(config.get("Description", "")) > LONGEST_DESCRIPTION:
        raise ApiError("InvalidArgument", f"Description is longer than {LONGEST_DESCRIPTION} characters.")
    if config["SigningProtocol"] not in SERVED_PROTOCOLS:
        raise ApiError(
            "InvalidArgument",
            f"SigningProtocol {config['SigningProtocol']} is not served by this version of Edgeward. Use sigv4.",
        )
    if config["OriginAccessControlOriginType"] not in SERVED_ORIGIN_TYPES:
        raise ApiError(
            "InvalidArgument",
            f"OriginAccessControlOriginType {config['OriginAccessControlOriginType']} is not served by this version of "
            "Edgeward. Use s3.",
        )
    if config["SigningBehavior"] not in SERVED_BEHAVIORS:
        raise ApiError(
            "InvalidArgument",
            f"SigningBehavior {config['SigningBehavior']} is not for origins of type s3. Use always, never or no-override.",
        )


def describe(_transaction: Transaction, control: Resource) -> Shape:
    """The OriginAccessControl structure."""
    return {"Id": control.id, "OriginAccessControlConfig": control.config}


def summarize(_transaction: Transaction, control: Resource) -> Shape:
    """The OriginAccessControlSummary structure, whose Description is required."""
    return {"Id": control.id, "Description": "", **control.config}


NAME_PATTERN = r"[^\x00-\x1f\x7f]{1,64}"
LONGEST_DESCRIPTION = 256
SERVED_PROTOCOLS = ("sigv4",)
SERVED_ORIGIN_TYPES = ("s3",)
SERVED_BEHAVIORS = ("always", "never", "no-override")

SPEC = ResourceSpec(
    family="origin-access-control",
    noun="OriginAccessControl",
    plural="OriginAccessControls",
    no_such="NoSuchOriginAccessControl",
    already_exists="OriginAccessControlAlreadyExists",
    in_use="OriginAccessControlInUse",
    name_member="Name",
    quota=Quota(limit=100, code="TooManyOriginAccessControls"),
    new_id=lambda identifiers: identifiers.capital("E"),
    check=check,
    describe=describe,
    summarize=summarize,
    on_change=republish_users,
)
