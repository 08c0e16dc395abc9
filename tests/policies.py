"""Policy documents of tests."""

import json
from typing import Any


def policy(*statements: dict[str, Any]) -> str:
    """A document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: str | list[str], resources: str | list[str] = "*", **condition: Any) -> dict[str, Any]:
    """A statement that allows."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | ({"Condition": condition} if condition else {})


def deny(actions: str | list[str], resources: str | list[str] = "*", **condition: Any) -> dict[str, Any]:
    """A statement that denies."""
    return allow(actions, resources, **condition) | {"Effect": "Deny"}


def trust(principal: Any, **condition: Any) -> str:
    """A trust policy."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return policy(statement | ({"Condition": condition} if condition else {}))


ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
DISTRIBUTIONS = f"arn:aws:cloudfront::{ACCOUNT}:distribution"
