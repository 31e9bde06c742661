"""A chorale in which only some notes are known, with what is requested for the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST, STYLES, VOICE_RANGES, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.pitch import pitch_name
from musicae.theory.form import Return
from musicae.theory.given_chords import GivenChord
from musicae.theory.harmonic_plan import HarmonicPlan
from musicae.theory.key_finding import likely_key

RHYTHMS = ("plain", "flowing")
"""``plain``: voices mostly move with the melody. ``flowing``: many eighths and passing tones."""


class Limits(NamedTuple):
    """The notes that the voices of an ensemble can sing or play, as MIDI pitches of the model.

    Each tuple has four entries, soprano to bass; None for a voice that the ensemble does not have.
    """

    ranges: tuple[tuple[int, int] | None, ...]
    """The lowest and the highest note of each voice, within ``VOICE_RANGES``."""
    tessituras: tuple[tuple[int, int] | None, ...]
    """The lowest and the highest note of the part of the range in which most notes lie."""
    hand: int | None = None
    """The widest interval that a hand can play on a keyboard, in semitones."""

    @property
    def absent(self) -> tuple[int, ...]:
        """The numbers of the voices that the ensemble does not have."""
        return tuple(place for place, found in enumerate(self.ranges) if found is None)


@dataclass(frozen=True, eq=False)
class PartialScore:
    """The input of a harmonizer. Raises ChoraleError if the fields contradict each other.

    >>> tune = Chorale.from_notes([[(0, 4, 67), (4, 4, 69), (8, 8, 71)]])
    >>> PartialScore.of(tune, voices=(0,)).known[0].tolist()
    [True, False, False, False]
    """

    chorale: Chorale
    """The known notes, each in its voice's range; rests elsewhere."""
    known: NDArray[np.bool_]
    """``(T, V)`` True if a note or rest is known and must stay. A note is known as a whole."""
    key: Key
    """The key to harmonize in. It may differ from the key signature."""
    phrases: tuple[int, ...] | None = None
    """The steps, ascending, at which the last notes of phrases begin; None if unknown."""
    rhythm: str | None = None
    """One of ``RHYTHMS``; None leaves it to the model."""
    plan: HarmonicPlan | None = None
    """The chords to follow, relative to ``key``. A chord that is None is left to the model, as are
    all chords if the plan is None."""
    style: str | None = None
    """One of ``STYLES``; None leaves it to the model."""
    cadences: tuple[tuple[int, str], ...] = ()
    """Requested cadences: for each the step at which the last note of its phrase begins, and its
    name."""
    given: tuple[GivenChord, ...] = ()
    """Chords that must sound, in order. They begin in the piece and do not overlap."""
    limits: Limits | None = None
    """The limits of the ensemble; None for the voices of Bach's chorales."""
    returns: tuple[Return, ...] = ()
    """Repeated passages, by ascending starts. Each source ends before its return begins."""
    before: int = 0
    """The number of steps of the piece before this part. If it is not 0, this part does not begin
    the piece."""
    after: int = 0
    """The number of steps of the piece after this part. If it is not 0, this part does not close
    the piece."""

    def __post_init__(self) -> None:
        known = np.array(self.known, dtype=np.bool_)
        pitch = self.chorale.pitch
        if known.shape != pitch.shape:
            raise ChoraleError(f"known has the shape {known.shape}, the chorale {pitch.shape}")
        if ((pitch != REST) & ~known).any():
            raise ChoraleError("a partial score has a note that is not known; make it a rest")
        for voice, (low, high) in enumerate(VOICE_RANGES):
            for note in self.chorale.notes(voice):
                if not low <= note.pitch <= high:
                    bar, beat = self.chorale.position(note.step)
                    raise ChoraleError(
                        f"bar {bar}, beat {beat:g}: {pitch_name(note.pitch)} is outside the"
                        f" {VOICES[voice].lower()}'s range {pitch_name(low)} to {pitch_name(high)}"
                    )
        if self.rhythm is not None and self.rhythm not in RHYTHMS:
            raise ChoraleError(f"a rhythm is {' or '.join(RHYTHMS)}, not {self.rhythm!r}")
        if self.style is not None and self.style not in STYLES:
            raise ChoraleError(f"a style is one of {', '.join(STYLES)}, not {self.style!r}")
        if self.plan is not None:
            _check_plan(self.plan, self.key, len(pitch))
        phrases = self.phrases
        if phrases is not None and list(phrases) != sorted(set(phrases) & set(range(len(pitch)))):
            raise ChoraleError("the ends of phrases must be steps of the piece, in order")
        ends = [0, *(chord.stop for chord in self.given)]
        if any(c.start < end for c, end in zip(self.given, ends, strict=False)) or any(
            chord.start >= len(pitch) for chord in self.given
        ):
            raise ChoraleError("given chords must begin in the piece, in order, without overlap")
        _check_returns(self.returns, len(pitch))
        known.setflags(write=False)
        object.__setattr__(self, "known", known)

    @classmethod
    def of(
        cls,
        chorale: Chorale,
        voices: tuple[int, ...] = (),
        *,
        known: NDArray[np.bool_] | None = None,
        key: Key | None = None,
        phrases: tuple[int, ...] | None = None,
        rhythm: str | None = None,
        plan: HarmonicPlan | None = None,
        style: str | None = None,
        returns: tuple[Return, ...] = (),
    ) -> PartialScore:
        """The partial score in which ``voices`` and the cells of ``known`` ``(T, V)`` are known.

        A note with one known cell is known as a whole. If no key is given, it is estimated from the
        known notes and the chorale's key signature. If no phrases are given, they end at the
        chorale's fermatas, if it has any.
        """
        mask = np.zeros(chorale.pitch.shape, dtype=np.bool_)
        mask[:, list(voices)] = True
        if known is not None:
            mask |= known
        for voice in range(N_VOICES):
            for note in chorale.notes(voice):
                cells = mask[note.step : note.step + note.duration, voice]
                cells[:] = cells.any()
        kept = replace(
            chorale,
            pitch=np.where(mask, chorale.pitch, REST),
            onset=chorale.onset & mask,
            fermatas=tuple(step for step in chorale.fermatas if mask[step, 0]),
        )
        if phrases is None and chorale.fermatas:
            phrases = chorale.fermatas
        key = key or likely_key(kept)
        return cls(kept, mask, key, phrases, rhythm, plan, style, returns=returns)


def _check_plan(plan: HarmonicPlan, key: Key, steps: int) -> None:
    if plan.key.tonic != key.tonic:
        raise ChoraleError(f"the plan's chords are relative to {plan.key}, the key is {key}")
    if plan.beats and plan.beats[-1].start + plan.beats[-1].length > steps:
        raise ChoraleError(f"the plan is longer than the {steps} steps of the piece")


def _check_returns(returns: tuple[Return, ...], steps: int) -> None:
    for start, stop, source, voices in returns:
        if not 0 <= source < source + stop - start <= start < stop <= steps:
            raise ChoraleError(
                f"a passage that returns must be in the piece, after its source; steps {start} to"
                f" {stop} return from {source}"
            )
        if not voices or list(voices) != sorted(set(voices) & set(range(N_VOICES))):
            raise ChoraleError(
                f"a passage must return in voices from 0 to 3, in order; got {tuple(voices)}"
            )
    if any(later.start <= earlier.start for earlier, later in pairwise(returns)):
        raise ChoraleError("passages that return must be in order of their starts")
