"""The keys of a store through boto3, which signs with SigV4A by the AWS Common Runtime."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config

from edgeward.control_plane import ControlPlane
from unit.services.conftest import ACCESS_KEY, SECRET_KEY, SESSION, InProcessEndpoint

pytest.importorskip("awscrt", reason="botocore signs with SigV4A only by awscrt")


@pytest.fixture
def keys(control_plane: ControlPlane) -> Any:
    """A boto3 client of the data plane; the account id goes into the host, as with AWS's endpoint."""
    client = SESSION.client(
        "cloudfront-keyvaluestore",
        region_name="us-east-1",
        endpoint_url="http://kvs.localhost:4566",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"max_attempts": 0}, parameter_validation=False),
    )
    endpoint: Any = InProcessEndpoint(control_plane.app)
    client.meta.events.register("before-send.cloudfront-keyvaluestore.*", endpoint)
    return client


@pytest.fixture
def arn(cloudfront: Any) -> str:
    return str(cloudfront.create_key_value_store(Name="store")["KeyValueStore"]["ARN"])


def etag(keys: Any, arn: str) -> str:
    return str(keys.describe_key_value_store(KvsARN=arn)["ETag"])


def test_a_key_is_put_read_listed_and_deleted(keys: Any, arn: str) -> None:
    put = keys.put_key(KvsARN=arn, Key="a/b é", Value="1 ünï", IfMatch=etag(keys, arn))

    assert put["ItemCount"] == 1
    assert put["TotalSizeInBytes"] == len("a/b é1 ünï".encode())
    assert keys.get_key(KvsARN=arn, Key="a/b é")["Value"] == "1 ünï"
    described = keys.describe_key_value_store(KvsARN=arn)
    assert (described["Status"], described["ETag"], described["ItemCount"]) == ("READY", put["ETag"], 1)
    assert keys.list_keys(KvsARN=arn)["Items"] == [{"Key": "a/b é", "Value": "1 ünï"}]
    assert keys.delete_key(KvsARN=arn, Key="a/b é", IfMatch=put["ETag"])["ItemCount"] == 0


def test_pages_run_through_all_keys_in_order(keys: Any, arn: str) -> None:
    puts = [{"Key": f"k{number:03}", "Value": "v"} for number in range(50)]
    more = [{"Key": f"l{number:03}", "Value": "v"} for number in range(10)]
    first = keys.update_keys(KvsARN=arn, IfMatch=etag(keys, arn), Puts=puts)
    keys.update_keys(KvsARN=arn, IfMatch=first["ETag"], Puts=more)

    pages = keys.get_paginator("list_keys").paginate(KvsARN=arn, PaginationConfig={"PageSize": 7})

    assert [item["Key"] for page in pages for item in page["Items"]] == [each["Key"] for each in [*puts, *more]]


def test_an_update_is_made_whole_or_not_at_all(keys: Any, arn: str, refused: Callable[..., str]) -> None:
    keys.put_key(KvsARN=arn, Key="a", Value="1", IfMatch=etag(keys, arn))
    before = etag(keys, arn)
    update = {
        "KvsARN": arn,
        "IfMatch": before,
        "Puts": [{"Key": "b", "Value": "2"}],
        "Deletes": [{"Key": "absent"}],
    }

    assert refused(keys.update_keys, **update) == "ResourceNotFoundException"
    assert etag(keys, arn) == before
    done = keys.update_keys(**update | {"Deletes": [{"Key": "a"}]})
    assert done["ItemCount"] == 1
    assert keys.list_keys(KvsARN=arn)["Items"] == update["Puts"]


def test_a_change_needs_the_current_etag(keys: Any, arn: str, refused: Callable[..., str]) -> None:
    first = etag(keys, arn)
    keys.put_key(KvsARN=arn, Key="a", Value="1", IfMatch=first)

    assert refused(keys.put_key, KvsARN=arn, Key="a", Value="2", IfMatch=first) == "ConflictException"
    assert refused(keys.delete_key, KvsARN=arn, Key="a", IfMatch="KVNOTHING") == "ConflictException"
    assert refused(keys.put_key, KvsARN=arn, Key="a", Value="2") == "ValidationException"
    assert keys.get_key(KvsARN=arn, Key="a")["Value"] == "1"


@pytest.mark.parametrize(
    "changes",
    [
        {"Puts": [{"Key": "k" * 513, "Value": ""}]},
        {"Puts": [{"Key": "k", "Value": "v" * 1025}]},
        {"Puts": [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]},
        {"Puts": [{"Key": "k", "Value": "1"}], "Deletes": [{"Key": "k"}]},
        {"Puts": [{"Key": f"k{number}", "Value": ""} for number in range(51)]},
        {},
    ],
)
def test_an_update_beyond_the_quotas_is_refused(
    keys: Any, arn: str, refused: Callable[..., str], changes: dict[str, Any]
) -> None:
    assert refused(keys.update_keys, KvsARN=arn, IfMatch=etag(keys, arn), **changes) == "ValidationException"
    assert keys.describe_key_value_store(KvsARN=arn)["ItemCount"] == 0


def test_keys_end_with_their_store(keys: Any, cloudfront: Any, arn: str, refused: Callable[..., str]) -> None:
    keys.put_key(KvsARN=arn, Key="a", Value="1", IfMatch=etag(keys, arn))
    cloudfront.delete_key_value_store(Name="store", IfMatch=cloudfront.describe_key_value_store(Name="store")["ETag"])

    assert refused(keys.describe_key_value_store, KvsARN=arn) == "ResourceNotFoundException"
    again = cloudfront.create_key_value_store(Name="store")["KeyValueStore"]["ARN"]
    assert keys.list_keys(KvsARN=again)["Items"] == []


def test_what_is_not_there_is_said(keys: Any, arn: str, refused: Callable[..., str]) -> None:
    absent = arn[:-4] + "0000"

    assert refused(keys.get_key, KvsARN=arn, Key="a") == "ResourceNotFoundException"
    assert refused(keys.get_key, KvsARN=absent, Key="a") == "ResourceNotFoundException"
    assert refused(keys.list_keys, KvsARN=arn, MaxResults=51) == "ValidationException"
