"""Tenants and their domains, and moving domains between owners."""

from collections.abc import Callable
from typing import Any

import pytest

from unit.services.cloudfront.generated.samples import (
    call,
    distribution,
    listed,
    multi_tenant,
    staging,
    tenant,
    tenant_members,
)


def aliases(cloudfront: Any, distribution_id: str) -> list[str]:
    config = cloudfront.get_distribution_config(Id=distribution_id)["DistributionConfig"]
    return list(config["Aliases"].get("Items", []))


def test_an_alias_moves_with_its_etags_and_reaches_the_edges(cloudfront: Any, edge: Any) -> None:
    source, target = distribution(cloudfront), distribution(cloudfront)
    source_id, target_id = source["Distribution"]["Id"], target["Distribution"]["Id"]
    (alias,) = aliases(cloudfront, source_id)
    plans = len(edge.plans)

    cloudfront.associate_alias(TargetDistributionId=target_id, Alias=alias)

    assert aliases(cloudfront, source_id) == []
    assert alias in aliases(cloudfront, target_id)
    assert cloudfront.get_distribution(Id=target_id)["ETag"] != target["ETag"]
    assert len(edge.plans) > plans
    assert alias.encode() in edge.plans[-1]


def test_a_domain_moves_between_a_distribution_and_a_tenant(cloudfront: Any, refused: Callable[..., str]) -> None:
    owner, made = distribution(cloudfront)["Distribution"], tenant(cloudfront)
    tenant_id = made["DistributionTenant"]["Id"]
    (alias,) = aliases(cloudfront, owner["Id"])
    move = {"Domain": alias, "TargetResource": {"DistributionTenantId": tenant_id}}

    moved = cloudfront.update_domain_association(**move, IfMatch=made["ETag"])

    assert (moved["ResourceId"], aliases(cloudfront, owner["Id"])) == (tenant_id, [])
    found = cloudfront.get_distribution_tenant_by_domain(Domain=alias)
    assert (found["DistributionTenant"]["Id"], found["ETag"]) == (tenant_id, moved["ETag"])
    assert refused(cloudfront.update_domain_association, **move, IfMatch=made["ETag"]) == "PreconditionFailed"


def test_the_only_domain_of_a_tenant_cannot_move(cloudfront: Any, refused: Callable[..., str]) -> None:
    members = tenant_members(cloudfront)
    members["Domains"] = members["Domains"][:1]
    cloudfront.create_distribution_tenant(**members)
    target = distribution(cloudfront)["Distribution"]["Id"]

    move = {"TargetDistributionId": target, "Alias": members["Domains"][0]["Domain"]}
    assert refused(cloudfront.associate_alias, **move) == "IllegalUpdate"


def test_a_domain_that_its_target_cannot_have_is_refused(cloudfront: Any, refused: Callable[..., str]) -> None:
    made, copied = tenant(cloudfront), staging(cloudfront)
    to_tenant = {"DistributionTenantId": made["DistributionTenant"]["Id"]}
    to_staging = {"DistributionId": copied["Distribution"]["Id"]}
    move = cloudfront.update_domain_association

    for domain in ("no domain", "Www.example.com", ""):
        code = refused(move, Domain=domain, TargetResource=to_tenant, IfMatch=made["ETag"])
        assert code == "InvalidArgument", domain
    moving = {"Domain": "a.example.com", "TargetResource": to_staging, "IfMatch": copied["ETag"]}
    assert refused(move, **moving) == "IllegalUpdate"
    assert refused(move, **moving | {"TargetResource": to_staging | to_tenant}) == "InvalidArgument"


def test_overlapping_names_are_listed_and_others_are_not(cloudfront: Any) -> None:
    own = distribution(cloudfront, Aliases=listed("*.shop.example.com"))["Distribution"]["Id"]
    exact = distribution(cloudfront, Aliases=listed("www.shop.example.com"))["Distribution"]["Id"]
    distribution(cloudfront, Aliases=listed("shop.example.com", "www.other.example.com"))

    def conflicts(alias: str) -> set[tuple[str, str]]:
        answer = cloudfront.list_conflicting_aliases(DistributionId=own, Alias=alias)["ConflictingAliasesList"]
        return {(item["Alias"], item["DistributionId"]) for item in answer.get("Items", [])}

    wildcard = ("*.shop.example.com", own)
    assert conflicts("www.shop.example.com") == {wildcard, ("www.shop.example.com", exact)}
    assert conflicts("*.shop.example.com") == {wildcard, ("www.shop.example.com", exact)}
    assert conflicts("deep.www.shop.example.com") == {wildcard}
    assert conflicts("*.elsewhere.com") == set()
    found = cloudfront.list_domain_conflicts(
        Domain="www.shop.example.com", DomainControlValidationResource={"DistributionId": own}
    )
    assert [item["ResourceId"] for item in found["DomainConflicts"]] == [exact]


