"""The words of voices as a value: verses of syllables, and how a voice sings another's words.

The voice whose words are given rules. Every other voice sings each of its syllables at the same
time. Where a voice has more notes, they are a melisma on the syllable; a pitch that it repeats
within the syllable is held. Where it has fewer, its held note is struck again (``in_rhythm``), as
in hymnals: a suspension struck again on the same pitch stays prepared and dissonant. Given
notes do not change; where one is held through several syllables, they share it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import REST, STEPS_PER_QUARTER, STEPS_PER_WHOLE

BREATH = STEPS_PER_QUARTER // 2
"""Steps: a rest up to an eighth does not end a melisma."""
ELISION = "\u203f"
"""What joins two words that are sung on one note."""
FOREVER = 1 << 30
"""A step after the end of any piece."""


class Syllable(NamedTuple):
    """A syllable of a verse. Times are steps of the chorale."""

    step: int
    """Where its first note begins."""
    text: str
    """Without hyphens to other syllables."""
    begins: bool = True
    """Whether a word begins with it; else it goes on with the word of the syllable before."""
    ends: bool = True
    """Whether the word ends with it."""
    until: int = FOREVER
    """Where its last note ends, or a step up to which it is sung at most."""


class Verse(NamedTuple):
    """The syllables of a verse in order, and its number as the file writes it."""

    number: str
    syllables: tuple[Syllable, ...]


Verses = tuple[Verse, ...]


@dataclass(frozen=True)
class Words:
    """The words of a chorale's voices, 0 soprano to 3 bass."""

    voices: Mapping[int, Verses] = field(default_factory=dict)
    """The verses of each voice that has words."""
    own: frozenset[int] = frozenset()
    """Given voices with words that their file has as lyrics; these stay as they are."""
    replaced: bool = False
    """Whether the words in the file that the voices came from are left out."""
    slurred: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """For given voices of a score, the steps of notes that a slur joins to the note before."""

    def __bool__(self) -> bool:
        return bool(self.voices)


NO_WORDS = Words()


def joined(syllables: Iterable[Syllable]) -> Syllable:
    """Syllables in order as one that is sung on one note.

    >>> joined([Syllable(0, "glo", True, False), Syllable(0, "ry", False), Syllable(0, "of")]).text
    'glory‿of'
    """
    first, *others = syllables
    text, last = first.text, first
    for each in others:
        text, last = text + ELISION * last.ends + each.text, each
    return first._replace(text=text, ends=last.ends, until=last.until)


def sung_by(
    notes: Sequence[Note], syllables: Sequence[Syllable]
) -> tuple[tuple[Syllable, ...], tuple[Syllable, ...]]:
    """Syllables as a voice with these notes sings them, and those during which it rests.

    A syllable is sung on the note that sounds at its step; a voice that enters after it and before
    the next one sings it there. Several on one note are joined. ``until`` becomes the end of the
    last note of each: notes follow the first without a rest longer than ``BREATH``, up to the next
    syllable and to the former ``until``.

    >>> from musicae.core.chorale import Note
    >>> notes = [Note(0, 4, 60), Note(4, 4, 62), Note(12, 4, 60)]
    >>> sung_by(notes, [Syllable(0, "Lord"), Syllable(8, "our"), Syllable(10, "God")])[1]
    (Syllable(step=8, text='our', begins=True, ends=True, until=1073741824),)
    >>> [(s.text, s.step, s.until) for s in sung_by(notes, [Syllable(0, "Lord")])[0]]
    [('Lord', 0, 8)]
    """
    begins = [note.step for note in notes]
    ends = [note.step + note.duration for note in notes]
    placed: dict[int, list[Syllable]] = {}
    missed = []
    following = [*(syllable.step for syllable in syllables[1:]), FOREVER]
    for syllable, after in zip(syllables, following, strict=False):
        index = bisect_right(begins, syllable.step) - 1
        if index < 0 or ends[index] <= syllable.step:  # the voice rests
            index += 1
            if index == len(notes) or begins[index] >= after:
                missed.append(syllable)
                continue
        placed.setdefault(index, []).append(syllable)
    sung = []
    stops = [*list(placed)[1:], len(notes)]
    for (index, together), stop in zip(placed.items(), stops, strict=False):
        syllable, last = joined(together), index
        while (
            last + 1 < stop
            and begins[last + 1] <= ends[last] + BREATH
            and begins[last + 1] < syllable.until
        ):
            last += 1
        sung.append(syllable._replace(step=begins[index], until=ends[last]))
    return tuple(sung), tuple(missed)


def over_rests(
    syllables: Sequence[Syllable], notes: Sequence[Note], end: int
) -> tuple[Syllable, ...]:
    """Syllables of the voice with these notes as others go on with them while it rests.

    Through a rest shorter than a whole note a syllable lasts until the voice's next note, or to the
    ``end`` of the piece.
    """
    begins = [note.step for note in notes]
    lasting = []
    for syllable in syllables:
        after = bisect_left(begins, syllable.until)
        until = begins[after] if after < len(begins) else end
        short = until - syllable.until < STEPS_PER_WHOLE
        lasting.append(syllable._replace(until=until) if short else syllable)
    return tuple(lasting)


def in_rhythm(
    chorale: Chorale, verses: Iterable[Verse], may_change: NDArray[np.bool_]
) -> tuple[Chorale, int, int]:
    """The chorale with notes that can be sung on the syllables of verses.

    A note that is held where a syllable begins is struck again. A pitch that is repeated within a
    syllable, where no verse has another, is held. ``may_change`` is ``(T, V)``, True where that may
    be done. Returns also how many notes are struck again and how many are held.
    """
    begins = np.zeros(len(chorale), dtype=np.bool_)
    within = np.zeros(len(chorale), dtype=np.bool_)
    for syllable in (syllable for verse in verses for syllable in verse.syllables):
        begins[syllable.step] = True
        within[syllable.step + 1 : syllable.until] = True
    within &= ~begins
    again = begins[:, None] & may_change & (chorale.pitch != REST) & ~chorale.onset
    held = within[:, None] & may_change & chorale.onset
    held[1:] &= may_change[:-1] & (chorale.pitch[1:] == chorale.pitch[:-1])
    changed = replace(chorale, onset=(chorale.onset | again) & ~held)
    return changed, int(again.sum()), int(held.sum())
