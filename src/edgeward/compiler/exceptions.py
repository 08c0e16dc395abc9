"""What the compiler cannot do.

    LookupError
    └── DanglingReferenceError    a distribution names a resource that does not exist

The rules of the API keep a distribution from naming what does not exist, and a resource in use from being deleted:
an error here is a fault of the control plane, never of a caller.
"""


class DanglingReferenceError(LookupError):
    """A stored distribution names a policy, an origin access control or a certificate that is not there."""

    def __init__(self, kind: str, resource_id: str) -> None:
        super().__init__(f"there is no {kind} {resource_id!r}; restore it, or detach it from the distribution")
        self.kind = kind
        self.resource_id = resource_id
