"""One call of the API from request to answer: the chain of stages, in order, as plain function calls.

Invariant: whatever happens inside, the caller gets one well-formed answer with a request id; an unexpected
exception is logged with its traceback and answered without a word of it. Synchronous: `aws.app` runs it on a
worker thread.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from edgeward.aws.access import Access, Caller, Demands, no_demands
from edgeward.aws.audit import Auditor, Trace
from edgeward.aws.engine import Call, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.identifiers import Identifiers
from edgeward.aws.model import Operation, ServiceModel, Shape
from edgeward.aws.protocol import Protocol, aws_json, query, rest_xml
from edgeward.aws.routing import ActionRouter, Route, Router, TargetRouter, parse_query
from edgeward.aws.sigv4 import verify
from edgeward.aws.validation import validate_input
from edgeward.aws.wire import WireRequest, WireResponse

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An AWS service that the API serves: its model and a handler for each operation served."""

    model: ServiceModel
    handlers: Mapping[str, Handler]
    missing: Mapping[str, str] = field(default_factory=dict)
    """Why an operation has no handler."""
    protocol: Protocol = rest_xml
    codes: Mapping[str, str] = field(default_factory=dict)
    """The service's own words for errors of the stages that all services share."""
    demands: Demands = no_demands
    """What a call needs to be allowed."""
    remarks: Callable[[Operation, Shape], Mapping[str, str]] = lambda _operation, _result: {}
    """Header fields that an operation's answer has beside those of the model."""


class Api:
    """Answers calls of one service."""

    def __init__(
        self,
        service: Service,
        *,
        access: Access,
        clock: Callable[[], datetime],
        identifiers: Identifiers,
        auditor: Auditor | None = None,
    ) -> None:
        self._auditor = auditor
        self._model = service.model
        self._handlers = service.handlers
        self._missing = service.missing
        self._protocol = service.protocol
        self._codes = service.codes
        self._route = _routing(service)
        self._demands = service.demands
        self._remarks = service.remarks
        self._access = access
        self._clock = clock
        self._identifiers = identifiers

    def answer(self, request: WireRequest) -> WireResponse:
        """Does what the request asks for."""
        request_id, trace = self._identifiers.uuid(), Trace()
        try:
            response = self._process(request, request_id, trace)
        except ApiError as error:
            trace.error = error
            response = self._refuse(error, request_id)
        except Exception:
            logger.exception("request %s (%s %s) failed", request_id, request.method, request.raw_path)
            trace.error = INTERNAL_FAILURE
            response = self._refuse(INTERNAL_FAILURE, request_id)
        if self._auditor is not None:
            self._auditor.note(request, request_id, trace)
        return _with_headers(response, {REQUEST_ID: request_id})

    def refuse(self, error: ApiError) -> WireResponse:
        """The answer to a request that was refused before it was read."""
        request_id = self._identifiers.uuid()
        return _with_headers(self._refuse(error, request_id), {REQUEST_ID: request_id})

    def _process(self, request: WireRequest, request_id: str, trace: Trace) -> WireResponse:
        """The stages of a call. Each either returns what the next one needs or raises ApiError."""
        trace.now = now = self._clock()
        route = self._route(request)
        trace.operation = route.operation.name
        trace.caller = caller = self._authenticate(request, now)
        handler = self._handler_of(route.operation)
        trace.parameters = members = self._parse(route, request)
        self._access.check(caller, self._demands(caller, route.operation, members), request, now)
        validate_input(route.operation, members)
        trace.result = result = handler(Call(members=members, request=request, now=now, caller=caller))
        response = self._protocol.serialize_response(route.operation, result, request_id, self._model.namespace)
        return _with_headers(response, self._remarks(route.operation, result))

    def _authenticate(self, request: WireRequest, now: datetime) -> Caller:
        return verify(request, access=self._access, service=self._model.signing_name, now=now)

    def _handler_of(self, operation: Operation) -> Handler:
        handler = self._handlers.get(operation.name)
        if handler is None:
            reason = f": {self._missing[operation.name]}" if operation.name in self._missing else ""
            raise ApiError("NotImplemented", f"{operation.name} is not served by this version of Edgeward{reason}.")
        return handler

    def _parse(self, route: Route, request: WireRequest) -> Shape:
        return self._protocol.parse_request(route, request, self._model.namespace)

    def _refuse(self, error: ApiError, request_id: str) -> WireResponse:
        if error.code in self._codes:
            error = ApiError(self._codes[error.code], error.message, **error.members)
        status = self._model.error_statuses[error.code]
        return self._protocol.serialize_error(error, status, request_id, self._model.namespace)


def _routing(service: Service) -> Callable[[WireRequest], Route]:
    operations = service.model.operations.values()
    if service.protocol is query:
        by_action = ActionRouter(operations, service.model.version)
        return lambda request: by_action.match(query.arguments_of(request))
    if service.protocol is aws_json:
        by_target = TargetRouter(operations, service.model.target_prefix)
        return lambda request: by_target.match(request.header("x-amz-target"))
    by_path = Router(operations)
    return lambda request: by_path.match(request.method, request.raw_path, parse_query(request.raw_query))


def _with_headers(response: WireResponse, headers: Mapping[str, str]) -> WireResponse:
    return replace(response, headers={**response.headers, **headers})


REQUEST_ID = "x-amzn-RequestId"
INTERNAL_FAILURE = ApiError(
    "InternalFailure",
    "The request processing has failed because of an unknown error. Try again; if it fails again, "
    "look for the request id in the control plane's log.",
)
