"""The distribution family: its resource spec, and the verbs outside the pattern (CreateDistributionWithTags,
Copy).

Invariant: a stored configuration is filled with defaults, obeys the rules, and asks for nothing the edge
lacks. What is compiled for the edge is read from here by `deploy`.
"""

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime

from edgeward.aws.engine import Call, Environment, Handler, Proposal, ResourceEngine, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel, Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront.distribution.counts import check_counts
from edgeward.services.cloudfront.distribution.defaults import fill_defaults
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.distribution.holds import references
from edgeward.services.cloudfront.distribution.rules import check_filled, check_update
from edgeward.services.cloudfront.distribution.unsupported import refuse_unsupported
from edgeward.services.cloudfront.distribution.verbs import verb_handlers
from edgeward.services.cloudfront.distribution_listings import listing_handlers
from edgeward.services.cloudfront.monitoring_subscription import subscription_of
from edgeward.services.cloudfront.store_references import StoreReferences
from edgeward.services.cloudfront.tagging import read_tags


def distribution_handlers(model: ServiceModel, environment: Environment, domain_suffix: str) -> dict[str, Handler]:
    """The operations of the family; new distributions get domain names under `domain_suffix`."""
    spec = distribution_spec(environment.account_id, domain_suffix)
    engine = ResourceEngine(spec, model, environment)
    return {
        **engine.handlers(),
        "CreateDistributionWithTags": lambda call: create_with_tags(engine, environment, call),
        "CopyDistribution": lambda call: copy(engine, environment, call),
        **verb_handlers(engine, environment),
        **listing_handlers(model, environment, spec.summarize),
    }


def distribution_spec(account_id: str, domain_suffix: str) -> ResourceSpec:
    """The family, for one account."""
    return ResourceSpec(
        family="distribution",
        noun="Distribution",
        plural="Distributions",
        no_such="NoSuchDistribution",
        already_exists="DistributionAlreadyExists",
        new_id=lambda identifiers: identifiers.capital("E"),
        new_attributes=lambda identifiers: {"DomainName": f"{identifiers.lower('d')}.{domain_suffix}"},
        fill_defaults=fill_defaults,
        check=check,
        check_delete=check_delete,
        references=references,
        describe=_describe(account_id),
        summarize=_summarize(account_id),
        on_change=deploy_change,
        on_delete=end_monitoring,
    )


def distribution_arn(account_id: str, distribution_id: str) -> str:
    """The ARN of a distribution."""
    return f"arn:aws:cloudfront::{account_id}:distribution/{distribution_id}"


def create_with_tags(engine: ResourceEngine, environment: Environment, call: Call) -> Shape:
    """CreateDistributionWithTags."""
    request = call.members["DistributionConfigWithTags"]
    return engine.add(call, request["DistributionConfig"], read_tags(request["Tags"], environment.quotas))


def copy(engine: ResourceEngine, environment: Environment, call: Call) -> Shape:
    """CopyDistribution: a staging distribution with the configuration of the primary one.

    A staging distribution has no aliases and no continuous deployment policy, and viewers cannot reach it
    directly.
    """
    if not call.members.get("Staging", False):
        raise ApiError("InvalidArgument", "Staging has to be true: only staging distributions are made by copying.")
    with environment.store.read() as transaction:
        primary = engine.find(transaction, call.members["PrimaryDistributionId"])
        engine.require_match(transaction, primary, call.members.get("IfMatch"))
    if primary.config["Staging"]:
        raise ApiError("InvalidArgument", f"The distribution '{primary.id}' is a staging distribution itself.")
    return engine.add(call, _staging_config(primary.config, call.members))


def check(proposal: Proposal) -> None:
    """All rules of a distribution, and refusal of what the edge lacks."""
    if proposal.before is not None:
        check_update(proposal.before.config, proposal.config)
    _check_rules(proposal)
    refuse_unsupported(_asking(proposal.config))


def _asking(config: Shape) -> Shape:
    """What a configuration asks of the edge.

    Nothing by Staging, whose effect is there (the edge is never told of a staging distribution), and nothing by
    the members that mean nothing while nobody is served.
    """
    silent = {"Staging"} if config["Enabled"] else {"Staging", *HELD_WHILE_DISABLED}
    return {member: value for member, value in config.items() if member not in silent}


