"""Every configuration that a distribution has had, through Edgeward's own API."""

import json
from collections.abc import Callable
from typing import Any

import pytest

OwnApi = Callable[..., tuple[int, Any]]
ROOT = "/edgeward/2026-11-01"


@pytest.fixture
def thrice(cloudfront: Any, config: dict[str, Any]) -> tuple[str, list[str]]:
    """A distribution of three versions, and their ETags."""
    made = cloudfront.create_distribution(DistributionConfig=config)
    target, etags = made["Distribution"]["Id"], [made["ETag"]]
    for comment in ("second", "third"):
        changed = config | {"Comment": comment}
        updated = cloudfront.update_distribution(Id=target, IfMatch=etags[-1], DistributionConfig=changed)
        etags.append(updated["ETag"])
    return target, etags


def asked(own_api: OwnApi, operation: str, **members: Any) -> tuple[int, Any]:
    return own_api(f"{ROOT}/{operation}", json.dumps(members).encode())


def test_versions_are_listed_the_newest_first(own_api: OwnApi, thrice: tuple[str, list[str]]) -> None:
    target, etags = thrice
    status, answer = asked(own_api, "history", DistributionId=target)

    assert status == 200
    versions = answer["Versions"]
    assert [(version["Number"], version["ETag"]) for version in versions] == list(
        zip([3, 2, 1], reversed(etags), strict=True)
    )
    assert [version["Config"]["Comment"] for version in versions] == ["third", "second", ""]
    assert sorted(version["Modified"] for version in versions)[::-1] == [version["Modified"] for version in versions]
    _, first = asked(own_api, "history", DistributionId=target, Limit=1)
    assert first["Versions"] == versions[:1]


def test_one_version_is_found_by_its_number(own_api: OwnApi, thrice: tuple[str, list[str]]) -> None:
    target, etags = thrice
    status, version = asked(own_api, "version", DistributionId=target, Number=2)

    assert (status, version["ETag"], version["Config"]["Comment"]) == (200, etags[1], "second")


def test_what_was_deleted_keeps_its_history(own_api: OwnApi, cloudfront: Any, thrice: tuple[str, list[str]]) -> None:
    target, etags = thrice
    config = cloudfront.get_distribution_config(Id=target)["DistributionConfig"] | {"Enabled": False}
    etag = cloudfront.update_distribution(Id=target, IfMatch=etags[-1], DistributionConfig=config)["ETag"]
    cloudfront.delete_distribution(Id=target, IfMatch=etag)

    assert [version["Number"] for version in asked(own_api, "history", DistributionId=target)[1]["Versions"]] == [
        4,
        3,
        2,
        1,
    ]


@pytest.mark.parametrize(
    ("operation", "members", "status", "told"),
    [
        ("history", {"DistributionId": "E0"}, 404, "There is and was no distribution 'E0'."),
        ("version", {"DistributionId": "E0", "Number": 1}, 404, "no distribution"),
        ("history", {}, 400, "DistributionId"),
        ("history", {"DistributionId": 7}, 400, "DistributionId"),
        ("history", {"DistributionId": "E0", "Limit": 0}, 400, "Limit has to be a whole number from 1 to 100"),
        ("history", {"DistributionId": "E0", "Limit": True}, 400, "Limit"),
        ("history", {"DistributionId": "E0", "Other": 1}, 400, "Other is no member"),
        ("version", {"DistributionId": "E0"}, 400, "Number"),
        ("version", {"DistributionId": None, "Number": 4}, 400, "DistributionId"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(
    own_api: OwnApi, operation: str, members: dict[str, Any], status: int, told: str
) -> None:
    answered, refusal = asked(own_api, operation, **members)

    assert answered == status
    assert told in refusal["message"]


def test_a_version_that_never_was_is_refused_with_the_newest(own_api: OwnApi, thrice: tuple[str, list[str]]) -> None:
    status, refusal = asked(own_api, "version", DistributionId=thrice[0], Number=4)

    assert (status, refusal["message"]) == (400, "There is no version 4; the newest is 3.")
