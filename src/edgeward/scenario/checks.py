"""Compares what a viewer got with what a step expects. Pure: returns words, one line for each difference."""

import collections
from collections.abc import Mapping
from dataclasses import dataclass

from edgeward.scenario.expectations import Expect, LogCheck
from edgeward.scenario.message import Response
from edgeward.scenario.viewer import Outcome

RESULT_SUFFIX = " from cloudfront"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What reached the origins since the scenario began."""

    requests: int
    connections: int


def differences(expect: Expect, outcome: Outcome, count: int, totals: Totals, now_ms: int) -> list[str]:
    """Everything about the viewer's side of a step with `count` responses that is not as expected."""
    wrong = _connection_differences(expect, outcome)
    answered = [response for response in outcome.responses if response is not None]
    if expect.answered:
        wrong += _response_differences(expect, answered, now_ms)
    if len(answered) != (count if expect.answered else 0):
        got = f"{len(answered)}; {outcome.failure or 'the edge closed the connection'}"
        wrong.append(_line("responses", count if expect.answered else 0, got))
    counts = (
        ("origin_requests", expect.origin_requests, totals.requests),
        ("origin_connections", expect.origin_connections, totals.connections),
    )
    return wrong + [_line(key, want, got) for key, want, got in counts if want not in (None, got)]


def _response_differences(expect: Expect, answered: list[Response], now_ms: int) -> list[str]:
    found = [difference for response in answered for difference in _one_response(expect, response, now_ms)]
    repeated = collections.Counter(found).items()
    wrong = [line if count == 1 else f"{line} ({count} times)" for line, count in repeated]
    got = collections.Counter(result_of(response) or "none" for response in answered)
    if expect.results and dict(got) != dict(expect.results):
        wrong.append(_line("results", _counts(expect.results), _counts(got)))
    return wrong


def _one_response(expect: Expect, response: Response, now_ms: int) -> list[str]:
    wrong = []
    if expect.status not in (None, response.status):
        wrong.append(_line("status", expect.status, response.status))
    if expect.result is not None:
        wanted = expect.result + RESULT_SUFFIX
        if response.field("x-cache") != wanted:
            wrong.append(_line("x-cache", wanted, response.field("x-cache") or "absent"))
    if response.complete != expect.complete:
        wrong.append("the content ends early" if expect.complete else "expected the content to end early")
    wrong += expect.headers.mismatches(response.fields, now_ms)
    wrong += expect.explain.mismatches(response, now_ms) if expect.explain else []
    return wrong + (expect.content.mismatches(response.content) if expect.content else [])


def _connection_differences(expect: Expect, outcome: Outcome) -> list[str]:
    wrong = []
    if expect.closed is not None and outcome.closed != expect.closed:
        wrong.append("the edge kept the connection open" if expect.closed else "the edge closed the connection")
    if expect.tls not in (None, outcome.tls):
        wrong.append(_line("tls", expect.tls, outcome.tls or "no TLS"))
    if expect.certificate is not None and expect.certificate not in outcome.certificate_names:
        wrong.append(_line("certificate", expect.certificate, ", ".join(outcome.certificate_names) or "none"))
    return wrong


def log_differences(check: LogCheck, record: Mapping[str, str] | None, now_ms: int) -> list[str]:
    """What is not as expected about one access log record; None when there is no record."""
    if check.is_absent:
        return [f"expected no access log record, got {dict(record)}"] if record else []
    if record is None:
        return ["expected an access log record, got none"]
    return [f"log {line}" for line in check.fields.mismatches(record.items(), now_ms)]


def result_of(response: Response) -> str | None:
    """The result type in X-Cache: `Hit` of `Hit from cloudfront`."""
    return (response.field("x-cache") or "").removesuffix(RESULT_SUFFIX) or None


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{result} {count}" for result, count in sorted(counts.items()))


def _line(key: str, wanted: object, got: object) -> str:
    return f"{key}: expected {wanted}, got {got}"
