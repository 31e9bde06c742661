"""Which notes and rests of a chorale are given, and which are left for a harmonizer to write.

The rules are the same whether the notes come from a MIDI file, a score or a ``Chorale``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicae.api.request import Request
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import N_VOICES, REST, VOICE_RANGES, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.pitch import pitch_name
from musicae.encoding.partial_score import PartialScore
from musicae.io.lyrics import NO_WORDS, Words
from musicae.io.preserved_parts import PreservedParts

SEMITONES = 12
HIGHEST = 127


@dataclass(frozen=True, eq=False)
class GivenParts:
    """The given part of a chorale, at its own pitch and in the voices' ranges."""

    tune: Chorale
    """The given notes at their own pitch; other cells are silent."""
    in_range: Chorale
    """The same notes within the voices' ranges, as a model reads them."""
    whole: Chorale
    """The given notes, and those in the bars that are written anew; phrases are found in it."""
    known: NDArray[np.bool_]
    """``(T, V)`` True where a voice stays as it is, a note or a silence."""
    shift: int
    """Semitones from ``tune`` to ``in_range``, whole octaves."""
    folded: int
    """How many notes of ``in_range`` are moved by octaves of their own."""
    key: Key | None
    """The key that the musician named."""
    marks: tuple[int, ...]
    """Steps of the phrase marks that came with the notes."""

    @cached_property
    def likely_key(self) -> Key:
        """The key that the musician named, else the likeliest for the notes and the signature."""
        from musicae.decoding.key import find_key

        if self.key:
            return self.key
        signature = self.in_range.key.fifths if self.in_range.key else None
        for chorale in (self.in_range, self.whole):
            if sounding_voices(chorale):
                return find_key(chorale, signature)
        return self.in_range.key or Key(0)

    def partial_score(self, phrases: tuple[int, ...] | None = None, **asked: Any) -> PartialScore:
        """What a harmonizer reads, in the likeliest key.

        ``asked`` are fields of ``PartialScore``, such as ``rhythm`` and ``style``. Raises
        ChoraleError where one does not exist.
        """
        return PartialScore(self.in_range, self.known, self.likely_key, phrases, **asked)

    def around(self, harmonized: Chorale) -> Chorale:
        """``around`` for a chorale that was made from ``partial_score``."""
        return around(self.tune, self.known, harmonized, self.shift)


@dataclass(frozen=True, eq=False)
class Given:
    """What a harmonization is made from, where it came from, and how it was understood."""

    parts: GivenParts
    notices: tuple[str, ...] = ()
    """What the musician should know of how the input was understood."""
    preserved: PreservedParts | None = None
    """Of a file, its own events or elements, to be written back as they are."""
    words: Words = NO_WORDS
    """The words of the given voices."""

    @classmethod
    def of(
        cls,
        parts: GivenParts,
        notices: Sequence[str] = (),
        preserved: PreservedParts | None = None,
        words: Words = NO_WORDS,
    ) -> Given:
        """The given parts with notices, those on their ranges last."""
        return cls(parts, (*notices, *notices_of_range(parts)), preserved, words)


