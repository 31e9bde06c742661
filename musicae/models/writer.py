"""What models that write chorales share: an ear for notes, and a hand that writes them in order.

An encoder hears notes, before and after; a decoder writes from left to right, led by what it is
told of each frame, and at each step the voices one after another, outer voices first. Each symbol
is chosen in sight of all that were chosen before it, so the likelihood is exact (cf. Huang et al.
2018, *Music Transformer*; Peracha 2019, *TonicNet*).

Notes are given to both as musicians hear them, by degrees of the scale and intervals, and a pitch
is scored by the same: by its degree, by how far the voice would move, and by the interval to each
other voice. What they learn of fifths in C they know of fifths in E flat.

Axes: ``B`` pieces or candidates, ``T`` steps (sixteenths), ``V`` voices, ``J`` frames of
``stride`` steps, ``C`` columns of context, ``P`` pitches of a voice, ``W`` width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.models.layers import NONE, Block, Dropout, FeatureSum, FeedForward, Memory
from musicae.vocabulary import FIRST_PITCH, HOLD, SILENCE

UNKNOWN, SILENT, HELD, BEGUN = range(4)
"""What a voice does at a step."""
AGES = (1, 2, 3, 4, 5, 7, 9, 13, 17)
"""Steps since a note began, as bounds of the classes that are told apart."""
WIDEST_LEAP = 13
"""Wider melodic intervals, in semitones, are taken for this."""
WIDEST = 35
"""Wider intervals between voices, in semitones, are taken for this."""
INTERVALS = 2 * WIDEST + 1
Numbers = NDArray[np.int64]
RELATIONS = 2
"""How a pitch is scored besides its interval to each voice: by its height and its degree."""
MIDI_PITCHES = 128
PARTS = 5
"""How many features tell of one voice by itself."""


@dataclass(frozen=True)
class WriterConfig:
    lowest: tuple[int, ...]
    """The lowest MIDI pitch of each voice, S A T B."""
    symbols: tuple[int, ...]
    """How many symbols each voice has."""
    order: tuple[int, ...]
    """In which order the voices of a step are chosen."""
    context: tuple[int, ...]
    """How many values each column of the context has."""
    width: int = 256
    encoder_layers: int = 3
    decoder_layers: int = 3
    head_layers: int = 2
    heads: int = 4
    stride: int = 2
    """Steps of a frame: attention is over frames, choices are made step by step."""
    span: int = 32
    """How many frames a layer sees to either side."""
    depth: int = 32
    """Length of the vectors whose products score a pitch."""
    dropout: float = 0.3

    def __post_init__(self) -> None:
        # Lists, as JSON has them, become what they were.
        for name in ("lowest", "symbols", "order", "context"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not len(self.lowest) == len(self.symbols) == len(self.order):
            raise ValueError("lowest, symbols and order speak of the same voices")
        if sorted(self.order) != list(range(len(self.order))):
            raise ValueError(f"each voice has its turn once, not {self.order}")
        if min(self.stride, self.span, self.depth, self.heads) < 1:
            raise ValueError(f"stride, span, depth and heads are at least 1: {self}")
        if self.width % (2 * self.heads):
            raise ValueError(f"{self.heads} heads do not share a width of {self.width} evenly")
        if not 0 <= self.dropout <= 0.9:
            raise ValueError(f"dropout is a share up to 0.9, not {self.dropout}")


class Problem(NamedTuple):
    """Pieces of which some notes are known."""

    tokens: Tensor
    """``(B, T, V)`` int64 symbols; to be written, what is not known may be anything. ``T`` is
    whole frames."""
    known: Tensor
    """``(B, T, V)`` bool what is given: whole notes, and silences."""
    context: Tensor
    """``(B, T, C)`` int64 where in the music each step lies."""
    tonic: Tensor
    """``(B,)`` int64 pitch classes."""


class Notes(NamedTuple):
    """What voices do, each ``(..., V)`` int64."""

    pitch: Tensor
    """MIDI numbers; ``NONE`` where nothing sounds or is known."""
    kind: Tensor
    """``UNKNOWN``, ``SILENT``, ``HELD`` or ``BEGUN``."""
    age: Tensor
    """Steps since the note or the silence began."""
    leap: Tensor
    """Semitones from the voice's note before to this one, from 0 (a wide fall) up; or ``NONE``."""

    def where(self, seen: Tensor) -> Notes:
        """These where ``seen``, elsewhere unknown."""
        return Notes(
            torch.where(seen, self.pitch, NONE),
            torch.where(seen, self.kind, UNKNOWN),
            torch.where(seen, self.age, NONE),
            torch.where(seen, self.leap, NONE),
        )


