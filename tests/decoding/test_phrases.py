"""The phrase segmenter: the ends of typed tunes, its probabilities, and any tunes."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.corpus import load
from musicae.decoding.phrases import marginals, phrase_ends
from musicae.encoding.melody_notes import feature_count, features, melody_notes
from musicae.theory.phrases import melody_of
from musicae.training.melody_data import voices_only
from tests.support.passages import EIGHTH, QUARTER, midi, passage
from tests.support.strategies import chorales

LINES = (
    "C4 C4 G4 G4 A4 A4 G4/8",
    "F4 F4 E4 E4 D4 D4 C4/8",
    "G4 G4 F4 F4 E4 E4 D4/8",
    "G4 G4 F4 F4 E4 E4 D4/8",
    "C4 C4 G4 G4 A4 A4 G4/8",
    "F4 F4 E4 E4 D4 D4 C4/8",
)


def song(lines, meter=(4, 4)):
    """A soprano from lines of notes ``name/steps``, and the steps at which the last notes begin."""
    notes, ends, step = [], [], 0
    for line in lines:
        for cell in line.split():
            name, _, steps = cell.partition("/")
            length = int(steps or 4)
            notes.append((step, length, midi(name)))
            step += length
        ends.append(notes[-1][0])
    return Chorale.from_notes([notes], meters=(Meter(0, *meter),)), tuple(ends)


def sung(melody, numerator=4, denominator=4, pickup=0, column=QUARTER):
    """A soprano typed on several lines, one column a note value; see ``passage``."""
    tune = passage(f"S {' '.join(melody.split())}", column=column)
    return replace(tune, meters=(Meter(0, numerator, denominator),), pickup=pickup)


OLD_HUNDREDTH = sung(
    """
    G4  G4 F#4 E4 D4  G4 A4 B4
    B4  B4 B4 A4 G4  C5 B4 A4
    G4  A4 B4 A4 G4  E4 F#4 G4
    D5  B4 G4 A4 C5  B4 A4 G4
    """,
    pickup=4,
)
AMAZING_GRACE = sung(
    """
    D4 --  G4 -- -- -- B4 G4  B4 -- -- -- A4 --  G4 -- -- -- E4 --  D4 -- -- --
    D4 --  G4 -- -- -- B4 G4  B4 -- -- -- A4 --  D5 -- -- -- -- --  -- -- -- --
    """,
    *(3, 4),
    pickup=4,
    column=EIGHTH,
)
IN_FIVES = sung(
    """
    C4 D4 E4 F4 --  G4 E4 D4 C4 --
    C4 D4 E4 F4 --  G4 E4 D4 C4 --
    """,
    *(5, 4),
)


def in_bars(chorale):
    """The ends as bars and beats."""
    return [chorale.position(step) for step in phrase_ends(chorale)]


def test_equal_notes_are_divided_by_the_bars():
    assert in_bars(OLD_HUNDREDTH) == [(2, 3), (4, 3), (6, 3), (8, 3)]


def test_a_tune_in_three_with_a_pickup():
    assert in_bars(AMAZING_GRACE) == [(4, 1), (7, 1)]


def test_a_tune_in_five():
    assert in_bars(IN_FIVES) == [(2, 4), (4, 4)]


def test_a_note_before_bars_of_rest_ends_a_phrase():
    twinkle, (*_, last) = song(LINES)
    notes = [tuple(note) for note in twinkle.notes(0)]
    gap = len(twinkle) + 5 * 16
    later = [(step + gap, duration, pitch) for step, duration, pitch in notes]
    assert {last, last + gap} <= set(phrase_ends(Chorale.from_notes([notes + later])))


def test_without_long_notes_few_ends_are_guessed():
    scales, _ = song(["C4 D4 E4 F4 G4 F4 E4 D4"] * 16)
    ends = phrase_ends(scales)
    assert len(ends) <= scales.bar_count // 2


def test_ends_are_those_of_the_highest_voice_that_sounds():
    lower = replace(
        OLD_HUNDREDTH,
        pitch=np.roll(OLD_HUNDREDTH.pitch, 1, axis=1),
        onset=np.roll(OLD_HUNDREDTH.onset, 1, axis=1),
    )
    assert phrase_ends(lower) == phrase_ends(OLD_HUNDREDTH)


@settings(max_examples=30)
@given(chorales())
def test_ends_are_notes_of_the_melody_in_order(chorale):
    onsets = [note.step for note in melody_of(chorale)]
    ends = phrase_ends(chorale, Key(0))
    assert list(ends) == sorted(set(ends) & set(onsets))
    assert list(ends[-1:]) == onsets[-1:]


@settings(max_examples=30)
@given(chorales(), st.integers(1, 3), st.integers(0, 40))
def test_silence_around_the_melody_changes_nothing(chorale, before, after):
    def shifted(steps, length):
        voices = [[(n.step + steps, n.duration, n.pitch) for n in chorale.notes(v)] for v in (0, 1)]
        return Chorale.from_notes(voices, steps=length, meters=(Meter(0, 3, 4),))

    here = shifted(0, len(chorale))
    later = shifted(12 * before, len(chorale) + 12 * before + after)
    moved = [step + 12 * before for step in phrase_ends(here, Key(0))]
    assert list(phrase_ends(later, Key(0))) == moved


def test_lines_of_two_bars_end_on_their_long_notes():
    twinkle, ends = song(LINES)
    assert phrase_ends(twinkle) == ends


def test_halved_values_give_the_same_ends():
    lines = [line.replace("/8", "/4").replace(" ", "/2 ").replace("/4/2", "/4") for line in LINES]
    twinkle, ends = song(lines, (2, 4))
    assert phrase_ends(twinkle) == ends


def test_each_note_has_a_probability_and_the_last_one_is_certain():
    twinkle, ends = song(LINES)
    steps, probabilities = marginals(twinkle, Key.parse("C major"))
    assert steps.tolist() == [note.step for note in twinkle.notes(0)]
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert probabilities[-1] == 1
    at_ends = np.isin(steps, ends)
    assert probabilities[at_ends].min() > probabilities[~at_ends].max()


def test_silence_has_no_phrases():
    assert phrase_ends(passage("S .. ..")) == ()


@pytest.mark.parametrize("names", ["C4", "C4/64", "C4 Db4 D4 Eb4 E4 F4 Gb4 G4 Ab4 A4 Bb4 B4"])
def test_any_tune_ends_with_its_last_note(names):
    tune, (last,) = song([names])
    assert phrase_ends(tune)[-1] == last


def test_bars_of_thirteen_beats_are_read():
    tune, ends = song(["C4 D4 E4 F4 G4 A4 G4 F4 E4 D4 E4 D4 C4"] * 3, (13, 4))
    assert phrase_ends(tune)[-1] == ends[-1]


@settings(max_examples=30)
@given(chorales(), st.integers(-11, 11))
def test_ends_move_with_the_music(chorale, semitones):
    here = marginals(chorale, Key(0))[1]
    there = marginals(chorale.transpose(semitones), Key(0).transpose(semitones))[1]
    assert np.allclose(here, there, atol=1e-4)


@settings(max_examples=30)
@given(chorales())
def test_every_feature_is_finite(chorale):
    read = features(melody_notes(chorale, Key(0)))
    assert read.shape[1] == feature_count()
    assert np.isfinite(read).all()
    assert np.abs(read).max(initial=0) <= 4


def test_a_thousand_bars_are_read_in_linear_time():
    long, ends = song(LINES * 84)
    assert long.bar_count > 1000
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # time in threads that wait for each other would count too
    try:
        began = time.process_time()
        found = phrase_ends(long)
        assert time.process_time() - began < 3
    finally:
        torch.set_num_threads(threads)
    assert len(set(found) & set(ends)) > 0.9 * len(ends)


def test_bach_s_fermatas_are_found_on_tunes_never_seen():
    found = marked = right = 0
    for chorale in load.load().side("valid"):
        last = chorale.notes(0)[-1].step
        ends = set(phrase_ends(voices_only(chorale, (0,)))) - {last}
        truth = set(chorale.fermatas) - {last}
        found, marked, right = found + len(ends), marked + len(truth), right + len(ends & truth)
    assert 2 * right / (found + marked) > 0.86
