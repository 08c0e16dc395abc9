"""Statements as the driver takes them, and the cursor that runs them.

SQLAlchemy writes a statement in the database's dialect and knows how its types are stored; it does so once for each
statement and never while one runs, which would cost ten times what the statement does. Called by `transaction` and
`values`; the transaction around a cursor is begun and ended by `database`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect, Select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Convert = Callable[[Any], Any]
"""A value as the driver has it, or from it."""
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement in one dialect."""

    text: str
    bind: Callable[[Mapping[str, Any]], Any]
    """The parameters as the driver takes them. Raises KeyError for one that is not given."""
    read: Callable[[Row], Row] | None
    """A row as it was written; None where the driver reads rows so by itself."""


def _binder(
    places: Sequence[tuple[str, Convert | None]], constants: Mapping[str, Any], *, is_positional: bool
) -> Callable[[Mapping[str, Any]], Any]:
    """`places` are the parameters in the order of the text, `constants` those that are part of the statement."""
    names = [name for name, _ in places]
    if is_positional and len(names) > 1 and not constants and not any(convert for _, convert in places):
        return itemgetter(*names)  # Of most statements: nothing of it runs in Python.

    def bind(given: Mapping[str, Any]) -> Any:
        values = {**constants, **given} if constants else given
        if is_positional:
            return [convert(values[name]) if convert else values[name] for name, convert in places]
        return {name: convert(values[name]) if convert else values[name] for name, convert in places}

    return bind


def _reader(columns: Sequence[tuple[int, Convert]]) -> Callable[[Row], Row] | None:
    """`columns` are those that the driver does not read as they were written."""
    if not columns:
        return None

    def read(row: Row) -> Row:
        values = list(row)
        for place, convert in columns:
            values[place] = convert(values[place])
        return tuple(values)

    return read


class Compiler:
    """The statements of one database, each compiled when it is first run. Two threads may both do so: to the same."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: dict[Executable, Compiled] = {}

    def __call__(self, statement: Executable) -> Compiled:
        """The statement in the database's dialect. Statements are built once: others are never forgotten."""
        found = self._compiled.get(statement)
        if found is None:
            found = self._compiled[statement] = self._compile(statement)
        return found

    def _compile(self, statement: Any) -> Compiled:
        compiled: SQLCompiler = statement.compile(dialect=self._dialect)
        assert not compiled.post_compile_params, "the text of a statement does not depend on its parameters"
        names = compiled.positiontup if compiled.positiontup is not None else list(compiled.binds)
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        converted = ((place, self._reader(column.type)) for place, column in enumerate(columns))
        places = [(name, self._writer(compiled.binds[name].type)) for name in names]
        constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        return Compiled(
            text=compiled.string,
            bind=_binder(places, constants, is_positional=bool(compiled.positional)),
            read=_reader([(place, reader) for place, reader in converted if reader is not None]),
        )

    def _writer(self, type: TypeEngine[Any]) -> Convert | None:
        return type.dialect_impl(self._dialect).bind_processor(self._dialect)

    def _reader(self, type: TypeEngine[Any]) -> Convert | None:
        return type.dialect_impl(self._dialect).result_processor(self._dialect, None)


class Cursor:
    """Runs statements inside one transaction. Parameters are given by name."""

    def __init__(self, cursor: DBAPICursor, compile: Compiler) -> None:
        self._cursor = cursor
        self._compile = compile

    def run(self, statement: Executable, /, **parameters: Any) -> None:
        """Runs a statement that answers nothing."""
        compiled = self._compile(statement)
        self._cursor.execute(compiled.text, compiled.bind(parameters))

    def run_for_each(self, statement: Executable, several: Iterable[Mapping[str, Any]], /) -> None:
        """Runs a statement once for each set of parameters."""
        compiled = self._compile(statement)
        bound = [compiled.bind(parameters) for parameters in several]
        if bound:
            self._cursor.executemany(compiled.text, bound)

    def rows(self, statement: Executable, /, **parameters: Any) -> Sequence[Row]:
        """All rows that it answers."""
        compiled = self._compile(statement)
        self._cursor.execute(compiled.text, compiled.bind(parameters))
        rows = self._cursor.fetchall()
        return rows if compiled.read is None else [compiled.read(row) for row in rows]

    def row(self, statement: Executable, /, **parameters: Any) -> Row | None:
        """The first row that it answers; None when there is none."""
        rows = self.rows(statement, **parameters)
        return rows[0] if rows else None

    def value(self, statement: Executable, /, **parameters: Any) -> Any:
        """What the first row begins with; None when there is no row."""
        row = self.row(statement, **parameters)
        return row[0] if row is not None else None
