"""What the edges are told, step by step."""

import json
from typing import Any

import pytest

from edgeward.authority import Certificate
from edgeward.deploy.channel import CertificateSource
from edgeward.deploy.planner import Planner, Step


def load(planner: Planner, account: Any) -> Step:
    with account.store.read() as transaction:
        return planner.load(transaction)


def advance(planner: Planner, account: Any) -> Step:
    (step,) = steps(planner, account)
    return step


def steps(planner: Planner, account: Any) -> list[Step]:
    with account.store.read() as transaction:
        return planner.advance(transaction)


def change_of(step: Step) -> dict[str, Any]:
    assert step.change is not None
    document: dict[str, Any] = json.loads(step.change)
    return document


def test_loading_compiles_everything_and_takes_over_what_was_pending(planner: Planner, account: Any) -> None:
    account.put("E1")
    account.put("E2")
    account.invalidate("E1", "/a")

    step = load(planner, account)

    plan = json.loads(planner.whole_plan().document)
    assert (plan["base"], plan["sequence"], sorted(plan["distributions"])) == (None, 4, ["E1", "E2"])
    assert plan["default_certificate"]["chain_pem"] == "*.cloudfront.localhost"
    assert step.needs_whole_plan
    orders = [json.loads(order) for order in step.orders]
    assert [(order["sequence"], order["patterns"]) for order in orders] == [(4, ["/a"])]
    assert [change.position for change in step.completes] == [2, 3, 4]


def test_a_step_holds_only_what_changed_and_names_its_base(planner: Planner, account: Any) -> None:
    account.put("E1")
    load(planner, account)
    position = account.put("E2")

    document = change_of(advance(planner, account))

    assert (document["base"], document["sequence"]) == (2, position)
    assert list(document["distributions"]) == ["E2"]


def test_a_certificate_of_ones_own_stands_before_the_authority(account: Any, certificates: CertificateSource) -> None:
    own = Certificate(names=("www.example.com",), chain_pem="chain", key_pem="key")
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/own"
    planner = Planner(
        account_id="123456789012",
        domain_suffix="cloudfront.localhost",
        certificates=certificates,
        own_certificates=lambda _transaction, named: own if named == arn else None,
    )
    aliases = {"Aliases": {"Quantity": 1, "Items": ["www.example.com"]}}
    account.put("E1", **aliases)
    account.put("E2", **aliases, ViewerCertificate={"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only"})
    account.put("E3", **aliases, ViewerCertificate={"ACMCertificateArn": f"{arn}-lost", "SSLSupportMethod": "sni-only"})

    load(planner, account)

    distributions = json.loads(planner.whole_plan().document)["distributions"]
    chains = {each: distribution["certificate"]["chain_pem"] for each, distribution in distributions.items()}
    assert chains == {"E1": "www.example.com", "E2": "chain"}


def test_a_certificate_that_was_replaced_is_found_and_one_that_is_lost_is_named(
    account: Any, certificates: CertificateSource, caplog: pytest.LogCaptureFixture
) -> None:
    def own(chain: str) -> Certificate:
        return Certificate(names=(), chain_pem=chain, key_pem="key")

    arns = [f"arn:aws:acm:us-east-1:123456789012:certificate/{name}" for name in ("same", "replaced", "lost")]
    same, replaced, lost = arns
    kept = {same: own("same"), replaced: own("old"), lost: own("lost")}
    planner = Planner(
        account_id="123456789012",
        domain_suffix="cloudfront.localhost",
        certificates=certificates,
        own_certificates=lambda _transaction, named: kept.get(named),
    )
    account.put("E1")
    for number, named in enumerate(arns, start=2):
        account.put(f"E{number}", ViewerCertificate={"ACMCertificateArn": named, "SSLSupportMethod": "sni-only"})
    load(planner, account)
    kept[replaced] = own("new")
    del kept[lost]

    with account.store.read() as transaction:
        renewed = planner.renewed(transaction)

    assert renewed == ["E3"]
    assert f"distribution E4 keeps the certificate it has: there is no certificate '{lost}'" in caplog.text


def test_challenges_travel_whole_when_one_comes_or_goes(account: Any, certificates: CertificateSource) -> None:
    there: dict[str, dict[str, str]] = {}
    planner = Planner(
        account_id="123456789012",
        domain_suffix="cloudfront.localhost",
        certificates=certificates,
        challenges_of=lambda _transaction: {host: dict(tokens) for host, tokens in there.items()},
    )

    def noted() -> list[Step]:
        with account.store.write() as transaction:
            transaction.enqueue("acm-certificate", "some")
        return steps(planner, account)

    load(planner, account)
    assert json.loads(planner.whole_plan().document)["challenges"] == {}

    there["www.example.com"] = {"token": "token.key"}
    (step,) = noted()
    document = change_of(step)
    assert (document["challenges"], document["distributions"]) == (there, {})
    assert [change.family for change in step.completes] == ["acm-certificate"]
    assert json.loads(planner.whole_plan().document)["challenges"] == there

    (step,) = noted()
    assert step.change is None
    account.put("E1")
    assert "challenges" not in change_of(advance(planner, account))
    del there["www.example.com"]
    assert change_of(noted()[0])["challenges"] == {}


