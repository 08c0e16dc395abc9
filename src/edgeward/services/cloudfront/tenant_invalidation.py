"""Invalidations of distribution tenants.

The same orders as a distribution's, and completed at once: no edge stores anything for a tenant yet. Rules: API
reference, CreateInvalidationForDistributionTenant.
"""

from botocore.model import StructureShape

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import read_page, requested_page, write_page
from edgeward.aws.model import ServiceModel, Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront.distribution.fields import cache_tag_header
from edgeward.services.cloudfront.invalidation import check_batch


def tenant_invalidation_handlers(model: ServiceModel, environment: Environment) -> dict[str, Handler]:
    """The three operations."""
    list_shape = model.shape("InvalidationList")
    assert isinstance(list_shape, StructureShape)
    return {
        "CreateInvalidationForDistributionTenant": lambda call: create(environment, call),
        "GetInvalidationForDistributionTenant": lambda call: read(environment, call),
        "ListInvalidationsForDistributionTenant": lambda call: list_all(environment, call, list_shape),
    }


def create(environment: Environment, call: Call) -> Shape:
    """CreateInvalidationForDistributionTenant; a repeated caller reference answers with the first order."""
    tenant_id, batch = call.members["Id"], call.members["InvalidationBatch"]
    with environment.store.write() as transaction:
        tenant = _require_tenant(transaction, tenant_id)
        distribution = transaction.find("distribution", tenant.config["DistributionId"])
        assert distribution is not None, "a distribution in use by tenants cannot be deleted"
        check_batch(batch, cache_tag_header(distribution.config), environment.quotas)
        reference = batch["CallerReference"]
        order = transaction.find_by_caller_reference(FAMILY, reference, parent=tenant_id)
        if order is not None and order.config != batch:
            raise ApiError("InvalidArgument", f"The caller reference '{reference}' was sent before with other paths.")
        if order is None:
            order = _new_order(environment, call)
            transaction.insert(order, ())
    location = f"{call.origin}/2020-05-31/distribution-tenant/{tenant_id}/invalidation/{order.id}"
    return {"Invalidation": _describe(order), "Location": location}


def read(environment: Environment, call: Call) -> Shape:
    """GetInvalidationForDistributionTenant."""
    tenant_id, order_id = call.members["DistributionTenantId"], call.members["Id"]
    with environment.store.read() as transaction:
        _require_tenant(transaction, tenant_id)
        order = transaction.find(FAMILY, order_id)
    if order is None or order.parent != tenant_id:
        raise ApiError("NoSuchInvalidation", f"The specified invalidation does not exist: '{order_id}'.")
    return {"Invalidation": _describe(order)}


def list_all(environment: Environment, call: Call, list_shape: StructureShape) -> Shape:
    """ListInvalidationsForDistributionTenant, the newest first."""
    page = requested_page(call.members, newest_first=True, parent=call.members["Id"])
    with environment.store.read() as transaction:
        _require_tenant(transaction, call.members["Id"])
        found = read_page(transaction, FAMILY, page)
    return {"InvalidationList": write_page(list_shape, page, found, _summarize)}


def _new_order(environment: Environment, call: Call) -> Resource:
    batch = call.members["InvalidationBatch"]
    return Resource(
        family=FAMILY,
        id=environment.identifiers.capital("I"),
        etag="",
        config=batch,
        created=call.now,
        modified=call.now,
        caller_reference=batch["CallerReference"],
        parent=call.members["Id"],
        status="Completed",
    )


def _require_tenant(transaction: Transaction, tenant_id: str) -> Resource:
    tenant = transaction.find("distribution-tenant", tenant_id)
    if tenant is None:
        raise ApiError("EntityNotFound", f"There is no distribution tenant '{tenant_id}'.")
    return tenant


def _describe(order: Resource) -> Shape:
    return {**_summarize(order), "InvalidationBatch": order.config}


def _summarize(order: Resource) -> Shape:
    return {"Id": order.id, "Status": order.status, "CreateTime": order.created}


FAMILY = "tenant-invalidation"
