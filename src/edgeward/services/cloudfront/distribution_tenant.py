"""Distribution tenants: domains that share the configuration of a multi-tenant distribution.

A tenant belongs to a distribution with ConnectionMode tenant-only. This edge serves none yet, so that such a
distribution has to be disabled and the domains of its tenants are inactive. Rules: API reference,
DistributionTenant; Developer Guide, "Create a distribution tenant" and "Quotas".
"""

from collections.abc import Callable, Iterator

from edgeward.aws.engine import Call, Environment, Handler, Proposal, ResourceEngine, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import answer_rows, every, requested_page
from edgeward.aws.model import Operation, ServiceModel, Shape
from edgeward.aws.resources import Reference, Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.arns import arn_of, by_any_identifier
from edgeward.services.cloudfront.connection_group import connection_group_spec, default_group
from edgeward.services.cloudfront.distribution.names import why_not_a_host_name
from edgeward.services.cloudfront.tagging import read_tags, written_tags


def distribution_tenant_handlers(
    model: ServiceModel, environment: Environment, domain_suffix: str
) -> dict[str, Handler]:
    """The operations of the family; the default connection group gets its endpoint under `domain_suffix`."""
    tenants = _Tenants(model, environment, domain_suffix)
    return {
        **tenants.engine.handlers(),
        "CreateDistributionTenant": tenants.create,
        "GetDistributionTenantByDomain": tenants.read_by_domain,
        "ListDistributionTenants": tenants.list_associated,
        "ListDistributionTenantsByCustomization": tenants.list_customized,
        "AssociateDistributionTenantWebACL": tenants.associate_web_acl,
        "DisassociateDistributionTenantWebACL": tenants.disassociate_web_acl,
        "GetManagedCertificateDetails": tenants.read_managed_certificate,
    }


class _Tenants:
    """The verbs of the family."""

    def __init__(self, model: ServiceModel, environment: Environment, domain_suffix: str) -> None:
        self._operations = model.operations
        self._environment = environment
        self._spec = distribution_tenant_spec(environment.account_id)
        self._groups = connection_group_spec(environment.account_id, domain_suffix)
        self.engine = ResourceEngine(self._spec, model, environment)

    def create(self, call: Call) -> Shape:
        """CreateDistributionTenant; without a connection group, in the default one."""
        members = call.members
        if not members.get("ConnectionGroupId"):
            with self._environment.store.write() as transaction:
                group = default_group(self._environment, self._groups, transaction, call.now)
            members = members | {"ConnectionGroupId": group.id}
        return self.engine.add(
            call, read_config(members, None), self._spec.read_tags(members, self._environment.quotas)
        )

    def read_by_domain(self, call: Call) -> Shape:
        """GetDistributionTenantByDomain."""
        domain = call.members["Domain"].lower()
        with self._environment.store.read() as transaction:
            tenant = tenant_of_domain(transaction, domain)
            if tenant is None:
                raise ApiError("EntityNotFound", f"No distribution tenant has the domain '{domain}'.")
            return {"DistributionTenant": self._spec.describe(transaction, tenant), "ETag": tenant.etag}

    def list_associated(self, call: Call) -> Shape:
        """ListDistributionTenants: all, or those of a distribution or a connection group."""
        wanted = call.members.get("AssociationFilter", {})
        return self._list(
            self._operations["ListDistributionTenants"],
            call,
            lambda tenant: all(tenant.config.get(member) == value for member, value in wanted.items()),
        )

    def list_customized(self, call: Call) -> Shape:
        """ListDistributionTenantsByCustomization: those with a web ACL or a certificate of their own."""
        web_acl, certificate = call.members.get("WebACLArn"), call.members.get("CertificateArn")
        if (web_acl is None) == (certificate is None):
            raise ApiError("InvalidArgument", "Give WebACLArn or CertificateArn, and not both.")

        def is_wanted(tenant: Resource) -> bool:
            customizations = tenant.config.get("Customizations", {})
            if web_acl is not None:
                return bool(customizations.get("WebAcl", {}).get("Arn") == web_acl)
            return bool(customizations.get("Certificate", {}).get("Arn") == certificate)

        return self._list(self._operations["ListDistributionTenantsByCustomization"], call, is_wanted)

    def associate_web_acl(self, call: Call) -> Shape:
        """AssociateDistributionTenantWebACL: a web ACL of its own in place of the distribution's."""
        arn = call.members["WebACLArn"]
        return {**self._customize(call, {"WebAcl": {"Action": "override", "Arn": arn}}), "WebACLArn": arn}

    def disassociate_web_acl(self, call: Call) -> Shape:
        """DisassociateDistributionTenantWebACL."""
        return self._customize(call, {"WebAcl": None})

    def read_managed_certificate(self, call: Call) -> Shape:
        """GetManagedCertificateDetails: no tenant has one, because asking for one is refused."""
        with self._environment.store.read() as transaction:
            tenant = self.engine.find(transaction, call.members["Identifier"])
        raise ApiError("EntityNotFound", f"The distribution tenant '{tenant.id}' has no managed certificate.")

    def _list(self, operation: Operation, call: Call, is_wanted: Callable[[Resource], bool]) -> Shape:
        page = requested_page(call.members)
        with self._environment.store.read() as transaction:
            rows = {tenant.id: tenant for tenant in every(transaction, FAMILY) if is_wanted(tenant)}
            return answer_rows(operation.output, page, rows, lambda tenant: self._spec.summarize(transaction, tenant))

    def _customize(self, call: Call, change: Shape) -> Shape:
        with self._environment.store.read() as transaction:
            tenant = self.engine.find(transaction, call.members["Id"])
        merged = {**tenant.config.get("Customizations", {}), **change}
        customizations = {name: value for name, value in merged.items() if value is not None}
        changed = self.engine.change(call, tenant.id, {**tenant.config, "Customizations": customizations})
        return {"Id": tenant.id, "ETag": changed["ETag"]}


