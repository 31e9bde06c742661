"""Plans are right by construction, whatever a planner has learned: here it has learned nothing."""

import numpy as np
import pytest
import torch

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding.plan_constraints import (
    Wish,
    give_bass,
    give_chord,
    give_voices,
)
from musicae.decoding.planner import PlanProblem, plan_problem
from musicae.encoding.melody_features import COLUMNS, FEATURES, RELATIVE
from musicae.models.chord_planner import ChordPlanner, ChordPlannerConfig
from musicae.theory.harmonic_plan import PlannedChord
from musicae.theory.numerals import QUALITIES
from musicae.training.planner import OTHER, state_of

C, A_MINOR = Key(0), Key(0, "minor")
TUNE = (64, 62, 60, 62, 64, 64, 64, 62)


@pytest.fixture(scope="module")
def model() -> ChordPlanner:
    torch.manual_seed(0)
    chords = [
        PlannedChord(root, quality, bass)
        for root in range(12)
        for quality in QUALITIES
        for bass in range(len(QUALITIES[quality].members))
    ]
    states = (*(state_of(chord, "major") for chord in chords), OTHER)
    mode = COLUMNS["mode"].start
    sizes = {"width": 8, "tables": 2, "rank": 2}
    return ChordPlanner(ChordPlannerConfig(FEATURES, states, (mode, mode + 1), **sizes)).eval()


def tune(pitches: tuple[int, ...], **facts: object) -> Chorale:
    notes = [(4 * i, 4, pitch) for i, pitch in enumerate(pitches)]
    return Chorale.from_notes([notes], **facts)


def every_plan(problem: PlanProblem) -> list[list[str]]:
    random = np.random.default_rng(0)
    found = [problem.best(), problem.most_expected()]
    found += [*problem.alternatives(3), *problem.samples(3, random)]
    return [list(one.plan.numerals()) for one in found]


@pytest.mark.parametrize(
    ("last", "key", "ends"),
    [
        (60, C, {"I"}),
        (67, C, {"I"}),
        (62, C, {"V"}),
        (65, C, {"IV", "iv", "ii", "bVII", "II", "v"}),
        (69, A_MINOR, {"i", "I"}),
        (61, A_MINOR, {"I"}),
        (60, A_MINOR, {"i"}),
        (68, A_MINOR, {"V"}),
    ],
)
def test_a_piece_ends_on_the_tonic_or_on_what_the_last_note_allows(
    model: ChordPlanner, last: int, key: Key, ends: set[str]
) -> None:
    for numerals in every_plan(plan_problem(model, tune((*TUNE, last)), key)):
        assert numerals[-1] in ends or last == 65
        assert not numerals[-1].endswith(("6", "64"))


def test_the_first_bar_has_the_tonic(model: ChordPlanner) -> None:
    music = tune((*TUNE, 60), pickup=4, meters=(Meter(0, 4, 4),))
    for numerals in every_plan(plan_problem(model, music, C)):
        assert {"I", "I6", "I64"} & set(numerals[:5])


@pytest.mark.parametrize(
    ("cadence", "before", "after"),
    [
        ("half", None, {"V"}),
        ("authentic", {"V", "V6", "V64", "V7", "V65", "V43", "V42"}, {"I"}),
        ("plagal", {"IV", "IV6", "IV64", "iv", "iv6", "iv64"}, {"I"}),
        ("deceptive", {"V", "V6", "V64", "V7", "V65", "V43", "V42"}, {"vi"}),
    ],
)
def test_a_named_cadence_ends_its_phrase(
    model: ChordPlanner, cadence: str, before: set[str] | None, after: set[str]
) -> None:
    last = 62 if cadence == "half" else 60
    before_last = 60 if cadence == "plagal" else 67
    music = tune((64, 62, before_last, last, 64, 62, 62, 60))
    problem = plan_problem(model, music, C, (12,), cadences={12: cadence})
    numerals = problem.best().plan.numerals()
    assert not problem.wish.notices
    assert numerals[3] in after
    if before and cadence != "authentic":
        assert numerals[2] in before


def test_a_cadence_that_the_melody_forbids_is_named_with_its_bar(model: ChordPlanner) -> None:
    music = tune((64, 62, 60, 65, 64, 62, 62, 60))
    found = plan_problem(model, music, C, (12,), cadences={12: "half"}).best()
    assert found.notices == ("bar 1: no half cadence fits the melody",)
    with pytest.raises(ValueError, match="a cadence is one of"):
        plan_problem(model, music, C, (12,), cadences={12: "perfect"})


def test_given_chords_and_bass_are_kept(model: ChordPlanner) -> None:
    chord = PlannedChord.parse("V65/V", C)
    bass = [(4 * i, 4, pitch) for i, pitch in enumerate((48, 54, 55, 48))]
    music = Chorale.from_notes([[(0, 16, 60)], [], [], bass])

    def given(wish: Wish) -> None:
        give_bass(wish)
        give_chord(wish, 1, chord)

    plan = plan_problem(model, music, C, given=[given]).best().plan
    assert plan.chords[1] == chord
    assert [c.bass_class for c in plan.chords if c] == [0, 6, 7, 0]


def test_locked_voices_sing_members_of_the_chords(model: ChordPlanner) -> None:
    alto = [(4 * i, 4, pitch) for i, pitch in enumerate((57, 58, 56, 64))]
    music = Chorale.from_notes([[(0, 16, 60)], alto])
    problem = plan_problem(model, music, C, given=[lambda wish: give_voices(wish, (0, 1))])
    for chord, pitch in zip(problem.best().plan.chords, (57, 58, 56, 64), strict=True):
        assert chord is not None
        assert {0, pitch % 12} <= set(chord.members)


def test_one_note_and_silence_are_planned(model: ChordPlanner) -> None:
    for music in (tune((60,)), Chorale.from_notes([[]], steps=4)):
        assert len(plan_problem(model, music, C).best().plan) == 1


def test_minor_reads_its_states_from_the_relative_major(model: ChordPlanner) -> None:
    assert RELATIVE["minor"] == 9
    plan = plan_problem(model, tune((69, 64, 69)), A_MINOR).best().plan
    assert plan.chords[-1] in (PlannedChord(0, "minor"), PlannedChord(0, "major"))
