"""The last plan an edge accepted, on its disk: what it serves from after a start without a control plane.

A file of mode 0600, because plans have private keys in them; sealed where there is a key for it. The whole plan
comes first, then the changes of it; each record has its length and checksum before it, and is on the disk before
`keep` returns. Invariant: what is read back is what was kept, or `DamagedPlan`; a record that a crash cut off was
never acknowledged, and counts as never written. Used by `node`.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeward.vault import Vault


class DamagedPlan(ValueError):
    """The file is not what was written, or not sealed with this key. Says which file, and what to do."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}; the edge needs a control plane to send it a plan")


class KeptPlan:
    """The file at `path`; `vault` seals what is in it. Not thread-safe."""

    def __init__(self, path: Path, vault: Vault | None = None) -> None:
        self.path = path
        self._vault = vault
        self._sequence: int | None = None
        self._length = 0
        self._most = 0

    def read(self) -> bytes | None:
        """The plan that was kept last, whole; None where none was. Raises `DamagedPlan`, or `OSError`."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        records = list(self._records(content))
        if not records:
            return None
        plan = self._joined(records)
        self._sequence = plan["sequence"]
        return _encode(plan)

    def keep(self, update: bytes) -> None:
        """Keeps a plan, or a change of the one kept last. Raises `OSError` when it is not on the disk."""
        document = json.loads(update)
        try:
            if document.get("base") is None:
                self._write(update)
            else:
                self._append(update, document["base"])
        except OSError:
            # Nobody knows what is in the file now: the next thing to keep is a whole plan.
            self._sequence = None
            raise
        self._sequence = document["sequence"]

    def _write(self, plan: bytes) -> None:
        """A new file, in place of the old one once it is whole."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.unlink(missing_ok=True)
        content = MAGIC + self._record(plan)
        _put(fresh, content, os.O_CREAT | os.O_EXCL)
        fresh.replace(self.path)
        _sync_folder(self.path.parent)
        self._length, self._most = len(content), 2 * len(content) + MOST_GROWTH

    def _append(self, change: bytes, base: int) -> None:
        if self._sequence != base:
            raise OSError(
                f"{self.path}: has plan {self._sequence}, and the change is one of {base}: send the whole plan"
            )
        record = self._record(change)
        os.truncate(self.path, self._length)
        _put(self.path, record, os.O_APPEND)
        self._length += len(record)
        if self._length > self._most:
            self._write(_encode(self._joined(list(self._records(self.path.read_bytes())))))

    def _record(self, document: bytes) -> bytes:
        content = document if self._vault is None else self._vault.seal(document.decode(), PURPOSE).encode()
        head = f"{len(content)} {hashlib.sha256(content).hexdigest()}"
        return f"{head} {zlib.crc32(head.encode()):08x}\n".encode() + content + b"\n"

    def _records(self, content: bytes) -> Iterator[bytes]:
        """The documents in the file. What a crash has cut off at its end is left out."""
        if not content.startswith(MAGIC):
            raise DamagedPlan(self.path, "no plan of this version")
        at = self._length = len(MAGIC)
        while (end := content.find(b"\n", at)) >= 0:
            length, checksum = self._head(content[at:end])
            record = content[end + 1 : end + 1 + length]
            if len(content) < end + 1 + length + 1:
                return
            if hashlib.sha256(record).hexdigest() != checksum or not content.startswith(b"\n", end + 1 + length):
                raise DamagedPlan(self.path, "is damaged")
            yield self._opened(record)
            at = self._length = end + 1 + length + 1
        self._most = 2 * self._length + MOST_GROWTH

    def _head(self, line: bytes) -> tuple[int, str]:
        head, _, check = line.rpartition(b" ")
        if check != f"{zlib.crc32(head):08x}".encode():
            raise DamagedPlan(self.path, "is damaged")
        length, _, checksum = head.decode().partition(" ")
        return int(length), checksum

    def _opened(self, record: bytes) -> bytes:
        if self._vault is None:
            return record
        opened = self._vault.open(record.decode(errors="replace"), PURPOSE)
        if opened is None:
            raise DamagedPlan(self.path, "is not sealed with this key")
        return opened.encode()

    def _joined(self, records: list[bytes]) -> dict[str, Any]:
        """The whole plan that the changes lead to."""
        try:
            plan, *changes = (json.loads(record) for record in records)
            for change in changes:
                _apply(plan, change)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedPlan(self.path, "is no plan, or sealed") from error
        return dict(plan)


def _apply(plan: dict[str, Any], change: dict[str, Any]) -> None:
    """As the engine does it (crates/plan)."""
    if change["base"] != plan["sequence"]:
        raise ValueError("a change of another plan")
    plan["sequence"] = change["sequence"]
    if change.get("default_certificate") is not None:
        plan["default_certificate"] = change["default_certificate"]
    if change.get("challenges") is not None:
        plan["challenges"] = change["challenges"]
    distributions = plan["distributions"] | change["distributions"]
    plan["distributions"] = {name: each for name, each in distributions.items() if each is not None}


def _encode(plan: dict[str, Any]) -> bytes:
    return json.dumps(plan, sort_keys=True, separators=(",", ":")).encode()


def _put(path: Path, content: bytes, how: int) -> None:
    """On the disk when it returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | how, 0o600)
    try:
        written = 0
        while written < len(content):
            written += os.write(descriptor, content[written:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """The name, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


MAGIC = b"edgeward plan 1\n"
PURPOSE = "the plan of an edge"
MOST_GROWTH = 4 << 20
"""Bytes of changes, beside twice the whole plan, after which the file is written anew."""
