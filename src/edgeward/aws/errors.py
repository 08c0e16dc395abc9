"""The error a caller of the API gets.

Every refusal anywhere in the control plane is one `ApiError`. Its code is AWS's; the HTTP status follows from the
code through the service model. The message says what to change. Only `aws.app` turns it into bytes.
"""

from typing import Any


class ApiError(Exception):
    """A request refused with AWS's error code and a message that says what to change.

    `members` are the extra members that some modeled error shapes carry beside `Message`.
    """

    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.members = members
