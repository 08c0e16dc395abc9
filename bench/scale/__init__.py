"""What grows with what an edge holds: memory and time for a million stored responses, thousands of distributions, large
files and a crowd of viewers.

Run `python -m bench.scale` from the repository root. Only Edgeward is measured, each figure against a bound.
"""
