"""From resources to the plan that edges load.

Pure: the same input gives the same bytes, on any machine and at any time. The shape of the document is the contract
with the edge's `plan` crate, which refuses unknown members. Called by `edgeward.deploy`.
"""

from edgeward.compiler.distribution import DistributionSource, compile_distribution
from edgeward.compiler.encoding import FORMAT, Challenges, encode_plan
from edgeward.compiler.exceptions import DanglingReferenceError

__all__ = [
    "FORMAT",
    "Challenges",
    "DanglingReferenceError",
    "DistributionSource",
    "compile_distribution",
    "encode_plan",
]
