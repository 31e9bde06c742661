"""The graphs of the chorale VAE.

Inputs: ``context`` and ``tonic`` are fields of ``MaskedBatch``, ``beats`` is a field of
``BeatBatch``, ``whole`` and ``vectors`` are the fields of ``Latent``, and ``notes``
``(B, T, V, 4)`` are those of ``graphs.voices``. The axes are those of ``models.vae``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from musicae.models.batches import BeatBatch, Latent, MaskedBatch
from musicae.models.graphs import Graph, voices
from musicae.models.notes import Notes
from musicae.models.vae import ChoraleVAE
from musicae.models.vocabulary import NONE

_NOTHING = torch.zeros(0)


def graphs(network: ChoraleVAE) -> dict[str, Graph]:
    """The functions of a VAE that inference runs.

    - ``encode``: chorales -> the means of their posteriors ``(B, Z)`` and ``(B, M, Y)``.
    - ``forms``: the context of chorales -> the form of each beat ``(B, M, W)``.
    - ``prior``: the arguments of ``ChoraleVAE.draw_beat`` -> its results.
    - ``potentials``: latent vectors -> ``unary`` ``(B, M, S)`` and ``weights`` ``(B, M - 1, K)``.
    - ``condition``: latent vectors -> the conditioning of the decoder ``(B, J, W)``.
    - ``frame`` and ``head``: the decoder; see ``graphs.voices``.
    """
    config = network.config
    frames, steps = 6, 6 * config.stride
    beats = torch.arange(frames).repeat(2, 1) // 2
    context = torch.zeros(2, steps, len(config.context), dtype=torch.int64)
    form = {"context": context, "beats": beats}
    latent = {"whole": torch.zeros(2, config.piece), "vectors": torch.zeros(2, 3, config.beat)}
    given = latent | form | {"blur": torch.zeros(2)}
    notes = torch.full((2, steps, len(config.lowest), voices.FIELDS), NONE)
    whole = {"notes": notes, "tonic": torch.zeros(2, dtype=torch.int64)} | form
    past = torch.zeros(2, config.prior_layers, 2, 2, config.width)
    before = {
        "before": torch.zeros(2, config.beat),
        "whole": torch.zeros(2, config.piece),
        "form": torch.zeros(2, config.width),
        "chance": torch.zeros(2),
        "noise": torch.zeros(2, config.beat),
        "position": torch.zeros(1, dtype=torch.int64),
        "past": past,
    }
    return {
        "encode": _graph(_Encode(network), whole, ("mean", "means")),
        "forms": _graph(_Forms(network), form, ("forms",)),
        "prior": _graph(_Prior(network), before, ("vector", "kept")),
        "potentials": _graph(_Potentials(network), given, ("unary", "weights")),
        "condition": _graph(_Condition(network), given, ("conditioning",)),
    } | voices.graphs(network)


_AXES = {
    "context": {0: "B", 1: "T"},
    "notes": {0: "B", 1: "T"},
    "tonic": {0: "B"},
    "beats": {0: "B", 1: "J"},
    "whole": {0: "B"},
    "vectors": {0: "B", 1: "M"},
    "blur": {0: "B"},
    "before": {0: "B"},
    "form": {0: "B"},
    "chance": {0: "B"},
    "noise": {0: "B"},
    "past": {0: "P", 3: "B"},
    "mean": {0: "B"},
    "means": {0: "B", 1: "M"},
    "forms": {0: "B", 1: "M"},
    "vector": {0: "B"},
    "kept": {3: "B"},
    "unary": {0: "B", 1: "M"},
    "weights": {0: "B", 1: "transitions"},
    "conditioning": {0: "B", 1: "J"},
}


def _graph(module: nn.Module, inputs: dict[str, Tensor], outputs: tuple[str, ...]) -> Graph:
    return Graph(
        module, inputs, outputs, {k: v for k, v in _AXES.items() if k in inputs or k in outputs}
    )


def _form(context: Tensor, beats: Tensor) -> BeatBatch:
    """A batch of forms without notes."""
    return BeatBatch(MaskedBatch(_NOTHING, _NOTHING, context, _NOTHING), beats)


class _OfNetwork(nn.Module):
    def __init__(self, network: ChoraleVAE) -> None:
        super().__init__()
        self.network = network


class _Encode(_OfNetwork):
    def forward(
        self, notes: Tensor, tonic: Tensor, context: Tensor, beats: Tensor
    ) -> tuple[Tensor, Tensor]:
        known = torch.ones_like(notes[..., 0], dtype=torch.bool)
        piece = BeatBatch(MaskedBatch(_NOTHING, known, context, tonic), beats)
        mean = self.network.encode(piece, Notes(*notes.unbind(-1))).mean
        return mean.piece, mean.beats


class _Forms(_OfNetwork):
    def forward(self, context: Tensor, beats: Tensor) -> Tensor:
        return self.network.beat_forms(_form(context, beats))


class _Prior(_OfNetwork):
    def forward(
        self,
        before: Tensor,
        whole: Tensor,
        form: Tensor,
        chance: Tensor,
        noise: Tensor,
        position: Tensor,
        past: Tensor,
    ) -> tuple[Tensor, Tensor]:
        numbers = Latent(chance, noise)
        return self.network.draw_beat(Latent(whole, before), form, numbers, position, past)


class _Potentials(_OfNetwork):
    def forward(
        self, whole: Tensor, vectors: Tensor, context: Tensor, beats: Tensor, blur: Tensor
    ) -> tuple[Tensor, Tensor]:
        found = self.network.potentials(Latent(whole, vectors), _form(context, beats), blur)
        return found.unary, found.weights


class _Condition(_OfNetwork):
    def forward(
        self, whole: Tensor, vectors: Tensor, context: Tensor, beats: Tensor, blur: Tensor
    ) -> Tensor:
        return self.network.condition(Latent(whole, vectors), _form(context, beats), blur)
