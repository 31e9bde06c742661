"""Constraints hold in every plan, whatever a planner has learned; this planner is untrained."""

import numpy as np
import pytest
import torch

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding.plan_constraints import (
    Wish,
    close,
    end_in_cadences,
    end_on_the_tonic,
    give_bass,
    give_sounding,
    give_voices,
    second_chords,
)
from musicae.decoding.planner import PlanProblem, plan_problem
from musicae.encoding.forms import regular
from musicae.encoding.melody_features import COLUMNS, FEATURES, RELATIVE
from musicae.models.checkpoint import Checkpoint
from musicae.models.chord_planner import ChordPlanner
from musicae.models.configs import ChordPlannerConfig
from musicae.models.torch_engine import live
from musicae.theory.harmonic_plan import PlannedChord, beats_of
from musicae.theory.numerals import QUALITIES
from musicae.training.planner import OTHER, state_of

C, A_MINOR = Key(0), Key(0, "minor")
TUNE = (64, 62, 60, 62, 64, 64, 64, 62)


@pytest.fixture(scope="module")
def model() -> Checkpoint:
    torch.manual_seed(0)
    chords = [
        PlannedChord(root, quality, bass)
        for root in range(12)
        for quality in QUALITIES
        for bass in range(len(QUALITIES[quality].members))
    ]
    states = (*(state_of(chord, "major") for chord in chords), OTHER)
    mode = COLUMNS["mode"].start
    sizes = {"width": 8, "tables": 2, "rank": 2, "second_width": 8}
    config = ChordPlannerConfig(FEATURES, states, (mode, mode + 1), **sizes)
    return live("planner", ChordPlanner(config))


def tune(pitches: tuple[int, ...], **facts: object) -> Chorale:
    notes = [(4 * i, 4, pitch) for i, pitch in enumerate(pitches)]
    return Chorale.from_notes([notes], **facts)


def every_plan(problem: PlanProblem) -> list[list[str]]:
    random = np.random.default_rng(0)
    found = [problem.best(), *problem.alternatives(3), *problem.samples(3, random)]
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
    model: Checkpoint, last: int, key: Key, ends: set[str]
) -> None:
    for numerals in every_plan(plan_problem(model, tune((*TUNE, last)), key)):
        assert numerals[-1] in ends or last == 65
        assert not numerals[-1].endswith(("6", "64"))


def test_unknown_steps_allow_any_chord_and_the_piece_closes_at_its_end() -> None:
    """Without ``known``, the silence after a tune counts as rests; the tune's last note closes."""
    states = tuple(PlannedChord(root, quality) for root in range(12) for quality in QUALITIES)
    begun = Chorale.from_notes([[(0, 4, 64), (4, 4, 62)]], steps=16)
    known = np.zeros((16, 4), dtype=bool)
    known[:8] = True
    tonic = [chord == PlannedChord(0) for chord in states]
    for mask, last in ((None, 1), (known, 3), (np.ones_like(known), 1)):
        wish = Wish(begun, C, beats_of(begun), states, known=mask)
        end_on_the_tonic(wish)
        close(wish)
        free = wish.allowed.all(axis=1)
        assert np.flatnonzero(~free).tolist() == [last]
        if last == 3:
            assert wish.allowed[3].tolist() == tonic
            assert sorted(wish.moves) == [0, 1, 2]
        else:
            assert not wish.allowed[1][tonic].any()  # the tonic has no second degree


def test_the_first_bar_has_the_tonic(model: Checkpoint) -> None:
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
    model: Checkpoint, cadence: str, before: set[str] | None, after: set[str]
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


def test_a_cadence_that_the_melody_forbids_is_named_with_its_bar(model: Checkpoint) -> None:
    music = tune((64, 62, 60, 65, 64, 62, 62, 60))
    found = plan_problem(model, music, C, (12,), cadences={12: "half"}).best()
    assert found.notices == ("bar 1: no half cadence fits the melody",)
    with pytest.raises(ValueError, match="there is no cadence"):
        plan_problem(model, music, C, (12,), cadences={12: "perfect"})


def test_a_given_bass_carries_the_chords(model: Checkpoint) -> None:
    bass = [(4 * i, 4, pitch) for i, pitch in enumerate((48, 54, 55, 48))]
    music = Chorale.from_notes([[(0, 16, 60)], [], [], bass])
    plan = plan_problem(model, music, C, given=[give_bass]).best().plan
    assert [c.bass_class for c in plan.chords if c] == [0, 6, 7, 0]


