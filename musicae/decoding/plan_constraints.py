"""Constraints on a plan, as masks: a given bass, locked voices, ends of phrases, cadences.

Axes: ``B`` beats, ``S`` states, ``T`` steps, ``V`` voices. A state is a chord. One state, None,
stands for all chords that have no state; no constraint allows it. Each function narrows the allowed
states of a ``Wish``. If a constraint cannot be met, it adds a sentence to ``notices``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST
from musicae.core.key import CONTRARY, Key
from musicae.encoding.chord_table import ChordTable, chord_table
from musicae.encoding.melody_features import end_beats
from musicae.encoding.second_chords import second_states
from musicae.theory.cadences import CADENCES
from musicae.theory.harmonic_plan import Beat, PlannedChord
from musicae.theory.numerals import QUALITIES
from musicae.theory.plan_reading import plan_of, second_begins

Mask = NDArray[np.bool_]

TRIADS = ("major", "minor")
DOMINANTS = ("major", "dominant")
LEADING = ("diminished", "half-diminished", "diminished-seventh")
CLOSING = 3
"""The number of beats before the last note in which ``close`` weighs moves into the tonic."""
UNUSUAL = -8.0
"""The log potential of a move into the last tonic from a chord that does not close."""
TARGETS = {"major": (0, 7, 9, 5, 2, 4), "minor": (0, 3, 7, 5, 8, 10)}
"""Roots, in semitones above the tonic, on which an authentic cadence can end, likeliest first."""


@dataclass
class Wish:
    """The states that are allowed at each beat, and notices about unmet constraints."""

    chorale: Chorale
    """The known notes; degrees count from ``key``."""
    key: Key
    beats: Sequence[Beat]
    chords: Sequence[PlannedChord | None]
    """``S`` the chord of each state."""
    melody: int = 0
    """The number of the voice that has the melody."""
    known: Mask | None = None
    """``(T, V)`` which steps are known; the others are still to be written. None: all are known."""
    allowed: Mask = field(init=False)
    """``(B, S)`` which states are allowed on each beat."""
    single: set[int] = field(default_factory=set)
    """Indices of beats that must not have a second chord."""
    fixed: set[int] = field(default_factory=set)
    """Indices of beats in which all voices are known."""
    given: set[int] = field(default_factory=set)
    """Indices of beats whose chord the user gave."""
    moves: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    """Log potentials ``(S, S)`` that are added to the transitions from some beats, by index."""
    ends: list[tuple[int, int]] = field(default_factory=list)
    """For each phrase the first and the last beat in which its last note sounds."""
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.allowed = np.tile(self.table.real, (len(self.beats), 1))

    @cached_property
    def table(self) -> ChordTable:
        """The chords of the states as arrays."""
        return chord_table(self.chords)

    @cached_property
    def sung(self) -> Mask:
        """``(B, V, 12)`` which degrees, in semitones above the tonic, voices have in each beat."""
        found = np.zeros((len(self.beats), self.chorale.pitch.shape[1], 12), dtype=np.bool_)
        starts = np.array([beat.start for beat in self.beats])
        step, voice = np.nonzero(self.chorale.pitch != REST)
        beat = np.searchsorted(starts, step, side="right") - 1
        found[beat, voice, (self.chorale.pitch[step, voice] - self.key.tonic) % 12] = True
        return found

    def states(
        self,
        roots: Iterable[int] | None = None,
        qualities: Iterable[str] | None = None,
        bass: Iterable[int] | None = None,
    ) -> Mask:
        """``(S,)`` the states with one of these roots, qualities and bass members."""
        keep: Mask = self.table.real
        if roots is not None:
            keep = keep & _among(self.table.roots, roots)
        if qualities is not None:
            names = tuple(QUALITIES)
            keep = keep & _among(self.table.qualities, map(names.index, qualities))
        if bass is not None:
            keep = keep & _among(self.table.bass, bass)
        return keep

    def holding(self, degrees: Iterable[int]) -> Mask:
        """``(S,)`` the states that have one of these degrees as a member."""
        found: Mask = np.any(self.table.members[:, list(degrees)], axis=1)
        return found

    def degrees(self, beat: int, voice: int, at_start: bool = False) -> set[int]:
        """The degrees that a voice has in a beat, or only at its first step."""
        if not at_start:
            return set(np.flatnonzero(self.sung[beat, voice]).tolist())
        pitch = int(self.chorale.pitch[self.beats[beat].start, voice])
        return set() if pitch == REST else {(pitch - self.key.tonic) % 12}

    def narrow(self, fitting: Mask) -> None:
        """Allow only ``fitting`` ``(B, S)`` states, except on beats that would have none left."""
        both = self.allowed & fitting
        self.allowed = np.where(both.any(axis=1, keepdims=True), both, self.allowed)

    def bar(self, beat: int) -> int:
        """The number of the bar of a beat, as musicians count."""
        return self.chorale.position(self.beats[beat].start)[0]


def _among(values: Ints, wanted: Iterable[int]) -> Mask:
    """``(S,)`` which values are among the wanted ones; faster than ``np.isin`` for a few."""
    found: Mask = (values[:, None] == np.array(list(wanted), dtype=np.int64)).any(axis=1)
    return found


def end_on_the_tonic(wish: Wish) -> None:
    """End on the tonic triad in root position, if the melody's last note belongs to it.

    In minor the major triad is allowed too. If the note does not belong to it, the last chord is
    the dominant triad in root position, or else any triad in root position that has the note. A
    chord that the user gave on the last beat does not change.
    """
    last = _last_sounding(wish)
    if last in wish.given:
        return
    triads = wish.states(qualities=TRIADS, bass=(0,))
    tonic = wish.states(roots=(0,), qualities=_tonic_triads(wish.key.mode), bass=(0,))
    dominant = wish.states(roots=(7,), qualities=("major",), bass=(0,))
    holding = wish.holding(_last_degrees(wish))
    for fitting in (tonic & holding, dominant & holding, triads & holding):
        if (fitting & wish.allowed[last]).any():
            wish.allowed[last] &= fitting
            wish.single.add(last)
            return
    wish.notices.append("the last chord cannot be a triad in root position over the given notes")


def close(wish: Wish) -> None:
    """If the last chord is the tonic, reach it from a closing chord.

    Closing chords are the dominant and the chords on the leading note, the subdominant and the
    second degree. A church mode has no leading note: there they are all chords whose root lies a
    step, a fourth or a fifth from the tonic. 98% of Bach's pieces in major and 99% of those in
    minor that end on the tonic close like this. The last tonic may sound for several beats, so the
    moves into it are weighed from ``CLOSING`` beats before the last note.
    """
    last = _last_sounding(wish)
    tonic = wish.states(roots=(0,), qualities=_tonic_triads(wish.key.mode))
    if (wish.allowed[last] & ~tonic).any():
        return
    steps = wish.states(roots=(1, 2, 5, 7, 10) if wish.key.church else (2, 5))
    closing = steps | wish.states((7,), DOMINANTS) | wish.states((11,), LEADING) | tonic
    penalty = np.where(~closing[:, None] & tonic[None, :], UNUSUAL, 0.0)
    begins = np.flatnonzero(wish.chorale.onset[:, wish.melody])
    starts = [beat.start for beat in wish.beats]
    first = int(np.searchsorted(starts, begins[-1], side="right")) - 1 if begins.size else last
    if _ends_open(wish):
        first = last
    for beat in range(max(0, min(first, last) - CLOSING), last):
        wish.moves[beat] = penalty


def keep_church_mode(wish: Wish) -> None:
    """In a church mode, forbid chords with the degree that contradicts it.

    They stay allowed on beats on which the melody has this degree.
    """
    contrary = CONTRARY.get(wish.key.church)
    if contrary is None:
        return
    wish.narrow(wish.sung[:, wish.melody, contrary, None] | ~wish.holding({contrary}))


def begin_in_the_key(wish: Wish) -> list[int]:
    """The beats up to the end of the first full bar. At least one must have the tonic as its root.

    A mask cannot express "at least one"; ``best_with_one_of`` finds the best such plan. Beats whose
    constraints or melody exclude the tonic are left out, so the list may be empty.
    """
    last_bar = 1 if wish.chorale.pickup else 0
    tonic = tonic_states(wish)
    return [
        i
        for i, beat in enumerate(wish.beats)
        if beat.bar <= last_bar and (wish.allowed[i] & tonic & _fits_melody(wish, i)).any()
    ]


def end_phrases(wish: Wish, phrase_ends: Sequence[int]) -> None:
    """Put triads in root position under the last notes of phrases, as 99% of Bach's have.

    ``phrase_ends`` are the steps at which these notes begin. A beat does not change if no allowed
    triad contains its melody note.
    """
    triads = wish.states(qualities=TRIADS, bass=(0,))
    onset = wish.chorale.onset[:, wish.melody]
    wish.ends = end_beats(wish.beats, onset, phrase_ends)
    for first, last in wish.ends:
        for beat in {first, last}:
            fitting = wish.allowed[beat] & triads & _fits_melody(wish, beat)
            if fitting.any():
                wish.allowed[beat] = fitting
                wish.single.add(beat)


def end_phrase_with(wish: Wish, step: int, cadence: str) -> None:
    """End the phrase whose last note begins at ``step`` with a named cadence.

    ``authentic``: the dominant, then its tonic, of the key or of a degree; ``half``: the dominant;
    ``plagal``: the subdominant, then the tonic; ``deceptive``: the dominant, then the sixth degree.
    If none fits the melody, a notice says so. Raises ValueError for another name.
    """
    if cadence not in CADENCES:
        raise ValueError(f"there is no cadence {cadence!r}; choose {', '.join(CADENCES)}")
    onset = wish.chorale.onset[:, wish.melody]
    first, last = end_beats(wish.beats, onset, [step])[0]
    for before, after in _cadence_pairs(wish, cadence):
        target = after & wish.holding(wish.degrees(first, wish.melody, at_start=True))
        ready = before & _fits_melody(wish, first - 1) if first and before.any() else None
        if not (target & wish.allowed[first]).any():
            continue
        if ready is not None and not (ready & wish.allowed[first - 1]).any():
            continue
        for beat in range(first, last + 1):
            if (target & wish.allowed[beat]).any():
                wish.allowed[beat] &= target
                wish.single.add(beat)
        if ready is not None:
            wish.allowed[first - 1] &= ready
            wish.single.add(first - 1)
        return
    wish.notices.append(f"bar {wish.bar(first)}: no {cadence} cadence fits the melody")


def end_in_cadences(wish: Wish) -> None:
    """End all phrases in a cadence of any kind. Call it after ``end_phrases``, which finds them.

    The move into the beat in which a phrase's last note begins must be that of one of ``CADENCES``;
    other moves cost ``-UNUSUAL`` nats. I to IV is no cadence, for I without a seventh is no
    dominant of IV.
    """
    tonic = wish.states(roots=(0,), qualities=TRIADS)
    cadential = np.zeros((len(wish.chords), len(wish.chords)), dtype=np.bool_)
    for cadence in CADENCES:
        for before, after in _cadence_pairs(wish, cadence):
            leads = before & ~tonic if cadence == "authentic" else before
            leads = leads if before.any() else ~wish.states(roots=(7,))
            cadential |= leads[:, None] & after[None, :]
    penalty = np.where(cadential, 0.0, UNUSUAL)
    for first, _ in wish.ends:
        if first:
            before_it = wish.moves.get(first - 1)
            wish.moves[first - 1] = penalty if before_it is None else before_it + penalty


def give_bass(wish: Wish, voice: int = N_VOICES - 1) -> None:
    """Allow chords whose bass is the first note of the given bass in their beat.

    If no allowed chord of a beat has this bass, its later bass notes are allowed too.
    """
    if not wish.sung[:, voice].any():
        return
    first = np.zeros((len(wish.beats), 12), dtype=np.bool_)
    for beat in range(len(wish.beats)):
        first[beat, list(wish.degrees(beat, voice, at_start=True))] = True
    over = np.eye(12, dtype=np.bool_)[:, wish.table.bass_classes] & wish.table.real  # (12, S)
    on_first = first @ over
    fits = (on_first & wish.allowed).any(axis=1, keepdims=True)
    wish.narrow(np.where(fits, on_first, wish.sung[:, voice] @ over))


def give_voices(wish: Wish, voices: Iterable[int]) -> None:
    """Allow chords that contain a note of each of these voices in their beat, if possible."""
    for voice in voices:
        if wish.sung[:, voice].any():
            wish.narrow(wish.sung[:, voice] @ wish.table.members.T)


def give_sounding(wish: Wish, known: Mask) -> None:
    """Beats in which all voices are ``known`` ``(T, V)`` keep the chords that sound there."""
    if not known.all(axis=1).any():
        return
    plan = plan_of(wish.chorale, wish.key)
    for beat, chord in enumerate(plan.chords):
        start = wish.beats[beat].start
        if not known[start : start + wish.beats[beat].length].all():
            continue
        wish.fixed.add(beat)
        if chord is None:
            continue
        exact = np.array([state == chord for state in wish.chords])
        wish.allowed[beat] = exact if exact.any() else wish.states(roots=(chord.root,))
        wish.single.add(beat)


def second_chords(wish: Wish, first: NDArray[np.int64]) -> Mask:
    """``(B, 1 + S)`` which second chords are possible in each beat; column 0 is for none.

    ``first`` ``(B,)`` are the states at the beginnings of the beats. If a bass is given, its note
    is the bass of the second chord too.
    """
    found = second_states(wish.chorale, wish.key, wish.beats, wish.chords, first)
    found[:, 1:] &= wish.table.real
    found[list(wish.single), 1:] = False
    bass_class = wish.table.bass_classes
    if not wish.sung[:, N_VOICES - 1].any():
        return found
    for i in np.flatnonzero(found[:, 1:].any(axis=1)).tolist():
        beat = wish.beats[i]
        low = wish.chorale.pitch[beat.start + (second_begins(beat.length) or 0), N_VOICES - 1]
        if low != REST:
            found[i, 1:] &= bass_class == (int(low) - wish.key.tonic) % 12
    return found


def tonic_states(wish: Wish) -> Mask:
    """``(S,)`` the tonic triads in any inversion; in minor also the major ones."""
    return wish.states(roots=(0,), qualities=_tonic_triads(wish.key.mode))


def _cadence_pairs(wish: Wish, cadence: str) -> list[tuple[Mask, Mask]]:
    """Masks ``(S,)`` of the states before the phrase's end (all False: any state) and at it."""
    anything = np.zeros(len(wish.chords), dtype=np.bool_)
    mode = wish.key.mode
    dominant = wish.states(roots=(7,), qualities=DOMINANTS)
    tonic = wish.states(roots=(0,), qualities=_tonic_triads(mode), bass=(0,))
    if cadence == "half":
        return [(anything, wish.states(roots=(7,), qualities=("major",), bass=(0,)))]
    if cadence == "plagal":
        return [(wish.states(roots=(5,), qualities=TRIADS), tonic)]
    if cadence == "deceptive":
        sixth, quality = (9, "minor") if mode == "major" else (8, "major")
        return [(dominant, wish.states(roots=(sixth,), qualities=(quality,), bass=(0,)))]
    pairs = []
    for target in TARGETS[mode]:
        leading = wish.states(roots=((target + 11) % 12,), qualities=LEADING)
        before = wish.states(roots=((target + 7) % 12,), qualities=DOMINANTS) | leading
        after = tonic if target == 0 else wish.states((target,), TRIADS, (0,))
        pairs.append((before, after))
    return pairs


