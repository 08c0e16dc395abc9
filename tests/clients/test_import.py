"""`edgeward import` of what CloudFront answers, into a running Edgeward."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from types_boto3_cloudfront import CloudFrontClient

from clients.configurations import CACHING_OPTIMIZED, one_origin
from clients.running import RunningCdn, environment_without_aws, start_cdn

POLICY_ID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCdn]:
    """One of its own: what is made here would be in the way of other tests."""
    running = start_cdn(tmp_path_factory.mktemp("cdn") / "state")
    yield running
    assert running.stop() == 0, running.output


@pytest.fixture(scope="module")
def cloudfront(cdn: RunningCdn) -> CloudFrontClient:
    return cdn.cloudfront()


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A configuration with a policy, an access control, a certificate and an alias of another account."""
    config: Any = one_origin("b.s3.us-east-1.amazonaws.com", comment="from elsewhere")
    config["Origins"]["Items"][0]["OriginAccessControlId"] = "EELSEWHERE"
    config["DefaultCacheBehavior"]["CachePolicyId"] = POLICY_ID
    managed = config["DefaultCacheBehavior"] | {"PathPattern": "/static/*", "CachePolicyId": CACHING_OPTIMIZED}
    config["CacheBehaviors"] = {"Quantity": 1, "Items": [managed]}
    config["Aliases"] = {"Quantity": 1, "Items": ["www.imported.example.com"]}
    config["ViewerCertificate"] = {
        "ACMCertificateArn": "arn:aws:acm:us-east-1:1:certificate/x",
        "SSLSupportMethod": "sni-only",
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"ETag": "E1", "DistributionConfig": config}))
    return path


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """What get-cache-policy answers for it."""
    config = {
        "Name": f"imported-{tmp_path.name}",
        "MinTTL": 0,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": True,
            "HeadersConfig": {"HeaderBehavior": "none"},
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        },
    }
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"CachePolicy": {"Id": POLICY_ID, "CachePolicyConfig": config}, "ETag": "E1"}))
    return path


def edgeward(cdn: RunningCdn, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "edgeward.cli", "import", *arguments, f"--state={cdn.state}"]
    environment = environment_without_aws() | dict(cdn.environment)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)


def test_a_distribution_of_another_account_is_made_here(
    cdn: RunningCdn, cloudfront: CloudFrontClient, exported: Path, policy: Path
) -> None:
    done = edgeward(cdn, str(exported), f"--with={policy}")
    assert done.returncode == 0, done.stderr
    *changes, made = done.stdout.splitlines()
    assert [change.partition(":")[0] for change in changes] == [
        f"cache policy imported-{policy.parent.name}",
        "origin access control",
        "certificate",
        "left out",
    ]
    target, _, rest = made.partition(" is ")
    assert rest.startswith("Deployed: ")
    config = cloudfront.get_distribution_config(Id=target)["DistributionConfig"]
    assert config["Comment"] == "from elsewhere"
    own = cloudfront.get_cache_policy(Id=config["DefaultCacheBehavior"]["CachePolicyId"])["CachePolicy"]
    assert own["CachePolicyConfig"]["Name"] == f"imported-{policy.parent.name}"
    assert config["CacheBehaviors"]["Items"][0]["CachePolicyId"] == CACHING_OPTIMIZED
    assert config["Aliases"]["Quantity"] == 0
    assert "hint: DefaultCacheBehavior: viewers are served over http as well" in done.stderr
    again = edgeward(cdn, str(exported), f"--with={policy}", "--keep-aliases", "--disabled")
    assert again.returncode == 0, again.stderr
    kept = cloudfront.get_distribution_config(Id=again.stdout.splitlines()[-1].split()[0])["DistributionConfig"]
    assert (kept["Aliases"]["Items"], kept["Enabled"]) == (["www.imported.example.com"], False)
    assert kept["DefaultCacheBehavior"]["CachePolicyId"] == own["Id"]


def test_a_policy_that_is_missing_is_named_with_how_to_get_it(cdn: RunningCdn, exported: Path) -> None:
    refused = edgeward(cdn, str(exported))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"`aws cloudfront get-cache-policy --id {POLICY_ID} > {POLICY_ID}.json`" in refused.stderr


def test_what_is_no_configuration_is_refused(cdn: RunningCdn, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"Comment": "x"}')
    (tmp_path / "broken.json").write_text("{")
    assert (
        "is no DistributionConfig: it has no 'DefaultCacheBehavior'"
        in edgeward(cdn, str(tmp_path / "other.json")).stderr
    )
    assert "cannot be read" in edgeward(cdn, str(tmp_path / "broken.json")).stderr
