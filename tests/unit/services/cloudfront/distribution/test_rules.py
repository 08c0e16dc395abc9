"""The order of the checks, what an update may not change, and which errors there are."""

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import edgeward.services.cloudfront.distribution as package
from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel, Shape
from edgeward.services.cloudfront.distribution.references import References
from edgeward.services.cloudfront.distribution.rules import check_distribution, check_update

ConfigWith = Callable[[Mapping[str, Any]], Shape]
AssertRefused = Callable[[Mapping[str, Any], str, str], None]


def test_a_config_without_its_defaults_is_checked_as_if_it_had_them(sparse: Shape, known: References) -> None:
    check_distribution(sparse, known)


def test_a_mistake_in_the_document_comes_before_anything_it_names(assert_refused: AssertRefused) -> None:
    changes = {
        "DefaultCacheBehavior.CachePolicyId": "unknown",
        "Aliases.Items": ["taken.example.com"],
        "Origins.Items.1.ConnectionAttempts": 9,
    }

    assert_refused(changes, "InvalidArgument", "ConnectionAttempts:")


@pytest.mark.parametrize(("member", "value"), [("CallerReference", "second"), ("Staging", True)])
def test_what_identifies_a_distribution_cannot_be_updated(member: str, value: Any, config_with: ConfigWith) -> None:
    with pytest.raises(ApiError) as refusal:
        check_update(config_with({}), config_with({member: value}))

    assert refusal.value.code == "IllegalUpdate"
    assert f"DistributionConfig.{member}:" in refusal.value.message


def test_an_update_may_leave_defaults_out_and_change_the_rest(config_with: ConfigWith, sparse: Shape) -> None:
    check_update(config_with({"Comment": "before", "Enabled": False}), sparse)


def test_every_code_raised_is_one_that_both_operations_may_answer() -> None:
    model = ServiceModel("cloudfront", "2020-05-31")
    create, update = (model.operations[f"{verb}Distribution"] for verb in ("Create", "Update"))
    only_one_of_them = {"TooManyDistributions": create, "IllegalUpdate": update}

    for code in _codes_in(Path(package.__path__[0])):
        allowing = [only_one_of_them[code]] if code in only_one_of_them else [create, update]
        assert all(operation.allows(code) for operation in allowing), code


def _codes_in(folder: Path) -> set[str]:
    """The string literals of the rule modules that are the name of an error of CloudFront."""
    known = ServiceModel("cloudfront", "2020-05-31").error_statuses
    trees = [ast.parse(path.read_text()) for path in folder.glob("*.py") if path.name not in ACTING]
    literals = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {literal for literal in literals if isinstance(literal, str) and literal in known}


ACTING = ("family.py", "verbs.py")
"""Modules of the package that are no rules: they answer operations of their own."""
