"""What policies make of a demand: the context of a request, and the decision over all policies that apply.

Rules: IAM User Guide, "Policy evaluation logic" and "AWS global condition context keys". Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from edgeward.access.evaluation import Attempt, Verdict, decide
from edgeward.access.patterns import Context
from edgeward.access.policy import Policy
from edgeward.aws.access import Caller, Demand, denied
from edgeward.aws.errors import ApiError
from edgeward.aws.wire import WireRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """The policies that apply to somebody."""

    identity: Sequence[Policy]
    """Of the user or role."""
    session: Sequence[Policy] | None = None
    """That bound temporary credentials; None where nothing does."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of the user or role."""


class Refusal(Enum):
    """Why a demand is not met, in AWS's words."""

    IDENTITY_DENIES = "with an explicit deny in an identity-based policy"
    SESSION_DENIES = "with an explicit deny in a session policy"
    RESOURCE_DENIES = "with an explicit deny in a resource-based policy"
    IDENTITY_IS_SILENT = "because no identity-based policy allows the {action} action"
    SESSION_IS_SILENT = "because no session policy allows the {action} action"
    RESOURCE_IS_SILENT = "because no resource-based policy allows the {action} action"

    def error(self, caller: Caller, demand: Demand) -> ApiError:
        """The refusal of the call."""
        return denied(caller, demand, self.value.format(action=demand.action))


def refusals(demand: Demand, grants: Grants, context: Context) -> Sequence[Refusal]:
    """Why somebody's own policies do not allow it, the weightiest reason first; empty when they do."""
    attempt = Attempt(action=demand.action, resource=demand.resource, context=context)
    identity = decide(grants.identity, attempt)
    session = decide(grants.session, attempt) if grants.session is not None else Verdict.ALLOWED
    found = {
        Refusal.IDENTITY_DENIES: identity is Verdict.DENIED,
        Refusal.SESSION_DENIES: session is Verdict.DENIED,
        Refusal.IDENTITY_IS_SILENT: identity is Verdict.NOT_ALLOWED,
        Refusal.SESSION_IS_SILENT: session is Verdict.NOT_ALLOWED,
    }
    return [refusal for refusal, is_so in found.items() if is_so]


def names_of(caller: Caller) -> frozenset[str]:
    """What a Principal calls somebody who is meant directly: ARNs of the user, the session, the role."""
    return frozenset({caller.arn, *([caller.issuer] if caller.issuer else [])})


def account_names(account_id: str) -> frozenset[str]:
    """What a Principal calls the account as a whole."""
    return frozenset({account_id, f"arn:aws:iam::{account_id}:root"})


def context_of(
    caller: Caller, demand: Demand, tags: Iterable[Mapping[str, str]], request: WireRequest, now: datetime
) -> Context:
    """All condition keys of a demand; `tags` are those of the caller and those of the resource."""
    principal_tags, resource_tags = tags
    requested = demand.tags or {}
    return {
        **_of_caller(caller),
        **_of_request(request, now),
        **{f"aws:principaltag/{key.lower()}": [value] for key, value in principal_tags.items()},
        **{f"aws:resourcetag/{key.lower()}": [value] for key, value in resource_tags.items()},
        **{f"aws:requesttag/{key.lower()}": [value] for key, value in requested.items()},
        "aws:tagkeys": list(demand.tag_keys or requested),
        **demand.keys,
    }


def _of_caller(caller: Caller) -> Context:
    context = {
        "aws:principalaccount": [caller.account_id],
        "aws:principalarn": [caller.issuer or caller.arn],
        "aws:principaltype": [PRINCIPAL_TYPES[caller.kind]],
        "aws:userid": [caller.principal_id],
    }
    if caller.kind == "IAMUser" and caller.name is not None:
        context["aws:username"] = [caller.name]
    if caller.session_since is not None:
        context["aws:tokenissuetime"] = [_moment(caller.session_since)]
        context["aws:multifactorauthpresent"] = ["false"]
    return context


def _of_request(request: WireRequest, now: datetime) -> Context:
    agent = request.header("user-agent")
    return {
        "aws:currenttime": [_moment(now)],
        "aws:epochtime": [str(int(now.timestamp()))],
        "aws:securetransport": ["true" if request.scheme == "https" else "false"],
        **({"aws:sourceip": [request.client]} if request.client else {}),
        **({"aws:useragent": [agent]} if agent else {}),
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


PRINCIPAL_TYPES = {"Root": "Account", "IAMUser": "User", "AssumedRole": "AssumedRole"}
