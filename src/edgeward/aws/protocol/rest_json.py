"""The rest-json protocol: requests to members, results and errors to HTTP answers.

Like rest-xml, with a JSON object as the body. The reader takes nothing on trust: a member the shape does not know, a
value of another type, a name said twice are refused. Called by `aws.api`; the namespace that all protocols are given
means nothing here.
"""

import json
from typing import Any

from botocore.model import ListShape, StructureShape
from botocore.model import Shape as ModelShape

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Operation, Shape, location_of, wire_name
from edgeward.aws.protocol.located import read_located, write_headers
from edgeward.aws.routing import Route
from edgeward.aws.wire import WireRequest, WireResponse


def parse_request(route: Route, request: WireRequest, _namespace: str) -> Shape:
    """The members of the operation's input. Raises ApiError `MalformedInput` or `InvalidArgument`."""
    shape = route.operation.input
    if shape is None:
        return {}
    return read_located(shape, route, request) | _read_body(shape, request.body)


def serialize_response(operation: Operation, result: Shape, _request_id: str, _namespace: str) -> WireResponse:
    """The HTTP answer that carries the operation's output."""
    shape = operation.output
    if shape is None:
        return WireResponse(status=operation.status)
    headers = write_headers(shape, result) | {"Content-Type": "application/json"}
    body = {
        wire_name(member, name): _write(member, result[name])
        for name, member in shape.members.items()
        if location_of(member) is None and result.get(name) is not None
    }
    return WireResponse(status=operation.status, headers=headers, body=json.dumps(body).encode())


def serialize_error(error: ApiError, status: int, _request_id: str, _namespace: str) -> WireResponse:
    """The HTTP answer that carries an error."""
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
    body = json.dumps({"Message": error.message[:LONGEST_MESSAGE]}).encode()
    return WireResponse(status=status, headers=headers, body=body)


def _read_body(shape: StructureShape, body: bytes) -> Shape:
    members = {wire_name(member, name): name for name, member in shape.members.items() if location_of(member) is None}
    if not body:
        return {}
    if not members:
        raise ApiError("MalformedInput", "This operation takes no body. Send the request without one.")
    try:
        value = json.loads(body, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        raise ApiError("MalformedInput", "The body is not JSON in UTF-8 without repeated names.") from error
    return _read_members(shape, value, members, "the body")


def _read(shape: ModelShape, value: Any, where: str) -> Any:
    if isinstance(shape, StructureShape):
        return _read_members(shape, value, {wire_name(each, name): name for name, each in shape.members.items()}, where)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise _unexpected(where, shape)
        return [_read(shape.member, item, f"{where}[{index}]") for index, item in enumerate(value)]
    if type(value) is not TYPES[shape.type_name]:
        raise _unexpected(where, shape)
    return value


def _read_members(shape: StructureShape, value: Any, names: dict[str, str], where: str) -> Shape:
    if not isinstance(value, dict):
        raise _unexpected(where, shape)
    unknown = sorted(value.keys() - names.keys())
    if unknown:
        raise ApiError("MalformedInput", f"Unexpected member '{unknown[0][:80]}' in {where}.")
    return {
        names[name]: _read(shape.members[names[name]], member, names[name])
        for name, member in value.items()
        if member is not None
    }


def _write(shape: ModelShape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {
            wire_name(member, name): _write(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [_write(shape.member, item) for item in value]
    return value.timestamp() if shape.type_name == "timestamp" else value


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name is repeated")
    return value


def _unexpected(where: str, shape: ModelShape) -> ApiError:
    return ApiError("MalformedInput", f"The value of {where} has to be a {shape.type_name}.")


TYPES: dict[str, type] = {"string": str, "boolean": bool, "integer": int, "long": int}
"""The JSON types of the scalars that inputs of the served services have."""
LONGEST_MESSAGE = 8_192
"""Characters of an error message: one that quotes hostile input does not send it all back."""
