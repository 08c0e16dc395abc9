"""What a response says of itself against what a step expects."""

from collections.abc import Callable
from typing import Any

import pytest

from edgeward.scenario.explanation import EXPLAIN_KEY, debug_token
from edgeward.scenario.format import RequestStep, Scenario
from edgeward.scenario.message import Response
from edgeward.scenario.reading import ScenarioError
from edgeward.services.edgeward.explain_token import explain_token

EXPLANATION = (
    '{"status": 200, "stored": true, "key": {"cookies": ["a", "b"], "headers": {"x-a": "1"}, "query_strings": []}}'
)
EXPLAINED = Response(status=200, fields=[("edgeward-explain", EXPLANATION)])
PLAIN = Response(status=200, fields=[])


def step(parse: Callable[[str], Scenario], check: str) -> RequestStep:
    action = (
        parse(f"scenario: A\nspec: [rfc9111#4]\nsteps:\n- get: /a\n  expect: {{explain: {check}}}")
        .cases[0]
        .steps[0]
        .action
    )
    assert isinstance(action, RequestStep)
    return action


@pytest.mark.parametrize(
    ("check", "response", "wrong"),
    [
        ("{status: 200, stored: 'true'}", EXPLAINED, []),
        ("{key.cookies: 'a, b', key.headers.x-a: 1, key.query_strings: absent}", EXPLAINED, []),
        ("{key.cookies: [a, b]}", EXPLAINED, []),
        ("{status: 404}", EXPLAINED, ["explain status: expected 404, got 200"]),
        ("{ttl.seconds: 5}", EXPLAINED, ["explain ttl.seconds: expected 5, got absent"]),
        ("{status: 200}", PLAIN, ["explain: expected an explanation, got none"]),
        ("absent", PLAIN, []),
        ("absent", EXPLAINED, [f"explain: expected absent, got {EXPLANATION}"]),
    ],
)
def test_members_are_checked_by_their_path(
    parse: Callable[[str], Scenario], check: str, response: Response, wrong: list[str]
) -> None:
    explain: Any = step(parse, check).expect.explain
    assert explain.mismatches(response, 0) == wrong


def test_what_is_no_path_is_refused(parse: Callable[[str], Scenario]) -> None:
    with pytest.raises(ScenarioError, match="is no path of a member"):
        step(parse, "{'key cookies': a}")


def test_each_token_is_what_its_word_says() -> None:
    now, later = 1_700_000_000, 1_700_000_060
    assert debug_token("valid", "E1", now * 1000) == explain_token(EXPLAIN_KEY, "E1", later)
    assert debug_token("expired", "E1", now * 1000) == explain_token(EXPLAIN_KEY, "E1", now)
    assert debug_token("wrong-key", "E1", now * 1000) != explain_token(EXPLAIN_KEY, "E1", later)
    assert debug_token("other-distribution", "E1", now * 1000).split(".")[1] != "E1"
