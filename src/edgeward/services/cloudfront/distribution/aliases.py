"""The rules of alternate domain names (aliases, CNAMEs).

An alias belongs to one distribution at a time, letter for letter: `*.example.com` and `www.example.com` may
belong to different ones, and the more specific wins at the edge (Developer Guide, "Use custom URLs by
adding alternate domain names"). Called by `rules`.

Differs from CloudFront: an alias needs no certificate here, because the local authority issues one for it.
"""

from edgeward.aws.model import Shape
from edgeward.aws.quotas import Quotas
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.distribution.fields import Field, items_of
from edgeward.services.cloudfront.distribution.names import why_not_a_host_name
from edgeward.services.cloudfront.distribution.references import References


def check_aliases(config: Shape, limits: Quotas) -> None:
    """Each alias is a lower-case domain name, said once; not too many of them."""
    at = Field("DistributionConfig.Aliases")
    aliases = items_of(config["Aliases"])
    most = limits[quotas.ALIASES]
    if len(aliases) > most:
        message = f"{len(aliases)} aliases; a distribution has at most {most}"
        raise at.refused(message, quotas.ALIASES.error)
    seen: set[str] = set()
    for alias in aliases:
        _check_alias(at.item(alias), alias)
        if alias in seen:
            raise at.item(alias).refused("is listed twice; list each alias once")
        seen.add(alias)


def check_alias_owners(config: Shape, references: References) -> None:
    """No other distribution has one of the aliases."""
    for alias in items_of(config["Aliases"]):
        owner = references.alias_owner(alias)
        if owner is not None:
            at = Field("DistributionConfig.Aliases").item(alias)
            message = f"belongs to distribution {owner} already; remove it there first"
            raise at.refused(message, "CNAMEAlreadyExists")


def _check_alias(at: Field, alias: str) -> None:
    name = alias.removeprefix("*.")
    if "*" in name:
        raise at.refused("a wildcard stands for the whole first label of a name, as in *.example.com")
    advice = why_not_a_host_name(name)
    if advice is not None:
        raise at.refused(advice)
    if "." not in name:
        raise at.refused("is a single label; give a full name such as www.example.com")
    if alias != alias.lower():
        raise at.refused("has capital letters; write it in lower case")
    if f".{name}".endswith(_DISTRIBUTION_DOMAINS):
        raise at.refused("is below the domain of the distributions' own names; use another domain")


# A name under these could be the name CloudFront gave to someone else's distribution.
_DISTRIBUTION_DOMAINS = (".cloudfront.net", ".cloudfront.localhost")
