"""The form of a piece: its phrases, which of them return, and the form as letters, such as AABA."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Bools, Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST, SOPRANO
from musicae.core.errors import ChoraleError

FEWEST_NOTES = 3
"""The fewest soprano notes of a return."""
MOST_PHRASES = 32
"""The most phrases of a form that a user can ask for."""
PRIMES = {ord(sign): "'" for sign in "\u2019\u2032`"}
"""Signs that are read as a prime; word processors write them."""
EVERY_VOICE = tuple(range(N_VOICES))


class Return(NamedTuple):
    """A passage, ``start`` to ``stop - 1``, that repeats the one from ``source`` in some voices.

    In these voices the same pitches sound and the same notes begin. A lower voice may hold a note
    over ``start``.
    """

    start: int
    """The first step of the later passage."""
    stop: int
    """The step after the later passage."""
    source: int
    """The first step of the earlier passage, which ends before the later one begins."""
    voices: tuple[int, ...]
    """The voices that are the same in both passages, ascending."""


class FormPhrase(NamedTuple):
    """A phrase of a form in letters."""

    source: int | None
    """The index of the first phrase with the same letter; None for a new letter."""
    varied: bool
    """Whether the letter has a prime."""


class _Span(NamedTuple):
    """A phrase: its first step, the step at which its last note begins, the step after it."""

    start: int
    end: int
    stop: int


def returns_of(chorale: Chorale, ends: Sequence[int]) -> tuple[Return, ...]:
    """The passages of a piece in which phrases return, in order of time; they do not overlap.

    ``ends`` are the steps at which the last notes of phrases begin, ascending; if it is empty,
    there are no returns. A phrase goes from the soprano's first note after the previous end to the
    end of its own last note, so an upbeat belongs to the phrase that follows it. Notes after the
    last end belong to no phrase.

    Two phrases are aligned by their first notes, their first bar lines or their last notes. A
    return is the longest run of steps at the same position in the bar in which the soprano is the
    same and not transposed; notes that the run would cut are left out. It has at least
    ``FEWEST_NOTES`` notes and covers more than half of both phrases, without counting their last
    notes: the beginning and the cadence may differ. If several earlier phrases match, the source is
    the one that agrees most in all voices.

    If all four voices agree for at least half of a run, but not for all of it, the run becomes up
    to three returns: before, during and after the agreement. None begins inside a soprano note.
    """
    spans = _spans(chorale, ends)
    places = _places(chorale)
    found: list[Return] = []
    for number, span in enumerate(spans):
        runs = [run for earlier in spans[:number] for run in _runs(chorale, places, earlier, span)]
        if runs:  # the first of the best ones: the earliest source
            start, stop, source = max(runs, key=lambda run: _agreement(chorale, *run))
            found += _parts(chorale, start, stop, source)
    return tuple(found)


def phrases_of(ends: Sequence[int], returns: Sequence[Return]) -> tuple[FormPhrase, ...]:
    """The form of a piece, one ``FormPhrase`` per phrase.

    ``ends`` are the steps at which the last notes of phrases begin; ``letters`` explains primes.
    """
    found: list[FormPhrase] = []
    for number, end in enumerate(ends):
        parts = [part for part in returns if bisect_left(ends, part.start) == number]
        if not parts:
            found.append(FormPhrase(None, False))
            continue
        longest = max(parts, key=lambda part: part.stop - part.start)
        earlier = bisect_left(ends, longest.source)
        exact = len(parts) == 1 and longest.voices == EVERY_VOICE and longest.stop > end
        source = found[earlier].source
        found.append(FormPhrase(earlier if source is None else source, not exact))
    return tuple(found)


def letters(phrases: Sequence[FormPhrase]) -> str:
    """A form as letters, one per phrase; phrases that return have the same letter.

    A prime marks a varied return: the lower voices differ somewhere, or the return stops before the
    phrase's last note, so that the cadence differs. A different beginning does not count. After
    ``Z`` comes ``A2``.

    >>> letters(phrases_of([24, 56, 88], [Return(64, 96, 0, (0, 1, 2, 3))]))
    'ABA'
    >>> letters(phrases_of([24, 56, 88], [Return(64, 80, 0, (0, 1, 2, 3))]))
    "ABA'"
    """
    named: list[str] = []
    count = 0
    for source, _ in phrases:
        if source is None:
            named.append(chr(ord("A") + count % 26) + str(count // 26 + 1) * (count >= 26))
            count += 1
        else:
            named.append(named[source])
    return "".join(
        letter + "'" * phrase.varied for letter, phrase in zip(named, phrases, strict=True)
    )


def parse_letters(text: str) -> tuple[FormPhrase, ...]:
    """Read a form such as ``AABA`` or ``AA'BA``: the inverse of ``letters``.

    Capital and small letters are the same, and the letters may come in any order. Spaces and
    hyphens are ignored. Raises ChoraleError if the text is no form, or a varied return comes before
    its letter.

    >>> [phrase.source for phrase in parse_letters("AABA")]
    [None, 0, None, 0]
    """
    plain = re.sub(r"[\s-]", "", text).upper().translate(PRIMES)
    cells = re.findall(r"([A-Z]\d*)('*)", plain)
    if not cells or "".join(letter + primes for letter, primes in cells) != plain:
        raise ChoraleError(
            f"{text!r} is not a form; write one letter per phrase, such as AABA or ABABCD,"
            " with a prime for a varied return: AA'BA"
        )
    if len(cells) > MOST_PHRASES:
        raise ChoraleError(f"a form has up to {MOST_PHRASES} phrases, not {len(cells)}")
    first: dict[str, int] = {}
    phrases = []
    for number, (letter, primes) in enumerate(cells):
        if primes and letter not in first:
            raise ChoraleError(f"{text!r}: {letter}' comes before any {letter}")
        phrases.append(FormPhrase(first.get(letter), bool(primes)))
        first.setdefault(letter, number)
    return tuple(phrases)


def _spans(chorale: Chorale, ends: Sequence[int]) -> list[_Span]:
    """The soprano's phrases, from the steps at which their last notes begin."""
    notes = chorale.notes(SOPRANO)
    begins = [note.step for note in notes]
    spans, first = [], 0
    for end in ends:
        last = bisect_right(begins, end) - 1
        if last >= first:
            stop = notes[last].step + notes[last].duration
            spans.append(_Span(begins[first], begins[last], stop))
            first = last + 1
    return spans


