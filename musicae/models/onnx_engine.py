"""Runs the graphs of models by ONNX Runtime, without torch: the engine that users have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnxruntime

NETWORK = "network."
"""The prefix of weight names in a graph: the exported modules hold their network in an attribute of
this name."""
EACH_STEP = frozenset({"frame", "head", "prior"})
"""The graphs that run for each step or beat of a piece; the others run once."""
ERRORS_ONLY = 3
"""ONNX Runtime logs messages of this severity or above: errors."""


class OnnxGraph(NamedTuple):
    """An exported graph."""

    model: bytes
    """An ONNX model without its weights."""
    weights: list[str]
    """The names of the weights that it uses."""


class OnnxEngine:
    """The graphs of one model, each loaded when it is first run."""

    def __init__(
        self, graphs: Mapping[str, OnnxGraph], tensors: Mapping[str, NDArray[np.generic]]
    ) -> None:
        """``graphs`` are graphs by name; ``tensors`` are the weights of all of them by name."""
        self.graphs, self.tensors = graphs, tensors
        self.values: dict[str, onnxruntime.OrtValue] = {}
        self.sessions: dict[str, onnxruntime.InferenceSession] = {}

    def run(self, graph: str, **inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """The outputs of a graph for its inputs by name."""
        found: list[NDArray[Any]] = self._session(graph).run(None, inputs)
        return found

    def bound(
        self,
        graph: str,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Mapping[str, NDArray[Any]],
    ) -> Callable[[], None]:
        """A function that runs a graph; it reads ``inputs`` and writes ``outputs``, both in place.

        The arrays must be contiguous and must stay at the same place in memory.
        """
        from onnxruntime import OrtValue

        session = self._session(graph, often=True)
        binding = session.io_binding()
        for name, array in inputs.items():
            binding.bind_ortvalue_input(name, OrtValue.ortvalue_from_numpy(array))
        for name, array in outputs.items():
            binding.bind_ortvalue_output(name, OrtValue.ortvalue_from_numpy(array))
        return partial(session.run_with_iobinding, binding)

    def _weight(self, name: str) -> onnxruntime.OrtValue:
        """A weight as a value of ONNX Runtime; all graphs share it."""
        from onnxruntime import OrtValue

        if name not in self.values:
            self.values[name] = OrtValue.ortvalue_from_numpy(self.tensors[name])
        return self.values[name]

    def _session(self, graph: str, often: bool = False) -> onnxruntime.InferenceSession:
        session = self.sessions.get(graph)
        if session is None:
            session = self.sessions[graph] = self._load(graph, often or graph in EACH_STEP)
        return session

    def _load(self, graph: str, often: bool) -> onnxruntime.InferenceSession:
        from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions

        options = SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        # One thread: the matrices of a step are too small to divide among threads.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        if not often:  # optimizing takes longer than it saves
            options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
            options.enable_cpu_mem_arena = False  # frees the memory of a long piece afterwards
        model, names = self.graphs[graph]
        options.add_external_initializers(
            [NETWORK + name for name in names], [self._weight(name) for name in names]
        )
        return InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])
