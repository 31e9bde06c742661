"""Recurrent layers that are exported as one ONNX operator each.

PyTorch's own export reorders the weights of each layer with a hundred operators. Loading these
takes longer than running the layer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class GRU(nn.GRU):
    """``nn.GRU`` of one layer with ``batch_first`` and without an initial state."""

    def forward(self, values: Any, hx: Tensor | None = None) -> Any:
        """``(N, B, C)`` -> ``(N, B, directions * width)`` and the last state.

        A single sequence may be ``(B, C)``. During export the state is None.
        """
        if torch.onnx.is_in_onnx_export():
            found = _Exported.apply(values, self.bidirectional, *self._flat_weights)  # type: ignore[no-untyped-call]
            return found, None
        return super().forward(values, hx)


class _Exported(torch.autograd.Function):
    """The layer as one ONNX operator for both directions; ONNX orders the gates differently."""

    @staticmethod
    def forward(_: Any, values: Tensor, both: bool, *weights: Tensor) -> Tensor:
        batch = values if values.dim() == 3 else values[None]
        state = batch.new_zeros(1 + both, batch.shape[0], weights[1].shape[1])
        found: Tensor = torch.gru(batch, state, weights, True, 1, 0.0, False, both, True)[0]
        return found if values.dim() == 3 else found[0]

    @staticmethod
    def symbolic(g: Any, values: Any, both: bool, *weights: Any) -> Any:
        size, single = weights[1].type().sizes()[1], values.type().dim() == 2
        # Gates in torch: reset, update, new; in ONNX: update, reset, new.
        gates = torch.arange(3 * size).view(3, size)[[1, 0, 2]].flatten()

        def constant(numbers: Tensor) -> Any:
            return g.op("Constant", value_t=numbers)

        def stacked(*which: int) -> Any:
            """``(directions, rows, ...)`` the weights of all directions, gates in ONNX's order."""
            rows = [weights[4 * side + w] for side in range(1 + both) for w in which]
            joined = g.op("Concat", *rows, axis_i=0) if len(rows) > 1 else rows[0]
            order = torch.cat([gates + 3 * size * row for row in range(len(rows))])
            shape = [1 + both, 3 * size * len(which), *weights[which[0]].type().sizes()[1:]]
            found = g.op("Gather", joined, constant(order), axis_i=0)
            return g.op("Reshape", found, constant(torch.tensor(shape)))

        one = constant(torch.tensor([1]))
        # (N, B, C) -> (B, N, C)
        steps = (
            g.op("Unsqueeze", values, one)
            if single
            else g.op("Transpose", values, perm_i=[1, 0, 2])
        )
        facts = {
            "hidden_size_i": size,
            "direction_s": "bidirectional" if both else "forward",
            "linear_before_reset_i": 1,
        }
        every, _ = g.op("GRU", steps, stacked(0), stacked(1), stacked(2, 3), outputs=2, **facts)
        # (B, directions, N, width) -> (N, B, directions * width)
        turned = every if single else g.op("Transpose", every, perm_i=[2, 0, 1, 3])
        shape = torch.tensor([0, -1] if single else [0, 0, -1])
        return g.op("Reshape", turned, constant(shape))