def distribution_tenant_spec(account_id: str) -> ResourceSpec:
    """The family, for one account."""

    def summarize(_transaction: Transaction, tenant: Resource) -> Shape:
        return {
            "Id": tenant.id,
            "Arn": arn_of(account_id, FAMILY, tenant.id),
            **tenant.config,
            "Domains": [{"Domain": each["Domain"], "Status": "inactive"} for each in tenant.config["Domains"]],
            "CreatedTime": tenant.created,
            "LastModifiedTime": tenant.modified,
            "ETag": tenant.etag,
            "Status": "Deployed",
        }

    def describe(transaction: Transaction, tenant: Resource) -> Shape:
        tags = written_tags(transaction, tenant)
        return {**summarize(transaction, tenant), **({"Tags": tags} if tags["Items"] else {})}

    return ResourceSpec(
        family=FAMILY,
        noun="DistributionTenant",
        plural="DistributionTenants",
        no_such="EntityNotFound",
        already_exists="EntityAlreadyExists",
        name_member="Name",
        quota=quotas.TENANTS,
        new_id=lambda identifiers: identifiers.tagged("dt"),
        identify=lambda members: str(members.get("Identifier") or members.get("Id")),
        look_up=by_any_identifier(account_id, FAMILY),
        read_config=read_config,
        read_tags=lambda members, limits: read_tags(members.get("Tags", {}), limits),
        check=check,
        check_delete=check_delete,
        references=references,
        describe=describe,
        summarize=summarize,
    )


def read_config(members: Shape, before: Resource | None) -> Shape:
    """The configuration of an input; an update keeps what it does not name."""
    kept = {"Enabled": True} if before is None else before.config
    return {**kept, **{name: members[name] for name in MEMBERS if name in members}}


def check(proposal: Proposal) -> None:
    """The rules that the shape does not state. Raises ApiError."""
    config = proposal.config
    if "ManagedCertificateRequest" in config:
        raise ApiError("InvalidArgument", "ManagedCertificateRequest: managed certificates are not there yet.")
    distribution = _distribution(proposal.transaction, config["DistributionId"])
    _check_domains(proposal)
    _check_parameters(config.get("Parameters", []), distribution.config, proposal.quotas[quotas.TENANT_PARAMETERS])
    _check_customizations(config.get("Customizations", {}))
    if proposal.transaction.find("connection-group", config["ConnectionGroupId"]) is None:
        raise ApiError("EntityNotFound", f"There is no connection group '{config['ConnectionGroupId']}'.")


