"""The register of an ensemble: the octave in which a model reads and writes its music.

A model writes in the ranges of Bach's four voices. Music for other voices is moved by octaves into
these ranges, harmonized there, and written at its own pitch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from musicae.api.given import Given, into_range, notices_of_range
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import REST, VOICE_RANGES, VOICES
from musicae.core.ensembles import HAND, OCTAVE, Ensemble, EnsembleVoice
from musicae.core.errors import ChoraleError
from musicae.core.pitch import pitch_name
from musicae.encoding.partial_score import Limits

FURTHEST = 3 * OCTAVE
"""The most semitones by which music is moved to its register."""
CENTRES = (69, 64, 58, 51)
"""The middle of the notes of each of Bach's four voices, as MIDI pitches."""
OF_TESSITURA, OF_CENTRE = 3.0, 0.1
"""The weights of a semitone that a tessitura loses, and of a semitone between its middle and
``CENTRES``; a semitone that a range loses has weight 1."""
KEEPS_KEY = 8
"""For at least this many semitones, an octave is preferred, because it keeps the key."""


class Register(NamedTuple):
    """The register in which an ensemble's music is harmonized."""

    shift: int
    """Semitones from the music's own pitch to that of the model."""
    folded: int
    """The number of given notes that are outside the model's ranges there."""
    limits: Limits
    """The limits of the voices at the model's pitch."""


