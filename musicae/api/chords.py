"""``musicae.chords``: the harmony of a melody or a chorale as a lead sheet.

The chords of a finished chorale are read from its voices. The chords of a melody are the plan that
its harmonization would follow. The planner gives the alternatives and their probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import N_VOICES, SOPRANO
from musicae.core.errors import ChoraleError
from musicae.core.files import whole_file
from musicae.core.key import Key
from musicae.io import chord_sheet
from musicae.io.base import MUSICXML_SUFFIXES
from musicae.io.chord_text import NO_CHORD, PlacedChord, chord_text
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord

if TYPE_CHECKING:
    from musicae.decoding.planner import PlanProblem
    from musicae.io.midi_reader import PartsReading

ALTERNATIVES = 2
"""The number of alternatives of each chord."""


class OtherChord(NamedTuple):
    """An alternative to a chord of a lead sheet."""

    symbol: str
    """The chord symbol, such as ``D7/F#``."""
    probability: float
    """The probability of its root and quality there, over any bass, 0 to 1."""


@dataclass(frozen=True)
class ChordSpan:
    """A chord of a lead sheet."""

    start: int
    """The first step, in sixteenths from the beginning."""
    length: int
    """The length in steps."""
    bar: int
    """The bar in which it begins, counted from 1; a pickup is bar 0."""
    beat: float
    """The beat on which it begins, counted from 1."""
    symbol: str
    """The chord symbol, such as ``D7/F#``; ``N.C.`` if nothing sounds."""
    numeral: str
    """The Roman numeral in the local key; empty if nothing sounds."""
    probability: float | None
    """The planner's probability of its root and quality, over any bass, 0 to 1, on the beat where
    it begins; None for a chord that begins inside a beat."""
    others: tuple[OtherChord, ...]
    """The two likeliest alternatives on that beat, each in its likeliest inversion."""


