"""`edgeward dev`: the whole CDN on this machine, until Ctrl-C."""

from pathlib import Path

import click

_PORT = click.IntRange(0, 65535)
_BUSY = "If it is busy, the next free one is taken and printed; 0 takes any."


@click.command()
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".edgeward"),
    show_default=True,
    help="Folder that keeps everything between runs.",
)
@click.option("--api-port", type=_PORT, default=4566, show_default=True, help=f"Port of the CloudFront API. {_BUSY}")
@click.option("--http-port", type=_PORT, default=8080, show_default=True, help="Port of the edge for http.")
@click.option("--https-port", type=_PORT, default=8443, show_default=True, help="Port of the edge for https.")
@click.option("--s3-port", type=_PORT, default=8333, show_default=True, help="Port of the S3 server.")
@click.option(
    "--geo",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Folder with country*.mmdb, city*.mmdb and asn*.mmdb, as far as there are any.  [default: geo in --state]",
)
@click.option(
    "--database",
    envvar="EDGEWARD_DATABASE",
    help="postgresql+psycopg://user@host/name in place of a file in --state; `edgeward api` may share it.",
)
@click.option(
    "--private-origins",
    metavar="NETWORK",
    multiple=True,
    help="Network such as 10.0.0.0/8 that origins may be in beside loopback and the public Internet; may be repeated.",
)
@click.option(
    "--ticket-secrets",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="File of secrets by which edges take up each other's TLS sessions.",
)
@click.option(
    "--balancer",
    "balancers",
    multiple=True,
    metavar="NETWORK",
    help="Load balancers that connect to the edge in place of viewers, with PROXY protocol 2; may be given again.",
)
@click.option(
    "--edge",
    "edges",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Plan socket of an `edgeward edge` that gets the same plans.",
)
def dev(  # noqa: PLR0913, PLR0917 - one parameter for each option
    state: Path,
    api_port: int,
    http_port: int,
    https_port: int,
    s3_port: int,
    geo: Path | None,
    database: str | None,
    private_origins: tuple[str, ...],
    ticket_secrets: Path | None,
    balancers: tuple[str, ...],
    edges: tuple[Path, ...],
) -> None:
    """Run a whole CDN on this machine: API, edge, and two origins with a sample site.

    Everything listens on loopback only, and ends with Ctrl-C.
    """
    # Imported here: it loads the engine and half of AWS's service models, which `--help` need not wait for.
    from edgeward.dev.errors import DevError
    from edgeward.dev.program import run
    from edgeward.dev.settings import DevSettings

    settings = DevSettings(
        state=state,
        geo=geo,
        database=database,
        edges=edges,
        api_port=api_port,
        http_port=http_port,
        https_port=https_port,
        s3_port=s3_port,
        private_origins=private_origins,
        ticket_secrets=ticket_secrets,
        balancers=balancers,
    )
    try:
        run(settings, say=click.echo)
    except DevError as error:
        raise click.ClickException(str(error)) from error
