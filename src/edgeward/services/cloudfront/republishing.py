"""Changes of shared resources reach the edges through the distributions that use them."""

from edgeward.aws.resources import Resource, Transaction


def republish_users(transaction: Transaction, resource: Resource) -> None:
    """Enqueues every distribution that refers to a changed policy or origin access control."""
    for distribution_id in transaction.referrers(resource.family, resource.id):
        transaction.enqueue("distribution", distribution_id)