def test_a_certificate_for_an_origin_reaches_the_plan_and_is_found_when_it_is_replaced(
    account: Any, certificates: CertificateSource
) -> None:
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/client"
    kept = {arn: Certificate(names=(), chain_pem="old", key_pem="key")}
    planner = Planner(
        account_id="123456789012",
        domain_suffix="cloudfront.localhost",
        certificates=certificates,
        own_certificates=lambda _transaction, named: kept.get(named),
    )
    custom = {
        "HTTPPort": 80,
        "HTTPSPort": 443,
        "OriginProtocolPolicy": "https-only",
        "OriginMtlsConfig": {"ClientCertificateArn": arn},
    }
    origin = {"Id": "site", "DomainName": "origin.example.com", "CustomOriginConfig": custom}
    account.put("E1")
    account.put("E2", Origins={"Quantity": 1, "Items": [origin]})
    load(planner, account)

    compiled = json.loads(planner.whole_plan().document)["distributions"]["E2"]["origins"]["site"]
    assert compiled["client_certificate"] == {"chain_pem": "old", "key_pem": "key"}
    with account.store.read() as transaction:
        assert planner.renewed(transaction) == []
        kept[arn] = Certificate(names=(), chain_pem="new", key_pem="key")
        assert planner.renewed(transaction) == ["E2"]


def test_several_changes_become_one_step(planner: Planner, account: Any) -> None:
    load(planner, account)
    account.put("E1")
    account.put("E2")
    account.put("E1", Enabled=False)

    document = change_of(advance(planner, account))

    assert document["sequence"] == 4
    assert {key: compiled["enabled"] for key, compiled in document["distributions"].items()} == {
        "E1": False,
        "E2": True,
    }


def test_an_order_goes_out_after_the_change_before_it_and_before_the_change_after_it(
    planner: Planner, account: Any
) -> None:
    load(planner, account)
    account.put("E1")
    account.invalidate("E1", "/a")
    account.invalidate("E1", "/b")
    account.put("E2")

    first, second = steps(planner, account)

    assert (first.position, len(first.orders), first.change is None) == (4, 2, False)
    assert (change_of(second)["base"], change_of(second)["sequence"]) == (4, 5)


def test_a_plan_change_after_an_order_is_based_on_the_plan_not_on_the_order(planner: Planner, account: Any) -> None:
    account.put("E1")
    load(planner, account)
    account.invalidate("E1", "/a")
    order = advance(planner, account)
    account.put("E1", Enabled=False)

    assert order.change is None
    assert change_of(advance(planner, account))["base"] == 2


def test_a_deleted_distribution_is_removed_and_its_orders_are_dropped(planner: Planner, account: Any) -> None:
    account.put("E1")
    load(planner, account)
    account.remove("E1")
    account.invalidate("E1", "/a")

    step = advance(planner, account)

    assert change_of(step)["distributions"] == {"E1": None}
    assert step.orders == ()
    assert len(step.completes) == 2


def test_a_change_without_effect_at_the_edge_is_not_sent(planner: Planner, account: Any) -> None:
    account.put("E1")
    load(planner, account)
    account.put("E1", Comment="for people only")
    account.put("E2", Staging=True)

    step = advance(planner, account)

    assert step.change is None
    assert [change.id for change in step.completes] == ["E1", "E2"]


def test_certificates_are_asked_for_the_aliases_that_can_have_one(planner: Planner, account: Any) -> None:
    account.put("E1", Aliases={"Quantity": 2, "Items": ["www.example.com", "www.elsewhere.org"]})
    account.put("E2", Aliases={"Quantity": 1, "Items": ["www.elsewhere.net"]})
    load(planner, account)

    compiled = json.loads(planner.whole_plan().document)["distributions"]

    assert compiled["E1"]["certificate"] == {"chain_pem": "www.example.com", "key_pem": "key"}
    assert compiled["E2"]["certificate"] is None


def test_a_distribution_that_cannot_be_compiled_stays_as_it_was(
    planner: Planner, account: Any, caplog: pytest.LogCaptureFixture
) -> None:
    account.put("E1")
    load(planner, account)
    dangling = {"TargetOriginId": "site", "ViewerProtocolPolicy": "allow-all", "CachePolicyId": "gone"}
    account.put("E1", DefaultCacheBehavior=dangling)
    account.put("E2")

    step = advance(planner, account)

    assert list(change_of(step)["distributions"]) == ["E2"]
    assert [change.id for change in step.completes] == ["E2"]
    assert "distribution E1 cannot be compiled" in caplog.text
    assert "E1" in json.loads(planner.whole_plan().document)["distributions"]


def test_an_order_reaches_the_edges_also_while_its_distribution_cannot_be_compiled(
    planner: Planner, account: Any
) -> None:
    dangling = {"TargetOriginId": "site", "ViewerProtocolPolicy": "allow-all", "CachePolicyId": "gone"}
    account.put("E1", DefaultCacheBehavior=dangling)
    account.invalidate("E1", "/a")

    step = load(planner, account)

    assert [json.loads(order)["patterns"] for order in step.orders] == [["/a"]]


def test_there_is_no_step_without_a_change(planner: Planner, account: Any) -> None:
    load(planner, account)

    with account.store.read() as transaction:
        assert planner.advance(transaction) == []