def _places(chorale: Chorale) -> Ints:
    """``(T, 2)`` for each step, the steps since its bar line and the length of a whole bar."""
    places = np.empty((len(chorale), 2), dtype=np.int64)
    for number, bar in enumerate(chorale.measures):
        whole = bar.meter.steps_per_bar
        missing = whole - bar.length if number == 0 and chorale.pickup else 0
        steps = slice(bar.start, bar.start + bar.length)
        places[steps, 0] = missing + np.arange(bar.length)
        places[steps, 1] = whole
    return places


def _runs(
    chorale: Chorale, places: Ints, earlier: _Span, later: _Span
) -> list[tuple[int, int, int]]:
    """Start, stop and source of each passage of ``later`` in which ``earlier`` returns."""
    shifts = [later.start - earlier.start, later.end - earlier.end]
    lines = [
        span.start + np.flatnonzero(places[span.start : span.stop, 0] == 0)
        for span in (earlier, later)
    ]
    if lines[0].size and lines[1].size:
        shifts.append(int(lines[1][0] - lines[0][0]))
    longer = max(later.end - later.start, earlier.end - earlier.start)
    runs = []
    for shift in dict.fromkeys(shifts):
        first = max(later.start, earlier.start + shift)
        beyond = min(later.stop, earlier.stop + shift)
        if beyond <= first:
            continue
        steps, before = slice(first, beyond), slice(first - shift, beyond - shift)
        same = _same(chorale, first, beyond, first - shift)[:, SOPRANO]
        same &= (places[steps] == places[before]).all(axis=1)
        start, stop = (first + step for step in _longest(same))
        start, stop = _uncut(chorale, start, stop, shift, later.end)
        notes = int(chorale.onset[start:stop, SOPRANO].sum())
        if 2 * (min(stop, later.end) - start) > longer and notes >= FEWEST_NOTES:
            runs.append((start, stop, start - shift))
    return runs


def _uncut(chorale: Chorale, start: int, stop: int, shift: int, end: int) -> tuple[int, int]:
    """Start and stop of a run without the soprano notes that it would cut, in either passage.

    The phrase's last note, which begins at ``end``, may be cut.
    """
    onset = chorale.onset[:, SOPRANO]
    sounding = chorale.pitch[:, SOPRANO] != REST
    while start < stop and sounding[start] and not onset[start]:
        start += 1
    held = any(
        step < len(chorale) and sounding[step] and not onset[step] for step in (stop, stop - shift)
    )
    if held and stop <= end:
        begins = np.flatnonzero(onset[start:stop])
        stop = start + int(begins[-1]) if begins.size else start
    return start, stop


def _parts(chorale: Chorale, start: int, stop: int, source: int) -> list[Return]:
    """A passage as one return, or as up to three if all voices agree for at least half of it."""
    same = _same(chorale, start, stop, source)
    together: Bools = np.all(same, axis=1)
    first, beyond = _longest(together)
    whole = len(same)
    held = (chorale.pitch[start:stop, SOPRANO] != REST) & ~chorale.onset[start:stop, SOPRANO]
    while first < beyond and held[first]:  # no part begins inside a note of the soprano
        first += 1
    while first < beyond < whole and held[beyond]:
        beyond -= 1
    cuts = [0, first, beyond, whole] if 2 * (beyond - first) >= whole else [0, whole]
    parts = []
    for begin, end in pairwise(cuts):
        if begin < end:
            voices = tuple(np.flatnonzero(same[begin:end].all(axis=0)).tolist())
            parts.append(Return(start + begin, start + end, source + begin, voices))
    return parts


def _same(chorale: Chorale, start: int, stop: int, source: int) -> Bools:
    """``(stop - start, V)`` whether each voice is the same as in the steps from ``source`` on."""
    later, earlier = slice(start, stop), slice(source, source + stop - start)
    same: Bools = (chorale.pitch[later] == chorale.pitch[earlier]) & (
        chorale.onset[later] == chorale.onset[earlier]
    )
    return same


def _agreement(chorale: Chorale, start: int, stop: int, source: int) -> int:
    """The number of steps, summed over the voices, that are the same as from ``source`` on."""
    return int(_same(chorale, start, stop, source).sum())


def _longest(values: Bools) -> tuple[int, int]:
    """Start and stop of the first longest run of True; both 0 if there is none."""
    changes = np.flatnonzero(np.diff(values.astype(np.int8), prepend=0, append=0))
    runs = [(int(a), int(b)) for a, b in changes.reshape(-1, 2)]
    return max(runs, key=lambda run: run[1] - run[0], default=(0, 0))
