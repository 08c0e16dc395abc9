"""The constraints of the model."""

from typing import Any

import pytest

from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel
from edgeward.aws.validation import validate_input

BATCH = {"CallerReference": "r", "Paths": {"Quantity": 1, "Items": ["/a"]}}


def refusal(model: ServiceModel, operation: str, members: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        validate_input(model.operations[operation], members)
    return caught.value


def test_what_keeps_to_the_model_passes(model: ServiceModel) -> None:
    validate_input(model.operations["CreateInvalidation"], {"DistributionId": "E1", "InvalidationBatch": BATCH})
    validate_input(model.operations["ListDistributions"], {})


def test_a_missing_body_is_named(model: ServiceModel) -> None:
    error = refusal(model, "CreateInvalidation", {"DistributionId": "E1"})

    assert error.code == "MalformedXML"
    assert error.message == (
        "1 validation error detected: Value null at 'invalidationBatch' failed to satisfy constraint: "
        "Member must not be null"
    )


def test_all_problems_are_told_at_once_with_their_paths(model: ServiceModel) -> None:
    config = {
        "CallerReference": "r",
        "Comment": "",
        "Enabled": True,
        "PriceClass": "PriceClass_7",
        "Origins": {"Quantity": 1, "Items": [{"Id": "a"}]},
        "DefaultCacheBehavior": {"TargetOriginId": "a", "ViewerProtocolPolicy": "allow-all"},
    }

    error = refusal(model, "CreateDistribution", {"DistributionConfig": config})

    assert error.code == "MalformedXML"
    assert error.message.startswith("2 validation errors detected: ")
    assert "Value null at 'distributionConfig.origins.items.1.member.domainName'" in error.message
    assert (
        "Value 'PriceClass_7' at 'distributionConfig.priceClass' failed to satisfy constraint: Member must satisfy "
        "enum value set: [PriceClass_100, PriceClass_200, PriceClass_All, None]" in error.message
    )


def test_a_problem_outside_the_body_has_another_code(model: ServiceModel) -> None:
    assert refusal(model, "ListCachePolicies", {"Type": "mine"}).code == "InvalidArgument"
    assert refusal(model, "ListTagsForResource", {"Resource": "arn:aws:s3:::b"}).code == "InvalidArgument"


@pytest.mark.parametrize(
    ("members", "constraint"),
    [
        ({"Items": [{"Key": ""}]}, "have length greater than or equal to 1"),
        ({"Items": [{"Key": "k" * 129}]}, "have length less than or equal to 128"),
        ({"Items": [{"Key": "k", "Value": "<"}]}, "satisfy regular expression pattern"),
    ],
)
def test_lengths_and_patterns_are_checked(model: ServiceModel, members: dict[str, Any], constraint: str) -> None:
    request = {"Resource": "arn:aws:cloudfront::1:distribution/E1", "Tags": members}

    assert constraint in refusal(model, "TagResource", request).message


@pytest.mark.parametrize("key", ["é", "日本", "a b\u3000c", "_.:/=+-@", "٣"])
def test_a_pattern_of_unicode_categories_allows_letters_numbers_and_separators(model: ServiceModel, key: str) -> None:
    request = {"Resource": "arn:aws:cloudfront::1:distribution/E1", "Tags": {"Items": [{"Key": key}]}}

    validate_input(model.operations["TagResource"], request)


def test_numbers_are_checked_against_their_range(model: ServiceModel) -> None:
    headers = {"Name": "n", "ServerTimingHeadersConfig": {"Enabled": True, "SamplingRate": 100.5}}

    error = refusal(model, "CreateResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": headers})

    assert "'responseHeadersPolicyConfig.serverTimingHeadersConfig.samplingRate'" in error.message
    assert "have value less than or equal to 100" in error.message


@pytest.mark.parametrize("quantity", [0, 2, -1])
def test_a_quantity_that_miscounts_is_refused_with_its_path(model: ServiceModel, quantity: int) -> None:
    batch = {"CallerReference": "r", "Paths": {"Quantity": quantity, "Items": ["/a"]}}

    error = refusal(model, "CreateInvalidation", {"DistributionId": "E1", "InvalidationBatch": batch})

    assert error.code == "InconsistentQuantities"
    assert "'invalidationBatch.paths'" in error.message


def test_a_quantity_without_items_counts_none(model: ServiceModel) -> None:
    for quantity, passes in ((0, True), (1, False)):
        batch = {"CallerReference": "r", "Paths": {"Quantity": quantity}}
        request = {"DistributionId": "E1", "InvalidationBatch": batch}
        if passes:
            validate_input(model.operations["CreateInvalidation"], request)
        else:
            assert refusal(model, "CreateInvalidation", request).code == "InconsistentQuantities"
