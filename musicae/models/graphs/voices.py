"""The graphs of a decoder of voices: one frame of its layers, and the scoring of symbols.

What ``VoiceTransformer.decode`` computes of a whole piece, these compute piece by piece: ``frame``
runs the layers for one frame, given the keys and values of the frames before it, and ``head``
scores the symbols of voices at steps whose earlier symbols are chosen. Features of notes are read
from tables that the network fills when the graphs are made.

Axes: ``Q`` steps of candidates, ``U`` voices that are scored, ``V`` voices, ``C`` columns of
context, ``M`` frames of candidates, ``L`` layers, ``H`` heads, ``R`` frames that are remembered,
``D`` dimensions of a head, ``P`` pitches of a voice, ``S`` symbols, ``W`` width. Notes are
``(..., V, 4)``: pitch, kind, age and leap of each voice (see ``models.notes.Notes``); ``NONE``
where there are none.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.models.batches import MaskedBatch
from musicae.models.chords import Chords
from musicae.models.graphs import Graph
from musicae.models.layers import FeatureSum
from musicae.models.notes import Notes, interval_between, leap_of
from musicae.models.vocabulary import (
    AGES,
    BEGUN,
    CHORD_RELATIONS,
    COLUMNS,
    MIDI_PITCHES,
    NONE,
    SILENT,
    UNKNOWN,
)
from musicae.models.voice_transformer import VoiceTransformer

FIELDS = 4
"""Pitch, kind, age and leap."""


def graphs(network: VoiceTransformer) -> dict[str, Graph]:
    """The graphs ``frame`` and ``head`` of any decoder of voices."""
    config = network.config
    voices, columns, width = len(config.lowest), len(config.context), config.width
    layers, heads, depth = config.decoder_layers, config.heads, config.width // config.heads
    frames, remembered, steps, scored = 2, 5, 3, 2
    notes = torch.full((frames, config.stride, voices, FIELDS), NONE)
    context = torch.zeros(frames, config.stride, columns, dtype=torch.int64)
    cached = torch.zeros(frames, layers, heads, remembered, depth)
    frame = {
        "past": notes,
        "past_context": context,
        "context": context,
        "tonic": torch.zeros(frames, dtype=torch.int64),
        "conditioning": torch.zeros(frames, width),
        "keys": cached,
        "values": cached,
        "mask": torch.zeros(frames, remembered),
        "cos": torch.ones(frames, depth // 2),
        "sin": torch.zeros(frames, depth // 2),
    }
    told = torch.full((steps, voices, FIELDS), NONE)
    head = {
        "frame": torch.zeros(steps, width),
        "before": told,
        "before_context": context[:1, 0].expand(steps, -1),
        "now": told,
        "seen": torch.zeros(steps, scored, voices, dtype=torch.bool),
        "voices": torch.arange(scored),
        "tonic": torch.zeros(steps, dtype=torch.int64),
    }
    by_frame = {name: {0: "M"} for name in (*frame, "state", "key", "value")}
    for name in ("keys", "values"):
        by_frame[name][3] = "R"
    by_frame["mask"][1] = "R"
    by_step = {name: {0: "Q"} for name in (*head, "nats") if name != "voices"}
    by_step["seen"][1] = by_step["nats"][1] = "U"
    by_step["voices"] = {0: "U"}
    return {
        "frame": Graph(_Frame(network), frame, ("state", "key", "value"), by_frame),
        "head": Graph(_Head(network), head, ("nats",), by_step),
    }


def encoder(network: VoiceTransformer) -> Graph:
    """The graph ``known``: what is known of pieces -> the encoding ``(B, J, W)`` of their frames.

    The inputs are the notes ``(B, T, V, 4)`` of ``MaskedBatch.tokens``, and its other fields.
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


