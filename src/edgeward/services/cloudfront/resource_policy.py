"""Resource policies: which other accounts may use a resource.

Kept for a resource as long as it lives; here there is one account, so a policy lets nobody in and shuts nobody out.
Rules: API reference, PutResourcePolicy.
"""

import json
from dataclasses import replace

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Page, Resource, Transaction
from edgeward.services.cloudfront.arns import is_arn, resource_of_arn


def resource_policy_handlers(environment: Environment) -> dict[str, Handler]:
    """The three operations."""
    return {
        "PutResourcePolicy": lambda call: put(environment, call),
        "GetResourcePolicy": lambda call: read(environment, call),
        "DeleteResourcePolicy": lambda call: delete(environment, call),
    }


def put(environment: Environment, call: Call) -> Shape:
    """PutResourcePolicy: sets or replaces the policy of a resource."""
    arn, document = call.members["ResourceArn"], call.members["PolicyDocument"]
    _check_document(document)
    with environment.store.write() as transaction:
        resource = _resource(environment, transaction, arn)
        before, etag = _policy_of(transaction, resource), environment.identifiers.capital("E")
        if before is not None:
            transaction.update(replace(before, config={"Document": document}, etag=etag, modified=call.now), ())
            return {"ResourceArn": arn}
        new = Resource(
            family=FAMILY,
            id=environment.identifiers.uuid(),
            etag=etag,
            config={"Document": document},
            created=call.now,
            modified=call.now,
            parent=resource.id,
        )
        transaction.insert(new, ())
    return {"ResourceArn": arn}


def read(environment: Environment, call: Call) -> Shape:
    """GetResourcePolicy."""
    arn = call.members["ResourceArn"]
    with environment.store.read() as transaction:
        policy = _find(environment, transaction, arn)
    return {"ResourceArn": arn, "PolicyDocument": policy.config["Document"]}


def delete(environment: Environment, call: Call) -> Shape:
    """DeleteResourcePolicy."""
    with environment.store.write() as transaction:
        policy = _find(environment, transaction, call.members["ResourceArn"])
        transaction.delete(FAMILY, policy.id, call.now)
    return {}


def _find(environment: Environment, transaction: Transaction, arn: str) -> Resource:
    policy = _policy_of(transaction, _resource(environment, transaction, arn))
    if policy is None:
        raise ApiError("EntityNotFound", f"The resource '{arn}' has no resource policy.")
    return policy


def _policy_of(transaction: Transaction, resource: Resource) -> Resource | None:
    return next(iter(transaction.page(FAMILY, Page(size=1, parent=resource.id))), None)


def _resource(environment: Environment, transaction: Transaction, arn: str) -> Resource:
    if not is_arn(arn):
        raise ApiError("InvalidArgument", f"'{arn[:120]}' is not the ARN of a CloudFront resource.")
    resource = resource_of_arn(environment.account_id, transaction, arn)
    if resource is None:
        raise ApiError("EntityNotFound", f"There is no resource '{arn}'.")
    if resource.family not in SHARED_FAMILIES:
        raise ApiError("UnsupportedOperation", "Only VPC origins can be shared with other accounts.")
    return resource


def _check_document(document: str) -> None:
    if len(document) > LONGEST_DOCUMENT:
        raise ApiError("InvalidArgument", f"PolicyDocument is longer than {LONGEST_DOCUMENT} characters.")
    try:
        policy = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ApiError("InvalidArgument", "PolicyDocument is not JSON.") from error
    if not isinstance(policy, dict) or not policy.get("Statement"):
        raise ApiError("InvalidArgument", "PolicyDocument has to be an object with a Statement.")


FAMILY = "resource-policy"
SHARED_FAMILIES = frozenset({"vpc-origin"})
LONGEST_DOCUMENT = 20_480
