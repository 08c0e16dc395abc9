"""Scenarios: tests of what an edge does, written as data.

A scenario is one YAML file: a viewer, an origin and a virtual clock, and one behavior of the edge. `format` reads it,
`runner` plays it against a real edge in this process; `python -m edgeward.scenario FILE...` does both. Everyone may
test their own distribution this way. Invariant: nothing here knows how the edge works, only what it must do.
"""
