"""What viewers are asked for in their handshakes, its trust store resolved into it.

The edge never looks a trust store up: a change of one compiles every distribution that names it.
"""

from edgeward.aws.model import Shape
from edgeward.compiler.exceptions import DanglingReferenceError
from edgeward.services.cloudfront.distribution.references import AttachedResources
from edgeward.services.cloudfront.distribution.viewer_mtls import PASSTHROUGH, viewer_mtls


def compile_viewer_mtls(config: Shape, attached: AttachedResources) -> Shape | None:
    """The member `viewer_mtls` of a distribution; None where viewers are not asked. `config` is filled."""
    asked = viewer_mtls(config)
    if asked is None:
        return None
    if asked["Mode"] == PASSTHROUGH:
        return {"mode": PASSTHROUGH}
    chosen = asked["TrustStoreConfig"]
    authorities = attached.trusted_authorities(chosen["TrustStoreId"])
    if authorities is None:
        raise DanglingReferenceError("trust store", chosen["TrustStoreId"])
    trust_store = {
        "authorities_pem": authorities,
        "advertise_names": chosen["AdvertiseTrustStoreCaNames"],
        "ignore_expiry": chosen["IgnoreCertificateExpiry"],
    }
    return {"mode": asked["Mode"], "trust_store": trust_store}
