"""Read JSON that anybody may have written: each value is what it should be, or a sentence says why.

A reader takes a value and a name for it, and returns the value that Python works with, or raises
ChoraleError. Readers of lists and objects are made of others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from musicae.core.errors import ChoraleError

Reader = Callable[[Any, str], Any]
Found = TypeVar("Found")
SHOWN = 40
"""The most characters of a wrong value that a sentence shows."""


def whole(low: int, high: int) -> Reader:
    """A whole number of ``low`` to ``high``.

    >>> whole(0, 127)(60, "a pitch")
    60
    """

    def read(value: Any, what: str) -> int:
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)  # some writers of JSON have no whole numbers
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _wrong(what, f"a whole number of {low} to {high}", value)
        return value

    return read


def decimal(low: float, high: float) -> Reader:
    """A number of ``low`` to ``high``."""

    def read(value: Any, what: str) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high or not math.isfinite(value):
            raise _wrong(what, f"a number of {low:g} to {high:g}", value)
        return value  # type: ignore[no-any-return]

    return read


def text(most: int) -> Reader:
    """A text of at most so many characters."""

    def read(value: Any, what: str) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise _wrong(what, f"a text of at most {most:,} characters", value)
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ChoraleError(f"{what} has characters that no file can hold")
        return value

    return read


def maybe(reader: Reader) -> Reader:
    """What a reader reads, or null."""

    def read(value: Any, what: str) -> Any:
        return None if value is None else reader(value, what)

    return read


def listed(reader: Reader, most: int) -> Reader:
    """A list, as a tuple, of at most so many values."""

    def read(value: Any, what: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) > most:
            raise _wrong(what, f"a list of at most {most:,}", value)
        return tuple(reader(each, f"{what}, number {i}") for i, each in enumerate(value, 1))

    return read


def row(
    *, least: int | None = None, cls: Callable[..., Any] | None = None, **readers: Reader
) -> Reader:
    """A list of different values, named for messages; at ``least`` the first so many are there.

    It becomes a ``cls``, by default a tuple.
    """
    names = list(readers)
    few = len(names) if least is None else least

    def read(value: Any, what: str) -> Any:
        if not isinstance(value, list | tuple) or not few <= len(value) <= len(names):
            raise _wrong(what, f"a list: {', '.join(names)}", value)
        pairs = zip(names, value, strict=False)
        found = [readers[name](each, f"{what}: {name}") for name, each in pairs]
        return cls(*found) if cls else tuple(found)

    return read


def record(cls: Callable[..., Found], **readers: Reader) -> Callable[[Any, str], Found]:
    """An object as a dataclass; a field that has a default may be missing."""
    needed = [
        each.name
        for each in fields(cls)  # type: ignore[arg-type]
        if each.default is MISSING and each.default_factory is MISSING
    ]

    def read(value: Any, what: str) -> Found:
        if not isinstance(value, dict):
            raise _wrong(what, "an object", value)
        for name in value:
            if name not in readers:
                raise ChoraleError(
                    f"{what} has a field {_shown(name)}, which this version of musicae does not"
                    " know; was it written by a newer one?"
                )
        for name in needed:
            if name not in value:
                raise ChoraleError(f"{what} has no {name}")
        found = {name: readers[name](each, f"{what}: {name}") for name, each in value.items()}
        return cls(**found)

    return read


def _wrong(what: str, wanted: str, value: Any) -> ChoraleError:
    return ChoraleError(f"{what} is {wanted}, not {_shown(value)}")


def _shown(value: Any) -> str:
    """A value in a few characters, on one line."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**SHOWN:
        return "a number that is far too large"  # Python refuses to write some of them
    if isinstance(value, dict | list | tuple):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    shown = ascii(value[:SHOWN] if isinstance(value, str) else value)
    return shown if len(shown) <= SHOWN else shown[:SHOWN] + "..."
