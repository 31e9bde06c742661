"""``words``: the words of a harmonization, and the voices that sing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musicae.api.given import Given
from musicae.core.chorale import Chorale
from musicae.core.constants import REST, VOICES
from musicae.core.errors import ChoraleError
from musicae.io.lyric_text import Typed, hyphenator, parse_verses, read_verses, set_on
from musicae.io.lyrics import (
    Syllable,
    Verse,
    Verses,
    Words,
    in_rhythm,
    over_rests,
    sung_by,
)

ALL, GIVEN_ONLY, NONE = "all", "soprano", "none"
CHOICES = (ALL, GIVEN_ONLY, NONE)
"""Values of ``words`` other than a file."""
MOST_SPLIT = 8
"""The most split words that a notice shows."""


@dataclass(frozen=True)
class WordSetting:
    """Given words, and how they are set under the voices."""

    known: NDArray[np.bool_]
    """``(T, V)`` True where a voice is given."""
    words: Words
    """The words of the given voices."""
    rule: int | None = None
    """The voice whose syllables all voices sing; None if each has only its own words."""
    notices: tuple[str, ...] = ()

    def apply(self, chorale: Chorale) -> tuple[Chorale, Words, tuple[str, ...]]:
        """Set the words under a chorale.

        In new voices, a held note is struck again where a syllable begins, and a repeated note is
        held within a syllable. Given notes are not changed.

        Returns:
            The chorale, its words, and notices.
        """
        if self.rule is None:
            return chorale, self.words, self.notices
        ruling = _kept(self.words.voices[self.rule], self.known[:, self.rule])
        notes = chorale.notes(self.rule)
        lasting = [
            verse._replace(syllables=over_rests(verse.syllables, notes, len(chorale)))
            for verse in ruling
        ]
        chorale, again, held = in_rhythm(chorale, lasting, ~self.known)
        voices: dict[int, Verses] = {}
        silent: list[tuple[int, Syllable]] = []
        crowded: list[tuple[int, int]] = []
        for voice in range(len(VOICES)):
            notes, known = chorale.notes(voice), self.known[:, voice]
            if not notes:
                continue
            own = _kept(self.words.voices.get(voice, ()), known)
            verses = []
            for verse in ruling if voice == self.rule else lasting:
                at_home = next((v.syllables for v in own if v.number == verse.number), ())
                sung, missed = sung_by(notes, verse.syllables)
                if own:  # the syllables in the file stay
                    sung = tuple(s for s in sung if not known[s.step])
                    missed = tuple(s for s in missed if not known[s.step])
                    both = sorted([*at_home, *sung], key=lambda syllable: syllable.step)
                    sung = sung_by(notes, both)[0]
                silent += [(voice, syllable) for syllable in missed]
                placed = {syllable.step for syllable in sung}
                crowded += [
                    (voice, s.step)
                    for s in verse.syllables
                    if not own and chorale.pitch[s.step, voice] != REST and s.step not in placed
                ]
                if sung:
                    verses.append(Verse(verse.number, sung))
            numbers = {verse.number for verse in verses}
            verses += [verse for verse in own if verse.number not in numbers]
            if verses:
                voices[voice] = tuple(verses)
        notices = [*self.notices, *self._notices(chorale, ruling, (again, held), silent, crowded)]
        return chorale, replace(self.words, voices=voices), tuple(notices)

    def _notices(
        self,
        chorale: Chorale,
        ruling: Verses,
        changed: tuple[int, int],
        silent: Sequence[tuple[int, Syllable]],
        crowded: Sequence[tuple[int, int]],
    ) -> list[str]:
        rule = VOICES[self.rule or 0].lower()
        notices = []
        if len(ruling) > 1:
            notices.append(
                f"there are {len(ruling)} verses: scores have all, MIDI files only the first"
            )
        if any(changed):
            notices.append(
                f"all voices sing the words of the {rule}; for the syllables, {changed[0]} held"
                f" notes are struck again and {changed[1]} repeated notes are held;"
                " --words soprano leaves the other voices without words"
            )
        if silent:
            voice, syllable = silent[0]
            bar, _ = chorale.position(syllable.step)
            more = f", and {len(silent) - 1} more" if len(silent) > 1 else ""
            notices.append(
                f"the {VOICES[voice].lower()} rests in bar {bar} while the {rule} sings"
                f" {syllable.text!r}{more}; it leaves out syllables that fall into its rests"
            )
        if crowded:
            voice, step = crowded[0]
            bar, _ = chorale.position(step)
            more = f", and {len(crowded) - 1} more" if len(crowded) > 1 else ""
            notices.append(
                f"the given {VOICES[voice].lower()} holds its note in bar {bar} where the {rule}"
                f" has a new syllable{more}; such syllables share a note"
            )
        return notices


def choose(
    words: Path | str, language: str | None, given: Given, locked: Sequence[int]
) -> WordSetting:
    """Decide how the words of a harmonization are set.

    Args:
        words: ``all`` sets the words of the highest given voice with words under all voices,
            ``soprano`` gives words only to the given voices, ``none`` removes the words. Any other
            value is the path of a text file; see ``io.lyric_text``. Its words replace those in the
            melody's file. They are the words of the highest given voice and are set under all
            voices.
        language: the language that splits words without hyphens; None does not split them.
        given: the given parts.
        locked: the voices that are given in the whole piece.

    Raises ChoraleError if the text file cannot be used.
    """
    known, own = given.parts.known, given.words
    if words == NONE:
        return WordSetting(known, Words(replaced=True))
    if words == GIVEN_ONLY:
        return WordSetting(known, replace(own, own=frozenset(own.voices)))
    if words == ALL:
        ruling = [v for v in sorted(own.voices) if v in locked] or sorted(own.voices)
        return WordSetting(known, own, ruling[0] if ruling else None)
    path = Path(words)
    split = hyphenator(language) if language else None
    typed = read_verses(path, split)
    if not locked:
        raise ChoraleError(
            f"{path}: words belong to a given voice, and no voice is given in the whole piece"
        )
    rule = min(locked)
    try:
        setting = _of_typed(
            typed,
            given.parts.tune,
            known,
            rule,
            is_split=split is not None,
            slurred=own.slurred.get(rule),
        )
    except ChoraleError as error:
        raise ChoraleError(f"{path}: {error}") from None
    if own:
        notice = f"the words of {path} replace those in the melody's file"
        setting = replace(setting, notices=(notice, *setting.notices))
    return setting


def of_text(
    text: str, language: str | None, tune: Chorale, known: NDArray[np.bool_], rule: int
) -> WordSetting:
    """Typed words for the voice ``rule`` of a chorale, set under all voices.

    The cells ``known`` ``(T, V)`` are not changed for them. Raises ChoraleError if the words do not
    fit the notes, MusicaeError if pyphen is not installed.
    """
    split = hyphenator(language) if language else None
    return _of_typed(parse_verses(text, split), tune, known, rule, is_split=split is not None)


def _of_typed(
    typed: Sequence[Typed],
    tune: Chorale,
    known: NDArray[np.bool_],
    rule: int,
    *,
    is_split: bool,
    slurred: frozenset[int] | None = None,
) -> WordSetting:
    """The setting of typed verses for the voice ``rule``.

    ``is_split``: words without hyphens were split. Raises ChoraleError if the verses do not fit the
    notes.
    """
    verses, notices = set_on(typed, tune, rule, slurred or frozenset())
    every = (*notices, *(_split_words(verses) if is_split else ()))
    return WordSetting(known, Words({rule: verses}, replaced=True), rule, every)


def _split_words(verses: Verses) -> list[str]:
    """A notice that shows how words were split, so that the musician can find errors."""
    found: dict[str, None] = {}
    word = ""
    for syllable in (s for verse in verses for s in verse.syllables):
        word = syllable.text if syllable.begins else f"{word}-{syllable.text}"
        if syllable.ends and not syllable.begins:
            found[word.strip(".,;:!?\"'")] = None
    shown = ", ".join(list(found)[:MOST_SPLIT]) + ", ..." * (len(found) > MOST_SPLIT)
    return [f"words are split as {shown}; type hyphens if that is wrong"] if found else []


def _kept(verses: Verses, known: NDArray[np.bool_]) -> Verses:
    """The syllables of a given voice that lie in its given notes."""
    kept = (
        Verse(verse.number, tuple(s for s in verse.syllables if known[s.step])) for verse in verses
    )
    return tuple(verse for verse in kept if verse.syllables)
