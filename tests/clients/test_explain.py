"""`edgeward explain` and `edgeward cache` against a running Edgeward, as a user runs them."""

import json
import subprocess
import sys

import pytest

from clients.running import RunningCdn, environment_without_aws


def edgeward(cdn: RunningCdn, *arguments: str, **environment: str) -> str:
    """What the command prints; it has to succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "edgeward.cli", *arguments],
        env=environment_without_aws() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_miss_and_a_hit_are_explained_over_http_and_https(cdn: RunningCdn, scheme: str) -> None:
    cdn.s3().put_object(Bucket=cdn.bucket, Key=f"{scheme}.txt", Body=b"content")
    url = f"{cdn.http_url if scheme == 'http' else cdn.https_url}/{scheme}.txt"
    ca = ["--cacert", cdn.ca_file]
    miss = edgeward(cdn, "explain", url, *ca, **cdn.environment)
    hit = edgeward(cdn, "explain", url, *ca, **cdn.environment)

    assert miss.startswith(f"200 Miss, distribution {cdn.distribution_id}\n")
    assert "selected by the cache policy Managed-CachingOptimized" in miss
    assert "authorization: [redacted]" in miss
    assert "answered 200" in miss
    assert hit.startswith("200 Hit")
    assert "HIT: a fresh response is stored" in hit
    assert "86400 s: the policy's default TTL" in hit


def test_a_refusal_is_explained_with_the_running_cdn_found_in_its_folder(cdn: RunningCdn) -> None:
    told = edgeward(cdn, "explain", f"{cdn.http_url}/", "--method=DELETE", "--state", str(cdn.state))
    assert "refused      the method is not among the behavior's AllowedMethods" in told


def test_what_is_stored_is_listed(cdn: RunningCdn) -> None:
    for name in ("listed/a.txt", "listed/b.txt"):
        cdn.s3().put_object(Bucket=cdn.bucket, Key=name, Body=b"content")
        assert cdn.get(f"/{name}").status == 200
    arguments = ("cache", "ls", cdn.distribution_id, "/listed/*", "--state", str(cdn.state))
    page = json.loads(edgeward(cdn, *arguments, "--json"))

    assert sorted(each["target"] for each in page["responses"]) == ["/listed/a.txt", "/listed/b.txt"]
    assert {(each["status"], each["length"], each["state"]) for each in page["responses"]} == {(200, 7, "fresh")}
    assert edgeward(cdn, *arguments).splitlines()[1].endswith("/listed/a.txt")


def test_the_figures_of_the_edge_are_shown(cdn: RunningCdn) -> None:
    figures = dict(
        line.rsplit(maxsplit=1) for line in edgeward(cdn, "cache", "status", "--state", str(cdn.state)).splitlines()
    )
    assert int(figures["plan sequence"].replace(",", "")) > 0
    assert figures["explain tokens refused"] == "0"
