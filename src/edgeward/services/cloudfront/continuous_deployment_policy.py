"""Continuous deployment policies: which part of a distribution's traffic a staging distribution gets.

A policy stands by itself; it takes effect when a primary distribution names it. Rules: API reference,
ContinuousDeploymentPolicyConfig; Developer Guide, "Use continuous deployment to safely test CDN configuration
changes" and "Quotas".
"""

from collections.abc import Iterator

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Reference, Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.distribution.look_up import distribution_of_domain


def check(proposal: Proposal) -> None:
    """The rules that the shape does not state. Raises ApiError."""
    _check_staging(proposal)
    _check_traffic(proposal.config.get("TrafficConfig"))


def references(config: Shape) -> Iterator[Reference]:
    """The staging distribution, by its domain name."""
    names = items_of(config["StagingDistributionDnsNames"])
    return (Reference(kind="staging-distribution", target=name) for name in names)


def describe(_transaction: Transaction, policy: Resource) -> Shape:
    """The ContinuousDeploymentPolicy structure."""
    return {
        "Id": policy.id,
        "LastModifiedTime": policy.modified,
        "ContinuousDeploymentPolicyConfig": policy.config,
    }


def summarize(transaction: Transaction, policy: Resource) -> Shape:
    """The ContinuousDeploymentPolicySummary structure."""
    return {"ContinuousDeploymentPolicy": describe(transaction, policy)}


def _check_staging(proposal: Proposal) -> None:
    names = items_of(proposal.config["StagingDistributionDnsNames"])
    if len(names) != 1:
        raise ApiError("InvalidArgument", "StagingDistributionDnsNames has to name one staging distribution.")
    staging = distribution_of_domain(proposal.transaction, names[0])
    if staging is None or not staging.config["Staging"]:
        raise ApiError(
            "InvalidArgument",
            f"'{names[0]}' is the domain name of no staging distribution. Make one with CopyDistribution.",
        )
    own_id = proposal.before.id if proposal.before is not None else None
    users = [user for user in proposal.transaction.referrers("staging-distribution", names[0]) if user != own_id]
    if users:
        raise ApiError(
            "StagingDistributionInUse",
            f"The staging distribution {staging.id} belongs to the policy {users[0]}. Copy another one.",
        )


def _check_traffic(traffic: Shape | None) -> None:
    if traffic is None:
        return
    for kind, member in TRAFFIC_MEMBERS.items():
        if (member in traffic) != (traffic["Type"] == kind):
            raise ApiError("InvalidArgument", f"TrafficConfig has {member} if its Type is {kind}, and only then.")
    if "SingleWeightConfig" in traffic:
        _check_weight(traffic["SingleWeightConfig"])
    if "SingleHeaderConfig" in traffic:
        _check_header(traffic["SingleHeaderConfig"])


def _check_weight(weight: Shape) -> None:
    if not 0 <= weight["Weight"] <= LARGEST_WEIGHT:
        raise ApiError("InvalidArgument", f"Weight has to be from 0 to {LARGEST_WEIGHT}, not {weight['Weight']}.")
    sticky = weight.get("SessionStickinessConfig")
    if sticky is None:
        return
    for member in ("IdleTTL", "MaximumTTL"):
        if not SHORTEST_SESSION <= sticky[member] <= LONGEST_SESSION:
            raise ApiError(
                "InvalidArgument", f"{member} has to be from {SHORTEST_SESSION} to {LONGEST_SESSION} seconds."
            )
    if sticky["IdleTTL"] > sticky["MaximumTTL"]:
        raise ApiError("InvalidArgument", "IdleTTL has to be at most MaximumTTL.")


def _check_header(header: Shape) -> None:
    if not header["Header"].lower().startswith(HEADER_PREFIX) or len(header["Header"]) > LONGEST_HEADER:
        raise ApiError(
            "InvalidArgument",
            f"Header has to begin with {HEADER_PREFIX} and to have at most {LONGEST_HEADER} characters.",
        )
    if not 1 <= len(header["Value"]) <= LONGEST_VALUE:
        raise ApiError("InvalidArgument", f"Value has to have 1 to {LONGEST_VALUE} characters.")


TRAFFIC_MEMBERS = {"SingleWeight": "SingleWeightConfig", "SingleHeader": "SingleHeaderConfig"}
LARGEST_WEIGHT = 0.15
SHORTEST_SESSION = 300
LONGEST_SESSION = 3_600
HEADER_PREFIX = "aws-cf-cd-"
LONGEST_HEADER = 256
LONGEST_VALUE = 1_783

SPEC = ResourceSpec(
    family="continuous-deployment-policy",
    noun="ContinuousDeploymentPolicy",
    plural="ContinuousDeploymentPolicies",
    no_such="NoSuchContinuousDeploymentPolicy",
    already_exists="ContinuousDeploymentPolicyAlreadyExists",
    in_use="ContinuousDeploymentPolicyInUse",
    quota=quotas.CONTINUOUS_DEPLOYMENT_POLICIES,
    new_id=lambda identifiers: identifiers.uuid(),
    check=check,
    references=references,
    describe=describe,
    summarize=summarize,
)
