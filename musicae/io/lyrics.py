"""The words of voices as verses of syllables, and how one voice sings another voice's words.

Every other voice sings each syllable at the same time as the voice with the given words. If a voice
has more notes on a syllable, they are a melisma, and a pitch that it repeats within the syllable is
held. If it has fewer, its held note is struck again (``in_rhythm``), as in hymnals: a suspension
that is struck again on the same pitch stays prepared and dissonant. Given notes do not change; if
one is held through several syllables, they share it.
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
"""The longest rest, in steps, that does not end a melisma: an eighth."""
ELISION = "\u203f"
"""The sign between two words that are sung on one note."""
FOREVER = 1 << 30
"""A step after the end of any piece."""


class Syllable(NamedTuple):
    """A syllable of a verse. Times are steps of the chorale."""

    step: int
    """The onset of its first note."""
    text: str
    """The text, without hyphens to other syllables."""
    begins: bool = True
    """Whether it is the first syllable of its word."""
    ends: bool = True
    """Whether it is the last syllable of its word."""
    until: int = FOREVER
    """The end of its last note, or the latest step at which it may end."""


class Verse(NamedTuple):
    """A verse of one voice."""

    number: str
    """The number, as the file writes it."""
    syllables: tuple[Syllable, ...]
    """The syllables in order."""


Verses = tuple[Verse, ...]


@dataclass(frozen=True)
class Words:
    """The words of a chorale's voices, 0 soprano to 3 bass."""

    voices: Mapping[int, Verses] = field(default_factory=dict)
    """The verses of each voice that has words."""
    own: frozenset[int] = frozenset()
    """Given voices that have lyrics in their file; these lyrics stay as they are."""
    replaced: bool = False
    """Whether new words replace those in the file of the given voices."""
    slurred: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """For given voices of a score: the steps of notes that a slur joins to the previous note."""

    def __bool__(self) -> bool:
        return bool(self.voices)


NO_WORDS = Words()


def joined(syllables: Iterable[Syllable]) -> Syllable:
    """Join syllables, in order, into one that is sung on one note.

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
    """Set syllables on a voice's notes; returns those that are sung, and those in its rests.

    A syllable goes to the note that sounds at its step, or else to the next note, if that begins
    before the next syllable. Several syllables on one note are joined. Each sung syllable lasts
    over the notes that follow without a rest longer than ``BREATH``, up to the next syllable and
    the given ``until``; its new ``until`` is the end of the last of these notes.

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
    """Lengthen a voice's syllables over its rests, for the other voices, which may sing on there.

    If a rest after a syllable is shorter than a whole note, the syllable lasts until the voice's
    next note, or until ``end``, the end of the piece in steps.
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
    """Change onsets of a chorale so that the syllables of verses can be sung.

    A held note is struck again at the beginning of a syllable. A pitch that is repeated within a
    syllable is held, unless a syllable of any verse begins there. ``may_change`` is ``(T, V)``,
    True where an onset may change. Returns also how many notes are struck again, and how many are
    now held.
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
