"""What edges answer to a CA that validates names by HTTP, as long as it is asked for. Pure.

An order of such a certificate lies in its configuration, with what RFC 8555 section 8.3 has the CA look for. The edges
answer it under the name itself, and under one name of their own, where the server that a name leads to until now may
redirect the CA: ACM's HttpRedirect. Called by the publisher's planner for the plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from edgeward.acme.orders import HttpChallenge
from edgeward.aws.listing import every
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.acm.certificates import FAMILY


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a CA asks, and where it may be redirected to."""

    host: str
    """The edges' own name for answers."""
    port: int = 80

    def kept(self, challenge: HttpChallenge) -> Shape:
        """What an order keeps of a challenge, `From` and `To` as ACM tells them."""
        port = "" if self.port == HTTP else f":{self.port}"
        return {
            "Identifier": challenge.identifier,
            "Token": challenge.token,
            "Answer": challenge.answer,
            "From": f"http://{challenge.identifier}{port}{challenge.path}",
            "To": f"http://{self.host}{port}{challenge.path}",
        }


def read_challenge(kept: Shape) -> HttpChallenge:
    """A challenge as `Places` kept it."""
    return HttpChallenge(identifier=kept["Identifier"], token=kept["Token"], answer=kept["Answer"])


def open_challenges(certificate: Resource) -> list[Shape]:
    """Those that the edges answer for a certificate, as `Places` kept them."""
    order = certificate.config.get("Issuance", {}).get("Order") or {"Challenges": []}
    return [each for each in order["Challenges"] if "Token" in each]


def challenges_of(transaction: Transaction) -> Mapping[str, Mapping[str, str]]:
    """All that edges answer: by host, then by token."""
    found: dict[str, dict[str, str]] = {}
    for each in (kept for certificate in every(transaction, FAMILY) for kept in open_challenges(certificate)):
        for host in (each["Identifier"], urlsplit(each["To"]).hostname or ""):
            found.setdefault(host, {})[each["Token"]] = each["Answer"]
    return found


HTTP = 80
