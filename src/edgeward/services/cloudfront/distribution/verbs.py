"""What else changes a distribution: promoting a staging one, and its web ACL.

Each is an update like any other, through the same rules and under If-Match. Called by the distribution family.
"""

from copy import deepcopy
from dataclasses import replace

from edgeward.aws.engine import Call, Environment, Handler, ResourceEngine
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource


def verb_handlers(engine: ResourceEngine, environment: Environment) -> dict[str, Handler]:
    """The operations."""
    return {
        "UpdateDistributionWithStagingConfig": lambda call: promote(engine, environment, call),
        "AssociateDistributionWebACL": lambda call: _set_web_acl(engine, environment, call, call.members["WebACLArn"]),
        "DisassociateDistributionWebACL": lambda call: _set_web_acl(engine, environment, call, ""),
    }


def promote(engine: ResourceEngine, environment: Environment, call: Call) -> Shape:
    """UpdateDistributionWithStagingConfig: the primary distribution becomes as its staging one is.

    If-Match holds the ETags of both, the primary one's first (API reference).
    """
    staging_id = call.members.get("StagingDistributionId")
    if not staging_id:
        raise ApiError("InvalidArgument", "StagingDistributionId is missing. Name the distribution to copy from.")
    etags = [etag.strip() for etag in call.members.get("IfMatch", "").split(",")]
    if len(etags) != 2:
        raise ApiError("InvalidIfMatchVersion", "If-Match has to hold two ETags: <primary ETag>, <staging ETag>.")
    with environment.store.read() as transaction:
        primary = engine.find(transaction, call.members["Id"])
        staging = engine.find(transaction, staging_id)
        engine.require_match(transaction, primary, etags[0])
        engine.require_match(transaction, staging, etags[1])
    if primary.config["Staging"] or not staging.config["Staging"]:
        raise ApiError("InvalidArgument", "Id has to name a primary distribution, StagingDistributionId a staging one.")
    guarded = replace(call, members={**call.members, "IfMatch": etags[0]})
    return engine.change(guarded, primary.id, _promoted(primary, staging))


def _promoted(primary: Resource, staging: Resource) -> Shape:
    config = deepcopy(staging.config)
    for member in KEPT_BY_PRIMARY:
        if member in primary.config:
            config[member] = primary.config[member]
    return config


def _set_web_acl(engine: ResourceEngine, environment: Environment, call: Call, arn: str) -> Shape:
    with environment.store.read() as transaction:
        distribution = transaction.find("distribution", call.members["Id"])
    if distribution is None:
        raise ApiError("EntityNotFound", f"There is no distribution '{call.members['Id']}'.")
    changed = engine.change(call, distribution.id, {**distribution.config, "WebACLId": arn})
    answer = {"Id": distribution.id, "ETag": changed["ETag"]}
    return {**answer, "WebACLArn": arn} if arn else answer


KEPT_BY_PRIMARY = ("CallerReference", "Aliases", "ContinuousDeploymentPolicyId", "Staging", "Enabled")
"""What a primary distribution keeps (Developer Guide, "Promote a staging distribution"). That Enabled is among them
is what a careful user would expect: promoting turns nothing on or off.
"""
