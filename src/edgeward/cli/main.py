"""The entry point: the command group and its version. Installed as the script `edgeward`."""

import click

from edgeward import __version__
from edgeward.cli.api import api
from edgeward.cli.cache import cache
from edgeward.cli.dev import dev
from edgeward.cli.edge import edge
from edgeward.cli.explain import explain
from edgeward.cli.geodata import geodata
from edgeward.cli.history import diff, history, rollback
from edgeward.cli.import_config import import_config
from edgeward.cli.lint import lint
from edgeward.cli.test import test


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgeward", message="%(prog)s %(version)s")
def main() -> None:
    """An open content delivery network that CloudFront's own tools drive unchanged."""


main.add_command(api)
main.add_command(cache)
main.add_command(dev)
main.add_command(diff)
main.add_command(edge)
main.add_command(explain)
main.add_command(geodata)
main.add_command(history)
main.add_command(import_config)
main.add_command(lint)
main.add_command(rollback)
main.add_command(test)
