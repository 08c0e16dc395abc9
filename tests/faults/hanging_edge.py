"""`edgeward edge` that stops itself at one moment of a takeover: `python -m faults.hanging_edge MOMENT OPTION ...`.

Moments are `before` or `after` a step of the new process, as in `after:release`; or `sleep:` in place of `before:`, for
one that hangs without being stopped. Anything else is the command as it is.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from edgeward.cli.main import main
from edgeward.edge.takeover import Predecessor

STEPS = {"hand_over": "hand_over", "release": "release", "succeeded": "succeed"}


def stop() -> None:
    """As a process that hangs, whatever it is told."""
    os.kill(os.getpid(), signal.SIGSTOP)


def sleep() -> None:
    """As one that waits for what does not come."""
    time.sleep(3_600)


def hang_at(moment: str) -> None:
    """Replaces the step, so that it hangs at `moment`."""
    when, _, step = moment.partition(":")
    take: Callable[..., None] = getattr(Predecessor, STEPS[step])

    def take_and_hang(*arguments: Any) -> None:
        if when != "after":
            {"before": stop, "sleep": sleep}[when]()
        take(*arguments)
        stop()

    setattr(Predecessor, STEPS[step], take_and_hang)


if __name__ == "__main__":
    hang_at(sys.argv.pop(1))
    main(["edge", *sys.argv[1:]], prog_name="edgeward")
