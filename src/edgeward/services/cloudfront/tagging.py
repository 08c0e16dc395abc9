"""Tags on resources, addressed by ARN: TagResource, UntagResource, ListTagsForResource.

Invariant: a resource has as many tags as its quota allows, none with AWS's own prefix. Rules: API reference,
TagResource; Developer Guide, "Tag a distribution". The shape of keys and values is checked by the model.
"""

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.quotas import Quotas
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.arns import is_arn, resource_of_arn


def tagging_handlers(environment: Environment) -> dict[str, Handler]:
    """The three operations."""
    return {
        "TagResource": lambda call: tag(environment, call),
        "UntagResource": lambda call: untag(environment, call),
        "ListTagsForResource": lambda call: list_tags(environment, call),
    }


def tag(environment: Environment, call: Call) -> Shape:
    """TagResource: adds tags and replaces those of the same key."""
    with environment.store.write() as transaction:
        resource = _tagged_resource(environment, transaction, call.members["Resource"])
        sent = read_tags(call.members["Tags"], environment.quotas)
        tags = transaction.tags(resource.family, resource.id) | sent
        _check_number(tags, environment.quotas)
        transaction.put_tags(resource.family, resource.id, tags)
    return {}


def untag(environment: Environment, call: Call) -> Shape:
    """UntagResource: removes the tags of the given keys; a key that is not there is no error."""
    with environment.store.write() as transaction:
        resource = _tagged_resource(environment, transaction, call.members["Resource"])
        unwanted = call.members["TagKeys"].get("Items", [])
        tags = transaction.tags(resource.family, resource.id)
        kept = {key: value for key, value in tags.items() if key not in unwanted}
        transaction.put_tags(resource.family, resource.id, kept)
    return {}


def list_tags(environment: Environment, call: Call) -> Shape:
    """ListTagsForResource."""
    with environment.store.read() as transaction:
        resource = _tagged_resource(environment, transaction, call.members["Resource"])
        return {"Tags": written_tags(transaction, resource)}


def written_tags(transaction: Transaction, resource: Resource) -> Shape:
    """The tags of a resource, as a Tags structure."""
    tags = transaction.tags(resource.family, resource.id)
    return {"Items": [{"Key": key, "Value": value} for key, value in tags.items()]}


def read_tags(tags: Shape, limits: Quotas, code: str = quotas.TAGS.error) -> dict[str, str]:
    """The tags of a Tags structure by key. Raises ApiError `code`; not every Create knows `InvalidTagging`."""
    found: dict[str, str] = {}
    for item in tags.get("Items", []):
        key = item["Key"]
        if key.lower().startswith(RESERVED_PREFIX):
            raise ApiError(code, f"The tag key '{key}' begins with '{RESERVED_PREFIX}', which AWS reserves.")
        if key in found:
            raise ApiError(code, f"The tag key '{key}' is given twice.")
        found[key] = item.get("Value", "")
    _check_number(found, limits, code)
    return found


def _check_number(tags: dict[str, str], limits: Quotas, code: str = quotas.TAGS.error) -> None:
    most = limits[quotas.TAGS]
    if len(tags) > most:
        raise ApiError(code, f"A resource can have {most} tags, not {len(tags)}. Remove some first.")


def _tagged_resource(environment: Environment, transaction: Transaction, arn: str) -> Resource:
    if not is_arn(arn):
        raise ApiError("InvalidArgument", f"'{arn}' is not the ARN of a CloudFront resource that can have tags.")
    resource = resource_of_arn(environment.account_id, transaction, arn)
    if resource is None or resource.family in UNTAGGED_FAMILIES:
        raise ApiError("NoSuchResource", f"There is no resource '{arn}' that can have tags.")
    return resource


UNTAGGED_FAMILIES = frozenset({"realtime-log-config"})
RESERVED_PREFIX = "aws:"
