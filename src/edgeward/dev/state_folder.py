"""The one folder in which `edgeward dev` keeps everything that survives a restart.

Knows the name of every file in it and holds its lock. Invariant: one running program per folder. Secrets in it are
readable by their owner only.
"""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from edgeward.dev.errors import DevError


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFolder:
    """Where things are, below `root`."""

    root: Path

    @property
    def user_key(self) -> Path:
        """The access key that the API and the S3 server take from the user."""
        return self.root / "access-key.json"

    @property
    def origin_key(self) -> Path:
        """The access key the edge signs S3 requests with."""
        return self.root / "origin-access-key.json"

    @property
    def explain_key(self) -> Path:
        """The key of debug tokens, which the control plane makes and the edge checks."""
        return self.root / "explain-key"

    @property
    def sealing_key(self) -> Path:
        """The key that seals secrets of users and session tokens."""
        return self.root / "sealing-key"

    @property
    def authority(self) -> Path:
        """The local CA and its certificates."""
        return self.root / "authority"

    @property
    def acme(self) -> Path:
        """Which CA issues certificates for public names; the user writes it."""
        return self.root / "acme.json"

    @property
    def quotas(self) -> Path:
        """Which quotas differ from AWS's; the user writes it."""
        return self.root / "quotas.json"

    @property
    def s3(self) -> Path:
        """The S3 server's objects and log."""
        return self.root / "s3"

    @property
    def control_plane(self) -> Path:
        """The control plane's database is in here."""
        return self.root / "control-plane"

    @property
    def cache(self) -> Path:
        """The edge's cache on disk."""
        return self.root / "cache"

    @property
    def geo(self) -> Path:
        """MMDB files about addresses; `edgeward geodata` makes some."""
        return self.root / "geo"

    @property
    def admin_socket(self) -> Path:
        """Where the edge's operator asks it; there only while it runs."""
        return self.root / "edge" / "admin.sock"

    @property
    def kept_plan(self) -> Path:
        """The last plan that `edgeward edge` accepted."""
        return self.root / "edge" / "plan"

    @property
    def plan_socket(self) -> Path:
        """Where a control plane reaches `edgeward edge`; there only while it runs."""
        return self.root / "edge" / "plans.sock"

    @property
    def takeover_socket(self) -> Path:
        """Where the next `edgeward edge` takes over from this one; there only while it runs."""
        return self.root / "edge" / "takeover.sock"

    @property
    def handed_sockets(self) -> Path:
        """Where the next `edgeward edge` gets its sockets, for a moment."""
        return self.root / "edge" / "handed.sock"

    @property
    def logs(self) -> Path:
        """The edge's access log segments."""
        return self.root / "logs"

    @property
    def sample(self) -> Path:
        """What is known of the sample distribution: its id."""
        return self.root / "sample.json"

    @property
    def environment(self) -> Path:
        """`export` lines for a shell: `. .edgeward/env`."""
        return self.root / "env"

    @property
    def running(self) -> Path:
        """Endpoints of the running program, for other programs; there only while it runs."""
        return self.root / "running.json"


class StateLock:
    """Holds `folder` for this process while entered. Raises `DevError` when another process holds it."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self._descriptor = -1

    def __enter__(self) -> Self:
        root = self._folder.root
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DevError(f"cannot keep state in {root} ({error.strerror}): choose another --state folder") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            busy = f"{root} is in use by a running edgeward: stop that one, or choose another --state folder"
            raise DevError(busy) from error
        return self

    def __exit__(self, *_: object) -> None:
        # Closing unlocks; so does the kernel when the process dies.
        os.close(self._descriptor)


def write_private(path: Path, text: str) -> None:
    """Puts a file in place whole, with mode 0600."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)


def read_record(path: Path) -> dict[str, str]:
    """The JSON object kept at `path`; empty when there is none. Raises `DevError` when the file is damaged."""
    try:
        record = json.loads(path.read_text())
        return {str(key): str(value) for key, value in record.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise DevError(f"{path} is damaged: remove it, what it knew will be found or made anew") from error
