"""Our own boto3 clients go where they are told, whatever the machine's AWS configuration says."""

from pathlib import Path

import pytest

from edgeward.dev.aws_clients import cloudfront_client, s3_client
from edgeward.dev.credentials import AccessKey
from edgeward.dev.dynamic_origin import DynamicOrigin

KEY = AccessKey(id="AKIA", secret="secret")


@pytest.fixture(autouse=True)
def misleading_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine whose configuration would send requests elsewhere, or fail."""
    (tmp_path / "config").write_text("[default\nnot a configuration")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")


def test_clients_keep_their_endpoint_and_key() -> None:
    for client in (cloudfront_client("http://127.0.0.1:4566", KEY), s3_client("http://127.0.0.1:4566", KEY)):
        assert client.meta.endpoint_url == "http://127.0.0.1:4566"
        assert client.meta.region_name == "us-east-1"


def test_requests_go_straight_to_the_endpoint() -> None:
    server = DynamicOrigin()
    server.start()
    s3 = s3_client(f"http://127.0.0.1:{server.port}", KEY)
    with pytest.raises(s3.exceptions.ClientError, match="404"):
        s3.head_object(Bucket="any", Key="any")
    server.stop()
