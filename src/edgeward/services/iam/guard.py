"""Who may call: looks up whose an access key is, and decides by their policies. The `Access` of the control plane.

The keys that a control plane is started with are the account's root, who may do everything; keys of users and sessions
are looked up at every call, so that a change counts from the next call on. Invariant: who or what is not found has no
rights.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from edgeward.access.policy import Policy
from edgeward.aws.access import Caller, Credentials, Demand, root
from edgeward.aws.errors import ApiError
from edgeward.aws.resources import Resource, ResourceStore, Transaction
from edgeward.aws.wire import WireRequest
from edgeward.services.iam import documents, entities, managed_policies
from edgeward.services.iam.entities import ACCESS_KEY, KINDS, ROLE, USER
from edgeward.services.iam.permissions import Grants, context_of, refusals
from edgeward.services.iam.sessions import Session, session_of
from edgeward.services.iam.users import purpose_of
from edgeward.vault import Vault

ResourceTags = Callable[[Transaction, str], Mapping[str, str]]
"""The tags of the resource of an ARN; none when there is no such resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Knows who may call."""

    store: ResourceStore
    vault: Vault
    account_id: str
    root_keys: Mapping[str, str]
    """Secrets by access key id."""
    resource_tags: Mapping[str, ResourceTags]
    """By the service in the ARN, as `cloudfront`."""

    def credentials(self, access_key: str, session_token: str | None, now: datetime) -> Credentials | None:
        """The credentials of an access key id; None when there are none. Raises ApiError `ExpiredToken`."""
        if session_token is not None:
            return self._of_session(access_key, session_token, now)
        if access_key in self.root_keys:
            return Credentials(secret=self.root_keys[access_key], caller=root(self.account_id, access_key))
        return self._of_user(access_key)

    def check(self, caller: Caller, demands: Sequence[Demand], request: WireRequest, now: datetime) -> None:
        """Raises ApiError `AccessDenied` unless all of it is allowed."""
        _refuse_iam_to_sessions(caller, demands)
        if caller.kind == "Root" or not demands:
            return
        with self.store.read() as transaction:
            grants = self.grants(transaction, caller)
            for demand in demands:
                tags = (grants.tags, self._tags_of(transaction, demand.resource))
                for refusal in refusals(demand, grants, context_of(caller, demand, tags, request, now)):
                    raise refusal.error(caller, demand)

    def grants(self, transaction: Transaction, caller: Caller) -> Grants:
        """The policies that apply to somebody who is not the root."""
        owner = _owner(transaction, caller.owner_id)
        if owner is None:
            return Grants(identity=())
        bounds = caller.session_policies
        return Grants(
            identity=self._policies_of(transaction, owner),
            session=None if bounds is None else [documents.read(bound) for bound in bounds],
            tags={**{tag["Key"]: tag["Value"] for tag in owner.config["Tags"]}, **caller.session_tags},
        )

    def _policies_of(self, transaction: Transaction, owner: Resource) -> list[Policy]:
        attached = self._documents(transaction, owner.config["Attached"])
        return [documents.read(text) for text in [*owner.config["Inline"].values(), *attached]]

    def _bounds(self, transaction: Transaction, session: Session) -> tuple[str, ...]:
        return (*session.policies, *self._documents(transaction, session.policy_arns))

    def _documents(self, transaction: Transaction, arns: Sequence[str]) -> list[str]:
        found = [managed_policies.document_of(self.account_id, transaction, arn) for arn in arns]
        return [text for text in found if text is not None]

    def _tags_of(self, transaction: Transaction, arn: str) -> Mapping[str, str]:
        service = arn.split(":")[2] if arn.startswith("arn:") else ""
        look_up = self.resource_tags.get(service)
        return look_up(transaction, arn) if look_up is not None else {}

    def _of_user(self, access_key: str) -> Credentials | None:
        with self.store.read() as transaction:
            key = transaction.find(ACCESS_KEY, access_key)
            user = transaction.find(USER.family, key.parent) if key is not None and key.parent else None
        if key is None or user is None or key.config["Status"] != "Active":
            return None
        secret = self.vault.open(key.attributes["Secret"], purpose_of(key.id))
        return Credentials(secret=secret, caller=self._user(user, access_key)) if secret is not None else None

    def _of_session(self, access_key: str, token: str, now: datetime) -> Credentials | None:
        session = session_of(token, self.vault)
        if session is None or session.access_key != access_key:
            return None
        if session.expires <= now.timestamp():
            raise ApiError("ExpiredToken", "The security token included in the request is expired. Get a new one.")
        with self.store.read() as transaction:
            caller = self._caller_of(transaction, session)
        return Credentials(secret=session.secret, caller=caller) if caller is not None else None

    def _caller_of(self, transaction: Transaction, session: Session) -> Caller | None:
        if session.owner_id is None:
            caller = root(self.account_id, session.access_key)
        elif (owner := _owner(transaction, session.owner_id)) is None:
            return None
        elif owner.family == USER.family:
            caller = self._user(owner, session.access_key)
        else:
            caller = self._role(owner, session)
        bounds = self._bounds(transaction, session) if session.is_bounded else None
        return replace(
            caller,
            session_since=session.issued_at,
            session_policies=bounds,
            session_tags=session.tags,
            transitive_tag_keys=session.transitive,
        )

    def _user(self, user: Resource, access_key: str) -> Caller:
        return Caller(
            kind="IAMUser",
            account_id=self.account_id,
            arn=entities.arn_of(self.account_id, USER, user),
            principal_id=user.id,
            access_key=access_key,
            name=user.config["Name"],
            owner_id=user.id,
        )

    def _role(self, role: Resource, session: Session) -> Caller:
        name = role.config["Name"]
        return Caller(
            kind="AssumedRole",
            account_id=self.account_id,
            arn=f"arn:aws:sts::{self.account_id}:assumed-role/{name}/{session.name}",
            principal_id=f"{role.id}:{session.name}",
            access_key=session.access_key,
            name=name,
            issuer=entities.arn_of(self.account_id, ROLE, role),
            owner_id=role.id,
        )


def _refuse_iam_to_sessions(caller: Caller, demands: Sequence[Demand]) -> None:
    """GetSessionToken's credentials without MFA are no key to IAM (STS API reference, GetSessionToken)."""
    is_own_session = caller.session_since is not None and caller.kind != "AssumedRole"
    if is_own_session and any(demand.action.startswith("iam:") for demand in demands):
        raise ApiError(
            "InvalidClientTokenId",
            "The security token included in the request is invalid: credentials of GetSessionToken may not call IAM.",
        )


def _owner(transaction: Transaction, owner_id: str | None) -> Resource | None:
    kind = KINDS.get(owner_id[:4]) if owner_id is not None else None
    return transaction.find(kind.family, owner_id) if kind is not None and owner_id is not None else None
