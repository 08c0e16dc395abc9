"""Configuration changes under full load: viewers must not notice. Runs by `make load`; needs wrk and h2load."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from types_boto3_cloudfront import CloudFrontClient

from clients.running import RunningCdn

SECONDS = int(os.environ.get("EDGEWARD_LOAD_SECONDS", "60"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS + 120)]


@pytest.mark.skipif(
    shutil.which("wrk") is None or shutil.which("h2load") is None,
    reason="needs wrk and h2load: apt-get install wrk nghttp2-client",
)
def test_one_configuration_change_a_second_fails_no_request(
    cdn: RunningCdn, cloudfront: CloudFrontClient, tmp_path: Path
) -> None:
    http1, http2 = tmp_path / "wrk.txt", tmp_path / "h2load.txt"
    with load(wrk(cdn), http1), load(h2load(cdn), http2):
        slowest = max(change_every_second(cdn, cloudfront))
    wrk_report, h2load_report = http1.read_text(), http2.read_text()
    print(wrk_report, h2load_report, f"slowest change: {slowest * 1000:.0f} ms", sep="\n")  # noqa: T201 - the figures
    assert int(found(r"(\d+) requests in", wrk_report)) > 0
    assert "Socket errors" not in wrk_report
    assert "Non-2xx" not in wrk_report
    assert re.search(r"\b0 failed, 0 errored, 0 timeout", h2load_report)
    succeeded = found(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", h2load_report)
    assert int(succeeded) > 0
    assert slowest < 1


def change_every_second(cdn: RunningCdn, cloudfront: CloudFrontClient) -> Iterator[float]:
    """Adds and removes a cache behavior in turn, each live when its call returns; yields how long each call took."""
    start = time.monotonic()
    for turn in range(SECONDS):
        time.sleep(max(0.0, start + turn - time.monotonic()))
        yield change(cdn, cloudfront)


def change(cdn: RunningCdn, cloudfront: CloudFrontClient) -> float:
    current = cloudfront.get_distribution_config(Id=cdn.distribution_id)
    config = current["DistributionConfig"]
    behaviors = config["CacheBehaviors"]["Items"]
    if behaviors[0]["PathPattern"] == "/under-load/*":
        behaviors.pop(0)
    else:
        behaviors.insert(0, behaviors[-1] | {"PathPattern": "/under-load/*"})
    config["CacheBehaviors"]["Quantity"] = len(behaviors)
    started = time.monotonic()
    updated = cloudfront.update_distribution(Id=cdn.distribution_id, DistributionConfig=config, IfMatch=current["ETag"])
    took = time.monotonic() - started
    assert updated["Distribution"]["Status"] == "Deployed"
    return took


def wrk(cdn: RunningCdn) -> list[str]:
    site = urlsplit(cdn.http_url)
    target = f"http://127.0.0.1:{site.port}/index.html"
    return ["wrk", "-t1", "-c16", f"-d{SECONDS + 1}s", "-H", f"Host: {site.netloc}", target]


def h2load(cdn: RunningCdn) -> list[str]:
    site = urlsplit(cdn.https_url)
    return [
        "h2load",
        "-c4",
        "-m8",
        f"--duration={SECONDS + 1}",
        f"--connect-to=127.0.0.1:{site.port}",
        f"{cdn.https_url}/index.html",
    ]


@contextmanager
def load(command: list[str], report: Path) -> Iterator[None]:
    """Runs a load generator beside the block and waits for its own end; kills it when the block fails."""
    with report.open("w") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
        try:
            yield
            assert process.wait(SECONDS + 60) == 0, report.read_text()
        finally:
            process.kill()


def found(pattern: str, report: str) -> str:
    match = re.search(pattern, report)
    assert match, f"no {pattern!r} in:\n{report}"
    return match.group(1)