def check_delete(transaction: Transaction, distribution: Resource) -> None:
    """A distribution is disabled, and left by its tenants and its policy, before it is deleted."""
    if distribution.config["Enabled"]:
        raise ApiError(
            "DistributionNotDisabled",
            "The distribution you are trying to delete has not been disabled. Update it with Enabled false first.",
        )
    for kind, target in (
        ("distribution", distribution.id),
        ("staging-distribution", distribution.attributes["DomainName"]),
    ):
        users = transaction.referrers(kind, target)
        if users:
            raise ApiError("ResourceInUse", f"The distribution is in use by {', '.join(users)}. Delete that first.")


def end_monitoring(transaction: Transaction, distribution: Resource, moment: datetime) -> None:
    """A monitoring subscription ends with its distribution."""
    subscription = subscription_of(transaction, distribution.id)
    if subscription is not None:
        transaction.delete(subscription.family, subscription.id, moment)


def deploy_change(transaction: Transaction, distribution: Resource) -> None:
    """Every change of a distribution goes to the edges."""
    transaction.enqueue("distribution", distribution.id)


def _check_rules(proposal: Proposal) -> None:
    own_id = proposal.before.id if proposal.before is not None else None
    if proposal.config["Staging"] and items_of(proposal.config["Aliases"]):
        raise ApiError("InvalidArgument", "DistributionConfig.Aliases: a staging distribution has none. Leave it out.")
    known = StoreReferences(transaction=proposal.transaction, now=proposal.now, distribution_id=own_id)
    check_filled(proposal.config, known, proposal.quotas)
    check_counts(proposal)
    for reference in references(proposal.config):
        if reference.kind not in HELD_FAMILIES:
            continue
        if proposal.transaction.find(reference.kind, reference.target) is None:
            raise ApiError("EntityNotFound", f"There is no {reference.kind} '{reference.target}'. Create it first.")


def _staging_config(primary: Shape, members: Shape) -> Shape:
    config = deepcopy(primary)
    config["CallerReference"] = members["CallerReference"]
    config["Staging"] = True
    config["Aliases"] = {"Quantity": 0}
    config["ContinuousDeploymentPolicyId"] = ""
    config["Enabled"] = members.get("Enabled", True)
    return config


def _describe(account_id: str) -> Callable[[Transaction, Resource], Shape]:
    def describe(transaction: Transaction, distribution: Resource) -> Shape:
        return {
            **_identity(account_id, distribution),
            "InProgressInvalidationBatches": transaction.count("invalidation", distribution.id, in_progress=True),
            "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
            "ActiveTrustedKeyGroups": {"Enabled": False, "Quantity": 0},
            "DistributionConfig": distribution.config,
        }

    return describe


def _summarize(account_id: str) -> Callable[[Transaction, Resource], Shape]:
    def summarize(_transaction: Transaction, distribution: Resource) -> Shape:
        config = distribution.config
        return {
            **_identity(account_id, distribution),
            "ETag": distribution.etag,
            **{member: config[member] for member in SUMMARIZED if member in config},
        }

    return summarize


def _identity(account_id: str, distribution: Resource) -> Shape:
    identity: Shape = {
        "Id": distribution.id,
        "ARN": distribution_arn(account_id, distribution.id),
        "Status": distribution.status,
        "LastModifiedTime": distribution.modified,
        "DomainName": distribution.attributes["DomainName"],
    }
    aliases = items_of(distribution.config["Aliases"])
    if aliases:
        identity["AliasICPRecordals"] = [{"CNAME": alias, "ICPRecordalStatus": "APPROVED"} for alias in aliases]
    return identity


HELD_WHILE_DISABLED = frozenset(
    {
        "AnycastIpListId",
        "ConnectionFunctionAssociation",
        "ConnectionMode",
        "TenantConfig",
        "WebACLId",
    }
)
"""Members that a disabled distribution may have although the edge lacks their effect: the compiled distribution does
not differ by them. Enabling it is refused, by the name of the first of them.
"""
HELD_FAMILIES = frozenset({"anycast-ip-list", "connection-function"})
"""The families of which a distribution may name only what is there, whose errors `rules` does not know."""

SUMMARIZED = (
    "Aliases",
    "Origins",
    "OriginGroups",
    "DefaultCacheBehavior",
    "CacheBehaviors",
    "CustomErrorResponses",
    "Comment",
    "PriceClass",
    "Enabled",
    "ViewerCertificate",
    "Restrictions",
    "WebACLId",
    "HttpVersion",
    "IsIPV6Enabled",
    "Staging",
    "ConnectionMode",
    "AnycastIpListId",
    "ViewerMtlsConfig",
    "ConnectionFunctionAssociation",
)
"""What a DistributionSummary repeats of the configuration."""
