"""Edgeward's own API: JSON over POST under `/edgeward/2026-11-01/`, in front of CloudFront's.

Signed with SigV4 like every call, for the service `edgeward`. Invariant: a path that is not its own goes on unread, and
whatever happens inside, the caller gets one JSON object: the operation's answer, or `code` and `message`. Put together
by `edgeward.control_plane`.
"""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from edgeward.aws.access import Access, Caller, Demand
from edgeward.aws.api import INTERNAL_FAILURE
from edgeward.aws.audit import Auditor, Trace
from edgeward.aws.errors import ApiError
from edgeward.aws.identifiers import Identifiers
from edgeward.aws.model import COMMON_ERROR_STATUSES
from edgeward.aws.sigv4 import verify
from edgeward.aws.wire import Answering, WireRequest, WireResponse

logger = logging.getLogger(__name__)

Operation = Callable[[Mapping[str, Any], datetime], Mapping[str, Any]]
"""Members of the request and the time; returns the members of the answer or raises ApiError."""


class EdgewardApi:
    """Answers `operations` by the last segment of their path, and leaves the rest to `others`."""

    def __init__(  # noqa: PLR0913 - what every service has, and what this one serves
        self,
        operations: Mapping[str, Operation],
        others: Answering,
        *,
        access: Access,
        clock: Callable[[], datetime],
        identifiers: Identifiers,
        auditor: Auditor | None = None,
    ) -> None:
        self._auditor = auditor
        self._operations = operations
        self._others = others
        self._access = access
        self._clock = clock
        self._identifiers = identifiers

    def answer(self, request: WireRequest) -> WireResponse:
        """Does what the request asks for."""
        if not request.raw_path.startswith(ROOT):
            return self._others.answer(request)
        request_id, trace = self._identifiers.uuid(), Trace()
        try:
            response = _json(200, self._process(request, trace), request_id)
        except ApiError as error:
            trace.error = error
            response = _refusal(error, request_id)
        except Exception:
            logger.exception("request %s (%s %s) failed", request_id, request.method, request.raw_path)
            trace.error = INTERNAL_FAILURE
            response = _refusal(INTERNAL_FAILURE, request_id)
        if self._auditor is not None:
            self._auditor.note(request, request_id, trace)
        return response

    def refuse(self, error: ApiError) -> WireResponse:
        """The answer to a request that was refused before it was read."""
        return self._others.refuse(error)

    def _process(self, request: WireRequest, trace: Trace) -> Mapping[str, Any]:
        trace.now = now = self._clock()
        trace.caller = caller = verify(request, access=self._access, service=SIGNING_NAME, now=now)
        name = request.raw_path.removeprefix(f"{ROOT}{VERSION}/")
        operation = self._operations.get(name)
        if request.method != "POST" or operation is None:
            known = ", ".join(f"POST {ROOT}{VERSION}/{name}" for name in self._operations)
            raise ApiError("UnknownOperationException", f"There is no such operation. Those there are: {known}.")
        trace.operation, trace.parameters = name, _members(request.body)
        self._access.check(caller, [_demand(caller, name, trace.parameters)], request, now)
        trace.result = result = operation(trace.parameters, now)
        return result


def _demand(caller: Caller, name: str, members: Mapping[str, Any]) -> Demand:
    """What a call needs to be allowed: on the distribution it names, where it names one."""
    word = members.get("DistributionId")
    resource = f"arn:aws:cloudfront::{caller.account_id}:distribution/{word}" if isinstance(word, str) else "*"
    return Demand(action=f"{SIGNING_NAME}:{name}", resource=resource)


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        members = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError("MalformedInput", f"The body is not JSON: {error}.") from error
    if not isinstance(members, dict):
        raise ApiError("MalformedInput", "The body has to be a JSON object.")
    return members


def _refusal(error: ApiError, request_id: str) -> WireResponse:
    return _json(_STATUSES[error.code], {"code": error.code, "message": error.message}, request_id)


def _json(status: int, members: Mapping[str, Any], request_id: str) -> WireResponse:
    headers = {"Content-Type": "application/json", "x-amzn-RequestId": request_id}
    return WireResponse(status=status, headers=headers, body=json.dumps(members).encode())


ROOT = "/edgeward/"
VERSION = "2026-11-01"
SIGNING_NAME = "edgeward"
_STATUSES = {**COMMON_ERROR_STATUSES, "InvalidArgument": 400, "NoSuchDistribution": 404}
