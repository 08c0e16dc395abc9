"""The command: `make autobahn`, or `python -m autobahn --python PROGRAM --packages FOLDER [--cases 6.* ...]`.

Runs the Autobahn test suite against a WebSocket server beside an edge and through it, in clear and over TLS, and
compares case by case. Exit status: 0 when all went alike, 1 when not, 2 when the suite could not run.
"""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autobahn.outcomes import Outcomes, broken, differences, table
from autobahn.suite import Suite, SuiteError
from edgeward.compiler import encode_plan
from edgeward.edge.agent import EdgeAgent
from edgeward.edge.settings import LOOPBACK_NETWORKS, EdgeSettings
from edgeward.scenario import certificates
from edgeward.scenario.edge_under_test import compile_short, id_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import Selection, ShortBehavior, ShortDistribution, ShortOriginRequest
from websocket.echo_server import echo_server

ADDRESS = "127.0.0.1"
FORWARDED = ("Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions")
BESIDE = "beside"
KNOWN = {"7.1.5": "it closes with 1002 what ends in the middle of a fragmented message, and the suite wants 1000"}
"""Case in which the suite finds fault with the server, whoever speaks to it -> why."""


def main() -> int:
    """Runs the suite and prints the table and every difference."""
    chosen = _parser().parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        suite = Suite(chosen.python, chosen.packages.absolute(), chosen.cases, chosen.reports or Path(scratch))
        try:
            ways = play_all(suite)
        except SuiteError as error:
            sys.stderr.write(f"autobahn: {error}\n")
            return 2
    sys.stdout.write(table(ways) + "\n")
    return _judge(ways)


def play_all(suite: Suite) -> dict[str, Outcomes]:
    """Each way to the echo server, and how the cases went there; all ways at the same time."""
    with echo_server() as port, edge(port) as (clear, tls):
        urls = {BESIDE: f"ws://{ADDRESS}:{port}", "clear": f"ws://{ADDRESS}:{clear}", "tls": f"wss://{ADDRESS}:{tls}"}
        with ThreadPoolExecutor(len(urls)) as threads:
            runs = {way: threads.submit(suite.play, way, url) for way, url in urls.items()}
        return {way: run.result() for way, run in runs.items()}


@contextlib.contextmanager
def edge(origin_port: int) -> Iterator[tuple[int, int]]:
    """An edge for the origin on `origin_port`; gives its ports, in clear and over TLS."""
    behavior = ShortBehavior(forward=ShortOriginRequest(headers=Selection(mode="whitelist", names=FORWARDED)))
    compiled = compile_short(MAIN, ShortDistribution(default=behavior), {MAIN: OriginPorts(origin_port, origin_port)})
    certificate = certificates.edge_certificate([ADDRESS])
    shown = {"chain_pem": certificate.chain_pem, "key_pem": certificate.key_pem}
    agent = EdgeAgent(EdgeSettings(workers=1, allowed_private_origins=LOOPBACK_NETWORKS))
    agent.start()
    try:
        # The API takes no address for a name, and the suite sends no name in its TLS handshake.
        agent.load_plan(encode_plan(1, None, {id_of(MAIN): compiled | {"aliases": [ADDRESS]}}, shown))
        yield _port(agent.http), _port(agent.https)
    finally:
        agent.stop(0.0)


def _judge(ways: dict[str, Outcomes]) -> int:
    beside = ways.pop(BESIDE)
    # Between servers that answer nothing there are no differences either.
    faults = broken(beside)
    lines = [f"{BESIDE} {case}: {beside[case]}; the server: {KNOWN.get(case, 'not known')}" for case in faults]
    found = {way: differences(beside, outcomes) for way, outcomes in ways.items()}
    for way, cases in found.items():
        lines += [f"{way} {case}: {ways[way].get(case)}; {BESIDE}: {beside.get(case)}" for case in cases]
        lines.append(f"autobahn: {way}: {len(beside) - len(cases)} of {len(beside)} cases as {BESIDE} the edge")
    sys.stdout.write("\n".join([*lines, ""]))
    return 1 if any(found.values()) or set(faults) - KNOWN.keys() else 0


def _port(addresses: tuple[str, ...]) -> int:
    return int(addresses[0].rpartition(":")[2])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="autobahn", description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="Python 2.7")
    parser.add_argument("--packages", type=Path, required=True, help="the folder the suite is installed in")
    parser.add_argument("--cases", nargs="+", default=["*"], help="such as 6.* (default all)")
    parser.add_argument("--reports", type=Path, help="keep the suite's reports, HTML and JSON, in this folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
