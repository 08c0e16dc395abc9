"""Domains across distributions and tenants: who has one, what conflicts with one, and moving it.

A domain has one owner. Moving one changes both owners in one transaction, so that no moment exists in which it has
none or two. Rules: API reference, AssociateAlias, UpdateDomainAssociation, ListConflictingAliases and
ListDomainConflicts; Developer Guide, "Move an alternate domain name".
"""

from dataclasses import replace

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import answer_rows, every, requested_page
from edgeward.aws.model import Operation, ServiceModel, Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.arns import by_any_identifier
from edgeward.services.cloudfront.distribution.aliases import check_aliases
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.distribution.holds import references as distribution_references
from edgeward.services.cloudfront.distribution.names import why_not_a_host_name
from edgeward.services.cloudfront.distribution_tenant import references as tenant_references


def domain_handlers(model: ServiceModel, environment: Environment) -> dict[str, Handler]:
    """The operations."""
    conflicts = model.operations
    return {
        "AssociateAlias": lambda call: associate_alias(environment, call),
        "UpdateDomainAssociation": lambda call: update_association(environment, call),
        "ListConflictingAliases": lambda call: list_aliases(environment, conflicts["ListConflictingAliases"], call),
        "ListDomainConflicts": lambda call: list_conflicts(environment, conflicts["ListDomainConflicts"], call),
        "VerifyDnsConfiguration": lambda call: verify_dns(environment, call),
    }


def associate_alias(environment: Environment, call: Call) -> Shape:
    """AssociateAlias: moves an alias to a distribution, from wherever it is."""
    target_id, alias = call.members["TargetDistributionId"], call.members["Alias"]
    with environment.store.write() as transaction:
        target = transaction.find("distribution", target_id)
        if target is None:
            raise ApiError("NoSuchDistribution", f"The specified distribution does not exist: '{target_id}'.")
        _move(environment, transaction, alias, target, call)
    _settle(environment, transaction)
    return {}


def update_association(environment: Environment, call: Call) -> Shape:
    """UpdateDomainAssociation: moves a domain to a distribution or a tenant, under the target's If-Match."""
    domain = call.members["Domain"]
    with environment.store.write() as transaction:
        target = _named_resource(transaction, call.members["TargetResource"])
        if_match = call.members.get("IfMatch")
        if if_match != target.etag:
            was_current = if_match is not None and transaction.had_etag(target.family, target.id, if_match)
            code = "PreconditionFailed" if was_current else "InvalidIfMatchVersion"
            raise ApiError(code, f"If-Match is not the current ETag of '{target.id}'. Get it again.")
        most = environment.quotas[MOST_DOMAINS[target.family]]
        if domain not in _domains(target) and len(_domains(target)) >= most:
            raise ApiError("InvalidArgument", f"'{target.id}' has {most} domains. Remove one first.")
        moved = _move(environment, transaction, domain, target, call)
    _settle(environment, transaction)
    return {"Domain": domain, "ResourceId": moved.id, "ETag": moved.etag}


def list_aliases(environment: Environment, operation: Operation, call: Call) -> Shape:
    """ListConflictingAliases: the aliases that are the same as one, or overlap with it."""
    page, alias, own_id = requested_page(call.members), call.members["Alias"], call.members["DistributionId"]
    with environment.store.read() as transaction:
        if transaction.find("distribution", own_id) is None:
            raise ApiError("NoSuchDistribution", f"The specified distribution does not exist: '{own_id}'.")
        found = _overlapping(transaction, alias)
    rows = {
        f"{owner.id}:{name}": {"Alias": name, "DistributionId": owner.id, "AccountId": environment.account_id}
        for name, owner in found
        if owner.family == "distribution"
    }
    return answer_rows(operation.output, page, rows, lambda row: row)


def list_conflicts(environment: Environment, operation: Operation, call: Call) -> Shape:
    """ListDomainConflicts: the same over distributions and tenants."""
    page, domain = requested_page(call.members), call.members["Domain"]
    with environment.store.read() as transaction:
        own = _named_resource(transaction, call.members["DomainControlValidationResource"])
        found = _overlapping(transaction, domain)
    rows = {
        f"{owner.id}:{name}": {
            "Domain": name,
            "ResourceType": owner.family,
            "ResourceId": owner.id,
            "AccountId": environment.account_id,
        }
        for name, owner in found
        if owner.id != own.id
    }
    return answer_rows(operation.output, page, rows, lambda row: row)


