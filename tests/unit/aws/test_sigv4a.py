"""SigV4A: the derived key, and what the AWS Common Runtime signs."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from edgeward.aws.errors import ApiError
from edgeward.aws.sigv4 import verify
from edgeward.aws.sigv4a import is_signed, public_key
from edgeward.aws.wire import WireRequest
from root_keys import RootKeys

SERVICE = "cloudfront-keyvaluestore"


def signed(url: str = "http://123456789012.localhost/key-value-stores/a%3Ab/keys/x?y=1%202") -> WireRequest:
    crt: Any = pytest.importorskip("botocore.crt.auth", reason="botocore signs with SigV4A only by awscrt")
    request = AWSRequest("PUT", url, data=b"{}", headers={"If-Match": "KV1"})
    crt.CrtSigV4AsymAuth(Credentials("AKID", "secret"), SERVICE, "us-east-1").add_auth(request)
    host, _, path = url.removeprefix("http://").partition("/")
    raw_path, _, raw_query = f"/{path}".partition("?")
    lines = {"host": host} | {name.lower(): value for name, value in request.headers.items()}
    return WireRequest(method="PUT", raw_path=raw_path, raw_query=raw_query, headers=tuple(lines.items()), body=b"{}")


def verified(request: WireRequest, secret: str = "secret") -> str:
    return verify(request, access=RootKeys({"AKID": secret}, "1"), service=SERVICE, now=datetime.now(UTC)).access_key


def test_the_key_is_the_one_that_aws_derives() -> None:
    """The example of AWS's open-source signers (aws-c-auth, key derivation)."""
    numbers = public_key("AKISORANDOMAASORANDOM", "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom").public_numbers()

    assert numbers.x == 0x15D242CEEBF8D8169FD6A8B5A746C41140414C3B07579038DA06AF89190FFFCB
    assert numbers.y == 0x0515242CEDD82E94799482E4C0514B505AFCCF2C0C98D6A553BF539F424C5EC0


def test_what_the_common_runtime_signs_is_accepted() -> None:
    assert verified(signed()) == "AKID"


def test_any_change_after_signing_is_refused() -> None:
    good = signed()
    altered = [
        replace(good, body=b"[]"),
        replace(good, raw_path="/key-value-stores/a%3Ab/keys/z"),
        replace(good, headers=tuple((n, "KV2" if n == "if-match" else v) for n, v in good.headers)),
        replace(good, headers=tuple((n, "eu-west-1" if n == "x-amz-region-set" else v) for n, v in good.headers)),
    ]

    for request in altered:
        with pytest.raises(ApiError) as refusal:
            verified(request)
        assert refusal.value.code == "SignatureDoesNotMatch"


def test_another_secret_is_refused() -> None:
    with pytest.raises(ApiError) as refusal:
        verified(signed(), "other")

    assert refusal.value.code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("signature", ["", "00", "zz", "3006020101020101", "ff" * 70])
def test_a_signature_that_is_none_is_refused_and_nothing_else_happens(signature: str) -> None:
    assert not is_signed(b"message", signature, "AKID", "secret")
