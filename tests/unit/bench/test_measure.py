"""When a run counts, when a response is a hit, and how command lines and configurations are read."""

from dataclasses import replace

import pytest
from bench.__main__ import parse_choice
from bench.cases import CASES, Outcome
from bench.edgeward import listening_ports
from bench.failure import BenchError
from bench.load import LoadReport
from bench.measure import fault_in, names_in_order
from bench.probe import Answer, is_marked_hit, mistake_in, requests_of_stub_status
from bench.servers import SERVERS, render

CASE = CASES[0]
CLEAN = LoadReport(requests=10, seconds=1.0, received_bytes=10 * 1300)
HIT = Answer(status=200, http_version="1.1", headers={"age": "4"}, content=CASE.traffic.sample.content())


def test_a_clean_run_has_no_fault() -> None:
    assert fault_in(CASE, CLEAN, to_origin=0) is None


@pytest.mark.parametrize(
    ("report", "to_origin", "fault"),
    [
        (replace(CLEAN, errors={"read": 3, "status": 1}), 0, "errors under load: 3 read, 1 status"),
        (replace(CLEAN, requests=0), 0, "no request was answered"),
        (replace(CLEAN, received_bytes=5000), 0, "500 bytes per response instead of 1024 or more"),
        (CLEAN, 2, "2 requests went to the origin although all should have been hits"),
    ],
)
def test_a_run_that_was_not_all_whole_hits_has_a_fault(report: LoadReport, to_origin: int, fault: str) -> None:
    assert fault_in(CASE, report, to_origin) == fault


@pytest.mark.parametrize(
    ("outcome", "requests", "to_origin", "fault"),
    [
        (Outcome.ORIGIN, 100, 100, None),
        (Outcome.ORIGIN, 100, 132, None),
        (Outcome.ORIGIN, 100, 99, "99 requests went to the origin for 100 of viewers, of which"),
        (
            Outcome.ORIGIN,
            100,
            133,
            "133 requests went to the origin for 100 of viewers, of which",
        ),
        (Outcome.EITHER, 100, 30, None),
        (Outcome.EITHER, 100, 133, "133 requests went to the origin for 100 of viewers"),
    ],
)
def test_the_origin_is_asked_as_often_as_the_case_says(
    outcome: Outcome, requests: int, to_origin: int, fault: str | None
) -> None:
    """With 16 connections, up to 32 requests at the origin may have been cut off by the end of a run."""
    case = replace(CASE, outcome=outcome)
    report = LoadReport(requests=requests, seconds=1.0, received_bytes=requests * 1300)

    assert (fault_in(case, report, to_origin) or "").startswith(fault or "")
    assert (fault_in(case, report, to_origin) is None) == (fault is None)


@pytest.mark.parametrize(
    ("server", "case", "lack"),
    [
        ("varnish", "h1-tls13-1k-hit", "does not speak HTTP/1.1 over TLS 1.3"),
        ("haproxy", "h1-1m-disk-hit", "its cache is in memory alone"),
        ("haproxy", "h1-64k-range-hit", "its cache does not serve parts"),
        ("haproxy", "h1-zipf-mix", None),
        ("varnish", "h1-64k-range-hit", None),
        ("trafficserver", "h1-tls13-100m-disk-hit", None),
        ("nginx", "h3-1k-hit", "does not speak HTTP/3"),
        ("caddy", "h1-1k-hit", "has no cache; it stands beside Edgeward for HTTP/3 alone"),
        ("caddy", "h3-10m", None),
    ],
)
def test_a_server_says_what_it_lacks_for_a_case(server: str, case: str, lack: str | None) -> None:
    (chosen,) = (known for known in CASES if known.name == case)

    assert SERVERS[server].lack(chosen) == lack


def test_a_whole_hit_has_no_mistake() -> None:
    assert mistake_in(CASE, HIT) is None


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (replace(HIT, status=403), "status 403"),
        (replace(HIT, http_version="2"), "HTTP/2 instead of HTTP/1.1"),
        (replace(HIT, content=b"x" * 1024), "not the 1024 of /1k.html"),
        (replace(HIT, headers={"x-cache": "Miss from cloudfront"}), "marks the response as a hit"),
    ],
)
def test_an_answer_that_is_no_whole_hit_has_a_mistake(answer: Answer, mistake: str) -> None:
    found = mistake_in(CASE, answer)

    assert found is not None
    assert mistake in found


def test_a_server_without_a_cache_need_not_mark_hits() -> None:
    assert mistake_in(CASE, replace(HIT, headers={}), marks_hits=False) is None


def test_an_answer_over_http3_is_encrypted_as_those_of_the_others() -> None:
    (case,) = (known for known in CASES if known.name == "h3-1k-hit")
    answer = replace(HIT, http_version="3", cipher_suite="TLS_AES_128_GCM_SHA256")

    assert mistake_in(case, answer) is None
    assert mistake_in(case, replace(answer, http_version="2")) == "HTTP/2 instead of HTTP/3"
    dearer = replace(answer, cipher_suite="TLS_AES_256_GCM_SHA384")
    assert mistake_in(case, dearer) == "TLS_AES_256_GCM_SHA384 instead of TLS_AES_128_GCM_SHA256"


@pytest.mark.parametrize(
    ("headers", "is_hit"),
    [
        ({"x-cache": "Hit from cloudfront", "age": "1"}, True),
        ({"x-cache": "MISS", "age": "0"}, False),
        ({"x-cache-status": "HIT"}, True),
        ({"x-cache-status": "EXPIRED"}, False),
        ({"age": "1"}, True),
        ({}, False),
    ],
)
def test_a_response_says_whether_it_is_a_hit(headers: dict[str, str], *, is_hit: bool) -> None:
    assert is_marked_hit(headers) is is_hit


def test_the_origin_counts_its_requests() -> None:
    page = "Active connections: 3 \nserver accepts handled requests\n 12 12 345 \nReading: 0 Writing: 1 Waiting: 2 \n"

    assert requests_of_stub_status(page) == 345


def test_names_keep_their_table_order_and_none_means_all() -> None:
    known = ["edgeward", "nginx", "varnish"]

    assert names_in_order(["varnish", "edgeward"], known, "server") == ["edgeward", "varnish"]
    assert names_in_order([], known, "server") == known
    with pytest.raises(BenchError, match="unknown server squid; choose from edgeward, nginx, varnish"):
        names_in_order(["squid"], known, "server")


def test_a_choice_needs_a_cpu_for_servers_and_one_for_load() -> None:
    with pytest.raises(BenchError, match="need a CPU each"):
        parse_choice(["--servers", "nginx", "--server-cpu", "0", "--load-cpu", "0"])


def test_a_template_gets_its_values_and_an_unknown_name_is_an_error() -> None:
    assert render("listen 127.0.0.1:@PORT@; # $host a@b", {"PORT": 8080}) == "listen 127.0.0.1:8080; # $host a@b"
    with pytest.raises(BenchError, match="the template wants @KEY@; known are PORT"):
        render("key @KEY@", {"PORT": 8080})


def test_the_ports_of_the_edge_are_read_from_what_it_prints() -> None:
    assert listening_ports('{"http": ["127.0.0.1:80"], "https": ["[::1]:443"]}') == {"http": 80, "https": 443}
    with pytest.raises(BenchError, match="Traceback"):
        listening_ports("Traceback (most recent call last):")
