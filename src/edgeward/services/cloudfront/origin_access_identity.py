"""Origin access identities (OAI): the older way to let CloudFront alone read a bucket.

Creating one anew with the same caller reference and comment answers with the one there is. Rules: API reference,
CloudFrontOriginAccessIdentityConfig; Developer Guide, "Quotas".
"""

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.republishing import republish_users


def check(proposal: Proposal) -> None:
    """The rules that the shape does not state. Raises ApiError `InvalidArgument`."""
    if not proposal.config["CallerReference"]:
        raise ApiError("InvalidArgument", "CallerReference is empty. Send a value that is new for each identity.")
    if len(proposal.config["Comment"]) > LONGEST_COMMENT:
        raise ApiError("InvalidArgument", f"Comment is longer than {LONGEST_COMMENT} characters.")


def describe(_transaction: Transaction, identity: Resource) -> Shape:
    """The CloudFrontOriginAccessIdentity structure."""
    return {"Id": identity.id, **identity.attributes, "CloudFrontOriginAccessIdentityConfig": identity.config}


def summarize(_transaction: Transaction, identity: Resource) -> Shape:
    """The CloudFrontOriginAccessIdentitySummary structure."""
    return {"Id": identity.id, **identity.attributes, "Comment": identity.config["Comment"]}


LONGEST_COMMENT = 128

SPEC = ResourceSpec(
    family="origin-access-identity",
    noun="CloudFrontOriginAccessIdentity",
    plural="CloudFrontOriginAccessIdentities",
    no_such="NoSuchCloudFrontOriginAccessIdentity",
    already_exists="CloudFrontOriginAccessIdentityAlreadyExists",
    in_use="CloudFrontOriginAccessIdentityInUse",
    immutable=("CallerReference",),
    repeats_creation=True,
    quota=quotas.ORIGIN_ACCESS_IDENTITIES,
    new_id=lambda identifiers: identifiers.capital("E"),
    new_attributes=lambda identifiers: {"S3CanonicalUserId": identifiers.hexadecimal(96)},
    check=check,
    describe=describe,
    summarize=summarize,
    on_change=republish_users,
)
