"""STS: who am I, temporary credentials for oneself, temporary credentials of a role. Rules: STS API reference."""

from collections.abc import Sequence
from functools import partial

from edgeward.access.evaluation import Attempt, Verdict, decide
from edgeward.access.patterns import Context
from edgeward.access.policy import Kind
from edgeward.aws.access import Caller, Demand
from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.iam import documents, entities, managed_policies
from edgeward.services.iam.entities import ROLE, refuse_unserved
from edgeward.services.iam.guard import Guard
from edgeward.services.iam.permissions import Grants, Refusal, account_names, context_of, names_of, refusals
from edgeward.services.iam.session_tags import SessionTags, session_tags
from edgeward.services.iam.sessions import Session, token_of


def sts_handlers(environment: Environment, guard: Guard) -> dict[str, Handler]:
    """The operations."""
    return {
        "GetCallerIdentity": get_caller_identity,
        "GetSessionToken": partial(get_session_token, environment, guard),
        "AssumeRole": partial(assume_role, environment, guard),
    }


def get_caller_identity(call: Call) -> Shape:
    """GetCallerIdentity: whoever signed."""
    return {"UserId": call.caller.principal_id, "Account": call.caller.account_id, "Arn": call.caller.arn}


def get_session_token(environment: Environment, guard: Guard, call: Call) -> Shape:
    """GetSessionToken: for a user or the root, who keep their rights."""
    refuse_unserved(call, "SerialNumber", "TokenCode", "MinimumSessionTokenSize")
    if call.caller.session_since is not None:
        raise ApiError("AccessDenied", "Cannot call GetSessionToken with session credentials")
    is_root = call.caller.kind == "Root"
    asked = call.members.get("DurationSeconds", DEFAULT_OWN_SECONDS)
    session = Session(
        access_key=environment.identifiers.access_key("ASIA"),
        secret=environment.identifiers.secret(),
        issued=int(call.now.timestamp()),
        expires=int(call.now.timestamp()) + (min(asked, LONGEST_ROOT_SECONDS) if is_root else asked),
        owner_id=call.caller.owner_id,
    )
    return {"Credentials": _shown(session, guard)}


