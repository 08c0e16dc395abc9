"""`edgeward cache`: what an edge of this machine has stored, asked over its admin socket."""

import json
from pathlib import Path
from typing import Any

import click

from edgeward.cli.cache_table import table


@click.group()
def cache() -> None:
    """Look into the cache of the edge that runs here."""


_STATE = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".edgeward"),
    show_default=True,
    help="Folder of the running `edgeward dev` or `edgeward edge`.",
)


@cache.command("ls")
@click.argument("distribution")
@click.argument("pattern", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Cache keys on one page.")
@click.option("--after", help="Go on where an earlier page ended.")
@click.option("--json", "as_json", is_flag=True, help="Print the page as JSON.")
@_STATE
def list_stored(  # noqa: PLR0913 - one parameter for each option
    distribution: str, pattern: str | None, limit: int, after: str | None, *, as_json: bool, state: Path
) -> None:
    """List stored responses of DISTRIBUTION (its id) whose path and query string match PATTERN, such as '/img/*'."""
    page = _page(state, {"distribution": distribution, "pattern": pattern}, limit, after)
    if as_json:
        click.echo(json.dumps(page))
        return
    for line in table(page["responses"]):
        click.echo(line)
    if page["next"]:
        click.echo(f"there may be more: --after {page['next']}")


def _page(state: Path, wanted: dict[str, str | None], limit: int, after: str | None) -> dict[str, Any]:
    """As many as are wanted: an edge may answer with fewer and say where to go on."""
    responses: list[Any] = []
    while True:
        page = _ask(state, "list", **wanted, limit=limit - len(responses), after=after)
        responses += page["responses"]
        after = page["next"]
        if after is None or len(responses) >= limit:
            return {"responses": responses, "next": after}


@cache.command()
@_STATE
def status(state: Path) -> None:
    """Show how full the cache is, and what the edge has done since its start."""
    figures = [(name.replace("_", " "), f"{figure:,}") for name, figure in sorted(_ask(state, "status").items())]
    widest_name, widest_figure = (max(map(len, column)) for column in zip(*figures, strict=True))
    for name, figure in figures:
        click.echo(f"{name:<{widest_name}}   {figure:>{widest_figure}}")


def _ask(state: Path, operation: str, **members: Any) -> Any:
    from edgeward.dev.admin_client import ask
    from edgeward.dev.errors import DevError

    try:
        return ask(state, operation, **members)
    except DevError as error:
        raise click.ClickException(str(error)) from error
