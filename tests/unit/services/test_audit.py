"""Every call leaves a record, in CloudTrail's form and without secrets."""

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from edgeward.aws.audit import HIDDEN, AuditFile, shown
from edgeward.control_plane import ControlPlane
from unit.services.cloudfront.generated.samples import distribution_config


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted((folder / "audit").iterdir()) for line in path.read_text().splitlines()]


def test_a_change_is_recorded_with_who_and_what(cloudfront: Any, config: dict[str, Any], tmp_path: Path) -> None:
    made = cloudfront.create_distribution(DistributionConfig=config)

    (record,) = records(tmp_path)
    assert record["eventSource"] == "cloudfront.amazonaws.com"
    assert record["eventName"] == "CreateDistribution"
    assert record["userIdentity"] == {
        "type": "Root",
        "principalId": "123456789012",
        "arn": "arn:aws:iam::123456789012:root",
        "accountId": "123456789012",
        "accessKeyId": "AKIDEXAMPLE",
    }
    assert record["requestParameters"]["distributionConfig"]["callerReference"] == "first"
    assert record["responseElements"]["distribution"]["id"] == made["Distribution"]["Id"]
    assert record["requestID"] == made["ResponseMetadata"]["RequestId"]
    assert record["readOnly"] is False
    assert "errorCode" not in record
    assert record["userAgent"].startswith("Boto3/")
    assert datetime.fromisoformat(record["eventTime"]).date() == datetime.now(UTC).date()


def test_a_reading_call_is_recorded_without_its_answer(cloudfront: Any, tmp_path: Path) -> None:
    cloudfront.list_distributions(MaxItems="5")

    (record,) = records(tmp_path)
    assert (record["eventName"], record["readOnly"]) == ("ListDistributions", True)
    assert (record["requestParameters"], record["responseElements"]) == ({"maxItems": "5"}, None)


def test_refused_calls_are_recorded_with_the_reason(
    cloudfront: Any, connect: Callable[..., Any], control_plane: ControlPlane, tmp_path: Path
) -> None:
    stranger = connect(control_plane, secret_key="wrong")
    for client, operation in ((cloudfront, "get_distribution"), (stranger, "get_distribution")):
        with pytest.raises(ClientError):
            getattr(client, operation)(Id="E0")

    known, unknown = records(tmp_path)
    assert (known["errorCode"], known["userIdentity"]["type"]) == ("NoSuchDistribution", "Root")
    assert "E0" in known["errorMessage"]
    assert (unknown["errorCode"], unknown["userIdentity"]) == ("SignatureDoesNotMatch", {"type": "Unknown"})
    assert (unknown["eventName"], unknown["requestParameters"]) == ("GetDistribution", None)


def test_secrets_of_origins_are_hidden(cloudfront: Any, tmp_path: Path) -> None:
    cloudfront.create_distribution(DistributionConfig=distribution_config())

    text = json.dumps(records(tmp_path))
    assert '"headerName": "X-Secret"' in text
    assert f'"headerValue": "{HIDDEN}"' in text


def test_own_operations_are_recorded_too(own_api: Callable[..., tuple[int, Any]], tmp_path: Path) -> None:
    own_api("/edgeward/2026-11-01/history", b'{"DistributionId": "E0"}')
    own_api("/edgeward/2026-11-01/nothing", b"{}")

    first, second = records(tmp_path)
    assert (first["eventSource"], first["eventName"], first["errorCode"]) == (
        "edgeward",
        "history",
        "NoSuchDistribution",
    )
    assert (second["eventName"], second["errorCode"]) == (
        "POST /edgeward/2026-11-01/nothing",
        "UnknownOperationException",
    )


def test_the_files_are_private_one_for_each_day_and_only_grow(tmp_path: Path) -> None:
    for day in ("2026-11-25", "2026-11-26", "2026-11-25"):
        trail = AuditFile(tmp_path / "audit")
        trail.append({"eventTime": f"{day}T10:00:00Z"})
        trail.append({"eventTime": f"{day}T10:00:01Z"})
        trail.close()

    files = sorted((tmp_path / "audit").iterdir())
    assert [file.name for file in files] == ["audit-2026-11-25.jsonl", "audit-2026-11-26.jsonl"]
    assert [len(file.read_text().splitlines()) for file in files] == [4, 2]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "audit").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"ETag": "E1", "Quantity": 2}, {"eTag": "E1", "quantity": 2}),
        ({"HeaderValue": "s3cret"}, {"headerValue": HIDDEN}),
        ({"Key": "a", "Value": "s3cret"}, {"key": "a", "value": HIDDEN}),
        ({"FunctionCode": b"abc"}, {"functionCode": "3 bytes"}),
        (["x" * 2000], ["x" * 1024]),
        (list(range(200)), list(range(100))),
        ([[[[[[[[[[[[[[[[["too deep"]]]]]]]]]]]]]]]]], [[[[[[[[[[[[[[[["..."]]]]]]]]]]]]]]]]),
        ({"At": datetime(2026, 1, 2, tzinfo=UTC)}, {"at": "2026-01-02T00:00:00.000+00:00"}),
    ],
)
def test_values_are_shown_short_and_without_secrets(value: Any, expected: Any) -> None:
    assert shown(value) == expected
