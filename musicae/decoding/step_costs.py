"""What the symbols of a step cost: rules, plan, given chords and an ensemble together.

Where a given chord begins, each symbol also costs what the voices that are chosen after it must pay
at least: all of them have to find their members beside it.

Axes: ``N`` candidates, ``M`` rows, each of one candidate, ``V`` voices, ``S`` symbols of one voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Floats, Ints
from musicae.decoding.constraints import RuleCosts, moves
from musicae.decoding.ensemble_costs import EnsembleCosts
from musicae.decoding.given_chords import GivenCosts
from musicae.decoding.plan_costs import PlanCosts

TRIED = 8
"""The cheapest symbols of a voice whose consequences are weighed; others count as the worst of
them."""


class _Rows(NamedTuple):
    """Candidates, some of them several times with different notes."""

    before: Ints
    """``(M, V)`` the pitches of the step before, ``REST`` where nothing sounds."""
    now: Ints
    """``(M, V)`` the pitches of this step that are known or chosen, else ``REST``."""
    candidate: Ints
    """``(M,)``."""


@dataclass(frozen=True, eq=False)
class StepCosts:
    """The costs of ``N`` candidates, in nats."""

    rules: RuleCosts
    fifths: Ints
    """``(N,)`` the key signatures."""
    plan: PlanCosts | None = None
    given: GivenCosts | None = None
    ensemble: EnsembleCosts | None = None
    known: dict[tuple[int, bytes], Floats] = field(default_factory=dict)
    """The costs of the rules by the voice and by its notes, those of the others and the key."""

    def costs(
        self, voice: int, step: int, before: Ints, now: Ints, waiting: Sequence[int]
    ) -> Floats:
        """``(N, S)`` what each symbol of a voice costs at a step.

        Args:
            before: ``(N, V)`` the pitches of the step before, ``REST`` where nothing sounds.
            now: ``(N, V)`` the pitches of this step that are known or chosen, else ``REST``.
            waiting: the voices of this step that are chosen after this one, in order.
        """
        rows = _Rows(before, now, np.arange(len(now)))
        cost = self._own(step, [voice, *waiting], rows)
        if self.given and waiting and self.given.begins(step):
            tried = np.argsort(cost, axis=1, kind="stable")[:, :TRIED]
            ahead = self._ahead(step, [voice, *waiting], rows, tried)
            later = np.repeat(ahead.max(axis=1, keepdims=True), cost.shape[1], axis=1)
            np.put_along_axis(later, tried, ahead, axis=1)
            cost = cost + later
        return cost

    def _own(self, step: int, voices: Sequence[int], rows: _Rows) -> Floats:
        """``(M, S)`` what each symbol of the first voice costs by itself; the others wait."""
        voice, *waiting = voices
        before, now, candidate = rows
        last = not waiting
        cost = self._rules(voice, rows)
        if self.ensemble:
            chords = self.plan.at(step, candidate) if self.plan else None
            cost = cost + self.ensemble.costs(voice, before, now, chords, last_voice=last)
        if self.plan:
            cost = cost + self.plan.costs(voice, step, before, now, last_voice=last, rows=candidate)
        if self.given:
            cost = cost + self.given.costs(voice, step, before, now, waiting)
        return cost

    def _rules(self, voice: int, rows: _Rows) -> Floats:
        """``(M, S)`` the costs of the rules; those of the same notes are computed once."""
        before, now, candidate = rows
        fifths = self.fifths[candidate]
        notes = np.concatenate([before, now, fifths[:, None]], axis=1)
        keys = [(voice, row.tobytes()) for row in notes]
        new = [i for i, key in enumerate(keys) if key not in self.known]
        if new:
            absent = self.ensemble.limits.absent if self.ensemble else ()
            found = self.rules.costs(voice, before[new], now[new], fifths[new], absent)
            self.known.update(zip([keys[i] for i in new], found, strict=True))
        return np.array([self.known[key] for key in keys])

    def _ahead(self, step: int, voices: Sequence[int], rows: _Rows, symbols: Ints) -> Floats:
        """``(M, K)`` the least that the others pay after each symbol ``(M, K)`` of the first."""
        voice, *waiting = voices
        each = [np.repeat(part, symbols.shape[1], axis=0) for part in rows]  # (M * K, ...)
        after = _Rows(*each)
        pitch = moves(voice).motion.pitch[rows.before[:, voice]]  # (M, S)
        after.now[:, voice] = np.take_along_axis(pitch, symbols, axis=1).ravel()
        cost = self._own(step, waiting, after)  # (M * K, S)
        if len(waiting) > 1:
            tried = np.argsort(cost, axis=1, kind="stable")[:, :TRIED]
            cost = np.take_along_axis(cost, tried, axis=1)
            cost = cost + self._ahead(step, waiting, after, tried)
        least: Floats = cost.min(axis=1).reshape(symbols.shape)
        return least
