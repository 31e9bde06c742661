"""A tune in ticks, with triplets and thirty-seconds, as a score to which other voices are added.

MusicXML needs note values. The notes of each quarter are drawn on one grid: sixteenths, a triplet's
sixteenths, or thirty-seconds. If they fit none of these, as a player's notes, they are drawn on the
nearest sixteenths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple
from xml.etree import ElementTree as ET

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, TICKS, TICKS_A_STEP
from musicae.core.errors import ChoraleError
from musicae.core.meter import Measure
from musicae.core.pitch import spelled_parts
from musicae.io.accidentals import Accidentals
from musicae.io.midi_file import Song
from musicae.io.musicxml_parts import read_score
from musicae.io.musicxml_writer import CLEFS, part_entry
from musicae.io.notation import lengths
from musicae.io.score_song import ScoreSong
from musicae.io.score_tracks import song_of
from musicae.io.written_score import (
    Bar,
    Clef,
    Head,
    KeySignature,
    Pace,
    Staff,
    Symbol,
    Time,
    Value,
    WrittenScore,
    value_of,
)
from musicae.io.written_tree import to_tree
from musicae.theory.spelling import places_near, spell

SIXTEENTH, THIRTY_SECOND, OF_TRIPLET = TICKS_A_STEP, TICKS_A_STEP // 2, TICKS // 6
BREATH = THIRTY_SECOND
"""The longest rest, in ticks, that is not drawn: the note before it is drawn up to the next."""
BEAMED = ("eighth", "16th", "32nd")
AFTER_BEAM = ("notations", "lyric")
"""Elements of a note that come after its beams."""


class DrawnNote(NamedTuple):
    """A note, or a silence with the pitch ``REST``, in ticks."""

    start: int
    end: int
    pitch: int


def drawn_notes(notes: Sequence[DrawnNote], length: int) -> list[DrawnNote]:
    """The notes of a tune at the times at which they are drawn; no two overlap.

    ``length`` is the end of the tune in ticks. The module describes the grids.

    >>> drawn_notes([DrawnNote(0, 8, 60), DrawnNote(8, 16, 62), DrawnNote(49, 71, 60)], 96)[1:]
    [DrawnNote(start=8, end=16, pitch=62), DrawnNote(start=48, end=72, pitch=60)]
    """
    starts, ends = defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)
    for note, later in zip(notes, [*notes[1:], None], strict=True):
        starts[note.start // TICKS].append(note.start % TICKS)
        if not _goes_on(note, later):
            ends[note.end // TICKS].append(note.end % TICKS)
    grids = {}
    for quarter in {*starts, *ends}:
        begun = starts[quarter]
        grids[quarter] = _grid([*begun, *ends[quarter]]) or _grid(begun) or SIXTEENTH

    def placed(tick: int) -> int:
        grid = grids.get(tick // TICKS, SIXTEENTH)
        return (2 * tick + grid) // (2 * grid) * grid

    found: list[DrawnNote] = []
    for note, later in zip(notes, [*notes[1:], None], strict=True):
        start, end = placed(note.start), placed(note.end)
        if later and _goes_on(note, later):
            end = placed(later.start)
        end = max(end, start + grids[note.start // TICKS])
        if found and found[-1].end > start:
            found[-1] = found[-1]._replace(end=start)
        found.append(DrawnNote(start, min(end, length), note.pitch))
    return [note for note in found if note.start < note.end]


def _goes_on(note: DrawnNote, later: DrawnNote | None) -> bool:
    """Whether a note is drawn up to the next one."""
    return later is not None and later.start - note.end <= min(BREATH, note.end - note.start)


def _grid(ticks: Sequence[int]) -> int | None:
    """The coarsest grid, in ticks, that fits all ticks of a quarter; None if no grid does."""
    grids = (SIXTEENTH, OF_TRIPLET, THIRTY_SECOND)
    return next((grid for grid in grids if not any(tick % grid for tick in ticks)), None)


def score_of(
    song: Song, notes: Sequence[DrawnNote], tune: Chorale, voice: int, name: str
) -> ScoreSong | None:
    """A song of one part, with its score; None if sixteenths suffice, or if it cannot be drawn.

    Args:
        song: the song in MIDI ticks; its events stay as they are.
        notes: all notes of the song.
        tune: the same notes on the sixteenth grid, with meters, key and tempi.
        voice: 0 soprano to 3 bass.
        name: the name of the part.
    """
    drawn = drawn_notes(notes, len(tune) * TICKS_A_STEP)
    if all(note.start % SIXTEENTH == note.end % SIXTEENTH == 0 for note in drawn):
        return None
    root = _tree(drawn, tune, voice, name)
    try:
        read = song_of(read_score(song.path, root))
    except ChoraleError:
        return None
    if len(read.parts) != 1 or len(read.lines[0].notes) != len(song.parts[0].notes):
        return None  # two notes were drawn as one
    return replace(read, ppq=song.ppq, tracks=song.tracks, parts=song.parts)


def _tree(drawn: Sequence[DrawnNote], tune: Chorale, voice: int, name: str) -> ET.Element:
    """The MusicXML of the tune, without other voices."""
    spelled = spell(tune)[:, voice]
    key = tune.key
    near = places_near(key.fifths if key else 0)
    begins = {note.step: note.pitch for note in tune.notes(voice)}
    signs = Accidentals(key.fifths if key else 0)
    sign, line, octaves = CLEFS[voice]
    bars: list[Bar] = []
    meter: tuple[int, int] | None = None
    for index, measure in enumerate(tune.measures):
        bar = Bar(str(index + (not tune.pickup)))
        if index == 0:
            bar.clefs.append((Fraction(0), Clef(sign, line, octaves)))
            if key:
                bar.keys.append((Fraction(0), KeySignature(key.fifths, key.mode)))
        time = measure.numerator, measure.denominator
        if time != meter:
            bar.time, meter = Time(str(time[0]), time[1]), time
        for tempo in tune.tempos:
            if measure.start <= tempo.step < measure.start + measure.length:
                bar.paces.append((Fraction(tempo.step - measure.start, 4), Pace(tempo.qpm)))
        symbols = []
        for symbol, note in _symbols(drawn, measure, is_pickup=index == 0 and tune.pickup > 0):
            if note.pitch != REST:
                step = note.start // TICKS_A_STEP
                same = begins.get(step) == note.pitch
                place = int(spelled[step]) if same else int(near[note.pitch % 12])
                parts = spelled_parts(note.pitch, place)
                head = symbol.heads[0]
                drawn_sign = signs.sign(*parts, tied=head.tied_before)
                symbol.heads[0] = head._replace(
                    letter=parts[0], alter=parts[1], octave=parts[2], sign=drawn_sign
                )
            symbols.append(symbol)
        bar.voices["1"] = symbols
        bars.append(bar)
        signs.next_bar()
    bars[-1].right = "final"
    root = to_tree(WrittenScore([Staff(name, bars)], tune.title))
    listing, part = root.find("part-list"), root.find("part")
    assert listing is not None
    assert part is not None
    listing[:] = [part_entry(voice, name)]
    part.set("id", listing[0].get("id", ""))
    divisions = int(root.findtext("part/measure/attributes/divisions", "1"))
    for measure, element in zip(tune.measures, part.findall("measure"), strict=True):
        before = 0
        if element.get("number") == "0":
            element.set("implicit", "yes")
            before = measure.meter.steps_per_bar - measure.length
        beat = max(measure.meter.steps_per_beat, 4)
        _beam(element, Fraction(beat) / 4, Fraction(before, 4), divisions)
    return root


def _symbols(
    drawn: Sequence[DrawnNote], measure: Measure, *, is_pickup: bool
) -> Iterator[tuple[Symbol, DrawnNote]]:
    """The symbols of a bar, each with its note or silence."""
    begin = measure.start * TICKS_A_STEP
    stop = begin + measure.length * TICKS_A_STEP
    whole = measure.meter.steps_per_bar * TICKS_A_STEP
    bar_line = stop - whole if is_pickup else begin
    here = [note for note in drawn if note.end > begin and note.start < stop]
    spans = list(_spans(here, begin, stop))
    if len(spans) == 1 and spans[0].pitch == REST and stop - begin == whole:
        yield Symbol(Fraction(0), Fraction(whole, TICKS), None, whole_bar=True), spans[0]
        return
    inner = {tick - bar_line for span in spans for tick in (span.start, span.end)}
    triplets = {tick // TICKS for tick in inner if tick % THIRTY_SECOND}
    for span in spans:
        at = max(span.start, begin) - bar_line
        end = min(span.end, stop) - bar_line
        while at < end:
            for length, value in _values(at, end, triplets, measure, span.pitch != REST):
                head = Head(
                    "C",
                    0,
                    4,
                    tied_before=at + bar_line > span.start,
                    tied_after=at + length + bar_line < span.end,
                )
                yield (
                    Symbol(
                        Fraction(at + bar_line - begin, TICKS),
                        Fraction(length, TICKS),
                        value,
                        [] if span.pitch == REST else [head],
                    ),
                    span,
                )
                at += length


def _spans(notes: Sequence[DrawnNote], begin: int, stop: int) -> Iterator[DrawnNote]:
    """The notes of a bar and the silences between them; ``begin`` and ``stop`` are its ticks."""
    now = begin
    for note in notes:
        if note.start > now:
            yield DrawnNote(now, note.start, REST)
        yield note
        now = note.end
    if now < stop:
        yield DrawnNote(now, stop, REST)


def _values(
    at: int, end: int, triplets: set[int], measure: Measure, sounding: bool
) -> Iterator[tuple[int, Value]]:
    """The next symbols of a span, as (ticks, value). ``at`` and ``end`` count from the bar line.

    ``triplets`` are the quarters of the bar that are divided as triplets.
    """
    quarter = at // TICKS
    if quarter in triplets:
        yield from _parted(min(end, (quarter + 1) * TICKS) - at, 3, 2)
        return
    after = quarter + 1
    while after not in triplets and after * TICKS < end:
        after += 1
    stop = min(end, after * TICKS)
    if at % TICKS_A_STEP or stop % TICKS_A_STEP:
        yield from _parted(min(stop, (quarter + 1) * TICKS) - at, 1, 1)
        return
    steps = lengths(at // TICKS_A_STEP, stop // TICKS_A_STEP, measure.meter, sounding)
    for length in steps:
        yield from _parted(length * TICKS_A_STEP, 1, 1)


def _parted(length: int, actual: int, normal: int) -> Iterator[tuple[int, Value]]:
    """Divide a length in ticks into note values, the longest first."""
    while length:
        for part in range(length, 0, -1):
            if value := value_of(Fraction(part, TICKS), actual, normal):
                yield part, value
                length -= part
                break


def _beam(measure: ET.Element, beat: Fraction, before: Fraction, divisions: int) -> None:
    """Beam the short notes of each beat.

    ``beat`` is a beat's length in quarters, ``before`` the quarters that a pickup bar lacks.
    """
    now = before
    places: list[tuple[int, ET.Element]] = []
    for note in measure.findall("note"):
        short = note.find("rest") is None and note.findtext("type") in BEAMED
        places.append((int(now // beat) if short else -1 - len(places), note))
        now += Fraction(int(note.findtext("duration", "0")), divisions)
    for _, group in groupby(places, key=lambda place: place[0]):
        notes = [note for _, note in group]
        levels = [BEAMED.index(note.findtext("type", "")) + 1 for note in notes if len(notes) > 1]
        for i, level in enumerate(levels):
            for number in range(1, level + 1):
                joins = [j for j in (i - 1, i + 1) if 0 <= j < len(levels) and levels[j] >= number]
                beam = ET.Element("beam", number=str(number))
                beam.text = (
                    "continue"
                    if len(joins) > 1
                    else ("end" if joins[0] < i else "begin")
                    if joins
                    else "backward hook"
                    if i
                    else "forward hook"
                )
                tags = [child.tag for child in notes[i]]
                notes[i].insert(
                    len(tags) - sum(tag in ("notations", "lyric") for tag in tags), beam
                )
