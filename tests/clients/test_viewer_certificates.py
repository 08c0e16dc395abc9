"""Certificates of viewers: trust stores filled from a real bucket, and curl, OpenSSL and Python's ssl at the edge."""

import gzip
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from types_boto3_cloudfront import CloudFrontClient

from authorities import Signed, authority, signed
from clients.configurations import one_origin
from clients.running import START_SECONDS, RunningCdn
from edgeward.dev.admin_client import ask

DEVICES, OTHERS = authority("Devices CA"), authority("Other CA")
DEVICE = signed(["device.example"], issuer=DEVICES, common_name="device-1")
RSA_DEVICE = signed(["device.example"], issuer=DEVICES, kind="RSA_2048", common_name="device-2")
STRANGER = signed(["device.example"], issuer=OTHERS, number=1)
BUCKET = "authorities"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A distribution that asks for certificates, and its trust store."""

    cdn: RunningCdn
    name: str
    store: dict[str, Any]
    folder: Path

    @property
    def port(self) -> str:
        return self.cdn.https_url.rpartition(":")[2].strip("/")

    def files(self, shown: Signed) -> list[str]:
        """Where certificate and key of a viewer lie."""
        paths = [self.folder / f"{shown.certificate.serial_number}.{kind}" for kind in ("pem", "key")]
        for path, content in zip(paths, (shown.pem, shown.key_pem), strict=True):
            path.write_bytes(content)
        return [str(path) for path in paths]

    def curl(self, shown: Signed | None, *options: str) -> str:
        """The status that curl gets, 000 when it is turned away."""
        files = self.files(shown) if shown is not None else []
        given = ["--cert", files[0], "--key", files[1]] if files else []
        command = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]
        command += ["--cacert", self.cdn.ca_file, "--resolve", f"{self.name}:{self.port}:127.0.0.1"]
        command += [*given, *options, f"https://{self.name}:{self.port}/index.html"]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout

    def openssl(self, shown: Signed, *options: str) -> str:
        """What `openssl s_client` prints of a request."""
        certificate, key = self.files(shown)
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", self.name]
        command += ["-CAfile", self.cdn.ca_file, "-cert", certificate, "-key", key, "-ign_eof", *options]
        request = f"GET /index.html HTTP/1.1\r\nHost: {self.name}\r\nConnection: close\r\n\r\n"
        done = subprocess.run(command, input=request, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout + done.stderr


def connections(site: Site) -> list[dict[str, str]]:
    """The records of the connection log so far, in no order."""
    ask(site.cdn.state, "flush_logs")
    found = []
    for segment in (site.cdn.state / "logs" / "connections").glob("*.gz"):
        _, fields, *records = gzip.decompress(segment.read_bytes()).decode().splitlines()
        names = fields.removeprefix("#Fields: ").split()
        found += [dict(zip(names, record.split("\t"), strict=True)) for record in records]
    return found


def record(site: Site, **values: str) -> dict[str, str]:
    """The one with these values; it may come a moment after the viewer was turned away."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        for each in connections(site):
            if values.items() <= each.items():
                return each
        assert time.monotonic() < deadline, "it was not recorded"


def put(cdn: RunningCdn, key: str, *authorities: Signed) -> Any:
    """A bundle in the bucket, as CreateTrustStore names it."""
    content = b"".join(b"# An authority\n" + each.pem for each in authorities)
    cdn.s3().put_object(Bucket=BUCKET, Key=key, Body=content, ContentType="text/plain")
    return location(key)


def location(key: str, bucket: str = BUCKET) -> Any:
    return {"CaCertificatesBundleS3Location": {"Bucket": bucket, "Key": key, "Region": "us-east-1"}}


