"""The invalidation family through boto3."""

import json
from collections.abc import Callable
from typing import Any

import pytest


def batch(*paths: str, reference: str = "one") -> dict[str, Any]:
    return {"CallerReference": reference, "Paths": {"Quantity": len(paths), "Items": list(paths)}}


@pytest.fixture
def distribution_id(cloudfront: Any, config: dict[str, Any]) -> str:
    return str(cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"])


def test_an_invalidation_reaches_the_edges_and_is_completed(cloudfront: Any, distribution_id: str, edge: Any) -> None:
    answer = cloudfront.create_invalidation(DistributionId=distribution_id, InvalidationBatch=batch("/a", "/img/*"))

    invalidation = answer["Invalidation"]
    assert invalidation["Status"] == "Completed"
    assert invalidation["InvalidationBatch"] == batch("/a", "/img/*")
    assert answer["Location"].endswith(f"/2020-05-31/distribution/{distribution_id}/invalidation/{invalidation['Id']}")
    assert json.loads(edge.orders[-1]) == {
        "format": 1,
        "distribution": distribution_id,
        "sequence": 3,
        "patterns": ["/a", "/img/*"],
    }
    fetched = cloudfront.get_invalidation(DistributionId=distribution_id, Id=invalidation["Id"])
    assert fetched["Invalidation"] == invalidation


def test_the_same_reference_and_paths_find_the_earlier_invalidation(
    cloudfront: Any, distribution_id: str, edge: Any
) -> None:
    first = cloudfront.create_invalidation(DistributionId=distribution_id, InvalidationBatch=batch("/a"))
    again = cloudfront.create_invalidation(DistributionId=distribution_id, InvalidationBatch=batch("/a"))

    assert again["Invalidation"] == first["Invalidation"]
    assert len(edge.orders) == 1


def test_the_same_reference_with_other_paths_is_refused(
    cloudfront: Any, distribution_id: str, refused: Callable[..., str]
) -> None:
    cloudfront.create_invalidation(DistributionId=distribution_id, InvalidationBatch=batch("/a"))

    code = refused(cloudfront.create_invalidation, DistributionId=distribution_id, InvalidationBatch=batch("/b"))

    assert code == "InvalidationBatchAlreadyExists"


def test_the_list_shows_the_newest_first_and_is_paged(cloudfront: Any, distribution_id: str) -> None:
    ids = [
        cloudfront.create_invalidation(
            DistributionId=distribution_id, InvalidationBatch=batch("/a", reference=str(number))
        )["Invalidation"]["Id"]
        for number in range(5)
    ]

    paginator = cloudfront.get_paginator("list_invalidations")
    pages = paginator.paginate(DistributionId=distribution_id, PaginationConfig={"PageSize": 2})

    assert [item["Id"] for page in pages for item in page["InvalidationList"]["Items"]] == ids[::-1]


def test_orders_are_numbered_in_the_order_of_all_changes(
    cloudfront: Any, config: dict[str, Any], distribution_id: str, edge: Any
) -> None:
    other = cloudfront.create_distribution(DistributionConfig=config | {"CallerReference": "other"})
    for target, reference in [(distribution_id, "1"), (other["Distribution"]["Id"], "1"), (distribution_id, "2")]:
        cloudfront.create_invalidation(DistributionId=target, InvalidationBatch=batch("/a", reference=reference))

    assert [json.loads(order)["sequence"] for order in edge.orders] == [4, 5, 6]


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        ([], "InvalidArgument"),
        (["a"], "InvalidArgument"),
        (["#tag"], "InvalidArgument"),
        (["/" + "a" * 4000], "InvalidArgument"),
        (["/a*b"], "InvalidArgument"),
        (["/**"], "InvalidArgument"),
        (["/a b"], "InvalidArgument"),
        (["/é"], "InvalidArgument"),
        ([f"/{number}" for number in range(3001)], "BatchTooLarge"),
        ([f"/{number}/*" for number in range(16)], "BatchTooLarge"),
    ],
)
def test_a_batch_that_breaks_a_rule_is_refused(
    cloudfront: Any, distribution_id: str, refused: Callable[..., str], paths: list[str], code: str
) -> None:
    order = {"DistributionId": distribution_id, "InvalidationBatch": batch(*paths)}

    assert refused(cloudfront.create_invalidation, **order) == code
    assert cloudfront.list_invalidations(DistributionId=distribution_id)["InvalidationList"]["Quantity"] == 0


