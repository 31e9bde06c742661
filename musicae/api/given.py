"""Which notes and rests of a chorale are given, and which ones a harmonizer has to write.

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
    """The given notes of a chorale, at their own pitch and in the voices' ranges."""

    tune: Chorale
    """The given notes at their own pitch; other cells are silent."""
    in_range: Chorale
    """The same notes moved into the voices' ranges, for the model."""
    whole: Chorale
    """The given notes, and those in the bars to rewrite; phrase ends are found in it."""
    known: NDArray[np.bool_]
    """``(T, V)`` True where a voice stays as it is, sounding or silent."""
    shift: int
    """Semitones from ``tune`` to ``in_range``, in whole octaves."""
    folded: int
    """The number of notes of ``in_range`` that are moved by further octaves."""
    key: Key | None
    """The key that the musician named, or None."""
    marks: tuple[int, ...]
    """The steps of the phrase marks in the file or the chorale."""

    @cached_property
    def likely_key(self) -> Key:
        """The key that the musician named, else the likeliest one for notes and key signature."""
        from musicae.decoding.key import find_key

        if self.key:
            return self.key
        signature = self.in_range.key.fifths if self.in_range.key else None
        for chorale in (self.in_range, self.whole):
            if sounding_voices(chorale):
                return find_key(chorale, signature)
        return self.in_range.key or Key(0)

    def partial_score(self, phrases: tuple[int, ...] | None = None, **asked: Any) -> PartialScore:
        """The partial score in the likeliest key, for a harmonizer.

        ``asked`` are further fields of ``PartialScore``, such as ``rhythm`` and ``style``. Raises
        ChoraleError for a value that it refuses.
        """
        return PartialScore(self.in_range, self.known, self.likely_key, phrases, **asked)

    def around(self, harmonized: Chorale) -> Chorale:
        """The given notes with the other voices of a harmonization of ``partial_score``."""
        return around(self.tune, self.known, harmonized, self.shift)


@dataclass(frozen=True, eq=False)
class Given:
    """The given parts of a harmonization, with notices, the parts of the file and words."""

    parts: GivenParts
    notices: tuple[str, ...] = ()
    """Sentences on how the input was read, for the musician."""
    preserved: PreservedParts | None = None
    """The events or elements of the file, to be written back unchanged; None without a file."""
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
        """The given parts with notices; those on ranges come last."""
        return cls(parts, (*notices, *notices_of_range(parts)), preserved, words)


def given_parts(
    chorale: Chorale,
    request: Request,
    key: Key | None = None,
    *,
    marks: tuple[int, ...] | None = None,
    where: str = "",
) -> GivenParts:
    """The given parts of a chorale in which some voices or bars are rewritten.

    A voice that stays keeps its notes and its rests. If the melody (the soprano, or the voice of
    ``request``) rests for at least a bar and nothing given sounds, all voices rest. In other given
    voices, a gap of at least a bar is filled. Outside the bars to rewrite everything stays, and so
    do notes that reach beyond these bars.

    Args:
        chorale: the music.
        request: the voices that stay and the bars to rewrite.
        key: the key that the musician named.
        marks: the steps of phrase marks; None takes the chorale's fermatas.
        where: the beginning of every error message, such as a path.

    Raises ChoraleError if a voice to be kept is silent, bars do not exist, or nothing is left to
    fill.
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
    """A chorale of one part, with that part moved to a voice (0 soprano to 3 bass).

    A chorale of several parts is returned unchanged.
    """
    there = sounding_voices(chorale)
    if len(there) != 1 or there == (voice,):
        return chorale
    pitch, onset = np.full_like(chorale.pitch, REST), np.zeros_like(chorale.onset)
    pitch[:, voice], onset[:, voice] = chorale.pitch[:, there[0]], chorale.onset[:, there[0]]
    return replace(chorale, pitch=pitch, onset=onset, fermatas=())


def around(tune: Chorale, known: NDArray[np.bool_], harmonized: Chorale, shift: int) -> Chorale:
    """The known cells of ``tune`` and the other cells of ``harmonized``, at the tune's pitch.

    ``known`` ``(T, V)`` is the same for all steps of a note. ``shift`` is the number of semitones
    from the tune's pitch to that of ``harmonized``. Notes beyond MIDI's range are moved by octaves.
    """
    filled = _folded(harmonized.pitch.astype(int) - shift, np.array(0), np.array(HIGHEST))
    filled = np.where(harmonized.pitch == REST, REST, filled)
    pitch = np.where(known, tune.pitch, filled)
    onset = np.where(known, tune.onset, harmonized.onset)
    # The rest of a model's note that begins in a known cell becomes a note of its own.
    onset[1:] |= known[:-1] & ~known[1:] & (pitch[1:] != REST)
    return replace(tune, pitch=pitch, onset=onset, source=harmonized.source)


def into_range(tune: Chorale, octave: int | None = None) -> tuple[Chorale, int, int]:
    """Move the notes into the voices' ranges, all by the same octaves.

    ``octave`` is the number of octaves; None takes the one that fits best. Returns the chorale, the
    shift in semitones, and the number of notes that are still outside their voice's range; each of
    these is moved by further octaves.
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
    """``(T, V)`` True where the notes and rests of locked voices stay; see ``given_parts``."""
    kept = np.zeros(chorale.pitch.shape, dtype=np.bool_)
    for voice in locked:
        kept[:, voice] = True
        if voice not in melody:
            for gap in _long_rests(chorale, voice):
                kept[gap, voice] = False
    return kept


def cells_outside(chorale: Chorale, region: slice) -> NDArray[np.bool_]:
    """``(T, V)`` True outside a region, and in the notes that reach beyond it."""
    kept = np.ones(chorale.pitch.shape, dtype=np.bool_)
    kept[region] = False
    for voice in range(N_VOICES):
        for note in chorale.notes(voice):
            end = note.step + note.duration
            if not region.start <= note.step < end <= region.stop:
                kept[note.step : end, voice] = True
    return kept


def silent_with(tune: Chorale, melody: Sequence[int]) -> NDArray[np.bool_]:
    """``(T,)`` True in long rests of the melody in which no other given note sounds."""
    silent = np.zeros(len(tune), dtype=np.bool_)
    for voice in melody:
        for rest in _long_rests(tune, voice):
            silent[rest] = (tune.pitch[rest] == REST).all(axis=1)
    return silent


def _long_rests(chorale: Chorale, voice: int) -> Iterator[slice]:
    """The rests of a voice that are at least as long as the bar in which they begin."""
    sounding = np.concatenate([[True], chorale.pitch[:, voice] != REST, [True]])
    for start, stop in np.flatnonzero(sounding[1:] != sounding[:-1]).reshape(-1, 2).tolist():
        measure = chorale.measures[chorale.measure_index(start)]
        length = measure.length
        if chorale.pickup and measure.start == 0:  # a rest as long as a pickup is short
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
        "all four voices are given, so nothing is left to fill; rewrite some bars (--bars 5-8) or"
        " keep only the soprano (--voice soprano)"
    )


def _folded(
    pitch: NDArray[np.int_], low: NDArray[np.int_], high: NDArray[np.int_]
) -> NDArray[np.int_]:
    """Pitches moved between ``low`` and ``high`` by the fewest octaves."""
    raised = np.where(pitch < low, low + (pitch - low) % SEMITONES, pitch)
    return np.where(raised > high, high - (high - raised) % SEMITONES, raised)


def notices_of_range(parts: GivenParts) -> tuple[str, ...]:
    """Sentences on given notes outside their voices' ranges; see ``into_range``."""
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
