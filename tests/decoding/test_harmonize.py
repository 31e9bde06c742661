"""The voices that the shipped weights write follow the plan."""

import numpy as np
import pytest

import musicae
from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.io.formats import read
from musicae.theory.plan_reading import plan_of
from tests.support.passages import midi
from tests.support.paths import MELODIES, ROOT

WHOLE = ROOT / "data" / "results" / "old_hundredth.mid"


def tune(names, length=4, **facts):
    notes = [(length * i, length, midi(name)) for i, name in enumerate(names.split())]
    return Chorale.from_notes([notes], **facts)


def test_second_chords_of_a_plan_are_sung():
    found = []
    for seed in range(3):
        for piece in musicae.harmonize(MELODIES / "swing_low.mid", 2, seed=seed):
            tonic = piece.plan.key.tonic
            for second in filter(None, piece.plan.seconds):
                degrees = set(
                    ((piece.chorale.pitch[second.step].astype(int) - tonic) % 12).tolist()
                )
                assert second.chord.root in degrees
                assert degrees <= set(second.chord.members)
                found.append(second)
    assert found


def test_drafts_of_one_plan_differ_by_the_seed_and_not_by_chance():
    melody = tune("G4 A4 B4 C5 D5 C5 B4 A4 G4 F4 E4 D4 E4 F4 D4 C4")
    once, again, other = (musicae.harmonize(melody, seed=seed)[0] for seed in (1, 1, 2))
    assert once.chorale == again.chorale
    assert once.plan == again.plan
    assert once.plan.chords == other.plan.chords
    assert once.chorale != other.chorale


def test_bars_around_those_that_are_recomposed_keep_their_chords_in_the_plan():
    given = read(WHOLE)
    (piece,) = musicae.harmonize(WHOLE, bars="3-4")
    sung = plan_of(given, piece.plan.key)
    outside = [i for i, beat in enumerate(sung.beats) if beat.bar not in (2, 3, 4)]
    same = [piece.plan.chords[i].root == sung.chords[i].root for i in outside]
    assert np.mean(same) > 0.9
    assert (
        piece.chorale.pitch[: sung.beats[0].length] == given.pitch[: sung.beats[0].length]
    ).all()


@pytest.mark.parametrize("key", ["D dorian", "D minor"])
def test_a_dorian_tune_keeps_its_sixth_if_the_key_is_found_or_requested(key):
    melody = tune("D4 D4 A4 A4 B4 C5 A4 G4 F4 E4 D4 F4 G4 A4 B4 A4 G4 E4 C4 E4 D4 D4")
    (heard,) = musicae.harmonize(melody)
    assert heard.provenance["key"] == "D dorian"
    (piece,) = musicae.harmonize(melody, key=key)
    flat_sixth = Key.parse("D minor").tonic + 8
    chords = [{(member + 2) % 12 for member in chord.members} for chord in piece.plan.chords]
    if key == "D dorian":
        assert not any(flat_sixth % 12 in members for members in chords)
    assert piece.plan.numerals()[-1] in {"i", "I"}


def test_a_piece_from_nothing_follows_a_plan_that_is_drawn():
    first, second = musicae.generate(2, model="harmonizer", bars=4, key="G minor", seed=3)
    assert first.plan.chords != second.plan.chords
    for piece in (first, second):
        assert piece.provenance["plan"] == str(piece.plan)
        assert piece.plan.chords[-1].root == 0
        assert len({chord.root for chord in piece.plan.chords}) > 2
