"""Services whose operations all have the path `/`: told apart by what their protocols put into a request.

Services of JSON 1.1 say in the field X-Amz-Target who is meant, those of the query protocol by the argument Version.
Called by `aws.app`.
"""

from collections.abc import Mapping

from edgeward.aws.errors import ApiError
from edgeward.aws.protocol import query
from edgeward.aws.wire import Answering, WireRequest, WireResponse


class RootPath:
    """Answers for the one of several services that a request means."""

    def __init__(self, *, targets: Mapping[str, Answering], versions: Mapping[str, Answering]) -> None:
        """`targets` by what stands before the dot in X-Amz-Target; `versions` by API version.

        The first of each speaks for what is nobody's: it answers in words of the protocol that the caller speaks.
        """
        self._targets, self._other_targets = targets, next(iter(targets.values()))
        self._versions, self._other_versions = versions, next(iter(versions.values()))

    def answer(self, request: WireRequest) -> WireResponse:
        """Does what the request asks for."""
        target = request.header("x-amz-target")
        if target is not None:
            return self._targets.get(target.partition(".")[0], self._other_targets).answer(request)
        try:
            version = query.arguments_of(request).get("Version", "")
        except ApiError as error:
            return self.refuse(error)
        return self._versions.get(version, self._other_versions).answer(request)

    def refuse(self, error: ApiError) -> WireResponse:
        """The answer to a request that was refused before it was read."""
        return self._other_versions.refuse(error)
