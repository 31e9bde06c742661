"""Chorale -> array -> Chorale, and what the symbols mean."""

import numpy as np
import pytest
from hypothesis import given

from musicae.core.chorale import Chorale
from musicae.core.constants import VOICE_RANGES
from musicae.core.errors import ChoraleError
from musicae.encoding.tokens import (
    VOCABULARY,
    chorale_to_tokens,
    flatten,
    one_hot,
    tokens_to_chorale,
    unflatten,
    window,
)
from musicae.models.vocabulary import FIRST_PITCH, HOLD, SILENCE
from tests.support.strategies import chorales, differences


@given(chorales())
def test_tokens_give_back_the_chorale(chorale):
    assert not differences(chorale, tokens_to_chorale(chorale_to_tokens(chorale), chorale))


@given(chorales())
def test_one_hot_and_flat_vectors_give_back_the_tokens(chorale):
    tokens = chorale_to_tokens(chorale)
    roll = one_hot(tokens)
    assert roll.shape == (len(chorale), sum(VOCABULARY))
    assert (roll.sum(axis=1) == 4).all()
    ends = np.cumsum(VOCABULARY)[:-1]
    by_voice = [part.argmax(-1) for part in np.split(roll, ends, axis=-1)]
    assert np.array_equal(np.stack(by_voice, axis=-1), tokens)
    flat = flatten(tokens, (1, 2, 3))
    parts = [part.argmax(-1) for part in unflatten(flat, (1, 2, 3))]
    assert np.array_equal(np.stack(parts, axis=-1), tokens[:, 1:])


def test_tokens_are_silence_hold_and_onsets_by_pitch():
    low = VOICE_RANGES[0][0]
    chorale = Chorale.from_notes([[(1, 2, low), (3, 1, low + 5)]], steps=5)
    assert chorale_to_tokens(chorale)[:, 0].tolist() == [
        SILENCE,
        FIRST_PITCH,
        HOLD,
        FIRST_PITCH + 5,
        SILENCE,
    ]


def test_vocabularies_span_the_ranges():
    assert VOCABULARY == (27, 24, 24, 31)
    for (low, high), size in zip(VOICE_RANGES, VOCABULARY, strict=True):
        assert FIRST_PITCH + high - low == size - 1


def test_notes_outside_the_range_are_refused_by_bar_and_beat():
    chorale = Chorale.from_notes([[(0, 16, 60), (16, 4, 60), (20, 4, 90)]])
    with pytest.raises(ChoraleError, match=r"bar 2, beat 2: F#6 is outside the soprano's range"):
        chorale_to_tokens(chorale)


def test_holding_silence_is_silence():
    tokens = np.array([[HOLD] * 4, [FIRST_PITCH] * 4, [HOLD] * 4, [SILENCE] * 4, [HOLD] * 4])
    chorale = tokens_to_chorale(tokens)
    assert np.array_equal(chorale.pitch[:, 0] >= 0, [False, True, True, False, False])
    assert np.array_equal(chorale.onset[:, 0], [False, True, False, False, False])


def test_windows_begin_held_notes_again_and_are_silent_beyond_the_piece():
    low = VOICE_RANGES[0][0]
    tokens = chorale_to_tokens(Chorale.from_notes([[(0, 6, low)]]))
    assert window(tokens, -2, 4)[:, 0].tolist() == [
        SILENCE,
        SILENCE,
        FIRST_PITCH,
        HOLD,
    ]
    assert window(tokens, 4, 4)[:, 0].tolist() == [FIRST_PITCH, HOLD, SILENCE, SILENCE]
    assert window(tokens, 6, 2)[:, 0].tolist() == [SILENCE, SILENCE]
    unbegun = np.full((4, 4), HOLD)
    assert window(unbegun, 2, 2)[:, 0].tolist() == [SILENCE, HOLD]
