"""MiniBach: four bars of soprano in, alto, tenor and bass out, through one hidden layer.

After Briot, Hadjeres and Pachet, *Deep Learning Techniques for Music Generation* (Springer 2020),
section 6.2.2, and napulen/MiniBach. Unlike both, a rest has a symbol of its own.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from musicae.models.configs import MiniBachConfig


class MiniBach(nn.Module):
    """A feedforward classifier of all symbols at once, trained with binary cross-entropy."""

    def __init__(self, config: MiniBachConfig) -> None:
        super().__init__()
        self.config = config
        self.hidden = nn.Linear(config.inputs, config.hidden)
        self.output = nn.Linear(config.hidden, config.outputs)

    def forward(self, soprano: Tensor) -> Tensor:
        """Flattened soprano ``(B, inputs)`` -> logits ``(B, outputs)`` of a sigmoid."""
        logits: Tensor = self.output(F.relu(self.hidden(soprano)))
        return logits
