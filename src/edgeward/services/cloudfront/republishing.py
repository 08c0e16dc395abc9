"""Changes of shared resources reach the edges through the distributions that use them."""

from edgeward.aws.resources import Resource, Transaction


def republish_users(transaction: Transaction, resource: Resource) -> None:
    """Enqueues every distribution that refers to a changed policy or origin access control by its id."""
    republish_holders(transaction, resource.family, resource.id)


def republish_users_by_name(transaction: Transaction, resource: Resource) -> None:
    """The same for a family that distributions refer to by name."""
    republish_holders(transaction, resource.family, resource.name or "")


def republish_holders(transaction: Transaction, kind: str, target: str) -> None:
    """Enqueues every distribution that holds a reference; other families may hold it too."""
    for holder in transaction.referrers(kind, target):
        if transaction.find("distribution", holder) is not None:
            transaction.enqueue("distribution", holder)
