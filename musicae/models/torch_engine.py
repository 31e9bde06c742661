"""Models as torch networks: for training, for the export of graphs and to check ONNX Runtime.

With ``--engine torch`` torch also runs the models; the results equal those of ONNX Runtime up to
rounding.
"""

from __future__ import annotations

import importlib.util
import io
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save as to_bytes
from torch import nn

from musicae.core.errors import CheckpointError
from musicae.core.files import whole_file
from musicae.models.checkpoint import ALL_KINDS, GRAPH, Checkpoint, checksum_of
from musicae.models.graphs import Graph, graphs_of
from musicae.models.onnx_engine import NETWORK, OnnxGraph

OPSET = 18
"""The version of ONNX's operator set."""


class TorchEngine:
    """The graphs of a network, run by torch."""

    def __init__(self, name: str, network: nn.Module) -> None:
        self.name, self.network = name, network
        self.graphs: dict[str, Graph] | None = None

    def run(self, graph: str, **inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """The outputs of a graph for its inputs by name; see ``models.graphs``."""
        if self.graphs is None:
            self.graphs = graphs_of(self.name, self.network)
        module, names = self.graphs[graph].module, self.graphs[graph].inputs
        with torch.inference_mode(), one_thread():
            found = module(*(torch.from_numpy(np.ascontiguousarray(inputs[n])) for n in names))
        return [part.numpy() for part in (found if isinstance(found, tuple) else (found,))]


def live(name: str, network: nn.Module, provenance: dict[str, Any] | None = None) -> Checkpoint:
    """A network in memory as a checkpoint that torch runs.

    The network is put into evaluation mode. The checkpoint's arrays share its memory.
    """
    network = network.float().eval()
    tensors = {key: value.detach().numpy() for key, value in network.state_dict().items()}
    engine = TorchEngine(name, network)
    return Checkpoint(name, network.config, engine, tensors, provenance or {}, "")


def network_of(checkpoint: Checkpoint) -> nn.Module:
    """The torch network of a checkpoint, in evaluation mode, float32, on the CPU.

    Raises CheckpointError if the weights do not fit this version's network.
    """
    if isinstance(checkpoint.engine, TorchEngine):
        return checkpoint.engine.network
    network = build_model(checkpoint.name, asdict(checkpoint.config))
    state = {key: torch.from_numpy(np.array(t)) for key, t in checkpoint.tensors.items()}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(
            f"these weights do not fit a {checkpoint.name} of this version ({error})"
        ) from None
    return network.float().eval()


def build_model(name: str, config: dict[str, Any]) -> nn.Module:
    """An untrained model; ``name`` is a key of ``ALL_KINDS``, ``config`` its fields as in JSON.

    Raises CheckpointError if the config does not fit.
    """
    kind = ALL_KINDS[name]
    module = importlib.import_module(f"musicae.models.{kind.module}")
    network: nn.Module = getattr(module, kind.model)(kind.settings(config))
    return network


def save_model(
    path: Path,
    name: str,
    model: nn.Module,
    provenance: dict[str, Any],
    dtype: torch.dtype = torch.float32,
) -> str:
    """Write a model with its graphs; returns the checksum of its tensors.

    The file is written completely or not at all. ``dtype`` is the type in which floating-point
    weights are stored; loading converts them to float32.
    """
    tensors = {
        key: (value.to(dtype) if value.is_floating_point() else value)
        .detach()
        .cpu()
        .contiguous()
        .numpy()
        for key, value in model.state_dict().items()
    }
    exported = export(name, model)
    graphs = {key: np.frombuffer(found.model, np.uint8) for key, found in exported.items()}
    checksum = checksum_of(tensors)
    facts = {
        "model": name,
        "config": asdict(model.config),  # type: ignore[call-overload]
        "provenance": provenance,
        "checksum": checksum,
        "graphs": {key: found.weights for key, found in exported.items()},
        "graphs_checksum": checksum_of(graphs),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"musicae": json.dumps(facts, sort_keys=True)}
    named = {GRAPH + key: graph for key, graph in graphs.items()}
    with whole_file(path) as partial:
        partial.write_bytes(to_bytes(tensors | named, metadata))
    return checksum


def check_export() -> None:
    """Raise CheckpointError if the package that exports graphs is not installed."""
    if importlib.util.find_spec("onnx") is None:
        raise CheckpointError(
            "saving a model needs ONNX, which is not installed: pip install 'musicae[train]'"
        )


def export(name: str, network: nn.Module) -> dict[str, OnnxGraph]:
    """The graphs of a network as ONNX models.

    They hold no weights, only their names; these are the names in the network.
    """
    training = network.training
    network = network.eval()
    device = next(network.parameters()).device
    try:
        found = {key: _exported(each) for key, each in graphs_of(name, network.cpu()).items()}
    finally:
        network.to(device).train(training)
    return found


def _exported(graph: Graph) -> OnnxGraph:
    import onnx

    buffer = io.BytesIO()
    with one_thread(), torch.no_grad(), warnings.catch_warnings():
        # The exporter with dynamo=False is deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            graph.module.eval(),
            tuple(graph.inputs.values()),
            buffer,  # type: ignore[arg-type]  # a file-like object also works
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes=graph.axes,
            opset_version=OPSET,
            dynamo=False,  # keeps the names of the weights
            do_constant_folding=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    weights = {NETWORK + key for key in graph.module.network.state_dict()}  # type: ignore[union-attr]
    used = []
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            used.append(tensor.name.removeprefix(NETWORK))
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="weights")
    _merge_equal_nodes(model.graph)
    return OnnxGraph(model.SerializeToString(), used)


def _merge_equal_nodes(graph: Any) -> None:
    """Merge the nodes of an ONNX graph that compute the same value.

    Half of the nodes are such duplicates, for example of shapes and constants. Each node takes
    time when the graph is loaded.
    """
    outputs = {output.name for output in graph.output}
    first: dict[tuple[Any, ...], list[str]] = {}
    same: dict[str, str] = {}
    kept = []
    for node in graph.node:
        inputs = [same.get(name, name) for name in node.input]
        node.input[:] = inputs
        facts = sorted(fact.SerializeToString(deterministic=True) for fact in node.attribute)
        found = first.setdefault((node.op_type, *inputs, *facts), list(node.output))
        if found == list(node.output) or outputs & set(node.output):
            kept.append(node)
        else:
            same.update(zip(node.output, found, strict=True))
    del graph.node[:], graph.value_info[:]
    graph.node.extend(kept)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: the matrices of a step are too small to divide among threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
