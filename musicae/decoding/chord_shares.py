"""How likely each chord is in a part of a plan of which the rest stands.

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
    """The probabilities, 0 to 1, of the chords that may stay in some steps.

    They are conditional on what is known in the partial score, on the chords of ``plan`` outside
    these steps, and on one chord that stays in all beats that begin in them. Steps inside one beat
    have its second chord. Chords that were given, and what musicae demands of the ends of pieces
    and phrases, bind nothing: a musician asks what else there is.

    The chord that the plan has there is always among them; where all voices are known it is alone.
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
    """The chain in which some beats, one after another, are one, as their state stays.

    In double precision: over many beats, what is likely in all may be very unlikely in each.
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
    """``(S,)`` the state of a chord; those with its root, where it has none."""
    exact = np.array([state == chord for state in problem.wish.chords])
    return exact if exact.any() else problem.wish.states(roots=(chord.root,))


def _beat_at(plan: HarmonicPlan, step: int) -> int:
    """The index of the beat at a step."""
    return max(i for i, beat in enumerate(plan.beats) if beat.start <= step)
