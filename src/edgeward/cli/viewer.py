"""One request of a viewer, as `edgeward explain` sends it: HTTP/1.1, read to its end, nothing followed.

Names under `.localhost` are loopback, whatever the resolver thinks (RFC 6761 section 6.3).
"""

import http.client
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerRequest:
    """What is asked for."""

    url: str
    method: str = "GET"
    headers: Sequence[tuple[str, str]] = ()
    ca_file: Path | None = None
    """An authority to trust beside the system's."""

    @property
    def parts(self) -> SplitResult:
        """Of the URL. Raises ClickException when it is none."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise click.ClickException(f"{self.url} is no URL with http:// or https://")
        return parts

    @property
    def host(self) -> str:
        """The host that the edge is asked for: that of a Host field, else the URL's; without port."""
        given = next((value for name, value in self.headers if name.lower() == "host"), str(self.parts.hostname))
        return given.partition(":")[0].lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerResponse:
    """What came back."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    """By lower-case name; lines joined by `, `."""


def send(request: ViewerRequest) -> ViewerResponse:
    """Sends `request` and reads the whole response: a viewer that leaves early keeps a response out of the cache.

    Raises ClickException when there is no response.
    """
    connection = None
    try:
        connection = _connect(request)
        connection.putrequest(
            request.method, _target(request.parts), skip_host=_has_host(request), skip_accept_encoding=True
        )
        for name, value in request.headers:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        while response.read(_PIECE):
            pass
        fields = {name.lower(): response.headers.get_all(name, []) for name in response.headers}
        return ViewerResponse(
            status=response.status, headers={name: ", ".join(lines) for name, lines in fields.items()}
        )
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise click.ClickException(f"{request.url} cannot be asked: {str(error) or type(error).__name__}") from error
    finally:
        if connection is not None:
            connection.close()


def _connect(request: ViewerRequest) -> http.client.HTTPConnection:
    parts = request.parts
    host, is_tls = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    address = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
    connection.sock = socket.create_connection((address, port), _TIMEOUT_SECONDS)
    if is_tls:
        context = ssl.create_default_context()
        if request.ca_file is not None:
            context.load_verify_locations(request.ca_file)
        connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
    return connection


def _has_host(request: ViewerRequest) -> bool:
    return any(name.lower() == "host" for name, _ in request.headers)


def _target(parts: SplitResult) -> str:
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


_TIMEOUT_SECONDS = 60
_PIECE = 1 << 20