def verify_dns(environment: Environment, call: Call) -> Shape:
    """VerifyDnsConfiguration: the domains of a tenant; nothing is looked up, and the answer says so."""
    identifier, wanted = call.members["Identifier"], call.members.get("Domain")
    with environment.store.read() as transaction:
        tenant = by_any_identifier(environment.account_id, "distribution-tenant")(transaction, identifier)
    names = _domains(tenant) if tenant is not None else []
    if tenant is None or (wanted is not None and wanted not in names):
        raise ApiError("EntityNotFound", f"There is no distribution tenant '{identifier}' with such a domain.")
    reason = "This version of Edgeward does not look names up in the DNS."
    return {
        "DnsConfigurationList": [
            {"Domain": name, "Status": "unknown-configuration", "Reason": reason}
            for name in names
            if wanted in (None, name)
        ]
    }


def _move(environment: Environment, transaction: Transaction, domain: str, target: Resource, call: Call) -> Resource:
    """Takes a domain from its owner and gives it to `target`."""
    _check_move(domain, target)
    owners = [owner for owner in _owners(transaction, domain) if owner.id != target.id]
    for owner in owners:
        if owner.family == "distribution-tenant" and len(_domains(owner)) == 1:
            raise ApiError("IllegalUpdate", f"'{domain}' is the only domain of the tenant {owner.id}. Delete it.")
        _store(environment, transaction, owner, [name for name in _domains(owner) if name != domain], call)
    if domain in _domains(target):
        return target
    return _store(environment, transaction, target, [*_domains(target), domain], call)


def _check_move(domain: str, target: Resource) -> None:
    advice = why_not_a_host_name(domain.removeprefix("*."))
    if advice is not None or domain != domain.lower():
        raise ApiError("InvalidArgument", f"The domain '{domain[:80]}' {advice or 'has to be in lower case'}.")
    if target.family == "distribution" and target.config["Staging"]:
        raise ApiError("IllegalUpdate", f"'{target.id}' is a staging distribution, which has no aliases.")


def _store(
    environment: Environment, transaction: Transaction, resource: Resource, domains: list[str], call: Call
) -> Resource:
    changed = replace(
        resource,
        config=_with_domains(resource, domains),
        etag=environment.identifiers.capital("E"),
        modified=call.now,
    )
    if resource.family == "distribution":
        check_aliases(changed.config, environment.quotas)
        transaction.update(changed, distribution_references(changed.config))
        transaction.enqueue("distribution", resource.id)
    else:
        transaction.update(changed, tenant_references(changed.config))
    return changed


def _with_domains(resource: Resource, domains: list[str]) -> Shape:
    if resource.family == "distribution":
        aliases = {"Quantity": len(domains)} | ({"Items": domains} if domains else {})
        return {**resource.config, "Aliases": aliases}
    return {**resource.config, "Domains": [{"Domain": domain} for domain in domains]}


def _domains(resource: Resource) -> list[str]:
    if resource.family == "distribution":
        return items_of(resource.config["Aliases"])
    return [each["Domain"] for each in resource.config["Domains"]]


def _owners(transaction: Transaction, domain: str) -> list[Resource]:
    found = (
        transaction.find(family, holder)
        for holder in transaction.referrers("alias", domain)
        for family in OWNING_FAMILIES
    )
    return [owner for owner in found if owner is not None]


def _overlapping(transaction: Transaction, domain: str) -> list[tuple[str, Resource]]:
    """Every name that is `domain`, covers it, or is covered by it, with its owner."""
    return [
        (name, owner)
        for family in OWNING_FAMILIES
        for owner in every(transaction, family)
        for name in _domains(owner)
        if name == domain or _covers(name, domain) or _covers(domain, name)
    ]


def _covers(wildcard: str, name: str) -> bool:
    """`*.example.com` covers the names with one label more, and `*.www.example.com` those below them."""
    return wildcard.startswith("*.") and name.endswith(wildcard[1:]) and name != wildcard


def _named_resource(transaction: Transaction, words: Shape) -> Resource:
    given = [(family, words[member]) for family, member in RESOURCE_MEMBERS.items() if words.get(member)]
    if len(given) != 1:
        raise ApiError("InvalidArgument", "Give DistributionId or DistributionTenantId, and not both.")
    family, word = given[0]
    resource = transaction.find(family, word)
    if resource is None:
        raise ApiError("EntityNotFound", f"There is no {family.replace('-', ' ')} '{word}'.")
    return resource


def _settle(environment: Environment, transaction: Transaction) -> None:
    if transaction.last_position is not None:
        environment.deployment.settle(transaction.last_position)


MOST_DOMAINS = {"distribution": quotas.ALIASES, "distribution-tenant": quotas.TENANT_DOMAINS}
OWNING_FAMILIES = ("distribution", "distribution-tenant")
RESOURCE_MEMBERS = {"distribution": "DistributionId", "distribution-tenant": "DistributionTenantId"}
