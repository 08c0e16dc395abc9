"""The one exception of the benchmark harness: it could not measure, and says what to do about it."""


class BenchError(Exception):
    """The benchmark cannot go on, or a run may not be counted. The message says why and what to change."""
