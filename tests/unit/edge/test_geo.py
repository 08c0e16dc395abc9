"""Places from MMDB files: the layouts that are read, the order of files, and reading them again."""

import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.mmdb import Record, write_mmdb
from edgeward.edge.settings import EdgeSettings, GeoFiles

HERE = "127.0.49.0/24"
FIELDS = (
    "CloudFront-Viewer-ASN",
    "CloudFront-Viewer-City",
    "CloudFront-Viewer-Country",
    "CloudFront-Viewer-Country-Name",
    "CloudFront-Viewer-Country-Region",
    "CloudFront-Viewer-Country-Region-Name",
    "CloudFront-Viewer-Latitude",
    "CloudFront-Viewer-Metro-Code",
    "CloudFront-Viewer-Postal-Code",
    "CloudFront-Viewer-Time-Zone",
)
MAXMIND = {
    "country": {"iso_code": "US", "names": {"en": "United States", "de": "USA"}},
    "subdivisions": [{"iso_code": "WA", "names": {"en": "Washington"}}],
    "city": {"names": {"en": "Seattle"}},
    "postal": {"code": "98101"},
    "location": {"latitude": 47.6062, "longitude": -122.3321, "time_zone": "America/Los_Angeles", "metro_code": 819},
}
FLAT = {
    "country_code": "US",
    "state1": "Washington",
    "city": "Seattle",
    "postcode": "98101",
    "latitude": 47.6062,
    "longitude": -122.3321,
    "timezone": "",
}


def file_of(path: Path, records: Mapping[str, Record]) -> tuple[Path, ...]:
    networks = {ipaddress.ip_network(network): record for network, record in records.items()}
    write_mmdb(path, [(str(each[0]), str(each[-1]), record) for each, record in networks.items()])
    return (path,)


def told(edge: Any, address: str = "127.0.49.1") -> dict[str, str]:
    names = {name.lower(): name for name in FIELDS}
    fields = edge.told({}, address)
    return {names[name].removeprefix("CloudFront-Viewer-"): value for name, value in fields.items() if name in names}


@pytest.mark.parametrize(
    ("record", "missing"),
    [(MAXMIND, set()), (FLAT, {"Country-Region", "Metro-Code", "Time-Zone"})],
    ids=["MaxMind", "ip-location-db"],
)
def test_both_layouts_are_read(
    record: Mapping[str, Any], missing: set[str], telling_edge: Callable[..., Any], tmp_path: Path
) -> None:
    asn = {"autonomous_system_number": 16509, "autonomous_system_organization": "AMAZON-02"}
    files = GeoFiles(
        city=file_of(tmp_path / "city.mmdb", {HERE: dict(record)}),
        asn=file_of(tmp_path / "asn.mmdb", {HERE: asn}),
    )
    edge = telling_edge(*FIELDS, settings=EdgeSettings(workers=1, geo=files))

    whole = {
        "ASN": "16509",
        "City": "Seattle",
        "Country": "US",
        "Country-Name": "United States",
        "Country-Region": "WA",
        "Country-Region-Name": "Washington",
        "Latitude": "47.60620",
        "Metro-Code": "819",
        "Postal-Code": "98101",
        "Time-Zone": "America/Los_Angeles",
    }
    assert told(edge) == {name: value for name, value in whole.items() if name not in missing}
    assert told(edge, "127.0.50.1") == {}


def test_the_first_file_that_knows_an_address_tells(telling_edge: Callable[..., Any], tmp_path: Path) -> None:
    first = file_of(tmp_path / "first.mmdb", {HERE: {"country_code": "DE"}})
    second = file_of(tmp_path / "second.mmdb", {"127.0.0.0/8": {"country_code": "FR"}})
    edge = telling_edge(*FIELDS, settings=EdgeSettings(workers=1, geo=GeoFiles(country=first + second)))

    assert told(edge) == {"Country": "DE", "Country-Name": "Germany"}
    assert told(edge, "127.0.33.1") == {"Country": "FR", "Country-Name": "France"}


def test_a_record_that_makes_no_sense_tells_nothing(telling_edge: Callable[..., Any], tmp_path: Path) -> None:
    record = {"country_code": 7, "city": {"names": ["x"]}, "latitude": "north", "subdivisions": {"iso_code": "x"}}
    city = file_of(tmp_path / "city.mmdb", {HERE: record})
    edge = telling_edge(*FIELDS, settings=EdgeSettings(workers=1, geo=GeoFiles(city=city)))

    assert told(edge) == {}


def test_files_are_read_again_whole_or_not_at_all(telling_edge: Callable[..., Any], tmp_path: Path) -> None:
    country = file_of(tmp_path / "country.mmdb", {HERE: {"country_code": "DE"}})
    asn = file_of(tmp_path / "asn.mmdb", {HERE: {"autonomous_system_number": 1}})
    edge = telling_edge(*FIELDS, settings=EdgeSettings(workers=1, geo=GeoFiles(country=country, asn=asn)))
    agent: EdgeAgent = edge.edge._edge

    file_of(country[0], {HERE: {"country_code": "AT"}})
    asn[0].write_bytes(b"cut short")
    with pytest.raises(ValueError, match="asn"):
        agent.reload_geo()
    assert told(edge) == {"ASN": "1", "Country": "DE", "Country-Name": "Germany"}

    file_of(asn[0], {HERE: {"autonomous_system_number": 2}})
    agent.reload_geo()
    assert told(edge) == {"ASN": "2", "Country": "AT", "Country-Name": "Austria"}


@pytest.mark.parametrize("content", [b"", b"no MMDB at all", None])
def test_an_edge_does_not_start_with_a_file_it_cannot_read(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "country.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"geo: .*country\.mmdb"):
        EdgeAgent(EdgeSettings(geo=GeoFiles(country=(path,))))
