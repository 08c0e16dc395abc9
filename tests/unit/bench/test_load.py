"""What wrk and h2load are told, and what their output says."""

from itertools import pairwise

import pytest
from bench.cases import CASES, Case
from bench.content import BROWSER_HEADERS
from bench.failure import BenchError
from bench.load import LOAD_PROGRAMS, LoadReport, Turn, load_command, parse_h2load, parse_oha, parse_wrk

WRK = """Running 1s test @ http://localhost:20566/1k.html
  1 threads and 16 connections
  36408 requests in 1.01s, 45.35MB read
Requests/sec:  36081.11

wrk-report {"requests": 36408, "bytes": 47548848, "microseconds": 1009060, "errors": {"connect": 0, "read": 0, \
"write": 0, "timeout": 0, "status": 0}}
"""

H2LOAD = """Cipher: TLS_AES_128_GCM_SHA256
Application protocol: h2

finished in 1.00s, 41486.00 req/s, 47.16MB/s
requests: 41486 total, 41614 started, 41486 done, 41486 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 41486 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 47.16MB (49452096) total, 5.93MB (6222900) headers (space savings 29.58%), 40.51MB (42481664) data
"""


OHA = """{"summary": {"successRate": 1.0, "total": 2.5, "slowest": 0.1, "totalData": 307200, "sizePerRequest": 1024},
"statusCodeDistribution": {"200": 300}, "errorDistribution": {}}"""


def case_named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def test_a_clean_wrk_run_is_read_whole() -> None:
    assert parse_wrk(WRK) == LoadReport(requests=36408, seconds=1.00906, received_bytes=47548848)


def test_wrk_errors_are_kept_by_kind() -> None:
    spoiled = WRK.replace('"read": 0', '"read": 3').replace('"status": 0', '"status": 12')

    assert parse_wrk(spoiled).errors == {"read": 3, "status": 12}


def test_a_clean_h2load_run_is_read_whole() -> None:
    assert parse_h2load(H2LOAD) == LoadReport(requests=41486, seconds=1.0, received_bytes=42481664)


def test_a_clean_oha_run_is_read_whole() -> None:
    assert parse_oha(OHA) == LoadReport(requests=300, seconds=2.5, received_bytes=307200)


def test_oha_errors_are_kept_by_kind() -> None:
    spoiled = OHA.replace('{"200": 300}', '{"200": 290, "503": 10}').replace("{}", '{"connection closed": 2}')

    report = parse_oha(spoiled)

    assert (report.requests, report.errors) == (290, {"status 503": 10, "connection closed": 2})


@pytest.mark.parametrize(
    ("before", "after", "errors"),
    [
        ("0 failed", "7 failed", {"failed": 7}),
        ("0 errored", "2 errored", {"errored": 2}),
        ("0 timeout", "1 timeout", {"timeout": 1}),
        ("0 3xx", "9 3xx", {"3xx": 9}),
        ("0 4xx", "8 4xx", {"4xx": 8}),
        ("0 5xx", "5 5xx", {"5xx": 5}),
    ],
)
def test_h2load_errors_are_kept_by_kind(before: str, after: str, errors: dict[str, int]) -> None:
    assert parse_h2load(H2LOAD.replace(before, after)).errors == errors


@pytest.mark.parametrize(
    ("written", "seconds"), [("finished in 1.5s", 1.5), ("finished in 250ms", 0.25), ("finished in 10us", 1e-5)]
)
def test_h2load_times_are_read_in_every_unit(written: str, seconds: float) -> None:
    output = H2LOAD.replace("finished in 1.00s", written)

    assert parse_h2load(output).seconds == pytest.approx(seconds)


def test_output_without_a_report_is_an_error_that_shows_it() -> None:
    with pytest.raises(BenchError, match="unable to connect"):
        parse_wrk("unable to connect to localhost:1 Connection refused")
    with pytest.raises(BenchError, match="no server"):
        parse_h2load("no server")
    with pytest.raises(BenchError, match="no such host"):
        parse_oha("no such host")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_load_sends_the_whole_browser_header_set(case: Case) -> None:
    command = load_command(case, 8443, Turn(seconds=3))

    assert command[0] == LOAD_PROGRAMS[case.protocol]
    assert [f"{name}: {value}" for name, value in BROWSER_HEADERS] == [
        word for flag, word in pairwise(command) if flag == "-H"
    ]
    assert command[-1] == f"{case.protocol.scheme}://localhost:8443{case.traffic.sample.path}"


def test_h2load_is_told_connections_streams_and_cipher() -> None:
    command = load_command(case_named("h2-tls13-1k-hit-16x8"), 8443, Turn(seconds=3))

    assert {"-c16", "-m8", "-D3", "--tls13-ciphers=TLS_AES_128_GCM_SHA256"} <= set(command)


def test_oha_is_told_connections_streams_and_the_version() -> None:
    command = load_command(case_named("h3-1k-hit"), 8443, Turn(seconds=3))
    told = dict(pairwise(command))

    assert [told[flag] for flag in ("-c", "-p", "-z", "--http-version")] == ["16", "8", "3s", "3"]


@pytest.mark.parametrize(
    ("case", "script", "arguments"),
    [
        ("h1-1k-hit", "wrk_report.lua", ()),
        ("h1-1k-miss", "wrk_unique.lua", ("run-7",)),
        ("h1-zipf-mix", "wrk_sequence.lua", ("/tmp/mix.sequence", "5000")),
    ],
)
def test_wrk_plays_the_script_of_the_traffic(case: str, script: str, arguments: tuple[str, ...]) -> None:
    command = load_command(case_named(case), 8080, Turn(seconds=3, script_arguments=arguments))

    assert command[command.index("-s") + 1].endswith(f"/bench/{script}")
    assert tuple(command[command.index("--") + 1 :] if arguments else ()) == arguments
