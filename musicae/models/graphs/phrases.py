"""The graph of the phrase segmenter."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from musicae.models.graphs import Graph
from musicae.models.phrase_segmenter import PhraseSegmenter

NOTES = 7
"""Notes in the example inputs."""


def graphs(network: PhraseSegmenter) -> dict[str, Graph]:
    """``segment``: features ``(N, F)`` and onsets in bars ``(N,)`` -> logits ``(N,)``."""
    inputs = {
        "features": torch.zeros(NOTES, network.config.n_features),
        "times": torch.arange(NOTES) / 4,
    }
    axes = {name: {0: "N"} for name in ("features", "times", "logits")}
    return {"segment": Graph(_Segment(network), inputs, ("logits",), axes)}


class _Segment(nn.Module):
    def __init__(self, network: PhraseSegmenter) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, times: Tensor) -> Tensor:
        every = torch.ones_like(times, dtype=torch.bool)
        logits: Tensor = self.network(features[None], times[None], every[None])[0]
        return logits
