"""`edgeward cache`: the table, and how the edge is asked."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgeward.cli.cache_table import table
from edgeward.cli.main import main
from edgeward.dev import admin_client
from edgeward.dev.errors import DevError

PLAIN: dict[str, Any] = {
    "target": "/a",
    "method": "GET",
    "headers": [],
    "cookies": [],
    "codings": None,
    "content_encoding": None,
    "vary": None,
    "status": 200,
    "length": 5,
    "age": 1,
    "lifetime": 60,
    "state": "fresh",
    "hits": 3,
    "tier": "memory",
}
NAMED = PLAIN | {
    "target": "/a?w=1",
    "method": "OPTIONS",
    "headers": [["x-tenant", "one"]],
    "cookies": ["user"],
    "codings": "br",
    "content_encoding": "br",
    "vary": "accept-language",
    "length": 1234567,
    "state": "if-error",
}


def test_the_table_tells_responses_of_one_target_apart() -> None:
    named = "/a?w=1  (OPTIONS; accepts br; coded br; varies by accept-language; x-tenant: one; cookie user)"
    assert list(table([NAMED, PLAIN])) == [
        "STATUS      BYTES  AGE/TTL  STATE     HITS  TIER    TARGET",
        "   200          5     1/60  fresh        3  memory  /a",
        f"   200  1,234,567     1/60  if-error     3  memory  {named}",
    ]


def test_an_empty_cache_is_told_in_a_sentence() -> None:
    assert list(table([])) == ["nothing is stored"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the edge was asked; each of its pages has one response, and says that more follow."""
    asked: list[Any] = []

    def ask(state: Path, operation: str, **members: Any) -> Any:
        asked.append((state, operation, members))
        return (
            {"viewers_refused_connections_of_address": 1234, "plan_sequence": 7}
            if operation == "status"
            else {"responses": [PLAIN], "next": "ff"}
        )

    monkeypatch.setattr(admin_client, "ask", ask)
    return asked


def run(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["cache", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_page_is_asked_for_and_says_how_to_go_on(asked: list[Any]) -> None:
    shown = run("ls", "E1", "/img/*", "--limit=2", "--after=aa", "--state=here")
    members = {"distribution": "E1", "pattern": "/img/*"}
    assert asked == [
        (Path("here"), "list", members | {"limit": 2, "after": "aa"}),
        (Path("here"), "list", members | {"limit": 1, "after": "ff"}),
    ]
    assert shown.endswith("memory  /a\nthere may be more: --after ff\n")


def test_json_is_one_page(asked: list[Any]) -> None:
    assert json.loads(run("ls", "E1", "--json", "--limit=1")) == {"responses": [PLAIN], "next": "ff"}


def test_figures_are_shown_one_a_line_by_name_and_below_each_other(asked: list[Any]) -> None:
    assert run("status").splitlines() == [
        "plan sequence                                7",
        "viewers refused connections of address   1,234",
    ]


def test_without_a_running_edge_the_command_says_what_to_start(tmp_path: Path) -> None:
    failed = CliRunner().invoke(main, ["cache", "status", f"--state={tmp_path}"])
    assert failed.exit_code == 1
    assert "is `edgeward dev` running" in failed.output
    with pytest.raises(DevError):
        admin_client.ask(tmp_path, "status")
