"""Runs `aws` commands one after the other in one process of the AWS CLI's own environment.

Starting the CLI takes a second of CPU each time, and there are dozens of commands. Reads one JSON document a line,
`{"arguments": [...], "folder": "..."}`, and answers `{"status": 0, "output": "...", "errors": "..."}`.
"""

import contextlib
import io
import json
import os
import sys

from awscli.clidriver import create_clidriver  # type: ignore[import-not-found] # in the CLI's environment


def run(arguments: list[str], folder: str) -> dict[str, object]:
    """What one command does, as its process would."""
    os.chdir(folder)
    output, errors = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            status = create_clidriver().main(arguments)
        except SystemExit as end:
            status = end.code
    output.flush()
    printed = output.buffer.getvalue().decode()
    return {"status": status, "output": printed, "errors": errors.getvalue()}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(**json.loads(line))) + "\n")
        sys.stdout.flush()
