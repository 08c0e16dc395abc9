"""Runs: the load of a case on a server, in interleaved rounds; a run not proved clean fails its cell.

A run counts only when the load generator saw no error, every response had its full length, and the origin was
asked as often as the case says: never for hits. Servers take turns within a round, so that noise from the machine
falls on all of them alike.
"""

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from bench.cases import Case, Outcome
from bench.failure import BenchError
from bench.load import LOAD_ENVIRONMENT, LoadReport, Turn, load_command, parse_load
from bench.probe import check_answer, fill, origin_requests
from bench.results import Cell, Sample
from bench.site import Running
from bench.traffic import Pattern, lines
from bench.yardstick import Yardstick


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything that stays the same from run to run."""

    programs: Mapping[str, str]
    origin_port: int
    folder: Path
    load_cpu: int
    seconds: int
    yardstick: Yardstick
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Case and port -> requests so far: where in the sequence the next run begins."""
    turns: Iterator[int] = field(default_factory=count)

    def load(self, case: Case, port: int, seconds: int) -> LoadReport:
        """Put the load of `case` on `port`, from the load generators' CPU, and return what it counted."""
        turn = Turn(seconds=seconds, script_arguments=self._script_arguments(case, port))
        report = parse_load(case, self.run(load_command(case, port, turn), seconds))
        self.asked[case.name, port] += report.requests
        return report

    def _script_arguments(self, case: Case, port: int) -> tuple[str, ...]:
        if case.traffic.pattern is Pattern.UNIQUE:
            return (f"{port}-{next(self.turns)}",)
        if case.traffic.pattern is Pattern.DRAWN:
            return str(self._sequence(case)), str(self.asked[case.name, port])
        return ()

    def _sequence(self, case: Case) -> Path:
        path = self.folder / f"{case.name}.sequence"
        if not path.exists():
            path.write_text(lines(case.traffic.sequence()))
        return path

    def run(self, words: list[str], seconds: int) -> str:
        """Run a load generator, which takes `seconds`, on its CPU, and return what it printed."""
        program, *arguments = words
        command = [
            self.programs["taskset"],
            "--cpu-list",
            str(self.load_cpu),
            self.programs[program],
            *arguments,
        ]
        limit = seconds + LOAD_GRACE_SECONDS
        try:
            done = subprocess.run(
                command, env=LOAD_ENVIRONMENT, capture_output=True, text=True, check=False, timeout=limit
            )
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"{program} did not end within {limit:.0f} s") from error
        if done.returncode != 0:
            raise BenchError(f"{program} failed: {(done.stderr or done.stdout).strip()[-500:]}")
        return done.stdout


def measure_case(
    bench: Bench, case: Case, servers: Mapping[str, Running], rounds: int, tell: Callable[[str], None]
) -> list[Cell]:
    """Return one cell for each server, measured in interleaved rounds; `tell` gets a line for each run."""
    cells = {name: Cell(case=case.name, server=name, samples=(), unit=case.figure) for name in servers}
    # All of them before the first round: a server may have things to put in order once its cache is full.
    for name, running in servers.items():
        cells[name] = _prepared(bench, case, running, cells[name])
    for number in range(rounds):
        for name, running in servers.items():
            if cells[name].failure is None:
                cells[name] = _with_run(bench, case, running, cells[name], number)
                tell(f"{case.name} round {number + 1}/{rounds} {name}: {_outcome(cells[name])}")
    return list(cells.values())


def measure_run(bench: Bench, case: Case, running: Running, round_number: int) -> Sample:
    """Run the load of `case` once and return its figures; fail unless the run was clean."""
    port = running.port(case.protocol)
    origin_before = origin_requests(bench.origin_port)
    cpu_before = running.process.cpu_seconds()
    started = time.monotonic()
    report = bench.load(case, port, max(bench.seconds, case.least_seconds))
    ended = time.monotonic()
    # Work put off, such as compressing the log, belongs to the requests that caused it.
    time.sleep(SETTLE_SECONDS)
    loss = running.wrap_up()
    cpu_seconds = running.process.cpu_seconds() - cpu_before
    to_origin = origin_requests(bench.origin_port) - origin_before - 1
    if reason := fault_in(case, report, to_origin) or loss:
        raise BenchError(reason)
    return Sample(
        round=round_number,
        requests=report.requests,
        seconds=report.seconds,
        cpu_seconds=cpu_seconds,
        received_bytes=report.received_bytes,
        origin_requests=to_origin,
        held_bytes=running.held_bytes() if case.outcome is Outcome.EITHER else None,
        yardstick_microseconds=bench.yardstick.microseconds(started, ended),
    )


