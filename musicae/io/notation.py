"""How a chorale is notated: the symbols, ties and beams of each bar.

This is independent of file formats; everything that engraves a chorale uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import REST, STEPS_PER_QUARTER
from musicae.core.meter import Measure, Meter

PLAIN = (1, 2, 4, 8, 16, 32)
DOTTED = (3, 6, 12, 24)
"""The lengths that one symbol can have, from a sixteenth to a breve, in steps."""


Beam = Literal["start", "continue", "stop", "hook left", "hook right"]


class Symbol(NamedTuple):
    """A note head or a rest of one voice."""

    step: int
    length: int
    """In steps; a length of ``PLAIN`` or ``DOTTED``, unless it is a whole-bar rest."""
    pitch: int
    """The MIDI pitch, or ``REST``."""
    note_step: int
    """The onset of its note, in steps; before ``step`` if it is tied to the previous symbol."""
    tied_before: bool = False
    tied_after: bool = False
    whole_bar: bool = False
    beams: tuple[Beam, ...] = ()
    """Its part of the beam at each level, that of eighths first."""


def bars_of_symbols(
    chorale: Chorale, voice: int, measures: Sequence[Measure] | None = None
) -> list[list[Symbol]]:
    """The symbols of a voice for each measure, by default for each of ``chorale.measures``.

    >>> tune = Chorale.from_notes([[(0, 4, 60), (4, 14, 62), (18, 14, 64)]])
    >>> [[symbol.length for symbol in bar] for bar in bars_of_symbols(tune, 0)]
    [[4, 12], [2, 6, 8]]
    """
    spans = _spans(chorale, voice)
    return [_symbols(chorale, measure, spans) for measure in measures or chorale.measures]


def _spans(chorale: Chorale, voice: int) -> list[Note]:
    """The notes of a voice, and the silences between them with the pitch ``REST``."""
    spans: list[Note] = []
    reached = 0
    for note in [*chorale.notes(voice), Note(len(chorale), 0, REST)]:
        if note.step > reached:
            spans.append(Note(reached, note.step - reached, REST))
        spans.append(note)
        reached = note.step + note.duration
    return spans[:-1]


def _symbols(chorale: Chorale, measure: Measure, spans: Sequence[Note]) -> list[Symbol]:
    meter = measure.meter
    stop = measure.start + measure.length
    # A pickup is the end of a bar, so its beats count from where a full bar would begin.
    is_pickup = chorale.pickup and measure.start == 0
    bar_line = stop - meter.steps_per_bar if is_pickup else measure.start
    symbols = []
    for span in spans:
        span_stop = span.step + span.duration
        begin, end = max(span.step, measure.start), min(span_stop, stop)
        if begin >= end:
            continue
        if span.pitch == REST and end - begin == measure.length == meter.steps_per_bar:
            symbols.append(Symbol(begin, measure.length, REST, begin, whole_bar=True))
            continue
        sounding = span.pitch != REST
        for length in lengths(begin - bar_line, end - bar_line, meter, sounding):
            before = sounding and begin > span.step
            after = sounding and begin + length < span_stop
            symbols.append(Symbol(begin, length, span.pitch, span.step, before, after))
            begin += length
    return _beamed(symbols, bar_line, meter)


def lengths(start: int, stop: int, meter: Meter, sounding: bool) -> list[int]:
    """Divide a span of a bar into lengths of one symbol each that do not hide the beat.

    ``start`` and ``stop`` are steps from the bar line; a silence is divided more often than a
    ``sounding`` note.

    >>> lengths(2, 12, Meter(0, 4, 4), sounding=True)  # tied over the middle of the bar
    [6, 4]
    >>> lengths(4, 12, Meter(0, 4, 4), sounding=True)  # a half note between two quarters
    [8]
    >>> lengths(4, 12, Meter(0, 4, 4), sounding=False)  # but two quarter rests
    [4, 4]
    """
    if _is_one_symbol(start, stop - start, meter, sounding):
        return [stop - start]
    for period in _periods(meter):
        strong = range((start // period + 1) * period, stop, period)
        if strong:
            # From a strong point, the longest possible symbol; else up to the next strong point.
            ahead = reversed(strong) if start % period == 0 else ()
            one = (cut for cut in ahead if _is_one_symbol(start, cut - start, meter, sounding))
            cut = next(one, strong[0])
            return lengths(start, cut, meter, sounding) + lengths(cut, stop, meter, sounding)
    raise AssertionError("a single step is always one symbol")


def _periods(meter: Meter) -> list[int]:
    """The distances in steps between strong points of a bar, the strongest first."""
    beat = max(1, int(meter.steps_per_beat))
    periods = [2 * beat] if meter.steps_per_bar % (4 * beat) == 0 else []
    while beat >= 1:
        periods.append(beat)
        beat = beat // 3 if beat % 3 == 0 else beat // 2
    return periods


def _is_one_symbol(start: int, length: int, meter: Meter, sounding: bool) -> bool:
    """Whether one symbol can have this length at this place in a bar, without hiding the beat."""
    beat = int(meter.steps_per_beat)
    if beat and beat % 3 == 0:
        if start % beat + length > beat or length == beat:  # one dotted beat or more
            return start % beat == 0 and length in (beat, 2 * beat, 4 * beat)
        start %= beat
    if length in PLAIN:
        return start % (max(1, length // 2) if sounding else length) == 0
    unit = length // 3
    on_beat, after_beat = start % (2 * unit) == 0, start % (4 * unit) == unit
    return sounding and length in DOTTED and (on_beat or after_beat)


def _beamed(symbols: Sequence[Symbol], bar_line: int, meter: Meter) -> list[Symbol]:
    """The symbols of a bar, with beams over the eighths and sixteenths of each beat."""
    beat = int(meter.steps_per_beat)
    group = beat if beat and beat % 3 == 0 else STEPS_PER_QUARTER
    if meter.steps_per_bar <= 6:  # a bar of 3/8 is one group
        group = meter.steps_per_bar

    def joined(a: int, b: int, level: int) -> bool:
        """Whether neighbours share a beam of a level: 0 for eighths, 1 for sixteenths."""
        if not 0 <= a < b < len(symbols):
            return False
        of_level = all(
            symbols[i].pitch != REST and symbols[i].length <= (3, 1)[level] for i in (a, b)
        )
        begins = ((symbols[i].step - bar_line) // group for i in (a, b))
        return of_level and len(set(begins)) == 1

    beamed = []
    for i, symbol in enumerate(symbols):
        beams: list[Beam] = []
        in_group = joined(i - 1, i, 0), joined(i, i + 1, 0)
        for level in range(2 if symbol.length == 1 else 1):
            before, after = joined(i - 1, i, level), joined(i, i + 1, level)
            if before or after:
                beams.append("continue" if before and after else "start" if after else "stop")
            elif any(in_group):
                beams.append("hook left" if in_group[0] else "hook right")
        beamed.append(symbol._replace(beams=tuple(beams)))
    return beamed
