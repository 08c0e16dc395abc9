"""`edgeward lint`: classic mistakes in a distribution, or in a configuration that is not one yet."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from edgeward.lint import header
from edgeward.lint.rules import SEVERITIES, Finding, Subject, findings


@click.command()
@click.argument("distribution")
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), default="error", show_default=True, help="Exit with 1 from here."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".edgeward"),
    show_default=True,
    help="Folder of `edgeward dev`, asked where the environment names no endpoint.",
)
def lint(distribution: str, fail_on: str, *, as_json: bool, state: Path) -> None:
    """Look for classic mistakes in DISTRIBUTION: its id, or a file with what get-distribution-config answers.

    The policies of a file are not known, so rules about cache keys pass it over.
    """
    path = Path(distribution)
    subject = Subject(config=_read(path)) if path.suffix == ".json" or path.exists() else _asked(distribution, state)
    found = findings(subject)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found]))
    else:
        for line in told(found):
            click.echo(line)
    if any(SEVERITIES.index(finding.severity) <= SEVERITIES.index(fail_on) for finding in found):
        raise click.exceptions.Exit(1)


def told(found: list[Finding]) -> list[str]:
    """Lines for a terminal."""
    lines = [
        line
        for finding in found
        for line in (
            f"{finding.severity}: {finding.where}: {finding.what} [{finding.rule}]",
            f"    {finding.advice}",
        )
    ]
    return lines or ["nothing found"]


def told_with(answer: Mapping[str, Any]) -> list[str]:
    """Lines about what an answer of the API tells of mistakes in the distribution that it made or changed."""
    value = answer["ResponseMetadata"]["HTTPHeaders"].get(header.HEADER)
    if value is None:
        return []
    heard = header.read(value)
    more = [f"and {heard.more} more: edgeward lint {answer['Distribution']['Id']}"] if heard.more else []
    return [*told(list(heard.findings)), *more]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text())
        config: Mapping[str, Any] = document.get("DistributionConfig", document)
    except (OSError, ValueError, AttributeError) as error:
        raise click.ClickException(f"{path} cannot be read as a DistributionConfig: {error}") from error
    return config


def _asked(distribution: str, state: Path) -> Subject:
    # Imported here: `--help` need not wait for them.
    from botocore.exceptions import BotoCoreError, ClientError

    from edgeward.cli.endpoints import Api

    client = Api(state).cloudfront
    try:
        config = client.get_distribution_config(Id=distribution)["DistributionConfig"]
        return Subject(
            config=config,
            cache_policies=_policies(config, "CachePolicy", client.get_cache_policy),
            origin_request_policies=_policies(config, "OriginRequestPolicy", client.get_origin_request_policy),
        )
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from error


def _policies(config: Mapping[str, Any], kind: str, get: Any) -> dict[str, Mapping[str, Any]]:
    """The policies of one kind that the behaviors attach, by id."""
    behaviors = [config["DefaultCacheBehavior"], *config.get("CacheBehaviors", {}).get("Items", [])]
    ids = {behavior[f"{kind}Id"] for behavior in behaviors if behavior.get(f"{kind}Id")}
    return {each: get(Id=each)[kind][f"{kind}Config"] for each in sorted(ids)}
