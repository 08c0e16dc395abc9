"""Writing MMDB files, the form in which an edge reads where addresses are.

Needs the extra `dev` (`mmdb-writer`). Invariant: a file is in place whole or not at all, so that an edge may read it at
any time. Called by `dev.geodata` and by `scenario`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

Record = dict[str, Any]
Entry = tuple[str, str, Record]
"""First and last address of a network, or of any range, and what is known of it."""


def write_mmdb(path: Path, entries: Iterable[Entry]) -> None:
    """A file of `entries`, IPv4 and IPv6; of those that overlap the later one counts."""
    from mmdb_writer import MMDBWriter
    from netaddr import IPRange, IPSet

    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=path.stem)
    for first, last, record in entries:
        writer.insert_network(IPSet(IPRange(first, last).cidrs()), record)
    fresh = path.with_name(f"{path.name}.new")
    writer.to_db_file(str(fresh))
    fresh.replace(path)
