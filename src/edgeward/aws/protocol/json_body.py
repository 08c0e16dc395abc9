"""A structure as a JSON object: the bodies of the protocols rest-json and JSON 1.1.

The reader takes nothing on trust: a member the shape does not know, a value of another type, a name said twice are
refused.
"""

import json
from collections.abc import Collection
from typing import Any

from botocore.model import ListShape, StructureShape
from botocore.model import Shape as ModelShape

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape, wire_name
from edgeward.aws.protocol.text import read_text, write_text


def read_body(shape: StructureShape, body: bytes, members: Collection[str]) -> Shape:
    """Those of a structure's `members` that a body has. Raises ApiError `MalformedInput`."""
    if not body:
        return {}
    if not members:
        raise ApiError("MalformedInput", "This operation takes no body. Send the request without one.")
    try:
        value = json.loads(body, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        raise ApiError("MalformedInput", "The body is not JSON in UTF-8 without repeated names.") from error
    return _read_members(shape, value, members, "the body")


def write_body(shape: StructureShape, result: Shape, members: Collection[str]) -> bytes:
    """The JSON object with those of a structure's `members` that a result has."""
    return json.dumps(_write_members(shape, result, members)).encode()


def _read(shape: ModelShape, value: Any, where: str) -> Any:
    if isinstance(shape, StructureShape):
        return _read_members(shape, value, shape.members, where)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise _unexpected(where, shape)
        return [_read(shape.member, item, f"{where}[{index}]") for index, item in enumerate(value)]
    if type(value) is not TYPES[shape.type_name]:
        raise _unexpected(where, shape)
    return read_text(shape, str(value), where) if shape.type_name == "blob" else value


def _read_members(shape: StructureShape, value: Any, members: Collection[str], where: str) -> Shape:
    if not isinstance(value, dict):
        raise _unexpected(where, shape)
    names = {wire_name(shape.members[name], name): name for name in members}
    unknown = sorted(value.keys() - names.keys())
    if unknown:
        raise ApiError("MalformedInput", f"Unexpected member '{unknown[0][:80]}' in {where}.")
    return {
        names[name]: _read(shape.members[names[name]], member, names[name])
        for name, member in value.items()
        if member is not None
    }


def _write(shape: ModelShape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        return _write_members(shape, value, shape.members)
    if isinstance(shape, ListShape):
        return [_write(shape.member, item) for item in value]
    if shape.type_name == "blob":
        return write_text(shape, value)
    return value.timestamp() if shape.type_name == "timestamp" else value


def _write_members(shape: StructureShape, value: Shape, members: Collection[str]) -> Shape:
    return {
        wire_name(shape.members[name], name): _write(shape.members[name], value[name])
        for name in members
        if value.get(name) is not None
    }


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name is repeated")
    return value


def _unexpected(where: str, shape: ModelShape) -> ApiError:
    return ApiError("MalformedInput", f"The value of {where} has to be a {shape.type_name}.")


TYPES: dict[str, type] = {"string": str, "blob": str, "boolean": bool, "integer": int, "long": int}
"""The JSON types of the scalars that inputs of the served services have."""
LONGEST_MESSAGE = 8_192
"""Characters of an error message: one that quotes hostile input does not send it all back."""
