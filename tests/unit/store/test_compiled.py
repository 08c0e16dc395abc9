"""Statements as the drivers of both databases take them."""

import pytest
from sqlalchemy import Dialect, bindparam, make_url, select

from edgeward.store import statements
from edgeward.store.compiled import Compiler
from edgeward.store.tables import tag

SQLITE, POSTGRESQL = (make_url(f"{name}://").get_dialect()() for name in ("sqlite", "postgresql+psycopg"))


def test_a_statement_is_compiled_once() -> None:
    written = Compiler(SQLITE)

    assert written(statements.FIND) is written(statements.FIND)


@pytest.mark.parametrize(
    ("dialect", "bound"),
    [
        (SQLITE, ("InProgress", "distribution", "E1")),
        (POSTGRESQL, {"status": "InProgress", "of_family": "distribution", "of_id": "E1"}),
    ],
)
def test_parameters_are_bound_as_the_driver_takes_them(dialect: Dialect, bound: object) -> None:
    compiled = Compiler(dialect)(statements.MARK)

    assert compiled.bind({"of_id": "E1", "of_family": "distribution", "status": "InProgress"}) == bound


def test_values_that_are_part_of_a_statement_are_bound_with_it() -> None:
    compiled = Compiler(SQLITE)(statements.COUNT_UP)

    assert compiled.bind({"of_name": "change"}) == [1, "change"]


def test_a_parameter_that_is_not_given_is_an_error() -> None:
    compiled = Compiler(SQLITE)(statements.FIND)

    with pytest.raises(KeyError, match="of_id"):
        compiled.bind({"of_family": "distribution"})


def test_a_statement_whose_text_depends_on_its_parameters_is_refused() -> None:
    several = select(tag.c.value).where(tag.c.key.in_(bindparam("of_keys", expanding=True)))

    with pytest.raises(AssertionError, match="does not depend on its parameters"):
        Compiler(SQLITE)(several)
