"""What deployment asks of the outside: a way to an edge, and certificates.

Both calls of a channel are synchronous and return once their effect is live. Implemented in process by
`edgeward.edge.agent.EdgeAgent`; certificates come from `edgeward.authority.LocalAuthority`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from edgeward.aws.resources import Transaction


class Channel(Protocol):
    """A way to one edge. Any exception means "not done"; the call is then repeated, first with the whole
    plan.
    """

    def plan_sequence(self) -> int:
        """The sequence of the plan that is live; 0 on an edge that has none, as after its start."""

    def load_plan(self, update: bytes, /) -> int:
        """Makes a plan or a change of it live; returns the sequence now live."""

    def invalidate(self, order: bytes, /) -> int:
        """Carries out an invalidation order, which may be one it had before; returns the order's sequence."""


class Certificate(Protocol):
    """A certificate chain and its private key, PEM."""

    @property
    def chain_pem(self) -> str:
        """The certificate, then its issuers."""

    @property
    def key_pem(self) -> str:
        """The private key."""


OwnCertificates = Callable[[Transaction, str], Certificate | None]
"""Gives the certificate of one's own that has an ARN of ACM's or an id of IAM's; None without one that can be used."""


def no_certificates(_transaction: Transaction, _arn: str) -> Certificate | None:
    """For who has no certificates of their own."""
    return None


ChallengesOf = Callable[[Transaction], Mapping[str, Mapping[str, str]]]
"""Gives what edges answer to certificate authorities, by token, by host."""


def no_challenges(_transaction: Transaction) -> Mapping[str, Mapping[str, str]]:
    """For who is asked by no certificate authority."""
    return {}


class CertificateSource(Protocol):
    """Where certificates for distributions' names come from."""

    def covers(self, name: str, /) -> bool:
        """Whether a certificate for that name can be had."""

    def certificate_for(self, names: Iterable[str], /) -> Certificate:
        """A certificate for exactly these names, each of them covered."""
