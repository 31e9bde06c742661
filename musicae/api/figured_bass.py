"""``figures``: a figured bass that a musician gives, as chords that must sound over its notes."""

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
"""The wishes that are no figures: leave out those of the file, require them, write them."""
SUCCESSIVE = "-"
"""What stands between figures that follow each other over one note: ``4-3``."""


class Placed(NamedTuple):
    """Figures over the bass from a step on."""

    start: int
    length: int
    figures: Figures


class ChosenFigures(NamedTuple):
    """The chords that figures ask for, and sentences on what of them cannot sound."""

    chords: tuple[GivenChord, ...] = ()
    notices: tuple[str, ...] = ()


def is_bass(given: Given, wish: str | None) -> bool:
    """Whether one part is given, not as the bass, that figures say is a bass."""
    voices = sounding_voices(given.parts.tune)
    if len(voices) != 1 or voices == (BASS,) or wish == NONE:
        return False
    return wish not in (None, OF_FILE, WRITE) or bool(_in_file(given, voices[0]))


def choose(wish: str | None, given: Given) -> ChosenFigures:
    """The figures that are asked for, as chords over the given bass.

    Args:
        wish: figures in bars (``6 | 7 6 | 4-3``), or one of ``NONE``, ``OF_FILE`` and ``WRITE``.
            In bars they are placed as chords are (``io.chord_text``), but where a bar has as many
            as the bass has notes there, each belongs to a note. None takes those of the file.

    Raises ChoraleError where figures cannot be read, or where no bass is given.
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
    told = f"the bass has figures, which sound ({len(found)}; leave them out with --figures none)"
    return chosen._replace(notices=(told, *chosen.notices))


def written(chorale: Chorale) -> tuple[tuple[int, Figures], ...]:
    """The figures of a chorale that has a key, each with its step; see ``figures_of``."""
    assert chorale.key
    return figures_of(chorale, spell(chorale), chorale.key.fifths)


def _need_bass(parts: GivenParts) -> None:
    if BASS not in sounding_voices(parts.tune):
        there = ", ".join(VOICES[v].lower() for v in sounding_voices(parts.tune))
        raise ChoraleError(
            f"figures stand over a bass, and no bass is given ({there}); --voice bass says that the"
            " given part is the bass"
        )


def _in_file(given: Given, voice: int) -> tuple[tuple[int, Figures], ...]:
    """The figures in the file of a voice's part, each with its step."""
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
    """The figures of a word, which may follow each other. Raises ChoraleError with the bar."""
    words = one.text.split(SUCCESSIVE)
    lengths = shared(one.length, len(words), beat)
    start = one.start
    try:
        if not lengths:
            raise ChoraleError(f"{one.text!r} has more figures than the note is long")
        for word, length in zip(words, lengths, strict=True):
            yield Placed(start, length, Figures.parse(word))
            start += length
    except ChoraleError as error:
        bar, _ = tune.position(one.start)
        raise ChoraleError(f"figures of bar {bar}: {error}") from None


def _completed(found: Sequence[tuple[int, Figures]], tune: Chorale) -> Iterator[Placed]:
    """Figures with the bare notes among them: a note on a beat without a figure has a triad."""
    figures = dict(found)
    for beat in beats_of(tune):
        if tune.onset[beat.start, BASS]:
            figures.setdefault(beat.start, Figures())
    steps = sorted(figures)
    for step, after in zip(steps, [*steps[1:], len(tune)], strict=True):
        yield Placed(step, after - step, figures[step])


def _fit(placed: Sequence[Placed], parts: GivenParts) -> ChosenFigures:
    """Placed figures as the voices above the bass can sing them."""
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
        f"{told}: {'; '.join(places_told)}"
        for told, places_told in (
            ("figures stand where the bass rests", silent),
            ("given notes that the figures do not ask for stay", against),
            ("the voices cannot hold all that the figures ask for", left_out),
        )
        if places_told
    ]
    return ChosenFigures(_in_order(chords), tuple(notices))


def _in_order(chords: Sequence[GivenChord]) -> tuple[GivenChord, ...]:
    """The chords by their beginnings, none longer than until the next."""
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
