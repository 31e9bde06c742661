"""Shared passages in short tunes, and compared with a search by brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.corpus import load
from musicae.encoding.tokens import ALL_VOICES, ONLY_SOPRANO
from musicae.evaluation.originality import Index, Passage
from tests.support.strategies import chorales

TUNE = (60, 62, 63, 67, 62, 70, 59, 60)


def melody(*pitches, length=4, begin=0):
    """Notes of one length; None is a rest."""
    notes = [(begin + length * i, length, p) for i, p in enumerate(pitches) if p]
    return Chorale.from_notes([notes], steps=begin + length * len(pitches))


def longest(tune, known, voices=ONLY_SOPRANO):
    return Index([known], voices).longest(tune)


def test_a_copy_is_found_whole_in_every_key():
    for semitones in (0, 5, -7):
        copy = melody(*(pitch + semitones for pitch in TUNE))
        assert longest(copy, melody(*TUNE)) == Passage(32, 0, 0, 0)
        assert longest(copy, melody(*TUNE)).beats == 8


def test_a_passage_is_found_where_it_is():
    # The last four notes of the tune, two beats later, after a different note.
    tune = melody(*TUNE[4:], begin=12)
    known = [melody(55, 56, 55), melody(*TUNE)]
    assert Index(known, ONLY_SOPRANO).longest(tune) == Passage(16, 12, 1, 16)


def test_the_first_and_the_last_note_may_be_cut():
    slow = melody(60, 62, length=8)
    assert longest(slow, melody(60, 62)) == Passage(8, 4, 0, 0)


def test_held_and_repeated_notes_are_not_the_same():
    assert longest(melody(60, 60, 60, 60), melody(60, length=16)).steps == 4


def test_silence_is_not_shared():
    assert longest(melody(60, None, None, 61), melody(70, None, None, 79)).steps == 4
    assert longest(melody(60, None, None, 62), melody(*TUNE)).steps == 4


def test_unrelated_chorales_share_no_passage():
    assert longest(melody(60, 61, length=1), melody(60, 62, length=1)) is None
    assert Index([]).longest(melody(*TUNE)) is None
    assert longest(Chorale.from_notes([], steps=8), melody(*TUNE)) is None


def test_a_passage_does_not_go_on_in_another_chorale():
    known = [melody(*TUNE[:4]), melody(*TUNE[4:])]
    assert Index(known, ONLY_SOPRANO).longest(melody(*TUNE)).steps == 16


def test_a_shared_tune_with_another_bass_is_shared_by_the_soprano_only():
    tune = [(4 * i, 4, pitch) for i, pitch in enumerate(TUNE)]
    mine, other = (Chorale.from_notes([tune, [], [], bass]) for bass in ([(0, 32, 48)], tune))
    assert longest(mine, other, ONLY_SOPRANO).beats == 8
    assert longest(mine, other, ALL_VOICES) is None


@given(chorales(24), chorales(24), st.sampled_from([ONLY_SOPRANO, ALL_VOICES]))
def test_a_search_by_brute_force_finds_nothing_longer(chorale, known, voices):
    found = longest(chorale, known, voices)
    steps = max(
        common(chorale, i, known, j, list(voices))
        for i in range(len(chorale))
        for j in range(len(known))
    )
    assert (found.steps if found else 1) == max(steps, 1)
    if found:
        at = (chorale, found.step, known, found.known_step, list(voices))
        assert common(*at) == found.steps


def common(a, i, b, j, voices):
    """The number of equal steps from ``i`` and from ``j`` on."""
    steps = 0
    while i + steps < len(a) and j + steps < len(b):
        part, other = (
            (c.pitch[k : k + steps + 1, voices], c.onset[k + 1 : k + steps + 1, voices])
            for c, k in ((a, i), (b, j))
        )
        sounding = part[0] != REST
        if not sounding.any(axis=1).all() or not np.array_equal(sounding, other[0] != REST):
            break
        shift = (other[0].astype(int) - part[0])[sounding]
        if np.ptp(shift) or not np.array_equal(part[1], other[1]):
            break
        steps += 1
    return steps


@pytest.fixture(scope="module")
def bach():
    return load.load()


def test_held_out_bach_shares_few_beats_with_the_train_side(bach):
    index = Index(bach.side("train"))
    valid = [index.longest(chorale) for chorale in bach.side("valid")]
    assert np.median([passage.beats for passage in valid]) == 4
    assert max(passage.beats for passage in valid) == 5
    assert index.longest(bach.side("train")[7]).steps == len(bach.side("train")[7])


def test_the_split_keeps_tunes_apart(bach):
    index = Index(bach.side("train"), ONLY_SOPRANO)
    held_out = [index.longest(chorale).beats for chorale in bach.side("valid")]
    assert np.median(held_out) == 8.25
    assert max(held_out) == 13
