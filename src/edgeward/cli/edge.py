"""`edgeward edge`: one edge on its own, which a control plane reaches at its plan socket."""

import sys
from pathlib import Path
from typing import Any

import click

_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


@click.command()
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".edgeward-edge"),
    show_default=True,
    help="Folder that keeps everything between runs: plan, cache, logs.",
)
@click.option("--http", multiple=True, default=["127.0.0.1:8081"], show_default=True, help="address:port for http.")
@click.option("--https", multiple=True, default=["127.0.0.1:8444"], show_default=True, help="address:port for https.")
@click.option(
    "--http3/--no-http3", default=True, show_default=True, help="HTTP/3, over UDP at the addresses of --https."
)
@click.option(
    "--plan-socket",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where a control plane reaches it (`edgeward dev --edge`).  [default: edge/plans.sock in --state]",
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Threads; one per core is best.")
@click.option("--memory-mib", type=click.IntRange(1), default=256, show_default=True, help="For responses in memory.")
@click.option("--disk-mib", type=click.IntRange(0), default=4096, show_default=True, help="For those on disk; 0: none.")
@click.option(
    "--private-origins",
    metavar="NETWORK",
    multiple=True,
    help="Network such as 10.0.0.0/8 that origins may be in beside the public Internet; may be repeated.",
)
@click.option("--authority", "authorities", multiple=True, type=_FILE, help="PEM file of a CA that origins may use.")
@click.option("--ticket-secrets", type=_FILE, help="File with secrets that let TLS sessions outlive a restart.")
@click.option("--sealing-key", type=_FILE, help="File with 64 hexadecimal digits that seal the plan on disk.")
@click.option("--explain-key", type=_FILE, help="File with the key of debug tokens.")
@click.option("--s3-endpoint", help="http://host:port of the S3 server; needs --s3-key.")
@click.option("--s3-key", type=_FILE, help="JSON file with the id and secret of an access key for it.")
@click.option(
    "--drain-seconds",
    type=click.FloatRange(0.0),
    default=30.0,
    show_default=True,
    help="How long viewers have to finish what they have begun when it stops.",
)
@click.option(
    "--takeover-seconds",
    type=click.FloatRange(0.0, min_open=True),
    default=60.0,
    show_default=True,
    help="How long the other process of a takeover may take for one step; one that hangs is ended.",
)
@click.option("--takeover", is_flag=True, help="Take over from the process that serves from --state, if one does.")
def edge(**options: Any) -> None:
    """Run one edge on its own; a control plane sends it plans.

    It serves from the last plan it was sent, also when no control plane is there. SIGTERM stops it in order;
    SIGUSR2 starts the same command anew, which takes over without a lost request.
    """
    # Imported here: it loads the engine, which `--help` need not wait for.
    from edgeward.dev.edge_program import EdgeProgramSettings, run_edge
    from edgeward.dev.errors import DevError

    memory_bytes, disk_bytes = options.pop("memory_mib") << 20, options.pop("disk_mib") << 20
    try:
        settings = EdgeProgramSettings(
            **options, memory_bytes=memory_bytes, disk_bytes=disk_bytes, successor=_successor(options["takeover"])
        )
        run_edge(settings, say=click.echo)
    except DevError as error:
        raise click.ClickException(str(error)) from error


def _successor(takes_over: bool) -> tuple[str, ...]:  # noqa: FBT001 - as the option has it
    """The same command once more, taking over."""
    return (sys.executable, "-m", "edgeward.cli", *sys.argv[1:], *([] if takes_over else ["--takeover"]))
