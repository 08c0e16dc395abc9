"""What the checkers look at: an edge with a distribution for each security policy, each with a certificate of its own.

The certificates come from an authority that answers by OCSP; the edge shows its answers. Invariant: edge and responder
have ended when the context ends. Called by `__main__`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgeward.aws.model import Shape
from edgeward.compiler import encode_plan
from edgeward.deploy.ocsp import query_for, staple_of
from edgeward.deploy.planner import ocsp_member
from edgeward.edge.agent import EdgeAgent
from edgeward.edge.settings import EdgeSettings
from edgeward.scenario.edge_under_test import compile_short, id_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import SecurityPolicy, ShortDistribution
from ocsp_responder import Responder, responder

POLICIES: dict[str, SecurityPolicy] = {
    "tls12-2021.example.com": "TLSv1.2_2021",
    "tls12-2025.example.com": "TLSv1.2_2025",
    "tls13-2025.example.com": "TLSv1.3_2025",
}
"""Server name -> the policy that its distribution has."""
DEFAULT = "default.example.com"


@dataclass(frozen=True, slots=True)
class Stand:
    """Where the edge is, and the authority to trust, PEM."""

    port: int
    authority: Path


@contextmanager
def stand(folder: Path, origin_port: int) -> Iterator[Stand]:
    """A running edge before the origin at that port."""
    with responder() as authority:
        trusted = folder / "authority.pem"
        trusted.write_text(authority.issuer.pem)
        agent = EdgeAgent(EdgeSettings(workers=1))
        agent.start()
        try:
            agent.load_plan(_plan(authority, origin_port))
            yield Stand(int(agent.https[0].rpartition(":")[2]), trusted)
        finally:
            agent.stop(0.0)


def _plan(authority: Responder, origin_port: int) -> bytes:
    distributions = {
        id_of(policy): _distribution(policy, name, authority, origin_port) for name, policy in POLICIES.items()
    }
    return encode_plan(1, None, distributions, _certificate(authority, DEFAULT))


def _distribution(policy: SecurityPolicy, name: str, authority: Responder, origin_port: int) -> Shape:
    short = ShortDistribution(security_policy=policy)
    compiled = compile_short(MAIN, short, {MAIN: OriginPorts(origin_port, origin_port)})
    own = {"domain_name": f"{name.partition('.')[0]}.cloudfront.localhost", "aliases": [name]}
    return compiled | own | {"certificate": _certificate(authority, name)}


def _certificate(authority: Responder, name: str) -> Shape:
    """A certificate for `name`, and what the authority says of it."""
    leaf = authority.issue(name)
    chain = leaf.pem + authority.issuer.pem
    query = query_for(chain)
    assert query is not None, "its certificates name the responder"
    staple = staple_of(authority.answer(about=leaf), query, datetime.now(UTC))
    return {"chain_pem": chain, "key_pem": leaf.key_pem, "ocsp": ocsp_member(staple)}
