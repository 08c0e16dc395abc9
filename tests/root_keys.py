"""Access for tests of what lies below IAM: the root of an account, and nobody else."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from edgeward.aws.access import Caller, Credentials, Demand, root
from edgeward.aws.wire import WireRequest


class RootKeys:
    """Access for the root of the account alone, who may do everything."""

    def __init__(self, access_keys: Mapping[str, str], account_id: str) -> None:
        self._access_keys = dict(access_keys)
        self._account_id = account_id

    def credentials(self, access_key: str, session_token: str | None, _now: datetime) -> Credentials | None:
        """The credentials of a configured access key."""
        secret = self._access_keys.get(access_key)
        if secret is None or session_token is not None:
            return None
        return Credentials(secret=secret, caller=root(self._account_id, access_key))

    def check(self, _caller: Caller, _demands: Sequence[Demand], _request: WireRequest, _now: datetime) -> None:
        """Nothing is denied to the root."""
