"""ACM as the API serves it. What has no handler answers NotImplemented, by name."""

from functools import cache, partial

from edgeward.aws.api import Service
from edgeward.aws.engine import Environment, Handler
from edgeward.aws.model import ServiceModel
from edgeward.aws.protocol import aws_json
from edgeward.services.acm.changing import changing_handlers
from edgeward.services.acm.demands import acm_demands
from edgeward.services.acm.issuing import Issuer
from edgeward.services.acm.listing import list_certificates
from edgeward.services.acm.operations import certificate_handlers
from edgeward.services.acm.requesting import request_certificate
from edgeward.services.acm.tagging import tagging_handlers
from edgeward.vault import Vault


def acm(environment: Environment, vault: Vault, issuer: Issuer, *, has_ca: bool) -> Service:
    """The service over `environment`; private keys are sealed in `vault`, certificates asked for signed by `issuer`,
    or by a CA that validates names, if there is one.
    """
    handlers: dict[str, Handler] = {
        **certificate_handlers(environment, vault),
        **changing_handlers(environment, vault, issuer),
        **tagging_handlers(environment),
        "ListCertificates": partial(list_certificates, environment),
        "RequestCertificate": partial(request_certificate, environment, vault, issuer, has_ca=has_ca),
    }
    return Service(
        model=acm_model(),
        handlers=handlers,
        protocol=aws_json,
        codes=aws_json.CODES,
        demands=acm_demands(environment.account_id),
    )


@cache
def acm_model() -> ServiceModel:
    """ACM's model: read once, because it never changes."""
    return ServiceModel("acm", "2015-12-08")
