"""ACM as the API serves it. What has no handler answers NotImplemented, by name."""

from functools import cache, partial

from edgeward.aws.api import Service
from edgeward.aws.engine import Environment
from edgeward.aws.model import ServiceModel
from edgeward.aws.protocol import aws_json
from edgeward.services.acm.demands import acm_demands
from edgeward.services.acm.listing import list_certificates
from edgeward.services.acm.operations import certificate_handlers
from edgeward.services.acm.tagging import tagging_handlers
from edgeward.vault import Vault


def acm(environment: Environment, vault: Vault) -> Service:
    """The service over `environment`; private keys are sealed in `vault`."""
    return Service(
        model=acm_model(),
        handlers={
            **certificate_handlers(environment, vault),
            **tagging_handlers(environment),
            "ListCertificates": partial(list_certificates, environment),
        },
        protocol=aws_json,
        codes=aws_json.CODES,
        demands=acm_demands(environment.account_id),
    )


@cache
def acm_model() -> ServiceModel:
    """ACM's model: read once, because it never changes."""
    return ServiceModel("acm", "2015-12-08")
