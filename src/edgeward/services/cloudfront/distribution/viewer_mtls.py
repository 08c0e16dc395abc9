"""The rules of certificates that viewers show.

Sources: API reference (ViewerMtlsConfig), Developer Guide ("Enable mutual TLS for CloudFront distributions",
"Additional validation modes", "Quotas"). Called by `rules` with a config that `fill_defaults` has filled.
"""

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.fields import Field, behaviors, items_of, origins, shown
from edgeward.services.cloudfront.distribution.references import References
from edgeward.services.cloudfront.managed_policies import CACHING_DISABLED_POLICY_ID

PASSTHROUGH = "passthrough"


def viewer_mtls(config: Shape) -> Shape | None:
    """What the distribution asks of its viewers; None when it asks for no certificate."""
    return config.get("ViewerMtlsConfig") or None


def check_viewer_mtls(config: Shape, references: References) -> None:
    """Viewers can be asked however they come, and there is somebody who verifies what they show."""
    asked, at = viewer_mtls(config), Field().member("ViewerMtlsConfig")
    if asked is None:
        return
    _check_ways(config)
    if asked["Mode"] == PASSTHROUGH:
        _check_passthrough(config, at)
    else:
        _check_trust_store(at.member("TrustStoreConfig"), asked, references)


def _check_ways(config: Shape) -> None:
    if config["HttpVersion"] in ("http3", "http2and3"):
        message = "viewers cannot be asked for certificates over HTTP/3; use http2 or http1.1 with ViewerMtlsConfig"
        raise Field().member("HttpVersion").refused(message)
    for at, behavior in behaviors(config):
        if behavior["ViewerProtocolPolicy"] == "allow-all":
            message = "viewers cannot be asked for certificates over http; use https-only or redirect-to-https"
            raise at.member("ViewerProtocolPolicy").refused(f"{message} with ViewerMtlsConfig")


def _check_passthrough(config: Shape, at: Field) -> None:
    """The origin verifies, so that it has to see every request."""
    if config["ViewerMtlsConfig"].get("TrustStoreConfig"):
        raise at.member("TrustStoreConfig").refused("the origin verifies in passthrough mode; leave it out")
    for place, behavior in behaviors(config):
        if behavior.get("CachePolicyId") != CACHING_DISABLED_POLICY_ID:
            message = f"passthrough mode needs the managed policy CachingDisabled, {CACHING_DISABLED_POLICY_ID}"
            raise place.member("CachePolicyId").refused(message)
        if items_of(behavior.get("LambdaFunctionAssociations")):
            raise place.member("LambdaFunctionAssociations").refused("there are none in passthrough mode")
    for place, origin in origins(config):
        if origin["OriginShield"]["Enabled"]:
            raise place.member("OriginShield").refused("passthrough mode has no Origin Shield; set Enabled to false")


def _check_trust_store(at: Field, asked: Shape, references: References) -> None:
    if not asked.get("TrustStoreConfig"):
        raise at.refused(f"is missing; mode {asked['Mode']} verifies by a trust store")
    store_id = asked["TrustStoreConfig"]["TrustStoreId"]
    place, store = at.member("TrustStoreId"), references.trust_store(store_id)
    if store is None:
        raise place.refused(f"there is no trust store {shown(store_id)!r}; create it first", "EntityNotFound")
    if not store.is_active:
        raise place.refused("the trust store is not active; update it, so that its bundle is fetched")
