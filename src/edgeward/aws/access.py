"""Who calls and what they are about to do: what the stages of a call ask, and `edgeward.services.iam` answers.

Invariant: a call that nobody vouches for, or that no policy allows, goes no further. Called by `aws.api` and by
Edgeward's own API.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Operation, Shape
from edgeward.aws.wire import WireRequest

CallerKind = Literal["Root", "IAMUser", "AssumedRole"]
"""CloudTrail's words for the type of a user identity."""


DEFAULT_REGION = "us-east-1"
"""Of services that have one region only, and of signatures that name none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who signed a call."""

    kind: CallerKind
    account_id: str
    arn: str
    """As `arn:aws:iam::123456789012:user/ada`."""
    principal_id: str
    """As `AIDA...`, or `AROA...:session`."""
    access_key: str
    region: str = DEFAULT_REGION
    """That the call was signed for."""
    name: str | None = None
    """Of the user, or of the role."""
    issuer: str | None = None
    """The ARN of the role that a session is of."""
    owner_id: str | None = None
    """The id of the user or role that the permissions are of; None for the root of the account."""
    session_since: datetime | None = None
    """When temporary credentials were issued."""
    session_tags: Mapping[str, str] = field(default_factory=dict)
    """That the session was given when it was taken, or inherited; they count before those of the role."""
    transitive_tag_keys: tuple[str, ...] = ()
    """The keys of those that the sessions of further roles inherit."""
    session_policies: tuple[str, ...] | None = None
    """Policy documents that bound what temporary credentials may do; None where nothing but the owner's do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a signature is checked with, and whose it is."""

    secret: str = field(repr=False)
    caller: Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One thing that a call needs to be allowed."""

    action: str
    """As `cloudfront:GetDistribution`."""
    resource: str = "*"
    """The ARN of what it is about; `*` where the action is about nothing in particular."""
    tags: Mapping[str, str] | None = None
    """The tags that the call wants to set; None where it sets none."""
    tag_keys: Sequence[str] = ()
    """The keys of tags that the call sets or removes."""
    keys: Mapping[str, list[str]] = field(default_factory=dict)
    """The values of condition keys of the service's own, as `iam:policyarn`, in small letters."""


Demands = Callable[[Caller, Operation, Shape], Sequence[Demand]]
"""What a call of an operation with these members needs to be allowed. The members are not validated yet."""


class Access(Protocol):
    """Knows who may call."""

    def credentials(self, access_key: str, session_token: str | None, now: datetime) -> Credentials | None:
        """The credentials of an access key id; None when there are none. Raises ApiError `ExpiredToken`."""

    def check(self, caller: Caller, demands: Sequence[Demand], request: WireRequest, now: datetime) -> None:
        """Raises ApiError `AccessDenied` unless all of it is allowed."""


def root(account_id: str, access_key: str) -> Caller:
    """The root of the account."""
    return Caller(
        kind="Root",
        account_id=account_id,
        arn=f"arn:aws:iam::{account_id}:root",
        principal_id=account_id,
        access_key=access_key,
    )


def denied(caller: Caller, demand: Demand, why: str) -> ApiError:
    """The refusal of a call, in AWS's words."""
    return ApiError(
        "AccessDenied",
        f"User: {caller.arn} is not authorized to perform: {demand.action} on resource: {demand.resource} {why}",
    )


def no_demands(_caller: Caller, _operation: Operation, _members: Shape) -> Sequence[Demand]:
    """Of a service whose operations everybody may call who is known, or that look into it themselves."""
    return ()
