"""`python -m edgeward.cli`: the command line without the installed script."""

from edgeward.cli.main import main

main(prog_name="edgeward")
