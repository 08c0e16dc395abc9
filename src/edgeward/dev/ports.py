"""Loopback ports: the preferred one when it is free, else the next free one after it.

A port is probed by binding it, then released for the server that will bind it for good; a server that loses the race
in between reports it itself.
"""

import random
import socket
from itertools import islice

from edgeward.dev.errors import DevError

LOOPBACK = "127.0.0.1"


def first_free_port(preferred: int, taken: frozenset[int] = frozenset()) -> int:
    """The first port from `preferred` on that is free on loopback and not in `taken`; 0 gives any free port.

    Raises `DevError` when a hundred ports in a row are busy.
    """
    if preferred == 0:
        return next(port for port in free_ports(len(taken) + 1) if port not in taken)
    candidates = range(preferred, min(preferred + _PORTS_TRIED, 65536))
    for port in candidates:
        if port not in taken and _is_free(port):
            return port
    raise DevError(f"ports {candidates.start} to {candidates.stop - 1} are all busy: choose another one")


def free_ports(count: int) -> tuple[int, ...]:
    """`count` different free loopback ports, drawn by chance.

    They lie below those from which Linux takes the near ends of outgoing connections: one of these can be gone
    before the server that was given it listens. Raises `DevError` when there are not that many.
    """
    drawn = random.sample(_SERVER_PORTS, k=_PORTS_DRAWN)
    free = tuple(islice(filter(_is_free, drawn), count))
    if len(free) < count:
        raise DevError(f"no {count} free ports found between {_SERVER_PORTS.start} and {_SERVER_PORTS.stop - 1}")
    return free


def _is_free(port: int) -> bool:
    """For TCP and UDP: an edge serves HTTP/3 on the port of https."""
    return all(_can_be_bound(port, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))


def _can_be_bound(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(type=kind) as probe:
        if kind == socket.SOCK_STREAM:
            # Connections of an earlier run that linger in TIME_WAIT do not make a port busy for a server.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


_PORTS_TRIED = 100
_SERVER_PORTS = range(10_240, 32_768)
_PORTS_DRAWN = 1_000
