"""The graph of the key finder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from musicae.models.graphs import Graph
from musicae.models.key_finder import KeyFinder
from musicae.models.vocabulary import N_PIECE

NOTES = 5
"""Notes in the example inputs."""


def graphs(network: KeyFinder) -> dict[str, Graph]:
    """``find``: a piece as ``KeyFinder`` reads it, in a batch of one -> scores ``(1, 12, 5)``."""
    inputs = {
        "pitch_class": torch.arange(NOTES)[None],
        "notes": torch.zeros(1, NOTES, network.config.n_features),
        "weight": torch.full((1, NOTES), 1 / NOTES),
        "piece": torch.zeros(1, N_PIECE),
    }
    axes = {name: {1: "N"} for name in ("pitch_class", "notes", "weight")}
    return {"find": Graph(_Find(network), inputs, ("scores",), axes)}


class _Find(nn.Module):
    def __init__(self, network: KeyFinder) -> None:
        super().__init__()
        self.network = network

    def forward(self, pitch_class: Tensor, notes: Tensor, weight: Tensor, piece: Tensor) -> Tensor:
        scores: Tensor = self.network(pitch_class, notes, weight, piece, padded=False)
        return scores
