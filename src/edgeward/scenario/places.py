"""Where the viewers of a scenario are: the table `geo`, and the MMDB files that an edge gets made of it.

The files have MaxMind's layout. Invariant: a kind of file is written only when some place has something for it, so that
an edge knows nothing that the scenario does not say. Read by `format`, written by `stage`.
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from edgeward.edge.mmdb import Record, write_mmdb
from edgeward.edge.settings import GeoFiles
from edgeward.scenario.reading import Node, read


@dataclass(frozen=True, slots=True)
class Degrees:
    """A latitude or a longitude."""

    value: float

    @classmethod
    def read_node(cls, node: Node) -> Self:
        try:
            return cls(float(node.text()))
        except ValueError as wrong:
            raise node.error(f"`{node.text()}` is no number of degrees; write it as 52.52") from wrong

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        return {"type": "number"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the edge's data say of a network."""

    country: Annotated[str | None, "ISO 3166-1 code"] = None
    country_name: Annotated[str | None, "Name of the country; default: the edge has one for each code"] = None
    region: Annotated[str | None, "ISO 3166-2 code without the country"] = None
    region_name: Annotated[str | None, "Name of the region"] = None
    city: Annotated[str | None, "Name of the city"] = None
    postal_code: Annotated[str | None, "Postal code"] = None
    metro_code: Annotated[int | None, "Metro code"] = None
    time_zone: Annotated[str | None, "IANA time zone"] = None
    latitude: Annotated[Degrees | None, "Degrees"] = None
    longitude: Annotated[Degrees | None, "Degrees"] = None
    asn: Annotated[int | None, "Number of the autonomous system"] = None

    def country_record(self) -> Record:
        """As a file of countries has it; empty when nothing is known."""
        return _given({"country": _given({"iso_code": self.country, "names": _english(self.country_name)})})

    def city_record(self) -> Record:
        """As a file of cities has it."""
        region = _given({"iso_code": self.region, "names": _english(self.region_name)})
        location = {
            "latitude": self.latitude.value if self.latitude else None,
            "longitude": self.longitude.value if self.longitude else None,
            "time_zone": self.time_zone,
            "metro_code": self.metro_code,
        }
        return _given(
            {
                "city": _given({"names": _english(self.city)}),
                "subdivisions": [region] if region else None,
                "postal": _given({"code": self.postal_code}),
                "location": _given(location),
            }
        )

    def asn_record(self) -> Record:
        """As a file of autonomous systems has it."""
        return _given({"autonomous_system_number": self.asn})


@dataclass(frozen=True, slots=True)
class Places:
    """The table `geo`: network to place."""

    by_network: Mapping[str, Place]

    @classmethod
    def read_node(cls, node: Node) -> Self:
        entries = node.entries()
        for network, place in entries.items():
            try:
                ipaddress.ip_network(network)
            except ValueError as wrong:
                raise place.error(f"`{network}` is no network; write it as 127.0.1.0/24") from wrong
        return cls({network: read(Place, place) for network, place in entries.items()})

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": "object"}}

    def write(self, directory: Path) -> GeoFiles:
        """Makes the files in `directory`."""
        return GeoFiles(
            country=self._write(directory / "country.mmdb", Place.country_record),
            city=self._write(directory / "city.mmdb", Place.city_record),
            asn=self._write(directory / "asn.mmdb", Place.asn_record),
        )

    def _write(self, path: Path, record_of: Callable[[Place], Record]) -> tuple[Path, ...]:
        records = {ipaddress.ip_network(network): record_of(place) for network, place in self.by_network.items()}
        entries = [(str(each[0]), str(each[-1]), record) for each, record in records.items() if record]
        if not entries:
            return ()
        write_mmdb(path, entries)
        return (path,)


def _given(members: Record) -> Record:
    return {name: value for name, value in members.items() if value not in (None, {})}


def _english(name: str | None) -> Record:
    return _given({"en": name})
