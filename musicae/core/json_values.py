"""Validate JSON from untrusted sources: each value is as expected, or an error says why not.

A reader takes a value and its name for messages. It returns the value as Python works with it, or
raises ChoraleError. Readers of lists and objects are built from other readers.
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
"""The most characters of a wrong value that a message shows."""


def whole(low: int, high: int) -> Reader:
    """Read a whole number from ``low`` to ``high``.

    >>> whole(0, 127)(60, "a pitch")
    60
    """

    def read(value: Any, what: str) -> int:
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)  # some programs write whole numbers as 60.0
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _wrong(what, f"a whole number of {low} to {high}", value)
        return value

    return read


def decimal(low: float, high: float) -> Reader:
    """Read a finite number from ``low`` to ``high``."""

    def read(value: Any, what: str) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high or not math.isfinite(value):
            raise _wrong(what, f"a number of {low:g} to {high:g}", value)
        return value  # type: ignore[no-any-return]

    return read


def text(most: int) -> Reader:
    """Read a text of at most ``most`` characters."""

    def read(value: Any, what: str) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise _wrong(what, f"a text of at most {most:,} characters", value)
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ChoraleError(f"{what} has characters that cannot be written to a file")
        return value

    return read


def maybe(reader: Reader) -> Reader:
    """Read null as None; read everything else with ``reader``."""

    def read(value: Any, what: str) -> Any:
        return None if value is None else reader(value, what)

    return read


def listed(reader: Reader, most: int) -> Reader:
    """Read a list of at most ``most`` values as a tuple."""

    def read(value: Any, what: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) > most:
            raise _wrong(what, f"a list of at most {most:,}", value)
        return tuple(reader(each, f"{what}, number {i}") for i, each in enumerate(value, 1))

    return read


def row(
    *, least: int | None = None, cls: Callable[..., Any] | None = None, **readers: Reader
) -> Reader:
    """Read a list with one reader per value; the readers' names stand in messages.

    The first ``least`` values must be present; by default all. The result is a ``cls`` made from
    the values, by default a tuple.
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
    """Read an object as a dataclass, with one reader per field.

    Fields that have defaults may be missing. Unknown fields raise ChoraleError.
    """
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
