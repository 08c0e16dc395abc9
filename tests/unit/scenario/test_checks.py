"""What a step expects against what a viewer got."""

import pytest

from edgeward.scenario.checks import Totals, differences, log_differences
from edgeward.scenario.expectations import Expect, LogCheck
from edgeward.scenario.message import Response
from edgeward.scenario.timeline import EPOCH_MS
from edgeward.scenario.values import ContentCheck, FieldCheck, FieldChecks
from edgeward.scenario.viewer import Outcome

TOTALS = Totals(requests=1, connections=2)
HIT = Response(status=200, fields=[("x-cache", "Hit from cloudfront"), ("age", "5")], content=b"v1")
MISS = Response(status=200, fields=[("x-cache", "Miss from cloudfront")], content=b"v1")


@pytest.mark.parametrize(
    ("expect", "outcome", "count", "wrong"),
    [
        (Expect(), Outcome(responses=(HIT,)), 1, []),
        (Expect(status=200, result="Hit", content=ContentCheck(equals="v1")), Outcome(responses=(HIT,)), 1, []),
        (Expect(status=404), Outcome(responses=(HIT,)), 1, ["status: expected 404, got 200"]),
        (
            Expect(result="Miss"),
            Outcome(responses=(HIT,)),
            1,
            ["x-cache: expected Miss from cloudfront, got Hit from cloudfront"],
        ),
        (
            Expect(headers=FieldChecks((("age", FieldCheck("equals", ("6",))),))),
            Outcome(responses=(HIT,)),
            1,
            ["age: expected 6, got 5"],
        ),
        (Expect(results={"Miss": 1, "Hit": 2}), Outcome(responses=(HIT, MISS, HIT)), 3, []),
        (
            Expect(results={"Hit": 2}),
            Outcome(responses=(HIT, MISS)),
            2,
            ["results: expected Hit 2, got Hit 1, Miss 1"],
        ),
        (Expect(status=404), Outcome(responses=(HIT, HIT)), 2, ["status: expected 404, got 200 (2 times)"]),
        (Expect(origin_requests=2), Outcome(responses=(HIT,)), 1, ["origin_requests: expected 2, got 1"]),
        (Expect(origin_connections=1), Outcome(responses=(HIT,)), 1, ["origin_connections: expected 1, got 2"]),
        (Expect(), Outcome(failure="reset"), 1, ["responses: expected 1, got 0; reset"]),
        (Expect(answered=False), Outcome(failure="reset"), 1, []),
        (Expect(answered=False), Outcome(responses=(None,)), 1, []),
        (
            Expect(answered=False),
            Outcome(responses=(HIT,)),
            1,
            ["responses: expected 0, got 1; the edge closed the connection"],
        ),
        (Expect(closed=True), Outcome(responses=(HIT,), closed=False), 1, ["the edge kept the connection open"]),
        (Expect(closed=False), Outcome(responses=(HIT,), closed=True), 1, ["the edge closed the connection"]),
        (Expect(tls="TLSv1.3"), Outcome(responses=(HIT,), tls="TLSv1.2"), 1, ["tls: expected TLSv1.3, got TLSv1.2"]),
        (
            Expect(certificate="a"),
            Outcome(responses=(HIT,), certificate_names=("b", "c")),
            1,
            ["certificate: expected a, got b, c"],
        ),
    ],
)
def test_every_difference_is_one_line(expect: Expect, outcome: Outcome, count: int, wrong: list[str]) -> None:
    assert wrong == differences(expect, outcome, count, TOTALS, EPOCH_MS)


def test_content_that_ends_early_is_a_difference_unless_expected() -> None:
    cut = Outcome(responses=(Response(status=200, fields=[], content=b"v", complete=False),))

    assert differences(Expect(), cut, 1, TOTALS, EPOCH_MS) == ["the content ends early"]
    assert differences(Expect(complete=False), cut, 1, TOTALS, EPOCH_MS) == []


def test_a_log_record_is_compared_by_field() -> None:
    check = LogCheck(fields=FieldChecks((("sc-status", FieldCheck("equals", ("200",))),)))

    assert log_differences(check, {"sc-status": "200"}, EPOCH_MS) == []
    assert log_differences(check, {"sc-status": "404"}, EPOCH_MS) == ["log sc-status: expected 200, got 404"]
    assert log_differences(check, None, EPOCH_MS) == ["expected an access log record, got none"]


def test_a_record_that_must_not_be_there_is_a_difference() -> None:
    assert log_differences(LogCheck(is_absent=True), None, EPOCH_MS) == []
    (line,) = log_differences(LogCheck(is_absent=True), {"sc-status": "413"}, EPOCH_MS)
    assert line.startswith("expected no access log record")
