"""Runs scenarios: the steps in order against a real edge, a scripted origin, a raw viewer and a virtual clock.

One call of `run_scenario` is one case through one door, with an edge, an origin and a log of its own; nothing is
shared between runs but the certificate authority. It returns when every step held, or raises `ScenarioFailure` with
what differed and the timeline. Called by the pytest plugin and by `python -m edgeward.scenario`.
"""

import asyncio
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeward.aws.errors import ApiError
from edgeward.edge.settings import OriginLimits
from edgeward.scenario.access_log import Record
from edgeward.scenario.checks import Totals, differences, log_differences, result_of
from edgeward.scenario.delivery import Performance, brief
from edgeward.scenario.edge_under_test import domain_name_of, id_of
from edgeward.scenario.expansion import MAIN
from edgeward.scenario.expectations import Expect
from edgeward.scenario.explanation import debug_token
from edgeward.scenario.format import (
    Action,
    ApiStep,
    Case,
    ClockStep,
    Door,
    EdgeStep,
    LogStep,
    RawStep,
    RequestStep,
    Scenario,
    Step,
)
from edgeward.scenario.message import FieldLines, Request
from edgeward.scenario.short_form import ShortDistribution
from edgeward.scenario.stage import Stage, Surroundings, set_up
from edgeward.scenario.timeline import shortened
from edgeward.scenario.viewer import Outcome, RawExchange, attempt
from edgeward.services.edgeward.explain_token import REQUEST_FIELD


class ScenarioFailure(AssertionError):
    """A step that did not hold; the message tells the whole story and how to run it again."""


def run_scenario(scenario: Scenario, case: Case, door: Door) -> None:
    """Run one case through one door.

    Raises ScenarioFailure when a step does not hold, EngineMissing when the engine is not built, ApiError or
    ValueError when the distribution is refused.
    """
    asyncio.run(_run(scenario, case, door))


async def _run(scenario: Scenario, case: Case, door: Door) -> None:
    async with set_up(case.distribution, _surroundings(scenario)) as stage:
        run = _Run(stage=stage, door=door)
        for step in case.steps:
            problems = await run.play(step)
            if problems:
                raise ScenarioFailure(_report(_Place(scenario, case), run, step.line, problems))
        for line, problems in (await run.check_afterwards()).items():
            raise ScenarioFailure(_report(_Place(scenario, case), run, line, problems))


def _surroundings(scenario: Scenario) -> Surroundings:
    return Surroundings(
        disk=scenario.disk,
        workers=scenario.workers,
        places=scenario.geo,
        lock_timeout=scenario.lock_timeout,
        private_origins=scenario.private_origins,
        origin_limits=OriginLimits(max_requests=scenario.origin_places, max_waiting=scenario.origin_queue),
    )


