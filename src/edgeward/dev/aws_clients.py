"""boto3 clients for our own endpoints, deaf to the AWS configuration of the machine.

A profile that does not exist, a proxy or an endpoint in the user's environment must not decide where these calls go.
Used while the CDN starts; users make clients of their own.
"""

import os
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config

from edgeward.dev.credentials import AccessKey

if TYPE_CHECKING:  # the types are installed for checking only
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_s3 import S3Client

REGION = "us-east-1"
"""The region requests are signed for: CloudFront's only one, and the S3 server takes any."""


def cloudfront_client(endpoint: str, key: AccessKey) -> "CloudFrontClient":
    """A client of the CloudFront API at `endpoint`."""
    return _deaf_session(key).client("cloudfront", endpoint_url=endpoint, config=_CONFIG)


def s3_client(endpoint: str, key: AccessKey) -> "S3Client":
    """A client of the S3 server at `endpoint`."""
    return _deaf_session(key).client("s3", endpoint_url=endpoint, config=_CONFIG)


def _deaf_session(key: AccessKey) -> boto3.Session:
    # Each entry: name in the configuration file, environment variable, default, converter. Nothing is read anywhere.
    unread: dict[str, Any] = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return boto3.Session(
        botocore_session=botocore.session.Session(session_vars=unread),
        region_name=REGION,
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
    )


# One attempt: the caller knows whether to try again. No proxies: everything is on loopback.
_CONFIG = Config(
    proxies={},
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
    connect_timeout=10,
    read_timeout=30,
)
