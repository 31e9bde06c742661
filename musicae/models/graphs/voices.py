"""The graphs of a decoder of voices: one frame of its layers, and the scoring of symbols.

Together they compute the same as ``VoiceTransformer.decode``, but frame by frame. ``prepare``
computes the parts that depend on no note. ``frame`` runs the layers for one frame, given the keys
and values of the frames before it. ``head`` scores the symbols of voices at steps whose earlier
symbols are chosen. Features of notes are looked up in tables that are filled when the graphs are
made: a step has few rows, so its time depends on the number of operations.

Axes: ``B`` pieces, ``T`` steps, ``J`` frames, ``Q`` steps of candidates, ``U`` voices that are
scored, ``V`` voices, ``C`` columns of context, ``M`` frames of candidates, ``L`` layers, ``H``
heads, ``R`` frames with cached keys and values, ``D`` dimensions of a head, ``P`` pitches of a
voice, ``S`` symbols, ``W`` width. Pitches, kinds and leaps are those of ``models.notes.Notes``.
Chords are three numbers: the chord of a step as ``chord_code``, its bass, and the next chord.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from musicae.models.batches import MaskedBatch
from musicae.models.graphs import Graph
from musicae.models.graphs.products import products
from musicae.models.graphs.relations import relations_of
from musicae.models.layers import Block, FeatureSum
from musicae.models.notes import Notes, interval_between, leap_of
from musicae.models.vocabulary import (
    AGES,
    CHORD_RELATIONS,
    MIDI_PITCHES,
    NONE,
    PARTS,
    ROOTS,
    SILENT,
    UNKNOWN,
)
from musicae.models.voice_transformer import VoiceTransformer

FIELDS = 4
"""The fields of a note: pitch, kind, age and leap."""
PITCHES = 1 + MIDI_PITCHES
"""Rows of tables by pitch; the first is for ``NONE``."""


def graphs(network: VoiceTransformer) -> dict[str, Graph]:
    """The graphs ``prepare``, ``frame``, ``head`` and those of ``products`` of any decoder of
    voices."""
    config = network.config
    voices, width, stride = len(config.lowest), config.width, config.stride
    layers, heads, depth = config.decoder_layers, config.heads, config.width // config.heads
    pieces, long, frames, remembered, steps, scored = 2, 3, 2, 5, 3, 2
    prepare = {
        "conditioning": torch.zeros(pieces, long, width),
        "context": torch.zeros(pieces, long * stride, len(config.context), dtype=torch.int64),
    }
    cached = torch.zeros(frames, layers, heads, remembered, depth)
    notes = torch.full((frames, stride, voices), NONE)
    frame = dict.fromkeys(("pitch", "kind", "age", "leap"), notes) | {
        "chord": torch.zeros(frames, stride, 1, dtype=torch.int64),
        "tonic": torch.zeros(frames, dtype=torch.int64),
        "conditioning": torch.zeros(frames, width),
        "projected": torch.zeros(frames, width),
        "keys": cached,
        "values": cached,
        "mask": torch.zeros(frames, remembered),
        "cos": torch.ones(frames, depth // 2),
        "sin": torch.zeros(frames, depth // 2),
    }
    notes = torch.full((steps, voices), NONE)
    head = dict.fromkeys(("was", "was_kind", "was_age", "was_leap", "pitch", "kind"), notes) | {
        "state": torch.zeros(steps, width),
        "chords": torch.zeros(steps, 3, dtype=torch.int64),
        "tonic": torch.zeros(steps, 1, dtype=torch.int64),
        "seen": torch.zeros(steps, scored, voices, dtype=torch.bool),
        "voices": torch.arange(scored),
    }
    by_piece = {"conditioning": {0: "B", 1: "J"}, "context": {0: "B", 1: "T"}}
    by_piece |= {"projected": {0: "B", 1: "J"}, "added": {0: "B", 1: "T"}}
    by_frame = {name: {0: "M"} for name in (*frame, "state", "key", "value")}
    for name in ("keys", "values"):
        by_frame[name][3] = "R"
    by_frame["mask"][1] = "R"
    by_step = {name: {0: "Q"} for name in (*head, "nats")} | {"voices": {0: "U"}}
    by_step["seen"][1] = by_step["nats"][1] = "U"
    return {
        "prepare": Graph(_Prepare(network), prepare, ("projected", "added"), by_piece),
        "frame": Graph(_Frame(network), frame, ("state", "key", "value"), by_frame),
        "head": Graph(_Head(network), head, ("nats",), by_step),
        **products(network),
    }


def encoder(network: VoiceTransformer) -> Graph:
    """The graph ``known``: the known notes of pieces -> the encoding ``(B, J, W)`` of their frames.

    The inputs are the notes ``(B, T, V, 4)`` for ``MaskedBatch.tokens``, and the other fields of
    ``MaskedBatch``.
    """
    config = network.config
    steps = config.stride * config.span
    shape = (2, steps, len(config.lowest))
    inputs = {
        "notes": torch.tensor([NONE, SILENT, 0, NONE]).repeat(*shape, 1),
        "known": torch.ones(shape, dtype=torch.bool),
        "context": torch.zeros(2, steps, len(config.context), dtype=torch.int64),
        "tonic": torch.zeros(2, dtype=torch.int64),
    }
    axes = {name: {0: "B", 1: "T"} for name in inputs if name != "tonic"}
    axes |= {"tonic": {0: "B"}, "encoding": {0: "B", 1: "J"}}
    return Graph(_Known(network), inputs, ("encoding",), axes)


class _Known(nn.Module):
    def __init__(self, network: VoiceTransformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, notes: Tensor, known: Tensor, context: Tensor, tonic: Tensor) -> Tensor:
        batch = MaskedBatch(notes[..., 0], known, context, tonic)
        return self.network.encode_known(Notes(*notes.unbind(-1)), batch)


class _Prepare(nn.Module):
    """The terms that depend on no note: one for each frame before the layers, and one for each step
    after them."""

    def __init__(self, network: VoiceTransformer) -> None:
        super().__init__()
        self.network = network
        self.columns = len(network.config.context)
        self.frame = len(network.past.first) // network.config.stride

    def forward(self, conditioning: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        network, stride = self.network, self.network.config.stride
        frame = self.frame
        projected = network.heard(conditioning)
        # (B, J, stride, C)
        steps = context.view(context.shape[0], -1, stride, context.shape[-1])
        for step in range(stride):
            first = network.past.first[frame * (step + 1) - self.columns : frame * (step + 1)]
            projected = projected + _summed(network.past, steps[:, :, step], first)
        return projected, _summed(network.before, context, network.before.first[-self.columns :])


class _Part(nn.Module):
    """Tables with the features of ``VoiceTransformer`` for every pitch, pair of pitches and age.

    Each is flattened. Pitches are indexed plus one, because the first row is for ``NONE``.
    """

    height: Tensor
    degree: Tensor
    age: Tensor
    leap: Tensor
    interval: Tensor
    place: Tensor

    def __init__(self, network: VoiceTransformer) -> None:
        super().__init__()
        self.network = network
        voices = len(network.lowest)
        pitch = torch.tensor([NONE, *range(MIDI_PITCHES)])
        every = pitch[:, None, None].repeat(1, 12, voices)  # (pitches, 12, V)
        by_pitch = network.step_features(
            Notes(every, every, every, every), torch.arange(12)[:, None]
        )
        ages = torch.tensor([NONE, *range(AGES[-1] + 1)])[:, None].repeat(1, voices)
        by_age = network.step_features(Notes(ages, ages, ages, ages), torch.tensor(0))
        qualities = torch.arange(len(network.members.table))[None, :, None]
        for name, table in {
            "height": by_pitch[:, 0, 1],
            "degree": by_pitch[..., 2].T,  # (12, pitches)
            "age": by_age[:, 3],
            "leap": leap_of(pitch[:, None], pitch),
            "interval": interval_between(pitch[:, None], pitch),
            "place": network.members(
                torch.tensor([NONE, *range(12)]), torch.arange(ROOTS)[:, None, None], qualities
            ),
        }.items():
            self.register_buffer(name, table.clone().flatten(), persistent=False)

    def note_features(
        self, kind: Tensor, pitch: Tensor, degree: Tensor, age: Tensor, leap: Tensor
    ) -> Tensor:
        """``VoiceTransformer.step_features``; ``pitch`` ``(..., V)`` are MIDI pitches plus one."""
        upper, lower = self.network.upper, self.network.lower
        pairs = pitch[..., upper] * PITCHES + pitch[..., lower]
        between = self.interval[pairs]
        parts = (kind, self.height[pitch], degree, age, leap)
        return torch.cat([torch.stack(parts, dim=-1).flatten(-2), between], dim=-1)

    def places(self, degree: Tensor, chord: Tensor) -> Tensor:
        """``ChordMembers.forward`` for degrees ``(..., V)`` in chords ``(..., 1)``."""
        return self.place[chord * 13 + degree + 1]

    def past(
        self, pitch: Tensor, kind: Tensor, age: Tensor, leap: Tensor, chord: Tensor, tonic: Tensor
    ) -> Tensor:
        """``(..., K)`` the features of notes ``(..., V)`` of earlier steps."""
        pitch = pitch + 1
        degree = self.degree[tonic * PITCHES + pitch]
        age = self.age[age.clamp(max=AGES[-1]) + 1]
        found = self.note_features(kind, pitch, degree, age, leap)
        if not self.network.config.chords:
            return found
        return torch.cat([found, self.places(degree, chord)], dim=-1)


class _Frame(_Part):
    def __init__(self, network: VoiceTransformer) -> None:
        super().__init__(network)
        self.frame = len(network.past.first) // network.config.stride

    def forward(
        self,
        pitch: Tensor,
        kind: Tensor,
        age: Tensor,
        leap: Tensor,
        chord: Tensor,
        tonic: Tensor,
        conditioning: Tensor,
        projected: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor,
        cos: Tensor,
        sin: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        network = self.network
        features = self.past(pitch, kind, age, leap, chord, tonic[:, None, None])
        count = self.frame - len(network.config.context)
        first = network.past.first.view(-1, self.frame)[:, :count]  # (stride, K)
        x = projected + _summed(network.past, features.flatten(1), first.flatten())
        new_keys, new_values = [], []
        for layer, block in enumerate(network.decoder):
            assert isinstance(block, Block)
            attention = block.attention
            parts = attention.inputs(block.norm(x)).view(x.shape[0], 3, attention.heads, 1, -1)
            turned = _turned(parts[:, :2], cos[:, None, None, None], sin[:, None, None, None])
            query, key, value = turned[:, 0], turned[:, 1], parts[:, 2]  # (M, H, 1, D)
            scale = query.shape[-1] ** -0.5
            scores = query @ keys[:, layer].transpose(-1, -2) * scale + mask[:, None, None]
            own = (query * key).sum(dim=-1, keepdim=True) * scale
            share = torch.cat([scores, own], dim=-1).softmax(dim=-1)
            attended = share[..., :-1] @ values[:, layer] + share[..., -1:] * value
            x = x + attention.output(attended.flatten(1))
            x = x + block.feedforward(x)
            new_keys.append(key[:, :, 0])
            new_values.append(value[:, :, 0])
        state = network.to_step(torch.cat([network.decoder_norm(x), conditioning], dim=-1))
        return state, torch.stack(new_keys, dim=1), torch.stack(new_values, dim=1)


class _Head(_Part):
    relation: Tensor
    heights: Tensor
    degrees: Tensor
    outside: Tensor
    of_chords: Tensor
    bases: Tensor
    unseen: Tensor
    voice_of: Tensor

    def __init__(self, network: VoiceTransformer) -> None:
        super().__init__(network)
        for name, table in relations_of(network)._asdict().items():
            self.register_buffer(name, table.clone(), persistent=False)
        unseen = [UNKNOWN, *[NONE] * (PARTS - 1)] * len(network.lowest)
        self.register_buffer("unseen", torch.tensor(unseen), persistent=False)
        voice_of = torch.arange(len(unseen)) // PARTS
        self.register_buffer("voice_of", voice_of, persistent=False)

    def forward(
        self,
        was: Tensor,
        was_kind: Tensor,
        was_age: Tensor,
        was_leap: Tensor,
        pitch: Tensor,
        kind: Tensor,
        state: Tensor,
        chords: Tensor,
        tonic: Tensor,
        seen: Tensor,
        voices: Tensor,
    ) -> Tensor:
        network = self.network
        last = self.past(was, was_kind, was_age, was_leap, chords[:, :1], tonic)
        step = state + _summed(network.before, last, network.before.first[: last.shape[-1]])
        was, pitch = was + 1, pitch + 1
        features = self._step_features(was, pitch, kind, chords, tonic, seen, voices)  # (Q, U, K)
        by_voice = network.now.weight[voices + network.now.first[-1]]  # (U, W)
        x = step[:, None] + by_voice + _summed(network.now, features, network.now.first[:-1])
        for layer in network.head:
            x = x + layer(x)
        x = network.score_norm(x)  # (Q, U, W)
        index = self._index(was, pitch, chords, tonic, seen, voices)  # (Q, U, R, P)
        queries = network.queries(x).unflatten(-1, (-1, network.config.depth))  # (Q, U, R, D)
        table = network.intervals[voices]  # (U, R, I, D)
        scores = queries.permute(1, 2, 0, 3) @ table.transpose(-1, -2)  # (U, R, Q, I)
        pitches = scores.gather(-1, index.permute(1, 2, 0, 3)).sum(dim=1).transpose(0, 1)
        pitches = pitches + self.outside[voices]
        hold_or_rest = network.hold_or_rest(x).unflatten(-1, (-1, 2))  # (Q, U, V, 2)
        which = voices[None, :, None, None].expand(x.shape[0], -1, 1, 2)
        hold_or_rest = hold_or_rest.gather(-2, which)[:, :, 0]
        hold, rest = hold_or_rest.split(1, dim=-1)
        hold = hold.masked_fill(was[..., voices][..., None] == 0, -torch.inf)
        logits = torch.cat([hold, rest, pitches], dim=-1) / network.calibration
        return -logits.log_softmax(dim=-1)

    def _step_features(
        self,
        was: Tensor,
        pitch: Tensor,
        kind: Tensor,
        chords: Tensor,
        tonic: Tensor,
        seen: Tensor,
        voices: Tensor,
    ) -> Tensor:
        """``(Q, U, K)`` the features of the notes of this step that are ``seen`` for each voice."""
        network = self.network
        # Notes of this step have no age; their leap is the motion from the step before.
        leap = self.leap[was * PITCHES + pitch]
        degree = self.degree[tonic * PITCHES + pitch]
        age = torch.full_like(pitch, NONE)
        features = self.note_features(kind, pitch, degree, age, leap)[:, None]
        count = self.unseen.shape[0]
        alone = torch.where(seen[..., self.voice_of], features[..., :count], self.unseen)
        pairs = seen[..., network.upper] & seen[..., network.lower]
        together = torch.where(pairs, features[..., count:], NONE)
        own = was[..., voices][..., None]  # (Q, U, 1)
        apart = self.interval[own * PITCHES + pitch[:, None]]
        found = [alone, together, torch.where(seen, apart, NONE)]
        if network.config.chords:
            places = self.places(degree, chords[:, :1])[:, None]
            found.append(torch.where(seen, places, NONE))
        return torch.cat(found, dim=-1)

    def _index(
        self,
        was: Tensor,
        pitch: Tensor,
        chords: Tensor,
        tonic: Tensor,
        seen: Tensor,
        voices: Tensor,
    ) -> Tensor:
        """``(Q, U, R, P)`` the result of ``VoiceTransformer.pitch_index`` for these voices."""
        count = self.network.lowest.shape[0]
        others = torch.where(seen, (pitch + PITCHES)[:, None], was[:, None])  # (Q, U, V)
        interval = self.relation[others * count + voices[:, None]]  # (Q, U, V, P)
        height = self.heights[voices][:, None].expand(was.shape[0], -1, -1, -1)
        degree = self.degrees[tonic * count + voices][:, :, None]  # (Q, U, 1, P)
        parts = [height, degree, interval]
        if self.network.config.chords:
            rows = self.of_chords[chords + self.bases][:, None]  # (Q, 1, 3, 12)
            rows = rows.expand(-1, voices.shape[0], -1, -1)
            parts.append(rows.gather(-1, degree.expand(-1, -1, CHORD_RELATIONS, -1)))
        return torch.cat(parts, dim=-2)


def _summed(layer: FeatureSum, features: Tensor, first: Tensor) -> Tensor:
    """``FeatureSum.forward`` for few rows and for some of its features.

    ``first`` are the first rows of these features in the table of embeddings.
    """
    index = torch.where(features == NONE, layer.count, features + first)
    return layer.weight[index].sum(dim=-2)


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Queries or keys ``(..., D)``, rotated."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
