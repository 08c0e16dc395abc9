"""The rules of a distribution, in the order in which they are checked.

What CloudFront checks beyond the service model is prose in its API reference and guide; each module of this
package cites its pages. AWS does not document which of several errors comes first. Here the document is
checked by itself before anything it names, so that a caller who mends it never meets the same error again
because something else changed meanwhile. The config has passed the checks of the model (types, required
members, enums, Quantity against Items). Called by the distribution family for create, copy and update.
"""

from edgeward.aws.model import Shape
from edgeward.aws.quotas import AWS_QUOTAS, Quotas
from edgeward.services.cloudfront.distribution.aliases import check_alias_owners, check_aliases
from edgeward.services.cloudfront.distribution.behaviors import check_behaviors
from edgeward.services.cloudfront.distribution.defaults import fill_defaults
from edgeward.services.cloudfront.distribution.fields import Field
from edgeward.services.cloudfront.distribution.origin_access import check_origin_access
from edgeward.services.cloudfront.distribution.origin_mtls import check_client_certificates
from edgeward.services.cloudfront.distribution.origins import check_origin_groups, check_origins
from edgeward.services.cloudfront.distribution.policies import check_policies
from edgeward.services.cloudfront.distribution.references import References
from edgeward.services.cloudfront.distribution.settings import check_settings
from edgeward.services.cloudfront.distribution.viewer_certificate import check_own_certificate
from edgeward.services.cloudfront.distribution.viewer_mtls import check_viewer_mtls

__all__ = ["References", "check_distribution", "check_filled", "check_update"]


def check_distribution(config: Shape, references: References, quotas: Quotas = AWS_QUOTAS) -> None:
    """Raises ApiError with CloudFront's code for the first rule that `config` breaks.

    `config` may be filled with defaults or not.
    """
    check_filled(fill_defaults(config), references, quotas)


def check_filled(filled: Shape, references: References, quotas: Quotas) -> None:
    """As `check_distribution`, a config that is filled with defaults."""
    check_settings(filled)
    for check in (check_origins, check_origin_groups, check_behaviors, check_aliases):
        check(filled, quotas)
    for check_named in _CHECKS_OF_NAMED:
        check_named(filled, references)


def check_update(before: Shape, after: Shape) -> None:
    """Raises ApiError `IllegalUpdate` when `after` changes what an update may not change.

    `before` is the stored config. `check_distribution` checks `after` by itself.
    """
    was, will_be = fill_defaults(before), fill_defaults(after)
    for member, advice in _IMMUTABLE.items():
        if was[member] != will_be[member]:
            raise Field().member(member).refused(f"cannot be changed; {advice}", "IllegalUpdate")


_CHECKS_OF_NAMED = (
    check_policies,
    check_origin_access,
    check_own_certificate,
    check_client_certificates,
    check_alias_owners,
    check_viewer_mtls,
)
_IMMUTABLE = {
    "CallerReference": "send the one that GetDistributionConfig shows",
    "Staging": "create another distribution, or leave it as it is",
}
