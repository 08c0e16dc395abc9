"""JSON 1.1 against botocore, which is the other side of it."""

import json
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.parsers import JSONParser
from botocore.serialize import JSONSerializer

from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel
from edgeward.aws.protocol.aws_json import parse_request, serialize_error, serialize_response
from edgeward.aws.routing import TargetRouter
from edgeward.aws.wire import WireRequest, WireResponse

MODEL = ServiceModel("acm", "2015-12-08")
CLIENT = botocore.session.get_session().get_service_model("acm")
ROUTER = TargetRouter(MODEL.operations.values(), MODEL.target_prefix)
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/a"
INPUTS: dict[str, dict[str, Any]] = {
    "DescribeCertificate": {"CertificateArn": ARN},
    "GetAccountConfiguration": {},
    "ImportCertificate": {
        "Certificate": b"-----BEGIN\x00\xff",
        "PrivateKey": b"key",
        "Tags": [{"Key": "team", "Value": 'quote " and \U0001f600'}],
    },
    "ListCertificates": {
        "CertificateStatuses": ["ISSUED"],
        "Includes": {"keyTypes": ["EC_prime256v1", "RSA_2048"], "exportOption": "DISABLED"},
        "MaxItems": 5,
    },
}


def sent(name: str, members: dict[str, Any]) -> WireRequest:
    serializer: Any = JSONSerializer()
    request = serializer.serialize_to_request(members, CLIENT.operation_model(name))
    return WireRequest(
        method=request["method"],
        raw_path=request["url_path"],
        raw_query="",
        headers=tuple((field.lower(), value) for field, value in request["headers"].items()),
        body=request["body"],
    )


def parsed(request: WireRequest) -> dict[str, Any]:
    return parse_request(ROUTER.match(request.header("x-amz-target")), request, "")


def understood(answer: WireResponse, output: Any) -> dict[str, Any]:
    parser: Any = JSONParser()
    headers = {name.lower(): value for name, value in answer.headers.items()}
    found: dict[str, Any] = parser.parse(
        {"status_code": answer.status, "headers": headers, "body": answer.body}, output
    )
    del found["ResponseMetadata"]
    return found


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_arrives_as_botocore_sent_it(name: str) -> None:
    request = sent(name, INPUTS[name])

    assert ROUTER.match(request.header("x-amz-target")).operation.name == name
    assert parsed(request) == INPUTS[name]


def test_an_output_arrives_as_we_sent_it() -> None:
    members = {
        "CertificateSummaryList": [
            {
                "CertificateArn": ARN,
                "SubjectAlternativeNameSummaries": ["a.example.com"],
                "InUse": False,
                "NotAfter": datetime(2026, 3, 1, 12, tzinfo=UTC),
            }
        ]
    }
    answer = serialize_response(MODEL.operations["ListCertificates"], members, "id", "")

    assert understood(answer, CLIENT.operation_model("ListCertificates").output_shape) == members


def test_an_operation_without_an_output_answers_nothing() -> None:
    answer = serialize_response(MODEL.operations["DeleteCertificate"], {}, "id", "")

    assert (answer.status, answer.body) == (200, b"")


def test_an_error_arrives_with_its_code_and_message() -> None:
    answer = serialize_error(ApiError("ResourceNotFoundException", "There is none."), 400, "id", "")

    assert understood(answer, None)["Error"] == {"Code": "ResourceNotFoundException", "Message": "There is none."}


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b"\xff",
        b'{"MaxItems": "1"}',
        b'{"MaxItems": true}',
        b'{"MaxItems": 1, "MaxItems": 2}',
        b'{"Includes": []}',
        b'{"Includes": {"KeyTypes": []}}',
        b'{"CertificateStatuses": "ISSUED"}',
        b'{"Other": 1}',
        b"[" * 100_000,
    ],
)
def test_a_body_of_another_form_is_refused(body: bytes) -> None:
    request = WireRequest(
        method="POST",
        raw_path="/",
        raw_query="",
        headers=(("x-amz-target", "CertificateManager.ListCertificates"),),
        body=body,
    )

    with pytest.raises(ApiError) as refusal:
        parsed(request)

    assert refusal.value.code == "MalformedInput"


@pytest.mark.parametrize("value", ["not base64!", "YQ", 1, [97]])
def test_a_blob_that_is_not_base64_is_refused(value: Any) -> None:
    good = sent("ImportCertificate", {"Certificate": b"", "PrivateKey": b""})
    body = json.dumps({"PrivateKey": value}).encode()
    request = WireRequest(method="POST", raw_path="/", raw_query="", headers=good.headers, body=body)

    with pytest.raises(ApiError) as refusal:
        parsed(request)

    assert refusal.value.code == "MalformedInput"


@pytest.mark.parametrize("target", [None, "", "CertificateManager", "CertificateManager.", "Other.GetCertificate"])
def test_a_target_that_names_no_operation_is_refused(target: str | None) -> None:
    with pytest.raises(ApiError) as refusal:
        ROUTER.match(target)

    assert refusal.value.code == "UnknownOperationException"
