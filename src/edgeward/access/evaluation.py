"""Whether policies allow a request: an explicit Deny wins, an Allow is needed, everything else is refused.

Rules: IAM User Guide, "Policy evaluation logic". Called by the services that know who is calling.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from edgeward.access.conditions import holds
from edgeward.access.patterns import Context, filled_in, matches
from edgeward.access.policy import Matching, Policy, Statement


class Verdict(Enum):
    """What policies say of a request."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"
    """No statement allows it."""
    DENIED = "denied"
    """A statement denies it, whatever else allows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody wants to do."""

    action: str
    """As `cloudfront:GetDistribution`."""
    resource: str = "*"
    """The ARN of what it is done to; `*` where there is nothing of the kind."""
    names: frozenset[str] = field(default_factory=frozenset)
    """What a Principal may call the one who wants it: ARNs and account ids."""
    context: Context = field(default_factory=dict)


def decide(policies: Iterable[Policy], attempt: Attempt) -> Verdict:
    """What all policies together say."""
    verdict = Verdict.NOT_ALLOWED
    for policy in policies:
        for statement in policy.statements:
            if _applies(statement, attempt, has_variables=policy.has_variables):
                if not statement.allows:
                    return Verdict.DENIED
                verdict = Verdict.ALLOWED
    return verdict


def _applies(statement: Statement, attempt: Attempt, *, has_variables: bool) -> bool:
    return (
        _is_meant(statement.principals, attempt.names)
        and _has_action(statement.actions, attempt.action)
        and _has_resource(statement.resources, attempt, has_variables=has_variables)
        and all(holds(condition, attempt.context, has_variables=has_variables) for condition in statement.conditions)
    )


def _is_meant(principals: Matching | None, names: frozenset[str]) -> bool:
    return principals is None or "*" in principals.patterns or not names.isdisjoint(principals.patterns)


def _has_action(actions: Matching, action: str) -> bool:
    is_named = any(matches(pattern, action, ignore_case=True) for pattern in actions.patterns)
    return is_named != actions.is_inverted


def _has_resource(resources: Matching | None, attempt: Attempt, *, has_variables: bool) -> bool:
    if resources is None:
        return True
    patterns = [filled_in(pattern, attempt.context) if has_variables else pattern for pattern in resources.patterns]
    is_named = any(pattern is not None and matches(pattern, attempt.resource) for pattern in patterns)
    return is_named != resources.is_inverted
