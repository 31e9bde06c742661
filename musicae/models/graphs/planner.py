"""The graphs of the chord planner."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from musicae.models.chord_planner import ChordPlanner
from musicae.models.graphs import Graph

BEATS = 5
"""Beats in the example inputs."""


def graphs(network: ChordPlanner) -> dict[str, Graph]:
    """The functions for planning one piece; axes as in ``chord_planner``.

    - ``encode``: features ``(B, F)`` of a piece -> the encoding ``(B, 3 W)`` of each member, named
      ``encoding0``, ``encoding1`` and so on (``W`` is the width);
    - ``potentials``: features ``(B, F)`` and encodings of some consecutive beats -> unary log
      potentials ``(B, S)``, averaged over the members and divided by the temperature, and the
      shares ``(M, B - 1, K)`` of the transition tables;
    - ``seconds``: features ``(B, F)`` and states ``(B,)`` -> logits ``(B, 1 + S)`` of second
      chords; only if the planner has a network for them.

    The transition tables do not depend on the piece; ``decoding.plan_potentials`` computes them
    from the weights.
    """
    features = torch.zeros(BEATS, network.config.features)
    beats = {"features": {0: "B"}}
    names = [f"encoding{number}" for number in range(network.config.members)]
    encodings = dict.fromkeys(names, torch.zeros(BEATS, 3 * network.config.width))
    beats |= {name: {0: "B"} for name in names}
    found = {
        "encode": Graph(_Encode(network), {"features": features}, tuple(names), beats),
        "potentials": Graph(
            _Potentials(network),
            {"features": features} | encodings,
            ("unary", "shares"),
            {**beats, "unary": {0: "B"}, "shares": {1: "T"}},
        ),
    }
    if network.seconds is not None:
        states = torch.zeros(BEATS, dtype=torch.int64)
        found["seconds"] = Graph(
            _Seconds(network),
            {"features": features, "states": states},
            ("logits",),
            {name: {0: "B"} for name in ("features", "states", "logits")},
        )
    return found


class _Encode(nn.Module):
    def __init__(self, network: ChordPlanner) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        return tuple(member.encode(features) for member in self.network.members)


class _Potentials(nn.Module):
    def __init__(self, network: ChordPlanner) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, *encodings: Tensor) -> tuple[Tensor, Tensor]:
        members = [
            member.weights(features, encoding)
            for member, encoding in zip(self.network.members, encodings, strict=True)
        ]
        unary = torch.stack([found for found, _ in members]).mean(dim=0)
        shares = torch.stack([weights.exp() for _, weights in members])
        return unary / self.network.temperature, shares


class _Seconds(nn.Module):
    def __init__(self, network: ChordPlanner) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, states: Tensor) -> Tensor:
        assert self.network.seconds is not None
        logits: Tensor = self.network.seconds(features, states)
        return logits