def given_parts(
    chorale: Chorale,
    request: Request,
    key: Key | None = None,
    *,
    marks: tuple[int, ...] | None = None,
    where: str = "",
) -> GivenParts:
    """The given parts where some voices or bars of a chorale are to be written anew.

    A voice that stays keeps its notes and its rests. Where the melody (the soprano, or the one
    voice that was asked for) rests for at least a bar and nothing given sounds, all voices rest.
    In other given voices a gap of at least a bar is filled. Around the bars to be written anew
    everything stays, and so do notes that reach beyond these bars.

    ``marks`` are by default the chorale's fermatas; ``where`` begins every error message. Raises
    ChoraleError where a voice to be kept is silent, bars do not exist, or nothing is left to fill.
    """
    there = sounding_voices(chorale)
    locked = request.locked(there)
    missing = [VOICES[v].lower() for v in locked if v not in there]
    if missing or not there:
        names = ", ".join(VOICES[v].lower() for v in there) or "no notes"
        silent = f"the {missing[0]} is silent" if missing else "nothing sounds"
        raise ChoraleError(f"{where}{silent}; there are {names}")
    try:
        region = request.region(chorale)
    except ChoraleError as error:
        raise ChoraleError(f"{where}{error}") from None
    melody = [v for v in locked if v == (request.voice or 0)]
    kept = locked_cells(chorale, locked, melody)
    if request.bars is not None:
        kept |= cells_outside(chorale, region)
    tune = replace(
        chorale,
        pitch=np.where(kept, chorale.pitch, REST),
        onset=chorale.onset & kept,
        fermatas=tuple(step for step in chorale.fermatas if kept[step, 0]),
        key=key or chorale.key,
    )
    known = kept | silent_with(tune, melody)[:, None]
    if known.all():
        raise ChoraleError(where + _nothing_to_fill(request))
    in_range, shift, folded = into_range(tune)
    marks = chorale.fermatas if marks is None else marks
    whole = tune if request.bars is None else chorale
    return GivenParts(tune, in_range, whole, known, shift, folded, key, marks)


def single_part_as(chorale: Chorale, voice: int) -> Chorale:
    """A chorale of one part, with that part in a voice (0 soprano to 3 bass).

    A chorale of several parts is returned as it is.
    """
    there = sounding_voices(chorale)
    if len(there) != 1 or there == (voice,):
        return chorale
    pitch, onset = np.full_like(chorale.pitch, REST), np.zeros_like(chorale.onset)
    pitch[:, voice], onset[:, voice] = chorale.pitch[:, there[0]], chorale.onset[:, there[0]]
    return replace(chorale, pitch=pitch, onset=onset, fermatas=())


def around(tune: Chorale, known: NDArray[np.bool_], harmonized: Chorale, shift: int) -> Chorale:
    """The known cells of ``tune``, and the other cells of ``harmonized`` at the tune's pitch.

    ``known`` is ``(T, V)``, the same for all steps of a note; ``shift`` is in semitones, from the
    tune's pitch to that of ``harmonized``. Notes beyond MIDI's range are moved back by octaves.
    """
    filled = _folded(harmonized.pitch.astype(int) - shift, np.array(0), np.array(HIGHEST))
    filled = np.where(harmonized.pitch == REST, REST, filled)
    pitch = np.where(known, tune.pitch, filled)
    onset = np.where(known, tune.onset, harmonized.onset)
    # A note that a model begins in what is known goes on as a note of its own.
    onset[1:] |= known[:-1] & ~known[1:] & (pitch[1:] != REST)
    return replace(tune, pitch=pitch, onset=onset, source=harmonized.source)


def into_range(tune: Chorale, octave: int | None = None) -> tuple[Chorale, int, int]:
    """The notes in the octave that fits their voices best, or so many octaves higher.

    Returns the chorale, the shift of all voices in semitones, and the number of notes that are
    still outside their voice's range after this shift; these are moved by octaves of their own.
    """
    lows, highs = np.array(VOICE_RANGES).T
    column = tune.pitch.astype(int)
    voices = np.nonzero(tune.onset)[1]
    pitches = column[tune.onset]
    outside = {}
    for tried in range(-10, 11):
        moved = pitches + SEMITONES * tried
        if ((moved >= 0) & (moved <= HIGHEST)).all():
            outside[tried] = int(((moved < lows[voices]) | (moved > highs[voices])).sum())
    if octave is None:
        octave = min(outside, key=lambda k: (outside[k], abs(k)))
    shift = SEMITONES * octave
    pitch = np.where(column == REST, REST, _folded(column + shift, lows, highs))
    return replace(tune, pitch=pitch), shift, outside[octave]


