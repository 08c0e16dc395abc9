"""The service as the API serves it: its model, its handlers, and its words for the errors that all services have."""

from functools import cache

from edgeward.aws.access import Caller, Demand
from edgeward.aws.api import Service
from edgeward.aws.engine import Environment
from edgeward.aws.model import Operation, ServiceModel, Shape
from edgeward.aws.protocol import rest_json
from edgeward.services.cloudfront.arns import canonical_arn
from edgeward.services.key_value_store.keys import key_handlers


def key_value_store(environment: Environment) -> Service:
    """The service over `environment`."""
    return Service(
        model=service_model(),
        handlers=key_handlers(environment),
        protocol=rest_json,
        codes=dict.fromkeys(
            ("InvalidArgument", "InvalidIfMatchVersion", "MalformedInput", "MalformedXML"), "ValidationException"
        ),
        demands=demands,
    )


def demands(_caller: Caller, operation: Operation, members: Shape) -> list[Demand]:
    """What a call needs to be allowed: its action, on the store that its path names."""
    return [Demand(action=f"{SIGNING_NAME}:{operation.name}", resource=canonical_arn(members.get("KvsARN", "*")))]


@cache
def service_model() -> ServiceModel:
    """The service's model: read once, because it never changes."""
    return ServiceModel(SIGNING_NAME, API_VERSION)


API_VERSION = "2022-07-26"
SIGNING_NAME = "cloudfront-keyvaluestore"
