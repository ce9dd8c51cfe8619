"""Keeps in mind when something was missing that work cannot begin without."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

BEAT, BROKER = "beat", "broker"


class Absence(NamedTuple):
    """A time in which a place was empty, or who stood there had not begun to work; in Unix time."""

    began: float
    ended: float


class Watch:
    """Who was away when."""

    def __init__(self, *, recovery_seconds: float) -> None:
        self._recovery_seconds = recovery_seconds
        self._since: dict[str, float] = {}
        self._absences: dict[str, list[Absence]] = {}

    def gone(self, place: str) -> None:
        """Note that a place is empty from now on."""
        self._since.setdefault(place, time.time())

    def back(self, place: str) -> None:
        """Note that somebody works there again."""
        if place in self._since:
            self._absences.setdefault(place, []).append(Absence(self._since.pop(place), time.time()))

    def misses(self, place: str) -> bool:
        """Tell whether a place is empty now."""
        return place in self._since

    def outages(self, *, crews: Sequence[Sequence[str]]) -> list[tuple[datetime.datetime, datetime.datetime]]:
        """Return when no work could begin: beat or broker away, or all of a crew, one of which has to be there.

        Also for a while after: connections are made anew, and what was lost has to be sent again.
        """
        for place in list(self._since):
            self.back(place)
        alone = [absence for place in (BEAT, BROKER) for absence in self._absences.get(place, ())]
        together = [absence for crew in crews for absence in self._all_away(crew)]
        longer = [Absence(each.began, each.ended + self._recovery_seconds) for each in (*alone, *together)]
        return [(_time(each.began), _time(each.ended)) for each in _merged(longer)]

    def _all_away(self, crew: Sequence[str]) -> list[Absence]:
        found, *others = (self._absences.get(place, []) for place in crew)
        for other in others:
            found = [
                Absence(max(one.began, two.began), min(one.ended, two.ended))
                for one in found
                for two in other
                if max(one.began, two.began) < min(one.ended, two.ended)
            ]
        return found


def _merged(absences: Iterable[Absence]) -> list[Absence]:
    """Return the same times without overlaps."""
    found: list[Absence] = []
    for absence in sorted(absences):
        if found and absence.began <= found[-1].ended:
            found[-1] = Absence(found[-1].began, max(found[-1].ended, absence.ended))
        else:
            found.append(absence)
    return found


def _time(unix: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(unix, tz=datetime.UTC)
