"""The origin access control family through boto3."""

import json
from collections.abc import Callable
from typing import Any

import pytest

CONTROL = {
    "Name": "bucket",
    "Description": "for the site",
    "SigningProtocol": "sigv4",
    "SigningBehavior": "always",
    "OriginAccessControlOriginType": "s3",
}


def test_a_control_lives_through_create_get_update_and_delete(cloudfront: Any, refused: Callable[..., str]) -> None:
    created = cloudfront.create_origin_access_control(OriginAccessControlConfig=CONTROL)
    control_id = created["OriginAccessControl"]["Id"]

    config = cloudfront.get_origin_access_control_config(Id=control_id)["OriginAccessControlConfig"]
    assert config == CONTROL
    updated = cloudfront.update_origin_access_control(
        Id=control_id, OriginAccessControlConfig=CONTROL | {"SigningBehavior": "never"}, IfMatch=created["ETag"]
    )
    fetched = cloudfront.get_origin_access_control(Id=control_id)["OriginAccessControl"]
    assert fetched == updated["OriginAccessControl"]
    cloudfront.delete_origin_access_control(Id=control_id, IfMatch=updated["ETag"])
    assert refused(cloudfront.get_origin_access_control, Id=control_id) == "NoSuchOriginAccessControl"


def test_a_list_item_always_has_a_description(cloudfront: Any) -> None:
    config = {name: value for name, value in CONTROL.items() if name != "Description"}
    cloudfront.create_origin_access_control(OriginAccessControlConfig=config)

    (item,) = cloudfront.list_origin_access_controls()["OriginAccessControlList"]["Items"]

    assert item["Description"] == ""
    assert item["Name"] == "bucket"


def test_names_are_unique(cloudfront: Any, refused: Callable[..., str]) -> None:
    cloudfront.create_origin_access_control(OriginAccessControlConfig=CONTROL)

    code = refused(cloudfront.create_origin_access_control, OriginAccessControlConfig=CONTROL)

    assert code == "OriginAccessControlAlreadyExists"


@pytest.mark.parametrize(
    "change",
    [
        {"Name": ""},
        {"Name": "x" * 65},
        {"Description": "x" * 257},
        {"SigningProtocol": "sigv4a"},
        {"SigningBehavior": "always-amz-auth"},
        {"OriginAccessControlOriginType": "lambda"},
    ],
)
def test_a_control_that_breaks_a_rule_or_asks_for_what_the_edge_lacks_is_refused(
    cloudfront: Any, refused: Callable[..., str], change: dict[str, str]
) -> None:
    config = CONTROL | change

    assert refused(cloudfront.create_origin_access_control, OriginAccessControlConfig=config) == "InvalidArgument"


def test_a_value_outside_the_enum_is_refused(cloudfront: Any, refused: Callable[..., str]) -> None:
    config = CONTROL | {"SigningBehavior": "sometimes"}

    assert refused(cloudfront.create_origin_access_control, OriginAccessControlConfig=config) == "MalformedXML"


def test_a_control_in_use_is_kept_and_its_changes_are_published(
    cloudfront: Any, config: dict[str, Any], refused: Callable[..., str], edge: Any
) -> None:
    created = cloudfront.create_origin_access_control(OriginAccessControlConfig=CONTROL)
    control_id = created["OriginAccessControl"]["Id"]
    (origin,) = config["Origins"]["Items"]
    del origin["CustomOriginConfig"]
    origin |= {
        "DomainName": "bucket.s3.us-east-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "OriginAccessControlId": control_id,
    }
    distribution = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]

    target = {"Id": control_id, "IfMatch": created["ETag"]}
    assert refused(cloudfront.delete_origin_access_control, **target) == "OriginAccessControlInUse"
    cloudfront.update_origin_access_control(
        OriginAccessControlConfig=CONTROL | {"SigningBehavior": "no-override"}, **target
    )

    compiled = json.loads(edge.plans[-1])["distributions"][distribution["Id"]]
    assert compiled["origins"]["site"]["signing"]["behavior"] == "no-override"
