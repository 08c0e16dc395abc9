"""What openssl's s_time says, and which of it does not count."""

import pytest
from bench.door.__main__ import CASES, _count
from bench.failure import BenchError


def printed(marks: str) -> str:
    figures = "4 connections in 0.05s; 80 connections/user sec, bytes read 5\n4 connections in 4 real seconds, 9 bytes"
    return f"Collecting\n{marks}\n\n{figures}"


def test_connections_are_counted() -> None:
    assert _count(printed("****"), is_resumed=False) == 4
    # The session comes from the first one.
    assert _count(printed("*rrrr"), is_resumed=True) == 4


@pytest.mark.parametrize(("marks", "is_resumed"), [("**rr", True), ("rrr*", False)])
def test_a_handshake_of_the_other_kind_does_not_count(marks: str, *, is_resumed: bool) -> None:
    with pytest.raises(BenchError, match="were not"):
        _count(printed(marks), is_resumed=is_resumed)


def test_output_without_a_figure_is_no_measurement() -> None:
    with pytest.raises(BenchError, match="no figure"):
        _count("", is_resumed=False)


def test_less_memory_and_more_handshakes_are_better() -> None:
    assert CASES["idle-tls"].is_met_by(0.8)
    assert not CASES["idle-tls"].is_met_by(0.81)
    assert CASES["tls13-full"].is_met_by(1.2)
    assert not CASES["tls13-full"].is_met_by(1.19)
