"""Signatures made by botocore, whole and broken."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from edgeward.aws.errors import ApiError
from edgeward.aws.sigv4 import verify
from edgeward.aws.wire import WireRequest
from root_keys import RootKeys

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SECRETS = {"AKID": "secret", "slash/ed": "other"}


@pytest.fixture(autouse=True)
def _fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets botocore sign at NOW."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))


def signed(  # noqa: PLR0913 - what can vary in a signed request
    url: str = "http://localhost:4566/2020-05-31/distribution",
    *,
    method: str = "POST",
    body: bytes = b"<x/>",
    access_key: str = "AKID",
    secret: str = "secret",
    headers: dict[str, str] | None = None,
    signer: Any = SigV4Auth,
) -> WireRequest:
    request = AWSRequest(method, url, data=body, headers={"Content-Type": "text/xml", **(headers or {})})
    signer(Credentials(access_key, secret), "cloudfront", "eu-west-1").add_auth(request)
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    lines: list[tuple[str, Any]] = [(name.lower(), value) for name, value in prepared.headers.items()]
    decoded = [(name, value.decode() if isinstance(value, bytes) else value) for name, value in lines]
    return WireRequest(
        method=method,
        raw_path=parts.path,
        raw_query=parts.query,
        headers=(("host", parts.netloc), *decoded),
        body=body,
    )


def verified(request: WireRequest, now: datetime = NOW) -> str:
    return verify(request, access=RootKeys(SECRETS, "123456789012"), service="cloudfront", now=now).access_key


def refusal(request: WireRequest, now: datetime = NOW) -> ApiError:
    with pytest.raises(ApiError) as caught:
        verified(request, now)
    return caught.value


def with_header(request: WireRequest, name: str, value: str | None) -> WireRequest:
    kept = tuple(line for line in request.headers if line[0] != name)
    return replace(request, headers=kept if value is None else (*kept, (name, value)))


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"body": b""},
        {"method": "GET", "url": "http://localhost/"},
        {"method": "GET", "url": "http://localhost"},
        {"url": "http://localhost/2020-05-31/distribution?WithTags"},
        {"url": "http://localhost/2020-05-31/tagging?Resource=arn%3Aaws%3Ax&Operation=Tag&a=2&a=1&b=%20%2B"},
        {"url": "http://localhost/a%2Fb/%C3%A9/~x/./y/../z/"},
        {"url": "http://localhost/a//b"},
        {"headers": {"X-Amz-Meta": "  two   spaces  ", "If-Match": "E1"}},
        {"access_key": "slash/ed", "secret": "other"},
        {"signer": SigV4QueryAuth, "method": "GET", "body": b""},
    ],
)
def test_what_botocore_signs_is_accepted(request_: dict[str, Any]) -> None:
    assert verified(signed(**request_)) == request_.get("access_key", "AKID")


def test_an_unknown_access_key_is_refused() -> None:
    assert refusal(signed(access_key="NOBODY")).code == "InvalidClientTokenId"


def test_a_session_token_belongs_to_no_key_of_ours() -> None:
    assert refusal(signed(headers={"X-Amz-Security-Token": "token"})).code == "InvalidClientTokenId"


def test_a_wrong_secret_or_any_change_after_signing_is_refused() -> None:
    good = signed("http://localhost/2020-05-31/distribution/E1?a=1", headers={"If-Match": "E1"})
    altered = [
        signed(secret="guess"),
        replace(good, body=b"<y/>"),
        replace(good, method="PUT"),
        replace(good, raw_path="/2020-05-31/distribution/E2"),
        replace(good, raw_path="/2020-05-31/distribution%2FE1"),
        replace(good, raw_query="a=2"),
        replace(good, raw_query="a=1&b=1"),
        with_header(good, "if-match", "E2"),
        with_header(good, "host", "elsewhere"),
        with_header(good, "x-amz-meta", "smuggled"),
        with_header(good, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
    ]

    assert [refusal(request).code for request in altered] == ["SignatureDoesNotMatch"] * len(altered)


EXPIRED = "Signature expired: 20260301T120000Z is now earlier than 20260301T120100Z (20260301T120600Z - 5 min.)"
EARLY = "Signature not yet current: 20260301T120000Z is still later than 20260301T115900Z (20260301T115400Z + 5 min.)"


@pytest.mark.parametrize(("minutes", "text"), [(6, EXPIRED), (-6, EARLY)])
def test_a_skewed_clock_is_refused_in_the_words_of_aws(minutes: int, text: str) -> None:
    error = refusal(signed(), NOW + timedelta(minutes=minutes))

    assert (error.code, error.message) == ("SignatureDoesNotMatch", text)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_of_skew_are_allowed(seconds: int) -> None:
    verified(signed(), NOW + timedelta(seconds=seconds))


def test_a_signed_url_expires_after_its_lifetime() -> None:
    url = signed(signer=SigV4QueryAuth, method="GET", body=b"")

    verified(url, NOW + timedelta(seconds=3600))
    assert refusal(url, NOW + timedelta(seconds=3601)).code == "RequestExpired"
    assert refusal(replace(url, raw_query=url.raw_query.replace("=3600", "=7200"))).code == "SignatureDoesNotMatch"


def test_a_request_without_signature_is_refused() -> None:
    assert refusal(with_header(signed(), "authorization", None)).code == "MissingAuthenticationToken"


def test_a_signature_for_another_service_is_refused() -> None:
    good = signed()
    for change in (("/cloudfront/", "/s3/"), ("aws4_request", "aws5_request"), ("/20260301/", "/20260302/")):
        header = (good.header("authorization") or "").replace(*change)
        assert refusal(with_header(good, "authorization", header)).code == "SignatureDoesNotMatch"


GOOD = "Credential=AKID/20260301/us-east-1/cloudfront/aws4_request, SignedHeaders=host, Signature=0"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic dTpw",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 nonsense",
        "AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=AKID//us-east-1/cloudfront/aws4_request, SignedHeaders=host, Signature=0",
        f"AWS4-HMAC-SHA256 {GOOD}".replace("SignedHeaders=host, ", ""),
        f"AWS4-HMAC-SHA256 {GOOD}".replace("Signature=0", "Signature="),
        f"AWS4-ECDSA-P384-SHA384 {GOOD}",
    ],
)
def test_a_malformed_authorization_is_refused(header: str) -> None:
    assert refusal(with_header(signed(), "authorization", header)).code == "IncompleteSignature"


@pytest.mark.parametrize("date", ["now", "20261301T000000Z", "2026-03-01T12:00:00Z", "", None])
def test_a_malformed_date_is_refused(date: str | None) -> None:
    assert refusal(with_header(signed(), "x-amz-date", date)).code == "IncompleteSignature"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("=3600", "=0"), "IncompleteSignature"),
        (("=3600", "=604801"), "IncompleteSignature"),
        (("=3600", "=soon"), "IncompleteSignature"),
        (("X-Amz-Signature=", "X-Amz-Sig="), "IncompleteSignature"),
        (("AWS4-HMAC-SHA256", "AWS4-OTHER"), "IncompleteSignature"),
    ],
)
def test_a_malformed_signed_url_is_refused(change: tuple[str, str], code: str) -> None:
    url = signed(signer=SigV4QueryAuth, method="GET", body=b"")

    assert refusal(replace(url, raw_query=url.raw_query.replace(*change))).code == code
