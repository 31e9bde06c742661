"""All voice-leading rules by name: the violations in a chorale, and their rates per 100 chords.

The rules are in ``between_voices``, ``within_voice`` and ``strict``. Each cites its sources and has
an example that keeps it and one that breaks it. The rules of the first two modules follow the
textbooks as far as Bach does; tests check his rates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, VOICE_RANGES, VOICES
from musicae.theory.sonorities import Sonorities, sonorities
from musicae.theory.voice_leading import between_voices, within_voice
from musicae.theory.voice_leading import strict as strict_rules
from musicae.theory.voice_leading.between_voices import RuleBreak
from musicae.theory.voice_leading.short_rests import without_short_rests


class Violation(NamedTuple):
    """A place where a rule is broken.

    >>> print(Violation("parallel fifths", 4, 4, 1, 2.0, (0, 3), ("G4 A4", "C3 D3")))
    bar 1 beat 2: parallel fifths, Soprano G4 A4, Bass C3 D3
    """

    rule: str
    """The name of the rule."""
    since: int
    """The step of its first sonority; equal to ``step`` if one sonority breaks the rule."""
    step: int
    """The step of its last sonority."""
    bar: int
    """The bar of ``step``, counted from 1; a pickup is bar 0."""
    beat: float
    """The beat of ``step`` in its bar, counted from 1."""
    voices: tuple[int, ...]
    """0 soprano to 3 bass."""
    pitches: tuple[str, ...]
    """For each of the voices, its notes in both sonorities, or in the only one."""

    def __str__(self) -> str:
        return self.told()

    def told(self, names: Sequence[str] = VOICES) -> str:
        """The violation as one line of text, with these names for the four voices."""
        notes = [f"{names[v]} {sung}" for v, sung in zip(self.voices, self.pitches, strict=True)]
        return f"bar {self.bar} beat {self.beat:g}: {', '.join([self.rule, *notes])}"


@dataclass(frozen=True)
class Rule:
    """A rule. Calling it with a chorale returns the violations in order of time."""

    find: Callable[..., list[RuleBreak]]

    @property
    def name(self) -> str:
        return self.find.__name__.replace("_", " ")

    @property
    def summary(self) -> str:
        """The first line of the rule's docstring, which says what breaks it."""
        return (self.find.__doc__ or "").partition("\n")[0]

    def __call__(self, chorale: Chorale, **facts: Any) -> list[Violation]:
        """``facts`` are the rule's other arguments: ``ranges`` for ``out of range``."""
        chords = sonorities(without_short_rests(chorale))
        places = self.find(chords, **facts)
        found = (_violation(self.name, chords, place, chorale) for place in places)
        return [violation for violation in found if violation]


RULES = {
    rule.name: rule
    for rule in map(
        Rule,
        (
            between_voices.parallel_fifths,
            between_voices.parallel_octaves,
            between_voices.parallel_unisons,
            between_voices.contrary_fifths,
            between_voices.contrary_octaves,
            between_voices.direct_fifths,
            between_voices.direct_octaves,
            between_voices.voice_crossing,
            between_voices.voice_overlap,
            between_voices.spacing,
            within_voice.out_of_range,
            within_voice.augmented_interval,
            within_voice.leap_of_a_seventh,
            within_voice.leap_beyond_an_octave,
            within_voice.doubled_leading_tone,
            within_voice.unresolved_leading_tone,
            within_voice.unresolved_seventh,
        ),
    )
}
"""The rules by name. Bach's rate is measured for each."""


STRICT_RULES = {
    rule.name: rule
    for rule in map(
        Rule,
        (
            strict_rules.parallels_behind_an_ornament,
            strict_rules.diminished_to_perfect_fifth,
            strict_rules.cross_relation,
            strict_rules.missing_third,
            strict_rules.rising_seventh,
        ),
    )
}
"""More rules for which students lose marks, by name. Bach's rates are not measured for them."""


def check(
    chorale: Chorale,
    strict: bool = False,
    ranges: Sequence[tuple[int, int]] = VOICE_RANGES,
) -> list[Violation]:
    """All violations of ``RULES``, and if ``strict`` of ``STRICT_RULES``, in order of time.

    ``ranges`` are the lowest and the highest MIDI pitch of each of the four voices.
    """
    kept = [*RULES.values(), *(STRICT_RULES.values() if strict else ())]
    found = []
    for rule in kept:
        facts = {"ranges": ranges} if rule.find is within_voice.out_of_range else {}
        found += rule(chorale, **facts)
    return sorted(found, key=lambda violation: violation.step)


def chord_count(chorale: Chorale) -> int:
    """The number of chords, the base of all rates.

    A chord begins at every step at which a voice begins a note, or falls silent while another voice
    goes on.
    """
    return int((sonorities(chorale).pitch != REST).any(axis=1).sum())


def rates(chorale: Chorale) -> dict[str, float]:
    """The violations of each of ``RULES`` per 100 chords."""
    chords = max(chord_count(chorale), 1)
    return {name: 100 * len(rule(chorale)) / chords for name, rule in RULES.items()}


def _violation(
    name: str, chords: Sonorities, place: RuleBreak, chorale: Chorale
) -> Violation | None:
    """The violation at a place that was found in the music with its short rests filled.

    If the first sonority lies in a filled rest, the violation begins with the last notes before it,
    provided that they are the same. None if a voice rests at the last sonority, or other notes
    sounded before.
    """
    voices, step = list(place.voices), int(chords.steps[place.at])
    since = int(chords.steps[place.since])
    ends = [np.flatnonzero(chorale.pitch[: since + 1, v] != REST) for v in voices]
    last = min(int(sounding[-1]) if sounding.size else -1 for sounding in ends)
    filled = chords.chorale.pitch
    if (chorale.pitch[step, voices] == REST).any() or last < 0:
        return None
    if last < since:
        if (filled[last, voices] != filled[since, voices]).any():
            return None
        since = int(chorale.note_starts[last, voices].max())
    sonorities_at = dict.fromkeys((place.since, place.at))
    pitches = tuple(" ".join(chords.name(i, v) for i in sonorities_at) for v in place.voices)
    return Violation(name, since, step, *chorale.position(step), place.voices, pitches)
