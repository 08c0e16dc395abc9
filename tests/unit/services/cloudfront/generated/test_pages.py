"""Every paginator and waiter of the SDK, driven by real resources."""

from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import StructureShape

from unit.services.cloudfront.generated.samples import SAMPLES, call, distribution, streaming_config

LOADER = botocore.session.get_session().get_component("data_loader")
PAGINATORS = LOADER.load_service_model("cloudfront", "paginators-1")["pagination"]
MODEL = botocore.session.get_session().get_service_model("cloudfront")


def is_free(name: str) -> bool:
    shape = MODEL.operation_model(name).input_shape
    return shape is None or not shape.required_members


FREE = sorted(name for name in PAGINATORS if is_free(name))
"""Listings of all there is; the others list what belongs to one thing."""


@pytest.mark.parametrize("name", FREE)
def test_pages_of_one_item_hold_what_one_page_holds(cloudfront: Any, name: str) -> None:
    for _ in range(3):
        members = SAMPLES[name](cloudfront)
    filters = {member: value for member, value in members.items() if member not in ("MaxItems", "Marker")}

    whole = items_of(name, call(cloudfront, name, filters))
    pages = list(cloudfront.get_paginator(xform_name(name)).paginate(**filters, PaginationConfig={"PageSize": 1}))

    assert all(len(items_of(name, page)) <= 1 for page in pages)
    assert [item for page in pages for item in items_of(name, page)] == whole
    assert whole


def items_of(name: str, answer: dict[str, Any]) -> list[Any]:
    """The items of a listing, wherever its output has them."""
    output = MODEL.operation_model(name).output_shape
    assert output is not None
    (content,) = (member for member in output.members if member != "NextMarker")
    if isinstance(output.members[content], StructureShape):
        found = answer[content].get("Items", [])
    else:
        found = answer.get(content, [])
    return list(found)


def test_every_waiter_returns_at_its_first_poll(cloudfront: Any) -> None:
    once = {"Delay": 0, "MaxAttempts": 1}
    made = distribution(cloudfront)["Distribution"]["Id"]
    streaming = cloudfront.create_streaming_distribution(StreamingDistributionConfig=streaming_config())
    invalidation = SAMPLES["GetInvalidation"](cloudfront)
    of_tenant = SAMPLES["GetInvalidationForDistributionTenant"](cloudfront)
    targets = {
        "distribution_deployed": {"Id": made},
        "invalidation_completed": invalidation,
        "invalidation_for_distribution_tenant_completed": of_tenant,
        "streaming_distribution_deployed": {"Id": streaming["StreamingDistribution"]["Id"]},
    }

    assert sorted(targets) == sorted(cloudfront.waiter_names)
    for name, target in targets.items():
        cloudfront.get_waiter(name).wait(**target, WaiterConfig=once)