class _Tables(nn.Module):
    """Features of every pitch, pair of pitches and age, as ``VoiceTransformer`` defines them."""

    height: Tensor
    degree: Tensor
    age: Tensor
    leap: Tensor
    interval: Tensor
    place: Tensor
    upper: Tensor
    lower: Tensor

    def __init__(self, network: VoiceTransformer) -> None:
        super().__init__()
        voices = len(network.lowest)
        pitch = torch.tensor([NONE, *range(MIDI_PITCHES)])
        every = pitch[:, None, None].repeat(1, 12, voices)  # (pitches, 12, V)
        told = network.step_features(Notes(every, every, every, every), torch.arange(12)[:, None])
        ages = torch.tensor([NONE, *range(AGES[-1] + 1)])[:, None].repeat(1, voices)
        by_age = network.step_features(Notes(ages, ages, ages, ages), torch.tensor(0))
        roots = torch.arange(13)[:, None, None]
        degrees = torch.tensor([NONE, *range(12)])
        qualities = torch.arange(len(network.members.table))[None, :, None]
        for name, table in {
            "height": told[:, 0, 1],
            "degree": told[..., 2].T,  # (12, pitches)
            "age": by_age[:, 3],
            "leap": leap_of(pitch[:, None], pitch),
            "interval": interval_between(pitch[:, None], pitch),
            "place": network.members(degrees, roots, qualities),
            "upper": network.upper,
            "lower": network.lower,
        }.items():
            self.register_buffer(name, table.clone().flatten(), persistent=False)
        self.pitches, self.qualities = len(pitch), len(network.members.table)

    def degrees(self, pitch: Tensor, tonic: Tensor) -> Tensor:
        """The degree of each pitch ``(..., V)`` above tonics ``(..., 1)``; or ``NONE``."""
        return self.degree[tonic * self.pitches + pitch + 1]

    def places(self, degree: Tensor, root: Tensor, quality: Tensor) -> Tensor:
        """``ChordMembers.forward``; the chords are ``(..., 1)``."""
        return self.place[(root * self.qualities + quality) * 13 + degree + 1]

    def intervals(self, upper: Tensor, lower: Tensor) -> Tensor:
        """``models.notes.interval_between``."""
        return self.interval[(upper + 1) * self.pitches + lower + 1]

    def features(self, notes: Tensor, tonic: Tensor) -> Tensor:
        """``VoiceTransformer.step_features`` of notes ``(..., V, 4)``."""
        pitch, kind, age, leap = notes.unbind(-1)
        age = self.age[age.clamp(max=AGES[-1]) + 1]
        parts = (kind, self.height[pitch + 1], self.degrees(pitch, tonic), age, leap)
        between = self.intervals(pitch[..., self.upper], pitch[..., self.lower])
        return torch.cat([torch.stack(parts, dim=-1).flatten(-2), between], dim=-1)


class _Part(nn.Module):
    """What both graphs read."""

    def __init__(self, network: VoiceTransformer) -> None:
        super().__init__()
        self.network = network
        self.tables = _Tables(network)

    def with_places(self, notes: Tensor, context: Tensor, tonic: Tensor) -> Tensor:
        """The features of notes ``(..., V, 4)`` in the chords of contexts ``(..., C)``."""
        found = self.tables.features(notes, tonic)
        if not self.network.config.chords:
            return found
        chords = _chords(context)
        degree = self.tables.degrees(notes[..., 0], tonic)
        return torch.cat([found, self.tables.places(degree, chords.root, chords.quality)], dim=-1)


