"""Normal distributions and mixtures of them, beside those of ``torch.distributions``."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence

from musicae.models.distributions import (
    LEAST_LOG_VARIANCE,
    MOST_LOG_VARIANCE,
    Gaussian,
    Mixture,
    divergence,
    divergence_from_mixture,
    standard,
)

SEEDS = st.integers(0, 2**32 - 1)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def gaussian(seed, *shape):
    numbers = generator(seed)
    return Gaussian(
        torch.randn(shape, generator=numbers), torch.randn(shape, generator=numbers).clamp(-3, 3)
    )


def mixture(seed, components, *shape):
    """A mixture of random components; the last of ``shape`` are the dimensions."""
    *before, dimensions = shape
    outputs = torch.randn(*before, components * (1 + 2 * dimensions), generator=generator(seed))
    return Mixture.of(outputs, components)


def normal(distribution):
    return Normal(distribution.mean, (0.5 * distribution.log_variance).exp())


def reference(distribution):
    """The same mixture in ``torch.distributions``."""
    each = Independent(normal(distribution), 1)
    return MixtureSameFamily(Categorical(logits=distribution.log_share), each)


# Normal distributions


def test_outputs_of_a_network_are_means_and_clipped_log_variances():
    found = Gaussian.of(torch.tensor([[1.0, 2.0, -50.0, 50.0], [3.0, 4.0, 0.5, -0.5]]))
    assert found.mean.tolist() == [[1, 2], [3, 4]]
    assert found.log_variance.tolist() == [[LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE], [0.5, -0.5]]


@settings(max_examples=25)
@given(SEEDS)
def test_divergence_and_entropy_equal_torchs(seed):
    q, p = gaussian(seed, 2, 3), gaussian(seed + 1, 2, 3)
    tolerance = {"atol": 1e-4, "rtol": 1e-4}
    torch.testing.assert_close(divergence(q, p), kl_divergence(normal(q), normal(p)), **tolerance)
    torch.testing.assert_close(divergence(q, q), torch.zeros(2, 3), atol=1e-6, rtol=0)
    unit = Normal(torch.zeros(2, 3), torch.ones(2, 3))
    torch.testing.assert_close(
        divergence(q, standard(q)), kl_divergence(normal(q), unit), **tolerance
    )
    torch.testing.assert_close(q.entropy(), normal(q).entropy().sum(dim=-1), **tolerance)


def test_draws_have_the_mean_and_the_variance():
    torch.manual_seed(0)
    drawn = Gaussian(torch.full((20_000,), 2.0), torch.full((20_000,), -1.0)).draw()
    assert drawn.mean().item() == pytest.approx(2, abs=0.02)
    assert drawn.var().item() == pytest.approx(math.exp(-1), rel=0.05)


# Mixtures


def test_outputs_of_a_network_are_shares_means_and_clipped_log_variances():
    """One component after the other, each with its share first."""
    found = Mixture.of(
        torch.tensor([0.0, 1.0, 2.0, -50.0, 0.0, math.log(3), 3.0, 4.0, 0.0, 50.0]), 2
    )
    torch.testing.assert_close(found.log_share.exp(), torch.tensor([0.25, 0.75]))
    assert found.mean.tolist() == [[1, 2], [3, 4]]
    assert found.log_variance.tolist() == [[LEAST_LOG_VARIANCE, 0], [0, MOST_LOG_VARIANCE]]


@settings(max_examples=25)
@given(SEEDS, st.integers(1, 4))
def test_the_density_of_a_mixture_equals_torchs(seed, components):
    found = mixture(seed, components, 2, 5, 3)
    points = torch.randn(2, 5, 3, generator=generator(seed + 1))
    expected = reference(found).log_prob(points)
    assert expected.shape == (2, 5)
    torch.testing.assert_close(found.log_density(points), expected, atol=1e-4, rtol=1e-4)


def test_components_are_drawn_in_proportion_to_their_shares():
    """The components are far apart, so that a sample shows its component; noise moves it only a
    little."""
    shares, means = torch.tensor([0.1, 0.6, 0.3]), torch.tensor([-100.0, 0.0, 100.0])
    found = Mixture(shares.log(), means[:, None], torch.tensor([0.0, 2.0, -2.0])[:, None])
    chance = (torch.arange(1000) + 0.5) / 1000
    noise = torch.randn(1000, 1, generator=generator(0))
    many = Mixture(*(part.expand(1000, *part.shape) for part in found))
    drawn = many.at(chance, noise)[:, 0]
    component = (drawn / 100).round().long() + 1
    assert component.bincount().tolist() == [100, 600, 300]
    assert (component.diff() >= 0).all()  # chance alone decides
    within = (drawn - means[component]) / (0.5 * found.log_variance[component, 0]).exp()
    torch.testing.assert_close(within, noise[:, 0], atol=1e-3, rtol=0)


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_the_random_numbers_0_and_1_draw_the_first_and_the_last_component(chance):
    shares = torch.full((3,), 1 / 3).log()  # the sum may round to less than 1, or more
    found = Mixture(shares, torch.tensor([[1.0], [2.0], [3.0]]), torch.zeros(3, 1))
    assert found.at(torch.tensor(chance), torch.zeros(1)).item() == (3 if chance else 1)


# Divergence from mixtures


@settings(max_examples=25)
@given(SEEDS)
def test_from_one_component_the_divergence_is_exact(seed):
    """From two opposite points by the formula, whether the number of dimensions is odd or even."""
    for dimensions in (3, 4):
        q, one = gaussian(seed, 5, dimensions), mixture(seed + 1, 1, 5, dimensions)
        p = Gaussian(one.mean[:, 0], one.log_variance[:, 0])
        expected = divergence(q, p).sum(dim=-1)
        found = divergence_from_mixture(q, one)
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)
        assert torch.equal(found, divergence_from_mixture(q, one))


def test_samples_give_the_divergence_from_a_mixture_on_average():
    """Numerical integration in one dimension gives the same."""
    q = Gaussian(torch.tensor([0.4]), torch.tensor([-1.0]))
    p = mixture(7, 3, 1)
    grid = torch.linspace(-6, 6, 4001)[:, None]
    log_q = normal(q).log_prob(grid).sum(dim=-1)
    exact = torch.trapezoid(log_q.exp() * (log_q - p.log_density(grid)), grid[:, 0]).item()
    drawn = q.at(torch.randn(40_000, 1, generator=generator(1)))
    many = Gaussian(*(part.expand(40_000, 1) for part in q))
    found = divergence_from_mixture(many, Mixture(*(part[None] for part in p)), drawn)
    assert found.shape == (40_000,)
    error = found.std().item() / 200
    assert exact > 0
    assert found.mean().item() == pytest.approx(exact, abs=4 * error)
    assert error < 0.05 * exact


def test_only_parts_that_are_not_detached_get_a_gradient():
    q = Gaussian(torch.zeros(2, 3, requires_grad=True), torch.zeros(2, 3, requires_grad=True))
    outputs = torch.randn(2, 14, generator=generator(0)).requires_grad_(True)
    p = Mixture.of(outputs, 2)
    divergence_from_mixture(q, p.detach()).sum().backward()
    assert q.mean.grad.any()
    assert outputs.grad is None
    q.mean.grad = None
    divergence_from_mixture(q.detach(), p).sum().backward()
    assert q.mean.grad is None
    assert outputs.grad.any()
