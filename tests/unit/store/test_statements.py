"""Which index a statement goes by: one that reads all of a family is right, and slower with every call."""

import pytest
from sqlalchemy import Select

from edgeward.store import statements
from edgeward.store.compiled import Compiler
from edgeward.store.database import Store


@pytest.mark.parametrize(
    ("statement", "way"),
    [
        (statements.FIND, "sqlite_autoindex_resource_1 (family=? AND id=?)"),
        (statements.FIND_BY_NAME, "resource_by_name (family=? AND name=?)"),
        (
            statements.FIND_BY_CALLER_REFERENCE,
            "resource_by_caller_reference (family=? AND caller_reference=? AND parent=?)",
        ),
        (
            statements.page(newest_first=False, is_further=False, has_parent=True, in_progress=True),
            "resource_in_progress (family=? AND parent=?)",
        ),
        (statements.count(has_parent=True, in_progress=True), "resource_in_progress (family=? AND parent=?)"),
        (statements.count(has_parent=False, in_progress=False), "resource_by_parent (family=?)"),
        (
            statements.page(newest_first=True, is_further=True, has_parent=True, in_progress=False),
            "resource_by_parent (family=? AND parent=? AND arrival<?)",
        ),
    ],
)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_is_looked_up_is_found_by_an_index(store: Store, statement: Select[tuple[object]], way: str) -> None:
    with store._engine.connect() as connection:
        compiled = Compiler(connection.dialect)(statement)
        parameters = (None,) * compiled.text.count("?")
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled.text}", parameters).all()

    assert f"SEARCH resource USING INDEX {way}" in [row[3].replace(" COVERING", "") for row in plan]
