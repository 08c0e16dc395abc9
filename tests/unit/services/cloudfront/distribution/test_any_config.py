"""What holds for every config that the service model allows, however absurd."""

from copy import deepcopy
from typing import Any

from botocore.model import ListShape, StringShape, StructureShape
from botocore.model import Shape as ModelShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel, Shape
from edgeward.lint import header
from edgeward.lint.rules import Subject, findings
from edgeward.services.cloudfront.distribution.defaults import fill_defaults
from edgeward.services.cloudfront.distribution.fields import behaviors
from edgeward.services.cloudfront.distribution.references import NamedTrustStore, OwnCertificate, References
from edgeward.services.cloudfront.distribution.rules import check_distribution
from edgeward.services.cloudfront.distribution.unsupported import refuse_unsupported


class EverythingExists:
    """Implements `references.References`: whatever a distribution names is there, and free."""

    def cache_policy(self, policy_id: str, /) -> Shape | None:
        return {"Name": policy_id, "MinTTL": 0}

    def origin_request_policy(self, _policy_id: str, /) -> Shape | None:
        return NOTHING_SELECTED

    def response_headers_policy(self, _policy_id: str, /) -> Shape | None:
        return {}

    def trusted_authorities(self, _store_id: str, /) -> str | None:
        return None

    def origin_access_control(self, _control_id: str, /) -> Shape | None:
        return {"OriginAccessControlOriginType": "s3", "SigningBehavior": "always", "SigningProtocol": "sigv4"}

    def trust_store(self, _store_id: str, /) -> NamedTrustStore | None:
        return None

    def own_certificate(self, _arn: str, /) -> OwnCertificate | None:
        return OwnCertificate(status="ISSUED", names=("www.example.com",))

    def alias_owner(self, _alias: str, /) -> str | None:
        return None


def values_of(shape: ModelShape) -> st.SearchStrategy[Any]:
    """Values of the shape: required members there, enums kept, Quantity right."""
    if isinstance(shape, StructureShape):
        return _structures_of(shape)
    if isinstance(shape, ListShape):
        return st.lists(values_of(shape.member), max_size=2)
    if isinstance(shape, StringShape):
        return st.sampled_from(shape.enum) if shape.enum else TEXTS
    return st.booleans() if shape.type_name == "boolean" else NUMBERS


def _structures_of(shape: StructureShape) -> st.SearchStrategy[Shape]:
    members = {name: values_of(member) for name, member in shape.members.items()}
    required = {name: members.pop(name) for name in shape.required_members}
    structures = st.fixed_dictionaries(required, optional=members)
    return structures.map(_count_items) if "Quantity" in shape.members else structures


def _count_items(container: Shape) -> Shape:
    return container | {"Quantity": len(container.get("Items", ()))}


NOTHING_SELECTED: Shape = {
    "HeadersConfig": {"HeaderBehavior": "none"},
    "CookiesConfig": {"CookieBehavior": "none"},
    "QueryStringsConfig": {"QueryStringBehavior": "none"},
}
TEXTS = st.one_of(
    st.sampled_from(["", "site", "/x", "*", "b.s3.localhost", "a.example.com", "*.example.com", "x-a", "DE", "200"]),
    st.text(max_size=5),
)
NUMBERS = st.one_of(st.sampled_from([0, 1, 3, 30, 80, 404]), st.integers(-2, 2**40))
# Other work on the machine may slow a run; that says nothing about the code.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CONFIGS = values_of(ServiceModel("cloudfront", "2020-05-31").shape("DistributionConfig"))


@settings(PATIENT)
@given(CONFIGS)
def test_filling_twice_is_filling_once(config: Shape) -> None:
    filled = fill_defaults(config)

    assert fill_defaults(filled) == filled


@settings(PATIENT)
@given(CONFIGS)
def test_filling_keeps_what_was_sent_and_changes_no_input(config: Shape) -> None:
    before = deepcopy(config)

    filled = fill_defaults(config)

    assert config == before
    assert _is_within(config, filled)


@settings(PATIENT)
@given(CONFIGS)
def test_a_config_is_accepted_or_refused_with_words_and_nothing_else_happens(config: Shape) -> None:
    references: References = EverythingExists()
    refusals = (_refusal(config), _refusal_by_rules(config, references))

    assert all(refusal is None or refusal.message.startswith("DistributionConfig.") for refusal in refusals)


@settings(PATIENT)
@given(CONFIGS)
def test_what_is_refused_does_not_depend_on_the_defaults(config: Shape) -> None:
    assert (_refusal(config) is None) == (_refusal(fill_defaults(config)) is None)


@settings(PATIENT)
@given(CONFIGS)
def test_mistakes_are_looked_for_in_any_config_and_told_in_a_header_of_bounded_size(config: Shape) -> None:
    filled = fill_defaults(config)
    attached = {behavior.get("CachePolicyId", "") for _, behavior in behaviors(filled)}
    policies = {each: {"MinTTL": 9, "MaxTTL": 9} for each in attached}

    value = header.write(findings(Subject(config=filled, cache_policies=policies))) or ""

    assert len(value) < 5_000
    assert value.isascii()
    assert value.isprintable()


def _refusal(config: Shape) -> ApiError | None:
    try:
        refuse_unsupported(config)
    except ApiError as refusal:
        return refusal
    return None


def _refusal_by_rules(config: Shape, references: References) -> ApiError | None:
    try:
        check_distribution(config, references)
    except ApiError as refusal:
        return refusal
    return None


def _is_within(part: Any, whole: Any) -> bool:
    """Whether everything in `part` is in `whole` at the same place; lists are equal item by item."""
    if isinstance(part, dict):
        return all(name in whole and _is_within(value, whole[name]) for name, value in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(_is_within, part, whole))
    return bool(part == whole)