@dataclass(slots=True, kw_only=True)
class _Run:
    """One case on its way."""

    stage: Stage
    door: Door
    last: Outcome = field(default_factory=Outcome)
    """What the viewer got last."""
    last_record: Record | None = None
    """What was logged of the last viewer where that one hung up."""
    last_line: int = 1
    to_look_up: list["_Logged"] = field(default_factory=list)
    """Responses whose log record must agree with the step."""
    unlogged: set[str] = field(default_factory=set)
    """Ids of requests that the scenario says are not logged."""

    async def play(self, step: Step) -> list[str]:
        """Play one step within `STEP_SECONDS`; returns what went wrong, one line each."""
        self.last_line = step.line
        try:
            async with asyncio.timeout(STEP_SECONDS):
                return await self._act(step.action, step.line)
        except TimeoutError:
            return [f"the step took longer than {STEP_SECONDS} s"]

    async def _act(self, action: Action, line: int) -> list[str]:
        if isinstance(action, ClockStep):
            return await self._pass_time(action)
        if isinstance(action, ApiStep):
            return await self._call_api(action)
        if isinstance(action, EdgeStep):
            return await self._restart()
        if isinstance(action, LogStep):
            return await self._check_last_record(action)
        self.last_record = None
        outcome, problems = await (
            self._send_raw(action) if isinstance(action, RawStep) else self._send_request(action)
        )
        self.last = outcome
        self._remember(action.expect, outcome, line)
        return problems

    async def check_afterwards(self) -> dict[int, list[str]]:
        """Compare the log with what the steps expected of each response; problems by line of the step.

        Whatever reached the origins after the last step is a problem of that step.
        """
        await asyncio.to_thread(self.stage.edge.flush_logs)
        records = {record["x-edge-request-id"]: record for record in self.stage.log.records()}
        stray = self.stage.origins.take_stray_problems()
        problems = {self.last_line: stray} if stray else {}
        for each in self.to_look_up:
            found = each.problems(records.get(each.request_id or ""))
            if found and each.request_id not in self.unlogged:
                problems.setdefault(each.line, found)
        return problems

    async def _pass_time(self, action: ClockStep) -> list[str]:
        self.stage.timeline.clock.advance(action.clock.milliseconds)
        self.stage.timeline.note("clock", f"+{action.clock.seconds}s")
        await asyncio.to_thread(self.stage.edge.advance, action.clock.milliseconds)
        return []

    async def _restart(self) -> list[str]:
        self.stage.timeline.note("edge", "restart")
        await asyncio.to_thread(self.stage.edge.restart, self.stage.timeline.clock.now_ms)
        return []

    async def _call_api(self, action: ApiStep) -> list[str]:
        edge, change = self.stage.edge, action.api
        try:
            if change.update is not None:
                self.stage.timeline.note("api", "update")
                await asyncio.to_thread(edge.update, change.update)
            if change.disable:
                self.stage.timeline.note("api", "disable")
                await asyncio.to_thread(edge.update, ShortDistribution(enabled=False))
            if change.invalidate:
                self.stage.timeline.note("api", f"invalidate {' '.join(change.invalidate)}")
                await asyncio.to_thread(edge.invalidate, change.invalidate)
        except (ApiError, ValueError) as refused:
            return [f"api: {refused}"]
        return []

    async def _check_last_record(self, action: LogStep) -> list[str]:
        if self.last_record is not None:
            return log_differences(action.log, self.last_record, self.stage.timeline.clock.now_ms)
        await asyncio.to_thread(self.stage.edge.flush_logs)
        request_id = _request_id(self.last)
        if request_id is None:
            return ["log: the last response has no x-amz-cf-id to find its record by"]
        record = self.stage.log.record_of(request_id)
        if action.log.is_absent:
            self.unlogged.add(request_id)
        return log_differences(action.log, record, self.stage.timeline.clock.now_ms)

    async def _send_request(self, action: RequestStep) -> tuple[Outcome, list[str]]:
        gate = asyncio.Event() if action.at_once else None
        held = bool(action.during) or action.hangs_up
        performance = await self.stage.origins.begin(action.origin, hold=held, gate=gate)
        sending = asyncio.ensure_future(attempt(self._sending(action, gate)))
        try:
            problems = await self._play_during(action, performance, sending) if held else []
            outcome = Outcome() if action.hangs_up else await sending
        finally:
            sending.cancel()
            problems_of_origin = await self.stage.origins.end(performance)
        self._note_responses(outcome)
        problems += [] if action.hangs_up else self._differences(action.expect, outcome, action.times)
        return outcome, problems + problems_of_origin

    async def _send_raw(self, action: RawStep) -> tuple[Outcome, list[str]]:
        performance = await self.stage.origins.begin(action.origin)
        expect = action.expect
        count = expect.responses if expect.answered else 0
        data = action.raw.encode("latin-1")
        self.stage.timeline.note("viewer", f"> {data!r}")
        try:
            exchange = RawExchange(data=data, count=count, watch_close=expect.closed is not None)
            outcome = await attempt(self.stage.viewer.send_raw(self.door, exchange, domain_name_of(MAIN)))
        finally:
            problems_of_origin = await self.stage.origins.end(performance)
        self._note_responses(outcome)
        return outcome, self._differences(expect, outcome, count) + problems_of_origin

    async def _sending(self, action: RequestStep, gate: asyncio.Event | None) -> Outcome:
        authority = action.host or domain_name_of(MAIN)
        request = Request(
            method=action.method,
            target=action.target,
            fields=_request_fields(action, self.stage.timeline.clock.now_ms),
            authority=authority,
            content=action.content.data if action.content else b"",
        )
        door = action.over or self.door
        viewer = self.stage.viewer.like(address=action.address, speaks=action.speaks, shows=action.shows)
        sni = action.sni or authority.partition(":")[0]
        self.stage.timeline.note("viewer", f"> {request.method} {request.target} {brief(request.fields)}")
        if gate is not None:
            return await viewer.send_at_once(door, request, sni, action.times, gate.set)
        if action.times > 1:
            return await viewer.send_in_turn(door, request, sni, action.times)
        return await viewer.send(door, request, sni, watch_close=action.expect.closed is not None)

    async def _play_during(
        self, action: RequestStep, performance: Performance, sending: "asyncio.Future[Outcome]"
    ) -> list[str]:
        """The steps of `during:`, once the origin holds back its answer; then the answer is released."""
        sending.add_done_callback(lambda _: performance.held.set())
        await performance.held.wait()
        if sending.done():
            return ["during: the viewer was answered before the origin was asked"]
        if action.hangs_up:
            self.last_record = await self._hang_up(sending)
        problems = []
        for step in action.during:
            problems += [f"during, line {step.line}: {problem}" for problem in await self._act(step.action, step.line)]
        performance.released.set()
        return problems

    async def _hang_up(self, sending: "asyncio.Future[Outcome]") -> Record:
        """The viewer closes its connection; over when the edge has noticed, with the record it logs then."""
        before = await self._records()
        self.stage.timeline.note("viewer", "hangs up")
        sending.cancel()
        while len(records := await self._records()) == len(before):
            pass
        return records[-1]

    async def _records(self) -> tuple[Record, ...]:
        await asyncio.to_thread(self.stage.edge.flush_logs)
        return tuple(self.stage.log.records())

    def _differences(self, expect: Expect, outcome: Outcome, count: int) -> list[str]:
        totals = Totals(requests=self.stage.origins.request_count, connections=self.stage.origins.connection_count)
        return differences(expect, outcome, count, totals, self.stage.timeline.clock.now_ms)

    def _note_responses(self, outcome: Outcome) -> None:
        for response in outcome.responses[:_NOTED]:
            if response is not None:
                self.stage.timeline.note("viewer", f"< {response.status} {brief(response.fields)}")
        if outcome.failure:
            self.stage.timeline.note("viewer", f"! {outcome.failure}")

    def _remember(self, expect: Expect, outcome: Outcome, line: int) -> None:
        """Have the log checked at the end for every response whose result the step cares about."""
        if expect.result is None and not expect.results and expect.detail is None:
            return
        for response in outcome.responses:
            if response is not None:
                result = expect.result or result_of(response)
                self.to_look_up.append(_Logged(line, response.field("x-amz-cf-id"), result, expect.detail))


