"""``Request``: the voice of a melody, the voices that stay and the bars to rewrite."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from musicae.core.chorale import Chorale
from musicae.core.constants import VOICES
from musicae.core.errors import ChoraleError

_NO_VOICE = "none"
"""The text for a lock of no voice."""


@dataclass(frozen=True)
class Request:
    """The voices that stay, and the bars in which the others are written."""

    voice: int | None = None
    """The voice of a single given part, 0 soprano to 3 bass."""
    lock: tuple[int, ...] | None = None
    """The voices that stay; None if the parts in the file decide."""
    bars: tuple[int, int] | None = None
    """The first and the last bar to rewrite; a pickup is bar 0. None for the whole piece."""

    @classmethod
    def parse(
        cls,
        voice: str | None = None,
        lock: Sequence[str] | str | None = None,
        bars: tuple[int, int] | str | None = None,
    ) -> Request:
        """The request from texts: ``"bass"``; ``"soprano,bass"``, ``"none"``; ``"5-8"``, ``"5"``.

        Raises ChoraleError if a name is unknown or the arguments contradict each other.

        >>> Request.parse(lock="soprano,bass", bars="5-8")
        Request(voice=None, lock=(0, 3), bars=(5, 8))
        """
        if voice is not None and (lock is not None or bars is not None):
            raise ChoraleError(
                "--voice keeps one part and leaves out the others; with --bars, or to keep several"
                " voices, use --lock"
            )
        names = lock.split(",") if isinstance(lock, str) else lock
        if names is not None and [name.strip().lower() for name in names] == [_NO_VOICE]:
            names = ()
        if names is not None and not names and bars is None:
            raise ChoraleError(
                "with no voice locked there is nothing to harmonize; --lock none goes with --bars"
            )
        return cls(
            None if voice is None else voice_of(voice),
            None if names is None else tuple(sorted({voice_of(name) for name in names})),
            _bars_of(bars),
        )

    def as_dict(self) -> dict[str, Any]:
        """The fields that are not None, as texts that ``parse`` reads."""
        asked: dict[str, Any] = {}
        if self.voice is not None:
            asked["voice"] = VOICES[self.voice].lower()
        if self.lock is not None:
            asked["lock"] = [VOICES[v].lower() for v in self.lock] or _NO_VOICE
        if self.bars is not None:
            asked["bars"] = "-".join(str(bar) for bar in dict.fromkeys(self.bars))
        return asked

    def locked(self, there: Sequence[int]) -> tuple[int, ...]:
        """The voices that stay in the whole piece; ``there`` are the voices with notes."""
        if self.voice is not None:
            return (self.voice,)
        if self.lock is not None:
            return self.lock
        return tuple(there) if self.bars is None else tuple(v for v in there if v == 0)

    def region(self, chorale: Chorale) -> slice:
        """The steps that may be written. Raises ChoraleError if bars are not in the piece."""
        if self.bars is None:
            return slice(0, len(chorale))
        first, last = self.bars
        chorale.bars(first, last)
        number_of_first = 0 if chorale.pickup else 1
        begin, end = (chorale.measures[bar - number_of_first] for bar in (first, last))
        return slice(begin.start, end.start + end.length)


def voice_of(name: str) -> int:
    """The number of a voice, 0 soprano to 3 bass. Raises ChoraleError for another name."""
    voice = name.strip().capitalize()
    if voice not in VOICES:
        raise ChoraleError(f"no voice is called {name!r}; there are {', '.join(VOICES).lower()}")
    return VOICES.index(voice)


def _bars_of(bars: tuple[int, int] | str | None) -> tuple[int, int] | None:
    if not isinstance(bars, str):
        return bars
    found = re.fullmatch(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?", bars)
    if not found:
        raise ChoraleError(f"bars are written like 5-8 or 5, not {bars!r}")
    return int(found[1]), int(found[2] or found[1])
