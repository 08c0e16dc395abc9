"""Monitoring subscriptions: whether a distribution has the additional metrics.

One for each distribution, which it ends with. Rules: API reference, MonitoringSubscription.
"""

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Page, Resource, Transaction


def monitoring_subscription_handlers(environment: Environment) -> dict[str, Handler]:
    """The three operations."""
    return {
        "CreateMonitoringSubscription": lambda call: create(environment, call),
        "GetMonitoringSubscription": lambda call: read(environment, call),
        "DeleteMonitoringSubscription": lambda call: delete(environment, call),
    }


def create(environment: Environment, call: Call) -> Shape:
    """CreateMonitoringSubscription."""
    distribution_id, subscription = call.members["DistributionId"], call.members["MonitoringSubscription"]
    if "RealtimeMetricsSubscriptionConfig" not in subscription:
        raise ApiError("MalformedInput", "RealtimeMetricsSubscriptionConfig is missing. Say Enabled or Disabled.")
    with environment.store.write() as transaction:
        _require_distribution(transaction, distribution_id)
        if subscription_of(transaction, distribution_id) is not None:
            raise ApiError(
                "MonitoringSubscriptionAlreadyExists",
                f"The distribution {distribution_id} has a monitoring subscription. Delete it first.",
            )
        new = Resource(
            family=FAMILY,
            id=environment.identifiers.uuid(),
            etag=environment.identifiers.capital("E"),
            config=subscription,
            created=call.now,
            modified=call.now,
            parent=distribution_id,
        )
        transaction.insert(new, ())
    return {"MonitoringSubscription": subscription}


def read(environment: Environment, call: Call) -> Shape:
    """GetMonitoringSubscription."""
    with environment.store.read() as transaction:
        return {"MonitoringSubscription": _find(transaction, call).config}


def delete(environment: Environment, call: Call) -> Shape:
    """DeleteMonitoringSubscription."""
    with environment.store.write() as transaction:
        transaction.delete(FAMILY, _find(transaction, call).id, call.now)
    return {}


def subscription_of(transaction: Transaction, distribution_id: str) -> Resource | None:
    """The subscription of a distribution."""
    return next(iter(transaction.page(FAMILY, Page(size=1, parent=distribution_id))), None)


def _find(transaction: Transaction, call: Call) -> Resource:
    distribution_id = call.members["DistributionId"]
    _require_distribution(transaction, distribution_id)
    subscription = subscription_of(transaction, distribution_id)
    if subscription is None:
        raise ApiError(
            "NoSuchMonitoringSubscription", f"The distribution {distribution_id} has no monitoring subscription."
        )
    return subscription


def _require_distribution(transaction: Transaction, distribution_id: str) -> None:
    if transaction.find("distribution", distribution_id) is None:
        raise ApiError("NoSuchDistribution", f"The specified distribution does not exist: '{distribution_id}'.")


FAMILY = "monitoring-subscription"
