"""Repeated sequences in short voices, and compared with a search by brute force."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.constants import REST
from musicae.evaluation.repetition import repeated_lengths

C, D, E, F, G = 60, 62, 64, 65, 67


def quarters(*pitches):
    return [(4, pitch) for pitch in pitches]


@pytest.mark.parametrize(
    ("voice", "repeated"),
    [
        ([], {}),
        (quarters(C), {}),
        (quarters(C, D, E, F, G), {}),
        (quarters(C, C), {}),  # one note is no sequence
        (quarters(C, D, E, C, D, F), {"8": 2}),
        (quarters(C, REST, E, C, REST, F), {"8": 2}),  # a rest counts too
        (quarters(C, C, C), {"8": 2}),  # the two overlap
        (quarters(C, D, E, C + 12, D + 12, E + 12), {}),  # an octave higher is another sequence
        # C D E comes twice, so its parts are not counted; but C D comes once more.
        (quarters(C, D, E, G, C, D, E, F, C, D, F + 7), {"12": 2, "8": 3}),
    ],
)
def test_repeated_sequences_have_these_lengths(voice, repeated):
    assert repeated_lengths(voice) == repeated


def test_the_last_note_may_be_longer_elsewhere_and_the_first_may_not():
    assert repeated_lengths([(4, C), (4, D), (4, G), (4, C), (8, D)]) == {"8": 2}
    assert repeated_lengths([(4, C), (4, D), (4, G), (8, C), (4, D)]) == {}


@given(st.lists(st.tuples(st.integers(1, 2), st.sampled_from([C, D, REST])), max_size=9))
def test_a_search_through_all_sequences_finds_the_same(voice):
    assert repeated_lengths(voice) == by_brute_force(voice)


def by_brute_force(voice):
    """The number of repeated sequences by length in sixteenths, without sequences that occur only
    as parts of a longer one."""
    steps = [s for length, pitch in voice for s in [pitch, *["held"] * (length - 1)]]
    parts = Counter(
        tuple(steps[i:j])
        for i in range(len(steps))
        for j in range(i + 1, len(steps) + 1)
        if steps[i] != "held" and sum(step != "held" for step in steps[i:j]) > 1
    )
    repeated = {part: n for part, n in parts.items() if n > 1}
    lengths = Counter()
    for part, n in repeated.items():
        if not any(
            m == n and part != whole and is_in(part, whole) for whole, m in repeated.items()
        ):
            lengths[str(len(part))] += n
    return lengths


def is_in(part, whole):
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))
