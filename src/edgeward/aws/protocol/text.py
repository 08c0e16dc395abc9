"""Scalars as text: what XML elements, header fields, query arguments and path parameters hold.

`read_text` and `write_text` are inverse on every value botocore can send. Text that is no value of its shape
raises ApiError `MalformedInput`; whether the value is allowed is for `aws.validation` to say.
"""

import base64
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.model import Shape as ModelShape

from edgeward.aws.errors import ApiError


def read_text(shape: ModelShape, text: str, where: str) -> Any:
    """The value of a scalar shape; `where` names the element or argument in the error."""
    try:
        return _READERS[shape.type_name](text)
    except (ValueError, LookupError, OverflowError) as error:
        raise ApiError("MalformedInput", f"The value of {where} is not a valid {shape.type_name}.") from error


def write_text(shape: ModelShape, value: Any) -> str:
    """The text of a scalar value."""
    return _WRITERS[shape.type_name](value)


def text_writer(shape: ModelShape) -> Callable[[Any], str]:
    """What `write_text` does with values of the shape, looked up once."""
    return _WRITERS[shape.type_name]


def is_scalar(shape: ModelShape) -> bool:
    """Whether values of the shape are single pieces of text."""
    return shape.type_name in _READERS


def _read_boolean(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.strip().lower()]


def _read_integer(bits: int) -> Callable[[str], int]:
    limit = 1 << (bits - 1)

    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text.strip()):
            raise ValueError(text)
        value = int(text)
        if not -limit <= value < limit:
            raise OverflowError(text)
        return value

    return read


def _read_real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _read_timestamp(text: str) -> datetime:
    value = datetime.fromisoformat(text.strip())
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _read_blob(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)


def _write_timestamp(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write_boolean(value: object) -> str:
    return "true" if value else "false"


def _write_blob(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")

_READERS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "boolean": _read_boolean,
    "integer": _read_integer(32),
    "long": _read_integer(64),
    "float": _read_real,
    "double": _read_real,
    "timestamp": _read_timestamp,
    "blob": _read_blob,
}

_WRITERS: dict[str, Callable[[Any], str]] = {
    "string": str,
    "boolean": _write_boolean,
    "integer": str,
    "long": str,
    "float": repr,
    "double": repr,
    "timestamp": _write_timestamp,
    "blob": _write_blob,
}
