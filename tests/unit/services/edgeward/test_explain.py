"""Edgeward's own API: who may call it, and the tokens it gives."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from edgeward.control_plane import ControlPlane
from edgeward.services.edgeward.explain_token import explain_token

PATH = "/edgeward/2026-11-01/explain-token"
OwnApi = Callable[..., tuple[int, Any]]


@pytest.fixture
def distribution(cloudfront: Any, config: dict[str, Any]) -> Any:
    aliases = {"Quantity": 2, "Items": ["www.example.com", "*.shop.example.com"]}
    return cloudfront.create_distribution(DistributionConfig=config | {"Aliases": aliases})["Distribution"]


@pytest.mark.parametrize("host", ["www.example.com", "WWW.example.com", "a.b.shop.example.com", None])
def test_a_token_is_for_the_distribution_that_answers_to_the_host(
    own_api: OwnApi, distribution: Any, host: str | None
) -> None:
    now = int(datetime.now(UTC).timestamp())
    status, answer = own_api(PATH, json.dumps({"Host": host or distribution["DomainName"]}).encode())

    assert (status, answer["DistributionId"]) == (200, distribution["Id"])
    assert now + 300 <= answer["Expires"] <= now + 330
    assert answer["Token"] == explain_token("a" * 64, distribution["Id"], answer["Expires"])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"Host": "shop.example.com"}', 404, "NoSuchDistribution"),
        (b'{"Host": "other.localhost"}', 404, "NoSuchDistribution"),
        (b'{"Host": "www.example.com:80"}', 400, "InvalidArgument"),
        (b'{"Host": ""}', 400, "InvalidArgument"),
        (b"{}", 400, "InvalidArgument"),
        (b'{"Host": "a", "Seconds": 9}', 400, "InvalidArgument"),
        (b"[]", 400, "MalformedInput"),
        (b"{", 400, "MalformedInput"),
        (b'{"Host": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "MalformedInput"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(
    own_api: OwnApi, distribution: Any, body: bytes, status: int, code: str
) -> None:
    answered, answer = own_api(PATH, body)
    assert (answered, answer["code"]) == (status, code)


def test_a_signature_for_another_service_does_not_count(own_api: OwnApi) -> None:
    status, answer = own_api(PATH, b'{"Host": "a"}', service="cloudfront")
    assert (status, answer["code"]) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("path", "method"), [("/edgeward/2026-11-01/unknown", "POST"), (PATH, "PUT"), ("/edgeward/", "POST")]
)
def test_an_unknown_operation_names_those_there_are(own_api: OwnApi, path: str, method: str) -> None:
    status, answer = own_api(path, b"{}", method=method)
    assert (status, answer["code"]) == (404, "UnknownOperationException")
    assert f"POST {PATH}" in answer["message"]


def test_what_goes_wrong_inside_is_logged_and_not_told(
    own_api: OwnApi, control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(control_plane._store, "read", None)
    with caplog.at_level(logging.ERROR):
        status, answer = own_api(PATH, b'{"Host": "www.example.com"}')
    assert (status, answer["code"]) == (500, "InternalFailure")
    assert "NoneType" in caplog.text
    assert "NoneType" not in answer["message"]
