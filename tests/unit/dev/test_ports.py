"""Choosing loopback ports."""

import socket
from collections.abc import Iterator

import pytest

from edgeward.dev import ports
from edgeward.dev.errors import DevError
from edgeward.dev.ports import LOOPBACK, first_free_port, free_ports


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_is_taken_as_it_is() -> None:
    (port,) = free_ports(1)
    assert first_free_port(port) == port


def test_a_busy_port_gives_way_to_a_later_one(busy_port: int) -> None:
    assert first_free_port(busy_port) > busy_port


def test_a_port_promised_to_another_part_is_not_taken() -> None:
    (port,) = free_ports(1)
    assert first_free_port(port, taken=frozenset({port})) > port


def test_zero_takes_any_port() -> None:
    assert first_free_port(0) > 0


def test_ports_chosen_together_differ() -> None:
    assert len(set(free_ports(20))) == 20


def test_a_range_that_is_all_busy_is_reported_with_what_to_do(busy_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_PORTS_TRIED", 1)
    with pytest.raises(DevError, match="choose another"):
        first_free_port(busy_port)