class Turn(NamedTuple):
    """What a model has for some voices, whose turn it is."""

    which: tuple[Tensor, Tensor]
    """``(U,)`` their turns, from 0, and the voices, where symbols of all of them are indexed."""
    table: Tensor
    """``(U, R, I, D)`` the vectors of intervals."""
    outside: Tensor
    """``(U, P)`` bool which pitches a voice has not."""


class Writer(nn.Module):
    lowest: Tensor
    symbols: Tensor
    ages: Tensor
    upper: Tensor
    lower: Tensor
    calibration: Tensor
    """What logits are divided by: above 1 where a trained model was too sure of itself."""

    def __init__(self, config: WriterConfig) -> None:
        super().__init__()
        self.config = config
        voices, width = len(config.lowest), config.width
        self.floor = min(config.lowest)
        self.voices = range(voices)

        def constant(name: str, values: Sequence[int]) -> None:
            self.register_buffer(name, torch.tensor(values), persistent=False)

        constant("lowest", config.lowest)
        constant("symbols", config.symbols)
        constant("ages", AGES)
        constant("upper", [a for a in self.voices for _ in range(a + 1, voices)])
        constant("lower", [b for a in self.voices for b in range(a + 1, voices)])
        highest = max(
            low + size - FIRST_PITCH
            for low, size in zip(config.lowest, config.symbols, strict=True)
        )
        voice = [4, highest - self.floor, 12, len(AGES) + 1, 2 * WIDEST_LEAP + 1]
        step = [*voice * voices, *[INTERVALS] * len(self.upper)]
        frame = (step + list(config.context)) * config.stride

        def blocks(count: int, causal: bool) -> nn.ModuleList:
            shape = (width, config.heads, config.span, config.dropout, causal)
            return nn.ModuleList(Block(*shape) for _ in range(count))

        self.known = FeatureSum(frame, width)
        self.encoder = blocks(config.encoder_layers, causal=False)
        self.encoder_norm = nn.LayerNorm(width)
        self.past = FeatureSum(frame, width)
        self.decoder = blocks(config.decoder_layers, causal=True)
        self.heard = nn.Linear(width, width)
        self.decoder_norm = nn.LayerNorm(width)
        self.to_step = nn.Linear(2 * width, width)
        self.before = FeatureSum(step + list(config.context), width)
        self.now = FeatureSum([*step, *[INTERVALS] * voices, voices], width)
        self.head = nn.ModuleList(FeedForward(width, 2 * width) for _ in range(config.head_layers))
        self.score_norm = nn.LayerNorm(width)
        self.hold_or_rest = nn.Linear(width, 2 * voices)
        self.queries = nn.Linear(width, (RELATIONS + voices) * config.depth)
        # For each voice and relation, a vector for each interval: to a note of this step, to one
        # of the step before, and one for where there is none.
        shape = (voices, RELATIONS + voices, 2 * INTERVALS + 1, config.depth)
        self.intervals = nn.Parameter(torch.randn(shape) * 0.5 * config.depth**-0.5)
        self.dropout = Dropout(config.dropout)
        self.register_buffer("calibration", torch.ones(1))

    def write(
        self, notes: Notes, problem: Problem, heard: Tensor, forgotten: Tensor | None = None
    ) -> Tensor:
        """The logits of each voice's symbols at each step, given all that comes before it.

        ``notes`` are ``sing``'s, ``heard`` ``(B, J, W)`` leads the decoder. It does without the
        past of frames that are ``forgotten`` ``(B, J)``, but for the step before.

        Returns ``(B, T, V, S)``, with as many symbols as any voice has; those that a voice has
        not are ``-inf``.
        """
        _, known, context, tonic = problem
        tonic = tonic[:, None, None]
        step = self.step_features(notes, tonic)  # (B, T, K)
        past = self.dropout(self.past(self.frames(_later(step, self.config.stride), context)))
        if forgotten is not None:
            past = past.masked_fill(forgotten[..., None], 0.0)
        x = past + self.heard(heard)
        for block in self.decoder:
            x = block(x)
        x = self.to_step(torch.cat([self.decoder_norm(x), heard], dim=-1))
        x = x.repeat_interleave(self.config.stride, dim=1)  # (B, T, W)
        x = x + self.before(torch.cat([_later(step), context], dim=-1))
        before = Notes(*map(_later, notes))
        seen = self.seen(known[..., None, :])  # (B, T, V, V)
        now = Notes(*(part[..., None, :] for part in notes)).where(seen)
        voices = list(self.voices)
        own, others = before.pitch[..., None], before.pitch[..., None, :]
        # What matters of a note that was just chosen is how the voice came to it.
        moves = now._replace(age=torch.full_like(now.age, NONE), leap=_leap(others, now.pitch))
        which = torch.tensor(voices, device=x.device)[:, None].expand(own.shape)
        features = [self.step_features(moves, tonic[..., None]), _interval(own, now.pitch), which]
        index = self.pitch_index(voices, others, now, tonic)  # (B, T, V, R, P)
        return self.score(self.turn(voices), x, torch.cat(features, dim=-1), index, own == NONE)

    def listen(self, notes: Notes, problem: Problem) -> Tensor:
        """What the encoder makes of the known notes, ``(B, J, W)``; ``notes`` are ``sing``'s."""
        _, known, context, tonic = problem
        # How a voice came to a note, and how long it has rested, say what was before, which may
        # not be known.
        begun = torch.arange(known.shape[1], device=known.device)[:, None] - notes.age
        known_before = known.gather(1, (begun - 1).clamp_min(0))
        seen = notes.where(known)
        seen = seen._replace(
            age=torch.where(seen.kind == SILENT, NONE, seen.age),
            leap=torch.where(known_before, seen.leap, NONE),
        )
        step = self.step_features(seen, tonic[:, None, None])
        x = self.dropout(self.known(self.frames(step, context)))
        for block in self.encoder:
            x = block(x)
        heard: Tensor = self.encoder_norm(x)
        return heard

    def sing(self, tokens: Tensor) -> Notes:
        """The notes of whole pieces ``(B, T, V)``."""
        steps = torch.arange(tokens.shape[1], device=tokens.device)[None, :, None]
        steps = steps.expand_as(tokens)
        # A rest is a symbol of its own at each step, and goes on where one was before.
        rest_goes_on = (tokens == SILENCE) & (_later(tokens) == SILENCE)
        begun = torch.where((tokens != HOLD) & ~rest_goes_on, steps, 0).cummax(dim=1).values
        symbol = tokens.gather(1, begun)
        pitch = _pitch(symbol, self.lowest)
        came_from = torch.where(begun > 0, _later(pitch).gather(1, begun), NONE)
        kind = torch.where(pitch == NONE, SILENT, torch.where(tokens == HOLD, HELD, BEGUN))
        return Notes(pitch, kind, steps - begun, _leap(came_from, pitch))

    def follow(self, before: Notes, tokens: Tensor, lowest: Tensor) -> Notes:
        """The notes that symbols ``(..., V)`` make of those of the step before: ``sing``'s, a step
        at a time. ``lowest`` ``(V,)`` are the pitches from which the symbols count."""
        holds = tokens == HOLD
        goes_on = holds | ((tokens == SILENCE) & (before.kind == SILENT))
        pitch = torch.where(holds, before.pitch, _pitch(tokens, lowest))
        kind = torch.where(pitch == NONE, SILENT, torch.where(holds, HELD, BEGUN))
        leap = torch.where(goes_on, before.leap, _leap(before.pitch, pitch))
        return Notes(pitch, kind, torch.where(goes_on, before.age + 1, 0), leap)

    def seen(self, known: Tensor) -> Tensor:
        """``(..., U, V)`` which voices are known or chosen when the turn of each voice comes.

        ``known`` is ``(..., 1, V)``.
        """
        turn = [self.config.order.index(voice) for voice in self.voices]
        chosen = [[other < own for other in turn] for own in turn]
        others = ~torch.eye(len(turn), dtype=torch.bool, device=known.device)
        return (known | torch.tensor(chosen, device=known.device)) & others

    def turn(self, voices: list[int]) -> Turn:
        every = voices == list(self.voices)
        table = self.intervals if every else self.intervals[voices]
        steps = torch.arange(max(self.config.symbols) - FIRST_PITCH, device=table.device)
        which = (
            torch.arange(len(voices), device=table.device),
            torch.tensor(voices, device=table.device),
        )
        return Turn(which, table, steps >= self.symbols[voices, None] - FIRST_PITCH)

    def score(
        self, turn: Turn, step: Tensor, features: Tensor, index: Tensor, silent: Tensor
    ) -> Tensor:
        """The logits ``(..., U, S)`` of some voices at one step.

        ``step`` ``(..., W)`` is what the decoder knows of the step; ``features`` ``(..., U, K)``
        are of the notes of this step that are known or chosen when the turn of each of the voices
        comes, ``index`` ``(..., U, R, P)`` is ``pitch_index``'s, and ``silent`` ``(..., U, 1)``
        says which of the voices has nothing to hold.
        """
        x = self.dropout(step[..., None, :] + self.now(features))
        for layer in self.head:
            x = x + self.dropout(layer(x))
        x = self.score_norm(x)  # (..., U, W)
        queries = self.queries(x).view(*x.shape[:-1], -1, self.config.depth)  # (..., U, R, D)
        scores = torch.einsum("...urd,urid->...uri", queries, turn.table.to(queries.dtype))
        pitches = scores.gather(-1, index).float().sum(dim=-2)
        pitches = pitches.masked_fill(turn.outside, -torch.inf)
        hold_or_rest = self.hold_or_rest(x).float().view(*x.shape[:-1], -1, 2)
        hold_or_rest = hold_or_rest[..., *turn.which, :]
        hold = hold_or_rest[..., :1].masked_fill(silent, -torch.inf)
        return torch.cat([hold, hold_or_rest[..., 1:], pitches], dim=-1) / self.calibration

    def pitch_index(self, voices: list[int], before: Tensor, now: Notes, tonic: Tensor) -> Tensor:
        """``(..., U, R, P)`` where in the tables of intervals each pitch of some voices is found:
        its height, its degree, and its interval to each voice."""
        steps = torch.arange(max(self.config.symbols) - FIRST_PITCH, device=before.device)
        pitches = self.lowest[voices, None, None] + steps  # (U, 1, P)
        chosen = now.kind != UNKNOWN
        other = torch.where(chosen, now.pitch, before)[..., None]  # (..., U, V, 1)
        # First come the intervals to notes of this step, then those to notes of the step before.
        interval = _interval(pitches, other) + torch.where(chosen, 0, INTERVALS)[..., None]
        interval = interval.masked_fill(other == NONE, 2 * INTERVALS)
        first = (*interval.shape[:-2], 1, -1)
        height = (pitches - self.floor).expand(first)
        degree = ((pitches - tonic[..., None, None]) % 12).expand(first)
        return torch.cat([height, degree, interval], dim=-2)

    def step_features(self, notes: Notes, tonic: Tensor) -> Tensor:
        """``(..., V)`` each -> ``(..., K)``: what ``known``, ``past`` and ``before`` sum up."""
        silent = notes.pitch == NONE
        height = (notes.pitch - self.floor).masked_fill(silent, NONE)
        degree = ((notes.pitch - tonic) % 12).masked_fill(silent, NONE)
        age = torch.bucketize(notes.age, self.ages, right=True)
        age = age.masked_fill(notes.age == NONE, NONE)
        voices = torch.stack([notes.kind, height, degree, age, notes.leap], dim=-1).flatten(-2)
        between = _interval(notes.pitch[..., self.upper], notes.pitch[..., self.lower])
        return torch.cat([voices, between], dim=-1)

    def frames(self, step: Tensor, context: Tensor) -> Tensor:
        """Features ``(B, T, K)`` and context ``(B, T, C)`` -> those of frames ``(B, J, ...)``."""
        both = torch.cat([step, context], dim=-1)
        return both.reshape(len(both), -1, self.config.stride * both.shape[-1])


