"""What of a chorale is known, cell by cell, and what is left for a harmonizer to fill.

The rules are the same whether the notes come from a MIDI file, a score or a ``Chorale``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import N_VOICES, REST, VOICE_RANGES, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.core.pitch import pitch_name
from musicae.encoding.partial_score import Sketch
from musicae.theory.key_finding import likely_key

NONE = "none"
"""How a lock of no voice is written."""
SEMITONES = 12
HIGHEST = 127


@dataclass(frozen=True)
class Request:
    """Which voices are to stay, and in which bars the others are to be written."""

    voice: int | None = None
    """The voice that a single given part is."""
    lock: tuple[int, ...] | None = None
    """The voices that stay; None leaves it to what there is."""
    bars: tuple[int, int] | None = None
    """The first and the last bar to recompose, the pickup being bar 0; None for the whole."""

    @classmethod
    def parse(
        cls,
        voice: str | None = None,
        lock: Sequence[str] | str | None = None,
        bars: tuple[int, int] | str | None = None,
    ) -> Request:
        """What musicians write: ``"bass"``, ``"soprano,bass"`` or ``"none"``, ``"5-8"`` or ``"5"``.

        Raises ChoraleError where a word is unknown or the wishes contradict each other.

        >>> Request.parse(lock="soprano,bass", bars="5-8")
        Request(voice=None, lock=(0, 3), bars=(5, 8))
        """
        if voice is not None and (lock is not None or bars is not None):
            raise ChoraleError(
                "--voice takes one part and leaves out the others; with --bars, or to keep several"
                " voices, say --lock"
            )
        names = lock.split(",") if isinstance(lock, str) else lock
        if names is not None and [name.strip().lower() for name in names] == [NONE]:
            names = ()
        if names is not None and not names and bars is None:
            raise ChoraleError(
                "with nothing locked there is nothing to harmonize; --lock none goes with --bars"
            )
        return cls(
            None if voice is None else voice_of(voice),
            None if names is None else tuple(sorted({voice_of(name) for name in names})),
            _bars_of(bars),
        )

    def as_dict(self) -> dict[str, Any]:
        """What was asked, in the words that ``parse`` takes; what was not is left out."""
        asked: dict[str, Any] = {}
        if self.voice is not None:
            asked["voice"] = VOICES[self.voice].lower()
        if self.lock is not None:
            asked["lock"] = [VOICES[v].lower() for v in self.lock] or NONE
        if self.bars is not None:
            asked["bars"] = "-".join(str(bar) for bar in dict.fromkeys(self.bars))
        return asked

    def locked(self, there: Sequence[int]) -> tuple[int, ...]:
        """The voices that stay everywhere, of those that are ``there``."""
        if self.voice is not None:
            return (self.voice,)
        if self.lock is not None:
            return self.lock
        return tuple(there) if self.bars is None else tuple(v for v in there if v == 0)

    def region(self, chorale: Chorale) -> slice:
        """The steps in which something may be written. Raises ChoraleError as Chorale.bars does."""
        if self.bars is None:
            return slice(0, len(chorale))
        first, last = self.bars
        chorale.bars(first, last)
        number_of_first = 0 if chorale.pickup else 1
        begin, end = (chorale.measures[bar - number_of_first] for bar in (first, last))
        return slice(begin.start, end.start + end.length)


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of a chorale, at its own pitch and as it is sung to a model."""

    tune: Chorale
    """The given notes at their own pitch; elsewhere silence."""
    sung: Chorale
    """The same within the voices' ranges."""
    whole: Chorale
    """The given notes, those of bars to be recomposed among them: where phrases are heard."""
    known: NDArray[np.bool_]
    """``(T, V)`` True where a voice stays as it is, a note or a silence."""
    shift: int
    """Semitones from ``tune`` to ``sung``, whole octaves."""
    key: Key | None
    """The key that the musician named."""
    marks: tuple[int, ...]
    """Steps of the phrase marks that came with the notes."""
    notices: tuple[str, ...]
    """What the musician should know of how the notes were understood."""

    def sketch(self, phrases: tuple[int, ...] | None = None, rhythm: str | None = None) -> Sketch:
        """What a harmonizer is given. Raises ChoraleError for a rhythm that there is not.

        In the musician's key, else the likeliest of the notes with the signature as evidence.
        """
        key = self.key or likely_key(self.sung)
        return Sketch(self.sung, self.known, key, phrases, rhythm)

    def around(self, harmonized: Chorale) -> Chorale:
        """``around`` for a chorale that was made of the sketch."""
        return around(self.tune, self.known, harmonized, self.shift)


