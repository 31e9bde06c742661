"""The loop that writes voices: many symbols are scored at once when no voice is likely to move.

Each symbol is conditioned on all before it. But most symbols are holds, because few notes begin in
the middle of a chord. So all symbols up to the end of a quarter are scored at once, as if each of
them were a hold. The scores are exact up to the first symbol that is no hold; the symbols after it
are scored again. (Stern et al. 2018, *Blockwise Parallel Decoding*, guess ahead in this way.) If
voices moved at the same place of the quarter before, one voice is scored at a time.

Axes: ``N`` candidates, ``T`` steps, ``V`` voices, ``Q`` steps of candidates, ``U`` voices that are
scored, ``S`` symbols of a voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Bools, Floats, Floats32, Ints, distinct
from musicae.core.constants import REST, STEPS_PER_QUARTER
from musicae.core.progress import report
from musicae.decoding.choice import SamplingOptions, Tilts, choose, guided
from musicae.decoding.constraints import PRESETS
from musicae.decoding.drafts import LOOK, hopeless
from musicae.decoding.ensemble_costs import EnsembleCosts
from musicae.decoding.given_chords import ALONG_GIVEN, GivenCosts
from musicae.decoding.plan_costs import PlanCosts
from musicae.decoding.repeats import Repeats
from musicae.decoding.step_costs import Rows, StepCosts
from musicae.decoding.voices import Notes, VoiceDecoder
from musicae.encoding.partial_score import PartialScore
from musicae.models.vocabulary import HOLD


class Samples(NamedTuple):
    """Completions of partial scores."""

    tokens: Ints
    """``(N, T, V)`` all symbols, including the known ones."""
    nats: Floats
    """``(N,)`` the negative log-likelihood of the symbols that were open, in nats, by the model
    alone: without rules, temperature or guidance."""


class Asked(NamedTuple):
    """The symbols that are scored in one call."""

    candidates: Ints
    """``(Q,)`` the candidate of each row."""
    steps: Ints
    """``(Q,)`` the step of each row."""
    voices: tuple[int, ...]
    """``U`` voices in the order in which they are chosen."""
    wanted: Bools
    """``(Q, U)`` which of them are to be chosen."""


class Writing:
    """The job of completing ``N`` partial scores; each is one candidate."""

    def __init__(
        self,
        decoders: Sequence[VoiceDecoder],
        notes: Notes,
        partials: Sequence[PartialScore],
        options: SamplingOptions,
        uniform: Floats,
        *,
        closing: Sequence[int] = (),
        plan_costs: PlanCosts | None = None,
        given_costs: GivenCosts | None = None,
        tilts: Tilts | None = None,
        groups: Ints | None = None,
    ) -> None:
        """Prepare to write.

        Args:
            decoders: the first is conditioned on the requested rhythm. A second one, if any, is
                not; it is for classifier-free guidance.
            notes: the known notes.
            partials: they may differ in their plans and in their lengths.
            options: how symbols are chosen.
            uniform: ``(N, T, V)`` random numbers from 0 to 1.
            closing: for each partial score the step at which its close begins.
            plan_costs: the costs of the plans, which are added to those of the rules.
            given_costs: the costs of given chords, which are added too.
            tilts: corrections of the logits, which are added too.
            groups: ``(N,)`` the number of each draft's group. Drafts of a group stand next to each
                other, and one of them is kept. Hopeless drafts end early, with infinite nats. None
                keeps all.
        """
        rules = PRESETS[options.rules]
        if plan_costs:
            weights = plan_costs.weights
            rules = rules.at_least(
                parallel=weights.parallel, leap=weights.leap, augmented=weights.augmented
            )
            if given_costs:
                rules = rules.at_least(**ALONG_GIVEN)
        limits = partials[0].limits
        config = decoders[0].model.config
        self.decoders, self.notes, self.options, self.uniform = decoders, notes, options, uniform
        self.stride, self.order, self.symbols = config.stride, config.order, config.symbols
        self.lengths = np.array([len(partial.chorale) for partial in partials])
        self.steps = int(self.lengths.max())
        self.weighed = StepCosts(
            rules,
            np.array([partial.key.fifths for partial in partials]),
            config.order,
            plan_costs,
            given_costs,
            EnsembleCosts(limits) if limits else None,
        )
        self.tilts, self.groups = tilts, groups
        self.repeats = Repeats(partials, self.steps, closing)
        self.nats = np.zeros(len(partials))
        known = notes.known[: self.steps]
        sees = decoders[0].sees
        self.seen: Bools = (known[:, None] | sees) & ~np.eye(len(sees), dtype=np.bool_)
        """``(T, V, V)`` which voices of a step (last axis) each voice is conditioned on."""
        self.waiting: Bools = ~known
        """``(T, V)`` which symbols are open."""
        self.last: Bools = self.waiting & ~(self.waiting[:, None] & sees.T).any(axis=-1)
        """``(T, V)`` which open symbols are the last to be chosen at their step."""
        self.prolonged: Bools = np.zeros_like(known)
        """``(T, V)`` at which steps a hold would prolong a known note."""
        self.prolonged[1:] = known[:-1]
        self.derived = np.zeros(len(partials), dtype=np.int64)
        """``(N,)`` the first step whose notes are not derived from its symbols yet."""
        self.moved = np.ones((len(partials), STEPS_PER_QUARTER), dtype=np.bool_)
        """``(N, 4)`` whether a voice moved at the same place of the quarter before."""

    def write(self) -> Samples:
        """The completed scores."""
        chunk = self.stride * -(-STEPS_PER_QUARTER // self.stride)
        open_steps = np.flatnonzero(self.waiting.any(axis=1))
        stop = int(open_steps[-1]) + 1 if open_steps.size else 0
        for first in range(0, stop, chunk):
            report(first, stop)
            if self.groups is not None and first % LOOK == 0:
                gone = hopeless(self.nats, self.groups, self.steps - first)
                self.nats[gone], self.lengths[gone] = np.inf, 0
            self._write(first, min(first + chunk, self.steps))
        return Samples(self.notes.tokens[:, : self.steps], self.nats)

    def _write(self, first: int, stop: int) -> None:
        """Write the steps from ``first`` to before ``stop`` of all candidates that have them."""
        waiting = [
            (step, voice)
            for step in range(first, stop)
            for voice in self.order
            if self.waiting[step, voice]
        ]
        active = np.flatnonzero(self.lengths > first)
        turns = {
            candidate: [turn for turn in waiting if turn[0] < self.lengths[candidate]]
            for candidate in active.tolist()
        }
        self.likely = self.moved.tolist()
        self.moved[active] = False
        # The next frame of each candidate.
        begun = dict.fromkeys(turns, first // self.stride)
        while any(turns.values()):
            asked = self._asked(turns)
            self._derive(asked)
            self._begin_frames(asked, begun)
            self._answer(asked, turns, begun)
        self._derive(Asked(active, np.full(len(active), stop - 1), (), self.waiting[:0]))
        self._begin_rest(active, begun, stop)

    def _derive(self, asked: Asked) -> None:
        """Derive the notes of candidates up to the steps that are to be scored."""
        stop = int(asked.steps.max()) + 1
        those = distinct(asked.candidates)
        derived = self.derived[those]
        for first in sorted(set(derived.tolist())):
            if first < stop:
                self.notes.go_on(those[derived == first], first, stop)
        self.derived[those] = np.maximum(derived, stop)

    def _asked(self, turns: dict[int, list[tuple[int, int]]]) -> Asked:
        """The symbols to score next: for each candidate one, or all before the next likely note.

        ``turns`` are by candidate its open symbols, each as a step and a voice, in order.
        """
        found: dict[tuple[int, int], list[int]] = {}
        for candidate, left in turns.items():
            likely = self.likely[candidate]
            for index, (step, voice) in enumerate(left):
                if index and likely[step % STEPS_PER_QUARTER]:
                    break
                found.setdefault((candidate, step), []).append(voice)
        pairs = np.array(list(found))
        asked = set().union(*found.values())
        voices = tuple(voice for voice in self.order if voice in asked)
        wanted = np.array([[voice in each for voice in voices] for each in found.values()])
        return Asked(pairs[:, 0], pairs[:, 1], voices, wanted)

    def _begin_frames(self, asked: Asked, begun: dict[int, int]) -> None:
        """Compute the frames of the steps that are to be scored."""
        frames = asked.steps // self.stride
        for frame in range(min(begun[c] for c in asked.candidates.tolist()), frames.max() + 1):
            new = [
                candidate
                for candidate in sorted(set(asked.candidates[frames >= frame].tolist()))
                if begun[candidate] == frame
            ]
            if new:
                for decoder in self.decoders:
                    decoder.begin(np.array(new), frame, self.notes)
                begun.update(dict.fromkeys(new, frame + 1))

    def _begin_rest(self, active: Ints, begun: dict[int, int], stop: int) -> None:
        """Compute frames in which no symbol was scored, because later frames attend to them."""
        for frame in range(min(begun.values()), -(-stop // self.stride)):
            new = np.array([c for c in active.tolist() if begun[c] <= frame])
            if new.size:
                for decoder in self.decoders:
                    decoder.begin(new, frame, self.notes)

    def _answer(
        self,
        asked: Asked,
        turns: dict[int, list[tuple[int, int]]],
        begun: dict[int, int],
    ) -> None:
        """Choose symbols, and keep those of each candidate up to the first that is no hold."""
        candidates, steps, voices, _ = asked
        seen = self.seen[steps][:, list(voices)]  # (Q, U, V)
        own, *others = (
            decoder.nats(candidates, steps, voices, self.notes, seen) for decoder in self.decoders
        )
        nats = guided(own, others[0]) if others else own
        chosen = self._chosen(asked, nats, seen)
        paid = np.take_along_axis(own, chosen[..., None], axis=-1)[..., 0]
        symbols, costs, wanted = chosen.tolist(), paid.tolist(), asked.wanted.tolist()
        stopped: dict[int, tuple[int, int, int]] = {}
        for row, (candidate, step) in enumerate(
            zip(candidates.tolist(), steps.tolist(), strict=True)
        ):
            if candidate in stopped:
                continue
            left = turns[candidate]
            for column, voice in enumerate(voices):
                if not wanted[row][column]:
                    continue
                left.pop(0)
                self.nats[candidate] += costs[row][column]
                symbol = symbols[row][column]
                if symbol != HOLD:
                    stopped[candidate] = step, voice, symbol
                    break
        self._keep(stopped, begun)

    def _keep(self, stopped: dict[int, tuple[int, int, int]], begun: dict[int, int]) -> None:
        """Write down new notes and rests, by candidate: step, voice and symbol.

        All that was derived and computed after them assumed a hold, so it is discarded.
        """
        for candidate, (step, voice, symbol) in stopped.items():
            self.notes.tokens[candidate, step, voice] = symbol
            self.moved[candidate, step % STEPS_PER_QUARTER] = True
            self.derived[candidate] = step
            begun[candidate] = min(begun[candidate], step // self.stride + 1)

    def _chosen(self, asked: Asked, nats: Floats32, seen: Bools) -> Ints:
        """``(Q, U)`` the symbols that are chosen by ``nats`` ``(Q, U, S)`` and the other costs."""
        candidates, steps, voices, wanted = asked
        cost = nats.astype(np.float64)
        before = self.notes.pitch[candidates, steps]
        now = self.notes.pitch[candidates, steps + 1]
        for column, voice in enumerate(voices):
            rows = Rows(
                candidates,
                steps,
                before,
                np.where(seen[:, column], now, REST),
                self.last[steps, voice],
            )
            there = cost[:, column, : self.symbols[voice]]
            if wanted[:, column].all():
                self._weigh(voice, rows, there)
            else:
                those = np.flatnonzero(wanted[:, column])
                some = there[those]
                self._weigh(voice, rows.at(those), some)
                there[those] = some
        uniform = self.uniform[candidates[:, None], steps[:, None], list(voices)]
        return choose(cost, self.options, uniform)

    def _weigh(self, voice: int, rows: Rows, cost: Floats) -> None:
        """Add all other costs to ``cost`` ``(M, S)``, which are the negative log-likelihoods."""
        cost += self.weighed.costs(voice, rows, self.waiting)
        if self.tilts:
            cost += self.tilts.costs(voice, rows)
        held = self.prolonged[rows.steps, voice]
        if held.any():
            cost[held, HOLD] = np.inf  # a known note is not prolonged
        self.repeats.force(cost, voice, rows.steps, rows.candidate, self.notes.tokens)
