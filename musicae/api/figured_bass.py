"""``figures``: a given figured bass, as chords that must sound over its notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

import numpy as np

from musicae.api.given import Given, GivenParts
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import BASS, REST, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.pitch import spelled_class
from musicae.io.chord_text import FREE, PlacedChord, placed_chords, shared
from musicae.io.score_song import ScoreSong
from musicae.theory.figured_bass import Figures, figures_of, places_through
from musicae.theory.given_chords import GivenChord
from musicae.theory.harmonic_plan import beats_of
from musicae.theory.spelling import spell

NONE, OF_FILE, WRITE = "none", "file", "write"
"""Values of ``figures`` other than figures: ignore those in the file, require them, write some."""
SUCCESSIVE = "-"
"""The sign between figures that follow each other over one note, such as ``4-3``."""


class Placed(NamedTuple):
    """Figures over the bass, with their place."""

    start: int
    """The first step."""
    length: int
    """The length in steps."""
    figures: Figures


class ChosenFigures(NamedTuple):
    """The chords that figures ask for, and sentences on what cannot sound."""

    chords: tuple[GivenChord, ...] = ()
    notices: tuple[str, ...] = ()


def is_bass(given: Given, wish: str | None) -> bool:
    """Whether the one given part is not yet the bass but has figures, so that it is one."""
    voices = sounding_voices(given.parts.tune)
    if len(voices) != 1 or voices == (BASS,) or wish == NONE:
        return False
    return wish not in (None, OF_FILE, WRITE) or bool(_in_file(given, voices[0]))


def choose(wish: str | None, given: Given) -> ChosenFigures:
    """Read the given figures as chords over the given bass.

    Args:
        wish: figures in bars (``6 | 7 6 | 4-3``), or one of ``NONE``, ``OF_FILE`` and ``WRITE``.
            Figures are placed in a bar like chords (``io.chord_text``); but if a bar has as many
            figures as the bass has notes, each figure belongs to a note. None takes the figures in
            the file, if it has any.
        given: the given parts.

    Raises ChoraleError if figures cannot be read, or no bass is given.
    """
    if wish == NONE:
        return ChosenFigures()
    if wish not in (None, OF_FILE, WRITE):
        _need_bass(given.parts)
        return _fit(list(_from_text(str(wish), given.parts.tune)), given.parts)
    found = _in_file(given, BASS) if given.parts.known[:, BASS].any() else ()
    if not found:
        if wish == OF_FILE:
            _need_bass(given.parts)
            raise ChoraleError("the bass has no figures; write them as in --figures '6 | 7 6 | #'")
        return ChosenFigures()
    chosen = _fit(list(_completed(found, given.parts.tune)), given.parts)
    notice = f"the {len(found)} figures of the bass are followed (--figures none ignores them)"
    return chosen._replace(notices=(notice, *chosen.notices))


def written(chorale: Chorale) -> tuple[tuple[int, Figures], ...]:
    """The figures of a chorale with a key, each with its step; see ``figures_of``."""
    assert chorale.key
    return figures_of(chorale, spell(chorale), chorale.key.fifths)


def _need_bass(parts: GivenParts) -> None:
    if BASS not in sounding_voices(parts.tune):
        there = ", ".join(VOICES[v].lower() for v in sounding_voices(parts.tune))
        raise ChoraleError(
            f"figures need a given bass, and only {there} is given; if the given part is the bass,"
            " say --voice bass"
        )


def _in_file(given: Given, voice: int) -> tuple[tuple[int, Figures], ...]:
    """The figures that the file has in the part of a voice, each with its step."""
    kept = given.preserved
    if kept is None or voice not in kept.parts or not isinstance(kept.song, ScoreSong):
        return ()
    from musicae.io.figured_bass import read_figures

    steps = len(given.parts.tune)
    found = read_figures(kept.song.score, kept.song.line(kept.parts[voice]).part)
    return tuple((step, figures) for step, figures in found if step < steps)


def _from_text(text: str, tune: Chorale) -> Iterator[Placed]:
    placed = placed_chords(text, tune, "figures")
    for index, group in groupby(placed, lambda one: tune.measure_index(one.start)):
        bar, measure = list(group), tune.measures[index]
        notes = [
            note
            for note in tune.notes(BASS)
            if measure.start <= note.step < measure.start + measure.length
        ]
        beat = measure.meter.steps_per_beat
        even = [one.length for one in bar] == shared(measure.length, len(bar), beat)
        if even and len(notes) == len(bar):
            bar = [
                PlacedChord(note.step, note.duration, one.text)
                for note, one in zip(notes, bar, strict=True)
            ]
        for one in bar:
            if one.text != FREE:
                yield from _successive(one, tune, beat)


def _successive(one: PlacedChord, tune: Chorale, beat: float) -> Iterator[Placed]:
    """The figures of a text such as ``4-3``, in order. Raises ChoraleError with the bar."""
    words = one.text.split(SUCCESSIVE)
    lengths = shared(one.length, len(words), beat)
    start = one.start
    try:
        if not lengths:
            raise ChoraleError(f"{one.text!r} has more figures than the note has sixteenths")
        for word, length in zip(words, lengths, strict=True):
            yield Placed(start, length, Figures.parse(word))
            start += length
    except ChoraleError as error:
        bar, _ = tune.position(one.start)
        raise ChoraleError(f"figures of bar {bar}: {error}") from None


def _completed(found: Sequence[tuple[int, Figures]], tune: Chorale) -> Iterator[Placed]:
    """The figures, and a triad for each bass note on a beat without a figure."""
    figures = dict(found)
    for beat in beats_of(tune):
        if tune.onset[beat.start, BASS]:
            figures.setdefault(beat.start, Figures())
    steps = sorted(figures)
    for step, after in zip(steps, [*steps[1:], len(tune)], strict=True):
        yield Placed(step, after - step, figures[step])


def _fit(placed: Sequence[Placed], parts: GivenParts) -> ChosenFigures:
    """Placed figures as chords that the voices above the bass can sing."""
    tune = parts.tune
    fifths = (tune.key or parts.likely_key).fifths
    places = places_through(tune, spell(replace(tune, key=tune.key or parts.likely_key)))
    chords, silent, against, left_out = [], [], [], []
    for start, length, figures in placed:
        known = parts.known[start]
        if tune.pitch[start, BASS] == REST:
            silent.append(f"{_place(tune, start)} ({figures})")
            continue
        if known.all():
            continue
        low = int(places[start, BASS])
        asked = dict.fromkeys(7 * place % 12 for place in figures.places(low, fifths))
        bass = int(tune.pitch[start, BASS]) % 12
        above = [v for v in range(BASS) if known[v] and tune.pitch[start, v] != REST]
        sung = {int(tune.pitch[start, v]) % 12 for v in above}
        against += [
            f"{_place(tune, start)} ({VOICES[v].lower()} {spelled_class(int(places[start, v]))}"
            f" over {figures})"
            for v in above
            if int(tune.pitch[start, v]) % 12 not in {*asked, bass}
        ]
        room = int((~known[:BASS]).sum())
        open_classes = [each for each in asked if each not in sung | {bass}]
        if len(open_classes) > room:
            left_out.append(f"{_place(tune, start)} ({figures})")
        needed = tuple(each for each in asked if each in sung) + tuple(open_classes[:room])
        name = f"{figures} over {spelled_class(low)}"
        chords.append(GivenChord(start, length, (*asked, bass), needed, name=name))
    notices = [
        f"{text}: {'; '.join(where)}"
        for text, where in (
            ("figures over a rest of the bass are left out", silent),
            ("given notes that are not in the figures stay", against),
            ("not all notes of the figures fit into the voices", left_out),
        )
        if where
    ]
    return ChosenFigures(_in_order(chords), tuple(notices))


def _in_order(chords: Sequence[GivenChord]) -> tuple[GivenChord, ...]:
    """The chords in order, each cut where the next begins."""
    by_start = sorted(chords, key=lambda chord: chord.start)
    starts = np.array([chord.start for chord in by_start[1:]] + [10**9])
    return tuple(
        replace(chord, length=int(min(chord.length, after - chord.start)))
        for chord, after in zip(by_start, starts, strict=True)
        if after > chord.start
    )


def _place(chorale: Chorale, step: int) -> str:
    bar, beat = chorale.position(step)
    return f"bar {bar}, beat {beat:g}"
