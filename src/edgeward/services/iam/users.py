"""Users and their access keys. Rules: IAM API reference; a secret is told once, when it is made."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from edgeward.aws.access import Caller
from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import every
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.iam import entities, quotas
from edgeward.services.iam.entities import ACCESS_KEY, USER
from edgeward.vault import Vault


def user_handlers(environment: Environment, vault: Vault) -> dict[str, Handler]:
    """The operations on users and access keys."""
    return {
        "CreateUser": partial(create_user, environment),
        "GetUser": partial(get_user, environment),
        "ListUsers": lambda call: entities.listed(
            environment, USER.family, "Users", call, partial(shown, environment.account_id)
        ),
        "DeleteUser": partial(entities.delete, environment, USER),
        "CreateAccessKey": partial(create_access_key, environment, vault),
        "ListAccessKeys": partial(list_access_keys, environment),
        "UpdateAccessKey": partial(update_access_key, environment),
        "DeleteAccessKey": partial(delete_access_key, environment),
    }


def shown(account_id: str, user: Resource) -> Shape:
    """A user as answers have it."""
    return {
        "Path": user.config["Path"],
        "UserName": user.config["Name"],
        "UserId": user.id,
        "Arn": entities.arn_of(account_id, USER, user),
        "CreateDate": user.created,
        "Tags": user.config["Tags"] or None,
    }


def create_user(environment: Environment, call: Call) -> Shape:
    """CreateUser."""
    return {"User": shown(environment.account_id, entities.create(environment, USER, call, {}))}


def get_user(environment: Environment, call: Call) -> Shape:
    """GetUser: the one named, or the one who calls."""
    if "UserName" not in call.members and call.caller.kind == "Root":
        account = environment.account_id
        return {
            "User": {"UserId": account, "Arn": call.caller.arn, "Path": "/", "UserName": "root", "CreateDate": call.now}
        }
    with environment.store.read() as transaction:
        return {"User": shown(environment.account_id, _user(transaction, call))}


def create_access_key(environment: Environment, vault: Vault, call: Call) -> Shape:
    """CreateAccessKey."""
    secret = environment.identifiers.secret()
    with environment.store.write() as transaction:
        user = _user(transaction, call)
        most = environment.quotas[quotas.ACCESS_KEYS]
        entities.refuse_one_too_many(transaction.count(ACCESS_KEY, parent=user.id), most, "AccessKeysPerUser")
        key = _new_key(environment, vault, user, secret, call.now)
        transaction.insert(key, ())
    return {"AccessKey": {**_shown_key(user, key), "SecretAccessKey": secret}}


def _new_key(environment: Environment, vault: Vault, user: Resource, secret: str, now: datetime) -> Resource:
    access_key = environment.identifiers.access_key("AKIA")
    return Resource(
        family=ACCESS_KEY,
        id=access_key,
        etag=environment.identifiers.capital("E"),
        config={"Status": "Active"},
        created=now,
        modified=now,
        parent=user.id,
        attributes={"Secret": vault.seal(secret, purpose_of(access_key))},
    )


def purpose_of(access_key: str) -> str:
    """What the secret of an access key is sealed for."""
    return f"access key {access_key}"


def list_access_keys(environment: Environment, call: Call) -> Shape:
    """ListAccessKeys."""
    with environment.store.read() as transaction:
        user = _user(transaction, call)
        keys = list(every(transaction, ACCESS_KEY, user.id))
    return entities.sliced([_shown_key(user, key) for key in keys], "AccessKeyMetadata", call)


def update_access_key(environment: Environment, call: Call) -> Shape:
    """UpdateAccessKey: an inactive key is as none."""
    with environment.store.write() as transaction:
        key = _key(transaction, call)
        etag = environment.identifiers.capital("E")
        config = {"Status": call.members["Status"]}
        transaction.update(replace(key, config=config, etag=etag, modified=call.now), ())
    return {}


def delete_access_key(environment: Environment, call: Call) -> Shape:
    """DeleteAccessKey."""
    with environment.store.write() as transaction:
        transaction.delete(ACCESS_KEY, _key(transaction, call).id, call.now)
    return {}


def _user(transaction: Transaction, call: Call) -> Resource:
    name = call.members.get("UserName") or _own_name(call.caller)
    return entities.find(transaction, USER, name)


def _own_name(caller: Caller) -> str:
    if caller.kind != "IAMUser" or caller.name is None:
        raise ApiError("ValidationError", "Must specify userName when calling with non-User credentials.")
    return caller.name


def _key(transaction: Transaction, call: Call) -> Resource:
    user = _user(transaction, call)
    key = transaction.find(ACCESS_KEY, call.members["AccessKeyId"])
    if key is None or key.parent != user.id:
        raise ApiError("NoSuchEntity", f"The Access Key with id {call.members['AccessKeyId']} cannot be found.")
    return key


def _shown_key(user: Resource, key: Resource) -> Shape:
    return {
        "UserName": user.config["Name"],
        "AccessKeyId": key.id,
        "Status": key.config["Status"],
        "CreateDate": key.created,
    }
