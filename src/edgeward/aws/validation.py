"""The constraints that the service model states: required members, enums, lengths, ranges, patterns,
Quantity.

Once for all shapes; rules the model does not state belong to the families. Every problem of a request is
reported at once, in the words of AWS's framework and with its paths
(`distributionConfig.origins.items.1.member.id`).
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, StringShape, StructureShape
from botocore.model import Shape as ModelShape

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Operation, Shape, location_of


def validate_input(operation: Operation, members: Shape) -> None:
    """Checks the members of an operation's input against the model.

    Raises ApiError: `InvalidIfMatchVersion` for an If-Match that is missing, `InvalidArgument` for another member
    in the path, the query or a header field, `MalformedXML` for one in the body (CloudFront answers model
    violations with that code), `InconsistentQuantities` when the shape is sound but a Quantity is not the number
    of its Items. Where an operation does not have the error, the next more general one.
    """
    if operation.input is None:
        return
    if "IfMatch" in operation.input.required_members and "IfMatch" not in members:
        raise ApiError("InvalidIfMatchVersion", "The If-Match version is missing. Send the ETag that Get answered.")
    located, in_body = _split(operation.input, members)
    location_code = "InvalidArgument" if operation.allows("InvalidArgument") else "MalformedInput"
    for code, problems in ((location_code, located), ("MalformedXML", in_body)):
        if problems:
            count = "1 validation error" if len(problems) == 1 else f"{len(problems)} validation errors"
            raise ApiError(code, f"{count} detected: {'; '.join(problems)}")
    code = "InconsistentQuantities" if operation.allows("InconsistentQuantities") else "InvalidArgument"
    check_quantities(operation.input, members, code)


def check_quantities(shape: ModelShape, value: Any, code: str = "InconsistentQuantities") -> None:
    """Raises ApiError with `code`, naming the path, for the first Quantity that miscounts its Items."""
    for path, quantity, count in _quantities(shape, value, ""):
        if quantity != count:
            raise ApiError(
                code,
                f"The value of Quantity ({quantity}) and the number of Items ({count}) do not match at '{path}'.",
            )


def problems_of(shape: ModelShape, value: Any, path: str) -> Iterator[str]:
    """Every constraint of the model that a value breaks, as sentences."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            if name in value:
                yield from problems_of(member, value[name], _join(path, name))
            elif name in shape.required_members:
                yield _missing(_join(path, name))
        return
    if isinstance(shape, ListShape):
        yield from _length_problems(shape, len(value), value, path)
        for number, item in enumerate(value, start=1):
            yield from problems_of(shape.member, item, f"{path}.{number}.member")
        return
    if isinstance(value, str | bytes):
        yield from _length_problems(shape, len(value), value, path)
        yield from _text_problems(shape, value, path)
    elif isinstance(value, int | float):
        yield from _range_problems(shape, value, path)


def _split(shape: StructureShape, members: Shape) -> tuple[list[str], list[str]]:
    located: list[str] = []
    in_body: list[str] = []
    for name, member in shape.members.items():
        problems = located if location_of(member) is not None else in_body
        if name in members:
            problems.extend(problems_of(member, members[name], _join("", name)))
        elif name in shape.required_members:
            problems.append(_missing(_join("", name)))
    return located, in_body


def _missing(path: str) -> str:
    return f"Value null at '{path}' failed to satisfy constraint: Member must not be null"


def _length_problems(shape: ModelShape, length: int, value: Any, path: str) -> Iterator[str]:
    if length < shape.metadata.get("min", 0):
        yield _problem(value, path, f"have length greater than or equal to {shape.metadata['min']}")
    if length > shape.metadata.get("max", length):
        yield _problem(value, path, f"have length less than or equal to {shape.metadata['max']}")


def _range_problems(shape: ModelShape, value: float, path: str) -> Iterator[str]:
    if value < shape.metadata.get("min", value):
        yield _problem(value, path, f"have value greater than or equal to {shape.metadata['min']}")
    if value > shape.metadata.get("max", value):
        yield _problem(value, path, f"have value less than or equal to {shape.metadata['max']}")


def _text_problems(shape: ModelShape, value: str | bytes, path: str) -> Iterator[str]:
    if isinstance(value, bytes):
        return
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield _problem(value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not _compile(pattern).fullmatch(value):
        yield _problem(value, path, f"satisfy regular expression pattern: {pattern}")


def _problem(value: Any, path: str, constraint: str) -> str:
    shown = (
        f"'{value[:QUOTED_CHARACTERS]}'" if isinstance(value, str) else "" if isinstance(value, list | bytes) else value
    )
    return f"Value {shown} at '{path}' failed to satisfy constraint: Member must {constraint}"


def _quantities(shape: ModelShape, value: Any, path: str) -> Iterator[tuple[str, int, int]]:
    if isinstance(shape, StructureShape):
        if "Quantity" in value and "Items" in shape.members:
            yield path, value["Quantity"], len(value.get("Items", ()))
        for name, member in shape.members.items():
            if name in value:
                yield from _quantities(member, value[name], _join(path, name))
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, start=1):
            yield from _quantities(shape.member, item, f"{path}.{number}.member")


def _join(path: str, member: str) -> str:
    name = member[0].lower() + member[1:]
    return f"{path}.{name}" if path else name


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    """Compiles a Java pattern of the model; Python has no Unicode categories, so the three it uses are spelt
    out.
    """
    for category, characters in JAVA_CATEGORIES.items():
        pattern = pattern.replace(category, characters)
    return re.compile(pattern)


JAVA_CATEGORIES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}
"""Unicode categories inside a character class; `\\w` holds all letters, and digits and `_` beside them, which
every pattern that names letters allows too.
"""

QUOTED_CHARACTERS = 256
"""How much of a refused value an error message repeats."""
