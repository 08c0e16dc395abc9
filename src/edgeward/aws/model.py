"""An AWS service as data: its operations, shapes and errors, read from botocore's service model.

The pinned botocore package is the one description of the wire; what it gets wrong is corrected by
`patches.json` (RFC 6902 operations, each with its reason). Nothing else in Edgeward spells a URI, a member
name's location or an error's HTTP status. Callers: routing, the protocols, validation, the engine.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

from botocore.loaders import Loader
from botocore.model import (
    OperationModel,
    StructureShape,
)
from botocore.model import (
    ServiceModel as BotocoreServiceModel,
)
from botocore.model import (
    Shape as ModelShape,
)

Shape = dict[str, Any]
"""A value as boto3 sends and receives it: CamelCase members, `{"Quantity": 1, "Items": [...]}`."""


def copy_of(value: Any) -> Any:
    """A value of a shape that shares no structure or list with `value`: four times as fast as `copy.deepcopy`."""
    if isinstance(value, dict):
        return {name: copy_of(member) for name, member in value.items()}
    if isinstance(value, list):
        return [copy_of(item) for item in value]
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of a service, as far as the wire is concerned."""

    name: str
    method: str
    uri: str
    """The URI template, query arguments included: `/2020-05-31/distribution?WithTags`."""
    status: int
    """The HTTP status of a successful answer."""
    input: StructureShape | None
    output: StructureShape | None
    error_codes: frozenset[str]
    """The codes that the model allows for this operation; the common ones of every AWS service come on top.
    """

    def allows(self, code: str) -> bool:
        """Whether the model lists this error for the operation."""
        return code in self.error_codes


class ServiceModel:
    """The operations and errors of one API version of one service."""

    def __init__(self, service: str, version: str) -> None:
        """Loads `service` (botocore's folder name) in API version `version`.

        Raises botocore's `UnknownServiceError` or `DataNotFoundError` when the pinned botocore has no such
        model.
        """
        description = Loader().load_service_model(service, "service-2", api_version=version)
        apply_patches(description, _patches_for(service, version))
        self.service = service
        self.version = version
        self._model = BotocoreServiceModel(description, service_name=service)

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """Every operation by name."""
        return {name: _read_operation(self._model.operation_model(name)) for name in self._model.operation_names}

    @cached_property
    def error_statuses(self) -> Mapping[str, int]:
        """The HTTP status of every error code: the model's, and those common to all of AWS."""
        modeled = {code_of(shape): _error_status(shape) for shape in self._model.error_shapes}
        return {**COMMON_ERROR_STATUSES, **modeled}

    @cached_property
    def namespace(self) -> str:
        """The XML namespace of requests and answers, or an empty string when the service has none."""
        if "xmlNamespace" in self._model.metadata:
            return str(self._model.metadata["xmlNamespace"])
        for operation in self.operations.values():
            if operation.input is not None:
                for shape in [operation.input, *operation.input.members.values()]:
                    if "xmlNamespace" in shape.serialization:
                        return str(shape.serialization["xmlNamespace"]["uri"])
        return ""

    @property
    def signing_name(self) -> str:
        """The service name in a signature's credential scope."""
        return str(self._model.signing_name)

    @property
    def target_prefix(self) -> str:
        """What stands before the dot in the field X-Amz-Target; empty for a service of another protocol than JSON."""
        return str(self._model.metadata.get("targetPrefix", ""))

    def shape(self, name: str) -> ModelShape:
        """The shape of that name."""
        return self._model.shape_for(name)

    @property
    def shape_names(self) -> list[str]:
        """The names of all shapes."""
        return list(self._model.shape_names)


def payload_member(shape: StructureShape) -> str | None:
    """The name of the member that is the whole body, or None when the members without a location are."""
    payload = shape.serialization.get("payload")
    return str(payload) if payload is not None else None


def content_member(shape: StructureShape | None) -> str:
    """The member of an output that holds what was asked for: its payload, or the one that is no header field."""
    assert shape is not None, "an operation without an output has no content"
    payload = payload_member(shape)
    if payload is not None:
        return payload
    return next(name for name, member in shape.members.items() if location_of(member) is None and name != "NextMarker")


def location_of(shape: ModelShape) -> str | None:
    """Where a member of an input or output travels: uri, querystring or header; None for the body."""
    location = shape.serialization.get("location")
    return str(location) if location is not None else None


def code_of(error: ModelShape) -> str:
    """The code of an error on the wire: the name of its shape unless the model says otherwise."""
    return str(error.metadata.get("error", {}).get("code", error.name))


def wire_name(shape: ModelShape, member: str) -> str:
    """The name of a member on the wire."""
    return str(shape.serialization.get("name", member))


def apply_patches(description: Any, patches: list[Mapping[str, Any]]) -> None:
    """Applies `add` and `replace` operations of RFC 6902 in place.

    Raises KeyError or IndexError when a path does not exist: then the pinned model changed and the patch is
    stale.
    """
    for patch in patches:
        *parents, last = [_unescape(token) for token in patch["path"].split("/")[1:]]
        target = description
        for token in parents:
            target = target[int(token)] if isinstance(target, list) else target[token]
        if patch["op"] == "replace" and last not in target:
            raise KeyError(patch["path"])
        if isinstance(target, list):
            target.append(patch["value"])
        else:
            target[last] = patch["value"]


def _patches_for(service: str, version: str) -> list[Mapping[str, Any]]:
    patches: dict[str, list[Mapping[str, Any]]] = json.loads(
        files("edgeward.aws").joinpath("patches.json").read_bytes()
    )
    return patches.get(f"{service}/{version}", [])


def _unescape(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~")


def _read_operation(model: OperationModel) -> Operation:
    return Operation(
        name=model.name,
        method=model.http["method"],
        uri=model.http["requestUri"],
        status=int(model.http.get("responseCode", 200)),
        input=model.input_shape,
        output=model.output_shape,
        error_codes=frozenset(code_of(shape) for shape in model.error_shapes),
    )


def _error_status(shape: ModelShape) -> int:
    return int(shape.metadata.get("error", {}).get("httpStatusCode", 400))


COMMON_ERROR_STATUSES: Mapping[str, int] = {
    "AccessDenied": 403,
    "AccessDeniedException": 400,
    "ExpiredToken": 403,
    "ExpiredTokenException": 400,
    "IncompleteSignature": 400,
    "InternalFailure": 500,
    "InvalidAction": 400,
    "InvalidClientTokenId": 403,
    "InvalidSignatureException": 400,
    "MalformedInput": 400,
    "MalformedXML": 400,
    "MissingAuthenticationToken": 403,
    "MissingAuthenticationTokenException": 400,
    "NotImplemented": 501,
    "RequestEntityTooLarge": 413,
    "RequestExpired": 400,
    "RequestTimeoutException": 408,
    "SerializationException": 400,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 400,
    "ValidationError": 400,
    "ValidationException": 400,
}
"""Errors that any AWS service may answer and that no service model lists ("Common Errors" of the API
references). Those that end in Exception are the words of the JSON protocol for the others.
"""
