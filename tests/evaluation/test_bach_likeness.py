"""The grade of music whose histograms can be counted by hand, and of Bach's chorales."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from musicae.core.chorale import Chorale
from musicae.core.errors import MusicaeError
from musicae.core.key import Key
from musicae.corpus import load
from musicae.evaluation import bach_likeness
from musicae.evaluation.bach_likeness import (
    OTHER,
    Grade,
    Reference,
    distance_in_steps,
    grade,
    histogram_distance,
    progression,
    progression_surprise,
)
from musicae.evaluation.histograms import style
from tests.support.strategies import chorales


def four_voices(soprano, alto, tenor, bass, **facts):
    """Voices in quarters; a pair of notes is two eighths, and None is a rest."""
    voices = []
    for line in (soprano, alto, tenor, bass):
        notes = []
        for beat, pitch in enumerate(line):
            if isinstance(pitch, tuple):
                notes += [(4 * beat, 2, pitch[0]), (4 * beat + 2, 2, pitch[1])]
            elif pitch is not None:
                notes.append((4 * beat, 4, pitch))
        voices.append(notes)
    return Chorale.from_notes(voices, steps=4 * len(soprano), **facts)


# I, IV, V with a seventh passing in the alto, and I without its fifth, in C.
CADENCE = four_voices(
    [72, 72, 71, 72],
    [67, 69, (67, 65), 64],
    [64, 65, 62, 60],
    [48, 53, 55, 48],
)


def test_the_features_of_the_grade_are_counted():
    assert set(style(CADENCE).counts) == set(Grade._fields)


def test_a_cadence_counted_by_hand():
    its = style(CADENCE)
    assert (its.mode, its.notes) == ("major", 17)
    sixteenths = {"0": 24, "2": 4, "4": 8, "5": 10, "7": 10, "9": 4, "11": 4}
    assert its.counts["note"] == sixteenths
    assert its.counts["rhythm"] == {"4": 15, "2": 2}
    assert its.counts["harmonic_quality"] == {"0 4 7": 3, "0 3 6 8": 1, "0 4": 1}
    assert its.counts["soprano_intervals"] == {"0": 1, "-1": 1, "1": 1}
    assert its.counts["alto_intervals"] == {"2": 1, "-2": 2, "-1": 1}
    assert its.counts["bass_intervals"] == {"5": 1, "2": 1, "-7": 1}
    assert its.counts["parallel_errors"].total() == 0
    assert not its.counts["repeated_sequences"]
    assert its.progressions == [
        ("0 major", "5 major"),
        ("5 major", "7 major"),
        ("7 major", "7 dominant seventh"),
        ("7 dominant seventh", "0 major"),
    ]


def test_rests_are_counted_once_however_long_and_stop_intervals():
    broken = four_voices([72, None, None, 72], *([p] * 4 for p in (67, 64, 48)))
    counts = style(broken).counts
    assert counts["rhythm"] == {"4": 14, "8": 1}
    assert counts["note"]["rest"] == 8
    assert not counts["soprano_intervals"]


def test_sonorities_that_are_no_chord_do_not_interrupt_a_progression():
    suspended = four_voices([71, 72, 72, 72], [67, 65, 64, 64], [62, 67, 67, 67], [55, 48, 48, 48])
    assert style(suspended).counts["harmonic_quality"] == {"0 4 7": 3, "0 2 7": 1}
    assert style(suspended).progressions == [("7 major", "0 major")]


def test_parallels_are_distinguished_and_counted_across_fermatas():
    parallel = four_voices([72, 74], [67, 65], [64, 62], [48, 50], fermatas=(0,))
    assert style(parallel).counts["parallel_errors"] == {"fifths": 0, "octaves": 1}
    fifths = four_voices([72, 74], [67, 69], [60, 57], [52, 53])
    assert style(fifths).counts["parallel_errors"]["fifths"] == 0
    fifths = four_voices([67, 69], [64, 62], [60, 62], [48, 53])
    assert style(fifths).counts["parallel_errors"] == {"fifths": 1, "octaves": 0}


def test_a_diminished_seventh_is_the_same_on_each_of_its_notes():
    turned = four_voices([71, 72], [68, 67], [65, 64], [62, 60])
    assert style(turned).progressions == [("2 diminished seventh", "0 major")]
    for semitones in range(12):
        assert style(turned.transpose(semitones)) == style(turned)


@given(chorales(), st.integers(-12, 12))
def test_transposing_changes_nothing(chorale, semitones):
    try:
        its = style(chorale)
    except MusicaeError:
        assume(False)
    moved = chorale.transpose(semitones)
    assert style(moved) == its
    assert grade(moved) == grade(chorale)
    assert progression_surprise(moved) == progression_surprise(chorale)


def test_key_signature_and_fermatas_do_not_change_the_grade():
    told = replace(CADENCE, key=Key.parse("F# minor"), title="Amen", fermatas=(0,))
    assert style(told) == style(CADENCE)


def test_a_silent_voice_is_refused():
    with pytest.raises(MusicaeError, match="the tenor is silent"):
        grade(four_voices([72], [67], [None], [48]))


def test_music_that_has_nothing_to_count_is_graded():
    chord = four_voices([72], [67], [64], [48])
    assert all(value >= 0 for value in grade(chord))
    # No progression surprises as much as one of 7 x 12 chords and 3 diminished sevenths.
    assert progression_surprise(chord) == pytest.approx(np.log(87))


HISTOGRAMS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9), min_size=1)


@given(HISTOGRAMS, HISTOGRAMS)
def test_the_distance_is_scipys_with_categories_in_bachs_order(histogram, bach):
    row = sorted(bach, key=lambda name: (-bach[name], name))
    row += sorted(set(histogram) - set(bach), key=lambda name: (histogram[name], name))
    shares = [[counts.get(name, 0) for name in row] for counts in (histogram, bach)]
    places = range(len(row))
    expected = wasserstein_distance(places, places, *shares)
    assert histogram_distance(histogram, bach) == pytest.approx(expected, abs=1e-9)


def test_lengths_are_a_scale():
    assert distance_in_steps({"8": 2}, {"8": 5, "16": 5}) == 4
    assert distance_in_steps({}, {"8": 5, "16": 5}) == 12


def reference(train):
    return Reference.of(train, train[:1])


def test_a_chorale_is_no_distance_from_itself():
    own = reference([CADENCE, CADENCE])
    assert own.chorales == 2
    assert own.notes == 34
    assert grade(CADENCE, own).total == 0
    assert progression(CADENCE, own) == pytest.approx(0, abs=1e-6)


def test_each_parallel_counts_by_itself():
    """In the paper, Bach's own mix of parallels costs nothing; here it does."""
    fifths = four_voices([67, 69], [64, 62], [60, 62], [48, 53])
    octaves = four_voices([72, 74], [67, 65], [64, 62], [48, 50])
    # Of three errors in 24 notes one is an octave.
    mixed = reference([fifths, fifths, octaves])
    assert grade(fifths, mixed).parallel_errors == pytest.approx((1 / 8) / (3 / 24) * 1 / 3)
    assert grade(octaves, mixed).parallel_errors == pytest.approx((1 / 8) / (3 / 24) * 2 / 3)
    assert grade(CADENCE, mixed).parallel_errors == 0


