"""Tags on certificates. Rules: API reference, AddTagsToCertificate and RemoveTagsFromCertificate."""

from collections.abc import Iterable
from functools import partial

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.services.acm import certificates, quotas
from edgeward.services.acm.certificates import FAMILY


def tagging_handlers(environment: Environment) -> dict[str, Handler]:
    """The three operations."""
    return {
        "AddTagsToCertificate": partial(add_tags, environment),
        "RemoveTagsFromCertificate": partial(remove_tags, environment),
        "ListTagsForCertificate": partial(list_tags, environment),
    }


def add_tags(environment: Environment, call: Call) -> Shape:
    """AddTagsToCertificate: adds tags and replaces those of the same key."""
    with environment.store.write() as transaction:
        certificate = certificates.find(transaction, call.members["CertificateArn"])
        tags = transaction.tags(FAMILY, certificate.id) | read_tags(call.members["Tags"])
        _refuse_too_many(tags)
        transaction.put_tags(FAMILY, certificate.id, tags)
    return {}


def remove_tags(environment: Environment, call: Call) -> Shape:
    """RemoveTagsFromCertificate: by key, or by key and value where a value is given."""
    with environment.store.write() as transaction:
        certificate = certificates.find(transaction, call.members["CertificateArn"])
        tags = transaction.tags(FAMILY, certificate.id)
        unwanted = {each["Key"] for each in call.members["Tags"] if each.get("Value") in (None, tags.get(each["Key"]))}
        kept = {key: value for key, value in tags.items() if key not in unwanted}
        transaction.put_tags(FAMILY, certificate.id, kept)
    return {}


def list_tags(environment: Environment, call: Call) -> Shape:
    """ListTagsForCertificate."""
    with environment.store.read() as transaction:
        certificate = certificates.find(transaction, call.members["CertificateArn"])
        tags = transaction.tags(FAMILY, certificate.id)
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def read_tags(tags: Iterable[Shape]) -> dict[str, str]:
    """The tags by key. Raises ApiError `InvalidTagException` or `TooManyTagsException`."""
    found: dict[str, str] = {}
    for tag in tags:
        key, value = tag["Key"], tag.get("Value", "")
        if key.lower().startswith(RESERVED_PREFIX) or value.lower().startswith(RESERVED_PREFIX):
            raise ApiError("InvalidTagException", f"The tag '{key}' uses the prefix '{RESERVED_PREFIX}' of AWS's own.")
        if key in found:
            raise ApiError("InvalidTagException", f"The tag key '{key}' is given twice.")
        found[key] = value
    _refuse_too_many(found)
    return found


def _refuse_too_many(tags: dict[str, str]) -> None:
    if len(tags) > quotas.TAGS:
        message = f"A certificate can have {quotas.TAGS} tags, not {len(tags)}. Remove some first."
        raise ApiError("TooManyTagsException", message)


RESERVED_PREFIX = "aws:"
