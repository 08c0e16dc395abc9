"""The rest-xml protocol: requests to members, results and errors to HTTP answers.

Members travel in the path, the query, header fields, or the body; the model says where. One invariant, tested
over every shape: what botocore serializes is what `parse_request` returns, and what `serialize_response`
writes is what botocore parses. Called by `aws.app`.
"""

from botocore.model import StructureShape
from lxml import etree

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Operation, Shape, location_of, payload_member, wire_name
from edgeward.aws.protocol.located import read_located, write_headers
from edgeward.aws.protocol.xml_body import new_root, read_document, without_illegal_characters, write_document
from edgeward.aws.routing import Route
from edgeward.aws.wire import WireRequest, WireResponse


def parse_request(route: Route, request: WireRequest, namespace: str) -> Shape:
    """The members of the operation's input; absent ones are left out.

    Raises ApiError `MalformedXML`, `MalformedInput` or `InvalidArgument`.
    """
    shape = route.operation.input
    if shape is None:
        return {}
    return read_located(shape, route, request) | _read_body(shape, request.body, namespace)


def serialize_response(operation: Operation, result: Shape, _request_id: str, namespace: str) -> WireResponse:
    """The HTTP answer that carries the operation's output."""
    shape = operation.output
    if shape is None:
        return WireResponse(status=operation.status)
    headers = write_headers(shape, result)
    blob = _blob_payload(shape)
    if blob is not None:
        return WireResponse(status=operation.status, headers=headers, body=bytes(result.get(blob) or b""))
    content = _write_document(shape, result, namespace)
    if content:
        headers["Content-Type"] = "text/xml"
    return WireResponse(status=operation.status, headers=headers, body=content)


def serialize_error(error: ApiError, status: int, request_id: str, namespace: str) -> WireResponse:
    """The HTTP answer that carries an error."""
    root = new_root("ErrorResponse", namespace)
    details = etree.SubElement(root, f"{{{namespace}}}Error")
    message = error.message[:LONGEST_MESSAGE]
    parts = {"Type": "Sender" if status < 500 else "Receiver", "Code": error.code, "Message": message}
    for name, text in (parts | error.members).items():
        etree.SubElement(details, f"{{{namespace}}}{name}").text = without_illegal_characters(str(text))
    etree.SubElement(root, f"{{{namespace}}}RequestId").text = request_id
    content = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return WireResponse(status=status, headers={"Content-Type": "text/xml"}, body=content)


def _read_body(shape: StructureShape, body: bytes, namespace: str) -> Shape:
    payload = payload_member(shape)
    if payload is None:
        return _read_bare_body(shape, body, namespace)
    if not body:
        return {}
    if _blob_payload(shape) is not None:
        return {payload: body}
    member = shape.members[payload]
    return {payload: read_document(body, wire_name(member, payload), member, namespace)}


def _read_bare_body(shape: StructureShape, body: bytes, namespace: str) -> Shape:
    """Reads a body whose root stands for the input itself, or refuses one where none belongs."""
    if not body:
        return {}
    if all(location_of(member) is not None for member in shape.members.values()):
        raise ApiError("MalformedInput", "This operation takes no body. Send the request without one.")
    content: Shape = read_document(body, wire_name(shape, shape.name), shape, namespace)
    return content


def _blob_payload(shape: StructureShape) -> str | None:
    """The member whose bytes are the whole body, when there is one."""
    payload = payload_member(shape)
    return payload if payload is not None and not isinstance(shape.members[payload], StructureShape) else None


def _write_document(shape: StructureShape, result: Shape, namespace: str) -> bytes:
    payload = payload_member(shape)
    if payload is not None:
        member = shape.members[payload]
        return write_document(wire_name(member, payload), member, result.get(payload) or {}, namespace)
    if all(location_of(member) is not None for member in shape.members.values()):
        return b""
    return write_document(shape.name, shape, result, namespace)


LONGEST_MESSAGE = 8_192
"""Characters of an error message: one that quotes hostile input does not send it all back."""
