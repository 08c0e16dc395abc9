"""Children end when they are told, and when their parent dies without a word."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeward.dev.child_process import ChildProcess

IGNORES_SIGINT = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""
PARENT = """
import sys, time
from pathlib import Path
from edgeward.dev.child_process import ChildProcess
program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
child = ChildProcess([sys.executable, "-c", program], Path(sys.argv[1]))
time.sleep(60)
"""


def test_a_child_is_asked_to_stop_and_its_output_kept(tmp_path: Path) -> None:
    child = ChildProcess(python("print('up', flush=True); import time; time.sleep(60)"), tmp_path / "log")
    wait_for_output(tmp_path / "log")
    child.stop()
    assert child.exit_code is not None
    assert child.last_words().splitlines()[-1] == "KeyboardInterrupt"


def test_a_child_of_a_program_that_ignores_the_signal_hears_it(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = ChildProcess(python("print('up', flush=True); import time; time.sleep(60)"), tmp_path / "log")
    finally:
        signal.signal(signal.SIGINT, before)
    wait_for_output(tmp_path / "log")
    child.stop()
    assert child.last_words().splitlines()[-1] == "KeyboardInterrupt"


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = ChildProcess(python(IGNORES_SIGINT), tmp_path / "log")
    wait_for_output(tmp_path / "log")
    child.stop(grace_seconds=0.1)
    assert child.exit_code == -signal.SIGKILL


def test_stopping_a_child_that_has_ended_does_nothing(tmp_path: Path) -> None:
    child = ChildProcess(python("pass"), tmp_path / "log")
    child.stop()
    child.stop()
    assert child.exit_code is not None


@pytest.mark.skipif(sys.platform != "linux", reason="the promise is Linux's PR_SET_PDEATHSIG")
def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with subprocess.Popen([sys.executable, "-c", PARENT, str(log)]) as parent:
        child = int(wait_for_output(log))
        parent.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and not is_zombie(child):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.01)


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def wait_for_output(log: Path) -> str:
    deadline = time.monotonic() + 10
    while not (log.exists() and log.read_text().endswith("\n")):
        assert time.monotonic() < deadline, "the child said nothing"
        time.sleep(0.01)
    return log.read_text()


def is_zombie(pid: int) -> bool:
    """Dead, and not yet collected: in a container nobody may collect orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
