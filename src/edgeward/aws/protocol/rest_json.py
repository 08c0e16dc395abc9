"""The rest-json protocol: requests to members, results and errors to HTTP answers.

Like rest-xml, with a JSON object as the body (`json_body`). Called by `aws.api`; the namespace that all protocols are
given means nothing here.
"""

import json

from botocore.model import StructureShape

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Operation, Shape, location_of
from edgeward.aws.protocol.json_body import LONGEST_MESSAGE, read_body, write_body
from edgeward.aws.protocol.located import read_located, write_headers
from edgeward.aws.routing import Route
from edgeward.aws.wire import WireRequest, WireResponse


def parse_request(route: Route, request: WireRequest, _namespace: str) -> Shape:
    """The members of the operation's input. Raises ApiError `MalformedInput` or `InvalidArgument`."""
    shape = route.operation.input
    if shape is None:
        return {}
    return read_located(shape, route, request) | read_body(shape, request.body, _in_body(shape))


def serialize_response(operation: Operation, result: Shape, _request_id: str, _namespace: str) -> WireResponse:
    """The HTTP answer that carries the operation's output."""
    shape = operation.output
    if shape is None:
        return WireResponse(status=operation.status)
    headers = write_headers(shape, result) | {"Content-Type": "application/json"}
    return WireResponse(status=operation.status, headers=headers, body=write_body(shape, result, _in_body(shape)))


def serialize_error(error: ApiError, status: int, _request_id: str, _namespace: str) -> WireResponse:
    """The HTTP answer that carries an error."""
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
    body = json.dumps({"Message": error.message[:LONGEST_MESSAGE]}).encode()
    return WireResponse(status=status, headers=headers, body=body)


def _in_body(shape: StructureShape) -> list[str]:
    """The members that do not travel elsewhere."""
    return [name for name, member in shape.members.items() if location_of(member) is None]