@dataclass(frozen=True, slots=True)
class _Logged:
    """What the log must say about one response."""

    line: int
    request_id: str | None
    result: str | None
    detail: str | None

    def problems(self, record: Mapping[str, str] | None) -> list[str]:
        if record is None:
            return ["the access log has no record of this request; add `- log: absent` when that is right"]
        wanted = (("x-edge-result-type", self.result), ("x-edge-detailed-result-type", self.detail))
        return [
            f"log {name}: expected {value}, got {record[name]}"
            for name, value in wanted
            if value not in (None, record[name])
        ]


@dataclass(frozen=True, slots=True)
class _Place:
    """What is being run, for the report."""

    scenario: Scenario
    case: Case


def _request_fields(action: RequestStep, now_ms: int) -> FieldLines:
    fields = action.headers.at(now_ms)
    if action.content is not None and not action.headers.named("content-length"):
        fields.append(("content-length", str(len(action.content.data))))
    debug = action.debug or ("valid" if action.expect.explain and not action.expect.explain.is_absent else None)
    if debug is not None:
        fields.append((REQUEST_FIELD.lower(), debug_token(debug, id_of(MAIN), now_ms)))
    return fields


def _request_id(outcome: Outcome) -> str | None:
    ids = [response.field("x-amz-cf-id") for response in outcome.responses if response is not None]
    return ids[-1] if ids else None


def _report(where: _Place, run: _Run, line: int, problems: list[str]) -> str:
    again = f"python -m edgeward.scenario {where.scenario.path} --via {run.door}"
    if where.case.label:
        again += f" --row {shlex.quote(where.case.label)}"
    return "\n".join(
        (
            f"{where.scenario.id} via {run.door}: {where.scenario.title}",
            f"{where.scenario.path}:{line}: this step does not hold",
            *(shortened(f"    {problem}") for problem in problems),
            "what happened:",
            run.stage.timeline.render(),
            f"specified by: {', '.join(where.scenario.spec)}",
            f"run it again: {again}",
        )
    )


STEP_SECONDS = 25.0
_NOTED = 20
"""Of many responses so many are shown one by one."""
