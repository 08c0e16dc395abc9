"""What every change of a distribution tells of classic mistakes, in a header beside CloudFront's answer."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from edgeward.lint.header import HEADER, read
from edgeward.services.cloudfront import mistakes
from unit.services.cloudfront.generated.samples import TAGS, call, distribution, distribution_config, listed, origin

ROOT = "/edgeward/2026-11-01"
OwnApi = Callable[..., tuple[int, Any]]


def told(answer: Any) -> set[tuple[str, str]]:
    """Rule and place of what an answer tells."""
    value = answer["ResponseMetadata"]["HTTPHeaders"].get(HEADER, "")
    return {(finding.rule, finding.where) for finding in read(value).findings}


UNUSED = ("unused-origin", "Origins[spare]")


def with_spare(**changes: Any) -> dict[str, Any]:
    """A configuration with an origin that nothing asks."""
    return distribution_config(Origins=listed(origin(), origin() | {"Id": "spare"}), **changes)


def test_creating_and_updating_tell(cloudfront: Any) -> None:
    made = cloudfront.create_distribution(DistributionConfig=with_spare())
    config = made["Distribution"]["DistributionConfig"]
    target = {"Id": made["Distribution"]["Id"], "IfMatch": made["ETag"]}
    mended = cloudfront.update_distribution(**target, DistributionConfig=config | {"Origins": listed(origin())})

    assert UNUSED in told(made)
    assert UNUSED not in told(mended)


def test_creating_with_tags_and_copying_tell(cloudfront: Any) -> None:
    tagged = call(
        cloudfront,
        "CreateDistributionWithTags",
        {"DistributionConfigWithTags": {"DistributionConfig": with_spare(), "Tags": TAGS}},
    )
    copied = cloudfront.copy_distribution(
        PrimaryDistributionId=tagged["Distribution"]["Id"],
        Staging=True,
        IfMatch=tagged["ETag"],
        CallerReference="copy",
    )
    promoted = cloudfront.update_distribution_with_staging_config(
        Id=tagged["Distribution"]["Id"],
        StagingDistributionId=copied["Distribution"]["Id"],
        IfMatch=f"{tagged['ETag']}, {copied['ETag']}",
    )

    assert all(UNUSED in told(answer) for answer in (tagged, copied, promoted))


def test_policies_are_looked_into(cloudfront: Any) -> None:
    key = {
        "EnableAcceptEncodingGzip": True,
        "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": listed("User-Agent")},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    }
    policy = cloudfront.create_cache_policy(
        CachePolicyConfig={"Name": "agents", "MinTTL": 1, "ParametersInCacheKeyAndForwardedToOrigin": key}
    )
    config = distribution_config()
    config["DefaultCacheBehavior"]["CachePolicyId"] = policy["CachePolicy"]["Id"]

    assert ("unique-header-in-key", "DefaultCacheBehavior") in told(
        cloudfront.create_distribution(DistributionConfig=config)
    )


def test_reading_tells_nothing(cloudfront: Any) -> None:
    made = cloudfront.create_distribution(DistributionConfig=with_spare())["Distribution"]

    assert told(cloudfront.get_distribution(Id=made["Id"])) == set()
    assert told(cloudfront.list_distributions()) == set()


def test_a_name_that_would_break_the_header_does_not(cloudfront: Any) -> None:
    name = 'x", y;"\\ ü'
    config = distribution_config(Origins=listed(origin(), origin() | {"Id": name}))
    made = cloudfront.create_distribution(DistributionConfig=config)

    assert ("unused-origin", f"Origins[{name.replace('ü', '?')}]") in told(made)


def test_a_look_that_fails_does_not_fail_the_change(
    cloudfront: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_subject: Any) -> Any:
        raise KeyError("a bug")

    monkeypatch.setattr(mistakes, "findings", fail)
    made = distribution(cloudfront)

    assert told(made) == set()
    assert cloudfront.get_distribution(Id=made["Distribution"]["Id"])["ETag"] == made["ETag"]
    assert "the look for mistakes after CreateDistribution failed" in caplog.text


def linted(own_api: OwnApi, **members: Any) -> tuple[int, Any]:
    return own_api(f"{ROOT}/lint", json.dumps(members).encode())


def test_a_stored_distribution_is_linted_by_its_id(own_api: OwnApi, cloudfront: Any) -> None:
    made = cloudfront.create_distribution(DistributionConfig=with_spare())
    status, answer = linted(own_api, DistributionId=made["Distribution"]["Id"])

    assert status == 200
    assert {(each["Rule"], each["Member"]) for each in answer["Findings"]} == told(made)
    assert {"Rule", "Severity", "Member", "Text", "Advice"} == answer["Findings"][0].keys()


def test_a_posted_configuration_is_linted_and_not_stored(own_api: OwnApi, cloudfront: Any) -> None:
    status, answer = linted(own_api, DistributionConfig=with_spare())

    assert status == 200
    assert UNUSED in {(each["Rule"], each["Member"]) for each in answer["Findings"]}
    assert cloudfront.list_distributions()["DistributionList"]["Quantity"] == 0


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, "InvalidArgument"),
        ({"DistributionId": "E1", "DistributionConfig": {}}, "InvalidArgument"),
        ({"Distribution": "E1"}, "InvalidArgument"),
        ({"DistributionId": 7}, "InvalidArgument"),
        ({"DistributionId": "E1"}, "NoSuchDistribution"),
        ({"DistributionConfig": {}}, "InvalidArgument"),
        ({"DistributionConfig": None}, "MalformedInput"),
        ({"DistributionConfig": {"Origins": 1}}, "MalformedInput"),
        ({"DistributionConfig": {"Orignis": {}}}, "MalformedInput"),
    ],
)
def test_what_cannot_be_linted_is_refused(own_api: OwnApi, members: dict[str, Any], code: str) -> None:
    status, answer = linted(own_api, **members)

    assert (status, answer["code"]) == (404 if code == "NoSuchDistribution" else 400, code)


@pytest.mark.parametrize("levels", [100, 700, 900, 950, 980, 990, 100_000])
def test_a_configuration_of_many_levels_is_malformed(own_api: OwnApi, levels: int) -> None:
    body = b'{"DistributionConfig": ' + b'{"Origins": ' * levels + b"1" + b"}" * levels + b"}"
    status, answer = own_api(f"{ROOT}/lint", body)

    assert (status, answer["code"]) == (400, "MalformedInput")


def test_linting_needs_to_be_allowed(own_api: OwnApi) -> None:
    status, _ = own_api(f"{ROOT}/lint", b'{"DistributionId": "E1"}', key=("AKIDEXAMPLE", "wrong"))

    assert status == 403
