"""New values for many rows, each row its own, in one statement.

Django's `bulk_update` makes a condition of every value of every row, and compiling that costs several times what the
database takes; a look at five hundred groups spent most of its time there. Here the values go along as a table, and
the text of the statement does not depend on them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models, transaction

from groups.compiled import MOST_VALUES, bare_type, this_connection, writing


def update(
    rows: Sequence[models.Model], fields: Sequence[str], *, still: Mapping[str, Sequence[object]] | None = None
) -> set[Any]:
    """Write these fields of each row as the row has them; return the primary keys of the rows written.

    `still` gives for a field the values, in the order of the rows, that the database must have yet: a row with
    another is left as it is. The rows written stay locked until the transaction ends. They are locked in the order of
    their keys, as everybody does who takes several: two who took them in other orders would wait for each other.
    """
    still = still or {}
    at_once = MOST_VALUES // (1 + len(fields) + len(still))
    if len(rows) > at_once:
        with transaction.atomic(savepoint=False):
            parts = range(0, len(rows), at_once)
            return set().union(*(_update(rows, fields, still, part=slice(at, at + at_once)) for at in parts))
    return _update(rows, fields, still, part=slice(None)) if rows else set()


def _update(
    rows: Sequence[models.Model], fields: Sequence[str], still: Mapping[str, Sequence[object]], *, part: slice
) -> set[Any]:
    own = this_connection()
    of_model: Any = rows[0]._meta  # noqa: SLF001 - documented
    new = [of_model.get_field(name) for name in fields]
    old = [of_model.get_field(name) for name in still]
    columns = [
        [of_model.pk.get_db_prep_value(row.pk, own) for row in rows[part]],
        *([field.get_db_prep_save(field.pre_save(row, add=False), own) for row in rows[part]] for field in new),
        *([field.get_db_prep_value(value, own) for value in still[field.name][part]] for field in old),
    ]
    given, params = _table(own, [of_model.pk, *new, *old], columns)
    sql = _statement(own, of_model, given=given, new=new, old=old)
    with writing() as cursor:
        cursor.execute(sql, params)
        return {of_model.pk.to_python(key) for (key,) in cursor.fetchall()}


def _statement(own: Any, of_model: Any, *, given: str, new: Sequence[Any], old: Sequence[Any]) -> str:
    """Return the statement that takes its values from a table: the key, what is new, what must be so yet."""
    quoted = own.ops.quote_name
    table, key = quoted(of_model.db_table), quoted(of_model.pk.column)
    sets = ", ".join(f"{quoted(field.column)} = given.v{place}" for place, field in enumerate(new, start=1))
    same = [f"{table}.{quoted(field.column)} = given.v{place}" for place, field in enumerate(old, start=1 + len(new))]
    places = ", ".join(f"v{place}" for place in range(1 + len(new) + len(old)))
    tables, sources = [f"given ({places}) AS ({given})"], ["given"]
    if own.features.has_select_for_update:
        locked = f"SELECT {key} AS k FROM {table} WHERE {key} IN (SELECT v0 FROM given) ORDER BY k FOR UPDATE"  # noqa: S608
        tables.append(f"held AS ({locked})")
        sources.append("held")
        same.append("held.k = given.v0")
    return (
        f"WITH {', '.join(tables)} UPDATE {table} SET {sets} FROM {', '.join(sources)}"  # noqa: S608 - names alone
        f" WHERE {' AND '.join([f'{table}.{key} = given.v0', *same])} RETURNING {table}.{key}"
    )


def _table(own: Any, fields: Sequence[Any], columns: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Return the values as a table, and what fills it."""
    if own.vendor == "postgresql":
        # One list a column: the statement is the same however many rows there are, and is planned once.
        lists = ", ".join(f"%s::{bare_type(field)}[]" for field in fields)
        return f"SELECT * FROM UNNEST({lists})", [*columns]  # noqa: S608 - of types alone
    row = f"({', '.join(['%s'] * len(fields))})"
    by_row = itertools.chain.from_iterable(zip(*columns, strict=True))
    return f"VALUES {', '.join([row] * len(columns[0]))}", [*by_row]
