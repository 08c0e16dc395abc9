"""`edgeward history`, `diff` and `rollback`: what a distribution was, what changed, and back to it."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from edgeward.cli.config_diff import Change, differences
from edgeward.cli.lint import told_with

_STATE = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".edgeward"),
    show_default=True,
    help="Folder of `edgeward dev`, asked where the environment names no endpoint.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_NUMBER = click.IntRange(1)


@click.command()
@click.argument("distribution")
@click.option("--limit", type=click.IntRange(1, 99), default=20, show_default=True, help="Versions to show.")
@_JSON
@_STATE
def history(distribution: str, limit: int, *, as_json: bool, state: Path) -> None:
    """List the versions of DISTRIBUTION (its id), the newest first, and what changed with each."""
    # One more than is shown: the oldest of them is compared with it.
    versions = _api(state).call("history", DistributionId=distribution, Limit=limit + 1)["Versions"]
    changes = [_changes(older["Config"], newer["Config"]) for newer, older in pairwise(versions)]
    if len(versions) <= limit:
        changes.append([])
    rows = list(zip(versions, changes, strict=False))
    if as_json:
        click.echo(json.dumps([_record(version, changed) for version, changed in rows]))
        return
    for line in _table(rows):
        click.echo(line)


@click.command()
@click.argument("distribution")
@click.argument("before", type=_NUMBER, required=False)
@click.argument("after", type=_NUMBER, required=False)
@_JSON
@_STATE
def diff(distribution: str, before: int | None, after: int | None, *, as_json: bool, state: Path) -> None:
    """Show what changed in DISTRIBUTION between two versions.

    Without numbers, between the last two; with one, between that one and the newest.
    """
    api = _api(state)
    newest = api.call("history", DistributionId=distribution, Limit=1)["Versions"][0]["Number"]
    after = after or newest
    before = before or max(after - 1, 1)
    configs = [api.call("version", DistributionId=distribution, Number=number)["Config"] for number in (before, after)]
    changes = _changes(*configs)
    if as_json:
        click.echo(json.dumps([_as_members(change) for change in changes]))
        return
    click.echo(f"version {before} -> {after}: {len(changes) or 'no'} change{'' if len(changes) == 1 else 's'}")
    for change in changes:
        click.echo(f"  {change}")


@click.command()
@click.argument("distribution")
@click.argument("version", type=_NUMBER)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@_STATE
def rollback(distribution: str, version: int, *, dry_run: bool, state: Path) -> None:
    """Give DISTRIBUTION the configuration of an earlier VERSION, as a new version.

    It is an UpdateDistribution like any other: refused where something it names is gone, live when it returns, and
    itself undone by one more rollback.
    """
    api = _api(state)
    wanted = api.call("version", DistributionId=distribution, Number=version)["Config"]
    current = _sent(lambda: api.cloudfront.get_distribution_config(Id=distribution))
    changes = _changes(_plain(current["DistributionConfig"]), wanted)
    if not changes:
        click.echo(f"{distribution} has the configuration of version {version} already")
        return
    for change in changes:
        click.echo(f"  {change}")
    if dry_run:
        return
    update = {"Id": distribution, "IfMatch": current["ETag"], "DistributionConfig": wanted}
    done = _sent(lambda: api.cloudfront.update_distribution(**update))
    click.echo(
        f"{distribution} is as it was in version {version}: {done['Distribution']['Status']}, ETag {done['ETag']}"
    )
    for line in told_with(done):
        click.echo(line, err=True)


def _api(state: Path) -> Any:
    # Imported here: `--help` need not wait for it.
    from edgeward.cli.endpoints import Api

    return Api(state)


def _sent(call: Callable[[], Any]) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return call()
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from error


def _changes(before: Any, after: Any) -> list[Change]:
    return list(differences(before, after))


def _plain(config: Any) -> Any:
    """As the history has it: nothing but JSON."""
    return json.loads(json.dumps(config))


def _table(rows: Sequence[tuple[Any, list[Change]]]) -> Iterator[str]:
    yield f"{'VERSION':>7}  {'ETAG':<14}  {'MODIFIED':<23}  CHANGES"
    for version, changes in rows:
        modified = version["Modified"][:23].replace("T", " ")
        yield f"{version['Number']:>7}  {version['ETag']:<14}  {modified:<23}  {_summary(version, changes)}"


def _summary(version: Any, changes: list[Change]) -> str:
    if version["Number"] == 1:
        return "created"
    told = ", ".join(change.path for change in changes[:_TOLD])
    more = f" and {len(changes) - _TOLD} more" if len(changes) > _TOLD else ""
    return (told or "none") + more


def _record(version: Any, changes: list[Change]) -> dict[str, Any]:
    shown = {name: version[name] for name in ("Number", "ETag", "Modified")}
    return shown | {"Changes": [_as_members(change) for change in changes]}


def _as_members(change: Change) -> dict[str, Any]:
    return {"Path": change.path, "Before": change.before, "After": change.after}


_TOLD = 3
"""Changes that the table names."""
