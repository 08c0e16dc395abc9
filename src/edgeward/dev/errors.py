"""What `edgeward dev` reports instead of a traceback: a sentence that says what to do next."""


class DevError(Exception):
    """The CDN cannot start, or cannot go on. The message is for the person at the terminal."""
