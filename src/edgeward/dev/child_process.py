"""A child process that cannot outlive us.

It is asked to stop with SIGINT and killed when it does not; and where the system can (Linux, PR_SET_PDEATHSIG) the
kernel kills it when this process dies without asking, even by `kill -9`. Start children from the main thread, before
other threads: the kernel ties its signal to the thread, and a fork amid threads may inherit a held lock.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

STOP_GRACE_SECONDS = 10.0
"""How long a child may take to stop in order before it is killed."""


class ChildProcess:
    """One running child. Its output goes to `log`, which starts empty."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C at the terminal reaches us alone, and we stop the parts in order.
                process_group=0,
                preexec_fn=_prepare_child(),  # noqa: PLW1509 - no other thread yet, see above
            )

    @property
    def exit_code(self) -> int | None:
        """Its exit code, None while it runs; minus the signal's number when one ended it."""
        return self._process.poll()

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for an error message."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        """Stops it: SIGINT, then SIGKILL after the grace. Does nothing when it has already ended."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _prepare_child() -> Callable[[], None]:
    """What the child runs between fork and exec.

    A program that a script starts in the background ignores SIGINT, and what it starts inherits that: the child would
    not hear that it is asked to stop.
    """
    die_with_parent = _die_with_parent()

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        die_with_parent()

    return prepare


def _die_with_parent() -> Callable[[], None]:
    """Ties the child's life to ours, where the system can."""
    if sys.platform != "linux":
        return lambda: None
    # Loaded here, not in the child: after a fork only simple calls are safe.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # we died before the call: nobody will send the signal
            os.kill(os.getpid(), signal.SIGKILL)

    return ask_the_kernel


_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
