"""What a response says of itself to a viewer with a debug token, and the checks of it.

An explanation is JSON; a check names a member by its path (`origin.status`, `key.headers.x-a`). Read by `format`,
used by `checks` and `runner`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self

from edgeward.scenario.message import Response
from edgeward.scenario.reading import Node
from edgeward.scenario.values import FieldCheck, FieldChecks
from edgeward.services.edgeward.explain_token import RESPONSE_FIELD, explain_token

Debug = Literal["valid", "expired", "other-distribution", "wrong-key"]
"""Which token a request carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainCheck:
    """Checks of an explanation by path of the member, or `absent`: the response does not explain itself."""

    members: FieldChecks = FieldChecks()
    is_absent: bool = False

    @classmethod
    def read_node(cls, node: Node) -> Self:
        if node.is_scalar:
            node.choice(("absent",))
            return cls(is_absent=True)
        for name, value in node.entries().items():
            if not re.fullmatch(_PATH, name):
                raise value.error(f"`{name}` is no path of a member; write it as key.headers.x-a")
        return cls(members=FieldChecks.read_node(node))

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        members = {"type": "object", "patternProperties": {_PATH: FieldCheck.json_schema()}}
        return {"anyOf": [{"const": "absent"}, members]}

    def mismatches(self, response: Response, now_ms: int) -> list[str]:
        """One line for every member that is not as expected."""
        text = response.field(RESPONSE_FIELD.lower())
        if self.is_absent:
            return [] if text is None else [f"explain: expected absent, got {text}"]
        if text is None:
            return ["explain: expected an explanation, got none"]
        found = list(_members("", json.loads(text)))
        return [f"explain {line}" for line in self.members.mismatches(found, now_ms)]


def _members(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every scalar with its path; the items of a list share one."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _members(f"{path}.{name}" if path else name, member)
    elif isinstance(value, list):
        for item in value:
            yield from _members(path, item)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)


def debug_token(debug: Debug, distribution_id: str, now_ms: int) -> str:
    """The token of a request, for an edge that has `EXPLAIN_KEY`."""
    now = now_ms // 1000
    if debug == "wrong-key":
        return explain_token("b" * 64, distribution_id, now + _TOKEN_SECONDS)
    if debug == "other-distribution":
        return explain_token(EXPLAIN_KEY, "EANOTHER", now + _TOKEN_SECONDS)
    return explain_token(EXPLAIN_KEY, distribution_id, now if debug == "expired" else now + _TOKEN_SECONDS)


EXPLAIN_KEY = "a" * 64
_TOKEN_SECONDS = 60
_PATH = r"^[a-z_]+(\.[a-z0-9_-]+)*$"