def test_rare_sonorities_are_one_category():
    pitch = CADENCE.pitch.copy()
    pitch[:4, 1] = 66
    known = reference([CADENCE] * 40 + [replace(CADENCE, pitch=pitch)])
    usual = {"0 4 7": 122, "0 3 6 8": 41, "0 4": 41}
    assert known.features["harmonic_quality"]["major"] == usual | {OTHER: 1}  # C E F#


def test_a_progression_is_expected_as_often_as_it_occurs():
    known = reference([CADENCE] * 10)
    again = four_voices([72, 71, 72], [67, 65, 64], [64, 62, 55], [48, 55, 48])
    # The reference has V7 to I only, never I to V7; 0.1 is added to each of 87 chords.
    expected = -np.log(0.1 / (10 + 8.7)) - np.log(10.1 / (10 + 8.7))
    assert progression_surprise(again, known) == pytest.approx(expected / 2)


@pytest.fixture(scope="module")
def bach():
    return load.load()


def test_the_shipped_reference_is_what_the_corpus_gives(bach, tmp_path):
    made = Reference.of(bach.side("train"), bach.side("valid"))
    assert made.to_json() == bach_likeness.REFERENCE_FILE.read_text(encoding="utf-8")
    made.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == bach_likeness.REFERENCE_FILE.read_bytes()
    assert grade(CADENCE, made) == grade(CADENCE)
    assert bach_likeness.REFERENCE_FILE.stat().st_size < 50_000


def test_held_out_bach_is_graded_as_bach_is(bach):
    totals = {side: [grade(c).total for c in bach.side(side)] for side in ("train", "valid")}
    assert np.median(totals["train"]) == pytest.approx(4.97, abs=0.01)
    assert np.median(totals["valid"]) == pytest.approx(4.87, abs=0.01)
    held_out = [progression(chorale) for chorale in bach.side("valid")]
    assert np.median(held_out) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("content", ["", "[]", '{"format": 0}', '{"format": 1}', "{"])
def test_a_damaged_reference_is_refused(tmp_path, content):
    path = tmp_path / "bach.json"
    path.write_text(content)
    with pytest.raises(MusicaeError, match=r"bach\.json"):
        bach_likeness.load_reference(path)
    with pytest.raises(MusicaeError, match="nowhere"):
        bach_likeness.load_reference(tmp_path / "nowhere.json")