def test_a_multi_tenant_distribution_cannot_be_enabled_yet(cloudfront: Any, refused: Callable[..., str]) -> None:
    made = multi_tenant(cloudfront)
    current = cloudfront.get_distribution(Id=made)
    config = current["Distribution"]["DistributionConfig"] | {"Enabled": True}

    update = {"Id": made, "IfMatch": current["ETag"], "DistributionConfig": config}
    assert refused(cloudfront.update_distribution, **update) == "InvalidArgument"
    assert (
        cloudfront.list_distributions_by_connection_mode(ConnectionMode="tenant-only")["DistributionList"]["Quantity"]
        == 1
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"DistributionId": "E0"}, "EntityNotFound"),
        ({"ConnectionGroupId": "cg_0"}, "EntityNotFound"),
        ({"Domains": []}, "InvalidArgument"),
        ({"Domains": [{"Domain": "Www.example.com"}]}, "InvalidArgument"),
        ({"Domains": [{"Domain": "no domain"}]}, "InvalidArgument"),
        ({"Parameters": [{"Name": "undefined", "Value": "1"}]}, "InvalidArgument"),
        ({"Customizations": {"WebAcl": {"Action": "override"}}}, "InvalidArgument"),
        ({"Customizations": {"GeoRestrictions": {"RestrictionType": "blacklist"}}}, "InvalidArgument"),
        ({"ManagedCertificateRequest": {"ValidationTokenHost": "cloudfront"}}, "InvalidArgument"),
    ],
)
def test_a_tenant_that_breaks_a_rule_is_refused(
    cloudfront: Any, refused: Callable[..., str], change: dict[str, Any], code: str
) -> None:
    assert refused(cloudfront.create_distribution_tenant, **tenant_members(cloudfront) | change) == code


def test_a_tenant_needs_a_multi_tenant_distribution_and_free_domains(
    cloudfront: Any, refused: Callable[..., str]
) -> None:
    plain = distribution(cloudfront)["Distribution"]
    (alias,) = aliases(cloudfront, plain["Id"])
    members = tenant_members(cloudfront)

    create = cloudfront.create_distribution_tenant
    assert refused(create, **members | {"DistributionId": plain["Id"]}) == "InvalidAssociation"
    assert refused(create, **members | {"Domains": [{"Domain": alias}]}) == "CNAMEAlreadyExists"


def test_a_tenant_without_a_group_gets_the_default_one(cloudfront: Any) -> None:
    groups = []
    for _ in range(2):
        members = {name: value for name, value in tenant_members(cloudfront).items() if name != "ConnectionGroupId"}
        made = cloudfront.create_distribution_tenant(**members)["DistributionTenant"]
        groups.append(cloudfront.get_connection_group(Identifier=made["ConnectionGroupId"])["ConnectionGroup"])

    assert groups[0] == groups[1]
    assert groups[0]["IsDefault"] is True


def test_tenants_are_listed_by_what_they_belong_to(cloudfront: Any) -> None:
    first, second = (tenant(cloudfront)["DistributionTenant"] for _ in range(2))

    def listed_by(**filters: str) -> list[str]:
        answer = cloudfront.list_distribution_tenants(AssociationFilter=filters)
        return [item["Id"] for item in answer["DistributionTenantList"]]

    assert listed_by(DistributionId=first["DistributionId"]) == [first["Id"]]
    assert listed_by(ConnectionGroupId=second["ConnectionGroupId"]) == [second["Id"]]
    assert sorted(listed_by()) == sorted([first["Id"], second["Id"]])


def test_what_tenants_use_cannot_be_deleted(cloudfront: Any, refused: Callable[..., str]) -> None:
    made = tenant(cloudfront)["DistributionTenant"]
    owner = cloudfront.get_distribution(Id=made["DistributionId"])
    group = cloudfront.get_connection_group(Identifier=made["ConnectionGroupId"])
    delete = {"Id": made["DistributionId"], "IfMatch": owner["ETag"]}

    assert refused(cloudfront.delete_distribution, **delete) == "ResourceInUse"
    delete = {"Id": made["ConnectionGroupId"], "IfMatch": group["ETag"]}
    assert refused(cloudfront.delete_connection_group, **delete) == "CannotDeleteEntityWhileInUse"


def test_promoting_copies_all_but_what_makes_a_primary(cloudfront: Any, refused: Callable[..., str]) -> None:
    primary = distribution(cloudfront)
    copied = cloudfront.copy_distribution(
        PrimaryDistributionId=primary["Distribution"]["Id"],
        Staging=True,
        IfMatch=primary["ETag"],
        CallerReference="copy",
    )
    staging = copied["Distribution"]
    changed = cloudfront.update_distribution(
        Id=staging["Id"],
        IfMatch=copied["ETag"],
        DistributionConfig=staging["DistributionConfig"] | {"Comment": "from staging"},
    )
    promote = {"Id": primary["Distribution"]["Id"], "StagingDistributionId": staging["Id"]}
    operation = cloudfront.update_distribution_with_staging_config

    assert refused(operation, **promote, IfMatch=primary["ETag"]) == "InvalidIfMatchVersion"
    assert refused(operation, **promote, IfMatch=f"{primary['ETag']}, {copied['ETag']}") == "PreconditionFailed"
    promoted = operation(**promote, IfMatch=f"{primary['ETag']}, {changed['ETag']}")["Distribution"]

    before = primary["Distribution"]["DistributionConfig"]
    assert promoted["DistributionConfig"] == before | {"Comment": "from staging"}


def test_a_monitoring_subscription_ends_with_its_distribution(cloudfront: Any, refused: Callable[..., str]) -> None:
    made = distribution(cloudfront)
    target = {"DistributionId": made["Distribution"]["Id"]}
    enabled = {"RealtimeMetricsSubscriptionConfig": {"RealtimeMetricsSubscriptionStatus": "Enabled"}}

    assert refused(cloudfront.get_monitoring_subscription, **target) == "NoSuchMonitoringSubscription"
    call(cloudfront, "CreateMonitoringSubscription", {**target, "MonitoringSubscription": enabled})
    again = {**target, "MonitoringSubscription": enabled}
    assert refused(cloudfront.create_monitoring_subscription, **again) == "MonitoringSubscriptionAlreadyExists"
    cloudfront.delete_distribution(Id=target["DistributionId"], IfMatch=made["ETag"])
    assert refused(cloudfront.get_monitoring_subscription, **target) == "NoSuchDistribution"
