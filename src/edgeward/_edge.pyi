"""The engine: what happens to every byte of every request. Written in Rust; only `edgeward.edge` imports it."""

class PlanRejected(ValueError):
    """A plan or an order the engine refused. The message names the field; nothing of it is live."""

class Edge:
    """One edge: its listeners, its cache and its log.

    Every method may be called from any thread. All but `expect_sockets`, `open` and `stop` raise `RuntimeError` when it
    does not run.
    """

    def __init__(self, settings: bytes) -> None:
        """Reads the settings (JSON; see `edgeward.edge.settings`). Raises `ValueError` that names the wrong field."""

    def expect_sockets(self, path: str) -> None:
        """Listens at the Unix socket `path` for the sockets of another process, which `open` then goes on with."""

    def open(self) -> dict[str, list[str]]:
        """Opens the listeners without serving; returns the addresses: `{"http": ["127.0.0.1:8080"], "https": [...]}`.

        Raises `OSError` when an address is in use, `RuntimeError` when the edge runs already.
        """

    def serve(self) -> None:
        """Begins to accept connections; those that have come wait."""

    def hand_over(self, path: str) -> None:
        """Sends copies of all sockets to the process that listens at `path`; the disk tier is that process's then."""

    def release(self) -> None:
        """Reads the packets of QUIC from the other process alone, no more from the sockets."""

    def take_back(self) -> None:
        """As before `hand_over`. Raises `OSError` when the disk tier cannot be had back."""

    def leave(self, patience_seconds: float) -> bool:
        """Stops accepting, has viewers go after their next response; whether all are gone within that time."""

    def load_plan(self, update: bytes) -> int:
        """Makes a plan, or a change of the live one, live at once; returns its sequence. Raises `PlanRejected`."""

    def reload_geo(self) -> None:
        """Reads the files about addresses again. Raises `ValueError` that names a wrong one; all stay then."""

    def invalidate(self, order: bytes) -> int:
        """Carries out an invalidation; returns its sequence once no older stored response can be served."""

    def advance_clock(self, milliseconds: int) -> None:
        """Moves a manual clock forward. Raises `RuntimeError` when the edge runs on the system's clock."""

    def flush_logs(self) -> None:
        """Finishes the current log segments, so that their files can be read."""

    def flush_cache(self, patience_seconds: float) -> bool:
        """Waits until responses that are arriving are stored, and on the disk; False when that takes longer."""

    def list_stored(self, question: bytes) -> bytes:
        """A page of what is stored for a distribution. JSON both ways: `{"distribution", "pattern", "limit", "after"}`
        asks, `{"responses", "next"}` answers. Raises `ValueError` that names the wrong member.
        """

    def status(self) -> dict[str, int]:
        """Figures of this moment: `plan_sequence`, `stored_responses` and `stored_bytes` in memory, `disk_responses`,
        `disk_chunks`, `disk_bytes`, `disk_records_dropped`, `disk_errors`, `disk_corrupt`, `requests`,
        `explain_tokens_refused`, `connections`, `strangers`, `log_records_dropped`, `log_errors`,
        `certificates_revoked` and `certificates_stapled` (distributions), `ticket_secrets_refused`, and
        `viewers_refused_...` by reason (docs/reference/hostile-input.md).
        """

    def stop(self, grace_seconds: float) -> None:
        """Closes the listeners, gives requests in flight `grace_seconds` to finish, ends the log segments."""
