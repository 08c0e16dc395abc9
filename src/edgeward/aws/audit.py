"""The audit record of a call: who asked for what, from where, and what came of it.

Field names and forms are CloudTrail's (CloudTrail user guide, "CloudTrail record contents"), so that tools for its
logs read these. Every call that reached the API has a record, refused ones too. Invariant: no record holds a secret,
and all of it is bounded. Pure but for `AuditFile`, which appends and never changes what is there. Called by `aws.api`
and by Edgeward's own API.
"""

import json
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from edgeward.aws.access import Caller
from edgeward.aws.errors import ApiError
from edgeward.aws.wire import WireRequest

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Trace:
    """What the stages of a call have found out about it so far."""

    now: datetime | None = None
    operation: str | None = None
    caller: Caller | None = None
    parameters: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None
    error: ApiError | None = None


class AuditTrail(Protocol):
    """Where records go."""

    def append(self, record: Mapping[str, Any]) -> None:
        """Keeps a record; it is never changed or removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditor:
    """Makes the records of one service's calls and keeps them."""

    trail: AuditTrail
    source: str
    """The service, as `cloudfront.amazonaws.com`."""
    account_id: str

    def note(self, request: WireRequest, request_id: str, trace: Trace) -> None:
        """Keeps the record of a call that is over. It was answered already: a trail that fails is logged."""
        try:
            self.trail.append(self.record(request, request_id, trace))
        except OSError:
            logger.exception("the audit record of request %s could not be written", request_id)

    def record(self, request: WireRequest, request_id: str, trace: Trace) -> dict[str, Any]:
        """The record, in the order of CloudTrail's."""
        is_read = trace.operation is not None and trace.operation.startswith(READING)
        moment = trace.now or datetime.now(UTC)
        record = {
            "eventVersion": "1.11",
            "userIdentity": _identity(trace.caller),
            "eventTime": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": self.source,
            "eventName": trace.operation or f"{request.method} {request.raw_path[:LONGEST_TEXT]}",
            "awsRegion": "us-east-1",
            "sourceIPAddress": request.client,
            "userAgent": (request.header("user-agent") or "")[:LONGEST_TEXT],
            "errorCode": trace.error.code if trace.error is not None else None,
            "errorMessage": trace.error.message[:LONGEST_TEXT] if trace.error is not None else None,
            "requestParameters": shown(trace.parameters) if trace.parameters else None,
            "responseElements": shown(trace.result) if trace.result and not is_read else None,
            "requestID": request_id,
            "eventID": request_id,
            "readOnly": is_read,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self.account_id,
            "eventCategory": "Management",
        }
        return {name: value for name, value in record.items() if value is not None or name in ALWAYS}


def _identity(caller: Caller | None) -> dict[str, Any]:
    """CloudTrail user guide, "CloudTrail userIdentity element"."""
    if caller is None:
        return {"type": "Unknown"}
    identity: dict[str, Any] = {
        "type": caller.kind,
        "principalId": caller.principal_id,
        "arn": caller.arn,
        "accountId": caller.account_id,
        "accessKeyId": caller.access_key,
    }
    if caller.kind == "IAMUser":
        identity["userName"] = caller.name
    if caller.session_since is not None:
        identity["sessionContext"] = _session(caller, caller.session_since)
    return identity


def _session(caller: Caller, since: datetime) -> dict[str, Any]:
    attributes = {"creationDate": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "mfaAuthenticated": "false"}
    if caller.issuer is None:
        return {"attributes": attributes}
    issuer = {
        "type": "Role",
        "principalId": caller.owner_id,
        "arn": caller.issuer,
        "accountId": caller.account_id,
        "userName": caller.name,
    }
    return {"sessionIssuer": issuer, "attributes": attributes}


class AuditFile:
    """A trail in a folder: one file of JSON lines for each day, mode 0600, only ever appended to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._appending = threading.Lock()
        self._day = ""
        self._file = -1

    def append(self, record: Mapping[str, Any]) -> None:
        """Writes one line. Raises OSError when that fails."""
        line = _ENCODE(record).encode() + b"\n"
        with self._appending:
            self._open(str(record["eventTime"])[:10])
            os.write(self._file, line)

    def close(self) -> None:
        """Closes the file of the day."""
        with self._appending:
            if self._file >= 0:
                os.close(self._file)
            self._day, self._file = "", -1

    def _open(self, day: str) -> None:
        if day == self._day:
            return
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC
        self._file = os.open(self._folder / f"audit-{day}.jsonl", flags, 0o600)
        self._day = day


def shown(value: Any, levels: int = 16) -> Any:
    """A value as a record has it: names begin small, secrets are hidden, what is long or deep is cut."""
    if isinstance(value, str):  # Most are.
        return value[:LONGEST_TEXT]
    if isinstance(value, dict | list):
        return _shown_inside(value, levels - 1) if levels else "..."
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    return value


def _shown_inside(value: dict[str, Any] | list[Any], levels: int) -> Any:
    if isinstance(value, list):
        return [shown(item, levels) for item in value[:MOST_ITEMS]]
    members = islice(value.items(), MOST_ITEMS)
    return {_small(name): HIDDEN if name in SECRETS else shown(member, levels) for name, member in members}


def _small(name: str) -> str:
    """`DistributionConfig` as `distributionConfig`, `ETag` as `eTag`, `ARN` as `aRN`: as CloudTrail does."""
    return name[:1].lower() + name[1:]


_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
READING = ("Get", "List", "Describe", "Verify", "history", "lint", "version")
"""How operations begin that change nothing."""
SECRETS = frozenset(
    {"HeaderValue", "Value", "Puts", "Token", "SecretAccessKey", "SessionToken", "PrivateKey", "Passphrase"}
)
"""Members that hold a secret, or may: custom headers of origins, values of key value stores, debug tokens, keys."""
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
"""CloudTrail's words."""
ALWAYS = frozenset({"requestParameters", "responseElements"})
LONGEST_TEXT = 1_024
MOST_ITEMS = 100
"""Of each list and structure; what comes after them is left out."""
