"""The keys of a store: reading, listing and changing them.

A change of several keys is made whole or not at all, under If-Match; the store's ETag here is that of its keys, not
the one CloudFront's API has for the store itself. Rules: API reference of CloudFront KeyValueStore.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.quotas import Quotas
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.arns import resource_of_arn
from edgeward.services.cloudfront.key_value_store import KEYS_FAMILY

Changes = Mapping[str, str | None]
"""New values by key; None for a key to delete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Store:
    """A store and the state of its keys."""

    resource: Resource
    keys: Resource
    is_new: bool
    """Whether no key was ever put; then `keys` is not in the store of resources yet."""


def key_handlers(environment: Environment) -> dict[str, Handler]:
    """The operations."""
    return {
        "DescribeKeyValueStore": lambda call: describe(environment, call),
        "GetKey": lambda call: read(environment, call),
        "ListKeys": lambda call: list_keys(environment, call),
        "PutKey": lambda call: put(environment, call),
        "DeleteKey": lambda call: delete(environment, call),
        "UpdateKeys": lambda call: update(environment, call),
    }


def describe(environment: Environment, call: Call) -> Shape:
    """DescribeKeyValueStore."""
    with environment.store.read() as transaction:
        store = _find(environment, transaction, call)
        return {
            **_totals(transaction, store.resource.id),
            "KvsARN": call.members["KvsARN"],
            "Created": store.resource.created,
            "LastModified": store.keys.modified,
            "ETag": store.keys.etag,
            "Status": "READY",
        }


def read(environment: Environment, call: Call) -> Shape:
    """GetKey."""
    key = call.members["Key"]
    with environment.store.read() as transaction:
        store = _find(environment, transaction, call).resource
        value = transaction.values(store.id).get(key)
        if value is None:
            raise _no_such_key(key)
        return {"Key": key, "Value": value, **_totals(transaction, store.id)}


def list_keys(environment: Environment, call: Call) -> Shape:
    """ListKeys: in order of the keys; the token is the last one."""
    size, after = call.members.get("MaxResults", PAGE_KEYS), call.members.get("NextToken")
    with environment.store.read() as transaction:
        store = _find(environment, transaction, call).resource
        found = transaction.values(store.id).after(after, size + 1)
    items = [{"Key": key, "Value": value} for key, value in found[:size]]
    return {"Items": items, **({"NextToken": items[-1]["Key"]} if len(found) > size else {})}


def put(environment: Environment, call: Call) -> Shape:
    """PutKey."""
    return _change(environment, call, {call.members["Key"]: call.members["Value"]})


def delete(environment: Environment, call: Call) -> Shape:
    """DeleteKey."""
    return _change(environment, call, {call.members["Key"]: None})


def update(environment: Environment, call: Call) -> Shape:
    """UpdateKeys: all of the puts and deletes, or none."""
    puts = [(each["Key"], each["Value"]) for each in call.members.get("Puts", [])]
    deletes = [(each["Key"], None) for each in call.members.get("Deletes", [])]
    pairs: list[tuple[str, str | None]] = [*puts, *deletes]
    changes = dict(pairs)
    limits = environment.quotas
    most, largest = limits[quotas.UPDATE_KEYS], limits[quotas.UPDATE_BYTES]
    if not 1 <= len(pairs) <= most:
        raise ApiError("ValidationException", f"An update has 1 to {most} keys, not {len(pairs)}.")
    if len(changes) < len(pairs):
        raise ApiError("ValidationException", "A key is named twice. Name each key once.")
    if sum(_size(key, value) for key, value in pairs) > largest:
        raise ApiError("ValidationException", f"An update has at most {largest} bytes. Send several.")
    return _change(environment, call, changes)


def _change(environment: Environment, call: Call, changes: Changes) -> Shape:
    for key, value in changes.items():
        _check_size(key, value, environment.quotas)
    with environment.store.write() as transaction:
        store = _find(environment, transaction, call)
        if call.members["IfMatch"] != store.keys.etag:
            raise ApiError("ConflictException", "If-Match is not the ETag of the store's keys. Describe it again.")
        values = transaction.values(store.resource.id)
        for key, value in changes.items():
            if value is None and values.get(key) is None:
                raise _no_such_key(key)
        values.put(changes)
        totals = _totals(transaction, store.resource.id)
        most = environment.quotas[quotas.STORE_BYTES]
        if totals["TotalSizeInBytes"] > most:
            raise ApiError(quotas.STORE_BYTES.error, f"A store has at most {most} bytes. Delete keys first.")
        keys = replace(store.keys, etag=environment.identifiers.capital("E"), modified=call.now)
        (transaction.insert if store.is_new else transaction.update)(keys, ())
    return {**totals, "ETag": keys.etag}


def _find(environment: Environment, transaction: Transaction, call: Call) -> _Store:
    arn = call.members["KvsARN"]
    resource = resource_of_arn(environment.account_id, transaction, arn)
    if resource is None or resource.family != "key-value-store":
        raise ApiError("ResourceNotFoundException", f"There is no key value store '{arn[:120]}'.")
    keys = transaction.find(KEYS_FAMILY, resource.id)
    if keys is not None:
        return _Store(resource=resource, keys=keys, is_new=False)
    # The first version of the keys is the store's own.
    untouched = replace(resource, family=KEYS_FAMILY, config={}, name=None, attributes={}, etag=_first_etag(resource))
    return _Store(resource=resource, keys=untouched, is_new=True)


def _first_etag(store: Resource) -> str:
    return f"KV{store.id.replace('-', '')[:12].upper()}"


def _totals(transaction: Transaction, store_id: str) -> Shape:
    count, size = transaction.values(store_id).totals()
    return {"ItemCount": count, "TotalSizeInBytes": size}


def _check_size(key: str, value: str | None, limits: Quotas) -> None:
    longest, largest = limits[quotas.KEY_BYTES], limits[quotas.VALUE_BYTES]
    if not 1 <= len(key.encode()) <= longest:
        raise ApiError("ValidationException", f"A key has 1 to {longest} bytes of UTF-8.")
    if value is not None and len(value.encode()) > largest:
        raise ApiError("ValidationException", f"The value of '{key[:80]}' has more than {largest} bytes.")


def _size(key: str, value: str | None) -> int:
    return len(key.encode()) + len((value or "").encode())


def _no_such_key(key: str) -> ApiError:
    return ApiError("ResourceNotFoundException", f"The store has no key '{key[:80]}'.")


PAGE_KEYS = 50
"""Of ListKeys, and its default."""
