"""The graphs of the chord planner."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from musicae.models.chord_planner import ChordPlanner
from musicae.models.graphs import Graph

BEATS = 5
"""Of the examples."""


def graphs(network: ChordPlanner) -> dict[str, Graph]:
    """What planning needs of one piece, with ``M`` members; see ``chord_planner``.

    The tables themselves depend on no piece: ``decoding.plan_potentials`` reads them off the
    weights.

    - ``encode``: features ``(B, F)`` of a piece -> the encoding ``(B, 3 W)`` of each member,
      ``encoding0`` and so on;
    - ``potentials``: features ``(B, F)`` and these encodings of some beats that follow each other
      -> unary ``(B, S)`` log potentials, averaged and divided by the temperature, and
      shares ``(M, B - 1, K)`` of the transition tables;
    - ``seconds``: features ``(B, F)`` and states ``(B,)`` -> logits ``(B, 1 + S)`` of second
      chords, where the planner knows them.
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
