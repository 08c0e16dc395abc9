"""The service model as data."""

from typing import Any

import pytest

from edgeward.aws.model import ServiceModel, apply_patches


def test_the_whole_api_is_there(model: ServiceModel) -> None:
    assert len(model.operations) == 167
    assert model.signing_name == "cloudfront"
    assert model.namespace == "http://cloudfront.amazonaws.com/doc/2020-05-31/"


def test_an_operation_knows_its_uri_status_and_errors(model: ServiceModel) -> None:
    operation = model.operations["CreateDistribution"]

    assert (operation.method, operation.uri, operation.status) == ("POST", "/2020-05-31/distribution", 201)
    assert operation.allows("CNAMEAlreadyExists")
    assert not operation.allows("NoSuchDistribution")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("PreconditionFailed", 412),
        ("BatchTooLarge", 413),
        ("NoSuchDistribution", 404),
        ("TestFunctionFailed", 500),
        ("SignatureDoesNotMatch", 403),
        ("NotImplemented", 501),
    ],
)
def test_every_error_has_its_status(model: ServiceModel, code: str, status: int) -> None:
    assert model.error_statuses[code] == status


def test_our_corrections_are_in_the_model(model: ServiceModel) -> None:
    assert model.operations["CreateInvalidation"].allows("InvalidationBatchAlreadyExists")
    assert model.error_statuses["InvalidationBatchAlreadyExists"] == 409


def test_patches_add_and_replace() -> None:
    description: dict[str, Any] = {"a": {"b/c": 1, "list": [1, 2]}}

    apply_patches(
        description,
        [
            {"op": "add", "path": "/a/new", "value": 2},
            {"op": "add", "path": "/a/list/-", "value": 3},
            {"op": "replace", "path": "/a/b~1c", "value": 4},
        ],
    )

    assert description == {"a": {"b/c": 4, "new": 2, "list": [1, 2, 3]}}


@pytest.mark.parametrize("path", ["/gone/x", "/a/gone"])
def test_a_patch_of_what_is_gone_fails_loudly(path: str) -> None:
    with pytest.raises(KeyError):
        apply_patches({"a": {}}, [{"op": "replace", "path": path, "value": 1}])
