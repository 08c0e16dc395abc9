"""Whether a CA would find what shows whose a name is: DNS records, and content behind URLs.

A challenge that the CA looks at in vain is spent, and the order with it (RFC 8555 section 7.1.6); so it is asked to
look only once its look will go well. Invariant: what is read is bounded in size, time and redirects, compared, and
never told. Used by `authority`.
"""

import http.client
import socket
import ssl
from http import HTTPStatus
from urllib.parse import SplitResult, urljoin, urlsplit

import dns.exception
import dns.resolver

from edgeward.acme.orders import AcmeSettings, DnsChallenge, HttpChallenge


class Proofs:
    """Looks as the CA of `settings` does."""

    def __init__(self, settings: AcmeSettings) -> None:
        self._settings = settings

    def is_there(self, challenge: DnsChallenge | HttpChallenge) -> bool:
        """Whether the CA would find it."""
        if isinstance(challenge, DnsChallenge):
            return challenge.value in self._texts_at(challenge.record)
        try:
            content = self._content_of(f"http://{challenge.identifier}:{self._settings.http_port}{challenge.path}")
        except (OSError, http.client.HTTPException, ValueError, dns.exception.DNSException):
            return False
        # White space at the end does not count (RFC 8555 section 8.3).
        return content.rstrip() == challenge.answer.encode()

    def _texts_at(self, record: str) -> set[str]:
        try:
            answer = self._resolver().resolve(f"{record}.", "TXT", lifetime=TIMEOUT_SECONDS)
        except dns.exception.DNSException:
            return set()
        return {b"".join(each.strings).decode("latin-1") for each in answer}

    def _content_of(self, url: str) -> bytes:
        """What is behind a URL and its redirects; nothing for any other status."""
        for _ in range(MOST_REDIRECTS + 1):
            status, location, content = self._get(urlsplit(url))
            if status == HTTPStatus.OK:
                return content
            if status not in REDIRECTS or location is None:
                break
            url = urljoin(url, location)
        return b""

    def _get(self, url: SplitResult) -> tuple[int, str | None, bytes]:
        if url.scheme not in PORTS or url.hostname is None:
            raise ValueError("a redirect leads to what is no http URL")
        connection = http.client.HTTPConnection(url.hostname, url.port or PORTS[url.scheme], timeout=TIMEOUT_SECONDS)
        connection.sock = self._connected(url)
        try:
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            connection.request("GET", target, headers={"Host": url.netloc.rpartition("@")[2]})
            response = connection.getresponse()
            return response.status, response.getheader("Location"), response.read(LONGEST_ANSWER)
        finally:
            connection.close()

    def _connected(self, url: SplitResult) -> socket.socket:
        host, port = url.hostname or "", url.port or PORTS[url.scheme]
        addresses = list(self._resolver().resolve_name(host, lifetime=TIMEOUT_SECONDS).addresses())
        for place, address in enumerate(addresses, start=1):
            try:
                plain = socket.create_connection((address, port), timeout=TIMEOUT_SECONDS)
            except OSError:
                if place == len(addresses):
                    raise
            else:
                return _any_tls().wrap_socket(plain, server_hostname=host) if url.scheme == "https" else plain
        raise OSError("the name has no address")

    def _resolver(self) -> dns.resolver.Resolver:
        if self._settings.resolver is None:
            return dns.resolver.Resolver()
        resolver = dns.resolver.Resolver(configure=False)
        address, port = self._settings.resolver
        resolver.nameservers, resolver.port = [address], port
        return resolver


def _any_tls() -> ssl.SSLContext:
    """CAs follow redirects to https whatever the certificate there is: the one asked for may be to replace it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


TIMEOUT_SECONDS = 15
MOST_REDIRECTS = 10
"""As many as Let's Encrypt follows."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PORTS = {"http": 80, "https": 443}
LONGEST_ANSWER = 4_096
"""Bytes; a key authorization has less than two hundred."""