@dataclass(frozen=True)
class LeadSheet:
    """The chords of a melody or a chorale.

    ``str(sheet)`` is the text of the chords in bars; ``musicae.harmonize`` reads it as ``chords``.

    Example:
        ```python
        sheet = musicae.chords("data/melodies/ode_to_joy.mid")
        print(sheet)
        sheet.write("ode.cho")
        ```
    """

    chorale: Chorale
    """The music."""
    plan: HarmonicPlan
    """The chord of each beat, with the key and the local keys."""
    spans: tuple[ChordSpan, ...]
    """The chords in order, each from where it begins to where the next one begins."""
    phrases: tuple[int, ...]
    """The steps at which the last notes of phrases begin."""
    syllables: tuple[chord_sheet.Syllable, ...] = ()
    """The words of the melody."""
    reading: PartsReading | None = None
    """The file that the sheet was made from; None for a ``Chorale``."""

    def __str__(self) -> str:
        return chord_text(self.placed, self.chorale)

    @property
    def placed(self) -> list[PlacedChord]:
        """The chords with their steps, as ``chord_text`` writes them."""
        return [PlacedChord(span.start, span.length, span.symbol) for span in self.spans]

    def as_text(self) -> str:
        """The sheet as text.

        Returns:
            A line with title and key, the chords in bars, and a line for each chord with its
            alternatives. All but the chords begin with ``#``; ``--chords`` skips such lines.
        """
        title = f"{self.chorale.title}, " if self.chorale.title else ""
        lines = [f"# {title}{self.plan.key}", str(self)]
        for span in self.spans:
            if span.others:
                others = ", ".join(f"{name} {share:.0%}" for name, share in span.others)
                own = f"{span.symbol} {span.probability:.0%}"
                lines.append(f"# bar {span.bar}, beat {span.beat:g}: {own}; {others}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Key, text and chords as plain numbers, texts, lists and dicts, for JSON."""
        return {
            "key": str(self.plan.key),
            "text": str(self),
            "chords": [
                {
                    "bar": span.bar,
                    "beat": span.beat,
                    "steps": span.length,
                    "symbol": span.symbol,
                    "numeral": span.numeral,
                    "probability": span.probability,
                    "others": [other._asdict() for other in span.others],
                }
                for span in self.spans
            ],
        }

    def write(self, path: Path | str) -> None:
        """Write the sheet as text, ChordPro or MusicXML, by the suffix.

        ChordPro has the chords among the words, or in bars if there are no words. MusicXML is the
        melody or the chorale with chord symbols. If writing fails, no file is left behind.

        Args:
            path: the file to write: ``.txt``, ``.cho`` (or another suffix of ChordPro),
                ``.musicxml`` or ``.mxl``.

        Raises:
            ChoraleError: if the suffix is unknown, or the file cannot be written.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix in MUSICXML_SUFFIXES:
            from musicae.io import musicxml_chords

            song = self.reading.song if self.reading else None
            musicxml_chords.write(path, self.chorale, self.placed, song)
            return
        if suffix not in chord_sheet.SUFFIXES:
            known = ", ".join((*chord_sheet.SUFFIXES, *MUSICXML_SUFFIXES))
            raise ChoraleError(f"{path}: its name should end in one of {known}")
        text = self.as_text()
        if suffix != ".txt":
            text = chord_sheet.chordpro(
                self.placed, self.chorale, self.syllables, self.phrases, str(self.plan.key)
            )
        with whole_file(path) as partial:
            partial.write_text(f"{text}\n", encoding="utf-8")


def chords(
    melody: Chorale | Path | str,
    *,
    track: str | None = None,
    key: Key | str | None = None,
    voice: str | None = None,
    meter: str | None = None,
    phrases: Path | str = "infer",
    style: str = "bach",
) -> LeadSheet:
    """Find the chords of a melody or a chorale, with the two likeliest alternatives of each.

    Args:
        melody: a chorale, or the path of a MIDI file or a score.
        track: the track or part of the melody: its number, from 1, or its name. None takes the
            tracks named after voices, or else the likeliest melody.
        key: the key, such as ``"D minor"``; None finds it from the notes.
        voice: the voice of the one part, such as ``"bass"``; None is the soprano.
        meter: the meter of a MIDI file that states none, such as ``"3/4"``; None takes 4/4.
        phrases: where phrases end: ``"infer"``, ``"none"`` or the path of a file.
        style: the style of the harmony, one of ``core.constants.STYLES``.

    Returns:
        The lead sheet.

    Raises:
        ChoraleError: if the music or the settings cannot be used.

    Example:
        ```python
        sheet = musicae.chords("data/melodies/greensleeves.mid", key="D minor")
        print(sheet.as_text())
        ```
    """
    from musicae.api.given import given_parts, into_range, single_part_as
    from musicae.api.options import HarmonizeOptions
    from musicae.api.phrase_ends import choose
    from musicae.decoding.harmonize import problem_of
    from musicae.decoding.key import find_key
    from musicae.encoding.partial_score import PartialScore
    from musicae.io.formats import read_parts
    from musicae.models.checkpoint import load_model
    from musicae.theory.local_keys import local_keys
    from musicae.theory.plan_reading import plan_of

    options = HarmonizeOptions(
        track=track, key=key, voice=voice, meter=meter, phrases=phrases, style=style
    )
    request, reading = options.request, None
    if isinstance(melody, Chorale):
        chorale, marks = melody, melody.fermatas
    else:
        reading = read_parts(
            melody, track=track, voice=request.voice, lock=None, meter=options.parsed_meter
        )
        chorale, marks = reading.chorale, reading.marks
    if request.voice is not None:
        chorale = single_part_as(chorale, request.voice)
        chorale = given_parts(chorale, request).tune
    there = sounding_voices(chorale)
    if not there:
        raise ChoraleError("there are no notes; give a melody or a chorale")
    in_range, _, _ = into_range(chorale)
    own = options.parsed_key or find_key(in_range, in_range.key.fifths if in_range.key else None)
    ends = choose(chorale, phrases, marks, own)
    whole = len(there) == N_VOICES
    known = np.zeros(in_range.pitch.shape, dtype=np.bool_)
    known[:, list(there) if not whole else [SOPRANO]] = True
    partial = PartialScore.of(in_range, known=known, key=own, phrases=ends.steps, style=style)
    problem = problem_of(load_model("planner"), partial)
    found = problem.with_seconds(problem.alternatives(1)[0])
    plan = plan_of(chorale, own) if whole else found.plan
    plan = replace(plan, local=local_keys(plan, ends.steps or ()))
    syllables = tuple(chord_sheet.syllables_of(reading.words)) if reading is not None else ()
    spans = _spans(plan, chorale, problem)
    return LeadSheet(chorale, plan, spans, ends.steps or (), syllables, reading)


def _spans(plan: HarmonicPlan, chorale: Chorale, problem: PlanProblem) -> tuple[ChordSpan, ...]:
    from musicae.decoding.plan import marginals

    shares = marginals(problem.constrained)
    starts = {beat.start: index for index, beat in enumerate(plan.beats)}
    rows: list[tuple[int, Key, PlannedChord | None]] = []
    for step, local, chord in plan.beginnings():
        if not rows or rows[-1][2] != chord:
            rows.append((step, local, chord))
    stops = [*(step for step, _, _ in rows[1:]), len(chorale)]
    spans = []
    for (step, local, chord), stop in zip(rows, stops, strict=True):
        bar, beat = chorale.position(step)
        probability, others = None, tuple[OtherChord, ...]()
        if chord is not None and step in starts:
            found = _likeliest(shares[starts[step]], problem.wish.chords)
            probability = found.pop((chord.root, chord.quality), (0.0, chord))[0]
            ranked = sorted(found.values(), key=lambda each: -each[0])[:ALTERNATIVES]
            others = tuple(
                OtherChord(other.rebased(plan.key, local).symbol(local), round(share, 4))
                for share, other in ranked
            )
        own = chord.rebased(plan.key, local) if chord else None
        spans.append(
            ChordSpan(
                step,
                stop - step,
                bar,
                round(beat, 3),
                own.symbol(local) if own else NO_CHORD,
                own.numeral(local) if own else "",
                None if probability is None else round(probability, 4),
                others,
            )
        )
    return tuple(spans)


def _likeliest(
    shares: NDArray[np.float64], chords: Sequence[PlannedChord | None]
) -> dict[tuple[int, str], tuple[float, PlannedChord]]:
    """By root and quality, the probability over all inversions and the likeliest inversion."""
    found: dict[tuple[int, str], tuple[float, PlannedChord]] = {}
    best: dict[tuple[int, str], float] = {}
    for share, chord in zip(shares.tolist(), chords, strict=True):
        if chord is not None:
            name = chord.root, chord.quality
            total, likeliest = found.get(name, (0.0, chord))
            if share > best.get(name, 0.0):
                best[name], likeliest = share, chord
            found[name] = total + share, likeliest
    return found
