"""Starting, stopping and starting again: state stays, processes do not."""

import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from clients.configurations import one_origin
from clients.running import RunningCdn, launch, output_of, start_cdn


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_restart_finds_the_distribution_the_keys_and_the_ca_again(state: Path) -> None:
    first = start_cdn(state)
    first.s3().put_object(Bucket=first.bucket, Key="kept.txt", Body=b"kept")
    ca = Path(first.ca_file).read_text()
    assert first.stop() == 0
    second = start_cdn(state)
    assert second.distribution_id == first.distribution_id
    assert second.environment["AWS_SECRET_ACCESS_KEY"] == first.environment["AWS_SECRET_ACCESS_KEY"]
    assert Path(second.ca_file).read_text() == ca
    assert len(second.cloudfront().list_distributions()["DistributionList"]["Items"]) == 1
    assert second.get("/kept.txt").data == b"kept"
    assert second.get("/api/time").status == 200
    assert second.stop() == 0


def test_quotas_are_those_of_the_file_in_the_state_folder(state: Path) -> None:
    state.mkdir()
    quotas = state / "quotas.json"
    quotas.write_text('{"cloudfront": {"Distribution per AWS account": 1}}')
    refused = launch(state)
    assert refused.wait(30) == 1
    assert "did you mean 'Distributions per AWS account'?" in output_of(state)
    quotas.write_text('{"cloudfront": {"Distributions per AWS account": 1}}')
    cdn = start_cdn(state)
    try:
        with pytest.raises(cdn.cloudfront().exceptions.TooManyDistributions, match="at most 1 distributions"):
            cdn.cloudfront().create_distribution(DistributionConfig=one_origin("b.s3.us-east-1.amazonaws.com"))
    finally:
        assert cdn.stop() == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_process_and_no_listener_outlives_the_program(state: Path, how: signal.Signals) -> None:
    cdn = start_cdn(state)
    ports = listening_ports(cdn)
    exit_code = cdn.stop(how)
    assert exit_code == (-how if how == signal.SIGKILL else 0)
    wait_for(lambda: not processes_of(state), "a process outlived the program")
    wait_for(lambda: not [port for port in ports if answers(port)], "a listener outlived the program")


@pytest.mark.parametrize("after_seconds", [0.5, 1.0, 2.0, 3.0])
def test_a_program_stopped_while_it_starts_leaves_no_process(state: Path, after_seconds: float) -> None:
    process = launch(state)
    time.sleep(after_seconds)
    process.send_signal(signal.SIGTERM)
    # Before the program's own handler is in place the signal simply ends it.
    assert process.wait(30) in (0, -signal.SIGTERM), output_of(state)
    wait_for(lambda: not processes_of(state), "a process outlived the program")


def test_busy_ports_give_way_to_others_that_are_printed(state: Path, busy_port: int) -> None:
    cdn = start_cdn(state, api_port=busy_port)
    assert f":{busy_port}" not in cdn.environment["AWS_ENDPOINT_URL"]
    assert cdn.environment["AWS_ENDPOINT_URL"] in cdn.output
    assert cdn.http_url in cdn.output
    assert cdn.stop() == 0


def test_a_state_folder_in_use_is_refused_with_what_to_do(cdn: RunningCdn) -> None:
    command = [sys.executable, "-m", "edgeward.cli", "dev", f"--state={cdn.state}"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "stop that one, or choose another --state folder" in refused.stderr


def test_everything_listens_on_loopback(cdn: RunningCdn) -> None:
    assert {address for address, _ in listeners(cdn)} == {"127.0.0.1"}


def listening_ports(cdn: RunningCdn) -> set[int]:
    return {port for _, port in listeners(cdn)}


def listeners(cdn: RunningCdn) -> set[tuple[str, int]]:
    """Addresses and ports on which the program or a child of it listens, IPv4 and IPv6."""
    inodes = {
        link.removeprefix("socket:[").rstrip("]")
        for pid in processes_of(cdn.state)
        for link in open_files(pid)
        if link.startswith("socket:[")
    }
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(address_of(fields[1]))
    return found


def address_of(field: str) -> tuple[str, int]:
    host, _, port = field.partition(":")
    octets = bytes.fromhex(host)[::-1]
    return (".".join(map(str, octets)) if len(octets) == 4 else host), int(port, 16)


def processes_of(state: Path) -> set[int]:
    """Processes whose command line names the state folder: the program and its S3 server."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            named = str(state).encode() in (folder / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        if named:
            found.add(int(folder.name))
    return found


def open_files(pid: int) -> set[str]:
    return {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: object, complaint: str) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.02)


def test_balancers_may_stand_before_the_edge(state: Path) -> None:
    cdn = start_cdn(state, balancer="127.0.0.0/8")
    port = int(urlsplit(cdn.http_url).port or 0)
    host = urlsplit(cdn.http_url).netloc
    request = f"GET /index.html HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()

    assert b" 200 OK\r\n" in said(port, PROXY_LOCAL + request)
    assert said(port, request) == b""
    assert cdn.stop() == 0


def test_sessions_outlive_a_restart_by_ticket_secrets(state: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.touch(mode=0o600)
    secrets.write_text("0f" * 32)
    session: ssl.SSLSession | None = None
    context: ssl.SSLContext | None = None
    resumed = []
    for _ in range(2):
        cdn = start_cdn(state, ticket_secrets=str(secrets))
        host, port = urlsplit(cdn.https_url).hostname, int(urlsplit(cdn.https_url).port or 0)
        context = context or ssl.create_default_context(cafile=cdn.ca_file)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=host, session=session) as stream,
        ):
            stream.sendall(f"GET /index.html HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            assert stream.recv(12) == b"HTTP/1.1 200"
            session = stream.session
            resumed.append(stream.session_reused)
        assert cdn.stop() == 0
    assert resumed == [False, True]


def said(port: int, data: bytes) -> bytes:
    """What an edge says until it closes."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
        stream.sendall(data)
        try:
            while piece := stream.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
    return received


PROXY_LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
"""PROXY protocol, version 2, for a connection of the balancer's own."""
