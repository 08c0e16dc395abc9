"""What a process tells the one it took over from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeward.edge.plan_socket import answer_plans
from edgeward.edge.takeover import NotDone, Predecessor
from edgeward.edge.unix_socket import UnixSocketServer


def refuse(content: bytes) -> int:
    raise ValueError(f"{content.decode()} is no order")


@pytest.fixture
def predecessor(tmp_path: Path) -> Iterator[Predecessor]:
    """One that takes plans and refuses orders."""
    operations = {"load_plan": len, "invalidate": refuse}
    path = tmp_path / "takeover.sock"
    server = UnixSocketServer(path, lambda *ends: answer_plans(operations, *ends), name="predecessor")
    server.start()
    found = Predecessor(path)
    yield found
    found.close()
    server.stop()


def test_what_it_does_not_do_is_not_taken_for_done(predecessor: Predecessor) -> None:
    assert predecessor.tell("load_plan", b"plan")
    with pytest.raises(NotDone, match=r"did not take it: this is no order; send it again"):
        predecessor.tell("invalidate", b"this")
    assert predecessor.tell("load_plan", b"plan"), "it is told again"