@pytest.fixture
def tagging_id(cloudfront: Any, config: dict[str, Any]) -> str:
    """A distribution that reads cache tags."""
    tagging = config | {"CallerReference": "tagging", "CacheTagConfig": {"HeaderName": "Cache-Tag"}}
    return str(cloudfront.create_distribution(DistributionConfig=tagging)["Distribution"]["Id"])


def test_tags_and_paths_go_out_together_and_name_the_header(cloudfront: Any, tagging_id: str, edge: Any) -> None:
    items = batch("/a", "#product:TV", "#a*")
    answer = cloudfront.create_invalidation(DistributionId=tagging_id, InvalidationBatch=items)

    assert answer["Invalidation"]["InvalidationBatch"] == items
    assert json.loads(edge.orders[-1])["patterns"] == ["/a", "#cache-tag:product:TV", "#cache-tag:a*"]


@pytest.mark.parametrize("tag", ["#", "#a,b", "#a b", "#é", "#" + "a" * 257])
def test_what_is_no_tag_is_refused(cloudfront: Any, tagging_id: str, refused: Callable[..., str], tag: str) -> None:
    order = {"DistributionId": tagging_id, "InvalidationBatch": batch("/a", tag)}

    assert refused(cloudfront.create_invalidation, **order) == "InvalidArgument"


def test_a_tag_counts_as_a_path_and_never_as_a_wildcard(
    cloudfront: Any, tagging_id: str, refused: Callable[..., str]
) -> None:
    many = batch(*(f"#{number}" for number in range(3001)))
    stars = batch(*(f"#{number}*" for number in range(16)), "#" + "a" * 256)

    code = refused(cloudfront.create_invalidation, DistributionId=tagging_id, InvalidationBatch=many)
    cloudfront.create_invalidation(DistributionId=tagging_id, InvalidationBatch=stars)

    assert code == "BatchTooLarge"


def test_the_longest_path_and_the_largest_batch_are_accepted(cloudfront: Any, distribution_id: str) -> None:
    paths = ["/" + "a" * 3999, *(f"/{number}" for number in range(2999))]

    cloudfront.create_invalidation(DistributionId=distribution_id, InvalidationBatch=batch(*paths))


def test_an_unknown_distribution_or_invalidation_is_named(
    cloudfront: Any, config: dict[str, Any], distribution_id: str, refused: Callable[..., str]
) -> None:
    other = cloudfront.create_distribution(DistributionConfig=config | {"CallerReference": "other"})
    theirs = cloudfront.create_invalidation(DistributionId=other["Distribution"]["Id"], InvalidationBatch=batch("/a"))[
        "Invalidation"
    ]["Id"]

    assert refused(cloudfront.list_invalidations, DistributionId="E0") == "NoSuchDistribution"
    assert refused(cloudfront.get_invalidation, DistributionId="E0", Id=theirs) == "NoSuchDistribution"
    assert refused(cloudfront.get_invalidation, DistributionId=distribution_id, Id=theirs) == "NoSuchInvalidation"
    order = {"DistributionId": "E0", "InvalidationBatch": batch("/a")}
    assert refused(cloudfront.create_invalidation, **order) == "NoSuchDistribution"


def test_a_bound_is_set_on_wildcards_in_progress(
    build_control_plane: Callable[..., Any],
    connect: Callable[..., Any],
    config: dict[str, Any],
    refused: Callable[..., str],
) -> None:
    class AbsentEdge:
        def plan_sequence(self) -> int:
            raise ConnectionError

        def load_plan(self, _update: bytes) -> int:
            raise ConnectionError

        def invalidate(self, _order: bytes) -> int:
            raise ConnectionError

    plane = build_control_plane(AbsentEdge(), acknowledgement_seconds=0.0)
    plane.start()
    client = connect(plane)
    target = client.create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    first = batch(*(f"/{number}/*" for number in range(15)), reference="first")
    client.create_invalidation(DistributionId=target, InvalidationBatch=first)

    code = refused(client.create_invalidation, DistributionId=target, InvalidationBatch=batch("/*"))
    client.create_invalidation(DistributionId=target, InvalidationBatch=batch("/a"))
    plane.stop()

    assert code == "TooManyInvalidationsInProgress"
