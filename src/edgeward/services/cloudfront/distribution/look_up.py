"""Finding a distribution by something other than its id."""

from edgeward.aws.listing import every
from edgeward.aws.resources import Resource, Transaction


def distribution_of_domain(transaction: Transaction, domain_name: str) -> Resource | None:
    """The distribution that was given this domain name (`d111111abcdef8.cloudfront.localhost`).

    Reads them all: the quota bounds their number, and only rare calls ask.
    """
    wanted = domain_name.lower()
    distributions = every(transaction, "distribution")
    return next((each for each in distributions if each.attributes["DomainName"] == wanted), None)
