"""Fetches OCSP responses in the background, so that edges can staple them (RFC 6066 section 8).

Each look asks the responders of those certificates that are due, some at once, and has what is new sent to the edges.
Invariant: no request of a viewer or of the API waits for a responder; what a responder sends is bounded in size and
time, and an answer that does not hold is never shown. The control plane has it look every second.
"""

import http.client
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from edgeward.deploy.ocsp import OcspError, Query, Staple, query_for, staple_of
from edgeward.periodic import Backoff

logger = logging.getLogger(__name__)


class Stapler:
    """The staples of all certificates that are shown, by chain."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._is_untold = False

    def staple_for(self, chain_pem: str) -> Staple | None:
        """What may be shown beside the certificate now; None when nothing may, or nothing is known yet."""
        entry = self._entries.get(chain_pem)
        staple = entry.staple if entry is not None else None
        return staple if staple is not None and self._clock() < staple.expires else None

    def look(self, chains: Iterable[str], changed: Callable[[], object]) -> None:
        """Asks for what is due of `chains`; calls `changed` when there are other staples than it was told of."""
        self._is_untold |= self._ask(chains)
        if self._is_untold:
            changed()
            self._is_untold = False

    def _ask(self, chains: Iterable[str]) -> bool:
        """Whether a staple has come, gone or changed."""
        before = self._entries
        self._entries = {chain: before.get(chain) or _Entry(_query(chain)) for chain in chains}
        now = self._clock()
        due = [entry for entry in self._entries.values() if entry.query is not None and entry.next_at <= now]
        if not due:
            return False
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ocsp") as pool:
            return any(list(pool.map(lambda entry: entry.ask(now), due)))


def _query(chain_pem: str) -> Query | None:
    try:
        return query_for(chain_pem)
    except OcspError:
        logger.warning("a certificate is shown without OCSP response", exc_info=True)
        return None


@dataclass(slots=True)
class _Entry:
    """One certificate."""

    query: Query | None
    """None: nobody can be asked."""
    staple: Staple | None = None
    next_at: datetime = datetime.min.replace(tzinfo=UTC)
    failures: int = 0

    def ask(self, now: datetime) -> bool:
        """Asks the responder; whether that changed the staple. A staple that is in force outlives failures."""
        assert self.query is not None
        before = self.staple
        try:
            self.staple = staple_of(fetch(self.query), self.query, now)
        except (OcspError, OSError, http.client.HTTPException, ValueError) as error:
            self._note_failure(error, now)
        else:
            self.failures = 0
            self.next_at = max(self.staple.renew_at, now + _SOONEST)
            self._tell_of_revocation(before)
        return self.staple != before

    def _note_failure(self, error: Exception, now: datetime) -> None:
        if self.failures == 0:
            logger.warning("no OCSP response for %s from %s: %s", self._name, self._url, error)
        self.failures += 1
        self.next_at = now + _BACKOFF.after(self.failures)

    def _tell_of_revocation(self, before: Staple | None) -> None:
        was = before.revoked if before is not None else None
        if self.staple is not None and self.staple.revoked not in (None, was):
            logger.error("the certificate %s is REVOKED since %s", self._name, self.staple.revoked)

    @property
    def _name(self) -> str:
        return f"{self.query.leaf.serial_number:x}" if self.query is not None else ""

    @property
    def _url(self) -> str:
        return self.query.url if self.query is not None else ""


def fetch(query: Query) -> bytes:
    """The responder's answer, by POST (RFC 6960 appendix A.1). Redirects are not followed.

    Raises `OcspError`, `OSError`, `HTTPException`, or `ValueError` for a URL that is none.
    """
    url = urlsplit(query.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=FETCH_SECONDS)
    deadline = time.monotonic() + FETCH_SECONDS
    try:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("POST", target, query.request, {"Content-Type": "application/ocsp-request"})
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise OcspError(f"the responder answered {response.status}")
        answer = b""
        while part := response.read1(4096):
            answer += part
            if len(answer) > LONGEST_ANSWER or time.monotonic() > deadline:
                raise OcspError("the answer is too long, or takes too long")
        return answer
    finally:
        connection.close()


AT_ONCE = 8
"""How many responders are asked at the same time."""
LOOK_EVERY = timedelta(seconds=1)
FETCH_SECONDS = 10.0
LONGEST_ANSWER = 64 << 10
"""Bytes; an answer with the certificate of its signer has two thousand."""
_BACKOFF = Backoff(first=timedelta(minutes=1), longest=timedelta(hours=1))
_SOONEST = timedelta(minutes=1)
"""Not asked more often, however short the lives of the answers are."""
