"""What is exported of each kind of model: modules of tensors that inference runs by name."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from torch import Tensor, nn


class Graph(NamedTuple):
    """A function of tensors that a network offers."""

    module: nn.Module
    """Its attribute ``network`` is the network whose weights it reads."""
    inputs: dict[str, Tensor]
    """An example of each input, in order."""
    outputs: tuple[str, ...]
    axes: dict[str, dict[int, str]]
    """Of inputs and outputs the dimensions whose length may change, by their names."""


def graphs_of(name: str, network: nn.Module) -> dict[str, Graph]:
    """The graphs of a network of a kind, by name; ``name`` is a key of ``checkpoint.ALL_KINDS``."""
    module = importlib.import_module(f"musicae.models.graphs.{name}")
    found: dict[str, Graph] = module.graphs(network)
    return found