def known_of(
    chorale: Chorale,
    request: Request,
    key: Key | None = None,
    *,
    marks: tuple[int, ...] | None = None,
    notices: tuple[str, ...] = (),
    where: str = "",
) -> Known:
    """What is known where some voices or bars of a chorale are to be written anew.

    A voice that stays keeps its notes and its rests. The rests of the melody (the soprano, or the
    one voice that was asked for) are the others' too where they last a bar and nothing given sounds
    in them; in other voices a gap of at least a bar is there to be filled. Of bars that are
    recomposed, notes that reach beyond them stay, and all that is outside stays.

    ``marks`` are by default the chorale's fermatas; ``where`` begins every complaint. Raises
    ChoraleError where a voice to be kept is silent, bars are not there, or nothing is left to fill.
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
    kept = _kept_cells(chorale, locked, melody, request, region)
    tune = replace(
        chorale,
        pitch=np.where(kept, chorale.pitch, REST),
        onset=chorale.onset & kept,
        fermatas=tuple(step for step in chorale.fermatas if kept[step, 0]),
        key=key or chorale.key,
    )
    known = kept | _silent_with(tune, melody)[:, None]
    if known.all():
        raise ChoraleError(where + _nothing_to_fill(request))
    sung, shift, moved = into_range(tune)
    marks = chorale.fermatas if marks is None else marks
    whole = tune if request.bars is None else chorale
    return Known(tune, sung, whole, known, shift, key, marks, (*notices, *moved))


def sung_by(chorale: Chorale, voice: int) -> Chorale:
    """The chorale with its only part in a voice (0 soprano to 3 bass); others stay as they are."""
    there = sounding_voices(chorale)
    if len(there) != 1 or there == (voice,):
        return chorale
    pitch, onset = np.full_like(chorale.pitch, REST), np.zeros_like(chorale.onset)
    pitch[:, voice], onset[:, voice] = chorale.pitch[:, there[0]], chorale.onset[:, there[0]]
    return replace(chorale, pitch=pitch, onset=onset, fermatas=())


def around(tune: Chorale, known: NDArray[np.bool_], harmonized: Chorale, shift: int) -> Chorale:
    """What is known at its own pitch, and the rest of ``harmonized`` moved along with it.

    ``known`` is ``(T, V)`` and of whole notes; ``shift`` is in semitones, from the tune's pitch to
    that at which it was harmonized. Notes that would leave MIDI's range are moved back by octaves.
    """
    filled = _folded(harmonized.pitch.astype(int) - shift, np.array(0), np.array(HIGHEST))
    filled = np.where(harmonized.pitch == REST, REST, filled)
    pitch = np.where(known, tune.pitch, filled)
    onset = np.where(known, tune.onset, harmonized.onset)
    # A note that a model begins in what is known goes on as a note of its own.
    onset[1:] |= known[:-1] & ~known[1:] & (pitch[1:] != REST)
    return replace(tune, pitch=pitch, onset=onset, source=harmonized.source)


def into_range(tune: Chorale) -> tuple[Chorale, int, tuple[str, ...]]:
    """The notes in the octave that fits their voices best, by how many semitones, and notices.

    All voices are moved together; notes that no octave of the whole brings into their voice's
    range are moved by octaves of their own.
    """
    lows, highs = np.array(VOICE_RANGES).T
    column = tune.pitch.astype(int)
    voices = np.nonzero(tune.onset)[1]
    pitches = column[tune.onset]
    outside = {}
    for octave in range(-10, 11):
        moved = pitches + SEMITONES * octave
        if ((moved >= 0) & (moved <= HIGHEST)).all():
            outside[octave] = int(((moved < lows[voices]) | (moved > highs[voices])).sum())
    octave = min(outside, key=lambda k: (outside[k], abs(k)))
    shift = SEMITONES * octave
    pitch = np.where(column == REST, REST, _folded(column + shift, lows, highs))
    notices = _notices_of_range(sorted(set(voices.tolist())), octave, outside[octave])
    return replace(tune, pitch=pitch), shift, notices


def voice_of(name: str) -> int:
    """The number of a voice, 0 soprano to 3 bass. Raises ChoraleError where it is none."""
    voice = name.strip().capitalize()
    if voice not in VOICES:
        raise ChoraleError(f"no voice is called {name!r}; there are {', '.join(VOICES).lower()}")
    return VOICES.index(voice)


def _bars_of(bars: tuple[int, int] | str | None) -> tuple[int, int] | None:
    if not isinstance(bars, str):
        return bars
    found = re.fullmatch(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?", bars)
    if not found:
        raise ChoraleError(f"bars are written like 5-8 or 5, not {bars!r}")
    return int(found[1]), int(found[2] or found[1])


def _kept_cells(
    chorale: Chorale,
    locked: Sequence[int],
    melody: Sequence[int],
    request: Request,
    region: slice,
) -> NDArray[np.bool_]:
    """``(T, V)`` where notes and rests stay as they are found; see ``known_of``."""
    kept = np.zeros(chorale.pitch.shape, dtype=np.bool_)
    for voice in locked:
        kept[:, voice] = True
        if voice not in melody:
            for gap in _long_rests(chorale, voice):
                kept[gap, voice] = False
    if request.bars is not None:
        kept[: region.start] = kept[region.stop :] = True
        for voice in range(N_VOICES):
            for note in chorale.notes(voice):
                end = note.step + note.duration
                if not region.start <= note.step < end <= region.stop:
                    kept[note.step : end, voice] = True
    return kept


def _silent_with(tune: Chorale, melody: Sequence[int]) -> NDArray[np.bool_]:
    """``(T,)`` the long rests of the melody in which nothing else that is given sounds."""
    silent = np.zeros(len(tune), dtype=np.bool_)
    for voice in melody:
        for rest in _long_rests(tune, voice):
            silent[rest] = (tune.pitch[rest] == REST).all(axis=1)
    return silent


def _long_rests(chorale: Chorale, voice: int) -> Iterator[slice]:
    """A voice's rests that last at least as long as the bar in which they begin."""
    sounding = np.concatenate([[True], chorale.pitch[:, voice] != REST, [True]])
    starts = [measure.start for measure in chorale.measures]
    for start, stop in np.flatnonzero(sounding[1:] != sounding[:-1]).reshape(-1, 2).tolist():
        measure = chorale.measures[int(np.searchsorted(starts, start, side="right")) - 1]
        length = measure.length
        if chorale.pickup and measure.start == 0:  # a rest as long as a pickup is a short one
            length = Meter(0, measure.numerator, measure.denominator).steps_per_bar
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


def _notices_of_range(voices: Sequence[int], octave: int, outside: int) -> tuple[str, ...]:
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
        notices.append(f"{wider}; {outside} notes were harmonized an octave nearer")
    return tuple(notices)
