"""The edge agent: the only package that talks to the engine (`edgeward._edge`).

`settings` says what an edge is started with, `agent` runs one in this process, `admin` answers its operator.
Invariant: nothing here decides anything about a request; that is the engine's. Used by `edgeward.dev`
and by the scenario runner.
"""