def _tonic_triads(mode: str) -> tuple[str, ...]:
    return ("major",) if mode == "major" else ("minor", "major")


def _fits_melody(wish: Wish, beat: int) -> Mask:
    """``(S,)`` the states that contain a melody note of that beat; all states if it rests."""
    sung = wish.degrees(beat, wish.melody)
    return wish.holding(sung) if sung else np.ones(len(wish.chords), dtype=np.bool_)


def _last_sounding(wish: Wish) -> int:
    """The last beat in which the melody, else any voice, sounds or is open; else the last beat."""
    sounds = wish.chorale.pitch != REST
    if wish.known is not None:
        sounds |= ~wish.known
    for voices in ([wish.melody], list(range(N_VOICES))):
        sounding = np.flatnonzero(sounds[:, voices].any(axis=1))
        if sounding.size:
            starts = [beat.start for beat in wish.beats]
            return int(np.searchsorted(starts, sounding[-1], side="right")) - 1
    return len(wish.beats) - 1


def _ends_open(wish: Wish) -> bool:
    """Whether notes of the melody after its last known one are still to be written."""
    if wish.known is None:
        return False
    sounding = np.flatnonzero(wish.chorale.pitch[:, wish.melody] != REST)
    after = int(sounding[-1]) + 1 if sounding.size else 0
    return bool((~wish.known[after:, wish.melody]).any())


def _last_degrees(wish: Wish) -> set[int]:
    """The melody's last degree; all degrees if it never sounds or its last note is open."""
    column = wish.chorale.pitch[:, wish.melody]
    sung = column[column != REST]
    if not sung.size or _ends_open(wish):
        return set(range(12))
    return {int(sung[-1] - wish.key.tonic) % 12}
