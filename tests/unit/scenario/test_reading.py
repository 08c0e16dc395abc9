"""YAML into values, and what is said when it cannot be."""

from pathlib import Path

import pytest

from edgeward.scenario.reading import MAX_CHARACTERS, Node, ScenarioError, compose, nearest


def node(text: str) -> Node:
    return compose(text, Path("a.yaml"))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("a: [1", 1, "not YAML"),
        ("a: 1\n\tb: 2", 2, "not YAML"),
        ("x" * (MAX_CHARACTERS + 1), 1, "larger than"),
    ],
)
def test_text_that_is_no_document_names_the_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        node(text)

    assert error.value.line == line
    assert message in str(error.value)


@pytest.mark.parametrize("written", ["yes", "1.0", "007", "null", "2023-11-14", "+11s"])
def test_text_stays_as_it_was_written(written: str) -> None:
    assert written == node(written).text()


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"a\.yaml:2: the key `a` is given twice"):
        node("a: 1\na: 2").entries()


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (Node.integer, "1.5", "expected a whole number, found `1.5`"),
        (Node.integer, "[1]", "expected text, found a list"),
        (Node.boolean, "yes", "expected `true` or `false`, found `yes`"),
        (Node.entries, "[1]", "expected a mapping of keys to values, found a list"),
        (Node.items, "a", "expected a list, found `a`"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(read: object, text: str, message: str) -> None:
    assert callable(read)
    with pytest.raises(ScenarioError) as error:
        read(node(text))

    assert message in str(error.value)


def test_a_choice_proposes_the_nearest_word() -> None:
    with pytest.raises(ScenarioError, match="`Hitt` is not one of Hit, Miss; did you mean `Hit`"):
        node("Hitt").choice(("Hit", "Miss"))


def test_nothing_near_lists_a_few_known_names() -> None:
    assert nearest("zzz", ("a", "b")) == " (known: a, b)"
    assert nearest("zzz", map(str, range(100))) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$n", "5"),
        ("${n}x", "5x"),
        ("$n and $n", "5 and 5"),
        ("$$n", "$n"),
        ("$fill(3)", "aaa"),
        ("plain", "plain"),
    ],
)
def test_a_row_replaces_names_in_text(text: str, expected: str) -> None:
    assert expected == node(text).with_row({"n": node("5")}).text()


def test_a_name_that_stands_alone_takes_the_value_with_its_type() -> None:
    assert node("{a: [$m]}").with_row({"m": node("{k: v}")}).entries()["a"].items()[0].entries()["k"].text() == "v"


def test_without_a_table_a_dollar_is_a_dollar() -> None:
    assert node("$x and $fill(2)").with_row(None).text() == "$x and aa"


def test_a_name_that_the_row_does_not_give_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"no row gives `\$colour`; did you mean `color`\?"):
        node("$colour").with_row({"color": node("red")})
