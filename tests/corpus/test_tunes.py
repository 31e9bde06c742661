"""Tunes: which chorales are one piece, which share a melody, and that the split respects it."""

from dataclasses import replace

import numpy as np
import pytest

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.corpus.split import SIDES, split
from musicae.corpus.tunes import (
    SAME_MUSIC,
    alignments,
    components,
    shared_chords,
    skeleton,
    tunes_of,
)

# The first two phrases of "Nun danket alle Gott", of "Jesu, meine Freude" and of a third tune, a
# quarter a note.
NUN_DANKET = [
    67,
    67,
    67,
    69,
    69,
    67,
    64,
    65,
    64,
    62,
    64,
    62,
    60,
    67,
    66,
    67,
    69,
    71,
    72,
    71,
    69,
    67,
]
JESU = [69, 69, 67, 65, 64, 62, 64, 65, 67, 69, 65, 67, 64, 65, 62, 64, 60, 62, 69, 70, 67, 69, 65]
STEPS = [60, 62, 64, 65, 67, 69, 71, 72, 60, 72, 67, 60, 65, 61, 68, 62, 70, 63, 59, 66, 71, 64, 58]


def melody(pitches, duration=4, **facts):
    return Chorale.from_notes(
        [[(duration * i, duration, p) for i, p in enumerate(pitches)]], **facts
    )


def harmonized(pitches, intervals, **facts):
    """A chorale of the melody and three voices below it, note against note."""
    notes = [[], [], [], []]
    for i, pitch in enumerate(pitches):
        for v, below in enumerate([0, *intervals[i % len(intervals)]]):
            notes[v].append((4 * i, 4, pitch - below))
    return Chorale.from_notes(notes, **facts)


SETTING = [(3, 7, 19), (4, 9, 16), (5, 8, 20), (3, 8, 15), (4, 7, 12)]


def test_a_skeleton_has_no_passing_notes_and_no_repetitions():
    sung = Chorale.from_notes([[(0, 2, 60), (2, 2, 62), (4, 4, 64), (8, 4, 64), (12, 8, 65)]])
    assert skeleton(sung).tolist() == [60, 64, 65]


def test_the_beats_of_a_pickup_are_counted_from_its_end():
    sung = Chorale.from_notes([[(0, 2, 60), (2, 4, 62), (6, 4, 64), (10, 8, 65)]], pickup=6)
    assert skeleton(sung).tolist() == [62, 64, 65]


def test_compound_meters_have_dotted_beats():
    jig = Chorale.from_notes(
        [[(0, 4, 60), (4, 2, 62), (6, 4, 64), (10, 2, 65)]], meters=(Meter(0, 6, 8),)
    )
    assert skeleton(jig).tolist() == [60, 64]


def test_an_alignment_counts_equal_notes_and_takes_off_others():
    a = np.array([60, 62, 64, 65, 67, 69, 71, 72])
    changed = a + 5
    changed[6] = 60
    scores = alignments([a, a + 5, changed, a[::-1].copy()])
    assert scores[0, 1] == 8
    assert scores[0, 2] == 6  # seven equal notes, one different
    assert (0, 3) not in scores  # too few equal notes


