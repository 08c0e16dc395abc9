"""Members outside the body: in the path, the query and header fields. The same in every rest protocol."""

from botocore.model import Shape as ModelShape
from botocore.model import StructureShape

from edgeward.aws.model import Shape, location_of, wire_name
from edgeward.aws.protocol.text import read_text, write_text
from edgeward.aws.routing import Route, parse_query
from edgeward.aws.wire import WireRequest


def read_located(shape: StructureShape, route: Route, request: WireRequest) -> Shape:
    """The members of an input that travel outside its body; absent ones are left out."""
    query = dict(parse_query(request.raw_query))
    members: Shape = {}
    for name, member in shape.members.items():
        text = _located_text(member, wire_name(member, name), route, request, query)
        if text is not None:
            members[name] = read_text(member, text, name)
    return members


def write_headers(shape: StructureShape, result: Shape) -> dict[str, str]:
    """The header fields that carry members of an output."""
    return {
        wire_name(member, name): write_text(member, result[name])
        for name, member in shape.members.items()
        if location_of(member) == "header" and result.get(name) is not None
    }


def _located_text(
    member: ModelShape, name: str, route: Route, request: WireRequest, query: dict[str, str]
) -> str | None:
    match location_of(member):
        case "uri":
            return route.path_parameters[name]
        case "querystring":
            return query.get(name)
        case "header":
            return request.header(name.lower())
    return None
