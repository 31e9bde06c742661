"""Normal distributions and mixtures of them, built from the outputs of networks.

Axes: ``D`` dimensions, ``K`` components of a mixture.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE = -7.0, 3.0
"""Bounds to which log-variances are clipped."""


class Gaussian(NamedTuple):
    """A normal distribution with diagonal covariance; both fields are ``(..., D)``."""

    mean: Tensor
    log_variance: Tensor

    @classmethod
    def of(cls, x: Tensor) -> Gaussian:
        """The distribution with the means and log-variances that are concatenated in
        ``(..., 2 D)``. Log-variances are clipped."""
        mean, log_variance = x.float().chunk(2, dim=-1)
        return cls(mean, log_variance.clamp(LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE))

    def draw(self) -> Tensor:
        """A sample by the reparameterization trick, with torch's global random generator."""
        return self.at(torch.randn_like(self.mean))

    def at(self, noise: Tensor) -> Tensor:
        """The point that is ``noise`` ``(..., D)`` standard deviations from the mean."""
        return self.mean + noise * (0.5 * self.log_variance).exp()

    def entropy(self) -> Tensor:
        """``(...)`` the differential entropy, in nats."""
        return 0.5 * (self.log_variance + math.log(2 * math.pi * math.e)).sum(dim=-1)

    def detach(self) -> Gaussian:
        """The same distribution without gradients."""
        return Gaussian(self.mean.detach(), self.log_variance.detach())


class Mixture(NamedTuple):
    """A mixture of ``K`` normal distributions with diagonal covariances."""

    log_share: Tensor
    """``(..., K)`` logarithms of the components' shares, which sum to 1."""
    mean: Tensor
    """``(..., K, D)``"""
    log_variance: Tensor
    """``(..., K, D)``"""

    @classmethod
    def of(cls, x: Tensor, components: int) -> Mixture:
        """The mixture from the network's output ``(..., K (1 + 2 D))``.

        It holds for each component the logit of its share, ``D`` means and ``D`` log-variances.
        """
        x = x.float().view(*x.shape[:-1], components, -1)
        mean, log_variance = x[..., 1:].chunk(2, dim=-1)
        log_variance = log_variance.clamp(LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE)
        return cls(x[..., 0].log_softmax(dim=-1), mean, log_variance)

    def log_density(self, point: Tensor) -> Tensor:
        """``(...)`` the logarithm of the density at points ``(..., D)``."""
        apart = (point[..., None, :] - self.mean).square() * (-self.log_variance).exp()
        each = -0.5 * (apart + self.log_variance + math.log(2 * math.pi)).sum(dim=-1)
        return (self.log_share + each).logsumexp(dim=-1)

    def at(self, chance: Tensor, noise: Tensor) -> Tensor:
        """``(..., D)`` samples, made from random numbers.

        ``chance`` ``(...)`` are uniform in [0, 1) and choose components; ``noise`` ``(..., D)`` are
        standard normal.
        """
        passed = self.log_share.exp().cumsum(dim=-1) <= chance[..., None]
        chosen = passed.sum(dim=-1).clamp_max(self.log_share.shape[-1] - 1)
        index = chosen[..., None, None].expand(*chosen.shape, 1, self.mean.shape[-1])
        component = (part.gather(-2, index)[..., 0, :] for part in (self.mean, self.log_variance))
        return Gaussian(*component).at(noise)

    def detach(self) -> Mixture:
        """The same distribution without gradients."""
        return Mixture(*(part.detach() for part in self))


def divergence(q: Gaussian, p: Gaussian) -> Tensor:
    """``(..., D)`` the Kullback-Leibler divergence KL(q || p) of each dimension, in nats."""
    variance = (q.log_variance - p.log_variance).exp()
    apart = (q.mean - p.mean).square() * (-p.log_variance).exp()
    return 0.5 * (variance + apart - 1 + p.log_variance - q.log_variance)


def standard(like: Gaussian) -> Gaussian:
    """The standard normal distribution in the shape of ``like``."""
    return Gaussian(torch.zeros_like(like.mean), torch.zeros_like(like.mean))


def divergence_from_mixture(q: Gaussian, p: Mixture, drawn: Tensor | None = None) -> Tensor:
    """``(...)`` an estimate of the Kullback-Leibler divergence KL(q || p), in nats.

    ``drawn`` ``(..., D)`` are samples of ``q``; with them the estimate is unbiased. Without them,
    the log density of ``p`` is averaged over two opposite points that are one standard deviation
    from the mean of ``q`` in each dimension. This estimate is deterministic, and exact if ``p`` has
    one component.
    """
    if drawn is not None:
        return -q.entropy() - p.log_density(drawn)
    signs = torch.ones_like(q.mean)
    signs[..., 1::2] = -1
    cross = 0.5 * (p.log_density(q.at(signs)) + p.log_density(q.at(-signs)))
    return -q.entropy() - cross
