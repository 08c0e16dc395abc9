"""When something that failed is tried again, by the notes that a certificate keeps on it.

The notes are in the store, so that pauses outlive the process. Called by `renewing` and `validating`.
"""

from datetime import UTC, datetime

from edgeward.aws.model import Shape
from edgeward.periodic import Backoff


def next_attempt(backoff: Backoff, notes: Shape) -> datetime:
    """When the pause is over that came after the last of the `Failures` of the notes, which was at `UpdatedAt`."""
    failures: int = notes.get("Failures", 0)
    if failures == 0:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.fromisoformat(notes["UpdatedAt"]) + backoff.after(failures)
