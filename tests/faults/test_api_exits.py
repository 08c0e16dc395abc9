"""The API's server ends in order, while clients ask: no thread of it outlives it, and the process is not aborted."""

import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgeward.dev.ports import free_ports

ROOT = Path(__file__).parents[2]
CLIENTS = 16


@pytest.mark.timeout(300)
@pytest.mark.parametrize("exits", [20, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(1_200)])])
def test_orderly_exits_under_load_are_orderly(exits: int) -> None:
    for _ in range(exits):
        port = free_ports(1)[0]
        command = [sys.executable, "-m", "faults.busy_api_server", str(port)]
        environment = {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}", "PATH": ""}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        with process:
            assert process.stdout is not None
            assert int(process.stdout.readline().removeprefix("ready with ")) > 1, "it knows the threads of Granian"
            with asking(port) as busy:
                assert busy.acquire(timeout=20)
                process.terminate()
                said, complained = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, "ended True with 0\n"), complained


@contextmanager
def asking(port: int) -> Iterator[threading.Semaphore]:
    """Clients who go on until nobody answers; a permit for each answer."""
    answered = threading.Semaphore(0)

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            while True:
                connection.request("GET", "/")
                connection.getresponse().read()
                answered.release()
        except (OSError, http.client.HTTPException):
            connection.close()

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield answered
    finally:
        for client in clients:
            client.join()
