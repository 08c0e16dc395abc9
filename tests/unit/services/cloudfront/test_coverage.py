"""The coverage page and the tables behind it."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from edgeward.services.cloudfront.coverage import COVERAGE_PATH, NOT_SERVED, WITHOUT_EFFECT, coverage_page
from edgeward.services.cloudfront.service import served_operations, service_model

ROOT = Path(__file__).parents[4]


def test_the_page_in_the_documentation_is_the_generated_one() -> None:
    fresh = coverage_page(service_model(), served_operations())

    assert fresh == (ROOT / COVERAGE_PATH).read_text(), "run python -m edgeward.services.cloudfront.coverage"


def test_every_operation_is_served_or_has_a_reason() -> None:
    served = set(served_operations())

    assert served | NOT_SERVED.keys() == service_model().operations.keys()
    assert not served & NOT_SERVED.keys()


def test_every_word_about_effects_stands_for_some_operation() -> None:
    names = service_model().operations

    assert all(any(word in name for name in names) for word in WITHOUT_EFFECT)


def test_an_operation_that_is_not_served_says_why(cloudfront: Any) -> None:
    with pytest.raises(ClientError) as caught:
        cloudfront.test_function(Name="f", IfMatch="E1", EventObject=b"{}")

    answer: Any = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert NOT_SERVED["TestFunction"] in answer["Error"]["Message"]
