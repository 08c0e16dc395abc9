"""SIGKILL in the middle of writes: nothing wrong or truncated is served afterwards, and what was whole is there."""

import http.client
import random
import threading
from pathlib import Path

import pytest

from faults.edge_process import EdgeProcess, running
from faults.origin import running_origin
from faults.viewer import fetch

SIZES = (0, 700, 20_000, 90_000, 262_144, 700_001, 3_000_000)
VIEWERS = 4


@pytest.mark.timeout(120)
def test_an_edge_killed_while_it_writes_serves_nothing_wrong_afterwards(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, rounds=8)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hundred_kills_under_load_corrupt_nothing(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, rounds=200)


def kill_again_and_again(folder: Path, rounds: int) -> None:
    draw = random.Random(1)
    wrong: list[str] = []
    answered = [0]
    with running_origin() as origin:
        edge = EdgeProcess(folder, origin.port, disk_bytes=64 << 20)
        for round_number in range(rounds):
            edge.start()
            over = threading.Event()
            viewers = [
                threading.Thread(target=browse, args=(edge.port, draw.random(), over, wrong, answered))
                for _ in range(VIEWERS)
            ]
            for viewer in viewers:
                viewer.start()
            over.wait(draw.uniform(0.1, 0.5))
            edge.kill()
            over.set()
            for viewer in viewers:
                viewer.join()
            assert not wrong, f"round {round_number}: {wrong}"
        with running(edge):
            kept = sum(fetch(edge.port, seed, size).cache == "Hit" for seed in range(40) for size in SIZES)
    assert answered[0] > rounds, "the viewers got nothing, so nothing was tried"
    assert kept > 0, "nothing outlived the kills"


def browse(port: int, seed: float, over: threading.Event, wrong: list[str], answered: list[int]) -> None:
    """Asks for this and that until the edge is gone; notes what is not as the origin has it."""
    draw = random.Random(seed)
    while not over.is_set():
        number, size = draw.randrange(40), draw.choice(SIZES)
        start = draw.randrange(size) if size and draw.random() < 0.3 else 0
        end = min(size, start + 5_000) if start else None
        try:
            got = fetch(port, number, size, start=start, end=end)
        except (OSError, http.client.HTTPException):
            continue
        answered[0] += 1
        if not got.is_right or got.status not in (200, 206):
            wrong.append(f"/{number}/{size} {start}-{end}: {got}")