def test_locked_voices_sing_members_of_the_chords(model: Checkpoint) -> None:
    alto = [(4 * i, 4, pitch) for i, pitch in enumerate((57, 58, 56, 64))]
    music = Chorale.from_notes([[(0, 16, 60)], alto])
    problem = plan_problem(model, music, C, given=[lambda wish: give_voices(wish, (0, 1))])
    for chord, pitch in zip(problem.best().plan.chords, (57, 58, 56, 64), strict=True):
        assert chord is not None
        assert {0, pitch % 12} <= set(chord.members)


@pytest.mark.parametrize("key", [C, Key.parse("C minor")])
@pytest.mark.parametrize("last", [(62, 60), (60, 60), (67, 60), (65, 60, 60)])
def test_the_tonic_at_the_end_comes_from_a_chord_that_closes(
    model: Checkpoint, last: tuple[int, ...], key: Key
) -> None:
    problem = plan_problem(model, tune((*TUNE, *last)), key)
    for found in (problem.best(), *problem.alternatives(3)):
        *_, one, other, final = found.plan.chords
        assert final.root == 0
        for before, after in ((one, other), (other, final)):
            if after.root == 0 and after.quality in ("major", "minor"):
                assert before.root in (0, 2, 5, 7, 11)


@pytest.mark.parametrize(
    ("key", "contrary"), [("C dorian", 8), ("C phrygian", 2), ("C mixolydian", 11), ("C lydian", 5)]
)
def test_a_church_mode_keeps_its_degree(model: Checkpoint, key: str, contrary: int) -> None:
    asked = Key.parse(key)
    quiet = tune((60, 67, 60, 67, 60, 67, 60, 67, 60))
    problem = plan_problem(model, quiet, asked)
    for found in (problem.best(), *problem.alternatives(3)):
        assert not any(contrary in chord.members for chord in found.plan.chords)
    sung = tune((60, 67, 60 + contrary, 67, 60, 67, 60, 67, 60))
    problem = plan_problem(model, sung, asked)
    holding = problem.wish.holding({contrary})
    assert (problem.allowed[2] & holding).any()
    assert not (problem.allowed[[0, 1, 3, 4]] & holding).any()


def test_beats_whose_voices_are_all_known_keep_their_chords(model: Checkpoint) -> None:
    chords = [(72, 67, 64, 48), (74, 71, 67, 55), (72, 69, 65, 53), (71, 67, 62, 55)]
    voices = [[(4 * i, 4, chord[v]) for i, chord in enumerate(chords)] for v in range(4)]
    voices[0].append((16, 4, 72))
    chorale = Chorale.from_notes(voices)
    known = np.ones((len(chorale), 4), dtype=bool)
    known[16:, 1:] = False
    problem = plan_problem(model, chorale, C, given=[lambda wish: give_sounding(wish, known)])
    for found in (problem.best(), *problem.alternatives(2)):
        assert found.plan.numerals()[:4] == ("I", "V", "IV", "V")
        assert problem.with_seconds(found, np.random.default_rng(0)).plan.seconds[:4] == (None,) * 4


def test_the_usual_plan_ends_its_phrases_as_the_best_plan_does(model: Checkpoint) -> None:
    problem = plan_problem(model, tune((*TUNE, 65, 64, 62, 60)), C, (28, 44))
    best, (usual,) = problem.best(), problem.alternatives(1)
    for end in (7, 11):
        assert usual.plan.chords[end - 1 : end + 1] == best.plan.chords[end - 1 : end + 1]
    assert usual.log_likelihood <= best.log_likelihood + 1e-9


def test_plans_without_known_notes_are_drawn_and_end_on_the_tonic(model: Checkpoint) -> None:
    form = regular(4, Meter.parse("4/4"), C)
    problem = plan_problem(model, form.chorale, C, form.phrases)
    drawn = problem.samples(4, np.random.default_rng(0))
    assert len({found.plan.chords for found in drawn}) == 4
    for found in drawn:
        assert found.plan.numerals()[-1] == "I"
        assert {0} <= {chord.root for chord in found.plan.chords[:4]}


