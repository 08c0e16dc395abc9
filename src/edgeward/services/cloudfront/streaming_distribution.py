"""Streaming distributions (RTMP): kept for tools that list them; nothing streams.

CloudFront ended RTMP on 31 December 2020. One can be created disabled, read, changed and deleted; enabling one is
refused. Rules: API reference, StreamingDistributionConfig.
"""

from collections.abc import Iterator

from edgeward.aws.engine import Call, Environment, Handler, Proposal, ResourceEngine, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel, Shape
from edgeward.aws.resources import Reference, Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.tagging import read_tags


def streaming_distribution_handlers(
    model: ServiceModel, environment: Environment, domain_suffix: str
) -> dict[str, Handler]:
    """The operations of the family."""
    engine = ResourceEngine(streaming_distribution_spec(environment.account_id, domain_suffix), model, environment)
    return {
        **engine.handlers(),
        "CreateStreamingDistributionWithTags": lambda call: create_with_tags(engine, environment, call),
    }


def create_with_tags(engine: ResourceEngine, environment: Environment, call: Call) -> Shape:
    """CreateStreamingDistributionWithTags."""
    request = call.members["StreamingDistributionConfigWithTags"]
    return engine.add(call, request["StreamingDistributionConfig"], read_tags(request["Tags"], environment.quotas))


def streaming_distribution_spec(account_id: str, domain_suffix: str) -> ResourceSpec:
    """The family, for one account."""

    def describe(_transaction: Transaction, streaming: Resource) -> Shape:
        return {
            **_identity(account_id, streaming),
            "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
            "StreamingDistributionConfig": streaming.config,
        }

    def summarize(_transaction: Transaction, streaming: Resource) -> Shape:
        return {**_identity(account_id, streaming), **streaming.config}

    return ResourceSpec(
        family="streaming-distribution",
        noun="StreamingDistribution",
        plural="StreamingDistributions",
        no_such="NoSuchStreamingDistribution",
        already_exists="StreamingDistributionAlreadyExists",
        immutable=("CallerReference",),
        quota=quotas.STREAMING_DISTRIBUTIONS,
        new_id=lambda identifiers: identifiers.capital("E"),
        new_attributes=lambda identifiers: {"DomainName": f"{identifiers.lower('s')}.{domain_suffix}"},
        fill_defaults=fill_defaults,
        check=check,
        references=references,
        describe=describe,
        summarize=summarize,
    )


def fill_defaults(config: Shape) -> Shape:
    """The configuration with what CloudFront fills in."""
    return DEFAULTS | config


def check(proposal: Proposal) -> None:
    """What asks for streaming is refused. Raises ApiError."""
    config = proposal.config
    if config["Enabled"]:
        raise ApiError(
            "InvalidArgument", "CloudFront ended RTMP streaming, and nothing streams here. Enabled is false."
        )
    if config["TrustedSigners"]["Enabled"]:
        raise ApiError(
            "InvalidArgument", "A streaming distribution has no signed URLs here. TrustedSigners is disabled."
        )
    if items_of(config["Aliases"]):
        raise ApiError("InvalidArgument", "A streaming distribution has no aliases here. Leave Aliases empty.")
    if not config["S3Origin"]["DomainName"]:
        raise ApiError("InvalidOrigin", "S3Origin.DomainName is empty. Name a bucket.")
    identity = _identity_of(config)
    if identity and proposal.transaction.find("origin-access-identity", identity) is None:
        raise ApiError("InvalidOriginAccessIdentity", f"There is no origin access identity '{identity}'.")


def references(config: Shape) -> Iterator[Reference]:
    """The origin access identity it names."""
    if identity := _identity_of(config):
        yield Reference(kind="origin-access-identity", target=identity)


def _identity_of(config: Shape) -> str:
    return str(config["S3Origin"]["OriginAccessIdentity"]).rsplit("/", 1)[-1]


def _identity(account_id: str, streaming: Resource) -> Shape:
    return {
        "Id": streaming.id,
        "ARN": f"arn:aws:cloudfront::{account_id}:streaming-distribution/{streaming.id}",
        "Status": "Deployed",
        "LastModifiedTime": streaming.modified,
        **streaming.attributes,
    }


DEFAULTS: Shape = {
    "Aliases": {"Quantity": 0},
    "Logging": {"Enabled": False, "Bucket": "", "Prefix": ""},
    "PriceClass": "PriceClass_All",
}
