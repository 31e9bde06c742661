"""What a plan must keep, as masks: a given bass, locked voices, ends, cadences.

Axes: ``B`` beats, ``S`` states. A state is a chord, or None for all chords without a state of
their own, which no constraint allows. Each function narrows a ``Wish`` and says in ``notices`` what
cannot be met.
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
"""Beats before the last note from which on ``close`` looks at moves into the tonic."""
UNUSUAL = -8.0
"""The log potential of a move into the last tonic from a chord that does not close."""
TARGETS = {"major": (0, 7, 9, 5, 2, 4), "minor": (0, 3, 7, 5, 8, 10)}
"""Roots, in semitones above the tonic, on which an authentic cadence can end, likeliest first."""


@dataclass
class Wish:
    """The states that are allowed at each beat, and what could not be met."""

    chorale: Chorale
    """The known notes; degrees count from ``key``."""
    key: Key
    beats: Sequence[Beat]
    chords: Sequence[PlannedChord | None]
    """``S`` the chord of each state."""
    melody: int = 0
    """The voice that has the melody."""
    known: Mask | None = None
    """``(T, V)`` which steps are known; elsewhere notes are yet to come. None for all."""
    allowed: Mask = field(init=False)
    """``(B, S)``."""
    single: set[int] = field(default_factory=set)
    """Beats in which no second chord follows."""
    fixed: set[int] = field(default_factory=set)
    """Beats of which all voices are known."""
    given: set[int] = field(default_factory=set)
    """Beats whose chords a user gave."""
    moves: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    """Log potentials ``(S, S)`` that are added to the transitions that leave some beats."""
    ends: list[tuple[int, int]] = field(default_factory=list)
    """The beats, first and last, in which last notes of phrases sound."""
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.allowed = np.tile(self.table.real, (len(self.beats), 1))

    @cached_property
    def table(self) -> ChordTable:
        """What the chords of the states are."""
        return chord_table(self.chords)

    @cached_property
    def sung(self) -> Mask:
        """``(B, V, 12)`` which degrees each voice sings in each beat."""
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
        """The degrees that a voice sings in a beat, or at its first step."""
        if not at_start:
            return set(np.flatnonzero(self.sung[beat, voice]).tolist())
        pitch = int(self.chorale.pitch[self.beats[beat].start, voice])
        return set() if pitch == REST else {(pitch - self.key.tonic) % 12}

    def narrow(self, fitting: Mask) -> None:
        """Allow of ``(B, S)`` fitting states those that are allowed, at beats where any are."""
        both = self.allowed & fitting
        self.allowed = np.where(both.any(axis=1, keepdims=True), both, self.allowed)

    def bar(self, beat: int) -> int:
        """The number of a beat's bar, as musicians count."""
        return self.chorale.position(self.beats[beat].start)[0]


def _among(values: Ints, wanted: Iterable[int]) -> Mask:
    """``(S,)`` which values are wanted ones; for few of these, faster than ``np.isin``."""
    found: Mask = (values[:, None] == np.array(list(wanted), dtype=np.int64)).any(axis=1)
    return found


def end_on_the_tonic(wish: Wish) -> None:
    """The last beat is the tonic triad in root position, if the melody's last note is of it.

    In minor it can be the major triad too. Else it is the dominant's, or any triad of the last
    note in root position. A chord that a user gave there stays.
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
    """The last chord is reached from one that closes, if it is the tonic.

    Those are the dominant and the chords on the leading note, the subdominant and the second
    degree; in a church mode all chords whose roots lie a step, a fourth or a fifth from the tonic,
    for it has no leading note. 98% of Bach's pieces in major and 99% in minor that end on the tonic
    close so. The tonic may sound for some beats, so moves into it count from ``CLOSING`` beats
    before the last note.
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
    """In a church mode no chord has the degree that contradicts it, but where the melody does."""
    contrary = CONTRARY.get(wish.key.church)
    if contrary is None:
        return
    wish.narrow(wish.sung[:, wish.melody, contrary, None] | ~wish.holding({contrary}))


