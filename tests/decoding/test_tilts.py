"""Tilts of motions, of sonorities and of plans: what they count and what they correct."""

import numpy as np
import pytest

from musicae.core.constants import N_VOICES
from musicae.core.key import Key
from musicae.decoding import motion_tilt, plan_tilt, sonority_tilt
from musicae.decoding.motion_tilt import MOTIONS, MotionTilt
from musicae.decoding.plan_tilt import PARTS, STAYS, plan_counts
from musicae.decoding.sonority_tilt import CLASSES, FEW, OTHER, SonorityTilt
from musicae.models.vocabulary import HOLD, SILENCE
from musicae.theory.harmonic_plan import PlannedChord
from tests.support.passages import passage

MUSIC = passage(
    "S C5 C5 D5 -- F5 ..\nA G4 -- -- -- -- --\nT E4 E4 G4 G4 G4 G4\nB C3 -- B2 C3 C3 C3",
    column=2,
)
SINCE_BEAT = np.arange(len(MUSIC)) % 4
ROW, STEP = np.array([0]), np.array([1])


def test_motions_are_counted_by_voice_and_place():
    counts = motion_tilt.motion_counts(MUSIC, SINCE_BEAT)
    soprano = dict(zip(MOTIONS, counts[0].sum(axis=0), strict=True))
    expected = {"hold": 6, "rest": 2, "repeat": 1, "step": 1, "third": 1, "leap": 0}
    assert soprano == expected
    assert counts[0, 0, MOTIONS.index("step")] == 1  # D5 on a beat
    assert counts[0, 1, MOTIONS.index("repeat")] == 1  # C5 on the half of a beat
    assert counts[1, :, MOTIONS.index("hold")].sum() == len(MUSIC) - 1


@pytest.mark.parametrize(
    ("name", "pitches"), [("repeat", [60]), ("step", [59, 62]), ("third", [63]), ("leap", [67])]
)
def test_a_tilt_of_a_motion_favours_the_symbols_that_make_it(name, pitches):
    tilt = np.zeros(motion_tilt.SHAPE)
    tilt[0, 1, MOTIONS.index(name)] = 0.7
    costs = MotionTilt(tilt, np.array([[0, 1]])).costs(0, STEP, np.full((1, N_VOICES), 60), ROW)[0]
    sounding = motion_tilt.moves(0).motion.pitch[60]
    fitting = np.isin(sounding, pitches)
    fitting[[HOLD, SILENCE]] = False
    assert fitting.any()
    assert (costs[fitting] == -0.7).all()
    assert costs[HOLD] == costs[SILENCE] == 0
    elsewhere = MotionTilt(tilt, np.array([[0, 0]])).costs(0, STEP, np.full((1, N_VOICES), 60), ROW)
    assert not elsewhere.any()


def test_sonorities_are_counted_where_they_begin():
    counts = sonority_tilt.sonority_counts(MUSIC, SINCE_BEAT)
    assert counts.sum() == 4  # steps 4, 6, 8, 10
    assert counts[0, CLASSES.index((0, 3, 7))] == 0
    assert counts[0, FEW] == 0
    assert counts[1, CLASSES.index((0, 5, 7))] == 1  # D, G, C over the second half


def test_a_tilt_of_sonorities_favours_the_note_that_completes_one():
    tilt = np.zeros(sonority_tilt.SHAPE)
    tilt[0, CLASSES.index((0, 4, 7))] = 0.5
    tilt[0, OTHER] = -0.5
    before = np.array([[72, 67, 62, 48]])
    now = np.array([[72, 67, -1, 48]])
    costs = SonorityTilt(tilt, np.array([[0]])).costs(2, ROW, before, now, ROW)[0]
    sounding = sonority_tilt.moves(2).motion.pitch[62]
    assert (costs[sounding == 64] == -0.5).all()
    assert (costs[sounding == 61] == 0.5).all()
    assert costs[HOLD] == 0  # nothing moves


def test_chords_and_motions_of_the_bass_are_counted():
    chords = [PlannedChord.parse(name, Key(0)) for name in ("I", "I", "V6", "I")]
    counts = plan_counts([*chords, None], "major")
    assert [counts[part].sum() for part in PARTS] == [4, 4, 0, 3]
    roots, motions = counts[PARTS[1]], counts[PARTS[3]]
    assert (roots[0], roots[7]) == (3, 1)
    assert (motions[STAYS], motions[11], motions[1]) == (1, 1, 1)
    assert len(counts) == plan_tilt.SIZE
