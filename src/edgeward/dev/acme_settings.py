"""Which ACME CA `edgeward dev` has, if any: `acme.json` in the state folder, which `edgeward api` reads too.

`{"directory": "https://acme-v02.api.letsencrypt.org/directory", "email": "ops@example.com"}`, and for a CA of one's own
`"trusted_authorities"`, a PEM file, `"resolver"`, the address and port of a DNS server, and `"http_port"`, where it
asks edges.
"""

from pathlib import Path

from edgeward.acme.orders import AcmeSettings
from edgeward.dev.errors import DevError
from edgeward.dev.state_folder import read_record


def acme_settings(path: Path) -> AcmeSettings | None:
    """The settings in a file; None when there is none. Raises `DevError` for one that says something else."""
    record = read_record(path)
    if not record:
        return None
    unknown = sorted(record.keys() - MEMBERS)
    if unknown or not record.get("directory", "").startswith("https://"):
        wrong = f"{unknown[0]} is none of {', '.join(sorted(MEMBERS))}" if unknown else "directory is no https URL"
        raise DevError(f"{path}: {wrong}")
    trusted = record.get("trusted_authorities")
    return AcmeSettings(
        directory_url=record["directory"],
        email=record.get("email"),
        trusted_authorities=Path(trusted) if trusted else None,
        resolver=_resolver(path, record["resolver"]) if "resolver" in record else None,
        http_port=_port(path, record.get("http_port", "80")),
    )


def _resolver(path: Path, text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    if not address or not port.isdecimal():
        raise DevError(f"{path}: resolver is no address with a port, as 127.0.0.1:53")
    return address.strip("[]"), int(port)


def _port(path: Path, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65_536):
        raise DevError(f'{path}: http_port is no port, as "80"')
    return int(text)


MEMBERS = frozenset({"directory", "email", "http_port", "resolver", "trusted_authorities"})
