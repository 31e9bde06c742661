"""Infer where the phrases of a melody end, from its long notes, rests, leaps and bars.

The method follows Temperley's grouper (*The Cognition of Basic Musical Structures*, 2001, ch. 3). A
note counts as an end for the time until the next one begins, phrases of the usual length and at
parallel places in the bar are preferred, and dynamic programming finds the best division. That a
leap divides too is from Cambouropoulos (*The Local Boundary Detection Model*, ICMC 2001). The
weights were chosen on the train side of Bach's chorales and on the melodies in ``data``, where few
false ends count for more than many right ones; ``benchmarks/voice_leading.py`` measures them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import N_VOICES
from musicae.core.meter import Measure, Meter

NO_PHRASES, INFER_PHRASES = "none", "infer"
"""The values of ``phrases`` that are not paths of files."""

# Points for the end of a phrase after a note.
_LONG = 1.25
"""For each doubling of the time to the next note, over the melody's mean."""
_REST = 3.0
"""For a rest of more than half a beat after the note; shorter ones are articulation."""
_STRONG = 1.25
"""For beginning on the first beat of a bar or on its middle one."""
_LEAP = 0.75
"""For a leap to the next note; ``_STEPWISE`` semitones are none."""
_STEPWISE_APPROACH = 0.25
"""For being reached by a step, or by the same pitch."""
_STEPWISE = 2
_WHOLE_BARS = 0.5
"""For a phrase after which the next one begins at the same place in the bar as it began itself;
once more where it lasts an even number of bars."""

# Points against it.
_EACH_END = 3.5
"""Against any end at all: a cadence within a phrase is worse than a phrase without one."""
_OFF_BEAT = 2.0
"""Against beginning between two beats."""
_LONGER, _SHORTER = 1.5, 2.5
"""For each doubling, and for each halving, of the usual length of a phrase."""

USUAL_BEATS = 8
"""A phrase usually lasts two bars of four beats or more, or four shorter ones; in bars of very many
beats, no more than twice so many beats."""
CLEAREST = 2.0
"""Doublings of the mean beyond which a longer note is no clearer an end."""
MOST_DOUBLINGS = 2.0
"""Of the usual length, up to which phrases are looked for; it makes the search linear in time."""


class _Place(NamedTuple):
    """A note of the melody as the search sees it; times are in steps."""

    begin: int
    next: int
    """The step of the next note, or of the end of the last one."""
    over: int
    """The same, with at most one bar of a rest counted."""
    bar: int
    """The length of a bar here."""
    usual: float
    """The usual length of a phrase here."""
    end: float | None
    """Points for an end here, without those for the phrase's length; None where none can be."""


def infer(chorale: Chorale) -> tuple[int, ...]:
    """The steps at which the last notes of phrases begin, in the highest voice that sounds.

    In order, the last note always among them; empty where nothing sounds. Time is linear in the
    number of notes.

    >>> rise, fall = [(0, 4, 60), (4, 4, 62), (8, 8, 64)], [(16, 4, 64), (20, 4, 62), (24, 8, 60)]
    >>> song = [(step + 32 * i, n, p) for i in range(2) for step, n, p in rise + fall]
    >>> infer(Chorale.from_notes([song]))
    (24, 56)
    """
    places = _places(chorale)
    if not places:
        return ()
    best: dict[int, tuple[float, int | None]] = {}
    """For ends by their index: the points of the best division up to there, the end before."""
    ends: list[int] = []
    for index, place in enumerate(places):
        if place.end is None:
            continue
        best[index] = max(_divisions(places, place, ends, best), key=lambda found: found[0])
        ends.append(index)
    last: int | None = ends[-1]
    found = []
    while last is not None:
        found.append(places[last].begin)
        last = best[last][1]
    return tuple(reversed(found))


def melody_of(chorale: Chorale) -> list[Note]:
    """The notes of the highest voice that sounds; empty where none does."""
    return next((notes for v in range(N_VOICES) if (notes := chorale.notes(v))), [])


# Inferring


def _places(chorale: Chorale) -> list[_Place]:
    """The melody's notes with the points for a phrase to end on each."""
    notes = melody_of(chorale)
    nexts = [note.step for note in notes[1:]] + [n.step + n.duration for n in notes[-1:]]
    around = _bars_of(chorale, notes)
    overs = [
        min(following, note.step + note.duration + bar.meter.steps_per_bar)
        for note, following, bar in zip(notes, nexts, around, strict=True)
    ]
    mean = sum(over - n.step for n, over in zip(notes, overs, strict=True)) / max(1, len(notes))
    places = []
    for i, (note, over, bar) in enumerate(zip(notes, overs, around, strict=True)):
        meter = bar.meter
        into = steps_into_bar(chorale, bar, note.step)
        on_beat = into % meter.steps_per_beat == 0
        end: float | None = None
        if on_beat or over - note.step >= meter.steps_per_beat or note is notes[-1]:
            end = _LONG * min(CLEAREST, math.log2((over - note.step) / mean)) - _EACH_END
            end += _REST * (nexts[i] - note.step - note.duration > meter.steps_per_beat / 2)
            end += _STRONG * (into in _strong(meter))
            end -= _OFF_BEAT * (not on_beat)
            end += _LEAP * (_interval(notes[i : i + 2]) > _STEPWISE)
            end += _STEPWISE_APPROACH * (i > 0 and _interval(notes[i - 1 : i + 1]) <= _STEPWISE)
        few = 2 * meter.steps_per_bar < USUAL_BEATS * meter.steps_per_beat
        bars = (4 if few else 2) * meter.steps_per_bar
        usual = min(bars, 2 * USUAL_BEATS * meter.steps_per_beat)
        places.append(_Place(note.step, nexts[i], over, meter.steps_per_bar, usual, end))
    return places


def _divisions(
    places: Sequence[_Place],
    place: _Place,
    ends: Sequence[int],
    best: dict[int, tuple[float, int | None]],
) -> Iterable[tuple[float, int | None]]:
    """For each near end before a place: the points of the phrase between them, and that end."""
    assert place.end is not None
    near = False
    for before in chain(reversed(ends), (None,)):
        begin = places[0 if before is None else before + 1].begin
        doublings = math.log2((place.over - begin) / place.usual)
        if doublings > MOST_DOUBLINGS and near:
            return
        near = True
        points = place.end + (best[before][0] if before is not None else 0.0)
        points -= _LONGER * doublings if doublings > 0 else -_SHORTER * doublings
        bars, rest = divmod(place.next - begin, place.bar)
        if rest == 0:
            points += _WHOLE_BARS * (2 if bars % 2 == 0 else 1)
        yield points, before


def _interval(notes: Sequence[Note]) -> int:
    """Semitones from the first note to the last."""
    return abs(notes[-1].pitch - notes[0].pitch)


def _strong(meter: Meter) -> tuple[float, ...]:
    """Strong beats, in steps from the bar line: the first and, of an even number, the middle."""
    beats = meter.steps_per_bar / meter.steps_per_beat
    return (0, meter.steps_per_bar / 2) if beats % 2 == 0 else (0,)


# Bars


def _bars_of(chorale: Chorale, notes: Iterable[Note]) -> list[Measure]:
    """The bar in which each note begins."""
    return [chorale.measures[chorale.measure_index(note.step)] for note in notes]


def steps_into_bar(chorale: Chorale, bar: Measure, step: int) -> int:
    """How many steps after the beginning of its bar a step is; a pickup is the end of a bar."""
    missing = bar.meter.steps_per_bar - chorale.pickup if not bar.start and chorale.pickup else 0
    return step - bar.start + missing
