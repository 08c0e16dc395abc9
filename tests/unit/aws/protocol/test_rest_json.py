"""rest-json against botocore, which is the other side of it."""

from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import prepare_request_dict
from botocore.parsers import RestJSONParser
from botocore.serialize import RestJSONSerializer

from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel
from edgeward.aws.protocol.rest_json import parse_request, serialize_error, serialize_response
from edgeward.aws.routing import Router, parse_query
from edgeward.aws.wire import WireRequest

MODEL = ServiceModel("cloudfront-keyvaluestore", "2022-07-26")
CLIENT = botocore.session.get_session().get_service_model("cloudfront-keyvaluestore")
ARN = "arn:aws:cloudfront::123456789012:key-value-store/a"
INPUTS: dict[str, dict[str, Any]] = {
    "DeleteKey": {"KvsARN": ARN, "Key": "a/b é", "IfMatch": "KV1"},
    "DescribeKeyValueStore": {"KvsARN": ARN},
    "GetKey": {"KvsARN": ARN, "Key": "%2F?#"},
    "ListKeys": {"KvsARN": ARN, "NextToken": "a b+c", "MaxResults": 5},
    "PutKey": {"KvsARN": ARN, "Key": "k", "Value": 'quote " and \U0001f600', "IfMatch": "KV1"},
    "UpdateKeys": {
        "KvsARN": ARN,
        "IfMatch": "KV1",
        "Puts": [{"Key": "k", "Value": "v"}],
        "Deletes": [{"Key": "l"}],
    },
}


def sent(name: str, members: dict[str, Any]) -> WireRequest:
    serializer: Any = RestJSONSerializer()
    request = serializer.serialize_to_request(members, CLIENT.operation_model(name))
    prepare: Any = prepare_request_dict
    prepare(request, "http://localhost")
    path, _, query = request["url"].removeprefix("http://localhost").partition("?")
    return WireRequest(
        method=request["method"],
        raw_path=path,
        raw_query=query,
        headers=tuple((name.lower(), value) for name, value in request["headers"].items()),
        body=request["body"],
    )


def parsed(request: WireRequest) -> dict[str, Any]:
    route = Router(MODEL.operations.values()).match(request.method, request.raw_path, parse_query(request.raw_query))
    return parse_request(route, request, "")


@pytest.mark.parametrize("name", CLIENT.operation_names)
def test_an_input_arrives_as_botocore_sent_it(name: str) -> None:
    assert parsed(sent(name, INPUTS[name])) == INPUTS[name]


def test_an_output_arrives_as_we_sent_it() -> None:
    members = {
        "ItemCount": 1,
        "TotalSizeInBytes": 2**40,
        "KvsARN": ARN,
        "Created": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "ETag": "KV1",
        "Status": "READY",
    }
    answer = serialize_response(MODEL.operations["DescribeKeyValueStore"], members, "id", "")
    parser: Any = RestJSONParser()
    headers = {name.lower(): value for name, value in answer.headers.items()} | answer.headers
    response = {"status_code": answer.status, "headers": headers, "body": answer.body}

    found = parser.parse(response, CLIENT.operation_model("DescribeKeyValueStore").output_shape)

    del found["ResponseMetadata"]
    assert found == members


def test_an_error_arrives_with_its_code_and_message() -> None:
    answer = serialize_error(ApiError("ConflictException", "Describe it again."), 409, "id", "")
    parser: Any = RestJSONParser()
    headers = {name.lower(): value for name, value in answer.headers.items()}

    error = parser.parse({"status_code": 409, "headers": headers, "body": answer.body}, None)["Error"]

    assert error == {"Code": "ConflictException", "Message": "Describe it again."}


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b"\xff",
        b'{"Value": 1}',
        b'{"Value": true}',
        b'{"Value": ["v"]}',
        b'{"Value": "v", "Value": "w"}',
        b'{"Value": "v", "Other": 1}',
        b"[" * 100_000,
    ],
)
def test_a_body_of_another_form_is_refused(body: bytes) -> None:
    good = sent("PutKey", INPUTS["PutKey"])
    request = WireRequest(method=good.method, raw_path=good.raw_path, raw_query="", headers=good.headers, body=body)

    with pytest.raises(ApiError) as refusal:
        parsed(request)

    assert refusal.value.code == "MalformedInput"
