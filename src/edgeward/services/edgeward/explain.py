"""The operation `explain-token`: a token with which the responses of one host explain themselves for a few minutes.

Whoever may call the API may read the configuration that explanations speak of. The request is `{"Host": ...}`, the
answer `{"Token", "DistributionId", "Expires"}`. Called through `api`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from edgeward.aws.errors import ApiError
from edgeward.aws.resources import Page, Resource, ResourceStore, Transaction
from edgeward.services.edgeward.api import Operation
from edgeward.services.edgeward.explain_token import explain_token


def issue_token(store: ResourceStore, key: str) -> Operation:
    """The operation, over `store`, with the key that the edges have too."""

    def issue(members: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        host = _host(members)
        with store.read() as transaction:
            distribution_id = distribution_of(transaction, host)
        if distribution_id is None:
            raise ApiError("NoSuchDistribution", f"No distribution has the domain name or alias {host}.")
        expiry = int(now.timestamp()) + LIFETIME_SECONDS
        token = explain_token(key, distribution_id, expiry)
        return {"Token": token, "DistributionId": distribution_id, "Expires": expiry}

    return issue


def distribution_of(transaction: Transaction, host: str) -> str | None:
    """The id of the distribution that answers to `host` (lower case, without port), as an edge would find it."""
    for alias in _aliases_covering(host):
        owners = transaction.referrers("alias", alias)
        if owners:
            return owners[0]
    named = (each.id for each in _distributions(transaction) if each.attributes["DomainName"] == host)
    return next(named, None)


def _aliases_covering(host: str) -> Iterator[str]:
    """The most specific first."""
    yield host
    while "." in host:
        host = host.partition(".")[2]
        yield f"*.{host}"


def _distributions(transaction: Transaction) -> Iterator[Resource]:
    marker = None
    while page := transaction.page("distribution", Page(size=_PAGE, marker=marker)):
        yield from page
        marker = page[-1].id


def _host(members: Mapping[str, Any]) -> str:
    unknown = set(members) - {"Host"}
    if unknown:
        raise ApiError("InvalidArgument", f"{min(unknown)} is no member of this request; it has Host alone.")
    host = members.get("Host")
    if not isinstance(host, str) or not host or ":" in host:
        raise ApiError("InvalidArgument", "Host has to be a domain name without port, such as www.example.com.")
    return host.lower()


LIFETIME_SECONDS = 300
_PAGE = 1000
