"""The graph of MiniBach."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from musicae.models.graphs import Graph
from musicae.models.minibach import MiniBach


def graphs(network: MiniBach) -> dict[str, Graph]:
    """``accompany``: one-hot sopranos ``(B, inputs)`` -> probabilities ``(B, outputs)``."""
    example = torch.zeros(2, network.config.inputs)
    axes = {"soprano": {0: "B"}, "probabilities": {0: "B"}}
    return {"accompany": Graph(_Accompany(network), {"soprano": example}, ("probabilities",), axes)}


class _Accompany(nn.Module):
    def __init__(self, network: MiniBach) -> None:
        super().__init__()
        self.network = network

    def forward(self, soprano: Tensor) -> Tensor:
        return torch.sigmoid(self.network(soprano))
