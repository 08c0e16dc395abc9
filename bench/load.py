"""The load generators: the command for a case, and what their output says.

wrk drives HTTP/1.1, h2load HTTP/2 and oha HTTP/3. The first two are told to speak TLS 1.3 with one cipher suite, so
that servers with different preferences encrypt alike; oha cannot be told, so the probe looks what a server chooses.
A report lists every error by name; nothing is dropped. What wrk asks for when it is not one thing again and again, a
Lua script decides (`wrk_*.lua`).
"""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from bench.cases import Case, Protocol
from bench.content import BROWSER_HEADERS, HOST
from bench.failure import BenchError
from bench.traffic import Pattern

CONFIGS = Path(__file__).parent / "configs"
LOAD_ENVIRONMENT = {
    **os.environ,
    "OPENSSL_CONF": str(CONFIGS / "load.openssl.cnf"),
    "BENCH_FOLDER": str(Path(__file__).parent),
}
CIPHER_SUITE = "TLS_AES_128_GCM_SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What one run of a load generator counted."""

    requests: int
    """Responses received whole with a status below 400."""
    seconds: float
    received_bytes: int
    """Header sections and content for HTTP/1.1; content alone for HTTP/2 and HTTP/3. TLS is not counted."""
    errors: dict[str, int] = field(default_factory=dict)
    """Kind of error -> how many. Empty after a clean run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One run of a load generator."""

    seconds: int
    script_arguments: tuple[str, ...] = ()
    """What the case's script is given: for `DRAWN` the file of the sequence and where to begin, for `UNIQUE` a word of
    this run's own.
    """


def load_command(case: Case, port: int, turn: Turn) -> list[str]:
    """Return the command line that puts the load of `case` on the server at `port`."""
    url = f"{case.protocol.scheme}://{HOST}:{port}{case.traffic.sample.path}"
    headers = [word for name, value in BROWSER_HEADERS for word in ("-H", f"{name}: {value}")]
    if case.protocol is Protocol.H2_TLS:
        return [*_h2load(case, port, turn.seconds), *headers, url]
    if case.protocol is Protocol.H3:
        return [*_oha(case, port, turn.seconds), *headers, url]
    arguments = ["--", *turn.script_arguments] if turn.script_arguments else []
    return [*_wrk(case, turn.seconds), *headers, url, *arguments]


def parse_load(case: Case, output: str) -> LoadReport:
    """Read the report out of what the load generator of `case` printed."""
    return PARSERS.get(case.protocol, parse_wrk)(output)


def parse_wrk(output: str) -> LoadReport:
    """Read the line that `wrk_report.lua` prints."""
    found = re.search(r"^wrk-report (\{.*\})$", output, re.MULTILINE)
    if found is None:
        raise BenchError(f"wrk printed no report. It printed:\n{output.strip()[-1000:]}")
    report = json.loads(found[1])
    return LoadReport(
        requests=report["requests"],
        seconds=report["microseconds"] / 1e6,
        received_bytes=report["bytes"],
        errors={kind: count for kind, count in report["errors"].items() if count},
    )


def parse_h2load(output: str) -> LoadReport:
    """Read h2load's summary: times, request outcomes, status codes and traffic."""
    finished = _h2load_line(output, r"finished in ([\d.]+)(us|ms|s),")
    outcomes = _h2load_line(output, r"requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout")
    statuses = _h2load_line(output, r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx")
    traffic = _h2load_line(output, r"traffic: .*\((\d+)\) data")
    kinds = ("failed", "errored", "timeout", "3xx", "4xx", "5xx")
    counts = (*outcomes[1:], *statuses[1:])
    return LoadReport(
        requests=int(outcomes[0]),
        seconds=float(finished[0]) * H2LOAD_UNITS[finished[1]],
        received_bytes=int(traffic[0]),
        errors={kind: int(count) for kind, count in zip(kinds, counts, strict=True) if int(count)},
    )


def parse_oha(output: str) -> LoadReport:
    """Read oha's JSON: responses by status, and errors by what they say."""
    try:
        report = json.loads(output)
        summary, statuses = report["summary"], report["statusCodeDistribution"]
        errors = {f"status {status}": count for status, count in statuses.items() if not status.startswith("2")}
        return LoadReport(
            requests=sum(statuses.values()) - sum(errors.values()),
            seconds=summary["total"],
            received_bytes=summary["totalData"],
            errors=errors | report["errorDistribution"],
        )
    except (ValueError, KeyError) as error:
        raise BenchError(f"oha printed no report. It printed:\n{output.strip()[-1000:]}") from error


def _wrk(case: Case, seconds: int) -> list[str]:
    script = Path(__file__).parent / SCRIPTS[case.traffic.pattern]
    return ["wrk", "-t1", f"-c{case.connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]


def _h2load(case: Case, port: int, seconds: int) -> list[str]:
    streams = [f"-c{case.connections}", f"-m{case.streams}"]
    return [
        "h2load",
        "-t1",
        *streams,
        f"-D{seconds}",
        f"--tls13-ciphers={CIPHER_SUITE}",
        f"--connect-to=127.0.0.1:{port}",
    ]


def _oha(case: Case, port: int, seconds: int) -> list[str]:
    load = ["-c", str(case.connections), "-p", str(case.streams), "-z", f"{seconds}s"]
    # Responses that the end of the run would cut off are waited for: it counts no bytes of those.
    reporting = ["--wait-ongoing-requests-after-deadline", "--no-tui", "--output-format", "json"]
    way = ["--http-version", "3", "--insecure", "--connect-to", f"{HOST}:{port}:127.0.0.1:{port}"]
    return ["oha", *load, *reporting, *way]


def _h2load_line(output: str, pattern: str) -> tuple[str, ...]:
    found = re.search("^" + pattern, output, re.MULTILINE)
    if found is None:
        raise BenchError(f"h2load printed no line like {pattern!r}. It printed:\n{output.strip()[-1000:]}")
    return found.groups()


PARSERS = {Protocol.H2_TLS: parse_h2load, Protocol.H3: parse_oha}
LOAD_PROGRAMS = {
    Protocol.H1: "wrk",
    Protocol.H1_TLS: "wrk",
    Protocol.H2_TLS: "h2load",
    Protocol.H3: "oha",
}
SCRIPTS = {
    Pattern.REPEATED: "wrk_report.lua",
    Pattern.UNIQUE: "wrk_unique.lua",
    Pattern.DRAWN: "wrk_sequence.lua",
}
H2LOAD_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