class _Frame(_Part):
    def forward(
        self,
        past: Tensor,
        past_context: Tensor,
        context: Tensor,
        tonic: Tensor,
        conditioning: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor,
        cos: Tensor,
        sin: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        network = self.network
        features = self.with_places(past, past_context, tonic[:, None, None])
        both = torch.cat([features, context], dim=-1).flatten(1)
        x = _looked_up(network.past, both) + network.heard(conditioning)
        new_keys, new_values = [], []
        for layer, block in enumerate(network.decoder):
            attention = block.attention
            parts = attention.inputs(block.norm(x)).view(len(x), 3, attention.heads, 1, -1)
            turned = _turned(parts[:, :2], cos[:, None, None, None], sin[:, None, None, None])
            query, key, value = turned[:, 0], turned[:, 1], parts[:, 2]  # (M, H, 1, D)
            scale = query.shape[-1] ** -0.5
            scores = query @ keys[:, layer].transpose(-1, -2) * scale + mask[:, None, None]
            own = (query * key).sum(dim=-1, keepdim=True) * scale
            share = torch.cat([scores, own], dim=-1).softmax(dim=-1)
            heard = share[..., :-1] @ values[:, layer] + share[..., -1:] * value
            x = x + attention.output(heard.flatten(1))
            x = x + block.feedforward(x)
            new_keys.append(key[:, :, 0])
            new_values.append(value[:, :, 0])
        state = network.to_step(torch.cat([network.decoder_norm(x), conditioning], dim=-1))
        return state, torch.stack(new_keys, dim=1), torch.stack(new_values, dim=1)


class _Head(_Part):
    relation: Tensor
    heights: Tensor
    pitch_degrees: Tensor
    lowest: Tensor
    outside: Tensor
    chord_relation: Tensor
    bass_relation: Tensor

    def __init__(self, network: VoiceTransformer) -> None:
        super().__init__(network)
        made = _relations(network)
        for name, table in made._asdict().items():
            self.register_buffer(name, table.clone(), persistent=False)

    def forward(
        self,
        frame: Tensor,
        before: Tensor,
        before_context: Tensor,
        now: Tensor,
        seen: Tensor,
        voices: Tensor,
        tonic: Tensor,
    ) -> Tensor:
        network = self.network
        one = tonic[:, None]
        context = before_context
        last = torch.cat([self.with_places(before, context, one), context], dim=-1)
        step = frame + _looked_up(network.before, last)  # (Q, W)
        was, pitch = before[..., 0], now[..., 0]  # (Q, V)
        x = step[:, None] + _looked_up(
            network.now, self._told(was, now, context, one, seen, voices)
        )
        for layer in network.head:
            x = x + layer(x)
        x = network.score_norm(x)  # (Q, U, W)
        index = self._index(was, pitch, context, one, seen, voices)  # (Q, U, R, P)
        queries = network.queries(x).unflatten(-1, (-1, network.config.depth))  # (Q, U, R, D)
        table = network.intervals[voices]  # (U, R, I, D)
        scores = torch.einsum("qurd,urid->quri", queries, table)
        pitches = scores.gather(-1, index).sum(dim=-2)
        pitches = pitches + self.outside[voices]
        hold_or_rest = network.hold_or_rest(x).unflatten(-1, (-1, 2))  # (Q, U, V, 2)
        which = voices[None, :, None, None].expand(len(x), -1, 1, 2)
        hold_or_rest = hold_or_rest.gather(-2, which)[:, :, 0]
        silent = (was[:, voices] == NONE)[..., None]
        hold = hold_or_rest[..., :1].masked_fill(silent, -torch.inf)
        logits = torch.cat([hold, hold_or_rest[..., 1:], pitches], dim=-1) / network.calibration
        return -logits.log_softmax(dim=-1)

    def _told(
        self, was: Tensor, now: Tensor, context: Tensor, tonic: Tensor, seen: Tensor, voices: Tensor
    ) -> Tensor:
        """``(Q, U, K)`` the features of the notes of the step that each voice sees."""
        tables, network = self.tables, self.network
        pitch, kind = now[..., 0], now[..., 1]
        leap = tables.leap[(was + 1) * tables.pitches + pitch + 1]
        absent = torch.full_like(pitch, NONE)
        degree = tables.degrees(pitch, tonic)
        parts = (kind, tables.height[pitch + 1], degree, absent, leap)
        each = torch.stack(parts, dim=-1)[:, None]  # (Q, 1, V, 5)
        unseen = torch.tensor([UNKNOWN, *[NONE] * 4])
        told = torch.where(seen[..., None], each, unseen).flatten(-2)
        between = tables.intervals(pitch[:, tables.upper], pitch[:, tables.lower])[:, None]
        pairs = seen[..., tables.upper] & seen[..., tables.lower]
        between = torch.where(pairs, between, NONE)
        own = was[:, voices][..., None]  # (Q, U, 1)
        apart = torch.where(seen, tables.intervals(own, pitch[:, None]), NONE)
        found = [told, between, apart]
        if network.config.chords:
            chords = _chords(context)
            places = tables.places(degree, chords.root, chords.quality)[:, None]
            found.append(torch.where(seen, places, NONE))
        found.append(voices[None, :, None].expand(len(now), -1, 1))
        return torch.cat(found, dim=-1)

    def _index(
        self,
        was: Tensor,
        pitch: Tensor,
        context: Tensor,
        tonic: Tensor,
        seen: Tensor,
        voices: Tensor,
    ) -> Tensor:
        """``(Q, U, R, P)`` what ``VoiceTransformer.pitch_index`` gives for these voices."""
        others = torch.where(seen, pitch[:, None], was[:, None])  # (Q, U, V)
        row = (seen.long() * self.tables.pitches + others + 1) * len(self.lowest)
        interval = self.relation[row + voices[None, :, None]]  # (Q, U, V, P)
        height = self.heights[voices][None, :, None].expand(len(was), -1, 1, -1)
        degree = self.pitch_degrees[tonic, voices[None]]  # (Q, U, P)
        parts = [height, degree[:, :, None], interval]
        if self.network.config.chords:
            root, quality, bass, next_root, next_quality = (c[:, 0] for c in _chords(context))
            rows = torch.stack(
                [
                    self.chord_relation[root * self.tables.qualities + quality],
                    self.bass_relation[bass],
                    self.chord_relation[next_root * self.tables.qualities + next_quality],
                ],
                dim=1,
            )  # (Q, 3, 12)
            rows = rows[:, None].expand(-1, len(voices), -1, -1)
            degrees = degree[:, :, None].expand(-1, -1, CHORD_RELATIONS, -1)
            parts.append(rows.gather(-1, degrees))
        return torch.cat(parts, dim=-2)


class _Relations(NamedTuple):
    """Tables of how every pitch of every voice stands to something."""

    lowest: Tensor
    """``(V,)``"""
    relation: Tensor
    """``(2 * pitches * V, P)`` to a note of the step before, and of this step."""
    heights: Tensor
    """``(V, P)``"""
    pitch_degrees: Tensor
    """``(12, V, P)`` above each tonic."""
    outside: Tensor
    """``(V, P)`` minus infinity above a voice's highest pitch, else 0."""
    chord_relation: Tensor
    """``(13 * qualities, 12)`` of each degree to each chord."""
    bass_relation: Tensor
    """``(13, 12)`` of each degree to each bass."""


def _relations(network: VoiceTransformer) -> _Relations:
    config = network.config
    voices = list(network.voices)
    pitch = torch.tensor([NONE, *range(MIDI_PITCHES)])[:, None, None]  # (pitches, 1, 1)
    every = pitch.expand(-1, 1, len(voices))
    found = []
    for kind in (UNKNOWN, BEGUN):
        notes = Notes(every, torch.full_like(every, kind), every, every)
        index = network.pitch_index(voices, every, notes, torch.zeros(1, 1, dtype=torch.int64))
        found.append(index[..., 2, :])  # (pitches, V, P) to the first voice, as to any other
    tonics = torch.arange(12)[:, None]
    any_note = torch.zeros(12, 1, len(voices), dtype=torch.int64)
    index = network.pitch_index(voices, any_note, Notes(*[any_note] * 4), tonics)
    turn = network.turn(voices)
    chords = bass = torch.zeros(1, 12, dtype=torch.int64)
    if config.chords:
        roots, qualities = torch.arange(13)[:, None], torch.arange(len(network.members.table))
        zeros = torch.zeros(13, len(qualities), dtype=torch.int64)
        each = Chords(zeros + roots, zeros + qualities, zeros, zeros, zeros)
        chords = network.members.relations(torch.arange(12), each)[..., 0, :].flatten(0, 1)
        zeros = zeros[:, 0]
        each = Chords(zeros, zeros, torch.arange(13), zeros, zeros)
        bass = network.members.relations(torch.arange(12), each)[:, 1]
    return _Relations(
        network.lowest,
        torch.stack(found).flatten(0, 2),
        index[0, :, 0],
        index[:, :, 1],
        torch.zeros(turn.outside.shape).masked_fill(turn.outside, -torch.inf),
        chords,
        bass,
    )


def _chords(context: Tensor) -> Chords:
    """The chords of contexts ``(..., C)``, each ``(..., 1)``."""
    first = context.shape[-1] - len(COLUMNS)
    columns = (first + COLUMNS.index(name) for name in Chords._fields)
    return Chords(*(context[..., column : column + 1] for column in columns))


def _looked_up(layer: FeatureSum, features: Tensor) -> Tensor:
    """``FeatureSum.forward`` for few rows."""
    index = torch.where(features == NONE, layer.count, features + layer.first)
    return F.embedding(index, layer.weight).sum(dim=-2)


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Queries or keys ``(..., D)``, rotated."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
