"""Policy documents: from JSON to statements, or a refusal that says what to change.

Rules: IAM User Guide, "IAM JSON policy elements reference" and "Grammar of the IAM JSON policy language". Invariant:
what is read is understood; an element, operator or form that this package does not evaluate is refused when the
document is stored, never passed over when a request is decided.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from edgeward.access.conditions import Condition, read_conditions
from edgeward.access.errors import MalformedPolicyError


class Kind(Enum):
    """What a document is attached to, which decides what its statements have."""

    IDENTITY = "identity"
    """A user, a role or a session: says on what, not who."""
    TRUST = "trust"
    """A role: says who may take it, not on what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """A list of patterns, or everything but them (`NotAction`, `NotResource`)."""

    patterns: tuple[str, ...]
    is_inverted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a policy."""

    allows: bool
    actions: Matching
    resources: Matching | None
    """None in a trust policy."""
    principals: Matching | None
    """ARNs, account ids or `*`; None in a policy of an identity."""
    conditions: tuple[Condition, ...]
    sid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A document that was read."""

    statements: tuple[Statement, ...]
    has_variables: bool
    """Whether `${aws:username}` and its like stand for values: not in version 2008-10-17."""


def read_policy(text: str, kind: Kind) -> Policy:
    """The policy that a document says. Raises `MalformedPolicyError`."""
    try:
        document = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise MalformedPolicyError(f"The policy is not JSON: {error}.") from error
    members = _members(document, "The policy", _POLICY_ELEMENTS)
    version = members.get("Version", "2008-10-17")
    if version not in VERSIONS:
        raise MalformedPolicyError(f"The policy's Version has to be {' or '.join(VERSIONS)}.")
    listed = members.get("Statement")
    statements = listed if isinstance(listed, list) else [listed]
    if not statements or listed is None:
        raise MalformedPolicyError("The policy has no Statement.")
    read = tuple(_read_statement(statement, kind) for statement in statements)
    sids = [statement.sid for statement in read if statement.sid]
    if len(sids) != len(set(sids)):
        raise MalformedPolicyError("Statement IDs (SID) in a single policy must be unique.")
    return Policy(statements=read, has_variables=version == VERSIONS[0])


def _read_statement(value: Any, kind: Kind) -> Statement:
    members = _members(value, "A statement", _STATEMENT_ELEMENTS)
    effect = members.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise MalformedPolicyError("The Effect of a statement has to be Allow or Deny.")
    sid = members.get("Sid")
    if sid is not None and not (isinstance(sid, str) and re.fullmatch("[A-Za-z0-9]*", sid)):
        raise MalformedPolicyError("Statement IDs (SID) must be alpha-numeric.")
    actions = _matching(members, "Action")
    if actions is None:
        raise MalformedPolicyError("Policy statement must contain actions.")
    for action in actions.patterns:
        if not re.fullmatch(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?_-]+", action):
            raise MalformedPolicyError(f"'{action}' is no action: it has to be * or like cloudfront:GetDistribution.")
    resources, principals = _matching(members, "Resource"), _principals(members)
    _check_kind(kind, resources, principals)
    return Statement(
        allows=effect == "Allow",
        actions=actions,
        resources=resources,
        principals=principals,
        conditions=read_conditions(members.get("Condition", {})),
        sid=sid,
    )


def _check_kind(kind: Kind, resources: Matching | None, principals: Matching | None) -> None:
    if kind is Kind.TRUST:
        if resources is not None:
            raise MalformedPolicyError("Has prohibited field Resource.")
        if principals is None:
            raise MalformedPolicyError("A trust policy says who may take the role: add a Principal.")
        return
    if principals is not None:
        raise MalformedPolicyError("Policy document should not specify a principal.")
    if resources is None:
        raise MalformedPolicyError("Policy statement must contain resources.")
    for resource in resources.patterns:
        if resource != "*" and not re.fullmatch(r"(arn|\*)(:[^:]*){4}:.+", resource, re.DOTALL):
            raise MalformedPolicyError(f'Resource {resource} must be in ARN format or "*".')


def _matching(members: Mapping[str, Any], element: str) -> Matching | None:
    """`Action` or `NotAction`, and so on; both would contradict each other."""
    if element in members and f"Not{element}" in members:
        raise MalformedPolicyError(f"A statement has {element} or Not{element}, not both.")
    for name in (element, f"Not{element}"):
        if name in members:
            return Matching(patterns=texts(members[name], name), is_inverted=name != element)
    return None


def _principals(members: Mapping[str, Any]) -> Matching | None:
    if "NotPrincipal" in members:
        # IAM User Guide, "NotPrincipal": neither in policies of identities nor in trust policies.
        raise MalformedPolicyError("Has prohibited field NotPrincipal. Deny by a condition on aws:PrincipalArn.")
    if "Principal" not in members:
        return None
    value = members["Principal"]
    if value == "*":
        return Matching(patterns=("*",))
    named = _members(value, "Principal", frozenset({"AWS", "Service", "Federated", "CanonicalUser"}))
    for kind, entries in named.items():
        texts(entries, f"Principal {kind}")
    # Services and identity providers never call this API: naming them gives nobody here anything.
    principals = texts(named["AWS"], "Principal AWS") if "AWS" in named else ()
    for principal in principals:
        if not re.fullmatch(r"\*|[0-9]{12}|arn:aws:(iam|sts)::[0-9]{12}:.+", principal):
            raise MalformedPolicyError(f'Invalid principal in policy: "AWS":"{principal}".')
    return Matching(patterns=principals)


def texts(value: Any, name: str) -> tuple[str, ...]:
    """A text or a list of them. Raises `MalformedPolicyError` for anything else."""
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str) and each for each in values):
        raise MalformedPolicyError(f"{name} has to be a text or a list of texts.")
    return tuple(values)


def _members(value: Any, what: str, known: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedPolicyError(f"{what} has to be a JSON object.")
    for name in value:
        if name not in known:
            raise MalformedPolicyError(f"{what} has an unknown element {name}; known are {', '.join(sorted(known))}.")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an element is there twice")
    return members


VERSIONS = ("2012-10-17", "2008-10-17")
_POLICY_ELEMENTS = frozenset({"Version", "Id", "Statement"})
_STATEMENT_ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
