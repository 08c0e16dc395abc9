"""Finding a distribution by something other than its id."""

from edgeward.aws.resources import Page, Resource, Transaction


def distribution_of_domain(transaction: Transaction, domain_name: str) -> Resource | None:
    """The distribution that was given this domain name (`d111111abcdef8.cloudfront.localhost`).

    Reads them all, page by page: the quota bounds their number, and only rare calls ask.
    """
    page = Page(size=PAGE)
    while found := transaction.page("distribution", page):
        for distribution in found:
            if distribution.attributes["DomainName"] == domain_name.lower():
                return distribution
        page = Page(size=PAGE, marker=found[-1].id)
    return None


PAGE = 100
