"""The place of each step in its bar and its phrase."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import VOICE_RANGES
from musicae.core.key import MODES, Key
from musicae.core.meter import Meter
from musicae.encoding.partial_score import RHYTHMS, PartialScore
from musicae.encoding.step_features import DISTANCES, PHRASES, RHYTHM, SIZES, step_features
from tests.support.passages import passage
from tests.support.strategies import METERS, chorales

WEIGHT, SINCE_BAR, TO_BAR, SINCE_BEAT, TO_END = range(5)
TO_PHRASE_END, SINCE_PHRASE = range(*PHRASES.indices(len(SIZES)))
MODE = 7
LETTERS = ".ebHB"
"""Weights 0 to 4: off the beat, half a beat, beat, half a bar, bar."""


def bars(text, steps, pickup=0):
    """One long note of the soprano in a meter such as ``6/8``."""
    numerator, denominator = map(int, text.split("/"))
    meters = (Meter(0, numerator, denominator),)
    return Chorale.from_notes([[(0, steps, 67)]], meters=meters, pickup=pickup)


def column(chorale, index, **facts):
    return step_features(PartialScore.of(chorale, voices=(0,), **facts))[:, index].tolist()


def weights(chorale):
    return "".join(LETTERS[weight] for weight in column(chorale, WEIGHT))


def told(distance):
    """The class of a distance in steps: the number of bounds that it reaches."""
    return sum(distance >= bound for bound in DISTANCES)


# Bars


@pytest.mark.parametrize(
    ("meter", "bar"),
    [
        ("4/4", "B.e.b.e.H.e.b.e."),
        ("3/4", "B.e.b.e.b.e."),
        ("2/4", "B.e.H.e."),
        ("2/2", "B.e.e.e.H.e.e.e."),
        ("3/2", "B.e.e.e.b.e.e.e.b.e.e.e."),
        ("5/4", "B.e.b.e.b.e.b.e.b.e."),
        # Dotted quarters are the beats.
        ("6/8", "B.e.e.H.e.e."),
        ("9/8", "B.e.e.b.e.e.b.e.e."),
        ("12/8", "B.e.e.b.e.e.H.e.e.b.e.e."),
        # Eighths that do not form groups of three are counted in quarters, with one left over.
        ("7/8", "B.e.b.e.b.e.b."),
        ("3/8", "B.e.b."),
    ],
)
def test_metrical_weights_of_every_meter(meter, bar):
    assert weights(bars(meter, 2 * len(bar))) == 2 * bar
    assert weights(bars(meter, 2 * len(bar) - 1)) == (2 * bar)[:-1]


@pytest.mark.parametrize(
    ("meter", "pickup", "expected"),
    [
        ("4/4", 4, "b.e." + "B.e.b.e.H.e.b.e."),
        ("4/4", 8, "H.e.b.e." + "B.e.b.e.H.e.b.e."),
        ("3/4", 3, ".e." + "B.e.b.e.b.e."),
        ("6/8", 2, "e." + "B.e.e.H.e.e."),
        ("7/8", 2, "b." + "B.e.b.e.b.e.b."),
    ],
)
def test_a_pickup_is_the_end_of_a_bar(meter, pickup, expected):
    assert weights(bars(meter, len(expected), pickup)) == expected


def test_steps_are_counted_from_the_bar_line_to_the_next_and_from_the_beat():
    piece = bars("6/8", 15, pickup=3)
    assert column(piece, SINCE_BAR) == [9, 10, 11, *range(12)]
    assert column(piece, TO_BAR) == [2, 1, 0, *range(11, -1, -1)]
    assert column(piece, SINCE_BEAT) == [3, 4, 5, *range(6), *range(6)]


def test_a_bar_that_is_cut_short_is_the_beginning_of_one():
    piece = bars("4/4", 22)
    assert column(piece, SINCE_BAR)[16:] == [0, 1, 2, 3, 4, 5]
    assert column(piece, TO_BAR)[16:] == [15, 14, 13, 12, 11, 10]


def test_steps_of_long_bars_and_beats_share_the_last_class():
    bar_and_more = bars("2/1", 40)
    assert column(bar_and_more, SINCE_BAR)[22:34] == [22, 23, *[23] * 8, 0, 1]
    assert column(bar_and_more, TO_BAR)[6:10] == [23, 23, 23, 22]
    assert column(bars("2/2", 16), SINCE_BEAT) == [0, 1, 2, 3, 4, 5, 5, 5] * 2


def test_a_meter_holds_until_the_next_one():
    meters = (Meter(0, 4, 4), Meter(16, 3, 4), Meter(28, 6, 8))
    piece = Chorale.from_notes([[(0, 40, 67)]], meters=meters)
    assert weights(piece) == "B.e.b.e.H.e.b.e." + "B.e.b.e.b.e." + "B.e.e.H.e.e."


def test_the_end_of_the_piece_is_seen_from_afar():
    assert column(bars("4/4", 40), TO_END) == [told(39 - step) for step in range(40)]
    assert column(bars("4/4", 40), TO_END)[-4:] == [3, 2, 1, 0]


def test_a_part_of_a_piece_sees_the_end_of_the_piece():
    part = replace(PartialScore.of(bars("4/4", 32), voices=(0,)), after=8)
    assert step_features(part)[:, TO_END].tolist() == column(bars("4/4", 40), TO_END)[:32]


# Phrases


def test_phrases_run_to_their_last_note_and_begin_with_the_next():
    # Two phrases of three and two quarters; the second one's last note is a half note.
    piece = passage("S C5 D5 E5^ F5 G5^ --")
    to_end = [8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 4, 3, 2, 1, *[0] * 8]
    since = [*range(12), *range(12)]
    assert column(piece, TO_PHRASE_END) == [1 + told(steps) for steps in to_end]
    assert column(piece, SINCE_PHRASE) == [1 + told(steps) for steps in since]


def test_a_rest_after_a_phrase_belongs_to_it():
    piece = passage("S C5 D5^ .. E5 F5^")
    since = [8, 9, 10, 11, 0, 1, 2, 3]
    assert column(piece, SINCE_PHRASE)[8:16] == [1 + told(steps) for steps in since]
    assert column(piece, TO_PHRASE_END)[4:13] == [1, 1, 1, 1, 1, 1, 1, 1, 1 + told(4)]


def test_after_the_last_phrase_comes_one_whose_end_is_far():
    piece = passage("S C5 D5^ E5 F5 G5 A5 G5 F5 E5 D5 C5")
    assert column(piece, SINCE_PHRASE)[8:12] == [1, 2, 3, 4]
    assert set(column(piece, TO_PHRASE_END)[8:]) == {1 + len(DISTANCES)}
    assert set(column(piece, TO_PHRASE_END, phrases=())) == {1 + len(DISTANCES)}


def test_the_highest_known_voice_ends_the_phrase_if_the_melody_is_to_be_written():
    piece = passage("S C5 D5 E5^ F5\nA C4 F4 G4 A4\nB C3 B2 C3 --")
    by_bass = step_features(PartialScore.of(piece, voices=(3,)))
    by_alto = step_features(PartialScore.of(piece, voices=(1, 3)))
    assert by_alto[12, SINCE_PHRASE] == 1
    assert by_bass[12, SINCE_PHRASE] == 1 + told(12)  # the bass's note lasts to the end


def test_unknown_phrases_have_class_0():
    piece = passage("S C5 D5 E5 F5")
    assert set(column(piece, TO_PHRASE_END)) == set(column(piece, SINCE_PHRASE)) == {0}
    ended = column(piece, TO_PHRASE_END, phrases=(12,))
    assert 0 not in ended


# Features of the whole piece


@pytest.mark.parametrize("mode", MODES)
def test_the_mode_is_a_feature(mode):
    assert set(column(bars("4/4", 16), MODE, key=Key(2, mode))) == {MODES.index(mode)}


def test_the_requested_rhythm_is_a_feature():
    piece = bars("4/4", 16)
    found = [set(column(piece, RHYTHM, rhythm=rhythm)) for rhythm in (None, *RHYTHMS)]
    assert found == [{0}, {1}, {2}]


@settings(max_examples=30)
@given(
    chorales(),
    st.sets(st.integers(0, 3)),
    st.none() | st.sets(st.integers(0, 47), max_size=4),
    st.sampled_from([None, *RHYTHMS]),
    st.lists(st.sampled_from([*METERS, (6, 4), (9, 8), (2, 1), (5, 8)]), min_size=3, max_size=3),
)
def test_every_feature_is_within_its_size(chorale, voices, ends, rhythm, meters):
    steps = sorted({0, len(chorale) // 3, len(chorale) // 2})
    chorale = replace(
        chorale,
        meters=tuple(Meter(s, *meter) for s, meter in zip(steps, meters, strict=False)),
        pickup=0,
    )
    phrases = ends and tuple(sorted(end for end in ends if end < len(chorale)))
    found = step_features(
        PartialScore.of(chorale, voices=tuple(voices), phrases=phrases, rhythm=rhythm)
    )
    assert found.shape == (len(chorale), len(SIZES))
    assert (found >= 0).all()
    assert (found < SIZES).all()


@settings(max_examples=15)
@given(chorales())
def test_features_depend_on_notes_only_through_key_and_phrases(chorale):
    low = VOICE_RANGES[0][0]
    other = Chorale.from_notes(
        [[(0, len(chorale), low)]], meters=chorale.meters, pickup=chorale.pickup
    )
    found, expected = (
        step_features(PartialScore.of(c, key=Key(0), phrases=())) for c in (chorale, other)
    )
    assert (found == expected).all()
