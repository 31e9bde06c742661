"""The graph of the autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from musicae.models.autoencoder import Autoencoder
from musicae.models.graphs import Graph


def graphs(network: Autoencoder) -> dict[str, Graph]:
    """``decode``: codes ``(B, bottleneck)`` -> logits ``(B, inputs)``."""
    example = torch.zeros(2, network.config.bottleneck)
    axes = {"code": {0: "B"}, "logits": {0: "B"}}
    return {"decode": Graph(_Decode(network), {"code": example}, ("logits",), axes)}


class _Decode(nn.Module):
    def __init__(self, network: Autoencoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, code: Tensor) -> Tensor:
        return self.network.decode(code)
