"""The whole CDN on a laptop: `edgeward dev` starts origins, control plane and edge in one process tree.

The composition root of a single machine: it alone knows every part, and nothing imports it but the command line.
Invariant: everything it starts listens on loopback and ends with it, however it ends; all state is in one folder.
"""
