"""From (method, raw path, query) to an operation and its URI parameters.

The table is built from the model's request URIs, query arguments included (`?WithTags`, `?Operation=Tag`), so
that it can never disagree with what the SDKs send. Paths are matched raw, segment by segment: an encoded
slash stays inside its parameter. The first stage of `aws.app` after the body is read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, unquote_to_bytes

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The operation a request asks for, and the parameters its path carries (decoded)."""

    operation: Operation
    path_parameters: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    operation: Operation
    segments: tuple[str, ...]
    required_query: frozenset[tuple[str, str]]

    @property
    def specificity(self) -> tuple[int, int]:
        return sum(not _is_label(segment) for segment in self.segments), len(self.required_query)


class Router:
    """All operations of a service by method and path."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        table: defaultdict[tuple[str, int], list[_Pattern]] = defaultdict(list)
        for operation in operations:
            pattern = _read_pattern(operation)
            table[operation.method, len(pattern.segments)].append(pattern)
        self._table = {
            key: sorted(patterns, key=lambda pattern: pattern.specificity, reverse=True)
            for key, patterns in table.items()
        }

    def match(self, method: str, raw_path: str, query: Iterable[tuple[str, str]]) -> Route:
        """The operation for a request line; `query` holds decoded pairs.

        Raises ApiError `UnknownOperationException` when no operation has this method and path.
        """
        segments = raw_path.split("/")[1:]
        arguments = frozenset(query)
        for pattern in self._table.get((method, len(segments)), ()):
            parameters = _match_segments(pattern.segments, segments)
            if parameters is not None and pattern.required_query <= arguments:
                return Route(operation=pattern.operation, path_parameters=parameters)
        raise ApiError(
            "UnknownOperationException",
            f"No operation has the method {method} and the path {unquote(raw_path)}. "
            "Check the endpoint URL and the API version in the path.",
        )


class ActionRouter:
    """All operations of a service that its callers name by the argument `Action`."""

    def __init__(self, operations: Iterable[Operation], version: str) -> None:
        self._table = {operation.name: operation for operation in operations}
        self._version = version

    def match(self, arguments: Mapping[str, str]) -> Route:
        """The operation that the arguments name. Raises ApiError `InvalidAction`."""
        name, version = arguments.get("Action", ""), arguments.get("Version")
        if name not in self._table or version != self._version:
            raise ApiError("InvalidAction", f"Could not find operation {name[:80]} for version {version}.")
        return Route(operation=self._table[name], path_parameters={})


class TargetRouter:
    """All operations of a service that its callers name in the field X-Amz-Target, as
    `CertificateManager.GetCertificate`.
    """

    def __init__(self, operations: Iterable[Operation], prefix: str) -> None:
        self._table = {f"{prefix}.{operation.name}": operation for operation in operations}

    def match(self, target: str | None) -> Route:
        """The operation that the field names. Raises ApiError `UnknownOperationException`."""
        operation = self._table.get(target or "")
        if operation is None:
            raise ApiError("UnknownOperationException", f"No operation has the X-Amz-Target '{(target or '')[:80]}'.")
        return Route(operation=operation, path_parameters={})


def parse_query(raw_query: str) -> list[tuple[str, str]]:
    """The decoded pairs of a query string in order; `?Flag` is ("Flag", ""). A plus sign stays one."""
    pairs = [pair.partition("=") for pair in raw_query.split("&") if pair]
    return [(decode(name), decode(value)) for name, _, value in pairs]


def decode(text: str) -> str:
    """Percent-decodes UTF-8. Raises ApiError `InvalidArgument` when the bytes are not UTF-8."""
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ApiError("InvalidArgument", "The request URI is not percent-encoded UTF-8.") from error


def _read_pattern(operation: Operation) -> _Pattern:
    path, _, query = operation.uri.partition("?")
    return _Pattern(
        operation=operation,
        segments=tuple(path.split("/")[1:]),
        required_query=frozenset(parse_query(query)),
    )


def _match_segments(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for expected, actual in zip(pattern, segments, strict=True):
        if _is_label(expected) and actual:
            parameters[expected[1:-1]] = decode(actual)
        elif expected != actual:
            return None
    return parameters


def _is_label(segment: str) -> bool:
    return segment.startswith("{")
