"""The scripted origin: what it answers, how it misbehaves, what it holds against a step."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from edgeward.scenario.message import Request
from edgeward.scenario.origin import Origins
from edgeward.scenario.origin_script import Script
from edgeward.scenario.reading import compose, read
from edgeward.scenario.viewer import Outcome, Viewer, attempt

GET = Request(method="GET", target="/a", fields=[("x-a", "1")], authority="origin")
Play = Callable[..., Awaitable[tuple[Outcome, list[str]]]]


def script(text: str) -> Script:
    found = read(Script, compose(text, Path("a.yaml")))
    assert isinstance(found, Script)
    return found


@pytest.fixture
def play(origins: Origins, viewer: Viewer) -> Play:
    """Send a request while the origin plays a script; what the viewer got and the origin's problems."""

    async def play_script(text: str, request: Request = GET) -> tuple[Outcome, list[str]]:
        performance = await origins.begin(script(text))
        outcome = await asyncio.wait_for(attempt(viewer.send("h1", request, "")), 5)
        return outcome, await origins.end(performance)

    return play_script


async def test_an_answer_has_the_virtual_date_and_a_length(play: Play) -> None:
    outcome, problems = await play("{status: 404, etag: '\"1\"', content: gone}")

    (response,) = outcome.responses
    assert response is not None
    assert (response.status, response.content, response.complete) == (404, b"gone", True)
    assert response.fields == [
        ("date", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ("content-length", "4"),
        ("etag", '"1"'),
    ]
    assert problems == []


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_content_is_framed_as_the_script_says(play: Play, framing: str) -> None:
    outcome, _ = await play(f"{{framing: {framing}, content: {{pattern: 70000}}}}")

    assert outcome.responses[0] is not None
    assert len(outcome.responses[0].content) == 70000
    assert outcome.responses[0].complete


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_truncated_content_is_incomplete(play: Play, framing: str) -> None:
    outcome, _ = await play(f"{{framing: {framing}, content: abcdef, truncate: 3}}")

    assert outcome.responses[0] is not None
    assert (outcome.responses[0].content, outcome.responses[0].complete) == (b"abc", False)


async def test_a_head_request_gets_no_content(play: Play) -> None:
    outcome, _ = await play("{content: abc}", Request(method="HEAD", target="/", fields=[], authority="o"))

    assert outcome.responses[0] is not None
    assert (outcome.responses[0].field("content-length"), outcome.responses[0].content) == ("3", b"")


@pytest.mark.parametrize(
    ("text", "failure"),
    [("reset", "ConnectionResetError"), ("refuse", "ConnectionRefusedError"), ("garbage", "MalformedMessage")],
)
async def test_a_faulty_origin_answers_nothing_of_use(play: Play, text: str, failure: str) -> None:
    outcome, problems = await play(text)

    assert outcome.failure is not None
    assert failure in outcome.failure
    assert problems == []


async def test_an_origin_that_closes_sends_nothing(play: Play) -> None:
    outcome, _ = await play("close")

    assert (outcome.responses, outcome.closed) == ((), True)


async def test_an_origin_that_never_answers_lets_go_when_the_step_ends(origins: Origins, viewer: Viewer) -> None:
    performance = await origins.begin(script("never"))
    sending = asyncio.ensure_future(attempt(viewer.send("h1", GET, "")))
    await asyncio.wait({sending}, timeout=0.1)
    assert not sending.done()
    await origins.end(performance)

    assert (await asyncio.wait_for(sending, 5)).failure is not None


async def test_an_origin_that_stalls_has_sent_a_part(origins: Origins, viewer: Viewer) -> None:
    performance = await origins.begin(script("{content: abcdef, framing: chunked, stall: 3}"))
    sending = asyncio.ensure_future(attempt(viewer.send("h1", GET, "")))
    await asyncio.wait({sending}, timeout=0.1)
    assert not sending.done()
    await origins.end(performance)

    assert "ConnectionResetError" in ((await asyncio.wait_for(sending, 5)).failure or "")


async def test_one_of_several_refuses_while_the_others_answer(play: Play, origins: Origins) -> None:
    await origins.listen("other", None)

    refused, problems = await play("[{fault: refuse, expect: {to: main}}]")
    answered, _ = await play("[{fault: refuse, expect: {to: other}}, {content: here}]")

    assert "ConnectionRefusedError" in (refused.failure or "")
    assert problems == []
    assert answered.responses[0] is not None
    assert answered.responses[0].content == b"here"


async def test_a_refusing_origin_listens_again_on_the_same_port(play: Play) -> None:
    await play("refuse")
    outcome, _ = await play("{content: back}")

    assert outcome.responses[0] is not None
    assert outcome.responses[0].content == b"back"


async def test_a_request_that_is_not_scripted_is_a_problem(play: Play) -> None:
    _, problems = await play("unreached")

    assert problems == ["origin: main got GET /a, which the step does not script"]


async def test_an_answer_that_nobody_asked_for_is_a_problem(play: Play) -> None:
    _, problems = await play("[{content: one}, {content: two}]")

    assert problems == ["origin: 1 scripted answer(s) that no origin request asked for"]


@pytest.mark.parametrize(
    ("expect", "problem"),
    [
        ("{method: GET, path: /a, to: main, x-a: '1', cookie: absent, content: ''}", None),
        ("{method: HEAD}", "origin request: method: expected HEAD, got GET"),
        ("{path: /b}", "origin request: path: expected /b, got /a"),
        ("{to: api}", "origin request: origin: expected api, got main"),
        ("{x-a: absent}", "origin request: x-a: expected absent, got 1"),
        ("{content: x}", "origin request: content: expected 'x', got ''"),
    ],
)
async def test_the_request_is_compared_with_what_is_expected(play: Play, expect: str, problem: str | None) -> None:
    _, problems = await play(f"{{expect: {expect}}}")

    assert problems == ([problem] if problem else [])


async def test_a_held_answer_waits_for_its_release(origins: Origins, viewer: Viewer) -> None:
    performance = await origins.begin(script("{content: abcdef, hold: content}"), hold=True)
    sending = asyncio.ensure_future(viewer.send("h1", GET, ""))
    await asyncio.wait_for(performance.held.wait(), 5)
    assert not sending.done()
    performance.released.set()

    outcome = await asyncio.wait_for(sending, 5)
    assert outcome.responses[0] is not None
    assert outcome.responses[0].content == b"abcdef"
    assert await origins.end(performance) == []


async def test_requests_and_connections_are_counted(origins: Origins, play: Play) -> None:
    await play("{content: one}")
    await play("{content: two}")

    assert (origins.request_count, origins.connection_count) == (2, 2)


async def test_what_reaches_the_origin_between_steps_is_held_against_the_next(
    origins: Origins, viewer: Viewer, play: Play
) -> None:
    await attempt(viewer.send("h1", GET, ""))
    _, problems = await play("{content: one}")

    assert origins.request_count == 2
    assert problems == ["origin: main got GET /a, which the step does not script"]
