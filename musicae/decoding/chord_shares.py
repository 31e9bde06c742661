"""The probability of each chord in a span of a plan. The chords outside the span are fixed.

Axes: ``B`` beats, ``S`` states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from musicae.core.arrays import Bools
from musicae.decoding.harmonize import problem_of
from musicae.decoding.plan import Chain, Kept, best_path, marginals
from musicae.decoding.planner import PlanProblem
from musicae.encoding.partial_score import PartialScore
from musicae.models.checkpoint import Checkpoint
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord


def shares_of_span(
    planner: Checkpoint, partial: PartialScore, plan: HarmonicPlan, span: range
) -> dict[PlannedChord, float]:
    """The probability, 0 to 1, of each chord that could sound in all of ``span``, in steps.

    The probabilities are conditional on the known notes of the partial score, on the chords of
    ``plan`` outside the span, and on one chord that stays in all beats that begin in the span. If
    the span lies inside one beat, they are those of the beat's second chord. Given chords and the
    usual constraints on the ends of pieces and phrases are ignored, for a musician asks which other
    chords are possible.

    The chord that the plan has at the span's start is always included. It is the only one if all
    voices are known in the span.
    """
    present = plan.chord_at(span.start)
    if present is not None and partial.known[span.start : span.stop].all():
        return {present: 1.0}
    problem = problem_of(planner, replace(partial, given=()), by_construction=False)
    wish, chords = problem.wish, problem.wish.chords
    beats = [i for i, beat in enumerate(wish.beats) if beat.start in span]
    allowed = wish.allowed.copy()
    for beat, chord in enumerate(plan.chords):
        if beat not in beats and chord is not None:
            allowed[beat] = _states_of(chord, problem)
    chain = problem.chain.constrained(allowed, wish.moves)
    if beats:
        row = marginals(_staying(chain, beats))[beats[0]]
    else:
        row = problem.second_shares(best_path(chain))[_beat_at(plan, span.start)]
    found = {
        chord: share for chord, share in zip(chords, row.tolist(), strict=True) if chord is not None
    }
    return found if present is None else {present: 0.0} | found


def _staying(chain: Chain, beats: Sequence[int]) -> Chain:
    """The chain in which successive ``beats`` are merged into one, because their state stays.

    It is computed in double precision. A state that is likely over many beats can be very unlikely
    in each of them.
    """
    first, last = beats[0], beats[-1]
    unary, pair = chain.unary.astype(np.float64), np.array(chain.pair[:], dtype=np.float64)
    for beat, added in chain.moves.items():
        pair[beat] += added
    one = unary[first : last + 1].sum(axis=0) + np.einsum("bss->s", pair[first:last])
    return Chain(
        np.concatenate([unary[:first], one[None], unary[last + 1 :]]),
        Kept(np.concatenate([pair[:first], pair[last:]])),
    )


def _states_of(chord: PlannedChord, problem: PlanProblem) -> Bools:
    """``(S,)`` the state of a chord. If the chord has no state: all states with its root."""
    exact = np.array([state == chord for state in problem.wish.chords])
    return exact if exact.any() else problem.wish.states(roots=(chord.root,))


def _beat_at(plan: HarmonicPlan, step: int) -> int:
    """The index of the beat at a step."""
    return max(i for i, beat in enumerate(plan.beats) if beat.start <= step)
