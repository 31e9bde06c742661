"""The exact, differentiable likelihood of paths in linear chains, for padded batches.

Axes: ``N`` pieces, ``B`` beats, ``S`` states, ``K`` transition tables.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from musicae.models.chord_planner import Potentials


def negative_log_likelihood(found: Potentials, targets: Tensor, lengths: Tensor) -> Tensor:
    """``(N,)`` the exact negative log-likelihood of each piece's plan, in nats.

    It is the log partition function minus the plan's score. ``targets`` ``(N, B)`` are the states
    of the plans, ``lengths`` ``(N,)`` their beats.
    """
    return log_partition(found, lengths) - path_score(found, targets, lengths)


def path_score(found: Potentials, targets: Tensor, lengths: Tensor) -> Tensor:
    """``(N,)`` the score of each piece's plan: the sum of its log potentials."""
    inside = torch.arange(targets.shape[1], device=targets.device) < lengths[:, None]
    unary = found.unary.gather(2, targets[..., None])[..., 0]
    steps = found.tables[:, targets[:, :-1], targets[:, 1:]].movedim(0, -1)  # (N, B - 1, K)
    pairs = (found.weights + steps).logsumexp(dim=-1)
    return (unary * inside).sum(dim=1) + (pairs * inside[:, 1:]).sum(dim=1)


def log_partition(found: Potentials, lengths: Tensor) -> Tensor:
    """``(N,)`` the log partition function; its gradients are the marginals."""
    with torch.autocast(found.unary.device.type, enabled=False):
        total: Tensor = _LogPartition.apply(  # type: ignore[no-untyped-call]
            found.unary, found.weights, found.tables, lengths
        )
    return total


class _LogPartition(torch.autograd.Function):
    """The forward algorithm with scaled probabilities; its gradient by the backward algorithm.

    With autograd alone, summing the gradient of the tables over the beats takes most of the time.
    """

    @staticmethod
    def forward(
        ctx: Any, unary: Tensor, weights: Tensor, tables: Tensor, lengths: Tensor
    ) -> Tensor:
        n_tables, n_states, _ = tables.shape
        top = unary.amax(dim=-1)
        emissions = (unary - top[..., None]).exp()  # (N, B, S)
        peak = tables.amax()
        potentials = (tables - peak).exp()
        shares = weights.exp()
        # (S, K * S): one matrix product for all tables.
        flat = potentials.transpose(0, 1).reshape(n_states, n_tables * n_states)
        alpha = emissions[:, 0] / emissions[:, 0].sum(dim=-1, keepdim=True)
        alphas, scales = [alpha], [emissions[:, 0].sum(dim=-1)]
        for beat in range(1, unary.shape[1]):
            reached = (alpha @ flat).view(-1, n_tables, n_states)
            alpha = torch.einsum("nk,nks->ns", shares[:, beat - 1], reached) * emissions[:, beat]
            scales.append(alpha.sum(dim=-1).clamp_min(1e-30))
            alpha = alpha / scales[-1][:, None]
            alphas.append(alpha)
        inside = torch.arange(unary.shape[1], device=unary.device) < lengths[:, None]  # (N, B)
        scale = torch.stack(scales, dim=1)
        total = ((scale.log() + top + peak) * inside).sum(dim=1) - peak
        ctx.save_for_backward(
            torch.stack(alphas, dim=1), scale, emissions, shares, potentials, inside
        )
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        alphas, scale, emissions, shares, potentials, inside = ctx.saved_tensors
        n_tables, n_states, _ = potentials.shape
        beats = alphas.shape[1]
        # (S, K * S): from the next state back to each state, for each table.
        back = potentials.permute(2, 0, 1).reshape(n_states, n_tables * n_states)
        beta = torch.ones_like(alphas[:, 0])
        betas, arriving = [beta] * beats, [beta] * (beats - 1)
        d_weights = torch.zeros_like(shares)
        for beat in range(beats - 1, 0, -1):
            betas[beat] = beta
            here = inside[:, beat, None]
            arrive = torch.where(here, emissions[:, beat] * beta / scale[:, beat, None], 0.0)
            left = (arrive @ back).view(-1, n_tables, n_states)
            weighed = shares[:, beat - 1, :, None] * left  # (N, K, S)
            d_weights[:, beat - 1] = (weighed @ alphas[:, beat - 1, :, None])[..., 0]
            beta = torch.where(here, weighed.sum(dim=1), beta)
            arriving[beat - 1] = arrive
        betas[0] = beta
        marginals = alphas * torch.stack(betas, dim=1) * inside[..., None]
        d_unary = marginals * grad[:, None, None]
        d_weights = d_weights * grad[:, None, None]
        arrived = torch.stack(arriving, dim=1) if arriving else alphas[:, :0]
        left_from = (alphas[:, :-1] * grad[:, None, None]).flatten(0, 1)  # (N * (B - 1), S)
        d_tables = torch.stack(
            [
                (left_from * shares[:, :, k].reshape(-1, 1)).T @ arrived.flatten(0, 1)
                for k in range(n_tables)
            ]
        )
        return d_unary, d_weights, d_tables * potentials, None
