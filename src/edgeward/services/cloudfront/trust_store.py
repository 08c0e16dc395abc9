"""Trust stores: the authorities whose certificates viewers may show.

The bundle is fetched from its bucket when the store is created and when an update names a bundle, never in between; an
update reaches the edges through the distributions that name the store. Invariant: a store that is there has
authorities, but for those of releases that did not fetch them, which stay pending. Rules: API reference, TrustStore;
Developer Guide, "Trust stores and certificate management" and "Quotas".
"""

import re
from collections.abc import Callable
from dataclasses import replace

from edgeward.aws.engine import Call, Environment, Handler, Proposal, ResourceEngine, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel, Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.arns import arn_of, by_any_identifier
from edgeward.services.cloudfront.ca_bundle import LARGEST_BUNDLE, BundleError, read_bundle
from edgeward.services.cloudfront.republishing import republish_users
from edgeward.services.cloudfront.tagging import read_tags

ReadObject = Callable[[Shape, int], bytes]
"""Fetches what a CaCertificatesBundleS3Location names, at most so many bytes and one more.

Raises ObjectUnreadableError.
"""


class ObjectUnreadableError(Exception):
    """Why an object of a bucket could not be read; holds no secret."""


def no_bucket(_location: Shape, _most: int) -> bytes:
    """What a control plane without an S3 server reads."""
    raise ObjectUnreadableError("this control plane was started without an S3 server to read bundles from")


def trust_store_handlers(model: ServiceModel, environment: Environment, read_object: ReadObject) -> dict[str, Handler]:
    """The family's operations; those that name a bundle fetch it first, outside of any transaction."""
    handlers = ResourceEngine(trust_store_spec(environment.account_id), model, environment).handlers()
    for name in ("CreateTrustStore", "UpdateTrustStore"):
        handlers[name] = _fetching(handlers[name], read_object)
    return handlers


def _fetching(handler: Handler, read_object: ReadObject) -> Handler:
    def fetch_and_handle(call: Call) -> Shape:
        source = call.members.get("CaCertificatesBundleSource")
        fetched = {} if source is None else _authorities(source, read_object)
        return handler(replace(call, members={**call.members, **fetched}))

    return fetch_and_handle


def _authorities(source: Shape, read_object: ReadObject) -> Shape:
    location = source.get("CaCertificatesBundleS3Location")
    if location is None or not location["Bucket"] or not location["Key"]:
        raise ApiError("InvalidArgument", "CaCertificatesBundleS3Location has to name a bucket and a key.")
    try:
        bundle = read_bundle(read_object(location, LARGEST_BUNDLE))
    except ObjectUnreadableError as unreadable:
        raise ApiError("InvalidArgument", f"The CA certificates bundle cannot be fetched: {unreadable}.") from None
    except BundleError as fault:
        raise ApiError("InvalidArgument", f"The CA certificates bundle {fault}.") from None
    return {"CaCertificates": bundle.pem, "NumberOfCaCertificates": bundle.count}


def trust_store_spec(account_id: str) -> ResourceSpec:
    """The family, for one account."""

    def describe(_transaction: Transaction, store: Resource) -> Shape:
        return {
            "Id": store.id,
            "Arn": arn_of(account_id, FAMILY, store.id),
            "Name": store.name,
            **_state(store.config),
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
        on_change=republish_users,
    )


def authorities(config: Shape) -> str | None:
    """The certificates of a store, PEM; None for one that has none yet."""
    pem: str | None = config.get("CaCertificates")
    return pem


def _state(config: Shape) -> Shape:
    if authorities(config) is not None:
        return {"Status": "active", "NumberOfCaCertificates": config["NumberOfCaCertificates"]}
    reason = "The release that created it did not fetch bundles. Update the trust store."
    return {"Status": "pending", "Reason": reason, "NumberOfCaCertificates": 0}


def read_config(members: Shape, before: Resource | None) -> Shape:
    """The configuration of an input; an update keeps what it does not name."""
    kept = {"UseClientCertificateOCSPEndpoint": False} if before is None else before.config
    return {**kept, **{name: members[name] for name in MEMBERS if name in members}}


def check(proposal: Proposal) -> None:
    """The rules that neither the shape nor the bundle states. Raises ApiError `InvalidArgument`."""
    config = proposal.config
    if not re.fullmatch(NAME_PATTERN, config["Name"]):
        raise ApiError("InvalidArgument", "Name has 1 to 64 letters, digits, hyphens and underscores.")
    if config["UseClientCertificateOCSPEndpoint"]:
        raise ApiError(
            "InvalidArgument",
            "UseClientCertificateOCSPEndpoint: this edge asks nobody about certificates of viewers yet; "
            "set it to false, or leave it out.",
        )


FAMILY = "trust-store"
MEMBERS = (
    "Name",
    "CaCertificatesBundleSource",
    "UseClientCertificateOCSPEndpoint",
    "CaCertificates",
    "NumberOfCaCertificates",
)
NAME_PATTERN = r"[A-Za-z0-9_-]{1,64}"
