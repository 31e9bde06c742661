"""Networks in memory that run in place of exported graphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray
from torch import nn

from musicae.models.checkpoint import Checkpoint
from musicae.models.graphs import graphs_of
from musicae.models.onnx_engine import OnnxEngine
from musicae.models.torch_engine import TorchEngine, live


class ByTorch(OnnxEngine):
    """Graphs that torch runs, because an export would take seconds."""

    def __init__(self, name: str, network: nn.Module) -> None:
        super().__init__(dict.fromkeys(graphs_of(name, network)), {})  # type: ignore[arg-type]
        self.engine = TorchEngine(name, network)

    def run(self, graph: str, **inputs: NDArray[Any]) -> list[NDArray[Any]]:
        return self.engine.run(graph, **inputs)

    def bound(
        self,
        graph: str,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Mapping[str, NDArray[Any]],
    ) -> Callable[[], None]:
        def run() -> None:
            for output, found in zip(outputs.values(), self.run(graph, **inputs), strict=True):
                output[...] = found

        return run


def by_torch(name: str, network: nn.Module) -> Checkpoint:
    """A checkpoint whose graphs torch runs, for a kind of model."""
    found = live(name, network)
    return Checkpoint(name, found.config, ByTorch(name, network), found.tensors, {}, "")
