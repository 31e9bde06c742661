"""The chords that fit in a place of a harmonization."""

import numpy as np
import pytest

import musicae
from musicae.api.harmonize import Task
from musicae.api.options import HarmonizeOptions
from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.theory.harmonic_plan import PlannedChord

BAR = 16
TUNE = (67, 69, 71, 72, 74, 72, 71, 69, 67, 71, 74, 72, 71, 69, 69, 67)
"""Four bars of quarters in G."""
MELODY = Chorale.from_notes([[(4 * i, 4, p) for i, p in enumerate(TUNE)]], key=Key(1))


@pytest.fixture(scope="module")
def live():
    return musicae.LiveHarmonizer(MELODY, key="G major")


def test_the_choices_of_each_chord(live):
    plan, step = live.piece.plan, 0
    while step < len(MELODY):
        found = live.choices(step)
        assert found.start == step
        chord = plan.chord_at(step)
        for inside in range(step, step + found.length):
            assert plan.chord_at(inside) == chord
            assert live.choices(inside) == found
        shares = [choice.probability for choice in found.choices]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1.001
        assert len(found.choices) <= 13
        (chosen,) = (choice for choice in found.choices if choice.chosen)
        local = plan.local[next(i for i, b in enumerate(plan.beats) if b.start >= step // 4 * 4)]
        own = chord.rebased(plan.key, local)
        assert (chosen.symbol, chosen.numeral) == (own.symbol(local), own.numeral(local))
        assert len({choice.symbol for choice in found.choices}) == len(found.choices)
        step += found.length


def test_the_likeliest_chords_have_the_notes_of_the_melody(live):
    likely = [
        (PlannedChord.parse(choice.symbol, Key(1)), choice.probability, found.start)
        for found in map(live.choices, range(0, len(MELODY), 4))
        for choice in found.choices[:3]
    ]
    fitting = sum(
        share for chord, share, start in likely if (TUNE[start // 4] - 7) % 12 in chord.members
    )
    assert fitting > 0.9 * sum(share for _, share, _ in likely)


def test_a_locked_bass_carries_the_chords(live):
    piece = live.piece
    task = Task.of(MELODY, HarmonizeOptions(key="G major"))
    locked = np.zeros(piece.chorale.pitch.shape, dtype=np.bool_)
    locked[:, 3] = True
    resumed = musicae.LiveHarmonizer.resume(task, piece.chorale, piece.plan, locked)
    found = resumed.choices(20)
    bass = int(piece.chorale.pitch[found.start, 3])
    for choice in found.choices:
        if choice.probability > 0.01:
            chord = PlannedChord.parse(choice.symbol, Key(1))
            assert (chord.bass_class + 7) % 12 == bass % 12


def test_no_other_chord_fits_if_all_voices_are_locked(live):
    piece = live.piece
    task = Task.of(MELODY, HarmonizeOptions(key="G major"))
    locked = np.ones(piece.chorale.pitch.shape, dtype=np.bool_)
    resumed = musicae.LiveHarmonizer.resume(task, piece.chorale, piece.plan, locked)
    (choice,) = resumed.choices(20).choices
    assert choice.chosen
    assert choice.probability == 1.0


def test_a_chord_that_is_chosen_sounds(live):
    piece = live.piece
    found = live.choices(20)
    other = next(choice for choice in found.choices if not choice.chosen)
    bar, beat = piece.chorale.position(found.start)
    words = ["?"] * (int(beat) - 1) + [other.symbol]
    words += ["?"] * (4 - len(words))
    task = Task.of(MELODY, HarmonizeOptions(key="G major", chords=f"{bar}: {' '.join(words)}"))
    resumed = musicae.LiveHarmonizer.resume(task, piece.chorale, piece.plan)
    (changed,) = resumed.rewrite((bar, bar))
    resumed.take(changed)
    (chosen,) = (choice for choice in resumed.choices(found.start).choices if choice.chosen)
    assert chosen.symbol == other.symbol


def test_a_second_chord_inside_a_beat():
    melody = Chorale.from_notes([[(4 * i, 4, p) for i, p in enumerate(TUNE)]], key=Key(1))
    live = musicae.LiveHarmonizer(melody, key="G major", chords="2: G:1.5 D7:0.5 Em:2")
    found = live.choices(BAR + 6)
    assert found.start == BAR + 6
    assert found.length == 2
    (chosen,) = (choice for choice in found.choices if choice.chosen)
    assert chosen.symbol == "D7"


def test_a_chord_that_stays_for_bars():
    melody = Chorale.from_notes([[(4 * i, 4, (67, 71, 74, 71)[i % 4]) for i in range(64)]])
    live = musicae.LiveHarmonizer(melody, key="G major", chords="G" + " | G" * 11)
    found = live.choices(100)
    assert found.start == 0
    assert found.length >= 12 * BAR
    assert found.choices[0] == ("G", "I", pytest.approx(1.0, abs=0.1), True)


def test_silence_has_no_choices_and_steps_outside_are_refused():
    live = musicae.LiveHarmonizer(MELODY, key="G major")
    live.replace("2-3", [])
    found = live.choices(20)
    assert found.choices == ()
    assert found.start <= 20 < found.start + found.length
    for step in (-1, 64):
        with pytest.raises(ChoraleError, match="is not in the piece"):
            live.choices(step)
