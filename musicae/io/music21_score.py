"""music21 score -> Chorale: which part is which voice, its bars as drawn, notes on the grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import FASTEST_QPM, MOST_STEPS, SLOWEST_QPM, STEPS_PER_QUARTER, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import MODES, Key
from musicae.core.meter import COMMON_TIME, Measure, Meter, Tempo, meters_of
from musicae.io.base import Reading
from musicae.io.voice_tracks import rank_names


def from_score(score: Any, title: str = "", source: str = "") -> Reading:
    """A chorale of a music21 score, its bars in the order drawn: repeats are not unfolded.

    The voices are the parts named after them (see ``voice_tracks.rank_names``), else four parts
    from the top down; a single part is the soprano. Of chords in the soprano the top note stays.
    Raises ChoraleError where these rules do not find the voices.
    """
    bars = [list(part.getElementsByClass("Measure")) if part else [] for part in _voices(score)]
    if not any(bars):
        raise ChoraleError("the score has no bars")
    measures, begins = _measures(bars)
    steps = measures[-1].start + measures[-1].length
    if steps > MOST_STEPS:
        raise ChoraleError(f"lasts {steps // STEPS_PER_QUARTER} quarter notes; is it damaged?")
    voices, fermatas, quantized = [], [], 0
    for name, line in zip(VOICES, bars, strict=True):
        written, dropped = _notes(line, begins, name)
        placed, moved = _to_grid(written, steps)
        quantized += dropped + moved
        voices.append([note for note, _ in placed])
        if name == VOICES[0]:
            fermatas = [note.step for note, under_fermata in placed if under_fermata]
    meters, pickup = meters_of(measures)
    chorale = Chorale.from_notes(
        voices,
        steps=steps,
        meters=meters,
        pickup=pickup,
        key=_key(bars, voices),
        fermatas=fermatas,
        tempos=_tempos(score, begins, steps),
        title=title,
        source=source,
    )
    return Reading(chorale, quantized)


def _voices(score: Any) -> list[Any]:
    """The part of each voice, at sounding pitch; None for a silent one."""
    parts = list(score.parts)
    if not parts:
        raise ChoraleError("the score has no parts")
    if len(parts) == 1:
        found = [parts[0], None, None, None]
    elif all(named := _named_voices(parts)) or sum(map(bool, named)) == len(parts):
        found = named
    elif len(parts) == len(VOICES) and all(p in (parts[v], None) for v, p in enumerate(named)):
        found = parts
    else:
        names = ", ".join(" ".join((part.partName or "(no name)").split()) for part in parts)
        raise ChoraleError(
            f"cannot tell the four voices among its {len(parts)} parts ({names}); name"
            " four of them Soprano, Alto, Tenor and Bass, or keep a single part as the melody"
        )
    return [
        part.toSoundingPitch() if part is not None and part.atSoundingPitch is False else part
        for part in found
    ]


def _named_voices(parts: Sequence[Any]) -> list[Any]:
    """For each voice the part that is named after it, or None where none or several are."""
    ranked = rank_names([part.partName or "" for part in parts])
    return [
        parts[ranked[voice].chosen] if voice in ranked and not ranked[voice].rivals else None
        for voice in range(len(VOICES))
    ]


def _measures(bars: Sequence[Sequence[Any]]) -> tuple[list[Measure], list[Fraction]]:
    """The bars as drawn, and where each begins exactly, in steps.

    Lengths are those of the notes, since music21 gives a bar that is cut short its full length.
    """
    count = max(len(line) for line in bars)
    measures: list[Measure] = []
    begins = [Fraction(0)]
    numerator, denominator = COMMON_TIME[0].numerator, COMMON_TIME[0].denominator
    for i in range(count):
        drawn = [line[i] for line in bars if i < len(line)]
        signature = next((bar.timeSignature for bar in drawn if bar.timeSignature), None)
        if signature:
            numerator, denominator = signature.numerator, signature.denominator
        lengths = [Fraction(b.highestTime) * STEPS_PER_QUARTER for b in drawn if not _is_silent(b)]
        nominal = Meter(0, numerator, denominator).steps_per_bar
        begins.append(begins[-1] + (max(lengths, default=Fraction(0)) or nominal))
        start = _step(begins[-2])
        measures.append(Measure(start, _step(begins[-1]) - start, numerator, denominator))
    return [m for m in measures if m.length], begins[:-1]


def _is_silent(bar: Any) -> bool:
    """Whether a bar is one rest of the whole bar, whose length tells nothing."""
    symbols = list(bar.recurse().notesAndRests)
    return len(symbols) == 1 and symbols[0].isRest and symbols[0].fullMeasure in (True, "always")


class _Written(NamedTuple):
    """A note as written, tied ones joined, in exact steps."""

    begin: Fraction
    end: Fraction
    pitch: int
    under_fermata: bool


def _notes(
    line: Sequence[Any], begins: Sequence[Fraction], name: str
) -> tuple[list[_Written], int]:
    """The notes of a voice, and how many grace notes were dropped."""
    written: list[_Written] = []
    graces = 0
    for bar, bar_begin in zip(line, begins, strict=False):
        for symbol, offset in _symbols(bar, name):
            if symbol.duration.isGrace:
                graces += 1
                continue
            if symbol.isChord and name != VOICES[0] and len(symbol.pitches) > 1:
                raise ChoraleError(
                    f"{name}, bar {bar.number}: sings two notes at once; leave one of them"
                )
            head = max(symbol.notes, key=lambda n: n.pitch.ps) if symbol.isChord else symbol
            begin = bar_begin + Fraction(offset) * STEPS_PER_QUARTER
            end = begin + Fraction(symbol.quarterLength) * STEPS_PER_QUARTER
            fermata = any("Fermata" in e.classes for e in symbol.expressions)
            before = written[-1] if written else None
            tied = head.tie is not None and head.tie.type in ("stop", "continue")
            if tied and before and (before.end, before.pitch) == (begin, head.pitch.midi):
                fermata = fermata or before.under_fermata
                written[-1] = before._replace(end=end, under_fermata=fermata)
            else:
                written.append(_Written(begin, end, head.pitch.midi, fermata))
    return written, graces


def _symbols(bar: Any, name: str) -> list[tuple[Any, Any]]:
    """The pitched notes and chords of a bar with their offsets; of two voices the upper."""
    lines = []
    for stream in [bar, *bar.voices]:
        inset = 0 if stream is bar else stream.offset
        notes = [
            (n, n.offset + inset)
            for n in stream.notes
            if "Harmony" not in n.classes and (n.isNote or n.isChord)
        ]
        if notes:
            lines.append(notes)
    if len(lines) > 1 and name != VOICES[0]:
        raise ChoraleError(f"{name}, bar {bar.number}: has two voices; write each on its own staff")
    return max(lines, key=_mean_pitch, default=[])


def _mean_pitch(notes: Sequence[tuple[Any, Any]]) -> float:
    return float(np.mean([max(p.ps for p in note.pitches) for note, _ in notes]))


def _step(position: Fraction) -> int:
    """The nearest step; the earlier of two, so that what follows stays where it is."""
    return ceil(position - Fraction(1, 2))


def _to_grid(written: Sequence[_Written], steps: int) -> tuple[list[tuple[Note, bool]], int]:
    """The notes on the grid, each with its fermata, and how many were moved or dropped.

    Where two notes fall on one step, that which was written there stays, else the first.
    """
    placed: dict[int, tuple[Note, bool]] = {}
    for note in sorted(written, key=lambda n: n.begin.denominator == 1):
        step = _step(note.begin)
        if step < steps and (note.begin.denominator == 1 or step not in placed):
            duration = max(1, min(_step(note.end), steps) - step)
            placed[step] = Note(step, duration, note.pitch), note.under_fermata
    moved = sum(note.begin.denominator > 1 or note.end.denominator > 1 for note in written)
    return [placed[step] for step in sorted(placed)], moved


def _key(bars: Sequence[Sequence[Any]], voices: Sequence[Sequence[Note]]) -> Key | None:
    """The first key signature, as most voices have it.

    Where none says its mode, the lowest voice's last note does: it is the tonic.
    """
    signatures = []
    for line in bars:
        found = (list(bar.getElementsByClass("KeySignature")) for bar in line)
        signatures += next(filter(None, found), [])
    signatures = [s for s in signatures if s.sharps is not None and -7 <= s.sharps <= 7]
    if not signatures:
        return None
    fifths = Counter(signature.sharps for signature in signatures).most_common(1)[0][0]
    modes = [getattr(s, "mode", None) for s in signatures if s.sharps == fifths]
    mode = next((mode for mode in modes if mode in MODES), None)
    if mode is None:
        lowest = next((voice for voice in reversed(voices) if voice), None)
        minor = lowest is not None and lowest[-1].pitch % 12 == Key(fifths, "minor").tonic
        mode = "minor" if minor else "major"
    return Key(fifths, mode)


def _tempos(score: Any, begins: Sequence[Fraction], steps: int) -> tuple[Tempo, ...]:
    """The tempo marks that give a number; of several at one step the first part's."""
    tempos: dict[int, Tempo] = {}
    for part in score.parts:
        bars = part.getElementsByClass("Measure")
        for bar, begin in zip(bars, begins, strict=False):
            for mark in bar.getElementsByClass("MetronomeMark"):
                worded = mark.numberImplicit and mark.numberSounding is None
                qpm = None if worded else mark.getQuarterBPM()
                step = _step(begin + Fraction(mark.offset) * STEPS_PER_QUARTER)
                if qpm and SLOWEST_QPM <= qpm <= FASTEST_QPM and step < steps:
                    tempos.setdefault(step, Tempo(step, qpm))
    return tuple(tempos[step] for step in sorted(tempos))
