"""The cost of a symbol before it is chosen equals the violations that ``theory`` finds later."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST, VOICE_RANGES
from musicae.decoding.constraints import FORBIDDEN, OFF, PRESETS, STRICT, RuleCosts, RuleTable
from musicae.encoding.tokens import VOCABULARY
from musicae.models.vocabulary import FIRST_PITCH, HOLD, SILENCE
from musicae.theory.voice_leading.rules import RULES
from musicae.theory.voice_leading.short_rests import without_short_rests
from musicae.training.config import OUTER_FIRST
from tests.support.passages import passage
from tests.support.strategies import chorales

FAMILIES = {
    "parallel": (
        "parallel fifths",
        "parallel octaves",
        "parallel unisons",
        "contrary fifths",
        "contrary octaves",
    ),
    "direct": ("direct fifths", "direct octaves"),
    "crossing": ("voice crossing",),
    "overlap": ("voice overlap",),
    "spacing": ("spacing",),
    "leap": ("leap of a seventh", "leap beyond an octave"),
}
"""The rules of ``theory`` that each cost stands for."""
OF_MOTION = ["parallel", "direct", "leap"]
"""Rules about the motion of voices, which a rest interrupts. The others are about one chord."""


def symbol(voice, pitch):
    return SILENCE if pitch == REST else FIRST_PITCH + pitch - VOICE_RANGES[voice][0]


def charged(rule, before, now, order=OUTER_FIRST):
    """The cost of ``now`` after ``before`` by voice if a rule costs 1. ``order``: of choosing
    voices."""
    rules, chosen, costs = RuleCosts(**{rule: 1.0}), np.full((1, N_VOICES), REST), {}
    for voice in order:
        of_symbols = RuleTable(rules).costs(voice, np.array([before]), chosen)[0]
        costs[voice] = of_symbols[symbol(voice, now[voice])]
        chosen[0, voice] = now[voice]
    return costs


def reported(rule, before, now, order=OUTER_FIRST):
    """By voice, how often ``theory`` finds the rule broken with voices earlier in ``order``."""
    piece = Chorale.from_notes(
        [
            [(4 * i, 4, int(chord[v])) for i, chord in enumerate((before, now)) if chord[v] != REST]
            for v in range(N_VOICES)
        ],
        steps=8,
    )
    counts = dict.fromkeys(order, 0)
    for name in FAMILIES[rule]:
        for violation in RULES[name](piece):
            if violation.step == 4:
                counts[max(violation.voices, key=order.index)] += 1
    return counts


OPEN = [[p for p in range(low, high + 1) if p % 12 in (0, 2, 7, 9)] for low, high in VOICE_RANGES]


@st.composite
def progressions(draw, rests_before=False, rests_after=False):
    """Two chords, often with fifths and octaves, and with voices that move together."""
    common = draw(st.sampled_from([-2, 2, 5, -5, 12]))
    steps = st.sampled_from([common, common, common, -common, common - 12, 0, 1, -10, 14])
    before = draw(st.tuples(*map(st.sampled_from, OPEN)))
    moves = draw(st.tuples(*[steps] * N_VOICES))
    now = [
        min(max(own + step, low), high)
        for own, step, (low, high) in zip(before, moves, VOICE_RANGES, strict=True)
    ]
    resting = st.sets(st.integers(0, N_VOICES - 1), max_size=2)
    rests = [draw(resting) if wanted else set() for wanted in (rests_before, rests_after)]
    before, now = (
        tuple(REST if v in silent else pitch for v, pitch in enumerate(chord))
        for chord, silent in zip((before, now), rests, strict=True)
    )
    return before, now


# Agreement with theory


@pytest.mark.parametrize("rule", FAMILIES)
@settings(max_examples=100)
@given(progressions(rests_after=True), st.permutations(range(N_VOICES)))
def test_each_violation_is_charged_to_the_voice_that_completes_it(rule, chords, order):
    for turns in (OUTER_FIRST, tuple(order)):
        assert charged(rule, *chords, turns) == reported(rule, *chords, turns)


@pytest.mark.parametrize("rule", ["parallel", "direct"])
def test_costs_equal_the_rules_for_every_motion_of_the_outer_voices(rule):
    found = 0
    for soprano, bass in product(range(-8, 9), repeat=2):
        before, now = (72, REST, REST, 52), (72 + soprano, REST, REST, 52 + bass)
        costs = charged(rule, before, now)
        assert costs == reported(rule, before, now), (soprano, bass)
        found += sum(costs.values())
    # Motion from a tenth makes no parallels; it reaches an octave or a fifth in many ways.
    assert (found > 0) == (rule == "direct")


@pytest.mark.parametrize("rule", OF_MOTION)
@settings(max_examples=20)
@given(progressions(rests_before=True, rests_after=True))
def test_motion_into_or_out_of_a_rest_costs_nothing(rule, chords):
    assert charged(rule, *chords) == reported(rule, *chords)


@pytest.mark.parametrize("rule", OF_MOTION)
@settings(max_examples=15)
@given(chorales())
def test_over_a_piece_without_fermatas_the_charges_are_the_violations(rule, chorale):
    # Costs ignore motion across short rests, which the rules for whole pieces include.
    piece = replace(without_short_rests(chorale), fermatas=())
    rows = [(REST,) * N_VOICES, *map(tuple, piece.pitch.tolist())]
    total = sum(
        sum(charged(rule, before, now).values()) for before, now in pairwise(rows) if before != now
    )
    assert total == sum(len(RULES[name](piece)) for name in FAMILIES[rule])


@settings(max_examples=20)
@given(progressions())
def test_holding_a_note_costs_what_repeating_it_does_and_silence_what_a_rest_does(chords):
    before, now = (np.array([chord]) for chord in chords)
    for voice in range(N_VOICES):
        others = np.where(np.arange(N_VOICES) == voice, REST, now)
        costs = RuleTable(STRICT).costs(voice, before, others)[0]
        assert costs.shape == (VOCABULARY[voice],)
        assert costs[HOLD] == costs[symbol(voice, before[0, voice])]
        assert costs[SILENCE] == STRICT.rest > 0


def test_a_rest_in_a_silent_chord_costs_nothing():
    before = np.array([[72, 67, 64, 48]])
    assert RuleTable(STRICT).costs(1, before, np.full((1, N_VOICES), REST))[0, SILENCE] == 0


@settings(max_examples=20)
@given(st.lists(progressions(rests_before=True, rests_after=True), min_size=2, max_size=4))
def test_each_candidate_of_a_batch_costs_what_it_costs_alone(chords):
    before, now = (np.array(each) for each in zip(*chords, strict=True))
    now[:, 1] = REST
    together = RuleTable(STRICT).costs(1, before, now)
    alone = [RuleTable(STRICT).costs(1, before[[i]], now[[i]])[0] for i in range(len(now))]
    assert np.array_equal(together, alone)


@settings(max_examples=20)
@given(progressions(rests_before=True), st.lists(st.floats(0, 9), min_size=6, max_size=6))
def test_the_cost_of_a_choice_is_the_sum_of_its_rules_costs(chords, prices):
    before, now = (np.array([chord]) for chord in chords)
    now[0, 2] = REST
    whole = RuleTable(RuleCosts(*prices)).costs(2, before, now)
    parts = [
        price * RuleTable(RuleCosts(**{rule: 1.0})).costs(2, before, now)
        for rule, price in zip(FAMILIES, prices, strict=True)
    ]
    assert whole == pytest.approx(sum(parts))


# Passages


def chords_of(grid):
    pitch = passage(grid).pitch
    return tuple(pitch[0].tolist()), tuple(pitch[4].tolist())


@pytest.mark.parametrize(
    ("rule", "voice", "grid"),
    [
        ("parallel", 2, "S C5 B4\nA A4 G4\nT C4 D4\nB F3 G3"),
        ("parallel", 3, "S C5 D5\nA G4 F4\nT E4 A3\nB C3 D3"),
        ("direct", 3, "S A4 D5\nA F4 D4\nT C4 B3\nB F3 G3"),
        ("crossing", 1, "S C5 C5\nA E4 C4\nT C4 F4\nB C3 A3"),
        ("overlap", 1, "S E4 A4\nA C4 G4\nT A3 A3\nB A2 F2"),
        ("spacing", 1, "S E5 D5\nA G4 B3\nT G3 G3\nB C3 G2"),
        ("leap", 0, "S B4 C4\nA G4 C4\nT D4 C4\nB G3 A3"),
    ],
)
def test_the_voice_that_completes_a_violation_pays_for_it(rule, voice, grid):
    costs = charged(rule, *chords_of(grid))
    assert {v for v, cost in costs.items() if cost} == {voice}


def test_without_rules_nothing_costs_anything():
    before, now = (np.array([chord]) for chord in chords_of("S C5 D5\nA F4 G4\nT C4 D4\nB F3 G3"))
    assert not RuleTable(OFF).costs(1, before, now).any()
    assert PRESETS["off"] == OFF
    assert (RuleTable(STRICT).costs(1, before, now) >= 0).all()
    assert set(RuleTable(STRICT).costs(3, before, np.array([[74, REST, REST, REST]]))[0]) >= {
        0,
        FORBIDDEN,
    }


def test_motion_across_a_fermata_is_charged_although_no_rule_reports_it():
    """The melody's fermatas are known beforehand, but costs depend only on two consecutive steps.
    If ``theory`` begins a new phrase between them, the costs are stricter."""
    piece = passage("S  G4^ A4\nA  E4  F4\nT  C4  D4\nB  C3  D3")
    assert not any(RULES[name](piece) for name in FAMILIES["parallel"])
    assert sum(charged("parallel", *map(tuple, piece.pitch[[0, 4]].tolist())).values()) == 3


@pytest.mark.parametrize(
    ("rule", "chord"), [("crossing", (67, 72, 55, 48)), ("spacing", (76, 60, 55, 48))]
)
def test_the_first_chord_of_a_piece_is_charged(rule, chord):
    silence = (REST,) * N_VOICES
    assert sum(reported(rule, silence, chord).values()) == 1
    assert charged(rule, silence, chord) == reported(rule, silence, chord)


@pytest.mark.parametrize(("rule", "note"), [("crossing", "D5"), ("spacing", "G3")])
def test_a_voice_that_enters_after_a_rest_is_charged(rule, note):
    before, now = chords_of(f"S B4 B4\nA .. {note}\nT F3 F3\nB C3 C3")
    assert sum(reported(rule, before, now).values()) == 1
    assert charged(rule, before, now) == reported(rule, before, now)


def test_a_voice_that_enters_after_a_rest_does_not_overlap():
    before, now = chords_of("S C5 C5\nA G3 C4\nT .. B3\nB C3 C3")
    assert not any(reported("overlap", before, now).values())
    assert not any(charged("overlap", before, now).values())
