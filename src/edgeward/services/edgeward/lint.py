"""The operation `lint`: classic mistakes in a distribution, or in a configuration that is not one yet.

Takes `{"DistributionId"}` or `{"DistributionConfig"}`, the latter as CloudFront's SDKs and the AWS CLI have it, and
answers `{"Findings": [{"Rule", "Severity", "Member", "Text", "Advice"}]}`, errors first. Nothing is stored. The rules
are those of the command `edgeward lint`, with the policies of this account. Called through `api`.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.model import StructureShape

from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel, Shape
from edgeward.aws.protocol.json_body import read_body
from edgeward.aws.resources import ResourceStore, Transaction
from edgeward.aws.validation import problems_of
from edgeward.lint.rules import Finding
from edgeward.services.cloudfront.distribution.defaults import fill_defaults
from edgeward.services.cloudfront.mistakes import mistakes
from edgeward.services.edgeward.api import Operation


def lint_operation(store: ResourceStore, model: ServiceModel) -> dict[str, Operation]:
    """The operation, over `store`; `model` is CloudFront's."""
    shape = model.shape("DistributionConfig")
    assert isinstance(shape, StructureShape)

    def lint(members: Mapping[str, Any], _now: datetime) -> Mapping[str, Any]:
        if len(members) != 1 or not members.keys() <= {"DistributionId", "DistributionConfig"}:
            raise ApiError("InvalidArgument", "Give DistributionId or DistributionConfig, and nothing else.")
        posted = _read(shape, members["DistributionConfig"]) if "DistributionConfig" in members else None
        with store.read() as transaction:
            config = posted if posted is not None else _stored(transaction, members["DistributionId"])
            return {"Findings": [_told(finding) for finding in mistakes(transaction, config)]}

    return {"lint": lint}


def _stored(transaction: Transaction, distribution_id: Any) -> Shape:
    if not isinstance(distribution_id, str):
        raise ApiError("InvalidArgument", "DistributionId has to be the id of a distribution.")
    distribution = transaction.find("distribution", distribution_id)
    if distribution is None:
        raise ApiError("NoSuchDistribution", "The specified distribution does not exist.")
    return distribution.config


def _read(shape: StructureShape, value: Any) -> Shape:
    """A configuration as it would be stored. Raises ApiError for what the model does not allow."""
    try:
        text = json.dumps(value)
    except RecursionError as error:
        raise ApiError("MalformedInput", "DistributionConfig is nested too deeply.") from error
    config = read_body(shape, text.encode(), shape.members)
    problems = list(problems_of(shape, config, "distributionConfig"))
    if problems:
        raise ApiError("InvalidArgument", f"{'; '.join(problems[:_MOST_PROBLEMS])}.")
    return fill_defaults(config)


def _told(finding: Finding) -> Mapping[str, str]:
    return {
        "Rule": finding.rule,
        "Severity": finding.severity,
        "Member": finding.where,
        "Text": finding.what,
        "Advice": finding.advice,
    }


_MOST_PROBLEMS = 5
"""That a refusal names."""
