"""The quotas of IAM.

Names and numbers: IAM User Guide, "IAM and AWS STS quotas". The lengths of policies that nobody can have raised stand
where they are checked.
"""

from functools import partial

from edgeward.aws.quotas import ServiceQuota

PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"

_adjustable = partial(ServiceQuota, service="iam", section="IAM adjustable quotas", error="LimitExceeded")
_fixed = partial(ServiceQuota, service="iam", section="IAM non-adjustable quotas", error="LimitExceeded")

POLICIES = _adjustable(name="Customer managed policies per account", default=1_500)
POLICIES_PER_ROLE = _adjustable(name="Managed policies per role", default=10, highest=100)
POLICIES_PER_USER = _adjustable(name="Managed policies per user", default=10, highest=100)
TRUST_POLICY_LENGTH = _adjustable(
    name="Role trust policy length", default=2_048, unit="characters", lowest=256, highest=4_096
)
ROLES = _adjustable(name="Roles per account", default=1_000)
SERVER_CERTIFICATES = _adjustable(name="Server certificates per account", default=20, highest=1_000)
ACCESS_KEYS = _fixed(name="Access keys assigned to an IAM user", default=2, highest=100)
ROLE_TAGS = _fixed(name="Tags that can be attached to an IAM role", default=50, highest=50)
SERVER_CERTIFICATE_TAGS = _fixed(name="Tags that can be attached to a server certificate", default=50, highest=50)
USER_TAGS = _fixed(name="Tags that can be attached to an IAM user", default=50, highest=50)
USERS = _fixed(name="Users in an AWS account", default=5_000)
POLICY_VERSIONS = _fixed(name="Versions of a managed policy that can be stored", default=5, lowest=1, highest=100)

ALL = tuple(each for each in globals().copy().values() if isinstance(each, ServiceQuota))
