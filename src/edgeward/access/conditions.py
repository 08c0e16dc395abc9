"""The Condition element: operators over what is known of a request.

Rules: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys". A key that the
request does not have makes an operator false, a negated one true, and one with IfExists true.
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from edgeward.access.errors import MalformedPolicyError
from edgeward.access.patterns import Context, filled_in, matches


class Quantifier(Enum):
    """How the values of a key that may have several are taken."""

    NONE = ""
    ANY = "ForAnyValue"
    ALL = "ForAllValues"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One operator on one key, with the values that satisfy it."""

    operator: str
    """As `StringNotLike`, without quantifier and IfExists."""
    key: str
    """In small letters."""
    values: tuple[str, ...]
    quantifier: Quantifier = Quantifier.NONE
    if_exists: bool = False


def read_conditions(value: Any) -> tuple[Condition, ...]:
    """The conditions of a statement. Raises `MalformedPolicyError`."""
    if not isinstance(value, dict):
        raise MalformedPolicyError("Condition has to be a JSON object of operators.")
    conditions = []
    for written, keys in value.items():
        if not isinstance(keys, dict) or not keys:
            raise MalformedPolicyError(f"The operator {written} has to have a JSON object of condition keys.")
        conditions += [_read(written, key, values) for key, values in keys.items()]
    return tuple(conditions)


def _read(written: str, key: str, values: Any) -> Condition:
    prefix, colon, operator = written.rpartition(":")
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    quantifier = next((each for each in Quantifier if colon and each.value == prefix), Quantifier.NONE)
    is_known = operator in _TESTS or (operator == "Null" and not if_exists)
    if not is_known or bool(colon) != (quantifier is not Quantifier.NONE):
        raise MalformedPolicyError(f"There is no condition operator {written} here; known are {', '.join(OPERATORS)}.")
    if ":" not in key:
        raise MalformedPolicyError(f"'{key}' is no condition key: it has to be like aws:SourceIp.")
    texts = tuple(_text(each) for each in (values if isinstance(values, list) else [values]))
    if not texts:
        raise MalformedPolicyError(f"The condition on {key} has no values.")
    for text in texts:
        _check_value(operator, key, text)
    return Condition(operator=operator, key=key.lower(), values=texts, quantifier=quantifier, if_exists=if_exists)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise MalformedPolicyError("The values of a condition are texts, numbers or booleans.")


def _check_value(operator: str, key: str, text: str) -> None:
    if "${" in text:
        return
    try:
        if operator == "Null":
            _truth(text)
        elif (read := _TESTS[operator].read) is not None:
            read(text)
    except ValueError as error:
        raise MalformedPolicyError(f"'{text}' is no value for {operator} on {key}.") from error


def holds(condition: Condition, context: Context, *, has_variables: bool) -> bool:
    """Whether a request of this context satisfies the condition."""
    actual = context.get(condition.key, ())
    if condition.operator == "Null":
        return any(_truth(value) == (not actual) for value in condition.values)
    test = _TESTS[condition.operator]
    if not actual:
        return condition.if_exists or condition.quantifier is Quantifier.ALL or _holds_without_key(condition, test)
    values = [filled_in(value, context) if has_variables else value for value in condition.values]
    expected = [value for value in values if value is not None]

    def satisfies(value: str) -> bool:
        return any(test.is_met(wanted, value) for wanted in expected) != test.is_negated

    quantified = all if condition.quantifier is Quantifier.ALL or test.is_negated else any
    if condition.quantifier is Quantifier.ANY:
        quantified = any
    return quantified(satisfies(value) for value in actual)


def _holds_without_key(condition: Condition, test: "_Test") -> bool:
    return test.is_negated and condition.quantifier is not Quantifier.ANY


@dataclass(frozen=True, slots=True)
class _Test:
    compare: Callable[[Any, Any], bool]
    """Of an expected and an actual value."""
    read: Callable[[str], Any] | None = None
    """From text; None where text is compared."""
    is_negated: bool = False

    def is_met(self, expected: str, actual: str) -> bool:
        """Whether the two compare; what the request has in another form does not."""
        if self.read is None:
            return self.compare(expected, actual)
        try:
            return self.compare(self.read(expected), self.read(actual))
        except ValueError:
            return False


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _moment(text: str) -> datetime:
    if text.isdecimal() and len(text) > len("2026"):
        return datetime.fromtimestamp(int(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def _lies_in(network: Any, address: Any) -> bool:
    return network.version == address.version and bool(address.subnet_of(network))


def _is_arn_like(pattern: str, arn: str) -> bool:
    """Each of the six parts by itself: a star does not reach over a colon."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) and all(map(matches, patterns, parts))


def _same_text(expected: str, actual: str) -> bool:
    # Variables leave marks before wildcards that are characters.
    return expected.replace("\0", "") == actual


def _same_but_case(expected: str, actual: str) -> bool:
    return expected.replace("\0", "").casefold() == actual.casefold()


def _comparing(prefix: str, read: Callable[[str], Any]) -> Mapping[str, _Test]:
    return {
        f"{prefix}Equals": _Test(lambda expected, actual: actual == expected, read),
        f"{prefix}NotEquals": _Test(lambda expected, actual: actual == expected, read, is_negated=True),
        f"{prefix}LessThan": _Test(lambda expected, actual: actual < expected, read),
        f"{prefix}LessThanEquals": _Test(lambda expected, actual: actual <= expected, read),
        f"{prefix}GreaterThan": _Test(lambda expected, actual: actual > expected, read),
        f"{prefix}GreaterThanEquals": _Test(lambda expected, actual: actual >= expected, read),
    }


_TESTS: Mapping[str, _Test] = {
    "StringEquals": _Test(_same_text),
    "StringNotEquals": _Test(_same_text, is_negated=True),
    "StringEqualsIgnoreCase": _Test(_same_but_case),
    "StringNotEqualsIgnoreCase": _Test(_same_but_case, is_negated=True),
    "StringLike": _Test(matches),
    "StringNotLike": _Test(matches, is_negated=True),
    "Bool": _Test(lambda expected, actual: expected == actual, _truth),
    "IpAddress": _Test(_lies_in, _network),
    "NotIpAddress": _Test(_lies_in, _network, is_negated=True),
    **{name: _Test(_is_arn_like) for name in ("ArnEquals", "ArnLike")},
    **{name: _Test(_is_arn_like, is_negated=True) for name in ("ArnNotEquals", "ArnNotLike")},
    **_comparing("Numeric", float),
    **_comparing("Date", _moment),
}
OPERATORS: Sequence[str] = (*_TESTS, "Null")
