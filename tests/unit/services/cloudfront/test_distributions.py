"""The distribution family through boto3."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_a_distribution_is_created_deployed_and_echoed(cloudfront: Any, config: dict[str, Any]) -> None:
    answer = cloudfront.create_distribution(DistributionConfig=config)

    distribution = answer["Distribution"]
    assert re.fullmatch(r"E[A-Z0-9]{13}", distribution["Id"])
    assert re.fullmatch(r"d[a-z0-9]{13}\.cloudfront\.localhost", distribution["DomainName"])
    assert distribution["ARN"] == f"arn:aws:cloudfront::123456789012:distribution/{distribution['Id']}"
    assert distribution["Status"] == "Deployed"
    assert distribution["InProgressInvalidationBatches"] == 0
    assert answer["Location"] == f"http://127.0.0.1:4566/2020-05-31/distribution/{distribution['Id']}"
    fetched = cloudfront.get_distribution(Id=distribution["Id"])
    assert fetched["Distribution"] == distribution
    assert fetched["ETag"] == answer["ETag"]
    assert distribution["DistributionConfig"]["DefaultCacheBehavior"].items() >= config["DefaultCacheBehavior"].items()


def test_both_waiters_return_at_their_first_poll(cloudfront: Any, config: dict[str, Any]) -> None:
    distribution_id = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    batch = {"CallerReference": "one", "Paths": {"Quantity": 1, "Items": ["/*"]}}
    invalidation = cloudfront.create_invalidation(DistributionId=distribution_id, InvalidationBatch=batch)

    once = {"Delay": 0, "MaxAttempts": 1}
    cloudfront.get_waiter("distribution_deployed").wait(Id=distribution_id, WaiterConfig=once)
    cloudfront.get_waiter("invalidation_completed").wait(
        DistributionId=distribution_id, Id=invalidation["Invalidation"]["Id"], WaiterConfig=once
    )


def test_an_update_needs_the_current_etag_and_renews_it(
    cloudfront: Any, config: dict[str, Any], refused: Callable[..., str]
) -> None:
    created = cloudfront.create_distribution(DistributionConfig=config)
    distribution_id, first = created["Distribution"]["Id"], created["ETag"]
    changed = created["Distribution"]["DistributionConfig"] | {"Comment": "changed"}

    updated = cloudfront.update_distribution(Id=distribution_id, DistributionConfig=changed, IfMatch=first)

    assert updated["ETag"] != first
    assert updated["Distribution"]["DistributionConfig"]["Comment"] == "changed"
    update = {"operation": cloudfront.update_distribution, "Id": distribution_id, "DistributionConfig": changed}
    assert refused(**update, IfMatch=first) == "PreconditionFailed"
    assert refused(**update, IfMatch="E00000000000000") == "InvalidIfMatchVersion"
    assert refused(**update) == "InvalidIfMatchVersion"
    assert cloudfront.get_distribution_config(Id=distribution_id)["ETag"] == updated["ETag"]


def test_an_update_cannot_change_the_caller_reference(
    cloudfront: Any, config: dict[str, Any], refused: Callable[..., str]
) -> None:
    created = cloudfront.create_distribution(DistributionConfig=config)

    code = refused(
        cloudfront.update_distribution,
        Id=created["Distribution"]["Id"],
        DistributionConfig=config | {"CallerReference": "second"},
        IfMatch=created["ETag"],
    )

    assert code == "IllegalUpdate"


def test_a_used_caller_reference_is_refused_until_its_distribution_is_gone(
    cloudfront: Any, config: dict[str, Any], refused: Callable[..., str]
) -> None:
    created = cloudfront.create_distribution(DistributionConfig=config | {"Enabled": False})

    assert refused(cloudfront.create_distribution, DistributionConfig=config) == "DistributionAlreadyExists"
    cloudfront.delete_distribution(Id=created["Distribution"]["Id"], IfMatch=created["ETag"])
    cloudfront.create_distribution(DistributionConfig=config)


def test_only_a_disabled_distribution_can_be_deleted(
    cloudfront: Any, config: dict[str, Any], refused: Callable[..., str], edge: Any
) -> None:
    created = cloudfront.create_distribution(DistributionConfig=config)
    distribution_id = created["Distribution"]["Id"]
    delete = {"operation": cloudfront.delete_distribution, "Id": distribution_id}

    assert refused(**delete, IfMatch=created["ETag"]) == "DistributionNotDisabled"
    disabled = cloudfront.update_distribution(
        Id=distribution_id, DistributionConfig=config | {"Enabled": False}, IfMatch=created["ETag"]
    )
    assert refused(**delete, IfMatch=created["ETag"]) == "PreconditionFailed"
    cloudfront.delete_distribution(Id=distribution_id, IfMatch=disabled["ETag"])
    assert refused(cloudfront.get_distribution, Id=distribution_id) == "NoSuchDistribution"
    assert refused(**delete, IfMatch=disabled["ETag"]) == "NoSuchDistribution"
    assert json.loads(edge.plans[-1])["distributions"] == {distribution_id: None}


def test_an_alias_belongs_to_one_distribution_at_a_time(
    cloudfront: Any, config: dict[str, Any], refused: Callable[..., str]
) -> None:
    aliases = {"Quantity": 1, "Items": ["www.example.com"]}
    first = cloudfront.create_distribution(DistributionConfig=config | {"Aliases": aliases})
    second = config | {"CallerReference": "second", "Aliases": aliases}

    assert refused(cloudfront.create_distribution, DistributionConfig=second) == "CNAMEAlreadyExists"
    cloudfront.update_distribution(
        Id=first["Distribution"]["Id"],
        IfMatch=first["ETag"],
        DistributionConfig=config | {"Aliases": {"Quantity": 0}},
    )
    cloudfront.create_distribution(DistributionConfig=second)


def test_nothing_is_stored_of_a_refused_distribution(
    cloudfront: Any, config: dict[str, Any], refused: Callable[..., str], edge: Any
) -> None:
    config["DefaultCacheBehavior"]["TargetOriginId"] = "elsewhere"

    assert refused(cloudfront.create_distribution, DistributionConfig=config) == "NoSuchOrigin"
    assert cloudfront.list_distributions()["DistributionList"]["Quantity"] == 0
    assert len(edge.plans) == 1


def test_a_list_is_paged_without_gaps_or_repetitions(cloudfront: Any, config: dict[str, Any]) -> None:
    created = {
        cloudfront.create_distribution(DistributionConfig=config | {"CallerReference": str(number)})["Distribution"][
            "Id"
        ]
        for number in range(5)
    }

    pages = list(cloudfront.get_paginator("list_distributions").paginate(PaginationConfig={"PageSize": 2}))

    sizes = [page["DistributionList"]["Quantity"] for page in pages]
    ids = [item["Id"] for page in pages for item in page["DistributionList"]["Items"]]
    assert sizes == [2, 2, 1]
    assert set(ids) == created
    assert len(ids) == 5
    assert [page["DistributionList"]["IsTruncated"] for page in pages] == [True, True, False]


@pytest.mark.parametrize("size", ["0", "-1", "many", "1.5"])
def test_a_page_size_that_is_no_positive_number_is_refused(
    cloudfront: Any, refused: Callable[..., str], size: str
) -> None:
    assert refused(cloudfront.list_distributions, MaxItems=size) == "InvalidArgument"


def test_a_summary_repeats_the_configuration(cloudfront: Any, config: dict[str, Any]) -> None:
    aliases = {"Quantity": 1, "Items": ["www.example.com"]}
    distribution = cloudfront.create_distribution(DistributionConfig=config | {"Aliases": aliases})["Distribution"]

    (summary,) = cloudfront.list_distributions()["DistributionList"]["Items"]

    full = distribution["DistributionConfig"]
    assert summary["AliasICPRecordals"] == [{"CNAME": "www.example.com", "ICPRecordalStatus": "APPROVED"}]
    assert {name: summary[name] for name in ("Aliases", "Origins", "DefaultCacheBehavior", "PriceClass")} == {
        name: full[name] for name in ("Aliases", "Origins", "DefaultCacheBehavior", "PriceClass")
    }


def test_a_distribution_can_be_created_with_tags(cloudfront: Any, config: dict[str, Any]) -> None:
    tags = {"Items": [{"Key": "team", "Value": "cdn"}, {"Key": "empty", "Value": ""}]}

    distribution = cloudfront.create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": tags}
    )["Distribution"]

    assert cloudfront.list_tags_for_resource(Resource=distribution["ARN"])["Tags"] == tags


def test_bad_tags_keep_the_distribution_from_being_created(
    cloudfront: Any, config: dict[str, Any], refused: Callable[..., str]
) -> None:
    tags = {"Items": [{"Key": "aws:team", "Value": "cdn"}]}

    code = refused(
        cloudfront.create_distribution_with_tags,
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": tags},
    )

    assert code == "InvalidTagging"
    assert cloudfront.list_distributions()["DistributionList"]["Quantity"] == 0


def test_a_copy_is_a_staging_distribution_that_no_edge_is_told_of(
    cloudfront: Any, config: dict[str, Any], refused: Callable[..., str], edge: Any
) -> None:
    aliases = {"Quantity": 1, "Items": ["www.example.com"]}
    primary = cloudfront.create_distribution(DistributionConfig=config | {"Aliases": aliases})
    request = {"PrimaryDistributionId": primary["Distribution"]["Id"], "CallerReference": "copy"}

    assert refused(cloudfront.copy_distribution, **request, IfMatch=primary["ETag"]) == "InvalidArgument"
    assert refused(cloudfront.copy_distribution, **request, Staging=True) == "InvalidIfMatchVersion"
    copied = cloudfront.copy_distribution(**request, Staging=True, IfMatch=primary["ETag"])

    staging = copied["Distribution"]["DistributionConfig"]
    assert staging["Staging"] is True
    assert staging["Aliases"] == {"Quantity": 0}
    assert staging["Origins"] == primary["Distribution"]["DistributionConfig"]["Origins"]
    assert copied["Distribution"]["Status"] == "Deployed"
    assert len(edge.plans) == 2
    cloudfront.update_distribution(
        Id=copied["Distribution"]["Id"], IfMatch=copied["ETag"], DistributionConfig=staging | {"Enabled": False}
    )


def test_a_write_without_acknowledgement_stays_in_progress_until_it_comes(
    build_control_plane: Callable[..., Any], connect: Callable[..., Any], config: dict[str, Any], edge: Any
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
    distribution = client.create_distribution(DistributionConfig=config)["Distribution"]
    batch = {"CallerReference": "one", "Paths": {"Quantity": 1, "Items": ["/a"]}}
    order = client.create_invalidation(DistributionId=distribution["Id"], InvalidationBatch=batch)
    in_progress = client.get_distribution(Id=distribution["Id"])["Distribution"]["InProgressInvalidationBatches"]
    plane.stop()

    restarted = build_control_plane(edge)
    restarted.start()
    client = connect(restarted)
    completed = client.get_invalidation(DistributionId=distribution["Id"], Id=order["Invalidation"]["Id"])
    status = client.get_distribution(Id=distribution["Id"])["Distribution"]["Status"]
    restarted.stop()

    assert (distribution["Status"], order["Invalidation"]["Status"], in_progress) == ("InProgress", "InProgress", 1)
    assert (status, completed["Invalidation"]["Status"]) == ("Deployed", "Completed")
    assert json.loads(edge.plans[0])["distributions"].keys() == {distribution["Id"]}
    assert json.loads(edge.orders[0])["patterns"] == ["/a"]


def test_of_updates_at_the_same_time_exactly_one_wins(cloudfront: Any, config: dict[str, Any]) -> None:
    created = cloudfront.create_distribution(DistributionConfig=config)

    def update(number: int) -> str:
        try:
            answer = cloudfront.update_distribution(
                Id=created["Distribution"]["Id"],
                IfMatch=created["ETag"],
                DistributionConfig=config | {"Comment": str(number)},
            )
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return str(answer["Distribution"]["DistributionConfig"]["Comment"])

    with ThreadPoolExecutor(max_workers=6) as pool:
        outcomes = list(pool.map(update, range(6)))

    (winner,) = [outcome for outcome in outcomes if outcome != "PreconditionFailed"]
    stored = cloudfront.get_distribution_config(Id=created["Distribution"]["Id"])
    assert stored["DistributionConfig"]["Comment"] == winner


def test_a_distribution_keeps_everything_over_a_restart(
    build_control_plane: Callable[..., Any], connect: Callable[..., Any], config: dict[str, Any], edge: Any
) -> None:
    first = build_control_plane(edge)
    first.start()
    created = connect(first).create_distribution(DistributionConfig=config)
    first.stop()

    second = build_control_plane(edge)
    second.start()
    answer = connect(second).get_distribution(Id=created["Distribution"]["Id"])
    second.stop()

    assert answer["Distribution"] == created["Distribution"]
    assert answer["ETag"] == created["ETag"]


def test_only_known_keys_with_the_right_secret_get_in(
    control_plane: Any, connect: Callable[..., Any], refused: Callable[..., str]
) -> None:
    stranger = connect(control_plane, access_key="NOBODY")
    impostor = connect(control_plane, secret_key="guess")

    assert refused(stranger.list_distributions) == "InvalidClientTokenId"
    assert refused(impostor.list_distributions) == "SignatureDoesNotMatch"
