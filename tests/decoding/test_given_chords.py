"""Given chords: the planner takes the nearest; symbols that make one incomplete are forbidden."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import BASS, N_VOICES, REST, VOICE_RANGES
from musicae.core.key import Key
from musicae.decoding.constraints import PRESETS, moves
from musicae.decoding.given_chords import FOREIGN, GivenCosts, give_chords, incomplete
from musicae.decoding.plan_constraints import Wish
from musicae.decoding.step_costs import Rows, StepCosts
from musicae.theory.chord_symbols import read_symbol
from musicae.theory.given_chords import GivenChord, fitted
from musicae.theory.harmonic_plan import PlannedChord, beats_of
from musicae.theory.numerals import QUALITIES
from tests.support.passages import passage

C = Key(0)
STATES = [
    PlannedChord(root, quality, bass)
    for root in range(12)
    for quality in QUALITIES
    for bass in range(len(QUALITIES[quality].members))
]
ORDER = (0, BASS, 2, 1)
"""Voices in the order in which they are chosen."""


def chord(name: str, start: int = 0, length: int = 16, sung: int | None = None) -> GivenChord:
    symbol = read_symbol(name)
    known = set() if sung is None else {sung % 12}
    needed, _ = fitted(symbol, known, 2 if known else 3, symbol.bass)
    return GivenChord(start, length, symbol.classes, needed, symbol.bass, symbol.root, name)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("G7/B", {"G7/B"}),
        ("C9", {"C7"}),
        ("Cmaj9/E", {"Cmaj7/E"}),
        ("C6", {"C"}),
        ("Csus4", {"C", "Cm"}),
        ("C5", {"C", "Cm"}),
        ("C/D", {"C"}),
        ("F#m7b5/A", {"F#ø7/A"}),
        ("Dm11", {"Dm7"}),
    ],
)
def test_the_planner_takes_the_nearest_chords(name: str, nearest: set[str]) -> None:
    music = Chorale.from_notes([[(0, 16, 67)]])
    wish = Wish(music, C, beats_of(music), STATES)
    give_chords(wish, [chord(name, 4, 8)], np.zeros((16, N_VOICES), dtype=np.bool_))
    for beat in (1, 2):
        assert {STATES[i].symbol(C) for i in np.flatnonzero(wish.allowed[beat])} == nearest
    assert wish.allowed[0].all()
    assert wish.given == {1, 2} == wish.single


@given(
    name=st.sampled_from("C Dm7 G7/B F6 Bbmaj7 E7b9 Asus4 C/D F#dim7 Am9 G13 D5".split()),  # noqa: SIM905
    soprano=st.integers(*VOICE_RANGES[0]),
    before=st.tuples(*(st.integers(low, high) for low, high in VOICE_RANGES)),
    seed=st.integers(0, 99),
)
def test_the_chord_is_complete_whatever_the_model_prefers(
    name: str, soprano: int, before: tuple[int, ...], seed: int
) -> None:
    """Each voice takes the likeliest symbol of a random model; the melody may have a non-chord
    tone."""
    given_chord = chord(name, sung=soprano)
    weighed = StepCosts(
        PRESETS["bach"], np.zeros(1, dtype=int), tuple(ORDER), given=GivenCosts([given_chord])
    )
    was, now = np.array([before]), np.full((1, N_VOICES), REST)
    now[0, 0] = soprano
    random = np.random.default_rng(seed)
    for place, voice in enumerate(ORDER[1:], start=1):
        one, last = np.zeros(1, dtype=int), np.array([place == N_VOICES - 1])
        cost = weighed.costs(voice, Rows(one, one, was, now, last), np.ones((1, N_VOICES), bool))
        liked = 20 * random.random(cost.shape[1])
        now[0, voice] = moves(voice).motion.pitch[before[voice], int((cost[0] + liked).argmin())]
    music = Chorale.from_notes([[(0, 16, pitch)] for pitch in now[0].tolist()])
    assert incomplete(music, [given_chord]) == []
    assert {pitch % 12 for pitch in now[0, 1:BASS].tolist()} <= set(given_chord.members)


def test_steps_without_a_new_chord_are_free() -> None:
    costs = GivenCosts([chord("C", 4, 8)])
    now = np.full((1, N_VOICES), REST)
    assert costs.costs(1, 0, now, now, []) == 0.0
    assert costs.costs(1, 8, now, now, []) == 0.0
    at_start = costs.costs(BASS, 4, now, now, [2, 1])
    assert np.min(at_start) == 0.0
    assert np.max(at_start) >= FOREIGN


def test_a_chord_without_a_member_or_over_another_bass_is_incomplete() -> None:
    music = passage("""
        S  G4 G4 G4
        A  E4 E4 E4
        T  C4 G3 C4
        B  C3 C3 E3
    """)
    chords = [chord(name, 4 * i, 4) for i, name in enumerate(("C", "C7", "C"))]
    assert incomplete(music, chords) == chords[1:]