def locked_cells(
    chorale: Chorale, locked: Sequence[int], melody: Sequence[int]
) -> NDArray[np.bool_]:
    """``(T, V)`` where the notes and rests of locked voices stay; see ``given_parts``."""
    kept = np.zeros(chorale.pitch.shape, dtype=np.bool_)
    for voice in locked:
        kept[:, voice] = True
        if voice not in melody:
            for gap in _long_rests(chorale, voice):
                kept[gap, voice] = False
    return kept


def cells_outside(chorale: Chorale, region: slice) -> NDArray[np.bool_]:
    """``(T, V)`` all that is outside some steps, and the notes that reach beyond these."""
    kept = np.ones(chorale.pitch.shape, dtype=np.bool_)
    kept[region] = False
    for voice in range(N_VOICES):
        for note in chorale.notes(voice):
            end = note.step + note.duration
            if not region.start <= note.step < end <= region.stop:
                kept[note.step : end, voice] = True
    return kept


def silent_with(tune: Chorale, melody: Sequence[int]) -> NDArray[np.bool_]:
    """``(T,)`` the long rests of the melody in which nothing else that is given sounds."""
    silent = np.zeros(len(tune), dtype=np.bool_)
    for voice in melody:
        for rest in _long_rests(tune, voice):
            silent[rest] = (tune.pitch[rest] == REST).all(axis=1)
    return silent


def _long_rests(chorale: Chorale, voice: int) -> Iterator[slice]:
    """A voice's rests that last at least as long as the bar in which they begin."""
    sounding = np.concatenate([[True], chorale.pitch[:, voice] != REST, [True]])
    for start, stop in np.flatnonzero(sounding[1:] != sounding[:-1]).reshape(-1, 2).tolist():
        measure = chorale.measures[chorale.measure_index(start)]
        length = measure.length
        if chorale.pickup and measure.start == 0:  # a rest as long as a pickup is a short one
            length = measure.meter.steps_per_bar
        if stop - start >= length:
            yield slice(start, stop)


def _nothing_to_fill(request: Request) -> str:
    if request.bars is not None:
        first, last = request.bars
        return (
            f"in bars {first} to {last} every voice is locked, held over from outside, or silent"
            " with the melody; nothing is left to fill"
        )
    return (
        "all four voices are given, so nothing is left to fill; recompose some bars (--bars 5-8) or"
        " harmonize the soprano anew (--voice soprano)"
    )


def _folded(
    pitch: NDArray[np.int_], low: NDArray[np.int_], high: NDArray[np.int_]
) -> NDArray[np.int_]:
    """Pitches moved by as few octaves as bring them between ``low`` and ``high``."""
    raised = np.where(pitch < low, low + (pitch - low) % SEMITONES, pitch)
    return np.where(raised > high, high - (high - raised) % SEMITONES, raised)


def notices_of_range(parts: GivenParts) -> tuple[str, ...]:
    """Sentences on given notes that lie outside their voices' ranges; see ``into_range``."""
    voices = sounding_voices(parts.tune)
    octave, outside = parts.shift // SEMITONES, parts.folded
    notices = []
    if len(voices) == 1:
        name = VOICES[voices[0]].lower()
        given, lies = ("the melody" if voices[0] == 0 else f"the given {name}"), "lies"
        low, high = VOICE_RANGES[voices[0]]
        wider = f"{given} is wider than the {name}'s range {pitch_name(low)} to {pitch_name(high)}"
        of_range = f"the {name}'s range"
    else:
        given, lies, of_range = "the given voices", "lie", "their ranges"
        wider = "the given voices are wider than their ranges"
    if octave:
        way, count = ("down" if octave > 0 else "up"), abs(octave)
        notices.append(
            f"{given} {lies} {'below' if octave > 0 else 'above'} {of_range}; the other"
            f" voices are moved {way} {count} octave{'s' * (count > 1)} along with"
            f" {'it' if len(voices) == 1 else 'them'}"
        )
    if outside:
        notes = "note was" if outside == 1 else "notes were"
        notices.append(f"{wider}; {outside} {notes} harmonized an octave nearer")
    return tuple(notices)
