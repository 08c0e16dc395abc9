"""Trust stores: the authorities whose certificates viewers may show.

A trust store can be created and read. It stays pending, and says why: this version does not fetch the bundle from
its bucket, nor ask viewers for certificates; a distribution cannot name one. Rules: API reference, TrustStore;
Developer Guide, "Mutual TLS authentication" and "Quotas".
"""

import re

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.arns import arn_of, by_any_identifier
from edgeward.services.cloudfront.tagging import read_tags


def trust_store_spec(account_id: str) -> ResourceSpec:
    """The family, for one account."""

    def describe(_transaction: Transaction, store: Resource) -> Shape:
        return {
            "Id": store.id,
            "Arn": arn_of(account_id, FAMILY, store.id),
            "Name": store.name,
            "Status": "pending",
            "Reason": "This version of Edgeward does not fetch certificate bundles yet.",
            "NumberOfCaCertificates": 0,
            "LastModifiedTime": store.modified,
            "UseClientCertificateOCSPEndpoint": store.config["UseClientCertificateOCSPEndpoint"],
            "ETag": store.etag,
        }

    return ResourceSpec(
        family=FAMILY,
        noun="TrustStore",
        plural="TrustStores",
        no_such="EntityNotFound",
        already_exists="EntityAlreadyExists",
        in_use="CannotDeleteEntityWhileInUse",
        name_member="Name",
        quota=quotas.TRUST_STORES,
        new_id=lambda identifiers: identifiers.tagged("ts"),
        identify=lambda members: str(members.get("Identifier") or members.get("Id")),
        look_up=by_any_identifier(account_id, FAMILY),
        read_config=read_config,
        read_tags=lambda members, limits: read_tags(members.get("Tags", {}), limits),
        check=check,
        describe=describe,
        summarize=describe,
    )


def read_config(members: Shape, before: Resource | None) -> Shape:
    """The configuration of an input; an update keeps what it does not name."""
    kept = {"UseClientCertificateOCSPEndpoint": False} if before is None else before.config
    return {**kept, **{name: members[name] for name in MEMBERS if name in members}}


def check(proposal: Proposal) -> None:
    """The rules that the shape does not state. Raises ApiError `InvalidArgument`."""
    config = proposal.config
    if not re.fullmatch(NAME_PATTERN, config["Name"]):
        raise ApiError("InvalidArgument", "Name has 1 to 64 letters, digits, hyphens and underscores.")
    location = config["CaCertificatesBundleSource"].get("CaCertificatesBundleS3Location")
    if location is None or not location["Bucket"] or not location["Key"]:
        raise ApiError("InvalidArgument", "CaCertificatesBundleS3Location has to name a bucket and a key.")


FAMILY = "trust-store"
MEMBERS = ("Name", "CaCertificatesBundleSource", "UseClientCertificateOCSPEndpoint")
NAME_PATTERN = r"[A-Za-z0-9_-]{1,64}"
