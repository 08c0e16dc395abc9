"""The domain names of buckets."""

import pytest

from edgeward.services.cloudfront.distribution.s3_names import BucketName, parse_bucket_name, region_of


@pytest.mark.parametrize(
    ("domain_name", "bucket", "region"),
    [
        ("site.s3.amazonaws.com", "site", "us-east-1"),
        ("site.s3.eu-west-1.amazonaws.com", "site", "eu-west-1"),
        ("Site.S3.EU-West-1.AmazonAWS.com", "site", "eu-west-1"),
        ("site.s3-us-west-2.amazonaws.com", "site", "us-west-2"),
        ("site.s3-external-1.amazonaws.com", "site", "us-east-1"),
        ("site.s3.dualstack.ap-southeast-2.amazonaws.com", "site", "ap-southeast-2"),
        ("site.s3.us-gov-west-1.amazonaws.com", "site", "us-gov-west-1"),
        ("site.s3.cn-north-1.amazonaws.com.cn", "site", "cn-north-1"),
        ("ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com", "ap-123456789012", "us-west-2"),
        ("site.s3.localhost", "site", "us-east-1"),
        ("site.s3.eu-west-1.storage.example", "site", "eu-west-1"),
        ("www.example.com.s3.eu-west-1.amazonaws.com", "www.example.com", "eu-west-1"),
        ("a.s3.b.s3.eu-west-1.amazonaws.com", "a.s3.b", "eu-west-1"),
        ("site.s3.dualstack", "site", "us-east-1"),
    ],
)
def test_a_bucket_and_its_region_are_read_from_the_name(domain_name: str, bucket: str, region: str) -> None:
    assert parse_bucket_name(domain_name) == BucketName(bucket=bucket, region=region, is_website=False)
    assert region_of(domain_name) == region


@pytest.mark.parametrize(
    "domain_name", ["b.s3-website-eu-west-1.amazonaws.com", "b.s3-website.eu-central-1.amazonaws.com"]
)
def test_a_website_endpoint_is_told_apart(domain_name: str) -> None:
    bucket = parse_bucket_name(domain_name)

    assert bucket is not None
    assert bucket.is_website


@pytest.mark.parametrize("domain_name", ["www.example.com", "s3.amazonaws.com", "site.s3", "s3", "", "s3x.example.com"])
def test_other_names_stand_for_no_bucket(domain_name: str) -> None:
    assert parse_bucket_name(domain_name) is None
    assert region_of(domain_name) == "us-east-1"
