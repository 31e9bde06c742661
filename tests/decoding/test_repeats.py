"""Passages that return have the symbols of the earlier passage if these are possible."""

from dataclasses import replace

import numpy as np

from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding.repeats import Repeats
from musicae.encoding import forms
from musicae.theory.form import Return

FORM = replace(forms.empty(2, Meter(0, 4, 4), Key(0)), returns=(Return(16, 20, 0, (0,)),))
TOKENS = np.zeros((1, 32, 4), dtype=np.int64)
TOKENS[0, 0, 0] = 3


def forced(step, voice, cost):
    cost = np.array([cost])
    Repeats([FORM], 32).force(cost, voice, np.array([step]), np.array([0]), TOKENS)
    return cost[0]


def test_the_earlier_symbol_is_the_cheapest():
    assert forced(16, 0, [1.0, 2.0, 3.0, 9.0]).argmin() == 3


def test_other_steps_and_voices_are_free():
    for step, voice in ((15, 0), (20, 0), (16, 1)):
        assert forced(step, voice, [1.0, 2.0, 3.0, 9.0]).tolist() == [1.0, 2.0, 3.0, 9.0]


def test_a_symbol_that_is_impossible_does_not_come_again():
    assert forced(16, 0, [1.0, 2.0, 3.0, np.inf]).tolist() == [1.0, 2.0, 3.0, np.inf]