@pytest.fixture(scope="module")
def site(cdn: RunningCdn, cloudfront: CloudFrontClient, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Whose viewers need a certificate of DEVICES."""
    cdn.s3().create_bucket(Bucket=BUCKET)
    source = put(cdn, "devices.pem", DEVICES)
    store: Any = cloudfront.create_trust_store(Name="devices", CaCertificatesBundleSource=source)
    assert (store["TrustStore"]["Status"], store["TrustStore"]["NumberOfCaCertificates"]) == ("active", 1)
    config = one_origin(f"{cdn.bucket}.s3.us-east-1.amazonaws.com")
    config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "https-only"
    trust = {"TrustStoreId": store["TrustStore"]["Id"], "AdvertiseTrustStoreCaNames": True}
    config["ViewerMtlsConfig"] = {"Mode": "required", "TrustStoreConfig": trust}
    made = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    assert made["Status"] == "Deployed"
    return Site(cdn=cdn, name=made["DomainName"], store=store, folder=tmp_path_factory.mktemp("viewers"))


@pytest.mark.parametrize("options", [("--http1.1",), ("--http2",), ("--tls-max", "1.2"), ("--tlsv1.3",)])
def test_curl_is_served_with_a_certificate_and_turned_away_without(site: Site, options: tuple[str, ...]) -> None:
    assert (site.curl(DEVICE, *options), site.curl(RSA_DEVICE, *options)) == ("403", "403")
    assert (site.curl(None, *options), site.curl(STRANGER, *options)) == ("000", "000")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_learns_the_authorities_and_takes_up_its_session(site: Site, version: str) -> None:
    ticket = site.folder / f"session{version}"

    first = site.openssl(DEVICE, version, "-sess_out", str(ticket))
    second = site.openssl(DEVICE, version, "-sess_in", str(ticket))

    assert "Acceptable client certificate CA names\nCN = Devices CA\n" in first.replace("CN=", "CN = ")
    assert "\nNew, TLS" in first
    assert "\nReused, TLS" in second
    assert "HTTP/1.1 403" in first
    assert "HTTP/1.1 403" in second
    assert "HTTP/1.1" not in site.openssl(STRANGER, version)


def test_python_meets_the_refusal_with_an_alert(site: Site) -> None:
    context = ssl.create_default_context(cafile=site.cdn.ca_file)
    with pytest.raises(ssl.SSLError, match=r"CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|handshake failure"):
        site.cdn.handshake(site.name, context, ssl.TLSVersion.TLSv1_2)


def test_the_connection_log_tells_who_came_and_why_others_did_not(site: Site) -> None:
    site.curl(DEVICE, "--tls-max", "1.2")
    site.curl(None)
    site.curl(STRANGER)

    came = record(site, connectionStatus="Success", clientLeafCertSubject="CN=device-1", tlsProtocol="TLSv1.2")
    assert (came["tlsSni"], came["clientIp"], came["serverIp"]) == (site.name, "127.0.0.1", "127.0.0.1")
    assert came["clientLeafCertIssuer"] == "CN=Devices%20CA"
    assert came["clientLeafCertValidity"].startswith("NotBefore=")
    for reason in ("ClientCertMissing", "ClientCertUntrusted"):
        turned_away = record(site, connectionStatus=f"Failed:{reason}", tlsSni=site.name)
        assert turned_away["distributionId"] == came["distributionId"]
        assert (turned_away["clientLeafCertSubject"], turned_away["tlsProtocol"]) == ("-", "-")


def test_an_updated_store_counts_at_once_and_ends_the_sessions_before(site: Site, cloudfront: CloudFrontClient) -> None:
    ticket = site.folder / "before"
    site.openssl(DEVICE, "-tls1_3", "-sess_out", str(ticket))
    change: Any = {"Id": site.store["TrustStore"]["Id"]}
    etag = cloudfront.get_trust_store(Identifier=change["Id"])["ETag"]

    source = put(site.cdn, "others.pem", OTHERS)
    etag = cloudfront.update_trust_store(**change, IfMatch=etag, CaCertificatesBundleSource=source)["ETag"]

    assert (site.curl(DEVICE), site.curl(STRANGER)) == ("000", "403")
    assert "HTTP/1.1" not in site.openssl(DEVICE, "-tls1_3", "-sess_in", str(ticket))
    with pytest.raises(ClientError, match="CannotDeleteEntityWhileInUse"):
        cloudfront.delete_trust_store(**change, IfMatch=etag)

    source = put(site.cdn, "both.pem", DEVICES, OTHERS)
    etag = cloudfront.update_trust_store(**change, IfMatch=etag, CaCertificatesBundleSource=source)["ETag"]
    assert (site.curl(DEVICE), site.curl(STRANGER)) == ("403", "403")

    cloudfront.update_trust_store(**change, IfMatch=etag, CaCertificatesBundleSource=location("devices.pem"))
    assert (site.curl(DEVICE), site.curl(STRANGER)) == ("403", "000")


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (location("absent.pem"), "no such object"),
        (location("devices.pem", "absent"), "no such bucket"),
        (location("empty.pem"), "holds no certificate"),
    ],
)
def test_a_bundle_that_cannot_be_taken_is_refused_with_the_reason(
    site: Site, cloudfront: CloudFrontClient, source: Any, named: str
) -> None:
    put(site.cdn, "empty.pem")
    with pytest.raises(ClientError, match=f"InvalidArgument.*{named}"):
        cloudfront.create_trust_store(Name="absent", CaCertificatesBundleSource=source)
