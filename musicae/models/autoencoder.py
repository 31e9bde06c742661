"""The plain autoencoder: it reconstructs four bars of four voices from a bottleneck.

It is the step between MiniBach and the variational autoencoder. To generate music, a code is drawn
from a normal distribution that is fitted to the codes of the training pieces, and decoded (Briot,
Hadjeres and Pachet 2020, section 6.4).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from musicae.models.configs import AutoencoderConfig


class Autoencoder(nn.Module):
    """Encoder, decoder, and the normal distribution of codes for sampling."""

    code_mean: Tensor
    """``(bottleneck,)`` the mean of the codes."""
    code_scale: Tensor
    """``(bottleneck, bottleneck)`` a matrix A with A Aᵀ = the covariance of the codes."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = nn.Sequential(
            nn.Linear(config.inputs, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.bottleneck),
        )
        self.decoder = nn.Sequential(
            nn.Linear(config.bottleneck, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.inputs),
        )
        self.register_buffer("code_mean", torch.zeros(config.bottleneck))
        self.register_buffer("code_scale", torch.eye(config.bottleneck))

    def encode(self, piece: Tensor) -> Tensor:
        """Flattened pieces ``(B, inputs)`` -> codes ``(B, bottleneck)``."""
        code: Tensor = self.encoder(piece)
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Codes ``(B, bottleneck)`` -> logits ``(B, inputs)``."""
        logits: Tensor = self.decoder(code)
        return logits

    def forward(self, piece: Tensor) -> Tensor:
        """Flattened pieces ``(B, inputs)`` -> logits of the same pieces ``(B, inputs)``."""
        return self.decode(self.encode(piece))

    @torch.no_grad()
    def fit_codes(self, codes: Tensor) -> None:
        """Fit the normal distribution to the codes ``(N, bottleneck)`` of the training pieces."""
        self.code_mean.copy_(codes.mean(dim=0))
        # No Cholesky factor: the covariance is singular if a unit's output is constant.
        variances, axes = torch.linalg.eigh(torch.cov(codes.T))
        self.code_scale.copy_(axes * variances.clamp_min(0).sqrt())
