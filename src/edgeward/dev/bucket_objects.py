"""Reads the objects that the API is pointed to, such as the bundles of trust stores, from an S3 server.

Invariant: no more is read than was asked for, nothing is waited for longer than some seconds, and what went wrong is
told without the server's own words. Handed to the control plane.
"""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from edgeward.aws.model import Shape
from edgeward.dev.aws_clients import s3_client
from edgeward.dev.credentials import AccessKey
from edgeward.services.cloudfront.trust_store import ObjectUnreadableError, ReadObject

if TYPE_CHECKING:  # the types are installed for checking only
    from types_boto3_s3.type_defs import GetObjectRequestTypeDef


def object_reader(endpoint: str, key: AccessKey) -> ReadObject:
    """Reads from the S3 server at `endpoint` as `key`. One server has the buckets of all Regions."""
    client = s3_client(endpoint, key)

    def read_object(location: Shape, most: int) -> bytes:
        asked: GetObjectRequestTypeDef = {"Bucket": location["Bucket"], "Key": location["Key"]}
        if location.get("Version"):
            asked["VersionId"] = location["Version"]
        try:
            return client.get_object(**asked)["Body"].read(most + 1)
        except ClientError as refused:
            code = str(refused.response.get("Error", {}).get("Code", "unknown"))
            raise ObjectUnreadableError(_REASONS.get(code, f"the S3 server answers {code}")) from None
        except (BotoCoreError, OSError):
            raise ObjectUnreadableError("the S3 server cannot be reached, or broke off") from None

    return read_object


_REASONS = {
    "AccessDenied": "this installation's access key may not read it",
    "NoSuchBucket": "there is no such bucket",
    "NoSuchKey": "there is no such object in the bucket",
    "NoSuchVersion": "there is no such version of the object",
}
