"""What is said to an ACME CA and kept of it: settings, orders, and why one came to nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Method = Literal["DNS", "HTTP"]
"""How names are validated: by dns-01 or http-01 (RFC 8555 sections 8.4 and 8.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcmeSettings:
    """Which CA issues certificates for public names. Naming one accepts its terms of service."""

    directory_url: str
    """As `https://acme-v02.api.letsencrypt.org/directory`."""
    email: str | None = None
    """Where the CA writes to about the account."""
    trusted_authorities: Path | None = None
    """CA certificates, PEM, for the CA's own https; None: the usual ones."""
    resolver: tuple[str, int] | None = None
    """Address and port of the DNS server that is asked for records; None: the system's."""
    http_port: int = 80
    """Where the CA asks edges by http; public ones know no other port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsChallenge:
    """A TXT record that shows whose a name is."""

    identifier: str
    """The name, as it was asked for."""
    record: str
    """Where the record has to be: `_acme-challenge.example.com`."""
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpChallenge:
    """Content of a URL that shows whose a name is."""

    identifier: str
    """The name, as it was asked for."""
    token: str
    """The last segment of the URL's path."""
    answer: str
    """The content: token and thumbprint of the account's key."""

    @property
    def path(self) -> str:
        """Where the CA asks for the content."""
        return f"/.well-known/acme-challenge/{self.token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A certificate that the CA was asked for."""

    url: str
    challenges: tuple[DnsChallenge, ...] | tuple[HttpChallenge, ...]
    """Of the names that are still to be validated."""


class AcmeRefusalError(Exception):
    """The CA does not issue the certificate. `reason` is a word of ACM's for it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class AcmePackagesMissingError(Exception):
    """The packages of the extra `acme` are not installed."""

    def __init__(self) -> None:
        super().__init__("the client of ACME CAs is missing: pip install 'edgeward[acme]'")


class AcmeUnavailableError(Exception):
    """The CA cannot be reached, has too much to do or takes long: another attempt may go well."""
