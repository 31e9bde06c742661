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
    """The sizes of MiniBach's layers. Raises ValueError where one is below 1."""

    inputs: int
    """Length of the flattened one-hot soprano: steps times the soprano's symbols."""
    outputs: int
    """Length of the flattened one-hot accompaniment: steps times the symbols of A, T and B."""
    hidden: int = 200
    """Units of the hidden layer; 200 in the book."""

    def __post_init__(self) -> None:
        if min(self.inputs, self.outputs, self.hidden) < 1:
            raise ValueError(f"every layer has at least one unit: {self}")


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
