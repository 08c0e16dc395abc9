"""The edge under the suite: one distribution that caches by Edgeward-RFC9111, compiled by the real compiler.

Every method is allowed; everything else is as the control plane fills it in. Invariant: the engine is stopped when the
context ends. Called by `__main__`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgeward.authority import LocalAuthority
from edgeward.aws.model import Shape
from edgeward.compiler import DistributionSource, compile_distribution, encode_plan
from edgeward.edge.agent import EdgeAgent
from edgeward.edge.settings import LOOPBACK_NETWORKS, EdgeSettings
from edgeward.services.cloudfront.distribution.defaults import fill_defaults
from edgeward.services.cloudfront.managed_policies import MANAGED_CACHE_POLICIES, RFC9111_CACHE_POLICY_ID

DOMAIN_NAME = "d111111abcdef8.cloudfront.localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningEdge:
    """Where the edge is reached."""

    http: str
    """The site in clear, without a slash at the end."""
    https: str
    """The same over TLS."""
    authorities: Path
    """The certificate of the authority that the edge's certificate comes from, PEM."""


@contextmanager
def running_edge(origin_port: int, folder: Path, name: str = DOMAIN_NAME) -> Iterator[RunningEdge]:
    """An edge for the origin on `origin_port` of this machine, which viewers reach by `name`; its authority is made in
    `folder`.
    """
    authority = LocalAuthority(folder / "authority")
    certificate = authority.certificate_for([DOMAIN_NAME])
    agent = EdgeAgent(EdgeSettings(allowed_private_origins=LOOPBACK_NETWORKS))
    agent.start()
    try:
        shown = {"chain_pem": certificate.chain_pem, "key_pem": certificate.key_pem}
        agent.load_plan(encode_plan(1, None, {"E1CONFORMANCE": _compiled(origin_port, name)}, shown))
        yield RunningEdge(
            http=f"http://{name}:{_port(agent.http)}",
            https=f"https://{name}:{_port(agent.https)}",
            authorities=authority.root_path,
        )
    finally:
        agent.stop(0.0)


def _port(addresses: tuple[str, ...]) -> str:
    return addresses[0].rpartition(":")[2]


def _compiled(origin_port: int, name: str) -> Shape:
    source = DistributionSource(
        id="E1CONFORMANCE",
        arn="arn:aws:cloudfront::123456789012:distribution/E1CONFORMANCE",
        domain_name=name,
        config=fill_defaults(_config(origin_port)),
    )
    return compile_distribution(source, _ManagedPolicies())


def _config(origin_port: int) -> Shape:
    origin = {
        "Id": "suite",
        "DomainName": "origin.localhost",
        "CustomOriginConfig": {
            "HTTPPort": origin_port,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "http-only",
            "OriginReadTimeout": 30,
            "OriginKeepaliveTimeout": 5,
        },
    }
    methods = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
    return {
        "CallerReference": "conformance",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "suite",
            "ViewerProtocolPolicy": "allow-all",
            "AllowedMethods": {
                "Quantity": len(methods),
                "Items": methods,
                "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
            },
            "CachePolicyId": RFC9111_CACHE_POLICY_ID,
        },
    }


class _ManagedPolicies:
    """Implements `references.AttachedResources` with the managed cache policies alone."""

    def cache_policy(self, policy_id: str, /) -> Shape | None:
        return next((policy.config for policy in MANAGED_CACHE_POLICIES if policy.id == policy_id), None)

    def origin_request_policy(self, _policy_id: str, /) -> Shape | None:
        return None

    def response_headers_policy(self, _policy_id: str, /) -> Shape | None:
        return None

    def trusted_authorities(self, _store_id: str, /) -> str | None:
        return None

    def origin_access_control(self, _control_id: str, /) -> Shape | None:
        return None
