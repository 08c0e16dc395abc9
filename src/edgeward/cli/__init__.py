"""The command line `edgeward`: one module per command, listed in `main`.

Commands are clients of the API; only `dev`, which starts a whole CDN, reaches further. Invariant: a mistake of the user
gets one line that says what to do next, never a traceback.
"""