def surprise(logits: Tensor, problem: Problem) -> Tensor:
    """``(B, T, V)`` in nats, of each symbol that is not known; 0 where it is.

    ``logits`` are ``Writer.write``'s. The sum is the exact negative log-likelihood of what
    is open, given what is known.
    """
    nats = F.cross_entropy(
        logits.float().flatten(0, -2), problem.tokens.flatten(), reduction="none"
    )
    # Known symbols may be such as could never be chosen, and infinitely surprising.
    return nats.view(problem.tokens.shape).masked_fill(problem.known, 0.0)


def _pitch(tokens: Tensor, lowest: Tensor) -> Tensor:
    return torch.where(tokens >= FIRST_PITCH, tokens - FIRST_PITCH + lowest, NONE)


def _later(x: Tensor, steps: int = 1) -> Tensor:
    """``(B, T, ...)`` moved on by so many steps; ``NONE`` comes in at the front."""
    return torch.cat([torch.full_like(x[:, :steps], NONE), x[:, :-steps]], dim=1)


def _leap(before: Tensor, after: Tensor) -> Tensor:
    """From one pitch to another, from 0 up; ``NONE`` where one of them is."""
    semitones = (after - before).clamp(-WIDEST_LEAP, WIDEST_LEAP) + WIDEST_LEAP
    return torch.where((before == NONE) | (after == NONE), NONE, semitones)


