"""JSON 1.1, the protocol of ACM: the field X-Amz-Target names the operation, a JSON object is its input.

Called by `aws.api`; the namespace that all protocols are given means nothing here. Rules: "AWS JSON 1.1 protocol" of
Smithy's documentation, botocore's `json` serializer and parser.
"""

import json

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Operation, Shape
from edgeward.aws.protocol.json_body import LONGEST_MESSAGE, read_body, write_body
from edgeward.aws.routing import Route
from edgeward.aws.wire import WireRequest, WireResponse


def parse_request(route: Route, request: WireRequest, _namespace: str) -> Shape:
    """The members of the operation's input. Raises ApiError `MalformedInput`."""
    shape = route.operation.input
    # SDKs send an empty object where there is no input.
    if shape is None or not shape.members:
        return {}
    return read_body(shape, request.body, shape.members)


def serialize_response(operation: Operation, result: Shape, _request_id: str, _namespace: str) -> WireResponse:
    """The HTTP answer that carries the operation's output; nothing at all where it has none."""
    shape = operation.output
    body = write_body(shape, result, shape.members) if shape is not None else b""
    return WireResponse(status=operation.status, headers={"Content-Type": CONTENT_TYPE}, body=body)


def serialize_error(error: ApiError, status: int, _request_id: str, _namespace: str) -> WireResponse:
    """The HTTP answer that carries an error."""
    body = {"__type": error.code, "message": error.message[:LONGEST_MESSAGE]}
    return WireResponse(status=status, headers={"Content-Type": CONTENT_TYPE}, body=json.dumps(body).encode())


CONTENT_TYPE = "application/x-amz-json-1.1"
CODES = {
    "AccessDenied": "AccessDeniedException",
    "ExpiredToken": "ExpiredTokenException",
    "InvalidArgument": "ValidationException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "MalformedInput": "SerializationException",
    "MalformedXML": "ValidationException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
"""What services of this protocol call errors of the stages that all services share."""
