"""Session tickets: which edges take up whose sessions."""

import http.client
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgeward.compiler import encode_plan
from edgeward.edge.agent import EdgeAgent
from edgeward.edge.settings import EdgeSettings
from edgeward.scenario import certificates

NAME = "d1.cloudfront.localhost"
PATIENCE_SECONDS = 20
HOUR = 3_600_000

StartEdge = Callable[[Path | None], EdgeAgent]


@pytest.fixture
def start_edge() -> Iterator[StartEdge]:
    """Starts an edge with a file of secrets, on a clock that the test moves."""
    with ExitStack() as edges:

        def start(secrets: Path | None) -> EdgeAgent:
            edge = EdgeAgent(EdgeSettings(workers=1, ticket_secrets=secrets, manual_clock_ms=1_700_000_000_000))
            edge.start()
            edges.callback(edge.stop, 0)
            edge.load_plan(_plan())
            return edge

        yield start


def _plan() -> bytes:
    made = certificates.edge_certificate([NAME])
    return encode_plan(1, None, {}, {"chain_pem": made.chain_pem, "key_pem": made.key_pem})


def put(path: Path, *secrets: str) -> Path:
    """A file of secrets, whole at once."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text("\n".join(secrets))
    return fresh.replace(path)


class Viewer:
    """Keeps the session of its last connection, and offers it at the next."""

    def __init__(self, version: ssl.TLSVersion) -> None:
        self._context = ssl.create_default_context(cadata=certificates.root_pem())
        self._context.minimum_version = self._context.maximum_version = version
        self._session: ssl.SSLSession | None = None

    def resumes(self, edge: EdgeAgent) -> bool:
        """Whether the edge took up the session."""
        host, port = edge.https[0].split(":")
        plain = http.client.HTTPConnection(host, int(port), timeout=10)
        plain.connect()
        stream = self._context.wrap_socket(plain.sock, server_hostname=NAME, session=self._session)
        plain.sock = stream
        plain.request("GET", "/", headers={"Host": NAME})
        # In TLS 1.3 the ticket comes with the first bytes after the handshake.
        assert plain.getresponse().status == 403
        self._session = stream.session
        resumed = bool(stream.session_reused)
        plain.close()
        return resumed


A, B = "0f" * 32, "a1" * 32
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@pytest.mark.parametrize("version", VERSIONS)
def test_edges_with_one_secret_take_up_each_others_sessions(
    version: ssl.TLSVersion, start_edge: StartEdge, tmp_path: Path
) -> None:
    file = put(tmp_path / "secrets", A)
    first, second, alone = start_edge(file), start_edge(file), start_edge(None)
    viewer = Viewer(version)

    assert [viewer.resumes(edge) for edge in (first, second, first, alone, alone)] == [False, True, True, False, True]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_viewer_resumes_hundreds_of_times_wherever_it_comes(
    version: ssl.TLSVersion, start_edge: StartEdge, tmp_path: Path
) -> None:
    file = put(tmp_path / "secrets", A)
    edges = (start_edge(file), start_edge(file))
    viewer = Viewer(version)
    assert not viewer.resumes(edges[0])

    resumed = [viewer.resumes(edges[number % 2]) for number in range(300)]

    assert resumed.count(True) == 300


@pytest.mark.parametrize("version", VERSIONS)
def test_keys_change_with_time_and_old_sessions_end(
    version: ssl.TLSVersion, start_edge: StartEdge, tmp_path: Path
) -> None:
    edge = start_edge(put(tmp_path / "secrets", A))
    viewer, later = Viewer(version), Viewer(version)
    assert not viewer.resumes(edge)
    assert not later.resumes(edge)

    edge.advance_clock(12 * HOUR)
    assert viewer.resumes(edge)
    edge.advance_clock(12 * HOUR)

    assert viewer.resumes(edge)
    assert not later.resumes(edge)


def test_secrets_are_replaced_while_an_edge_runs(start_edge: StartEdge, tmp_path: Path) -> None:
    file = put(tmp_path / "secrets", A)
    edge = start_edge(file)
    viewer = Viewer(ssl.TLSVersion.TLSv1_3)
    assert not viewer.resumes(edge)

    put(file, B, A)
    edge.advance_clock(1)
    assert viewer.resumes(edge)
    put(file, "damaged")
    _eventually(lambda: edge.status()["ticket_secrets_refused"] == 1)
    assert viewer.resumes(edge)
    put(file, B)
    edge.advance_clock(1)

    assert edge.status()["ticket_secrets_refused"] == 1
    assert viewer.resumes(edge)


@pytest.mark.parametrize(("secrets", "mode", "reason"), [((), 0o600, "0 secrets"), ((A,), 0o644, "chmod 600")])
def test_a_file_that_cannot_be_used_is_named(secrets: tuple[str, ...], mode: int, reason: str, tmp_path: Path) -> None:
    file = put(tmp_path / "secrets", *secrets)
    file.chmod(mode)

    with pytest.raises(ValueError, match=rf"ticket_secrets: .*{reason}"):
        EdgeAgent(EdgeSettings(ticket_secrets=file))


def _eventually(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