def _interval(upper: Tensor, lower: Tensor) -> Tensor:
    """From one pitch down to another, from 0 (far above) up; ``NONE`` where one of them is."""
    semitones = (upper - lower).clamp(-WIDEST, WIDEST) + WIDEST
    return torch.where((upper == NONE) | (lower == NONE), NONE, semitones)


class Lookup:
    """A model's features of any pitch, as tables, which for a few notes are sooner read than the
    features are computed. ``NONE`` is the last entry of each.

    Axes: ``M`` MIDI pitches and ``NONE``.
    """

    def __init__(self, model: Writer, tonic: Tensor) -> None:
        """``tonic`` ``(N,)`` are the candidates'."""
        voices = list(model.voices)
        pitch = torch.tensor([*range(MIDI_PITCHES), NONE])
        self.leap: Numbers = _leap(pitch[:, None], pitch).numpy()  # (M, M)
        self.interval: Numbers = _interval(pitch[:, None], pitch).numpy()  # (M, M)
        every = pitch[:, None].repeat(len(tonic), 1, len(voices))  # (N, M, V)
        by_pitch = model.step_features(Notes(every, every, every, every), tonic[:, None, None])
        self.height: Numbers = by_pitch[0, :, 1].numpy()  # (M,)
        self.degree: Numbers = by_pitch[..., 2].numpy()  # (N, M)
        ages = torch.tensor([*range(AGES[-1] + 1), NONE])[:, None].repeat(1, len(voices))
        by_age = model.step_features(Notes(ages, ages, ages, ages), tonic[0])
        self.age: Numbers = by_age[:, 3].numpy()
        # Of a note of the step before or of this one, what its intervals to all pitches are.
        every = every[0, :, None]  # (M, 1, V)
        places = [
            model.pitch_index(
                voices, every, Notes(every, every * 0 + kind, every, every), tonic[:1]
            )
            for kind in (UNKNOWN, BEGUN)
        ]
        self.relation: Numbers = torch.stack(places)[..., RELATIONS, :].numpy()  # (2, M, V, P)
        any_note = every[:1].expand(len(tonic), -1, -1)
        place = model.pitch_index(voices, any_note, Notes(*[any_note] * 4), tonic[:, None])
        self.place: Numbers = place[..., :RELATIONS, :].numpy()  # (N, V, 2, P)


