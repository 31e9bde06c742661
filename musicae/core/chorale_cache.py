"""A cache for functions of a chorale."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

from musicae.core.chorale import Chorale

Found = TypeVar("Found")


def remembered(function: Callable[[Chorale], Found]) -> Callable[[Chorale], Found]:
    """Cache the last 8 results of a function of a chorale; spelling is a part of the cache key."""

    @lru_cache(maxsize=8)
    def known(chorale: Chorale, _spelling: bytes | None) -> Found:
        return function(chorale)

    @wraps(function)
    def of(chorale: Chorale) -> Found:
        return known(chorale, None if chorale.places is None else chorale.places.tobytes())

    return of
