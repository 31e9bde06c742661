"""The costs of the symbols of a step: rules, plan, given chords and ensemble together.

When a given chord begins, the cost of a symbol includes the least cost of the voices that are
chosen after it, because all of them together must complete the chord.

Axes: ``N`` candidates, ``M`` rows, each of one candidate, ``V`` voices, ``S`` symbols of one voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Bools, Floats, Ints
from musicae.core.constants import N_VOICES
from musicae.decoding.constraints import RuleCosts, RuleTable, moves, rule_table
from musicae.decoding.ensemble_costs import EnsembleCosts
from musicae.decoding.given_chords import GivenCosts
from musicae.decoding.plan_costs import PlanCosts

TRIED = 8
"""The number of symbols of a voice, the cheapest ones, for which the costs of later voices are
computed. For all others the greatest of these costs is used."""


class Rows(NamedTuple):
    """Symbols to be chosen: each row is one voice of a candidate at a step.

    All rows are of the same voice. A candidate may have several rows.
    """

    candidate: Ints
    """``(M,)`` the candidate of each row."""
    steps: Ints
    """``(M,)`` the step of each row."""
    before: Ints
    """``(M, V)`` the pitches of the step before, ``REST`` for a silent voice."""
    now: Ints
    """``(M, V)`` the pitches of the step that are known or chosen, else ``REST``."""
    last: Bools
    """``(M,)`` whether no other voice of the step is still to be chosen."""

    def at(self, index: Ints) -> Rows:
        """The rows at ``index``."""
        candidate, steps, before, now, last = self
        return Rows(candidate[index], steps[index], before[index], now[index], last[index])


@dataclass(frozen=True, eq=False)
class StepCosts:
    """The costs of ``N`` candidates, in nats."""

    rules: RuleCosts
    fifths: Ints
    """``(N,)`` the key signatures: the number of sharps, or minus that of flats."""
    order: tuple[int, ...] = tuple(range(N_VOICES))
    """The order in which the voices of a step are chosen."""
    plan: PlanCosts | None = None
    given: GivenCosts | None = None
    ensemble: EnsembleCosts | None = None

    @cached_property
    def table(self) -> RuleTable:
        """The costs of the rules."""
        return rule_table(self.rules, self.ensemble.limits.absent if self.ensemble else ())

    def costs(self, voice: int, rows: Rows, waiting: Bools) -> Floats:
        """``(M, S)`` the cost of each symbol of a voice, in nats.

        ``waiting`` ``(T, V)`` says which voices of each step are not known.
        """
        cost = self._own(voice, rows)
        if not self.given:
            return cost
        for step in sorted(set(rows.steps.tolist())):
            if not self.given.begins(step):
                continue
            here = np.flatnonzero(rows.steps == step)
            after = [v for v in self.order[self.order.index(voice) + 1 :] if waiting[step, v]]
            cost[here] = self._with_given([voice, *after], rows.at(here))
        return cost

    def _own(self, voice: int, rows: Rows) -> Floats:
        """``(M, S)`` the cost of each symbol by rules, ensemble and plan."""
        candidate, steps, before, now, last = rows
        cost = self.table.costs(voice, before, now, self.fifths[candidate])
        if self.ensemble:
            chords = self.plan.at(steps, candidate) if self.plan else None
            cost = cost + self.ensemble.costs(voice, before, now, chords, last=last)
        if self.plan:
            cost = cost + self.plan.costs(voice, steps, before, now, last=last, rows=candidate)
        return cost

    def _with_given(self, voices: Sequence[int], rows: Rows) -> Floats:
        """``(M, S)`` the cost of each symbol of the first voice when a given chord begins, with the
        least cost of the other voices after it."""
        cost = self._of_chord(voices, rows)
        if len(voices) > 1:
            tried = np.argsort(cost, axis=1, kind="stable")[:, :TRIED]
            ahead = self._ahead(voices, rows, tried)
            later = np.repeat(ahead.max(axis=1, keepdims=True), cost.shape[1], axis=1)
            np.put_along_axis(later, tried, ahead, axis=1)
            cost = cost + later
        return cost

    def _of_chord(self, voices: Sequence[int], rows: Rows) -> Floats:
        """``(M, S)`` the cost of each symbol of the first voice alone, before the others are
        chosen."""
        assert self.given
        voice, *waiting = voices
        step = int(rows.steps[0])
        return self._own(voice, rows) + self.given.costs(
            voice, step, rows.before, rows.now, waiting
        )

    def _ahead(self, voices: Sequence[int], rows: Rows, symbols: Ints) -> Floats:
        """``(M, K)`` the least cost of the other voices after each of ``symbols`` ``(M, K)`` of the
        first voice."""
        voice, *waiting = voices
        each = rows.at(np.repeat(np.arange(len(rows.steps)), symbols.shape[1]))  # (M * K, ...)
        pitch = moves(voice).motion.pitch[rows.before[:, voice]]  # (M, S)
        each.now[:, voice] = np.take_along_axis(pitch, symbols, axis=1).ravel()
        after = each._replace(last=np.full(len(each.steps), len(waiting) == 1))
        cost = self._of_chord(waiting, after)  # (M * K, S)
        if len(waiting) > 1:
            tried = np.argsort(cost, axis=1, kind="stable")[:, :TRIED]
            cost = np.take_along_axis(cost, tried, axis=1)
            cost = cost + self._ahead(waiting, after, tried)
        least: Floats = cost.min(axis=1).reshape(symbols.shape)
        return least
