"""rest-xml against botocore, which is the other side of it: every operation there and back."""

import io
import random
import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import botocore.session
import pytest
from botocore.awsrequest import prepare_request_dict
from botocore.model import ListShape, Shape, StringShape, StructureShape
from botocore.model import ServiceModel as BotocoreServiceModel
from botocore.parsers import RestXMLParser
from botocore.serialize import RestXMLSerializer

from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel
from edgeward.aws.protocol.rest_xml import parse_request, serialize_error, serialize_response
from edgeward.aws.routing import Router, parse_query
from edgeward.aws.wire import WireRequest, WireResponse

OPERATIONS = botocore.session.get_session().get_service_model("cloudfront").operation_names
ALPHABET = string.ascii_letters + string.digits + " <>&\"'/%?#=+~é\u2028日\U0001f600\t"


class Values:
    """Reproducible random values of any shape; optional members are there with a certain chance."""

    def __init__(self, seed: str, chance: float) -> None:
        self._random = random.Random(seed)
        self._chance = chance

    def of(self, shape: Shape, depth: int = 0) -> Any:
        if isinstance(shape, StructureShape):
            return {
                name: self.of(member, depth + 1) for name, member in shape.members.items() if self._has(shape, name)
            }
        if isinstance(shape, ListShape):
            return [self.of(shape.member, depth + 1) for _ in range(self._random.randint(0, 2))]
        return self._scalar(shape)

    def _has(self, shape: StructureShape, name: str) -> bool:
        return name in shape.required_members or self._random.random() < self._chance

    def _scalar(self, shape: Shape) -> Any:
        draw = self._random
        if isinstance(shape, StringShape):
            return (
                draw.choice(shape.enum) if shape.enum else "x" + "".join(draw.choices(ALPHABET, k=draw.randint(0, 9)))
            )
        drawn: dict[str, Callable[[], Any]] = {
            "boolean": lambda: draw.random() < 0.5,
            "integer": lambda: draw.randint(-(2**31), 2**31 - 1),
            "long": lambda: draw.randint(-(2**63), 2**63 - 1),
            "float": lambda: draw.uniform(-1e9, 1e9),
            "double": lambda: draw.uniform(-1e9, 1e9),
            "timestamp": lambda: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=draw.randint(0, 10**12)),
            "blob": lambda: draw.randbytes(draw.randint(1, 20)),
        }
        return drawn[shape.type_name]()


def sent_by_botocore(client_model: BotocoreServiceModel, name: str, members: dict[str, Any]) -> WireRequest:
    serializer: Any = RestXMLSerializer()
    request = serializer.serialize_to_request(members, client_model.operation_model(name))
    prepare: Any = prepare_request_dict
    prepare(request, "http://localhost")
    url = urlsplit(request["url"])
    query = request["query_string"]
    return WireRequest(
        method=request["method"],
        raw_path=url.path,
        raw_query=url.query or urlencode(query if isinstance(query, dict) else {}),
        headers=tuple((name.lower(), value) for name, value in request["headers"].items()),
        body=request["body"] if isinstance(request["body"], bytes) else request["body"].encode(),
    )


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("chance", [0.5, 1.0])
def test_an_input_arrives_as_botocore_sent_it(
    model: ServiceModel, client_model: BotocoreServiceModel, name: str, chance: float
) -> None:
    shape = client_model.operation_model(name).input_shape
    members = Values(name, chance).of(shape) if shape is not None else {}
    members = _fit_for_headers(shape, members)
    request = sent_by_botocore(client_model, name, members)

    route = Router(model.operations.values()).match(request.method, request.raw_path, parse_query(request.raw_query))

    assert route.operation.name == name
    assert parse_request(route, request, model.namespace) == members


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("chance", [0.5, 1.0])
def test_an_output_arrives_as_we_sent_it(
    model: ServiceModel, client_model: BotocoreServiceModel, name: str, chance: float
) -> None:
    shape = client_model.operation_model(name).output_shape
    members = Values(name, chance).of(shape) if shape is not None else {}
    members = _fit_for_headers(shape, members)
    answer = serialize_response(model.operations[name], members, "id", model.namespace)

    is_streaming = client_model.operation_model(name).has_streaming_output
    body = io.BytesIO(answer.body) if is_streaming else answer.body
    parsed = _parse(answer, shape, body)

    del parsed["ResponseMetadata"]
    assert _without_empty(parsed) == _without_empty(members)


def test_an_error_reads_as_aws_writes_it(model: ServiceModel) -> None:
    error = ApiError("NoSuchDistribution", "There is no \x00 <distribution>.")

    answer = serialize_error(error, 404, "the-request-id", model.namespace)

    assert answer.body == (
        b"<?xml version='1.0' encoding='UTF-8'?>\n"
        b'<ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Error><Type>Sender</Type>'
        b"<Code>NoSuchDistribution</Code><Message>There is no \xef\xbf\xbd &lt;distribution&gt;.</Message></Error>"
        b"<RequestId>the-request-id</RequestId></ErrorResponse>"
    )
    parsed = _parse(answer, None, answer.body)
    assert parsed["Error"]["Code"] == "NoSuchDistribution"
    assert parsed["ResponseMetadata"]["RequestId"] == "the-request-id"


def test_an_error_message_is_cut_before_it_gets_huge(model: ServiceModel) -> None:
    answer = serialize_error(ApiError("MalformedInput", "x" * 1_000_000), 400, "id", model.namespace)

    assert len(answer.body) < 10_000


def test_a_body_where_none_belongs_is_refused(model: ServiceModel) -> None:
    request = WireRequest(
        method="DELETE", raw_path="/2020-05-31/distribution/E1", raw_query="", headers=(), body=b"<x/>"
    )
    route = Router(model.operations.values()).match("DELETE", request.raw_path, [])

    with pytest.raises(ApiError) as caught:
        parse_request(route, request, model.namespace)

    assert caught.value.code == "MalformedInput"


def _fit_for_headers(shape: StructureShape | None, members: dict[str, Any]) -> dict[str, Any]:
    """Replaces text that a header field cannot carry; paths and queries carry everything."""
    located = shape.members if shape is not None else {}
    return {
        name: "plain" if located[name].serialization.get("location") == "header" and isinstance(value, str) else value
        for name, value in members.items()
    }


def _parse(answer: WireResponse, shape: Any, body: Any) -> dict[str, Any]:
    """What botocore makes of an answer."""
    parser: Any = RestXMLParser()
    response = {"status_code": answer.status, "headers": _insensitive(answer.headers), "body": body}
    parsed: dict[str, Any] = parser.parse(response, shape)
    return parsed


def _insensitive(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for original, value in headers.items() for name in (original, original.lower())}


def _without_empty(value: Any) -> Any:
    """The client does not tell an empty structure or list from an absent one."""
    if isinstance(value, dict):
        cleaned = {name: _without_empty(member) for name, member in value.items()}
        return {name: member for name, member in cleaned.items() if member not in ({}, [], None, b"")}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value.read() if hasattr(value, "read") else value
