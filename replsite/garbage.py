"""Python's search for garbage that goes in circles, set for processes that load much and then run for weeks."""

from __future__ import annotations

import gc

_YOUNG = 10_000
"""How many new containers start a search. Python's 700 are there again several times in a single page of a list."""


def settle() -> None:
    """Search what is loaded by now no more, and what is new less often.

    A search through everything held up all threads of a web process for 0.1 s, with every seventh long list asked for.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 5, 5)
