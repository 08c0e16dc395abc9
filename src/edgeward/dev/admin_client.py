"""Asks the edge of a running `edgeward dev`, over the admin socket in its state folder. Used by `edgeward cache`."""

import json
import socket
from pathlib import Path
from typing import Any

from edgeward.dev.errors import DevError
from edgeward.dev.state_folder import StateFolder
from edgeward.edge.unix_socket import reachable


def ask(state: Path, operation: str, **members: Any) -> Any:
    """The edge's answer. Raises `DevError` when no edge runs with that state folder, or with its refusal."""
    path = StateFolder(root=state.resolve()).admin_socket
    question = json.dumps({"operation": operation, **members}).encode() + b"\n"
    try:
        line = _exchange(path, question)
        reply = json.loads(line)
    except OSError as error:
        running = (
            f"no edge answers at {path} ({error.strerror or error}): is `edgeward dev` running with --state {state}?"
        )
        raise DevError(running) from error
    except ValueError as error:
        raise DevError(f"the edge at {path} ended before it answered: try again") from error
    if "error" in reply:
        raise DevError(reply["error"])
    return reply["answer"]


def _exchange(path: Path, question: bytes) -> bytes:
    with reachable(path) as address, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT_SECONDS)
        connection.connect(address)
        connection.sendall(question)
        with connection.makefile("rb") as answers:
            return answers.readline()


_TIMEOUT_SECONDS = 30
