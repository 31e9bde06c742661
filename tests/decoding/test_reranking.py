"""The order in which harmonizations are offered, and when two of them differ."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from musicae.api.check import check
from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.decoding.reranking import DISTINCT, RAREST, Candidate, cost, difference, rerank
from tests.support.passages import passage
from tests.support.strategies import chorales

# Ten quarters in C.
HOME = """
S  C5 D5 E5 D5 C5 C5 D5 E5 D5 C5
A  G4 G4 G4 G4 G4 G4 G4 G4 G4 G4
T  E4 D4 C4 D4 E4 E4 D4 C4 D4 E4
B  C3 B2 C3 B2 C3 C3 B2 C3 B2 C3
"""


def with_bass(*notes):
    """The passage with its bass replaced from the beginning on."""
    *upper, bass = HOME.strip().splitlines()
    return passage("\n".join([*upper, "B " + " ".join([*notes, *bass.split()[1 + len(notes) :]])]))


def candidate(chorale, nats):
    return Candidate(chorale, nats=nats, cost=nats)


# Differences


@pytest.mark.parametrize(
    ("what", "other", "share"),
    [
        ("nothing", HOME, 0),
        ("one chord in ten", HOME.replace("B  C3", "B  A2"), 0.1),
        ("one chord's bass, which was in it", HOME.replace("B  C3", "B  E3"), 0.1),
        ("the octave of a note", HOME.replace("B  C3", "B  C4").replace("T  E4", "T  E3"), 0),
        (
            "who sings what above the bass",
            HOME.replace("A  G4", "A  E4").replace("T  E4", "T  G4"),
            0,
        ),
        ("a chord with a note less", HOME.replace("T  E4", "T  .."), 0.1),
        ("a tie", HOME.replace("A  G4 G4", "A  G4 --"), 0),
        ("an octave lower throughout", HOME.replace("4", "3"), 0),
    ],
)
def test_difference_counts_chords_by_their_bass_and_pitch_classes(what, other, share):
    # The middle voices may leave their ranges here; only chords matter.
    assert difference(passage(HOME), passage(other)) == pytest.approx(share), what


def test_chords_are_compared_on_the_quarters_alone():
    plain = passage("S C5 -- D5 --\nB C3 -- B2 --", column=2)
    passing = passage("S C5 D5 D5 C5\nB C3 A2 B2 G2", column=2)
    assert difference(plain, passing) == 0


def test_quarters_are_counted_from_the_first_bar_line():
    # An eighth, and two quarters; a change on the second half of a quarter makes no other chord.
    one = passage("S C5 D5 -- E5 --", column=2)
    other = passage("S C5 D5 C5 E5 F5", column=2)
    upbeat = [Chorale(c.pitch, c.onset, pickup=2) for c in (one, other)]
    assert difference(*upbeat) == 0
    assert difference(one, other) > 0


@settings(max_examples=15)
@given(chorales())
def test_a_chorale_does_not_differ_from_itself(chorale):
    assert difference(chorale, chorale) == 0


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_pieces_shorter_than_a_quarter_are_one_chord(steps):
    one, other = (Chorale.from_notes([[(0, steps, pitch)]]) for pitch in (60, 62))
    assert difference(one, one) == 0
    assert difference(one, other) == 1
    found = rerank([candidate(one, 2.0), candidate(other, 1.0)], 2)
    assert [c.chorale for c in found] == [other, one]


def test_a_pickup_longer_than_the_piece_leaves_a_chord_to_compare():
    piece = Chorale.from_notes([[(0, 1, 60)]], pickup=3)
    assert difference(piece, piece) == 0


# Costs


def test_without_violations_the_cost_is_the_models_nats():
    assert cost(passage(HOME), 12.5) == 12.5


def test_a_violation_costs_more_the_rarer_it_is_in_bach():
    parallels = passage("S  C5 B4\nA  A4 G4\nT  C4 D4\nB  F3 G3")
    rules = check(parallels).rules
    (broken,) = (rule for rule in rules.values() if rule.violations)
    found = cost(parallels, 5.0)
    assert found == pytest.approx(5.0 - math.log(max(broken.bach, RAREST) / 100))
    assert found > 8


# Ranking


def test_the_best_come_first_whatever_the_order_they_are_given_in():
    pieces = [with_bass(*notes) for notes in (["C3"], ["A2"] * 3, ["E3"] * 6, ["F3"] * 9)]
    assert min(difference(a, b) for a in pieces for b in pieces if a is not b) >= DISTINCT
    waiting = [candidate(piece, nats) for piece, nats in zip(pieces, [3, 1, 4, 2], strict=True)]
    assert [c.cost for c in rerank(waiting, 4)] == [1, 2, 3, 4]
    assert [c.cost for c in rerank(waiting[::-1], 2)] == [1, 2]


def test_repeated_chords_rank_below_costlier_new_ones():
    first, nearly = with_bass("C3"), with_bass("A2")
    other = with_bass("A2", "G2", "E3")
    found = rerank([candidate(other, 9.0), candidate(nearly, 2.0), candidate(first, 1.0)], 3)
    assert [c.chorale for c in found] == [first, other, nearly]


def test_without_a_distinct_candidate_the_most_different_is_next():
    first, nearly = with_bass("C3"), with_bass("A2")
    tied = passage(HOME.replace("A  G4 G4", "A  G4 --"))
    found = rerank([candidate(first, 1.0), candidate(tied, 2.0), candidate(nearly, 3.0)], 3)
    assert [c.chorale for c in found] == [first, nearly, tied]


def test_a_candidate_is_compared_with_all_that_were_chosen():
    first, second = with_bass("C3"), with_bass("A2", "G2", "A2", "G2")
    between = with_bass("A2", "G2", "A2")  # apart from the first, near the second
    last = with_bass("F3", "E3", "F3", "E3", "F3")
    costs = [(first, 1.0), (second, 2.0), (between, 3.0), (last, 4.0)]
    found = rerank([candidate(*each) for each in costs], 4)
    assert [c.chorale for c in found] == [first, second, last, between]


def test_equal_candidates_are_offered_once():
    same, again = candidate(passage(HOME), 1.0), candidate(passage(HOME), 1.0)
    other = candidate(with_bass("A2", "G2", "E3"), 2.0)
    assert rerank([same, again, other], 2) == [same, other]
    with pytest.raises(ChoraleError, match="only 2 of 3 harmonizations differ"):
        rerank([same, again, other], 3)
    assert rerank([same, again, other], 3, fewer=True) == [same, other]


def test_only_open_steps_are_compared():
    one, other = passage(HOME), with_bass("A2")
    among = np.zeros(len(one), dtype=np.bool_)
    assert difference(one, other, among) == difference(one, other) < 1
    first = np.flatnonzero((one.pitch != other.pitch).any(axis=1))[0]
    among[first : first + 4] = True
    assert difference(one, other, among) == 1
    assert difference(one, other, ~among) == 0
