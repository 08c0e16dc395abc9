"""HTTP/3 with clients that know nothing of Edgeward: libcurl with ngtcp2, niquests with qh3, aioquic, which moves."""

import asyncio
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from curl_cffi import Curl, CurlHttpVersion, CurlInfo, CurlOpt
from types_boto3_cloudfront import CloudFrontClient

from clients.running import RunningCdn
from edgeward.scenario.http3 import http3_session
from edgeward.scenario.message import Request, Response

CONTENT = os.urandom(50_000_000)
MOVED = CONTENT[:12_000_000]
NIQUESTS = Path(__file__).parents[2] / ".venv-niquests" / "bin" / "python"


@dataclass(frozen=True)
class Site:
    """A distribution that has HTTP/3."""

    host: str
    port: int
    ca_file: str

    @property
    def edge(self) -> tuple[str, int]:
        """Where it is reached."""
        return "127.0.0.1", self.port


@pytest.fixture(scope="module")
def site(cdn: RunningCdn, cloudfront: CloudFrontClient) -> Site:
    """With `/large` and `/moved` in its bucket."""
    for key, content in {"large": CONTENT, "moved": MOVED, "niquests": CONTENT}.items():
        cdn.s3().put_object(Bucket=cdn.bucket, Key=key, Body=content)
    sample = cloudfront.get_distribution_config(Id=cdn.distribution_id)["DistributionConfig"]
    config = sample | {"CallerReference": "http3", "HttpVersion": "http2and3", "Comment": "http3"}
    made = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    return Site(made["DomainName"], urlsplit(cdn.https_url).port or 443, cdn.ca_file)


def curl(site: Site, path: str, version: CurlHttpVersion) -> tuple[int, int, bytes, bytes]:
    """Status, HTTP version as libcurl numbers it, header section and content."""
    handle, head, content = Curl(), BytesIO(), BytesIO()
    try:
        handle.setopt(CurlOpt.URL, f"https://{site.host}:{site.port}{path}".encode())
        handle.setopt(CurlOpt.RESOLVE, [f"{site.host}:{site.port}:127.0.0.1"])
        handle.setopt(CurlOpt.CAINFO, site.ca_file.encode())
        handle.setopt(CurlOpt.HTTP_VERSION, version)
        handle.setopt(CurlOpt.HEADERFUNCTION, head.write)
        handle.setopt(CurlOpt.WRITEFUNCTION, content.write)
        handle.perform()
        status, spoken = (str(handle.getinfo(info)) for info in (CurlInfo.RESPONSE_CODE, CurlInfo.HTTP_VERSION))
        return int(status), int(spoken), head.getvalue(), content.getvalue()
    finally:
        handle.close()


def test_libcurl_fetches_small_and_large_content(site: Site) -> None:
    for result in (b"Miss", b"Hit"):
        status, version, head, content = curl(site, "/large", CurlHttpVersion.V3ONLY)

        assert (status, version) == (200, CURL_HTTP_VERSION_3)
        assert b"x-cache: " + result in head
        assert hashlib.sha256(content).digest() == hashlib.sha256(CONTENT).digest()


def test_libcurl_hears_of_it_over_http2(site: Site) -> None:
    _status, _version, head, _body = curl(site, "/index.html", CurlHttpVersion.V2TLS)

    assert f'alt-svc: h3=":{site.port}"; ma=86400'.encode() in head


@pytest.mark.skipif(not NIQUESTS.exists(), reason="niquests IS NOT INSTALLED: run `make clients`")
@pytest.mark.parametrize("forced", [False, True], ids=["by Alt-Svc", "from the first request on"])
def test_niquests_comes_by_http3(site: Site, *, forced: bool) -> None:
    results = niquests(site, ["/index.html", "/index.html", "/niquests", "/niquests"], forced=forced)

    first = "HTTP/3.0" if forced else "HTTP/2.0"
    assert [(result["version"], result["status"]) for result in results] == [(first, 200), *[("HTTP/3.0", 200)] * 3]
    assert {result["sha256"] for result in results[2:]} == {hashlib.sha256(CONTENT).hexdigest()}


def niquests(site: Site, paths: list[str], *, forced: bool) -> list[dict[str, Any]]:
    """What came of each request."""
    order = {"host": site.host, "port": site.port, "ca_file": site.ca_file, "forced": forced, "paths": paths}
    driver = Path(__file__).with_name("niquests_driver.py")
    command = [str(NIQUESTS), str(driver), json.dumps(order)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


def test_a_viewer_keeps_its_connection_when_its_address_changes(site: Site) -> None:
    root = Path(site.ca_file).read_text()

    async def fetch() -> Response | None:
        async with http3_session(site.edge, site.host, root) as session:
            session.send([Request(method="GET", target="/moved", fields=[], authority=site.host)])
            await session.begin()
            # A second socket for the same connection: what a change of network does.
            loop = asyncio.get_running_loop()
            moved, _ = await loop.create_datagram_endpoint(lambda: session, local_addr=("127.0.0.1", 0))
            session.change_connection_id()
            session.transmit()
            (response,) = await session.receive()
            moved.close()
            return response

    response = asyncio.run(fetch())

    assert response is not None
    assert response.complete
    assert hashlib.sha256(response.content).digest() == hashlib.sha256(MOVED).digest()


CURL_HTTP_VERSION_3 = 30