def check_delete(_transaction: Transaction, tenant: Resource) -> None:
    """A tenant is disabled before it is deleted."""
    if tenant.config["Enabled"]:
        raise ApiError("ResourceNotDisabled", "The distribution tenant is enabled. Update it with Enabled false first.")


def references(config: Shape) -> Iterator[Reference]:
    """The domains it owns, as aliases are owned; its distribution and its connection group."""
    for domain in config["Domains"]:
        yield Reference(kind="alias", target=domain["Domain"])
    yield Reference(kind="distribution", target=config["DistributionId"])
    yield Reference(kind="connection-group", target=config["ConnectionGroupId"])


def tenant_of_domain(transaction: Transaction, domain: str) -> Resource | None:
    """The tenant that has a domain."""
    holders = (transaction.find(FAMILY, holder) for holder in transaction.referrers("alias", domain))
    return next((tenant for tenant in holders if tenant is not None), None)


def _distribution(transaction: Transaction, distribution_id: str) -> Resource:
    distribution = transaction.find("distribution", distribution_id)
    if distribution is None:
        raise ApiError("EntityNotFound", f"There is no distribution '{distribution_id}'.")
    if distribution.config.get("ConnectionMode") != "tenant-only":
        raise ApiError("InvalidAssociation", f"The distribution {distribution_id} is not multi-tenant.")
    return distribution


def _check_domains(proposal: Proposal) -> None:
    domains = [each["Domain"] for each in proposal.config["Domains"]]
    most = proposal.quotas[quotas.TENANT_DOMAINS]
    if not 1 <= len(domains) <= most or len(set(domains)) < len(domains):
        raise ApiError(quotas.TENANT_DOMAINS.error, f"Domains has to name 1 to {most} domains, each once.")
    own_id = proposal.before.id if proposal.before is not None else None
    for domain in domains:
        advice = why_not_a_host_name(domain.removeprefix("*."))
        if advice is not None or domain != domain.lower():
            raise ApiError("InvalidArgument", f"The domain '{domain[:80]}' {advice or 'has to be in lower case'}.")
        owners = [owner for owner in proposal.transaction.referrers("alias", domain) if owner != own_id]
        if owners:
            raise ApiError("CNAMEAlreadyExists", f"The domain '{domain}' belongs to {owners[0]} already.")


def _check_parameters(parameters: list[Shape], distribution: Shape, most: int) -> None:
    if len(parameters) > most:
        raise ApiError(quotas.TENANT_PARAMETERS.error, f"A tenant has at most {most} parameters.")
    defined = {each["Name"]: each for each in distribution.get("TenantConfig", {}).get("ParameterDefinitions", [])}
    given = [each["Name"] for each in parameters]
    unknown = [name for name in given if name not in defined]
    if unknown or len(set(given)) < len(given):
        raise ApiError("InvalidArgument", "Parameters names one that the distribution does not define, or one twice.")
    for name, definition in defined.items():
        schema = definition["Definition"].get("StringSchema", {})
        if schema.get("Required") and "DefaultValue" not in schema and name not in given:
            raise ApiError("InvalidArgument", f"Parameters has no value for '{name}', which the distribution requires.")


def _check_customizations(customizations: Shape) -> None:
    web_acl = customizations.get("WebAcl")
    if web_acl is not None and (web_acl["Action"] == "override") != bool(web_acl.get("Arn")):
        raise ApiError("InvalidArgument", "WebAcl has an Arn if its Action is override, and only then.")
    restrictions = customizations.get("GeoRestrictions")
    if restrictions is not None and (restrictions["RestrictionType"] == "none") == bool(restrictions.get("Locations")):
        raise ApiError("InvalidArgument", "GeoRestrictions has Locations unless its RestrictionType is none.")


FAMILY = "distribution-tenant"
MEMBERS = (
    "DistributionId",
    "Name",
    "Domains",
    "Customizations",
    "Parameters",
    "ConnectionGroupId",
    "ManagedCertificateRequest",
    "Enabled",
)
