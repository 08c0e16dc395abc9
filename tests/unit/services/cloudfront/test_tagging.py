"""Tags through boto3."""

from collections.abc import Callable
from typing import Any

import pytest


def tags(**values: str) -> dict[str, Any]:
    return {"Items": [{"Key": key, "Value": value} for key, value in values.items()]}


@pytest.fixture
def arn(cloudfront: Any, config: dict[str, Any]) -> str:
    return str(cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["ARN"])


def test_tags_are_added_replaced_and_removed(cloudfront: Any, arn: str) -> None:
    cloudfront.tag_resource(Resource=arn, Tags=tags(a="1", b="2"))
    cloudfront.tag_resource(Resource=arn, Tags=tags(b="3", c="é 日本"))
    cloudfront.untag_resource(Resource=arn, TagKeys={"Items": ["a", "unknown"]})

    assert cloudfront.list_tags_for_resource(Resource=arn)["Tags"] == tags(b="3", c="é 日本")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("arn:aws:cloudfront::123456789012:distribution/E0000000000000", "NoSuchResource"),
        ("arn:aws:cloudfront::999999999999:distribution/E0000000000000", "NoSuchResource"),
        ("arn:aws:cloudfront::123456789012:function/name", "NoSuchResource"),
        ("arn:aws:cloudfront::123456789012:nothing", "InvalidArgument"),
        ("arn:aws:s3:::bucket", "InvalidArgument"),
    ],
)
def test_an_arn_without_a_resource_is_refused(
    cloudfront: Any, refused: Callable[..., str], wrong: str, code: str
) -> None:
    assert refused(cloudfront.list_tags_for_resource, Resource=wrong) == code
    assert refused(cloudfront.tag_resource, Resource=wrong, Tags=tags(a="1")) == code
    assert refused(cloudfront.untag_resource, Resource=wrong, TagKeys={"Items": ["a"]}) == code


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (tags(**{"aws:a": "1"}), "InvalidTagging"),
        (tags(**{"AWS:a": "1"}), "InvalidTagging"),
        ({"Items": [{"Key": "a"}, {"Key": "a"}]}, "InvalidTagging"),
        (tags(**{f"key{number}": "" for number in range(51)}), "InvalidTagging"),
        (tags(**{"": "1"}), "MalformedXML"),
        (tags(**{"k" * 129: "1"}), "MalformedXML"),
        (tags(a="v" * 257), "MalformedXML"),
        (tags(a="<>"), "MalformedXML"),
        ({"Items": [{"Value": "1"}]}, "MalformedXML"),
    ],
)
def test_tags_that_break_a_rule_are_refused(
    cloudfront: Any, arn: str, refused: Callable[..., str], wrong: dict[str, Any], code: str
) -> None:
    assert refused(cloudfront.tag_resource, Resource=arn, Tags=wrong) == code
    assert cloudfront.list_tags_for_resource(Resource=arn)["Tags"] == {"Items": []}


def test_the_limit_counts_the_tags_that_are_there(cloudfront: Any, arn: str, refused: Callable[..., str]) -> None:
    cloudfront.tag_resource(Resource=arn, Tags=tags(**{f"key{number}": "" for number in range(50)}))

    cloudfront.tag_resource(Resource=arn, Tags=tags(key0="replaced"))
    assert refused(cloudfront.tag_resource, Resource=arn, Tags=tags(another="")) == "InvalidTagging"
