"""The exported graphs of each kind of model: functions of tensors that inference runs by name."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from torch import Tensor, nn


class Graph(NamedTuple):
    """One function of a network that is exported."""

    module: nn.Module
    """The function. Its attribute ``network`` is the network; the weights are in it."""
    inputs: dict[str, Tensor]
    """An example of each input by name, in the order of the arguments."""
    outputs: tuple[str, ...]
    """The names of the outputs."""
    axes: dict[str, dict[int, str]]
    """For inputs and outputs by name: the dimensions of variable length, and their names."""


def graphs_of(name: str, network: nn.Module) -> dict[str, Graph]:
    """The graphs of a network by name; ``name`` is its kind, a key of ``checkpoint.ALL_KINDS``."""
    module = importlib.import_module(f"musicae.models.graphs.{name}")
    found: dict[str, Graph] = module.graphs(network)
    return found
