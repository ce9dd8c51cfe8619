"""Pieces that several tables share."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import orjson
from django.db import models
from django.db.models.expressions import Col
from django.utils import timezone


class Row(models.Model):
    """A row with an id that means nothing and the time it was made."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True

    @property
    def noun(self) -> str:
        """Return what such a row is called in sentences."""
        return str(self._meta.verbose_name).removeprefix("volume ")


class StringsField(models.JSONField):
    """Texts by their keys, as clients label things; read faster than other JSON, for lists that show a thousand."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """Return what migrations keep of it: to the database it is JSON like any other."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return all of it, or as other JSON does one of its texts and what only Python takes for JSON."""
        if not (isinstance(expression, Col) and isinstance(value, str)):
            return super().from_db_value(value, expression, connection)
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return super().from_db_value(value, expression, connection)


class OrEmpty(models.Func):
    """A text as it is sorted and looked for: none is as the empty one, so that every row has a place in an index."""

    # The empty text is written out: a database that were given it as a value would not know the index by it.
    template = "COALESCE(%(expressions)s, '')"
    arity = 1


def word_field(words: type[StrEnum], **options: object) -> models.CharField[str, str]:
    """Return a column for one status word; `word_check` makes the database refuse others."""
    return models.CharField(max_length=32, choices=[(word.value, word.value) for word in words], **options)  # type: ignore[arg-type]


def word_check(table: str, column: str, words: type[StrEnum]) -> models.CheckConstraint:
    """Return the constraint that a column holds one of the words."""
    return models.CheckConstraint(
        name=f"{table}_{column}_is_known", condition=models.Q(**{f"{column}__in": [word.value for word in words]})
    )
