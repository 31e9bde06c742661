"""The written voices of a project as its ``Harmony``, with chords, broken rules and words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musicae.api.check import ANY_PITCH, OF_THREE_VOICES
from musicae.api.project_task import GRID, made_with, notes_of
from musicae.api.project_values import (
    Break,
    ChordSpan,
    Harmony,
    SungVerse,
)
from musicae.core.arrays import Bools
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import N_VOICES, TICKS_A_STEP, VOICE_RANGES, VOICES
from musicae.core.errors import MusicaeError
from musicae.core.key import Key
from musicae.theory.harmonic_plan import HarmonicPlan
from musicae.theory.voice_leading.bach import bach_rates
from musicae.theory.voice_leading.reasons import REASONS
from musicae.theory.voice_leading.rules import Violation
from musicae.theory.voice_leading.rules import check as violations_of

if TYPE_CHECKING:
    from musicae.api.project import Project
    from musicae.api.words import WordSetting
    from musicae.io.lyrics import Words


class Written(NamedTuple):
    """The voices that were written for a project, before its words are set."""

    chorale: Chorale
    plan: HarmonicPlan
    key: Key
    """The key that it was harmonized in."""
    ends: Sequence[int]
    """The steps at which the last notes of phrases begin."""
    notices: Sequence[str]
    """Sentences for the musician."""


def without_options(text: str) -> str:
    """A sentence without its hints at options of the command line.

    >>> without_options("the file states no meter; 4/4 is assumed (choose with --meter)")
    'the file states no meter; 4/4 is assumed'
    """
    text = re.sub(r"\s*\([^()]*--[^()]*\)", "", text)
    return re.sub(r";[^;]*--[^;]*", "", text)


def harmony_of(
    project: Project,
    written: Written,
    locked: Bools,
    shift: int,
) -> Harmony:
    """The harmony of a project.

    Args:
        written: the voices that were written for it.
        locked: ``(T, V)`` the cells of other voices that stay.
        shift: semitones from the music to the ranges of Bach's voices; see ``violations_in``.
    """
    chorale, plan = written.chorale, written.plan
    setting, on_words = word_setting(project, chorale, locked)
    sung, words, more = setting.apply(chorale)
    changed = sung.onset != chorale.onset
    struck, held = changed & sung.onset, changed & chorale.onset
    made = replace(made_with(project), struck=_places(struck), held=_places(held))
    notices = [without_options(each) for each in (*written.notices, *on_words, *more)]
    return Harmony(
        voices=tuple(notes_of(sung, voice) for voice in range(N_VOICES)),
        key=str(written.key),
        phrases=tuple(step * TICKS_A_STEP for step in written.ends),
        chords=chord_spans(plan, len(sung)),
        plan=str(plan),
        notices=tuple(dict.fromkeys(notices)),
        breaks=breaks_of(project, sung, shift),
        words=sung_verses(project, words),
        made=made,
    )


def _places(cells: Bools) -> tuple[tuple[int, int], ...]:
    return tuple((voice, step * TICKS_A_STEP) for step, voice in np.argwhere(cells).tolist())


def word_setting(
    project: Project, chorale: Chorale, locked: Bools
) -> tuple[WordSetting, tuple[str, ...]]:
    """The setting of a project's words, and a notice if they cannot be set.

    ``chorale`` has the tune. The cells ``locked`` ``(T, V)`` are not changed for words.
    """
    from musicae.api.words import WordSetting, of_text
    from musicae.io.lyrics import NO_WORDS

    known = locked | (np.arange(N_VOICES) == project.voice)
    bare = WordSetting(known, NO_WORDS)
    if not project.words.strip():
        return bare, ()
    try:
        return of_text(project.words, project.language, chorale, known, project.voice), ()
    except MusicaeError as error:
        return bare, (f"the words are not set: {error}",)


def sung_verses(project: Project, words: Words) -> tuple[SungVerse, ...]:
    """The words of the voices, in ticks; in the tune, at the exact starts of its notes."""
    begins = {GRID.step(note.start): note.start for note in reversed(project.tune)}
    found = []
    for voice, verses in sorted(words.voices.items()):
        for number, verse in enumerate(verses, start=1):
            syllables = tuple(
                (
                    begins.get(each.step, each.step * TICKS_A_STEP)
                    if voice == project.voice
                    else each.step * TICKS_A_STEP,
                    each.text + "-" * (not each.ends),
                )
                for each in verse.syllables
            )
            found.append(SungVerse(voice, number, syllables))
    return tuple(found)


def chord_spans(plan: HarmonicPlan, steps: int) -> tuple[ChordSpan, ...]:
    """The chords of a plan, each up to the next chord or up to a beat without one."""
    begun: list[tuple[int, tuple[str, str, str] | None]] = []
    for step, key, chord in plan.beginnings():
        called = None
        if chord is not None:
            local = chord.rebased(plan.key, key)
            called = local.symbol(key), local.numeral(key), str(key)
        if not begun or begun[-1][1] != called:
            begun.append((step, called))
    ends = [step for step, _ in begun[1:]] + [steps]
    return tuple(
        ChordSpan(step * TICKS_A_STEP, (end - step) * TICKS_A_STEP, *called)
        for (step, called), end in zip(begun, ends, strict=True)
        if called
    )


def violations_in(project: Project, chorale: Chorale, shift: int) -> list[Violation]:
    """The places where the written voices break a rule of voice leading.

    Violations of the tune alone are left out: the tune is the musician's. Without an ensemble, the
    ranges are those of Bach's voices, moved by ``shift`` semitones to the octave of the music.
    """
    ensemble = project.options.parsed_ensemble
    ranges = [(low - shift, high - shift) for low, high in VOICE_RANGES]
    if ensemble:
        ranges = [voice.range if voice else ANY_PITCH for voice in ensemble.voices]
    few = OF_THREE_VOICES if len(sounding_voices(chorale)) < 3 else ()
    found = violations_of(chorale, project.settings.rules == "strict", ranges)
    return [each for each in found if each.rule not in few and each.voices != (project.voice,)]


def breaks_of(project: Project, chorale: Chorale, shift: int) -> tuple[Break, ...]:
    """The ``violations_in`` a chorale with their explanations."""
    ensemble = project.options.parsed_ensemble
    names = ensemble.names if ensemble else VOICES
    found = []
    for violation in violations_in(project, chorale, shift):
        sung = zip(violation.voices, violation.pitches, strict=True)
        notes = ", ".join(f"{names[voice].lower()} {pitches}" for voice, pitches in sung)
        found.append(
            Break(
                violation.rule,
                violation.since * TICKS_A_STEP,
                _end(violation, chorale) * TICKS_A_STEP,
                *project.position(violation.step * TICKS_A_STEP),
                violation.voices,
                f"{violation.rule}: {notes}",
                REASONS[violation.rule],
                round(float(np.mean(bach_rates().get(violation.rule, 0.0))), 2),
            )
        )
    return tuple(found)


def _end(violation: Violation, chorale: Chorale) -> int:
    """The step at which the first of the notes that complete a violation ends."""
    pitch, onset = chorale.pitch, chorale.onset
    step = violation.step + 1
    while step < len(chorale) and all(
        not onset[step, voice] and pitch[step, voice] == pitch[violation.step, voice]
        for voice in violation.voices
    ):
        step += 1
    return step
