"""Tables of the relations of every pitch of every voice to notes, chords and basses.

``graphs.voices`` looks relations up in them.

Axes: ``V`` voices, ``P`` pitches of a voice.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from musicae.models.chords import Chords
from musicae.models.notes import Notes
from musicae.models.vocabulary import BEGUN, MIDI_PITCHES, NONE, ROOTS, UNKNOWN
from musicae.models.voice_transformer import VoiceTransformer


class Relations(NamedTuple):
    """Tables of the relations of every pitch of every voice; indices into
    ``VoiceTransformer.intervals``."""

    relation: Tensor
    """``(2 * pitches * V, P)`` the interval to each pitch: first as a note of the step before, then
    as a note of this step."""
    heights: Tensor
    """``(V, P)`` the height of each pitch."""
    degrees: Tensor
    """``(12 * V, P)`` the degree above each tonic."""
    outside: Tensor
    """``(V, P)`` minus infinity above a voice's highest pitch, else 0."""
    of_chords: Tensor
    """``(chords + 13 + chords, 12)`` the relation of each degree to each chord, to each bass and to
    each next chord."""
    bases: Tensor
    """``(3,)`` the first row of each of these three parts."""


def relations_of(network: VoiceTransformer) -> Relations:
    """The tables for a network, filled by its own ``pitch_index`` and chord members."""
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
    outside = network.turn(voices).outside
    qualities = torch.arange(len(network.members.table))
    none = torch.zeros(ROOTS, len(qualities), dtype=torch.int64)
    roots = torch.arange(ROOTS)[:, None]
    each = Chords(none + roots, none + qualities, none + roots, none, none)
    to_chord, to_bass, _ = network.members.relations(torch.arange(12), each).unbind(-2)
    chords, bass = to_chord.flatten(0, 1), to_bass[:, 0]
    return Relations(
        torch.stack(found).flatten(0, 2),
        index[0, :, 0],
        index[:, :, 1].flatten(0, 1),
        torch.zeros(outside.shape).masked_fill(outside, -torch.inf),
        torch.cat([chords, bass, chords]),
        torch.tensor([0, len(chords), len(chords) + len(bass)]),
    )