def fault_in(case: Case, report: LoadReport, to_origin: int) -> str | None:
    """Say why a run may not be counted, or None. `to_origin`: requests that reached the origin meanwhile."""
    if report.errors:
        return "errors under load: " + ", ".join(f"{count} {kind}" for kind, count in report.errors.items())
    if report.requests == 0:
        return "no request was answered"
    # Responses cut off by the end of the run are in the bytes and not in the requests: a few at most.
    least = case.traffic.mean_length() * (MIX_TOLERANCE if case.outcome is Outcome.EITHER else 1)
    if report.received_bytes < report.requests * least:
        length = report.received_bytes / report.requests
        return f"{length:.0f} bytes per response instead of {least:.0f} or more"
    return _fault_in_origin_requests(case, report.requests, to_origin)


def _fault_in_origin_requests(case: Case, requests: int, to_origin: int) -> str | None:
    if case.outcome is Outcome.HIT and to_origin > 0:
        return f"{to_origin} requests went to the origin although all should have been hits"
    # Requests that the end of the run cut off are at the origin and not in the report: one a connection at most. So may
    # be what the end of the run before cut off, if the server was late.
    at_most = requests + 2 * case.connections
    if case.outcome is Outcome.ORIGIN and not requests <= to_origin <= at_most:
        return (
            f"{to_origin} requests went to the origin for {requests} of viewers, of which none should have been a hit"
        )
    if case.outcome is Outcome.EITHER and to_origin > at_most:
        return f"{to_origin} requests went to the origin for {requests} of viewers"
    return None


def _prepared(bench: Bench, case: Case, running: Running, cell: Cell) -> Cell:
    try:
        _prepare(bench, case, running)
    except BenchError as error:
        return replace(cell, failure=running.process.ending() or str(error))
    finally:
        running.empty_logs()
    return cell


def _with_run(bench: Bench, case: Case, running: Running, cell: Cell, number: int) -> Cell:
    try:
        sample = measure_run(bench, case, running, number)
    except BenchError as error:
        return replace(cell, failure=running.process.ending() or str(error))
    finally:
        running.empty_logs()
    return replace(cell, samples=(*cell.samples, sample))


def _prepare(bench: Bench, case: Case, running: Running) -> None:
    """Store what has to be stored, look at one answer, and let the server reach its stride."""
    port = running.port(case.protocol)
    if case.outcome is Outcome.HIT:
        fill(case, port, bench.origin_port)
    check_answer(case, port, bench.origin_port, bench.folder, marks_hits=running.marks_hits)
    warmed = bench.load(case, port, WARM_UP_SECONDS).requests
    while warmed < case.warm_up_requests:
        done = bench.load(case, port, LONG_WARM_UP_SECONDS).requests
        if done == 0:
            raise BenchError("no request was answered while the cache was filled")
        warmed += done
        running.empty_logs()


def _outcome(cell: Cell) -> str:
    if cell.failure is not None:
        return f"FAILED: {cell.failure}"
    last = cell.samples[-1]
    return f"{cell.figure(last):,.0f} {cell.unit} per CPU-second ({last.busy:.0%} busy)"


def names_in_order(wanted: Sequence[str], known: Sequence[str], what: str) -> list[str]:
    """Return the wanted names in the order of `known`, or all of them; an unknown name is an error."""
    if unknown := [name for name in wanted if name not in known]:
        raise BenchError(f"unknown {what} {', '.join(unknown)}; choose from {', '.join(known)}")
    return [name for name in known if not wanted or name in wanted]


LOAD_GRACE_SECONDS = 30
MIX_TOLERANCE = 0.8
"""How much below its mean the content of drawn requests may be: a few large ones make much of it."""
SETTLE_SECONDS = 0.25
WARM_UP_SECONDS = 1
LONG_WARM_UP_SECONDS = 4