def assume_role(environment: Environment, guard: Guard, call: Call) -> Shape:
    """AssumeRole: for whom the role's trust policy lets, as far as the session policies go."""
    refuse_unserved(
        call,
        "MinimumSessionTokenSize",
        "ProvidedContexts",
        "SerialNumber",
        "SourceIdentity",
        "TokenCode",
    )
    if call.caller.kind == "Root":
        raise ApiError("AccessDenied", "Roles may not be assumed by root accounts. Call as a user or a role.")
    policies, tags = _session_policies(call), session_tags(call)
    with environment.store.read() as transaction:
        role = _assumable(transaction, guard, call, tags)
        arns = _session_policy_arns(environment.account_id, transaction, call)
    seconds = _duration(call, role)
    name = call.members["RoleSessionName"]
    session = Session(
        access_key=environment.identifiers.access_key("ASIA"),
        secret=environment.identifiers.secret(),
        issued=int(call.now.timestamp()),
        expires=int(call.now.timestamp()) + seconds,
        owner_id=role.id,
        name=name,
        policies=policies,
        policy_arns=arns,
        tags=tags.all,
        transitive=tags.transitive,
    )
    account = environment.account_id
    arn = f"arn:aws:sts::{account}:assumed-role/{role.config['Name']}/{name}"
    packed = max(sum(map(documents.size, policies)) * 100 // LONGEST_SESSION_POLICY, tags.packed)
    return {
        "Credentials": _shown(session, guard),
        "AssumedRoleUser": {"AssumedRoleId": f"{role.id}:{name}", "Arn": arn},
        "PackedPolicySize": packed if session.is_bounded or tags.all else None,
    }


def _shown(session: Session, guard: Guard) -> Shape:
    return {
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret,
        "SessionToken": token_of(session, guard.vault),
        "Expiration": session.expires_at,
    }


def _session_policies(call: Call) -> tuple[str, ...]:
    if "Policy" not in call.members:
        return ()
    text = call.members["Policy"]
    documents.check(text, longest=LONGEST_SESSION_POLICY)
    return (text,)


def _session_policy_arns(account_id: str, transaction: Transaction, call: Call) -> tuple[str, ...]:
    arns = tuple(given.get("arn", "") for given in call.members.get("PolicyArns", []))
    if len(arns) > MOST_POLICY_ARNS:
        raise ApiError("ValidationError", f"PolicyArns may name {MOST_POLICY_ARNS} policies, not {len(arns)}.")
    for arn in arns:
        if managed_policies.document_of(account_id, transaction, arn) is None:
            raise ApiError("ValidationError", f"There is no policy {arn} for PolicyArns.")
    return arns


def _assumable(transaction: Transaction, guard: Guard, call: Call, tags: SessionTags) -> Resource:
    """The role that is asked for. Raises ApiError `AccessDenied`, also when there is none: nobody is told which."""
    arn = call.members["RoleArn"]
    demands = [
        Demand(action=action, resource=arn, tags=tags.requested, tag_keys=tuple(tags.requested), keys=_keys(call))
        for action in (ASSUME_ROLE, *([TAG_SESSION] if tags.all else []))
    ]
    role = transaction.find_by_name(ROLE.family, arn.rpartition("/")[2].lower())
    if role is None or entities.arn_of(guard.account_id, ROLE, role) != arn:
        raise Refusal.RESOURCE_IS_SILENT.error(call.caller, demands[0])
    grants = guard.grants(transaction, call.caller)
    role_tags = {tag["Key"]: tag["Value"] for tag in role.config["Tags"]}
    for demand in demands:
        context = context_of(call.caller, demand, (grants.tags, role_tags), call.request, call.now)
        for refusal in _refusals(call.caller, demand, role, grants, context):
            raise refusal.error(call.caller, demand)
    return role


def _refusals(caller: Caller, demand: Demand, role: Resource, grants: Grants, context: Context) -> Sequence[Refusal]:
    """Why the trust policy and the caller's own do not allow it together.

    A trust policy that means the caller directly is enough by itself; one that means the account leaves it to the
    caller's own policies (IAM User Guide, "Resource-based policies and implicit denies").
    """
    trust = [documents.read(role.config["Trust"], Kind.TRUST)]
    names = names_of(caller)
    directly, by_account = (
        decide(trust, Attempt(action=demand.action, resource=demand.resource, names=meant, context=context))
        for meant in (names, names | account_names(caller.account_id))
    )
    if by_account is Verdict.DENIED:
        return [Refusal.RESOURCE_DENIES]
    if by_account is Verdict.NOT_ALLOWED:
        return [Refusal.RESOURCE_IS_SILENT]
    own = refusals(demand, grants, context)
    return [refusal for refusal in own if directly is not Verdict.ALLOWED or refusal is not Refusal.IDENTITY_IS_SILENT]


def _keys(call: Call) -> dict[str, list[str]]:
    keys = {"sts:rolesessionname": [call.members["RoleSessionName"]]}
    if "ExternalId" in call.members:
        keys["sts:externalid"] = [call.members["ExternalId"]]
    if "TransitiveTagKeys" in call.members:
        keys["sts:transitivetagkeys"] = list(call.members["TransitiveTagKeys"])
    return keys


def _duration(call: Call, role: Resource) -> int:
    longest = role.config["MaxSessionDuration"]
    if call.caller.kind == "AssumedRole":
        longest = min(longest, LONGEST_CHAINED_SECONDS)
    seconds: int = call.members.get("DurationSeconds", DEFAULT_ROLE_SECONDS)
    if seconds > longest:
        raise ApiError(
            "ValidationError",
            f"The requested DurationSeconds exceeds the {longest} seconds set for this role, or those of a role that "
            "a role takes. Ask for less.",
        )
    return seconds


ASSUME_ROLE = "sts:AssumeRole"
TAG_SESSION = "sts:TagSession"
DEFAULT_OWN_SECONDS = 43_200
DEFAULT_ROLE_SECONDS = 3_600
LONGEST_ROOT_SECONDS = 3_600
LONGEST_CHAINED_SECONDS = 3_600
LONGEST_SESSION_POLICY = 2_048
MOST_POLICY_ARNS = 10
