"""Listings of certificates and their tags, through boto3."""

from collections.abc import Callable
from typing import Any

import pytest

from authorities import SERVER, signed

EVERY_KIND = {"keyTypes": ["RSA_2048", "EC_prime256v1"]}


@pytest.fixture
def three(acm: Any) -> list[str]:
    """An RSA certificate and two with EC keys, of which the last is for servers."""
    certificates = [
        signed(["rsa.example.com"], kind="RSA_2048"),
        signed(["ec.example.com"]),
        signed(["server.example.com"], extensions=[SERVER]),
    ]
    return [acm.import_certificate(**certificate.members)["CertificateArn"] for certificate in certificates]


def listed(acm: Any, **members: Any) -> list[str]:
    pages = acm.get_paginator("list_certificates").paginate(**members)
    return [each["DomainName"].partition(".")[0] for page in pages for each in page["CertificateSummaryList"]]


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({}, ["rsa"]),
        ({"Includes": EVERY_KIND}, ["rsa", "ec", "server"]),
        ({"Includes": {"keyTypes": ["EC_secp384r1"]}}, []),
        ({"Includes": EVERY_KIND | {"extendedKeyUsage": ["TLS_WEB_SERVER_AUTHENTICATION"]}}, ["server"]),
        ({"Includes": EVERY_KIND | {"keyUsage": ["CRL_SIGNING"]}}, []),
        ({"Includes": EVERY_KIND | {"exportOption": "ENABLED"}}, []),
        ({"Includes": EVERY_KIND | {"exportOption": "DISABLED"}}, ["rsa", "ec", "server"]),
        ({"Includes": EVERY_KIND | {"managedBy": "CLOUDFRONT"}}, []),
        ({"CertificateStatuses": ["ISSUED"]}, ["rsa"]),
        ({"CertificateStatuses": ["EXPIRED", "FAILED"]}, []),
        ({"CertificateKeyPairOrigins": ["CUSTOMER_PROVIDED"]}, ["rsa"]),
        ({"CertificateKeyPairOrigins": ["AWS_MANAGED", "ACME"]}, []),
    ],
)
def test_a_listing_is_what_was_asked_for(acm: Any, three: list[str], members: dict[str, Any], found: list[str]) -> None:
    assert sorted(listed(acm, **members)) == sorted(found)


@pytest.mark.parametrize("order", [{}, {"SortBy": "CREATED_AT", "SortOrder": "DESCENDING"}])
def test_pages_run_through_all_certificates(acm: Any, three: list[str], order: dict[str, Any]) -> None:
    whole = listed(acm, Includes=EVERY_KIND, **order)

    assert listed(acm, Includes=EVERY_KIND, **order, PaginationConfig={"PageSize": 1}) == whole
    assert len(whole) == 3


def test_a_listing_goes_on_behind_a_certificate_that_is_gone(acm: Any, three: list[str]) -> None:
    whole = listed(acm, Includes=EVERY_KIND)
    first = acm.list_certificates(Includes=EVERY_KIND, MaxItems=1)
    acm.delete_certificate(CertificateArn=first["CertificateSummaryList"][0]["CertificateArn"])

    rest = acm.list_certificates(Includes=EVERY_KIND, NextToken=first["NextToken"])["CertificateSummaryList"]

    assert [each["DomainName"].partition(".")[0] for each in rest] == whole[1:]


def test_a_summary_tells_what_the_certificate_is(acm: Any, three: list[str]) -> None:
    [summary] = acm.list_certificates()["CertificateSummaryList"]

    for moment in ("NotBefore", "NotAfter", "CreatedAt", "ImportedAt"):
        del summary[moment]
    assert summary == {
        "CertificateArn": three[0],
        "DomainName": "rsa.example.com",
        "SubjectAlternativeNameSummaries": ["rsa.example.com"],
        "HasAdditionalSubjectAlternativeNames": False,
        "Status": "ISSUED",
        "Type": "IMPORTED",
        "KeyAlgorithm": "RSA_2048",
        "KeyUsages": [],
        "ExtendedKeyUsages": [],
        "ExportOption": "DISABLED",
        "Exported": False,
        "InUse": False,
        "RenewalEligibility": "INELIGIBLE",
        "CertificateKeyPairOrigin": "CUSTOMER_PROVIDED",
    }


@pytest.mark.parametrize("members", [{"NextToken": "x"}, {"SortBy": "CREATED_AT"}, {"SortOrder": "ASCENDING"}])
def test_a_listing_that_makes_no_sense_is_refused(
    acm: Any, refused: Callable[..., str], members: dict[str, Any]
) -> None:
    assert refused(acm.list_certificates, **members) == "InvalidArgsException"


def tags_of(acm: Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]}


def test_tags_are_added_replaced_and_removed(acm: Any, three: list[str]) -> None:
    arn = three[0]
    acm.add_tags_to_certificate(CertificateArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}])
    acm.add_tags_to_certificate(CertificateArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "c", "Value": "3"}])
    assert tags_of(acm, arn) == {"a": "2", "b": "", "c": "3"}

    acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}])
    assert tags_of(acm, arn) == {"a": "2", "c": "3"}
    acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    assert tags_of(acm, arn) == {"c": "3"}


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "aws:team"}], "InvalidTagException"),
        ([{"Key": "team", "Value": "aws:web"}], "InvalidTagException"),
        ([{"Key": "team"}, {"Key": "team"}], "InvalidTagException"),
        ([{"Key": f"k{number}"} for number in range(50)], "TooManyTagsException"),
        ([], "ValidationException"),
    ],
)
def test_tags_against_the_rules_are_refused(
    acm: Any, three: list[str], refused: Callable[..., str], tags: list[Any], code: str
) -> None:
    acm.add_tags_to_certificate(CertificateArn=three[0], Tags=[{"Key": "first"}])

    assert refused(acm.add_tags_to_certificate, CertificateArn=three[0], Tags=tags) == code
    assert tags_of(acm, three[0]) == {"first": ""}
