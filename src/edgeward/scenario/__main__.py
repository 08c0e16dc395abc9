"""`python -m edgeward.scenario FILE...`: run scenarios from the command line."""

import sys

from edgeward.scenario.command import main

sys.exit(main(sys.argv[1:]))
