"""Only the matrix products of a decoder of voices; ``decoding.compiled`` computes the rest.

They are the products of the graphs ``frame`` and ``head`` of ``graphs.voices``.

Axes: ``M`` rows, ``W`` width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from musicae.models.graphs import Graph
from musicae.models.voice_transformer import VoiceTransformer


def products(network: VoiceTransformer) -> dict[str, Graph]:
    """The graphs ``layer0`` and so on, ``state`` and ``scores`` of any decoder of voices."""
    rows = torch.zeros(2, network.config.width)
    each = {"past": rows, "heard": rows}

    def of_rows(module: nn.Module, inputs: dict[str, Tensor], *outputs: str) -> Graph:
        return Graph(module, inputs, outputs, {name: {0: "M"} for name in (*inputs, *outputs)})

    count = network.config.decoder_layers
    return {
        **{f"layer{i}": of_rows(_Layer(network, i), each, "passed", "parts") for i in range(count)},
        "state": of_rows(_State(network, count), each | {"conditioning": rows}, "state"),
        "scores": of_rows(_Scores(network), {"rows": rows}, "queries", "hold_or_rest"),
    }


class _Layer(nn.Module):
    """The matrix products of a frame between two attentions: those after the attention of the layer
    before, and the queries, keys and values ``(M, 3 W)`` of this layer.

    ``past`` ``(M, W)`` is the residual input of the attention of the layer before, and ``heard``
    ``(M, W)`` is the result of that attention. For the first layer they are the sum of the embedded
    features and the conditioning.
    """

    def __init__(self, network: VoiceTransformer, layer: int) -> None:
        super().__init__()
        self.network, self.layer = network, layer

    def forward(self, past: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
        network, layer = self.network, self.layer
        x = self.after(past, heard) if layer else past + network.heard(heard)
        block: Any = network.decoder[layer]
        return x, block.attention.inputs(block.norm(x))

    def after(self, past: Tensor, heard: Tensor) -> Tensor:
        """``(M, W)`` the output of the layer before."""
        block: Any = self.network.decoder[self.layer - 1]
        x = past + block.attention.output(heard)
        after: Tensor = x + block.feedforward(x)
        return after


class _State(_Layer):
    """The matrix products after the last layer's attention."""

    def forward(self, past: Tensor, heard: Tensor, conditioning: Tensor) -> Tensor:  # type: ignore[override]
        x = self.network.decoder_norm(self.after(past, heard))
        state: Tensor = self.network.to_step(torch.cat([x, conditioning], dim=-1))
        return state


class _Scores(nn.Module):
    """The matrix products that score symbols; each of the rows ``(M, W)`` is for one voice."""

    def __init__(self, network: VoiceTransformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        network = self.network
        for layer in network.head:
            rows = rows + layer(rows)
        rows = network.score_norm(rows)
        return network.queries(rows), network.hold_or_rest(rows)
