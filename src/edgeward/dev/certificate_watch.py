"""Has the edges show a certificate of one's own that was replaced in its folder.

Invariant: a file that cannot be used changes nothing, is told of once, and is tried again when a file changes. Called
every second or so by `program`.
"""

from collections.abc import Callable, Sequence

from edgeward.certificates import CertificateFolder


class CertificateWatch:
    """Watches `folder`; `renew` brings what changed to the edges and returns what is wrong with the rest."""

    def __init__(
        self, folder: CertificateFolder, renew: Callable[[], Sequence[str]], say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._renew = renew
        self._say = say
        self._seen = folder.version()

    def look(self) -> None:
        """Renews if a file has come, gone or changed since the last look."""
        now = self._folder.version()
        if now == self._seen:
            return
        self._seen = now
        for problem in self._renew():
            self._say(f"A certificate stays as it was: {problem}")
