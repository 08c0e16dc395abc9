"""`edgeward explain` against an API and an edge that are stand-ins."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from edgeward.cli.main import main

EXPLANATION = {
    "distribution": "E1",
    "result": "Error",
    "status": 403,
    "refusal": "disabled",
    "response_headers_policy": False,
}


class StandIn(BaseHTTPRequestHandler):
    """Answers a POST as the API and anything else as the edge; keeps what it was asked."""

    asked: ClassVar[list[tuple[str, str, dict[str, str], bytes]]]
    url: ClassVar[str]
    status = 200
    answer: ClassVar[Any] = {"Token": "1.E1.9.ff", "DistributionId": "E1", "Expires": 9}
    explanation: str | None = json.dumps(EXPLANATION)

    def do_POST(self) -> None:
        self._keep(self.rfile.read(int(self.headers["content-length"])))
        self._answer(self.status, json.dumps(self.answer).encode(), {})

    def do_GET(self) -> None:
        self._keep(b"")
        self._answer(403, b"refused", {"edgeward-explain": self.explanation} if self.explanation else {})

    def _keep(self, content: bytes) -> None:
        fields = {name.lower(): value for name, value in self.headers.items()}
        self.asked.append((self.command, self.path, fields, content))

    def _answer(self, status: int, content: bytes, fields: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**fields, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[StandIn]]:
    class Fresh(StandIn):
        """Without a past."""

    Fresh.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Fresh)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    Fresh.url = f"http://127.0.0.1:{server.server_port}"
    variables = {
        "AWS_ENDPOINT_URL": Fresh.url,
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_MAX_ATTEMPTS": "1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield Fresh
    server.shutdown()
    thread.join()
    server.server_close()


def explain(*arguments: str, state: Path = Path("nowhere")) -> Result:
    return CliRunner().invoke(main, ["explain", f"--state={state}", *arguments])


def test_the_request_carries_the_token_of_the_hosts_distribution(stand_in: Any) -> None:
    told = explain(f"{stand_in.url}/a?b=1", "-H", "X-A: 1", "-H", "Host: WWW.example.com:80")

    assert (told.exit_code, told.output) == (
        0,
        "403 Error, distribution E1\n  refused      the distribution is disabled\n",
    )
    (_, path, fields, content), (method, target, sent, _) = stand_in.asked
    assert (path, json.loads(content)) == ("/edgeward/2026-11-01/explain-token", {"Host": "www.example.com"})
    assert "/edgeward/aws4_request" in fields["authorization"]
    assert (method, target) == ("GET", "/a?b=1")
    assert (sent["edgeward-debug"], sent["x-a"], sent["host"]) == ("1.E1.9.ff", "1", "WWW.example.com:80")


def test_json_is_what_the_edge_sent(stand_in: Any) -> None:
    assert json.loads(explain(stand_in.url, "--json").output) == EXPLANATION


def test_a_refusal_of_the_api_is_one_line(stand_in: Any) -> None:
    stand_in.status, stand_in.answer = 404, {"code": "NoSuchDistribution", "message": "No distribution has it."}
    told = explain(stand_in.url)
    assert (told.exit_code, told.output) == (1, "Error: No distribution has it.\n")


def test_an_edge_that_does_not_explain_is_reported(stand_in: Any) -> None:
    stand_in.explanation = None
    told = explain(stand_in.url)
    assert told.exit_code == 1
    assert "the answer (403) does not explain itself" in told.output


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["www.example.com"], "is no URL"),
        (["http://127.0.0.1:1/", "-H", "no colon"], "write it as 'Name: value'"),
        (["http://127.0.0.1:1/"], "cannot be asked"),
    ],
)
def test_a_mistake_gets_one_line(stand_in: Any, arguments: list[str], problem: str) -> None:
    told = explain(*arguments)
    assert told.exit_code != 0
    assert problem in told.output


def test_without_an_endpoint_nothing_goes_to_amazon(
    stand_in: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    told = explain(stand_in.url, state=tmp_path)
    assert (told.exit_code, stand_in.asked) == (1, [])
    assert "set AWS_ENDPOINT_URL" in told.output


def test_a_running_cdn_is_found_in_its_state_folder(
    stand_in: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = {"AWS_ENDPOINT_URL": stand_in.url, "AWS_DEFAULT_REGION": "us-east-1"}
    environment |= {"AWS_ACCESS_KEY_ID": "AKDEV", "AWS_SECRET_ACCESS_KEY": "secret"}
    (tmp_path / "running.json").write_text(json.dumps({"environment": environment}))
    monkeypatch.delenv("AWS_ENDPOINT_URL")

    assert explain(stand_in.url, state=tmp_path).exit_code == 0
    assert "Credential=AKDEV/" in stand_in.asked[0][2]["authorization"]
