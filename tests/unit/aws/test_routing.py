"""Method, path and query to operation."""

import pytest

from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel
from edgeward.aws.routing import Router, parse_query


@pytest.fixture(scope="module")
def router(model: ServiceModel) -> Router:
    return Router(model.operations.values())


def test_every_operation_is_found_by_its_own_uri(router: Router, model: ServiceModel) -> None:
    for operation in model.operations.values():
        path, _, query = operation.uri.partition("?")
        filled = "/".join("value" if segment.startswith("{") else segment for segment in path.split("/"))

        assert router.match(operation.method, filled, parse_query(query)).operation is operation


@pytest.mark.parametrize(
    ("line", "name", "parameters"),
    [
        ("POST /2020-05-31/distribution", "CreateDistribution", {}),
        ("POST /2020-05-31/distribution?WithTags", "CreateDistributionWithTags", {}),
        ("POST /2020-05-31/distribution?WithTags=", "CreateDistributionWithTags", {}),
        ("POST /2020-05-31/distribution?Other=1&WithTags", "CreateDistributionWithTags", {}),
        ("POST /2020-05-31/tagging?Operation=Tag&Resource=a", "TagResource", {}),
        ("POST /2020-05-31/tagging?Operation=Untag&Resource=a", "UntagResource", {}),
        ("GET /2020-05-31/tagging?Resource=a", "ListTagsForResource", {}),
        ("GET /2020-05-31/distribution/E1%2F2", "GetDistribution", {"Id": "E1/2"}),
        ("GET /2020-05-31/distribution/config", "GetDistribution", {"Id": "config"}),
        ("GET /2020-05-31/distribution/%C3%A9/config", "GetDistributionConfig", {"Id": "é"}),
        (
            "GET /2020-05-31/distribution/E1/invalidation/I2",
            "GetInvalidation",
            {"DistributionId": "E1", "Id": "I2"},
        ),
    ],
)
def test_a_request_line_names_an_operation(router: Router, line: str, name: str, parameters: dict[str, str]) -> None:
    method, target = line.split(" ")
    path, _, query = target.partition("?")

    route = router.match(method, path, parse_query(query))

    assert (route.operation.name, route.path_parameters) == (name, parameters)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/", "UnknownOperationException"),
        ("GET", "/2020-05-31/nothing", "UnknownOperationException"),
        ("GET", "/2019-03-26/distribution", "UnknownOperationException"),
        ("PATCH", "/2020-05-31/distribution", "UnknownOperationException"),
        ("GET", "/2020-05-31/distribution/", "UnknownOperationException"),
        ("GET", "/2020-05-31/distribution//config", "UnknownOperationException"),
        ("GET", "/2020-05-31/distribution/E1/config/", "UnknownOperationException"),
        ("POST", "/2020-05-31/tagging", "UnknownOperationException"),
        ("GET", "/2020-05-31/distribution/%FF", "InvalidArgument"),
    ],
)
def test_a_request_line_that_names_none_is_refused(router: Router, method: str, path: str, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        router.match(method, path, [])

    assert caught.value.code == code


def test_a_plus_sign_in_a_query_is_no_space() -> None:
    assert parse_query("a=1+2&b=%20&c&&d=x=y") == [("a", "1+2"), ("b", " "), ("c", ""), ("d", "x=y")]
