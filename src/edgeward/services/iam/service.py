"""IAM and STS as the API serves them: two services of the query protocol.

What neither has a handler for answers NotImplemented, by name.
"""

from functools import cache

from edgeward.aws.api import Service
from edgeward.aws.engine import Environment
from edgeward.aws.model import ServiceModel
from edgeward.aws.protocol import query
from edgeward.services.iam.demands import iam_demands
from edgeward.services.iam.entities import ROLE, USER
from edgeward.services.iam.guard import Guard
from edgeward.services.iam.inline_policies import inline_policy_handlers
from edgeward.services.iam.managed_policies import attachment_handlers, managed_policy_handlers
from edgeward.services.iam.roles import role_handlers
from edgeward.services.iam.server_certificates import server_certificate_handlers
from edgeward.services.iam.sts import sts_handlers
from edgeward.services.iam.users import user_handlers


def iam(environment: Environment, guard: Guard) -> Service:
    """Users, roles, policies and server certificates over `environment`."""
    handlers = {
        **user_handlers(environment, guard.vault),
        **role_handlers(environment),
        **managed_policy_handlers(environment),
        **server_certificate_handlers(environment, guard.vault),
    }
    for kind in (USER, ROLE):
        handlers |= inline_policy_handlers(environment, kind) | attachment_handlers(environment, kind)
    return Service(
        model=iam_model(),
        handlers=handlers,
        protocol=query,
        codes=_CODES,
        demands=iam_demands(environment.store, environment.account_id),
    )


def sts(environment: Environment, guard: Guard) -> Service:
    """Temporary credentials. Everybody may ask for their own; for those of a role the handler decides."""
    return Service(model=sts_model(), handlers=sts_handlers(environment, guard), protocol=query, codes=_CODES)


@cache
def iam_model() -> ServiceModel:
    """IAM's model: read once, because it never changes."""
    return ServiceModel("iam", IAM_VERSION)


@cache
def sts_model() -> ServiceModel:
    """STS's model: read once, because it never changes."""
    return ServiceModel("sts", STS_VERSION)


IAM_VERSION = "2010-05-08"
STS_VERSION = "2011-06-15"
_CODES = dict.fromkeys(("InvalidArgument", "MalformedInput", "MalformedXML"), "ValidationError")
