"""`edgeward test`: plays scenario files against an edge in this process, so that users test their own configuration."""

import sys

import click


@click.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> None:
    """Play scenario files against an edge in this process."""
    # Imported here: it loads the engine, which other commands need not wait for.
    from edgeward.scenario.command import main

    sys.exit(main(arguments))
