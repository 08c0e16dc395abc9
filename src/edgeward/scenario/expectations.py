"""What a scenario expects: of the origin request, of what the viewer receives, of the access log.

A key that is not given is not checked. Part of the format, as `format` has it: field names are the keys of the YAML.
Read by `checks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from edgeward.scenario.explanation import ExplainCheck
from edgeward.scenario.reading import Node, nearest
from edgeward.scenario.values import NO_CHECKS, ContentCheck, FieldChecks

Result = Literal[
    "Hit", "RefreshHit", "Miss", "LimitExceeded", "CapacityExceeded", "Error", "Redirect", "FunctionGeneratedResponse"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginExpect:
    """What the origin request must look like."""

    method: Annotated[str | None, "Its method"] = None
    path: Annotated[str | None, "Its target, query string included, as the origin received it"] = None
    to: Annotated[str | None, "The name of the origin that must receive it"] = None
    content: Annotated[ContentCheck | None, "Its content"] = None
    headers: Annotated[FieldChecks, "Checks of header fields whose names are not known inline"] = NO_CHECKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What the viewer must receive; a key that is not given is not checked."""

    status: Annotated[int | None, "Status code"] = None
    result: Annotated[Result | None, "X-Cache (`Miss from cloudfront`) and x-edge-result-type in the log"] = None
    results: Annotated[Mapping[str, int], "With `times:`: how many responses have which result"] = field(
        default_factory=dict
    )
    detail: Annotated[str | None, "x-edge-detailed-result-type in the log"] = None
    content: Annotated[ContentCheck | None, "The content"] = None
    complete: Annotated[bool, "Whether the content ends as its framing says"] = True
    answered: Annotated[bool, "Whether there is a response at all"] = True
    responses: Annotated[int, "With `raw:`: how many responses come"] = 1
    closed: Annotated[bool | None, "Whether the edge closes the connection after the response (h1 only)"] = None
    explain: Annotated[
        ExplainCheck | None, "What the response says of itself, by path (`origin.status`), or `absent`"
    ] = None
    origin_requests: Annotated[int | None, "Requests that reached the origins, since the start"] = None
    origin_connections: Annotated[int | None, "Connections that reached the origins, since the start"] = None
    tls: Annotated[str | None, "TLS version of the connection, such as TLSv1.3"] = None
    certificate: Annotated[str | None, "A DNS name the certificate must carry"] = None
    headers: Annotated[FieldChecks, "Checks of header fields whose names are not known inline"] = NO_CHECKS


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCheck:
    """Checks of one access log record by field name, or `absent`."""

    fields: FieldChecks = NO_CHECKS
    is_absent: bool = False

    @classmethod
    def read_node(cls, node: Node) -> Self:
        if node.is_scalar:
            node.choice(("absent",))
            return cls(is_absent=True)
        for name, value in node.entries().items():
            if name not in LOG_FIELDS:
                raise value.error(f"unknown log field `{name}`{nearest(name, LOG_FIELDS)}")
        return cls(fields=FieldChecks.read_node(node))

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        fields = {name: FieldChecks.inline_schema() for name in LOG_FIELDS}
        record = {"type": "object", "properties": fields, "additionalProperties": False}
        return {"anyOf": [{"const": "absent"}, record]}


_LOG_FIELD_NAMES = """
    date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer)
    cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header
    cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type
    cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte
    x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end
"""
LOG_FIELDS = tuple(_LOG_FIELD_NAMES.split())
