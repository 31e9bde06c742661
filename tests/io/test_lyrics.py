"""Words under voices: each voice sings each syllable once, in order, whatever its rhythm."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale, Note
from musicae.io.lyrics import Syllable, Verse, in_rhythm, sung_by

STEPS = 32
SYLLABLES = ("A", "ma", "zing", "grace", "how", "sweet", "the", "sound", "that", "saved")


@st.composite
def lines(draw, low: int, high: int):
    """A voice without rests: notes of any lengths over ``STEPS`` steps."""
    cuts = draw(st.sets(st.integers(1, STEPS - 1), max_size=9))
    begins = [0, *sorted(cuts)]
    pitches = draw(st.lists(st.integers(low, high), min_size=len(begins), max_size=len(begins)))
    ends = [*begins[1:], STEPS]
    return [
        Note(begin, end - begin, pitch)
        for begin, end, pitch in zip(begins, ends, pitches, strict=True)
    ]


chorales = st.tuples(lines(60, 79), lines(55, 72), lines(48, 67), lines(40, 60)).map(
    lambda voices: Chorale.from_notes(list(voices), steps=STEPS)
)


def words_on(chorale: Chorale) -> tuple[Syllable, ...]:
    """A syllable on each note of the soprano."""
    notes = chorale.notes(0)
    syllables = [Syllable(note.step, SYLLABLES[i]) for i, note in enumerate(notes)]
    return sung_by(notes, syllables)[0]


@settings(max_examples=60, deadline=None)
@given(chorales)
def test_every_voice_sings_every_syllable_once_and_with_the_soprano(chorale: Chorale) -> None:
    syllables = words_on(chorale)
    new = np.array([[False, True, True, True]]).repeat(STEPS, axis=0)
    changed, _, _ = in_rhythm(chorale, [Verse("1", syllables)], new)
    for voice in (1, 2, 3):
        sung, missed = sung_by(changed.notes(voice), syllables)
        assert missed == ()
        assert [(s.step, s.text) for s in sung] == [(s.step, s.text) for s in syllables]


@settings(max_examples=60, deadline=None)
@given(chorales)
def test_sound_and_given_voices_do_not_change(chorale: Chorale) -> None:
    new = np.array([[False, True, True, True]]).repeat(STEPS, axis=0)
    changed, again, held = in_rhythm(chorale, [Verse("1", words_on(chorale))], new)
    assert (changed.pitch == chorale.pitch).all()
    assert changed.notes(0) == chorale.notes(0)
    assert int(changed.onset.sum()) == int(chorale.onset.sum()) + again - held


def test_a_melisma_lasts_until_the_next_syllable() -> None:
    notes = [Note(0, 4, 67), Note(4, 4, 69), Note(8, 4, 71), Note(12, 4, 72)]
    sung, missed = sung_by(notes, [Syllable(0, "glo"), Syllable(8, "ri"), Syllable(12, "a")])
    assert [(s.text, s.step, s.until) for s in sung] == [
        ("glo", 0, 8),
        ("ri", 8, 12),
        ("a", 12, 16),
    ]
    assert missed == ()


def test_a_voice_that_holds_a_given_note_shares_it() -> None:
    sung, _ = sung_by([Note(0, 16, 60)], [Syllable(0, "Lord"), Syllable(8, "our")])
    assert [s.text for s in sung] == ["Lord‿our"]


def test_a_held_note_is_struck_again_and_a_repeated_one_is_held() -> None:
    """The alto's whole note becomes two halves, the tenor's repeated quarters one half."""
    chorale = Chorale.from_notes(
        [[(0, 8, 72), (8, 8, 71)], [(0, 16, 67)], [(0, 4, 64), (4, 4, 64), (8, 8, 62)]]
    )
    verse = Verse("1", words_on(chorale))
    new = np.ones((16, 4), dtype=np.bool_)
    new[:, 0] = False
    changed, again, held = in_rhythm(chorale, [verse], new)
    assert changed.notes(1) == [Note(0, 8, 67), Note(8, 8, 67)]
    assert changed.notes(2) == [Note(0, 8, 64), Note(8, 8, 62)]
    assert (again, held) == (1, 1)
