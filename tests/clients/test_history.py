"""`edgeward history`, `diff` and `rollback` on a running Edgeward."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from types_boto3_cloudfront import CloudFrontClient

from clients.configurations import one_origin
from clients.running import RunningCdn, environment_without_aws, start_cdn


@pytest.fixture(scope="module")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCdn]:
    """One of its own: what is made here would be in the way of other tests."""
    running = start_cdn(tmp_path_factory.mktemp("cdn") / "state")
    yield running
    assert running.stop() == 0, running.output


@pytest.fixture(scope="module")
def cloudfront(cdn: RunningCdn) -> CloudFrontClient:
    return cdn.cloudfront()


def edgeward(cdn: RunningCdn, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "edgeward.cli", *arguments, f"--state={cdn.state}"]
    environment = environment_without_aws() | dict(cdn.environment)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture
def twice(cdn: RunningCdn, cloudfront: CloudFrontClient) -> str:
    """A distribution that has had a root object since its second version."""
    config = one_origin(f"{cdn.bucket}.s3.us-east-1.amazonaws.com", comment="first")
    made = cloudfront.create_distribution(DistributionConfig=config)
    target = made["Distribution"]["Id"]
    changed = config | {"Comment": "second", "DefaultRootObject": "index.html"}
    cloudfront.update_distribution(Id=target, IfMatch=made["ETag"], DistributionConfig=changed)
    return target


def test_a_distribution_goes_back_to_what_it_was(cdn: RunningCdn, cloudfront: CloudFrontClient, twice: str) -> None:
    listed = edgeward(cdn, "history", twice)
    assert listed.returncode == 0, listed.stderr
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["VERSION", "2", "1"]
    assert "DefaultRootObject" in listed.stdout.splitlines()[1]
    assert listed.stdout.splitlines()[2].endswith("created")

    shown = edgeward(cdn, "diff", twice)
    assert shown.stdout.splitlines()[0] == "version 1 -> 2: 2 changes"
    assert {"  ~ Comment: first -> second", "  ~ DefaultRootObject: '' -> index.html"} == set(
        shown.stdout.splitlines()[1:]
    )

    tried = edgeward(cdn, "rollback", twice, "1", "--dry-run")
    assert "~ DefaultRootObject: index.html -> ''" in tried.stdout
    assert cloudfront.get_distribution_config(Id=twice)["DistributionConfig"]["Comment"] == "second"

    done = edgeward(cdn, "rollback", twice, "1")
    assert done.returncode == 0, done.stderr
    assert f"{twice} is as it was in version 1: Deployed" in done.stdout
    assert "warning: Origins[site]: requests to the bucket are not signed" in done.stderr
    assert "attach an origin access control and close the bucket" in done.stderr
    now = cloudfront.get_distribution_config(Id=twice)["DistributionConfig"]
    assert (now["Comment"], now["DefaultRootObject"]) == ("first", "")
    again = edgeward(cdn, "rollback", twice, "1")
    assert again.stdout == f"{twice} has the configuration of version 1 already\n"
    versions = json.loads(edgeward(cdn, "history", twice, "--json").stdout)
    assert [version["Number"] for version in versions] == [3, 2, 1]
    assert {change["Path"] for change in versions[0]["Changes"]} == {"Comment", "DefaultRootObject"}


def test_what_cannot_be_done_is_said(cdn: RunningCdn, twice: str) -> None:
    refused = edgeward(cdn, "rollback", twice, "9")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "There is no version 9; the newest is" in refused.stderr
    assert "There is and was no distribution 'E0'." in edgeward(cdn, "history", "E0").stderr


def test_mistakes_are_told_with_what_to_do(cdn: RunningCdn, twice: str, tmp_path: Path) -> None:
    told = edgeward(cdn, "lint", twice)
    assert told.returncode == 0, told.stderr
    assert "warning: Origins[site]: requests to the bucket are not signed" in told.stdout
    assert "    attach an origin access control and close the bucket" in told.stdout
    assert edgeward(cdn, "lint", twice, "--fail-on=warning").returncode == 1
    config = {"DistributionConfig": one_origin("b.s3.us-east-1.amazonaws.com"), "ETag": "E1"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    rules = {each["rule"] for each in json.loads(edgeward(cdn, "lint", str(tmp_path / "config.json"), "--json").stdout)}
    assert {"bucket-without-access-control", "no-root-object", "viewers-in-clear"} == rules
    assert "cannot be read as a DistributionConfig" in edgeward(cdn, "lint", "missing.json").stderr