def test_a_bass_alone_carries_a_plan_that_ends_on_the_tonic(model: Checkpoint) -> None:
    low = [(4 * i, 4, pitch) for i, pitch in enumerate((48, 53, 55, 50, 55, 48))]
    music = Chorale.from_notes([[], [], [], low])
    found = plan_problem(model, music, C, given=[give_bass]).best()
    assert [chord.bass_class for chord in found.plan.chords] == [0, 5, 7, 2, 7, 0]
    assert found.plan.numerals()[-1] == "I"


def test_second_chords_hold_the_notes_that_sound_there_and_never_stand_at_ends(
    model: Checkpoint,
) -> None:
    notes = [(0, 2, 64), (2, 2, 65), (4, 4, 67), (8, 2, 65), (10, 2, 62), (12, 4, 60)]
    problem = plan_problem(model, Chorale.from_notes([notes]), C, (12,))
    random = np.random.default_rng(0)
    plain = problem.best()
    drawn = [problem.with_seconds(plain, random).plan for _ in range(40)]
    seen = [(i, s) for plan in drawn for i, s in enumerate(plan.seconds) if s]
    assert {i for i, _ in seen} == {0, 1, 2}
    late = {0: 5, 1: 7, 2: 2}
    for i, second in seen:
        assert second.step == 4 * i + 2
        assert late[i] in second.chord.members
        assert second.chord.root != plain.plan.chords[i].root
    assert all(plan.chords == plain.plan.chords for plan in drawn)


def test_the_likelihood_of_second_chords_is_that_of_one_softmax_a_beat(
    model: Checkpoint,
) -> None:
    problem = plan_problem(model, tune((*TUNE, 60)), C)
    plain = problem.best()
    possible = second_chords(problem.wish, np.array(plain.states))
    assert possible[:-1].sum(axis=1).min() > 2
    assert possible[-1].sum() == 1
    likeliest = problem.with_seconds(plain)
    drawn = [problem.with_seconds(plain, np.random.default_rng(i)) for i in range(20)]
    assert all(one.log_likelihood <= likeliest.log_likelihood + 1e-9 for one in drawn)
    assert likeliest.log_likelihood <= plain.log_likelihood


def test_one_note_and_silence_are_planned(model: Checkpoint) -> None:
    for music in (tune((60,)), Chorale.from_notes([[]], steps=4)):
        assert len(plan_problem(model, music, C).best().plan) == 1


def test_minor_reads_its_states_from_the_relative_major(model: Checkpoint) -> None:
    assert RELATIVE["minor"] == 9
    plan = plan_problem(model, tune((69, 64, 69)), A_MINOR).best().plan
    assert plan.chords[-1] in (PlannedChord(0, "minor"), PlannedChord(0, "major"))


def test_drawn_plans_reach_every_phrase_end_by_a_cadence(model: Checkpoint) -> None:
    form = regular(6, Meter.parse("4/4"), C)
    problem = plan_problem(model, form.chorale, C, form.phrases)
    end_in_cadences(problem.wish)
    leading = {"major", "dominant", "diminished", "half-diminished", "diminished-seventh"}
    for found in problem.samples(6, np.random.default_rng(0)):
        chords = found.plan.chords
        for first, _ in problem.wish.ends:
            before, after = chords[first - 1], chords[first]
            up = (after.root - before.root) % 12
            authentic = up in (1, 5) and before.quality in leading and before.root != 0
            deceptive = (before.root, after.root) == (7, 9)
            half = after.root == 7 and before.root != 7
            plagal = (before.root, after.root) == (5, 0)
            assert authentic or deceptive or half or plagal, (before, after)


def test_the_tonic_going_to_its_fourth_is_no_cadence(model: Checkpoint) -> None:
    form = regular(2, Meter.parse("4/4"), C)
    wish = plan_problem(model, form.chorale, C, (16,)).wish
    wish.moves.clear()
    wish.ends = [(4, 4)]
    end_in_cadences(wish)
    at = {chord: number for number, chord in enumerate(wish.chords)}
    tonic, fourth, dominant = PlannedChord(0), PlannedChord(5), PlannedChord(7)
    assert wish.moves[3][at[tonic], at[fourth]] < 0
    assert wish.moves[3][at[dominant], at[tonic]] == 0
    assert wish.moves[3][at[tonic], at[dominant]] == 0
