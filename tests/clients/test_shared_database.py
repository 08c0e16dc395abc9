"""`edgeward dev` on PostgreSQL with `edgeward api` beside it."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from clients.configurations import one_origin
from clients.running import RunningCdn, start_cdn
from databases import PostgresServer


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


def test_a_change_through_the_second_api_is_live_at_the_edge(database: str, tmp_path: Path) -> None:
    cdn = start_cdn(tmp_path / "state", database=database)
    second = subprocess.Popen(
        [sys.executable, "-m", "edgeward.cli", "api", f"--state={cdn.state}", f"--database={database}", "--port=0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with second:
        assert second.stdout is not None
        found = re.search(r"http://\S+", second.stdout.readline())
        assert found is not None
        change(cdn, found[0])
        second.send_signal(signal.SIGINT)
        assert second.wait(30) == 0
    assert cdn.stop() == 0


def change(cdn: RunningCdn, endpoint: str) -> None:
    cloudfront = boto3.client("cloudfront", **cdn._client_arguments("AWS_ENDPOINT_URL", {"endpoint_url": endpoint}))
    config = one_origin(f"{cdn.bucket}.s3.us-east-1.amazonaws.com")
    made = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    assert made["Status"] == "Deployed"
    site = f"http://{made['DomainName']}:{cdn.http_url.rpartition(':')[2]}"
    # No origin access control: the bucket refuses the edge, and that is the bucket's answer.
    assert cdn.get("/index.html", url=site).headers["x-cache"] == "Error from cloudfront"
    seen = cdn.cloudfront().get_distribution(Id=made["Id"])["Distribution"]
    assert seen["DistributionConfig"]["CallerReference"] == config["CallerReference"]


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--database=nonsense"], "the database has no URL such as postgresql+psycopg://user@host/name"),
        (["--database=mysql://a:secret@b/c"], "begins with sqlite:// or postgresql+psycopg://"),
        (["--database=postgresql+psycopg://a:secret@127.0.0.1:1/c"], "the database does not answer as it should"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(
    arguments: list[str], advice: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "edgeward.cli", "dev", f"--state={tmp_path}", "--api-port=0", "--http-port=0"]
    ports = ["--https-port=0", "--s3-port=0"]
    refused = subprocess.run([*command, *ports, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert advice in refused.stderr
    assert "secret" not in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_api_without_a_state_folder_says_what_to_start_first(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgeward.cli", "api", f"--state={tmp_path}", "--database=sqlite:///x"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert refused.returncode == 1
    assert "start `edgeward dev --database ...` with it first" in refused.stderr
