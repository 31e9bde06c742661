"""Recurrent layers that are exported as one operator each.

PyTorch's own export sorts the weights of each layer with a hundred operators, which take longer to
load than the layer to run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class GRU(nn.GRU):
    """``nn.GRU`` of one layer with ``batch_first`` and without an initial state."""

    def forward(self, values: Any, hx: Tensor | None = None) -> Any:
        """``(N, B, C)`` -> ``(N, B, directions * width)``, and the last state, if not exported."""
        if torch.onnx.is_in_onnx_export():
            found = _Exported.apply(values, self.bidirectional, *self._flat_weights)  # type: ignore[no-untyped-call]
            return found, None
        return super().forward(values, hx)


class _Exported(torch.autograd.Function):
    """A layer as ONNX has it: gates sorted otherwise, both directions in one operator."""

    @staticmethod
    def forward(_: Any, values: Tensor, both: bool, *weights: Tensor) -> Tensor:
        state = values.new_zeros(1 + both, values.shape[0], weights[1].shape[1])
        found: Tensor = torch.gru(values, state, weights, True, 1, 0.0, False, both, True)[0]
        return found

    @staticmethod
    def symbolic(g: Any, values: Any, both: bool, *weights: Any) -> Any:
        size = weights[1].type().sizes()[1]
        zero = g.op("Constant", value_t=torch.tensor([0]))
        # Of torch: reset, update, new; of ONNX: update, reset, new.
        gates = torch.arange(3 * size).view(3, size)[[1, 0, 2]].flatten()
        order = g.op("Constant", value_t=gates)

        def stacked(*which: int) -> Any:
            rows = [
                [g.op("Gather", weights[4 * side + w], order, axis_i=0) for w in which]
                for side in range(1 + both)
            ]
            joined = [g.op("Concat", *row, axis_i=0) if len(row) > 1 else row[0] for row in rows]
            each = [g.op("Unsqueeze", row, zero) for row in joined]
            return g.op("Concat", *each, axis_i=0) if both else each[0]

        steps = g.op("Transpose", values, perm_i=[1, 0, 2])
        facts = {
            "hidden_size_i": size,
            "direction_s": "bidirectional" if both else "forward",
            "linear_before_reset_i": 1,
        }
        every, _ = g.op("GRU", steps, stacked(0), stacked(1), stacked(2, 3), outputs=2, **facts)
        # (B, directions, N, width) -> (N, B, directions * width)
        turned = g.op("Transpose", every, perm_i=[2, 0, 1, 3])
        shape = g.op("Constant", value_t=torch.tensor([0, 0, -1]))
        return g.op("Reshape", turned, shape)
