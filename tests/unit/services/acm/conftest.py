"""ACM by boto3, called by the root."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest

from edgeward.control_plane import ControlPlane
from unit.services.conftest import InProcessEndpoint


@pytest.fixture
def acm(control_plane: ControlPlane, connect: Callable[..., Any]) -> Any:
    """A boto3 client of ACM."""
    return connect(control_plane, service="acm")


@pytest.fixture
def ask(control_plane: ControlPlane) -> Callable[[dict[str, str]], tuple[int, bytes]]:
    """Posts nothing to `/` with these header fields, unsigned; returns status and content."""

    def ask(headers: dict[str, str]) -> tuple[int, bytes]:
        request = AWSRequest("POST", "http://127.0.0.1:4566/", headers=headers, data=b"")
        response = InProcessEndpoint(control_plane.app)(request.prepare())
        return response.status_code, response.content

    return ask
