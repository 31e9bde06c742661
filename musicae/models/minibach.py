"""MiniBach: four bars of soprano in, alto, tenor and bass out, through one hidden layer.

After Briot, Hadjeres and Pachet, *Deep Learning Techniques for Music Generation* (Springer 2020),
section 6.2.2, and napulen/MiniBach. Unlike both, a rest has a symbol of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class MiniBachConfig:
    inputs: int
    """Length of the flat one-hot soprano: steps times the soprano's symbols."""
    outputs: int
    """Length of the flat one-hot accompaniment: steps times the symbols of A, T and B."""
    hidden: int = 200
    """Units of the one hidden layer; the book's 200."""

    def __post_init__(self) -> None:
        if min(self.inputs, self.outputs, self.hidden) < 1:
            raise ValueError(f"every layer has at least one unit: {self}")


class MiniBach(nn.Module):
    """A feedforward classifier of every symbol at once, trained on binary cross-entropy."""

    def __init__(self, config: MiniBachConfig) -> None:
        super().__init__()
        self.config = config
        self.hidden = nn.Linear(config.inputs, config.hidden)
        self.output = nn.Linear(config.hidden, config.outputs)

    def forward(self, soprano: Tensor) -> Tensor:
        """Flat soprano ``(B, inputs)`` -> logits ``(B, outputs)``; sigmoid makes probabilities."""
        logits: Tensor = self.output(F.relu(self.hidden(soprano)))
        return logits
