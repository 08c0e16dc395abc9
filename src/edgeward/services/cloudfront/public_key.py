"""Public keys: what signed URLs and signed cookies are checked with, and fields are encrypted to.

Only the comment of a key can be changed. Rules: API reference, PublicKeyConfig; Developer Guide, "Specify signers
that can create signed URLs" and "Quotas".
"""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.policy_selections import check_text


def check(proposal: Proposal) -> None:
    """The rules that the shape does not state. Raises ApiError `InvalidArgument`."""
    check_text(proposal.config, "public key")
    if not _is_usable(proposal.config["EncodedKey"]):
        raise ApiError(
            "InvalidArgument",
            "EncodedKey is no public key that CloudFront takes. Send PEM of an RSA key of 2048 bits or of an ECDSA "
            "key on the curve P-256, with its BEGIN PUBLIC KEY and END PUBLIC KEY lines.",
        )


def describe(_transaction: Transaction, key: Resource) -> Shape:
    """The PublicKey structure."""
    return {"Id": key.id, "CreatedTime": key.created, "PublicKeyConfig": key.config}


def summarize(_transaction: Transaction, key: Resource) -> Shape:
    """The PublicKeySummary structure."""
    return {"Id": key.id, "CreatedTime": key.created, **key.config}


def _is_usable(encoded: str) -> bool:
    try:
        key = load_pem_public_key(encoded.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size == RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)


RSA_BITS = 2_048

SPEC = ResourceSpec(
    family="public-key",
    noun="PublicKey",
    plural="PublicKeys",
    no_such="NoSuchPublicKey",
    already_exists="PublicKeyAlreadyExists",
    in_use="PublicKeyInUse",
    name_member="Name",
    immutable=("CallerReference", "Name", "EncodedKey"),
    immutable_code="CannotChangeImmutablePublicKeyFields",
    quota=quotas.PUBLIC_KEYS,
    new_id=lambda identifiers: identifiers.capital("K"),
    check=check,
    describe=describe,
    summarize=summarize,
)
