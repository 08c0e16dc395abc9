"""`edgeward api`: the CloudFront API from one more process, on a shared database."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--database",
    envvar="EDGEWARD_DATABASE",
    required=True,
    help="postgresql+psycopg://user@host/name, that of `edgeward dev`; a password is better off in EDGEWARD_DATABASE.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".edgeward"),
    show_default=True,
    help="Folder of that `edgeward dev`.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=4567, show_default=True, help="Port of the API.")
@click.option("--s3", help="URL of that program's S3 server, which has the bundles of trust stores.")
def api(database: str, state: Path, port: int, s3: str | None) -> None:
    """Serve the CloudFront API from one more process.

    Changes reach the edges through the `edgeward dev` that uses the same database; a call returns when they have.
    """
    # Imported here: it loads half of AWS's service models, which `--help` need not wait for.
    from edgeward.dev.api_program import ApiSettings, run_api
    from edgeward.dev.errors import DevError

    try:
        run_api(ApiSettings(state=state, database=database, port=port, s3=s3), say=click.echo)
    except DevError as error:
        raise click.ClickException(str(error)) from error
