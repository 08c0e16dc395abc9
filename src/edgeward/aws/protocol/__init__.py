"""One module per AWS protocol, each with the same three functions: parse_request, serialize_response,
serialize_error.
"""

from typing import Protocol as Interface

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Operation, Shape
from edgeward.aws.routing import Route
from edgeward.aws.wire import WireRequest, WireResponse


class Protocol(Interface):
    """What a module of this package can do."""

    def parse_request(self, route: Route, request: WireRequest, _namespace: str, /) -> Shape:
        """The members of the operation's input."""

    def serialize_response(
        self, operation: Operation, result: Shape, _request_id: str, _namespace: str, /
    ) -> WireResponse:
        """The HTTP answer that carries the operation's output."""

    def serialize_error(self, error: ApiError, status: int, _request_id: str, _namespace: str, /) -> WireResponse:
        """The HTTP answer that carries an error."""
