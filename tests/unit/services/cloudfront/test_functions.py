"""Functions with two stages through boto3."""

from collections.abc import Callable
from typing import Any

import pytest

from unit.services.cloudfront.generated.samples import key_value_store, listed

CONFIG = {"Comment": "rewrite", "Runtime": "cloudfront-js-2.0"}
CODE = b"function handler(event) { return event.request }"


@pytest.fixture
def function(cloudfront: Any) -> dict[str, Any]:
    made: dict[str, Any] = cloudfront.create_function(Name="rewrite", FunctionConfig=CONFIG, FunctionCode=CODE)
    return made


def code_of(cloudfront: Any, stage: str) -> bytes:
    return bytes(cloudfront.get_function(Name="rewrite", Stage=stage)["FunctionCode"].read())


def status_of(cloudfront: Any, stage: str = "DEVELOPMENT") -> str:
    return str(cloudfront.describe_function(Name="rewrite", Stage=stage)["FunctionSummary"]["Status"])


def test_a_function_has_a_name_an_arn_and_a_path(function: dict[str, Any]) -> None:
    metadata = function["FunctionSummary"]["FunctionMetadata"]

    assert metadata["FunctionARN"] == "arn:aws:cloudfront::123456789012:function/rewrite"
    assert metadata["Stage"] == "DEVELOPMENT"
    assert function["Location"] == "http://127.0.0.1:4566/2020-05-31/function/rewrite"


def test_live_is_what_was_published_last(
    cloudfront: Any, function: dict[str, Any], refused: Callable[..., str]
) -> None:
    assert refused(cloudfront.describe_function, Name="rewrite", Stage="LIVE") == "NoSuchFunctionExists"
    assert status_of(cloudfront) == "UNPUBLISHED"

    published = cloudfront.publish_function(Name="rewrite", IfMatch=function["ETag"])["FunctionSummary"]
    assert (published["FunctionMetadata"]["Stage"], published["Status"]) == ("LIVE", "UNASSOCIATED")
    assert status_of(cloudfront) == "UNASSOCIATED"
    update = {"Name": "rewrite", "FunctionConfig": CONFIG, "FunctionCode": b"changed"}
    updated = cloudfront.update_function(**update, IfMatch=function["ETag"])
    assert (code_of(cloudfront, "LIVE"), code_of(cloudfront, "DEVELOPMENT")) == (CODE, b"changed")
    assert (status_of(cloudfront, "LIVE"), status_of(cloudfront)) == ("UNASSOCIATED", "UNPUBLISHED")
    cloudfront.publish_function(Name="rewrite", IfMatch=updated["ETag"])
    assert code_of(cloudfront, "LIVE") == b"changed"


def test_the_stages_are_listed_together_and_apart(cloudfront: Any, function: dict[str, Any]) -> None:
    cloudfront.publish_function(Name="rewrite", IfMatch=function["ETag"])

    def stages(**members: Any) -> list[str]:
        items = cloudfront.list_functions(**members)["FunctionList"]["Items"]
        return [item["FunctionMetadata"]["Stage"] for item in items]

    assert stages() == ["DEVELOPMENT", "LIVE"]
    assert stages(Stage="LIVE") == ["LIVE"]
    assert stages(Stage="DEVELOPMENT") == ["DEVELOPMENT"]


def test_deleting_a_function_ends_both_stages(
    cloudfront: Any, function: dict[str, Any], refused: Callable[..., str]
) -> None:
    cloudfront.publish_function(Name="rewrite", IfMatch=function["ETag"])
    cloudfront.delete_function(Name="rewrite", IfMatch=function["ETag"])

    assert refused(cloudfront.get_function, Name="rewrite") == "NoSuchFunctionExists"
    assert cloudfront.list_functions()["FunctionList"]["Quantity"] == 0
    again = cloudfront.create_function(Name="rewrite", FunctionConfig=CONFIG, FunctionCode=CODE)
    assert refused(cloudfront.get_function, Name="rewrite", Stage="LIVE") == "NoSuchFunctionExists"
    assert again["FunctionSummary"]["Status"] == "UNPUBLISHED"


def test_code_beyond_the_quota_is_refused_although_the_model_allows_it(
    cloudfront: Any, refused: Callable[..., str]
) -> None:
    create = {"Name": "large", "FunctionConfig": CONFIG}

    assert refused(cloudfront.create_function, **create, FunctionCode=b"x" * 10_241) == "FunctionSizeLimitExceeded"
    cloudfront.create_function(**create, FunctionCode=b"x" * 10_240)


def test_a_function_holds_the_store_it_uses(cloudfront: Any, refused: Callable[..., str]) -> None:
    made = key_value_store(cloudfront)
    arn, name = made["KeyValueStore"]["ARN"], made["KeyValueStore"]["Name"]

    def create(runtime: str, *arns: str) -> dict[str, Any]:
        stores = listed(*({"KeyValueStoreARN": each} for each in arns))
        config = {"Comment": "", "Runtime": runtime, "KeyValueStoreAssociations": stores}
        return {"Name": "reader", "FunctionConfig": config, "FunctionCode": CODE}

    assert refused(cloudfront.create_function, **create("cloudfront-js-1.0", arn)) == "InvalidArgument"
    assert refused(cloudfront.create_function, **create("cloudfront-js-2.0", arn, arn)) == "InvalidArgument"
    absent = arn[:-4] + "0000"
    assert refused(cloudfront.create_function, **create("cloudfront-js-2.0", absent)) == "InvalidArgument"
    cloudfront.create_function(**create("cloudfront-js-2.0", arn))
    delete = {"Name": name, "IfMatch": made["ETag"]}
    assert refused(cloudfront.delete_key_value_store, **delete) == "CannotDeleteEntityWhileInUse"


def test_a_connection_function_is_found_by_id_name_and_arn(cloudfront: Any) -> None:
    made = cloudfront.create_connection_function(
        Name="handshake", ConnectionFunctionConfig=CONFIG, ConnectionFunctionCode=CODE
    )["ConnectionFunctionSummary"]

    for identifier in (made["Id"], "handshake", made["ConnectionFunctionArn"]):
        found = cloudfront.describe_connection_function(Identifier=identifier)
        assert found["ConnectionFunctionSummary"] == made
