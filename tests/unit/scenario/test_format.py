"""Scenario files into dataclasses."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgeward.scenario.format import ApiStep, ClockStep, LogStep, RawStep, RequestStep, Scenario, parse_scenario
from edgeward.scenario.reading import ScenarioError

HEAD = "scenario: A behavior\nspec: [rfc9111#4]\n"
FILES = sorted((Path(__file__).parents[2] / "scenarios").rglob("*.yaml"))


def steps(parse: Callable[[str], Scenario], text: str) -> list[object]:
    scenario = parse(f"{HEAD}via: [h1]\nsteps:\n{text}")
    return [step.action for step in scenario.cases[0].steps]


def test_the_id_is_folder_and_file_name(parse: Callable[[str], Scenario]) -> None:
    scenario = parse(HEAD + "steps: []")

    assert scenario.id == "cache/example"
    assert (scenario.title, scenario.kind, scenario.via) == ("A behavior", "required", ("h2",))


def test_each_kind_of_step_is_known_by_its_key(parse: Callable[[str], Scenario]) -> None:
    found = steps(
        parse,
        "- get: /a\n- request: TRACE /b\n- raw: GET\n- clock: +1s\n- api: {invalidate: [/a]}\n- log: absent\n",
    )

    assert [type(step) for step in found] == [RequestStep, RequestStep, RawStep, ClockStep, ApiStep, LogStep]


def test_the_key_of_a_request_is_its_method(parse: Callable[[str], Scenario]) -> None:
    get, trace = steps(parse, "- get: /a\n- request: TRACE /b\n")

    assert isinstance(get, RequestStep)
    assert isinstance(trace, RequestStep)
    assert (get.method, get.target) == ("GET", "/a")
    assert (trace.method, trace.target) == ("TRACE", "/b")


def test_header_fields_stand_beside_the_keys(parse: Callable[[str], Scenario]) -> None:
    (step,) = steps(
        parse, "- get: /a\n  range: bytes=0-1\n  headers: {odd: '1'}\n  origin: {etag: '\"1\"', status: 404}"
    )

    assert isinstance(step, RequestStep)
    assert step.headers.lines == (("odd", "1"), ("range", "bytes=0-1"))
    assert step.origin.answers[0].headers.lines == (("etag", '"1"'),)
    assert step.origin.answers[0].status == 404


@pytest.mark.parametrize(
    ("origin", "faults"),
    [
        ("unreached", []),
        ("reset", ["reset"]),
        ("{status: 200}", [None]),
        ("[reset, {status: 200}]", ["reset", None]),
        ("[]", []),
    ],
)
def test_an_origin_is_a_word_an_answer_or_several(
    parse: Callable[[str], Scenario], origin: str, faults: list[str | None]
) -> None:
    (step,) = steps(parse, f"- get: /a\n  origin: {origin}")

    assert isinstance(step, RequestStep)
    assert faults == [answer.fault for answer in step.origin.answers]


def test_every_row_is_a_case(parse: Callable[[str], Scenario]) -> None:
    scenario = parse(
        HEAD + "rows:\n  one: {p: /1, s: 200}\n  two: {p: /2, s: 404}\nsteps: [{get: $p, expect: {status: $s}}]"
    )

    actions = [case.steps[0].action for case in scenario.cases]
    assert [case.label for case in scenario.cases] == ["one", "two"]
    assert [(a.target, a.expect.status) for a in actions if isinstance(a, RequestStep)] == [("/1", 200), ("/2", 404)]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("steps: []", 1, "the key `scenario` is missing"),
        (HEAD + "step: []", 3, "unknown key `step`; did you mean `steps`?"),
        (HEAD + "via: [h4]\nsteps: []", 3, "`h4` is not one of h1, h1-tls, h2, h3"),
        (HEAD + "via: []\nsteps: []", 1, "`via:` names at least one door"),
        (HEAD + "rows: {}\nsteps: []", 3, "the table has no rows"),
        (HEAD + "rows: {a: {x: 1}}\nsteps: [{get: $y}]", 4, "no row gives `$y`"),
        (HEAD + "steps:\n- gte: /a", 4, "did you mean `get`?"),
        (HEAD + "steps:\n- request: /a", 4, "`request:` is a method and a target"),
        (HEAD + "steps:\n- get: /a\n  cache-contol: x", 5, "unknown key `cache-contol`; did you mean `cache-control`?"),
        (HEAD + "steps:\n- get: /a\n  expect: {statuss: 200}", 5, "did you mean `status`?"),
        (HEAD + "steps:\n- get: /a\n  times: 0", 4, "`times:` is 1 to"),
        (HEAD + "steps:\n- get: /a\n  during: []\n  origin: {times: 0}", 6, "`times:` is at least 1"),
        (HEAD + "steps:\n- get: /a\n  during: [{clock: +1s}]", 4, "`during:` and `hangs_up:` need one request"),
        (HEAD + "steps:\n- get: /a\n  hangs_up: true", 4, "`during:` and `hangs_up:` need one request"),
        (
            HEAD + "steps:\n- get: /a\n  hangs_up: true\n  origin: {}\n  expect: {status: 200}",
            4,
            "a viewer who hangs up receives nothing",
        ),
        (HEAD + "steps:\n- get: /a\n  origin: rest", 5, "did you mean `reset`?"),
        (
            HEAD + "steps:\n- get: /a\n  origin: {fault: reset, truncate: 3}",
            5,
            "one of `fault`, `truncate`, `stall` and `raw`",
        ),
        (
            HEAD + "steps:\n- get: /a\n  origin: {fault: refuse, times: 2}",
            5,
            "carries no request",
        ),
        (
            HEAD + "steps:\n- get: /a\n  origin: [refuse, {status: 200}]",
            5,
            "is the only answer",
        ),
        (
            HEAD + "steps:\n- get: /a\n  origin: {fault: refuse, expect: {to: main, path: /}}",
            5,
            "only `expect: {to: NAME}`",
        ),
        (HEAD + "steps:\n- raw: GET", 4, "`raw:` is HTTP/1.1"),
        (HEAD + "steps:\n- get: /a\n  expect: {closed: true}", 4, "`closed:` is about a connection of one request"),
        (HEAD + "steps:\n- log: {sc-stat: 200}", 4, "unknown log field `sc-stat`; did you mean `sc-status`?"),
        (HEAD + "distribution: {default: {min-ttl: 1}}\nsteps: []", 3, "did you mean `min_ttl`?"),
        ("scenario: A\nspec: [rfc9999#1]\nsteps: []", 2, "is not a citation"),
        ("scenario: A\nspec: ['cloudfront:Expirations']\nsteps: []", 2, "did you mean `Expiration`?"),
    ],
)
def test_a_mistake_is_named_with_its_line(parse: Callable[[str], Scenario], text: str, line: int, message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        parse(text)

    assert message in str(error.value)
    assert error.value.line == line


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_scenario_of_the_project_parses_and_needs_what_exists(path: Path) -> None:
    scenario = parse_scenario(path.read_text(), path)

    assert all((path.parents[1] / f"{needed}.yaml").exists() for needed in scenario.needs)
