"""The service as the API serves it: its model, its handlers, and its words for the errors that all services have."""

from functools import cache

from edgeward.aws.api import Service
from edgeward.aws.engine import Environment
from edgeward.aws.model import ServiceModel
from edgeward.aws.protocol import rest_json
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
    )


@cache
def service_model() -> ServiceModel:
    """The service's model: read once, because it never changes."""
    return ServiceModel("cloudfront-keyvaluestore", API_VERSION)


API_VERSION = "2022-07-26"