def for_ensemble(
    given: Given, ensemble: Ensemble, read: Callable[[int], Given]
) -> tuple[Given, int, Limits]:
    """Move the given parts into an ensemble's ranges.

    Args:
        given: the given parts.
        ensemble: who sings or plays.
        read: reads the same parts again, moved up by a number of semitones.

    Returns:
        The given parts, with a notice if they were moved; the semitones by which they were moved;
        and the limits of the voices at the model's pitch.

    Raises ChoraleError if the parts cannot fit, or a voice is given that the ensemble lacks.
    """
    lacking = [v for v in sounding_voices(given.parts.tune) if ensemble.voices[v] is None]
    if lacking:
        raise ChoraleError(
            f"{ensemble.name} has no voice for the {VOICES[lacking[0]].lower()} that is given;"
            f" there are {', '.join(filter(None, ensemble.names)).lower()}"
        )
    shift = fitting(given.parts.tune, ensemble)
    if shift:
        given = read(shift)
    notices = [n for n in given.notices if n not in notices_of_range(given.parts)]
    if shift:
        place = sounding_voices(given.parts.tune)[0]
        notices.append(transposed_notice(ensemble, place, shift))
    register = register_for(given.parts.tune, ensemble)
    in_range, moved, folded = into_range(given.parts.tune, register.shift // OCTAVE)
    known = given.parts.known.copy()
    known[:, list(register.limits.absent)] = True
    parts = replace(given.parts, in_range=in_range, shift=moved, folded=folded, known=known)
    preserved = given.preserved and replace(given.preserved, known=known)
    given = replace(given, parts=parts, notices=tuple(notices), preserved=preserved)
    return given, shift, register.limits


def register_for(tune: Chorale, ensemble: Ensemble) -> Register:
    """The register in which the given notes and the other voices' ranges fit a model best.

    Raises ChoraleError if the ranges of the voices lie too far apart.
    """
    lows, highs = np.array(VOICE_RANGES).T
    steps, voices = np.nonzero(tune.onset)
    pitches = tune.pitch[steps, voices].astype(int)
    there = sounding_voices(tune)
    written = [v for v in ensemble.there if v not in there or (tune.pitch[:, v] == REST).any()]
    best: tuple[float, int, int] | None = None
    for shift in sorted(range(-FURTHEST, FURTHEST + 1, OCTAVE), key=abs):
        moved = pitches + shift
        folded = int(((moved < lows[voices]) | (moved > highs[voices])).sum())
        losses = [_loss(ensemble.voices[v], v, shift) for v in written]
        if None in losses:
            continue
        loss = 1000 * folded + sum(loss or 0.0 for loss in losses)
        if best is None or loss < best[0]:
            best = loss, shift, folded
    if best is None:
        raise ChoraleError(
            "the ranges of the voices lie too far apart to be harmonized; give nearer ones with"
            " --ranges"
        )
    _, shift, folded = best
    return Register(shift, folded, _limits(ensemble, shift))


def fitting(tune: Chorale, ensemble: Ensemble) -> int:
    """The smallest interval, in semitones, that moves given notes into their voices' ranges.

    An octave is preferred to an interval above a fifth, because it keeps the key. It is preferred
    to any interval if a voice is written an octave off its sound, as for recorders. Raises
    ChoraleError if given notes span more than the range of their voice.
    """
    least, most = -127, 127
    by_octaves = False
    for place in sounding_voices(tune):
        voice = ensemble.voices[place]
        if voice is None:
            continue
        sung = [note.pitch for note in tune.notes(place)]
        (low, high), bottom, top = voice.range, min(sung), max(sung)
        if top - bottom > high - low:
            raise ChoraleError(
                f"the given notes, {pitch_name(bottom)} to {pitch_name(top)}, are wider than the"
                f" {voice.name.lower()}'s range {pitch_name(low)} to {pitch_name(high)}; choose"
                " another voice with --voice, or other --ranges"
            )
        least, most = max(least, low - bottom), min(most, high - top)
        by_octaves |= abs(voice.transposition) == OCTAVE
    if least > most:
        raise ChoraleError(
            "no transposition brings all given voices into their ranges; give other --ranges"
        )
    shifts = range(least, most + 1)
    nearest = min(shifts, key=abs)
    octaves = [shift for shift in shifts if shift % OCTAVE == 0]
    if octaves and (by_octaves or abs(nearest) >= KEEPS_KEY):
        return min(octaves, key=abs)
    return nearest


def transposed_notice(ensemble: Ensemble, place: int, shift: int) -> str:
    """A sentence on a melody that was transposed."""
    octaves, rest = divmod(abs(shift), OCTAVE)
    interval = _INTERVALS[rest]
    if octaves:
        interval = "an octave" if octaves == 1 else f"{octaves} octaves"
        interval += f" and {_INTERVALS[rest]}" if rest else ""
    low, high = ensemble.voices[place].range  # type: ignore[union-attr]
    name = ensemble.names[place].lower()
    return (
        f"transposed {'up' if shift > 0 else 'down'} {interval}, to fit the {name}'s range"
        f" {pitch_name(low)} to {pitch_name(high)}"
    )


_INTERVALS = (
    *("nothing", "a semitone", "a whole tone", "a minor third", "a major third", "a fourth"),
    *("a tritone", "a fifth", "a minor sixth", "a major sixth", "a minor seventh"),
    "a major seventh",
)


def _loss(voice: EnsembleVoice | None, place: int, shift: int) -> float | None:
    """The weighted loss of a voice's range in a register; None if less than an octave is left."""
    assert voice is not None
    left = _within(voice.range, place, shift)
    if left[1] - left[0] < OCTAVE - 1:
        return None
    lost = 0.0
    for weight, bounds in ((1.0, voice.range), (OF_TESSITURA, voice.tessitura)):
        low, high = _within(bounds, place, shift)
        lost += weight * (bounds[1] - bounds[0] - max(0, high - low))
    middle = sum(voice.tessitura) / 2 + shift
    return lost + OF_CENTRE * abs(middle - CENTRES[place])


def _within(bounds: tuple[int, int], place: int, shift: int) -> tuple[int, int]:
    """The part of a range of pitches that lies in a model's range of a voice, at its pitch."""
    low, high = VOICE_RANGES[place]
    return max(low, bounds[0] + shift), min(high, bounds[1] + shift)


def _limits(ensemble: Ensemble, shift: int) -> Limits:
    ranges = [
        _within(voice.range, place, shift) if voice else None
        for place, voice in enumerate(ensemble.voices)
    ]
    tessituras = [
        (voice.tessitura[0] + shift, voice.tessitura[1] + shift) if voice else None
        for voice in ensemble.voices
    ]
    return Limits(tuple(ranges), tuple(tessituras), HAND if ensemble.keyboard else None)
