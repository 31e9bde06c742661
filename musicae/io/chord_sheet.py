"""Sheets of chords: text files with chords in bars, and ChordPro files with chords among words.

- If any line has a bar line ``|``, the lines with bar lines are chords and the others are words.
- Else, if chords stand in square brackets (``[G]Amazing [C]grace``), each chord begins with the
  syllable after it. A chord within a syllable, or right after it (``grace[D]``), begins on the
  next beat.
- Else every line is a bar of chords.

Lines that begin with ``#``, and directives in braces, are skipped
(https://www.chordpro.org/chordpro/chordpro-introduction/).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.io.chord_text import PlacedChord, chord_text, in_order, normal, placed_chords
from musicae.io.lyrics import ELISION, Words
from musicae.theory.harmonic_plan import beats_of

SUFFIXES = (".txt", ".cho", ".crd", ".chopro", ".chordpro", ".pro")
_BRACKET = re.compile(r"\[([^\]]*)\]")
_DIRECTIVE = re.compile(r"\{[^}]*\}")


class Syllable(NamedTuple):
    """A syllable of the melody."""

    step: int
    text: str
    """With a hyphen at the end if the word goes on."""


class _Chord(NamedTuple):
    """A chord among words."""

    letters: int
    """How many letters of the words stand before it."""
    text: str
    is_late: bool
    """Whether it stands at the end of a word or a line. It then begins after that syllable."""


def sheet_chords(
    text: str, chorale: Chorale, syllables: Sequence[Syllable]
) -> tuple[PlacedChord, ...]:
    """The chords of a sheet, placed on the steps of a melody.

    Raises ChoraleError if they cannot be placed: the melody does not have the words that the chords
    stand among, or bars are wrong (see ``placed_chords``).
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    lines = [line for line in (_DIRECTIVE.sub("", line).strip() for line in lines) if line]
    if any("|" in line for line in lines):
        return placed_chords("\n".join(line for line in lines if "|" in line), chorale)
    if not any(_BRACKET.search(line) for line in lines):
        return placed_chords("\n".join(lines), chorale)
    if not syllables:
        raise ChoraleError(
            "the chords stand among words, but the melody has no words to place them by; write the"
            " chords in bars, like 'G | C D7 | G'"
        )
    return _on_syllables(list(_among_words(lines)), _letters("".join(lines)), chorale, syllables)


def syllables_of(words: Words) -> list[Syllable]:
    """The syllables of the first verse of the highest voice that has words."""
    if not words:
        return []
    verse = words.voices[min(words.voices)][0]
    return [
        Syllable(s.step, s.text.replace(ELISION, " ") + "-" * (not s.ends)) for s in verse.syllables
    ]


def _letters(text: str) -> str:
    """The letters and digits of words in lower case, without chords."""
    return "".join(c for c in _BRACKET.sub("", text).casefold() if c.isalnum())


def _among_words(lines: Iterable[str]) -> Iterator[_Chord]:
    before = 0
    for line in lines:
        whole = _letters(line)
        if not whole:
            continue  # chords without words: an introduction
        for bracket in _BRACKET.finditer(line):
            name = normal(bracket[1])
            if name and not name.startswith("*"):
                into = len(_letters(line[: bracket.start()]))
                ahead = _BRACKET.sub("", line[bracket.end() :])
                behind = _BRACKET.sub("", line[: bracket.start()])
                late = behind[-1:].isalnum() and not ahead[:1].isalnum()
                yield _Chord(before + into, name, late or into == len(whole))
        before += len(whole)


def _on_syllables(
    chords: Sequence[_Chord], words: str, chorale: Chorale, syllables: Sequence[Syllable]
) -> tuple[PlacedChord, ...]:
    sung = [_letters(syllable.text) for syllable in syllables]
    begins = [0]
    for letters in sung:
        begins.append(begins[-1] + len(letters))
    whole = "".join(sung)
    common = next((i for i, (a, b) in enumerate(zip(words, whole, strict=False)) if a != b), None)
    if common is not None:
        near = bisect_right(begins, common) - 1
        bar, _ = chorale.position(min(syllables[near].step, len(chorale) - 1))
        raise ChoraleError(
            f"the words differ from the melody's in bar {bar}, at {syllables[near].text!r}; use"
            " the same words, or write the chords in bars, like 'G | C D7 | G'"
        )
    marks: list[tuple[int, str]] = []
    for chord in chords:
        if chord.letters > len(whole) or (chord.letters == len(whole) and not chord.is_late):
            break  # it belongs to a later verse
        index = bisect_right(begins, chord.letters - chord.is_late) - 1
        step = syllables[index].step
        if chord.is_late or begins[index] < chord.letters:  # after the syllable begins
            step = _after(chorale, step)
        if marks and step <= marks[-1][0]:
            step = _after(chorale, marks[-1][0])
        marks.append((step, chord.text))
    for (step, text), (following, _) in pairwise(marks):
        if following <= step:
            raise ChoraleError(
                f"the chord {text!r} has no beat of its own before the next syllable; write the"
                " chords in bars, like 'G | C D7 | G'"
            )
    return in_order(marks, len(chorale))


def _after(chorale: Chorale, step: int) -> int:
    """The next beat."""
    return next((beat.start for beat in beats_of(chorale) if beat.start > step), len(chorale))


def chordpro(
    chords: Sequence[PlacedChord],
    chorale: Chorale,
    syllables: Sequence[Syllable],
    phrases: Sequence[int],
    key: str,
) -> str:
    """Chords among words as ChordPro, a line for each phrase; in bars if there are no words.

    A chord that begins later than its syllable is written right after it.

    Args:
        phrases: the steps at which phrases end.
        key: the content of the ``key`` directive.
    """
    head = [f"{{title: {chorale.title}}}"] if chorale.title else []
    head.append(f"{{key: {key}}}")
    if not syllables:
        bars = [f"| {line} |" for line in chord_text(chords, chorale).splitlines()]
        return "\n".join([*head, "{start_of_grid}", *bars, "{end_of_grid}"])
    lines, line = [], ""
    ends = [*(syllable.step for syllable in syllables[1:]), len(chorale)]
    for (step, text), end in zip(syllables, ends, strict=True):
        first = step == syllables[0].step
        here = [c for c in chords if step <= c.start < end or (first and c.start < step)]
        before = "".join(f"[{c.text}]" for c in here if c.start <= step)
        within = "".join(f"[{c.text}]" for c in here if c.start > step)
        goes_on = text.endswith("-")
        line += f"{before}{text.rstrip('-').strip()}{within}"
        line += ("-" if within else "") if goes_on else " "
        if any(step <= phrase < end for phrase in phrases) and not goes_on:
            lines.append(line.strip())
            line = ""
    return "\n".join([*head, *lines, *([line.strip()] if line else [])])
