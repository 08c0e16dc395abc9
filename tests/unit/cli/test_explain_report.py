"""An explanation in sentences."""

from typing import Any

import pytest

from edgeward.cli.explain_report import Policies, is_unique, ordinal, report

KEY = {"method": "GET", "path": "/a", "query_strings": [], "headers": {}, "cookies": [], "rules": "cloudfront"}
ORIGIN = {"method": "GET", "url": "http://o:80/a", "headers": {}, "sent": 1, "stale_stands_in": False}
TTL = {"seconds": 300, "source": "max-ttl", "age": 5, "min": 0, "default": 60, "max": 300}


NO_POLICIES = Policies()


def lines(policies: Policies = NO_POLICIES, **members: Any) -> str:
    return "\n".join(report({"status": 200, "result": "Miss", "response_headers_policy": False, **members}, policies))


def test_the_whole_report_of_a_miss() -> None:
    told = lines(
        Policies(cache="Managed-CachingOptimized", origin_request="Mine"),
        distribution="E1",
        behavior={"path_pattern": "/img/*", "place": 2, "of": 4},
        key=KEY | {"query_strings": ["w=1"], "headers": {"x-tenant": "one"}, "cookies": ["_ga"], "codings": "br,gzip"},
        lookup="missing",
        lookup_reason="not-stored",
        flight="led",
        origin=ORIGIN | {"headers": {"accept": "*/*"}, "status": 200},
        ttl=TTL | {"origin_says": {"seconds": 900, "source": "s-max-age"}},
        stored=True,
        compression="edge",
    )
    assert (
        told
        == """\
200 Miss, distribution E1
  behavior     /img/* (2nd of 4)
  cache key    /a
               query string w=1
               header x-tenant: one
               cookie _ga
               accepts br,gzip
               selected by the cache policy Managed-CachingOptimized
               cookie _ga makes the key unique to a viewer or a visit
  look-up      MISS: nothing is stored under this key: never asked for here, not stored, or evicted
               this request asked the origin, for all who wait for the same key
  origin       GET http://o:80/a
                 accept: */*
               forwarded by the origin request policy Mine, beside the cache key
               answered 200
  lifetime     300 s: the policy's maximum TTL; its age is 5 s
               the origin's s-maxage says 900 s
               bounds of the policy: minimum 0, default 60, maximum 300
  stored       yes
  compression  by the edge"""
    )


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"refusal": "not-authenticated"}, "refused      the connection was not asked for the certificate"),
        ({"refusal": "https-required"}, "refused      the behavior's ViewerProtocolPolicy is https-only"),
        ({"refusal": "unknown-host"}, "no distribution has this name: add it to Aliases"),
        ({"refusal": "of-a-newer-edge"}, "refused      of-a-newer-edge"),
        ({"lookup": "fresh"}, "HIT: a fresh response is stored"),
        ({"lookup": "fresh", "lookup_reason": "part-missing"}, "HIT: a fresh response is stored, but not yet the part"),
        ({"lookup": "missing", "lookup_reason": "invalidated"}, "MISS: what was stored is older than an invalidation"),
        ({"lookup": "stale", "lookup_reason": "if-error"}, "STALE: expired; validated, and served should the origin"),
        ({"lookup": "none", "not_stored": "caching-disabled"}, "none: the cache policy's maximum TTL is 0"),
        ({"stored": False, "not_stored": "private"}, "stored       no: Cache-Control: private"),
        ({"flight": "followed"}, "another request was asking the origin already"),
        ({"key": KEY | {"method": "OPTIONS"}}, "cache key    /a for OPTIONS"),
        ({"behavior": {"path_pattern": "*", "place": 4, "of": 4, "path": "/i.html"}}, "* (default of 4)"),
        ({"ttl": TTL | {"source": None}}, "300 s: stored under another configuration"),
        (
            {"origin": ORIGIN | {"sent": 2, "failure": "origin-dns", "failure_text": "no such name"}},
            "failed: no such name",
        ),
        ({"origin": ORIGIN | {"sent": 2}}, "GET http://o:80/a, sent 2 times"),
        ({"origin": ORIGIN | {"status": 500, "stale_stands_in": True}}, "an expired response stands in for it"),
        ({"compression": "length"}, "none: the content is shorter than 1,000 bytes"),
        ({"response_headers_policy": True}, "changed by the response headers policy"),
        ({"cut": ["origin.headers"]}, "left out to stay short: origin.headers"),
        (
            {"error_page": "/404.html", "error": {"refusal": "disabled"}},
            "in place of an error, by the error page /404.html:",
        ),
        ({"error_page": "/404.html", "error": {"refusal": "disabled"}}, "refused      the distribution is disabled"),
    ],
)
def test_each_reason_has_a_sentence(members: dict[str, Any], sentence: str) -> None:
    assert sentence in lines(**members)


def test_an_unsigned_upload_that_s3_refuses_is_told_what_to_send() -> None:
    origin = ORIGIN | {"method": "PUT", "status": 403, "headers": {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}}
    assert "put the SHA-256 of the content into x-amz-content-sha256" in lines(origin=origin)
    assert "SHA-256" not in lines(origin=origin | {"method": "GET"})


def test_an_edge_that_asked_nobody_tells_little() -> None:
    assert lines(compression="not-asked") == "200 Miss"


@pytest.mark.parametrize(
    ("name", "unique"),
    [("_ga", True), ("_ga_ABC", True), ("utm_source", True), ("PHPSESSID", True), ("w", False), ("lang", False)],
)
def test_marks_of_trackers_and_sessions_are_known(name: str, unique: bool) -> None:  # noqa: FBT001
    assert is_unique(name) is unique


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (12, "12th"), (22, "22nd")]
)
def test_ordinals(number: int, text: str) -> None:
    assert ordinal(number) == text


def test_an_answer_to_a_certificate_authority_is_told() -> None:
    assert "challenge    a certificate authority that asks whose the name is" in lines(challenge=True)
