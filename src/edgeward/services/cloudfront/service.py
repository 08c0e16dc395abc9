"""CloudFront as the API serves it: every family's operations in one table."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from edgeward.aws.api import Service
from edgeward.aws.engine import Environment, ResourceEngine, ResourceSpec
from edgeward.aws.identifiers import Identifiers
from edgeward.aws.model import ServiceModel
from edgeward.services.cloudfront import (
    cache_policy,
    continuous_deployment_policy,
    field_level_encryption,
    key_group,
    origin_access_control,
    origin_access_identity,
    origin_request_policy,
    public_key,
    response_headers_policy,
)
from edgeward.services.cloudfront.anycast_ip_list import anycast_ip_list_spec
from edgeward.services.cloudfront.connection_group import connection_group_handlers
from edgeward.services.cloudfront.demands import cloudfront_demands
from edgeward.services.cloudfront.distribution.family import distribution_handlers
from edgeward.services.cloudfront.distribution_tenant import distribution_tenant_handlers
from edgeward.services.cloudfront.domain import domain_handlers
from edgeward.services.cloudfront.invalidation import invalidation_handlers
from edgeward.services.cloudfront.key_value_store import key_value_store_handlers
from edgeward.services.cloudfront.mistakes import mistake_headers
from edgeward.services.cloudfront.monitoring_subscription import monitoring_subscription_handlers
from edgeward.services.cloudfront.realtime_log_config import realtime_log_config_spec
from edgeward.services.cloudfront.resource_policy import resource_policy_handlers
from edgeward.services.cloudfront.staged_function import CONNECTION_FUNCTION, FUNCTION, function_handlers
from edgeward.services.cloudfront.streaming_distribution import streaming_distribution_handlers
from edgeward.services.cloudfront.tagging import tagging_handlers
from edgeward.services.cloudfront.tenant_invalidation import tenant_invalidation_handlers
from edgeward.services.cloudfront.trust_store import ReadObject, no_bucket, trust_store_handlers
from edgeward.services.cloudfront.vpc_origin import vpc_origin_spec


def cloudfront(environment: Environment, domain_suffix: str, read_object: ReadObject = no_bucket) -> Service:
    """The service over `environment`; new distributions get domain names under `domain_suffix`, new trust stores their
    bundles by `read_object`.
    """
    model = service_model()
    handlers = {
        **distribution_handlers(model, environment, domain_suffix),
        **streaming_distribution_handlers(model, environment, domain_suffix),
        **invalidation_handlers(model, environment),
        **tagging_handlers(environment),
        **monitoring_subscription_handlers(environment),
        **resource_policy_handlers(environment),
        **distribution_tenant_handlers(model, environment, domain_suffix),
        **tenant_invalidation_handlers(model, environment),
        **domain_handlers(model, environment),
        **connection_group_handlers(model, environment, domain_suffix),
        **key_value_store_handlers(model, environment),
        **trust_store_handlers(model, environment, read_object),
        **function_handlers(FUNCTION, model, environment),
        **function_handlers(CONNECTION_FUNCTION, model, environment),
    }
    for spec in (*FAMILIES, *account_families(environment.account_id)):
        handlers |= ResourceEngine(spec, model, environment).handlers()
    demands = cloudfront_demands(environment.store, environment.account_id)
    return Service(
        model=model,
        handlers=handlers,
        missing=NOT_SERVED,
        demands=demands,
        remarks=mistake_headers(environment.store),
    )


def served_operations() -> Collection[str]:
    """The names of all operations that have a handler."""
    unused: Any = None
    environment = Environment(store=unused, deployment=unused, identifiers=Identifiers(), account_id="")
    return cloudfront(environment, "").handlers.keys()


def account_families(account_id: str) -> tuple[ResourceSpec, ...]:
    """The families whose answers name the account, and that need nothing else."""
    return (
        anycast_ip_list_spec(account_id),
        realtime_log_config_spec(account_id),
        vpc_origin_spec(account_id),
    )


@cache
def service_model() -> ServiceModel:
    """CloudFront's model: read once, because it is large and never changes."""
    return ServiceModel("cloudfront", API_VERSION)


API_VERSION = "2020-05-31"

NOT_SERVED: Mapping[str, str] = {
    "TestFunction": "functions do not run yet",
    "TestConnectionFunction": "connection functions do not run yet",
}
"""The operations that answer 501, each with the reason."""

FAMILIES = (
    cache_policy.SPEC,
    continuous_deployment_policy.SPEC,
    field_level_encryption.CONFIG,
    field_level_encryption.PROFILE,
    key_group.SPEC,
    origin_access_control.SPEC,
    origin_access_identity.SPEC,
    origin_request_policy.SPEC,
    public_key.SPEC,
    response_headers_policy.SPEC,
)
"""The families that need nothing but their spec."""