class Recital:
    """A model that writes, step after step, on ``count`` candidates at once.

    At each step call ``begin``; then, for the voices that are not known in the model's order,
    ``logits`` and ``sing``. Give or take rounding, the logits are those of ``Writer.write``. What
    takes time is the number of operations, not their size: notes are kept in tensors that numpy
    shares, and read by ``Lookup``.
    Axis ``N``: candidates.
    """

    def __init__(self, model: Writer, problem: Problem, heard: Tensor, count: int) -> None:
        """``problem`` is one piece (``B`` is 1), or as many as there are candidates, in all of
        which the same voices are known at the same steps; ``heard`` is ``Writer.write``'s."""
        self.model, self.problem, self.count = model, problem, count
        self.heard, self.led = heard.expand(count, -1, -1), model.heard(heard).expand(count, -1, -1)
        self.lookup = Lookup(model, problem.tonic.expand(count))
        self.context = problem.context.expand(count, -1, -1).numpy()
        self.known = problem.known[0].numpy()
        self.memories = [Memory(model.config.span) for _ in model.decoder]
        self.now = Notes(*torch.full((4, count, len(model.lowest)), NONE).unbind())
        self.sees = model.seen(torch.zeros_like(problem.known[0, 0])).numpy()  # (U, V)
        self.rows = np.arange(count)[:, None]
        self.upper, self.lower = model.upper.numpy(), model.lower.numpy()
        # The features of notes that are not known or chosen yet, by columns of ``model.now``.
        voices = len(model.lowest)
        kinds_first = [UNKNOWN, *[NONE] * (PARTS - 1)] * voices
        self.unseen = np.array([*kinds_first, *[NONE] * (len(self.upper) + voices + 1)])
        self.turns: dict[tuple[int, ...], Turn] = {}
        self.recent: list[Numbers] = []
        self.position = -1

    def begin(self) -> None:
        """Go on to the next step, at first to the first one; what is known of it is sung."""
        model, stride = self.model, self.model.config.stride
        self.position += 1
        self.before = self.now
        features = self._features(*(part.numpy() for part in self.before))
        # Before the piece there is nothing, for as many steps as a frame has.
        self.recent = [*(self.recent or [features] * stride), features][-stride:]
        if self.position % stride == 0:
            self._begin_frame(self.position // stride)
        both = np.concatenate([features, self.context[:, self.position]], axis=-1)
        self.step = self.frame + model.before(torch.from_numpy(both))
        known = self.problem.known[0, self.position]
        tokens = torch.where(known, self.problem.tokens[:, self.position], HOLD)
        # What is not known is taken to hold until it is chosen.
        self.now = model.follow(self.before, tokens, model.lowest)

    def _begin_frame(self, frame: int) -> None:
        model, stride = self.model, self.model.config.stride
        steps = slice(frame * stride, (frame + 1) * stride)
        past = np.concatenate([np.stack(self.recent, axis=1), self.context[:, steps]], axis=-1)
        x = model.past(torch.from_numpy(past.reshape(self.count, -1))) + self.led[:, frame]
        for block, memory in zip(model.decoder, self.memories, strict=True):
            x = block.step(x, memory, frame)  # type: ignore[operator]  # a Block
        self.frame = model.to_step(torch.cat([model.decoder_norm(x), self.heard[:, frame]], dim=-1))

    def logits(self, voices: list[int]) -> Tensor:
        """``(N, U, S)`` of the next voices in their order, which are not known.

        Of the first one they are its logits; of each other one, if those before it hold, which
        at most steps they do.
        """
        lookup, shape = self.lookup, (self.count, len(voices))
        turn = self.turns.get(tuple(voices)) or self.model.turn([*voices])
        self.turns[tuple(voices)] = turn
        seen = (self.sees | self.known[self.position])[voices]  # (U, V)
        seen[range(len(voices)), voices] = False
        was, now, kind = self.before.pitch.numpy(), self.now.pitch.numpy(), self.now.kind.numpy()
        moves = self._features(now, kind, np.full_like(now, NONE), lookup.leap[was, now])
        own = was[:, voices, None]  # (N, U, 1)
        features = np.empty((*shape, len(self.unseen)), dtype=np.int64)
        features[..., : moves.shape[-1]] = moves[:, None]
        features[..., moves.shape[-1] : -1] = lookup.interval[own, now[:, None]]
        features[..., -1] = voices
        pairs = seen[:, self.upper] & seen[:, self.lower]
        apart = np.ones((len(voices), 1), dtype=bool)
        told = np.concatenate([seen.repeat(PARTS, axis=-1), pairs, seen, apart], axis=-1)
        features = np.where(told, features, self.unseen)
        place = lookup.place[:, voices]  # (N, U, 2, P)
        others = np.where(seen, now[:, None], was[:, None])  # (N, U, V)
        relation = lookup.relation[seen.astype(np.int64), others, np.array(voices)[:, None]]
        index = np.concatenate([place, relation], axis=-2)  # (N, U, R, P)
        tensors = (torch.from_numpy(part) for part in (features, index, own == NONE))
        return self.model.score(turn, self.step, *tensors)

    def sing(self, voice: int, tokens: Tensor) -> None:
        """One voice's symbols ``(N,)`` at this step."""
        own = slice(voice, voice + 1)
        before = Notes(*(part[:, own] for part in self.before))
        sung = self.model.follow(before, tokens[:, None], self.model.lowest[own])
        for part, new in zip(self.now, sung, strict=True):
            part[:, own] = new

    def _features(self, pitch: Numbers, kind: Numbers, age: Numbers, leap: Numbers) -> Numbers:
        """``Writer.step_features`` ``(N, K)`` of notes ``(N, V)``."""
        lookup = self.lookup
        voices = np.stack(
            (
                kind,
                lookup.height[pitch],
                lookup.degree[self.rows, pitch],
                lookup.age[np.minimum(age, AGES[-1])],
                leap,
            ),
            axis=-1,
        )
        between = lookup.interval[pitch[:, self.upper], pitch[:, self.lower]]
        return np.concatenate([voices.reshape(self.count, -1), between], axis=-1)
