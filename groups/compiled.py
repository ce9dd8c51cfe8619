"""Statements that are compiled once and run many times.

Making SQL out of a query costs Django several times what running it costs, and most of the time of an operation on a
small group went into that. A statement here is written as a query with slots for what differs from one run to the next;
the first run on a connection compiles it, each further one fills the slots. It is for the statements that every
operation and every request runs; all others are ordinary queries.

Nothing but its slots may depend on a run's values: a slot takes the place of one value, compared with None it finds
nothing, and it stands for no list.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.models.query import (
    FlatValuesListIterable,
    ModelIterable,
    ValuesListIterable,
    get_related_populators,
)
from django.db.models.sql import DeleteQuery, UpdateQuery

Row = TypeVar("Row")
Model = TypeVar("Model", bound=models.Model)


class _Hole(NamedTuple):
    """A parameter of a compiled statement that comes from a run's values."""

    name: str
    column: Any


class Slot(models.Expression):
    """Stands in a query for the value that each run gives under a name."""

    def __init__(self, name: str, column: Any = None) -> None:
        super().__init__(output_field=column)
        self.name, self.column = name, column

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return a placeholder, and what is to be filled in there."""
        return "%s", [_Hole(self.name, self.column)]


def slot(name: str, column: Any = None) -> Any:
    """Return what stands for a value: an identifier, a time, a text or a number; in a change whatever its column holds.

    A field as `column` says of what kind the value is where it is reckoned with.
    """
    return Slot(name, column)


class _Statement(Generic[Row]):
    """What is compiled once a connection. Every thread has connections of its own."""

    def __init__(self) -> None:
        self._here = threading.local()

    def _plan(self, own: Any) -> Row:
        kept: tuple[Any, Row] | None = getattr(self._here, "kept", None)
        if kept is None or kept[0] is not own:
            kept = self._here.kept = (own, self._compile(own))
        return kept[1]

    def _compile(self, own: Any) -> Row:
        raise NotImplementedError


class _Reading(NamedTuple):
    sql: str
    params: Sequence[Any]
    made: Callable[[Sequence[Sequence[Any]]], Iterator[Any]]
    locks: bool


class Select(_Statement[_Reading], Generic[Row]):
    """A query for rows: of models with what `select_related` names, or the tuples or values of `values_list`."""

    def __init__(self, query: Callable[[], models.QuerySet[Any, Row]]) -> None:
        super().__init__()
        self._query = query

    def all(self, **values: object) -> list[Row]:
        """Return the rows found with these values in the slots."""
        own = this_connection()
        sql, params, made, locks = self._plan(own)
        if locks and not own.in_atomic_block:
            # Compiling checks it the first time only, and the lock would be gone with the statement.
            raise transaction.TransactionManagementError("rows are locked within a transaction only")
        with own.cursor() as cursor:
            cursor.execute(sql, _filled(params, values, own))
            return list(made(cursor.fetchall()))

    def first(self, **values: object) -> Row | None:
        """Return the first of these rows, if there is one. The query itself says how many are read."""
        return next(iter(self.all(**values)), None)

    def _compile(self, own: Any) -> _Reading:
        queryset: Any = self._query()
        compiler = queryset.query.get_compiler(connection=own)
        sql, params = compiler.as_sql()
        converters = compiler.get_converters([column[0] for column in compiler.select[: compiler.col_count]])

        def converted(rows: Sequence[Sequence[Any]]) -> Iterator[Any]:
            return compiler.apply_converters(rows, converters) if converters else iter(rows)

        make = _maker(queryset, compiler)
        locks = queryset.query.select_for_update and own.features.has_select_for_update
        return _Reading(sql, params, lambda rows: map(make, converted(rows)), locks)


def _maker(queryset: Any, compiler: Any) -> Callable[[Sequence[Any]], Any]:
    """Return what makes of a row what the query is to yield."""
    kind = queryset._iterable_class  # noqa: SLF001 - says which form a query has
    if kind is FlatValuesListIterable:
        return lambda row: row[0]
    if kind is ValuesListIterable:
        # What it is sorted by may come behind.
        width = compiler.col_count
        return lambda row: tuple(row[:width])
    if kind is not ModelIterable or queryset._prefetch_related_lookups:  # noqa: SLF001 - nothing else tells
        raise NotImplementedError("only models without prefetching, plain tuples and single values are made of rows")
    klass, select, annotations = compiler.klass_info, compiler.select, compiler.annotation_col_map.items()
    begin, end = klass["select_fields"][0], klass["select_fields"][-1] + 1
    names = [column[0].target.attname for column in select[begin:end]]
    populators = get_related_populators(klass, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
    model = klass["model"]

    def make(row: Sequence[Any]) -> Any:
        found = model.from_db(DEFAULT_DB_ALIAS, names, row[begin:end])
        for populator in populators:
            populator.populate(row, found)
        for name, place in annotations:
            setattr(found, name, row[place])
        return found

    return make


class _Writing(NamedTuple):
    sql: str
    params: Sequence[Any]


class _Change(_Statement[_Writing]):
    def run(self, **values: object) -> int:
        """Change the rows found with these values in the slots; return how many there were."""
        sql, params = self.prepared(**values)
        with writing() as cursor:
            cursor.execute(sql, params)
            changed: int = cursor.rowcount
        return changed

    def prepared(self, **values: object) -> tuple[str, list[Any]]:
        """Return the statement with these values in the slots."""
        own = this_connection()
        sql, params = self._plan(own)
        return sql, _filled(params, values, own)


class Update(_Change):
    """New values for columns of rows, all in one statement."""

    def __init__(self, change: Callable[[], tuple[models.QuerySet[Any], Mapping[str, Any]]]) -> None:
        super().__init__()
        self._change = change

    def _compile(self, own: Any) -> _Writing:
        queryset, changes = self._change()
        query: Any = queryset.query.chain(UpdateQuery)
        query.clear_ordering(force=True)
        field_of = queryset.model._meta.get_field  # noqa: SLF001 - documented
        query.add_update_values(
            {
                name: Slot(value.name, field_of(name)) if isinstance(value, Slot) else value
                for name, value in changes.items()
            }
        )
        return _Writing(*query.get_compiler(connection=own).as_sql())


class Delete(_Change):
    """The end of rows that nothing else refers to, all in one statement."""

    def __init__(self, rows: Callable[[], models.QuerySet[Any]]) -> None:
        super().__init__()
        self._rows = rows

    def _compile(self, own: Any) -> _Writing:
        query: Any = self._rows().query.chain(DeleteQuery)
        query.clear_ordering(force=True)
        return _Writing(*query.get_compiler(connection=own).as_sql())


class Insert(Generic[Model]):
    """New rows of a model. Of rows that are there already, by primary key, it writes the columns named instead."""

    def __init__(self, model: type[Model], *, over: Sequence[str] = (), unless_there: bool = False) -> None:
        self._model, self._over, self._unless_there = model, over, unless_there

    def run(self, rows: Sequence[Model]) -> int:
        """Write the rows; return how many were written. With `unless_there`, one that is there already is not.

        The numbers that the database gives as keys are not read back.
        """
        if not rows:
            return 0
        at_once = MOST_VALUES // len(self._fields)
        if len(rows) > at_once:
            with transaction.atomic(savepoint=False):
                return sum(self.run(rows[first : first + at_once]) for first in range(0, len(rows), at_once))
        places = ", ".join([f"({', '.join(['%s'] * len(self._fields))})"] * len(rows))
        return self._written(rows, f"{self._into} VALUES {places}{self._or_else}", self._values(rows))

    def run_where(self, change: Update, rows: Sequence[Model], **values: object) -> bool:
        """Write the rows if a change finds its row, both or neither; return whether it did.

        One statement where the database changes and writes in one; else a transaction.
        """
        if this_connection().vendor != "postgresql":
            with transaction.atomic():
                return change.run(**values) > 0 and self.run(rows) > 0
        changing, params = change.prepared(**values)
        each = f"SELECT {', '.join(self._typed)} WHERE EXISTS (SELECT 1 FROM changed)"  # noqa: S608
        places = " UNION ALL ".join([each] * len(rows))
        sql = f"WITH changed AS ({changing} RETURNING 1) {self._into} {places}{self._or_else}"
        return self._written(rows, sql, [*params, *self._values(rows)]) > 0

    def _values(self, rows: Sequence[Model]) -> list[Any]:
        own = this_connection()
        return [field.get_db_prep_save(field.pre_save(row, add=True), own) for row in rows for field in self._fields]

    def _written(self, rows: Sequence[Model], sql: str, values: Sequence[Any]) -> int:
        with writing() as cursor:
            cursor.execute(sql, values)
            written: int = cursor.rowcount
        if written == len(rows):
            for row in rows:
                row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001 - documented
        return written

    @functools.cached_property
    def _fields(self) -> list[Any]:
        of_model = self._model._meta  # noqa: SLF001 - documented
        return [field for field in of_model.concrete_fields if not isinstance(field, models.AutoField)]

    @functools.cached_property
    def _typed(self) -> list[str]:
        return [f"%s::{bare_type(field)}" for field in self._fields]

    @functools.cached_property
    def _into(self) -> str:
        quoted = this_connection().ops.quote_name
        columns = ", ".join(quoted(field.column) for field in self._fields)
        return f"INSERT INTO {quoted(self._model._meta.db_table)} ({columns})"  # noqa: SLF001 - documented

    @functools.cached_property
    def _or_else(self) -> str:
        if self._unless_there:
            return " ON CONFLICT DO NOTHING"
        if not self._over:
            return ""
        of_model: Any = self._model._meta  # noqa: SLF001 - documented
        quoted = this_connection().ops.quote_name
        over = [quoted(of_model.get_field(name).column) for name in self._over]
        changes = ", ".join(f"{column} = EXCLUDED.{column}" for column in over)
        return f" ON CONFLICT ({quoted(of_model.pk.column)}) DO UPDATE SET {changes}"


def this_connection() -> Any:
    """Return this thread's connection itself: Django's `connection` looks for it each time that it is used."""
    return connections[DEFAULT_DB_ALIAS]


def bare_type(field: Any) -> str:
    """Return what type a value for a column is told to be: without the length, or too long a one would be cut off."""
    kind: str = field.db_type(this_connection()).partition("(")[0]
    return kind


@contextlib.contextmanager
def writing() -> Iterator[Any]:
    """Yield a cursor for a statement that changes something; one that fails spoils the transaction it is in."""
    with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS), this_connection().cursor() as cursor:
        yield cursor


MOST_VALUES = 32_766
"""How many values SQLite takes in one statement; PostgreSQL takes twice as many."""
_BY_TYPE: tuple[tuple[type, Any], ...] = (
    (uuid.UUID, models.UUIDField()),
    (datetime.datetime, models.DateTimeField()),
)
"""How values are stored that a condition is given, where a database has no type for them."""


def _filled(params: Sequence[Any], values: Mapping[str, Any], own: Any) -> list[Any]:
    return [_stored(param, values[param.name], own) if isinstance(param, _Hole) else param for param in params]


def _stored(hole: _Hole, value: Any, own: Any) -> Any:
    if hole.column is not None:
        return hole.column.get_db_prep_save(value, own)
    field = next((field for kind, field in _BY_TYPE if isinstance(value, kind)), None)
    return value if field is None else field.get_db_prep_value(value, own)
