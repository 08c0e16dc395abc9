"""A disk that is full, refuses writes, or has lost or changed what was on it: misses, and nothing else."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.edge_process import EdgeProcess, running
from faults.origin import Origin, running_origin
from faults.viewer import fetch

SIZES = (700, 90_000, 700_001)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with running_origin() as origin:
        yield origin


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    mount = tmp_path / "tiny"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(mount)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system takes root")
    yield mount / "cache"
    subprocess.run(["umount", "-l", str(mount)], check=True)


def all_right(edge: EdgeProcess, numbers: range) -> list[str]:
    """X-Cache of each; every response is 200 and has the origin's content."""
    results = []
    for number in numbers:
        for size in SIZES:
            got = fetch(edge.port, number, size)
            assert got.status == 200, (number, size, got)
            assert got.is_right, (number, size, got)
            results.append(got.cache)
    return results


def is_written_again(edge: EdgeProcess) -> None:
    """After errors the disk is left alone for a while, then tried again."""
    before = edge.ask("status")["disk_chunks"]
    for number in range(100, 1_000):
        all_right(edge, range(number, number + 1))
        if edge.ask("status")["disk_chunks"] > before:
            return
    pytest.fail("nothing more was written")


def test_a_full_disk_costs_misses(tmp_path: Path, origin: Origin, tiny_disk: Path) -> None:
    edge = EdgeProcess(tmp_path, origin.port, disk_bytes=256 << 20, disk=tiny_disk)
    with running(edge):
        for _ in range(2):
            all_right(edge, range(30))
    with running(edge):
        all_right(edge, range(30))


def test_a_disk_that_refuses_writes_costs_misses_until_it_takes_them_again(tmp_path: Path, origin: Origin) -> None:
    edge = EdgeProcess(tmp_path, origin.port, disk_bytes=64 << 20)
    with running(edge):
        all_right(edge, range(5))
        edge.limit_file_size(4096)
        all_right(edge, range(20))
        assert edge.ask("status")["disk_errors"] > 0
        edge.limit_file_size(None)
        is_written_again(edge)


@pytest.mark.skipif(not shutil.which("strace"), reason="injecting errors of the disk takes strace")
@pytest.mark.parametrize("error", ["EIO", "EROFS"])
def test_a_disk_with_errors_costs_misses_until_it_works_again(error: str, tmp_path: Path, origin: Origin) -> None:
    edge = EdgeProcess(tmp_path, origin.port, disk_bytes=64 << 20)
    with running(edge):
        all_right(edge, range(8))
        edge.ask("flush")
    with running(edge):
        with edge.failing_disk(error):
            stored_then_new = all_right(edge, range(16))
            assert edge.ask("status")["disk_errors"] > 0
        assert "Hit" not in stored_then_new
        is_written_again(edge)


@pytest.mark.parametrize("harm", ["cut", "emptied", "removed"])
def test_files_that_were_lost_under_a_running_edge_cost_misses(harm: str, tmp_path: Path, origin: Origin) -> None:
    edge = EdgeProcess(tmp_path, origin.port, disk_bytes=64 << 20)
    with running(edge):
        all_right(edge, range(8))
        edge.ask("flush")
    with running(edge):
        for path in edge.disk.glob("*.segment"):
            if harm == "removed":
                path.unlink()
            else:
                os.truncate(path, path.stat().st_size // 2 if harm == "cut" else 0)
        all_right(edge, range(8))
        all_right(edge, range(8))
    with running(edge):
        all_right(edge, range(8))


def test_bytes_that_changed_on_disk_are_never_served(tmp_path: Path, origin: Origin) -> None:
    edge = EdgeProcess(tmp_path, origin.port, disk_bytes=64 << 20)
    draw = random.Random(2)
    for _ in range(4):
        with running(edge):
            all_right(edge, range(8))
            edge.ask("flush")
        for path in edge.disk.glob("*.segment"):
            damaged = bytearray(path.read_bytes())
            for _ in range(30):
                damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
            path.write_bytes(damaged)
    with running(edge):
        all_right(edge, range(8))


def test_a_directory_that_cannot_be_used_is_an_error_that_names_it(tmp_path: Path, origin: Origin) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    edge = EdgeProcess(tmp_path, origin.port, disk_bytes=64 << 20, disk=blocked / "cache")
    with pytest.raises(AssertionError, match="the edge ended"):
        edge.start()
    edge.stop()
