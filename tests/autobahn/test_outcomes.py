"""What the reports of the suite say, and what counts as a difference."""

import pytest

from autobahn.outcomes import Outcome, broken, differences, read_index, table
from autobahn.suite import SuiteError, announced

FINE = Outcome("OK", "OK", 1000)
LATE = Outcome("NON-STRICT", "OK", 1000)
ENTRY = {"behavior": "OK", "behaviorClose": "OK", "duration": 1, "remoteCloseCode": 1000, "reportfile": "a.json"}


def test_an_index_tells_the_outcomes_of_a_way() -> None:
    assert read_index({"clear": {"1.1.1": ENTRY}, "tls": {}}, "clear") == {"1.1.1": FINE}
    assert read_index({"clear": {"1.1.1": ENTRY}}, "tls") == {}


@pytest.mark.parametrize(
    ("through", "expected"),
    [
        ({"1.1.1": FINE, "10.1.1": LATE}, []),
        ({"1.1.1": LATE, "10.1.1": LATE}, ["1.1.1"]),
        ({"1.1.1": Outcome("OK", "UNCLEAN", 1000), "10.1.1": LATE}, ["1.1.1"]),
        ({"1.1.1": Outcome("OK", "OK", None), "10.1.1": LATE}, ["1.1.1"]),
        ({"10.1.1": LATE}, ["1.1.1"]),
        ({"1.1.1": FINE, "2.1": FINE, "10.1.1": FINE}, ["2.1", "10.1.1"]),
    ],
)
def test_what_went_otherwise_or_was_not_played_is_a_difference(
    through: dict[str, Outcome], expected: list[str]
) -> None:
    assert differences({"1.1.1": FINE, "10.1.1": LATE}, through) == expected


def test_a_server_that_breaks_the_protocol_is_told() -> None:
    failed, unclean = Outcome("FAILED", "OK", 1000), Outcome("OK", "UNCLEAN", None)
    assert broken({"2.1": FINE, "10.1": failed, "9.1.1": unclean, "6.4.1": LATE}) == ["9.1.1", "10.1"]


def test_the_table_counts_by_family_and_way() -> None:
    printed = table({"beside": {"1.1.1": FINE, "1.1.2": LATE}, "tls": {"1.1.1": FINE, "12.1.1": FINE}})
    assert printed.splitlines() == [
        "family  way     cases  how they went",
        "1       beside      2  1 NON-STRICT, 1 OK",
        "1       tls         1  1 OK",
        "12      beside      0  ",
        "12      tls         1  1 OK",
        "all     beside      2  1 NON-STRICT, 1 OK",
        "all     tls         2  2 OK",
    ]


def test_the_suite_has_to_say_how_much_it_plays() -> None:
    assert announced("Autobahn ...\nOk, will run 517 test cases against 1 servers\n") == 517
    with pytest.raises(SuiteError, match="did not say"):
        announced("Traceback ...")
