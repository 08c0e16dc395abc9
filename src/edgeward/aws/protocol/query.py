"""The query protocol of IAM and STS: a form in, XML out.

The form names members by their paths, `Tags.member.1.Key`. The reader takes nothing on trust: an argument that no
member explains, or that is there twice, is refused. Called by `aws.api`. Rules: "Query requests" of the IAM API
reference, botocore's `query` serializer.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import ListShape, StructureShape
from botocore.model import Shape as ModelShape

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Operation, Shape, wire_name
from edgeward.aws.protocol.rest_xml import serialize_error
from edgeward.aws.protocol.text import read_text
from edgeward.aws.protocol.xml_body import write_answer
from edgeward.aws.routing import Route
from edgeward.aws.wire import WireRequest, WireResponse

__all__ = ["arguments_of", "parse_request", "serialize_error", "serialize_response"]


def parse_request(route: Route, request: WireRequest, _namespace: str) -> Shape:
    """The members of the operation's input. Raises ApiError `MalformedInput`."""
    arguments = dict(arguments_of(request))
    for name in ("Action", "Version"):
        arguments.pop(name, None)
    shape = route.operation.input
    members = _read_structure(shape, arguments, "") if shape is not None else {}
    if arguments:
        raise ApiError("MalformedInput", f"Unexpected argument '{next(iter(arguments))[:80]}'.")
    return members


def serialize_response(operation: Operation, result: Shape, request_id: str, namespace: str) -> WireResponse:
    """The HTTP answer that carries the operation's output."""
    content = write_answer(operation.name, operation.output, result, request_id, namespace)
    return WireResponse(status=operation.status, headers={"Content-Type": "text/xml"}, body=content)


def arguments_of(request: WireRequest) -> Mapping[str, str]:
    """The arguments of the form, or of the query where there is none. Raises ApiError `MalformedInput`."""
    text = request.body.decode("latin-1") if request.method == "POST" else request.raw_query
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_ARGUMENTS, errors="strict")
    except ValueError as error:
        raise ApiError(
            "MalformedInput", f"The form has to be at most {MOST_ARGUMENTS} arguments in percent-encoded UTF-8."
        ) from error
    pairs = [(name, value) for name, value in pairs if not name.startswith("X-Amz-")]
    arguments = dict(pairs)
    if len(arguments) < len(pairs):
        raise ApiError("MalformedInput", "An argument is there twice.")
    return arguments


def _read_structure(shape: StructureShape, arguments: dict[str, str], prefix: str) -> Shape:
    members = {
        name: _read(member, arguments, f"{prefix}{wire_name(member, name)}") for name, member in shape.members.items()
    }
    return {name: value for name, value in members.items() if value is not None}


def _read(shape: ModelShape, arguments: dict[str, str], name: str) -> Any:
    """The value of a member, its arguments taken out; None when there are none."""
    if isinstance(shape, ListShape):
        return _read_list(shape, arguments, name)
    if isinstance(shape, StructureShape):
        is_there = any(argument.startswith(f"{name}.") for argument in arguments)
        return _read_structure(shape, arguments, f"{name}.") if is_there else None
    text = arguments.pop(name, None)
    return read_text(shape, text, name) if text is not None else None


def _read_list(shape: ListShape, arguments: dict[str, str], name: str) -> list[Any] | None:
    if arguments.get(name) == "":
        del arguments[name]
        return []
    pattern = re.compile(rf"{re.escape(name)}\.member\.([1-9][0-9]{{0,3}})(\..*)?", re.DOTALL)
    places = sorted({int(found[1]) for argument in arguments if (found := pattern.fullmatch(argument))})
    if places != list(range(1, len(places) + 1)):
        raise ApiError("MalformedInput", f"The items of {name} have to be numbered 1, 2, 3 and so on.")
    items = [_read(shape.member, arguments, f"{name}.member.{place}") for place in places]
    return items or None


MOST_ARGUMENTS = 1_000
