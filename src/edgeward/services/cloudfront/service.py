"""CloudFront as the API serves it: every family's operations in one table."""

from edgeward.aws.api import Service
from edgeward.aws.engine import Environment, ResourceEngine
from edgeward.aws.model import ServiceModel
from edgeward.services.cloudfront import (
    cache_policy,
    origin_access_control,
    origin_request_policy,
    response_headers_policy,
)
from edgeward.services.cloudfront.distribution.family import distribution_handlers
from edgeward.services.cloudfront.invalidation import invalidation_handlers
from edgeward.services.cloudfront.tagging import tagging_handlers


def cloudfront(environment: Environment, domain_suffix: str) -> Service:
    """The service over `environment`; new distributions get domain names under `domain_suffix`."""
    model = ServiceModel("cloudfront", API_VERSION)
    families = (cache_policy.SPEC, origin_access_control.SPEC, origin_request_policy.SPEC, response_headers_policy.SPEC)
    generic = [ResourceEngine(spec, model, environment).handlers() for spec in families]
    handlers = {
        **distribution_handlers(model, environment, domain_suffix),
        **invalidation_handlers(model, environment),
        **tagging_handlers(environment),
    }
    for family in generic:
        handlers |= family
    return Service(model=model, handlers=handlers)


API_VERSION = "2020-05-31"
