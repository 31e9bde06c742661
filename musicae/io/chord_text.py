"""Chords written in bars, as in ``G | C D7 | G/B % | N.C. | D``, placed on the steps of a piece.

``|`` separates bars, and each line of a text begins a new bar. The chords of a bar share its beats,
or state how many beats they last (``G:3 D:1``). ``%`` alone in a bar repeats the previous bar. Next
to other chords, ``%``, ``.`` and ``/`` hold the previous chord. ``?`` leaves its beats free; in
``N.C.`` the voices rest. The text begins with the first full bar; ``5:`` before a bar goes to bar
5, ``0:`` to the pickup. Lines that begin with ``#`` are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from musicae.core.chorale import Chorale
from musicae.core.constants import DOTTED_QUARTER
from musicae.core.errors import ChoraleError
from musicae.core.meter import Measure

FREE = "?"
NO_CHORD = "N.C."
CHORDS = "chords"
REPEAT = "%"
HOLDS = (REPEAT, ".", "/")
"""Signs that hold the previous chord, next to other chords of a bar."""
BARS_A_LINE = 4
ROUNDED = 0.005
"""How far a length may be from whole sixteenths, in beats. A third of a beat, as a decimal, is not
exact."""
_NO_CHORDS = ("n.c.", "n.c", "nc")
"""Spellings of ``NO_CHORD``, in lower case."""
_NUMBER = re.compile(r"\s*(\d{1,5}):(?=\s|$|[^\d])\s*")
_LASTING = re.compile(r"(.+?)(?::(\d{1,3}(?:\.\d{1,3})?))?")


class PlacedChord(NamedTuple):
    """A chord as it is written, ``NO_CHORD`` or ``FREE``, with its place in steps."""

    start: int
    length: int
    text: str

    @property
    def stop(self) -> int:
        """The step after its last step."""
        return self.start + self.length


class _Bar(NamedTuple):
    """The chords of a bar, as they are written."""

    number: int
    words: tuple[str, ...]
    what: str
    """What messages call them: chords or figures."""

    def __str__(self) -> str:
        return f"{self.what} of bar {self.number} ({' '.join(self.words)!r})"


def placed_chords(text: str, chorale: Chorale, what: str = CHORDS) -> tuple[PlacedChord, ...]:
    """The chords of a text in bars, placed on the steps of a piece.

    ``what`` is the word for them in messages. Raises ChoraleError, with the bar, if a bar does not
    exist or its chords do not fill it.

    >>> from musicae.core.meter import Meter
    >>> waltz = Chorale.from_notes([[(0, 12, 67), (12, 12, 69)]], meters=(Meter(0, 3, 4),))
    >>> [(chord.start, chord.text) for chord in placed_chords("G | D7 A", waltz)]
    [(0, 'G'), (12, 'D7'), (20, 'A')]
    """
    found: list[PlacedChord] = []
    first = 0 if chorale.pickup else 1
    taken: set[int] = set()
    for bar in _bars(text, what):
        if not first <= bar.number <= chorale.bar_count:
            hint = "; the pickup is bar 0: write 0: before its chords" if chorale.pickup else ""
            raise ChoraleError(f"{bar}: the melody has bars {first} to {chorale.bar_count}{hint}")
        if bar.number in taken:
            raise ChoraleError(f"{bar}: the bar has {what} already; write it once")
        taken.add(bar.number)
        measure = chorale.measures[bar.number - first]
        _place(found, bar, measure, is_pickup=chorale.pickup > 0 and bar.number == 0)
    if not found:
        example = "G | C D7 | G" if what == CHORDS else "6 | 7 6 | #"
        raise ChoraleError(f"there are no {what}; write them like '{example}'")
    return tuple(found)


def _bars(text: str, what: str) -> Iterator[_Bar]:
    """The numbered bars of a text. A bar that repeats the previous one has its chords."""
    number, before = 0, tuple[str, ...]()
    for line in filter(None, map(str.strip, text.splitlines())):
        if what == CHORDS and line.startswith("#"):  # elsewhere it is a sharp
            continue
        if re.search(r"\|:|:\|", line):
            raise ChoraleError(
                f"{line!r} has a repeat sign; write the bars out, or % for a bar like the one"
                " before it"
            )
        cells = re.split(r"\[?\|+\]?", line)
        cells = cells[not cells[0].strip() : len(cells) - (not cells[-1].strip())]
        for cell in cells:
            jump = _NUMBER.match(cell)
            number = int(jump[1]) if jump else number + 1
            words = tuple(cell[jump.end() if jump else 0 :].split())
            if not words:
                raise ChoraleError(
                    f"{what} of bar {number}: the bar is empty; write ? to leave it free"
                )
            if words == (REPEAT,):
                if not before:
                    raise ChoraleError(
                        f"{what} of bar {number}: % repeats the bar before it, but this is the"
                        " first bar"
                    )
                words = before
            before = words
            yield _Bar(number, words, what)


def _parted(word: str) -> tuple[str, float | None]:
    """A chord of a bar and its stated length in beats: ``G:3`` is ``G`` and 3.0."""
    found = _LASTING.fullmatch(word)
    assert found  # no word is empty
    return normal(found[1]), None if found[2] is None else float(found[2])


def _place(found: list[PlacedChord], bar: _Bar, measure: Measure, is_pickup: bool) -> None:
    """Append the chords of a bar to ``found``; the signs of ``HOLDS`` lengthen the last chord."""
    length = measure.length if is_pickup else measure.meter.steps_per_bar
    beat = measure.meter.steps_per_beat
    stated = sum(_steps(bar, word, beat) or 0 for word in bar.words)
    if stated == measure.length and all(_steps(bar, word, beat) for word in bar.words):
        length = stated  # the chords fill a bar that is cut short
    lengths = _lengths(bar, length, beat)
    start, end = measure.start, measure.start + measure.length
    for word, lasts in zip(bar.words, lengths, strict=True):
        name, _ = _parted(word)
        last = min(start + lasts, end)
        if start >= end:
            raise ChoraleError(f"{bar}: the bar is cut short, and {name} comes after its end")
        if name in HOLDS:
            if not found or found[-1].stop != start:
                raise ChoraleError(
                    f"{bar}: {name} holds the chord before it, but no chord comes before it"
                )
            found[-1] = found[-1]._replace(length=last - found[-1].start)
        else:
            found.append(PlacedChord(start, last - start, name))
        start = last


def _lengths(bar: _Bar, length: int, beat: float) -> list[int]:
    """The length of each word of a bar, in steps. Raises ChoraleError if they do not fill it."""
    stated = [_steps(bar, word, beat) for word in bar.words]
    rest = length - sum(steps or 0 for steps in stated)
    others = stated.count(None)
    if rest < 0 or (others == 0 and rest > 0):
        raise ChoraleError(
            f"{bar}: they last {(length - rest) / beat:g} beats, but the bar has {length / beat:g}"
        )
    shares = iter(shared(rest, others, beat))
    try:
        return [next(shares) if steps is None else steps for steps in stated]
    except StopIteration:
        raise ChoraleError(f"{bar}: the bar has no time for all of them") from None


def _steps(bar: _Bar, word: str, beat: float) -> int | None:
    """The stated length of a word in steps, if any. Raises ChoraleError if it is not whole."""
    _, beats = _parted(word)
    if beats is None:
        return None
    steps = round(beats * beat)
    if steps < 1 or abs(steps - beats * beat) > ROUNDED * beat:
        raise ChoraleError(f"{bar}: {word} does not last whole sixteenths")
    return steps


def shared(length: int, count: int, beat: float) -> list[int]:
    """Divide ``length`` steps among ``count`` chords: whole beats, the first chords longer.

    More chords than beats share halves of beats (thirds of dotted beats), or sixteenths. More
    chords than sixteenths give an empty list.

    >>> shared(16, 3, 4), shared(12, 2, 4), shared(12, 3, 6), shared(8, 4, 4)
    ([8, 4, 4], [8, 4], [4, 4, 4], [2, 2, 2, 2])
    """
    if not count:
        return []
    divisors = (1, 3, 6) if beat == DOTTED_QUARTER else (1, 2, 4)
    for unit in (beat / divisor for divisor in divisors):
        if unit >= 1 and length % unit == 0 and length // unit >= count:
            each, more = divmod(int(length // unit), count)
            return [int(unit) * (each + (i < more)) for i in range(count)]
    return [length // count + (i < length % count) for i in range(count)] if length >= count else []


def chord_text(chords: Sequence[PlacedChord], chorale: Chorale) -> str:
    """Write chords as a text in bars, four bars a line; ``placed_chords`` reads it back.

    The chords must follow each other without gaps. A chord that lasts over a bar line is written
    again in the next bar.
    """
    bars = []
    for index, measure in enumerate(chorale.measures):
        end = measure.start + measure.length
        here = [c for c in chords if c.start < end and c.stop > measure.start]
        lengths = [min(c.stop, end) - max(c.start, measure.start) for c in here]
        meter = measure.meter
        plain = len(here) == 1 or lengths == shared(
            meter.steps_per_bar, len(here), meter.steps_per_beat
        )
        words = [
            chord.text if plain else f"{chord.text}:{round(length / meter.steps_per_beat, 3):g}"
            for chord, length in zip(here, lengths, strict=True)
        ]
        pickup = index == 0 and chorale.pickup > 0
        bars.append(("0: " if pickup else "") + " ".join(words))
    first = 1 if chorale.pickup else 0
    cuts = [0, *range(first + BARS_A_LINE, len(bars), BARS_A_LINE), len(bars)]
    return "\n".join(" | ".join(bars[a:b]) for a, b in pairwise(cuts))


def in_order(marks: Iterable[tuple[int, str]], steps: int) -> tuple[PlacedChord, ...]:
    """Chords from (step, text), each until the next one or the end; the first of several at a step.

    >>> in_order([(8, "D7"), (0, "G"), (8, "D")], 16)
    (PlacedChord(start=0, length=8, text='G'), PlacedChord(start=8, length=8, text='D7'))
    """
    first: dict[int, str] = {}
    for step, text in marks:
        if step < steps:
            first.setdefault(step, text)
    starts = [*sorted(first), steps]
    return tuple(PlacedChord(a, b - a, first[a]) for a, b in pairwise(starts))


def normal(text: str) -> str:
    """A chord without spaces around it; every spelling of "no chord" becomes ``NO_CHORD``."""
    plain = text.strip()
    return NO_CHORD if plain.lower() in _NO_CHORDS else plain


def is_german(texts: Iterable[str]) -> bool:
    """Whether chords have German names: if any has an H, B means B flat."""
    return any(re.search(r"(^|/)H", text) for text in texts)
