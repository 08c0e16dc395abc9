"""The API's server with a small application: `python -m faults.busy_api_server PORT`.

Prints a line once it answers, and when SIGTERM comes says how many of its threads outlive the server, and ends.
"""

import asyncio
import signal
import sys
import time
from typing import Any

from edgeward.dev.api_server import ApiServer


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers after a moment on another thread, as one that asks a database does."""
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{stage}"
            await send({"type": f"lifespan.{stage}.complete"})
        return
    await receive()
    await asyncio.to_thread(time.sleep, 0.002)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def main(port: int) -> None:
    """Serves until told to stop."""
    server = ApiServer(application, port)
    server.start()
    sys.stdout.write(f"ready with {len(server.threads())}\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM})
    has_ended = server.stop()
    sys.stdout.write(f"ended {has_ended} with {len(server.threads())}\n")


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main(int(sys.argv[1]))