VARIANTS = {
    "in another key": melody([p + 3 for p in NUN_DANKET]),
    "twice as slow": melody(NUN_DANKET, duration=8),
    "in another meter, longer where accented": Chorale.from_notes(
        [[(12 * (i // 2) + 8 * (i % 2), 8 - 4 * (i % 2), p) for i, p in enumerate(NUN_DANKET)]],
        meters=(Meter(0, 3, 4),),
    ),
    "with eighths between": Chorale.from_notes(
        [
            [(4 * i, 2, p) for i, p in enumerate(NUN_DANKET)]
            + [(4 * i + 2, 2, p + 2) for i, p in enumerate(NUN_DANKET)]
        ]
    ),
    "with another ending": melody([*NUN_DANKET[:-3], 64, 65, 60]),
    "sung twice": melody(NUN_DANKET * 2),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_are_one_tune(variant):
    others = [melody(JESU), melody(STEPS)]
    tunes = tunes_of([melody(NUN_DANKET), VARIANTS[variant], *others])
    assert tunes == [0, 0, 1, 2]


def test_equal_titles_join_slightly_similar_melodies():
    # The same beginning but for a note, which cuts the equal passage in two; then another tune.
    alike = [melody(NUN_DANKET + JESU), melody([*NUN_DANKET[:10], 55, *NUN_DANKET[11:], *STEPS])]
    assert len(set(tunes_of(alike))) == 2
    titles = "Nun danket alle Gott, groß", "Nun dankèt alle Gott gross"
    titled = [replace(c, title=title) for c, title in zip(alike, titles, strict=True)]
    assert len(set(tunes_of(titled))) == 1
    strangers = [melody(p, title="Choral") for p in (NUN_DANKET, STEPS)]
    assert len(set(tunes_of(strangers))) == 2


def test_a_long_shared_passage_joins_two_tunes():
    quoting = STEPS[9:] + [p - 2 for p in NUN_DANKET[4:18]] + STEPS[9:]
    assert tunes_of([melody(NUN_DANKET), melody(quoting), melody(STEPS)])[:2] == [0, 0]


def test_one_piece_transposed_repeated_or_held_shares_all_chords():
    piece = harmonized(NUN_DANKET, SETTING)
    copies = [
        piece.transpose(-3),
        harmonized(NUN_DANKET * 2, SETTING),
        Chorale.from_notes(
            [[(2 * n.step, 2 * n.duration, n.pitch) for n in piece.notes(v)] for v in range(4)]
        ),
    ]
    for copy in copies:
        assert shared_chords(piece, copy) == shared_chords(copy, piece) >= 0.95


def test_a_few_changes_leave_it_one_piece_another_setting_does_not():
    piece = harmonized(NUN_DANKET, SETTING)
    edited = piece.pitch.copy()
    edited[8:12, 2] -= 2
    edited[40:44, 1] -= 1
    assert shared_chords(piece, Chorale(edited, piece.onset)) >= SAME_MUSIC
    other = harmonized(NUN_DANKET, [(4, 9, 12), (5, 9, 17), (3, 7, 15)])
    assert shared_chords(piece, other) < SAME_MUSIC / 2


def test_silence_shares_nothing():
    silent = Chorale(np.full((4, 4), REST), np.zeros((4, 4), dtype=bool))
    assert shared_chords(silent, harmonized(JESU, SETTING)) == 0


def test_components_are_numbered_as_they_appear():
    assert components(6, [(4, 1), (1, 3), (5, 2)]) == [0, 1, 2, 1, 1, 2]


def corpus_of(count, per_tune=1):
    modes = ("major", "minor")
    chorales = [melody([60 + i % 12], key=Key(0, modes[i % 2])) for i in range(count)]
    return chorales, [i // per_tune for i in range(count)]


@pytest.mark.parametrize("per_tune", [1, 2])
def test_a_tune_is_on_one_side_and_a_tenth_is_held_out(per_tune):
    chorales, tunes = corpus_of(200, per_tune)
    sides = split(chorales, tunes)
    assert len(set(zip(tunes, sides, strict=True))) == len(set(tunes))
    assert [sides.count(side) for side in SIDES] == [160, 20, 20]
    for side in ("valid", "test"):
        minor = [c.key.mode for c, s in zip(chorales, sides, strict=True) if s == side]
        assert minor.count("minor") == pytest.approx(len(minor) / 2, abs=1)


def test_a_split_is_repeatable_and_follows_its_seed():
    chorales, tunes = corpus_of(40)
    assert split(chorales, tunes) == split(chorales, tunes)
    assert split(chorales, tunes) != split(chorales, tunes, seed=1)


def test_a_tune_with_many_settings_is_trained_on():
    chorales, tunes = corpus_of(60)
    sides = split(chorales, [0 if i < 20 else tune for i, tune in enumerate(tunes)])
    assert set(sides[:20]) == {"train"}


def test_few_chorales_are_all_trained_on():
    chorales, tunes = corpus_of(3)
    assert split(chorales, tunes) == ["train"] * 3