def begin_in_the_key(wish: Wish) -> list[int]:
    """The beats of which one must have the tonic as its root: those of the first whole bar.

    No mask says "one of these"; ``best_with_one_of`` finds the best plan that does. Empty where
    the constraints already forbid it.
    """
    last_bar = 1 if wish.chorale.pickup else 0
    tonic = tonic_states(wish)
    return [
        i
        for i, beat in enumerate(wish.beats)
        if beat.bar <= last_bar and (wish.allowed[i] & tonic & _fits_melody(wish, i)).any()
    ]


def end_phrases(wish: Wish, phrase_ends: Sequence[int]) -> None:
    """The last notes of phrases have triads in root position, as 99% of Bach's have.

    A beat on which no such triad has the melody's note is left as it is.
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
    """The phrase whose last note begins at a step ends with a named cadence.

    ``authentic``: the dominant, then its tonic, of the key or of a degree; ``half``: the dominant;
    ``plagal``: the subdominant, then the tonic; ``deceptive``: the dominant, then the sixth degree.
    Raises ValueError for another name.
    """
    if cadence not in CADENCES:
        raise ValueError(f"a cadence is one of {', '.join(CADENCES)}, not {cadence!r}")
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
    """Phrases end in a cadence of any kind; ``end_phrases`` or ``end_phrase_with`` goes before.

    Into the beat in which a phrase's last note begins leads a move of one of ``CADENCES``. The
    tonic triad going to its fourth is none, for it has no seventh.
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
    """Each chord stands over the first note of a given bass in its beat, else over a later one."""
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
    """Each locked voice sings, somewhere in each beat, a member of the chord, if it is possible."""
    for voice in voices:
        if wish.sung[:, voice].any():
            wish.narrow(wish.sung[:, voice] @ wish.table.members.T)


def give_sounding(wish: Wish, known: Mask) -> None:
    """Beats of which all voices are known, ``(T, V)``, keep the chords that sound there."""
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
    """``(B, 1 + S)`` whether no chord, or which, can follow inside each beat.

    ``first`` ``(B,)`` are the states at the beginnings of the beats. A given bass carries the
    second chord too.
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
    """States before and on the end of the phrase; no state before where any will do."""
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
    """``(S,)`` the states with a note of the melody in that beat; all where it rests."""
    sung = wish.degrees(beat, wish.melody)
    return wish.holding(sung) if sung else np.ones(len(wish.chords), dtype=np.bool_)


def _last_sounding(wish: Wish) -> int:
    """The last beat in which the melody sounds or may, else any voice, else the last one."""
    heard = wish.chorale.pitch != REST
    if wish.known is not None:
        heard |= ~wish.known
    for voices in ([wish.melody], list(range(N_VOICES))):
        sounding = np.flatnonzero(heard[:, voices].any(axis=1))
        if sounding.size:
            starts = [beat.start for beat in wish.beats]
            return int(np.searchsorted(starts, sounding[-1], side="right")) - 1
    return len(wish.beats) - 1


def _ends_open(wish: Wish) -> bool:
    """Whether notes of the melody are yet to come after its last known one."""
    if wish.known is None:
        return False
    sounding = np.flatnonzero(wish.chorale.pitch[:, wish.melody] != REST)
    after = int(sounding[-1]) + 1 if sounding.size else 0
    return bool((~wish.known[after:, wish.melody]).any())


def _last_degrees(wish: Wish) -> set[int]:
    """The melody's last degree; all degrees where it never sounds or its last note is open."""
    column = wish.chorale.pitch[:, wish.melody]
    sung = column[column != REST]
    if not sung.size or _ends_open(wish):
        return set(range(12))
    return {int(sung[-1] - wish.key.tonic) % 12}
