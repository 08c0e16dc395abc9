"""What viewers get: a page from a private bucket through the cache, over every protocol."""

import gzip
import hashlib
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from types_boto3_cloudfront import CloudFrontClient

from clients.running import RunningCdn
from edgeward.dev.sample_site import large_content

MISS = "Miss from cloudfront"
HIT = "Hit from cloudfront"


def test_a_page_is_a_miss_then_a_hit_with_age_then_a_miss_after_an_invalidation(
    cdn: RunningCdn, cloudfront: CloudFrontClient
) -> None:
    put(cdn, "page.html", "first")
    first, second = cdn.get("/page.html"), cdn.get("/page.html")
    assert (first.status, first.headers["X-Cache"], first.data) == (200, MISS, b"first")
    assert (second.status, second.headers["X-Cache"], second.data) == (200, HIT, b"first")
    assert int(second.headers["Age"]) >= 0
    put(cdn, "page.html", "second")
    invalidate(cdn, cloudfront, "/page.html")
    third = cdn.get("/page.html")
    assert (third.headers["X-Cache"], third.data) == (MISS, b"second")


def test_an_invalidation_with_a_wildcard_reaches_every_path_below(
    cdn: RunningCdn, cloudfront: CloudFrontClient
) -> None:
    paths = ("/wild/a.txt", "/wild/b/c.txt")
    for path in paths:
        put(cdn, path[1:], "content")
        cdn.get(path)
    assert [cdn.get(path).headers["X-Cache"] for path in paths] == [HIT, HIT]
    invalidate(cdn, cloudfront, "/wild/*")
    assert [cdn.get(path).headers["X-Cache"] for path in paths] == [MISS, MISS]


def test_the_root_is_the_default_root_object(cdn: RunningCdn) -> None:
    page = cdn.get("/")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"Your own CDN is running" in page.data


def test_the_bucket_itself_refuses_everybody_else(cdn: RunningCdn) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{cdn.environment['AWS_ENDPOINT_URL_S3']}/{cdn.bucket}/index.html")
    assert refused.value.code == 403
    refused.value.close()


def test_https_is_trusted_with_the_local_ca(cdn: RunningCdn) -> None:
    page = cdn.get("/index.html", url=cdn.https_url)
    assert page.status == 200


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_gets_the_site_as_the_welcome_text_says(cdn: RunningCdn, version: str) -> None:
    command = ["curl", "-sS", version, "--cacert", cdn.ca_file, "-o", "/dev/null", "-w", "%{http_code} %{http_version}"]
    answer = subprocess.run([*command, f"{cdn.https_url}/"], check=True, capture_output=True, text=True, timeout=30)
    assert answer.stdout == f"200 {'2' if version == '--http2' else '1.1'}"


def test_a_large_file_arrives_whole_from_origin_and_from_the_cache(cdn: RunningCdn) -> None:
    expected = hashlib.sha256(large_content()).digest()
    for _ in range(2):
        assert hashlib.sha256(cdn.get("/large.bin").data).digest() == expected


def test_a_dynamic_path_is_asked_of_its_origin_every_time(cdn: RunningCdn) -> None:
    answers = [cdn.get("/api/time") for _ in range(2)]
    first, second = (json.loads(answer.data)["call"] for answer in answers)
    assert second > first
    assert [answer.headers["X-Cache"] for answer in answers] == [MISS, MISS]


def test_the_query_string_is_no_part_of_the_key_where_the_cache_policy_leaves_it_out(cdn: RunningCdn) -> None:
    cdn.get("/assets/site.css?version=1")
    assert cdn.get("/assets/site.css?version=2").headers["X-Cache"] == HIT


def test_a_conditional_request_is_answered_from_the_cache(cdn: RunningCdn) -> None:
    validator = cdn.get("/data/behaviors.json").headers["ETag"]
    answer = cdn.get("/data/behaviors.json", If_None_Match=validator)
    assert (answer.status, answer.data) == (304, b"")


def test_an_unknown_host_is_refused(cdn: RunningCdn) -> None:
    assert cdn.get("/", Host="nobody.cloudfront.localhost").status == 403


def test_every_request_is_in_the_access_log(cdn: RunningCdn) -> None:
    put(cdn, "logged.txt", "content")
    cdn.get("/logged.txt", User_Agent="the log test")
    deadline = time.monotonic() + 90
    while "/logged.txt" not in (log := access_log(cdn)):
        assert time.monotonic() < deadline, "the segment was not finished in time"
        time.sleep(0.5)
    record = next(line for line in log.splitlines() if "/logged.txt" in line)
    assert len(record.split("\t")) == 33
    assert "the%20log%20test" in record


def put(cdn: RunningCdn, key: str, content: str) -> None:
    cdn.s3().put_object(Bucket=cdn.bucket, Key=key, Body=content.encode(), ContentType="text/html")


def invalidate(cdn: RunningCdn, cloudfront: CloudFrontClient, path: str) -> None:
    """Invalidates and requires that the waiter's first poll finds it completed."""
    batch = {"Paths": {"Quantity": 1, "Items": [path]}, "CallerReference": str(time.time_ns())}
    made = cloudfront.create_invalidation(DistributionId=cdn.distribution_id, InvalidationBatch=batch)  # type: ignore[arg-type]
    cloudfront.get_waiter("invalidation_completed").wait(
        DistributionId=cdn.distribution_id, Id=made["Invalidation"]["Id"], WaiterConfig={"MaxAttempts": 1}
    )


def access_log(cdn: RunningCdn) -> str:
    segments = sorted((cdn.state / "logs").glob("*.gz"))
    return "".join(gzip.decompress(segment.read_bytes()).decode() for segment in segments)
