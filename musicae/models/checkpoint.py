"""Self-describing weights: tensors as safetensors, config and provenance as JSON in the header.

Data, never a pickled class: loading a file runs no code from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from musicae.core.assets import WEIGHTS
from musicae.core.errors import CheckpointError
from musicae.models import configs

Ability = Literal["harmonize", "fill", "score", "compose", "latent", "rules", "read"]
"""What a kind of model can do.

- ``harmonize``: write alto, tenor and bass for a whole soprano.
- ``fill``: write whatever cells of a partial score are open, also of an empty one.
- ``score``: compute the likelihood of a chorale's lower voices.
- ``compose``: decode random latent values to new chorales.
- ``latent``: encode a whole piece to latent vectors, to be interpolated and varied.
- ``read``: tell something about a melody: its chords, the ends of its phrases, its key.
- ``rules``: weigh the rules of voice leading, and top-p, as it draws symbols.
"""


class Kind(NamedTuple):
    """A kind of model: its classes in ``musicae.models`` and what it can do."""

    module: str
    model: str
    config: str
    """A class in ``models.configs``."""
    abilities: frozenset[Ability]

    def settings(self, config: Mapping[str, Any]) -> Any:
        """The config of a model, from what JSON gives of it. Raises CheckpointError."""
        try:
            return getattr(configs, self.config)(**config)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"these are not settings of {self.model}: {error}") from None


KINDS = {
    "minibach": Kind("minibach", "MiniBach", "MiniBachConfig", frozenset({"harmonize"})),
    "autoencoder": Kind("autoencoder", "Autoencoder", "AutoencoderConfig", frozenset({"compose"})),
    "harmonizer": Kind(
        "harmonizer",
        "Harmonizer",
        "HarmonizerConfig",
        frozenset({"harmonize", "fill", "score", "rules"}),
    ),
    "vae": Kind("vae", "ChoraleVAE", "ChoraleVAEConfig", frozenset({"compose", "latent", "rules"})),
}
"""Models that write music."""

READERS = {
    "planner": Kind("chord_planner", "ChordPlanner", "ChordPlannerConfig", frozenset({"read"})),
    "phrases": Kind(
        "phrase_segmenter", "PhraseSegmenter", "PhraseSegmenterConfig", frozenset({"read"})
    ),
    "key": Kind("key_finder", "KeyFinder", "KeyFinderConfig", frozenset({"read"})),
}
"""Models that read a melody, for those that write."""

ALL_KINDS = KINDS | READERS
ALIGNED = 16
"""Floating-point tensors begin at multiples of so many values, 64 bytes."""
GRAPH = "graph."
"""What stands before the name of a graph among the tensors of a file."""
ENGINES = ("onnx", "torch")
"""What can run models: ONNX Runtime, or torch, which the extra ``train`` installs."""
_engine = ENGINES[0]
"""What runs models that are loaded now; see ``use_engine``."""


class Engine(Protocol):
    """What runs the graphs of one model."""

    def run(self, graph: str, **inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """The outputs of a graph for its inputs by name; see ``models.graphs``."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A loaded model with what its file says of it."""

    name: str
    """The kind of model, a key of ``ALL_KINDS``."""
    config: Any
    """Its settings, a class of ``models.configs``."""
    engine: Engine
    tensors: Mapping[str, NDArray[Any]]
    """Its weights by name; floating-point ones are float32."""
    provenance: dict[str, Any]
    """How it was trained: data, seed, settings, metrics."""
    checksum: str
    """SHA-256 of the tensors, hexadecimal."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """What this kind of model can do."""
        return ALL_KINDS[self.name].abilities

    def can(self, ability: Ability) -> bool:
        """Whether this kind of model has an ability."""
        return ability in self.abilities

    def run(self, graph: str, **inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """The outputs of a graph for its inputs by name; see ``models.graphs``."""
        return self.engine.run(graph, **inputs)


def use_engine(name: str) -> None:
    """Let models be run from now on by ONNX Runtime (``"onnx"``, as at first) or by ``"torch"``.

    It holds for this process. The results are the same up to rounding, which can change single
    notes. Raises CheckpointError for another name, and for torch where it is not installed.

    >>> use_engine("onnx")
    """
    global _engine  # noqa: PLW0603  # of the whole process, with all its threads
    if name not in ENGINES:
        raise CheckpointError(f"an engine is {' or '.join(ENGINES)}, not {name!r}")
    if name == "torch":
        need_torch("the engine torch")
    _engine = name


def engine_in_use() -> str:
    """The one of ``ENGINES`` that runs models now; what a new process is to be told."""
    return _engine


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a model and check it against its checksum. Raises CheckpointError.

    Where its file has no graphs, as of versions before they were written, torch runs it.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such weights file")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no dict)
        facts = json.loads(metadata["musicae"])
        name, config, provenance = facts["model"], facts["config"], facts["provenance"]
        expected, weights = facts["checksum"], facts.get("graphs", {})
        graphs = {graph: tensors.pop(GRAPH + graph) for graph in weights}
        intact = not graphs or checksum_of(graphs) == facts["graphs_checksum"]
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a safetensors file ({error})") from None
    except (KeyError, TypeError, json.JSONDecodeError):
        raise CheckpointError(f"{path}: holds no musicae model") from None
    checksum = checksum_of(tensors)
    if checksum != expected or not intact:
        raise CheckpointError(f"{path}: the weights are damaged (their checksum does not match)")
    if name not in ALL_KINDS:
        raise CheckpointError(f"no model is called {name!r}; there are {', '.join(KINDS)}")
    settings = ALL_KINDS[name].settings(config)
    tensors = _in_float32(tensors)
    if graphs and _engine == "onnx":
        from musicae.models.onnx_engine import OnnxEngine, OnnxGraph

        return Checkpoint(
            name,
            settings,
            OnnxEngine(
                {key: OnnxGraph(graph.tobytes(), weights[key]) for key, graph in graphs.items()},
                tensors,
            ),
            tensors,
            provenance,
            checksum,
        )
    torch_engine = _torch_engine("a model without graphs" if not graphs else "the engine torch")
    read = Checkpoint(name, settings, None, tensors, provenance, checksum)  # type: ignore[arg-type]
    try:
        network = torch_engine.network_of(read)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    engine = torch_engine.TorchEngine(name, network)
    return Checkpoint(name, settings, engine, tensors, provenance, checksum)


def _in_float32(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The tensors, the floating-point ones as float32.

    These share one block of memory, which the system gives sooner than a block for each of them.
    """
    sizes = {key: tensor.size for key, tensor in tensors.items() if tensor.dtype.kind == "f"}
    begins = [0, *accumulate(-(-size // ALIGNED) * ALIGNED for size in sizes.values())]
    block = np.empty(begins[-1], dtype=np.float32)
    found = dict(tensors)
    for (key, size), begin in zip(sizes.items(), begins, strict=False):
        found[key] = block[begin : begin + size].reshape(tensors[key].shape)
        found[key][...] = tensors[key]
    return found


def _torch_engine(purpose: str) -> Any:
    """The module that runs models by torch. Raises CheckpointError where it is not installed."""
    need_torch(purpose)
    from musicae.models import torch_engine

    return torch_engine


def need_torch(purpose: str) -> None:
    """Raises CheckpointError where torch is not installed, which serves a purpose."""
    if find_spec("torch") is None:
        raise CheckpointError(f"{purpose} needs torch: pip install 'musicae[train]'")


def find(name: str) -> Path:
    """The file behind a model name: a shipped model, or the path of a weights file."""
    if name.endswith(".safetensors"):
        return Path(name)
    if name not in ALL_KINDS:
        raise CheckpointError(
            f"no model is called {name!r}; there are {', '.join(KINDS)},"
            " or give the path of a .safetensors file"
        )
    return WEIGHTS / f"{name}.safetensors"


def checksum_of(tensors: Mapping[str, NDArray[Any]]) -> str:
    """The SHA-256 of tensors by name, hexadecimal."""
    digest = hashlib.sha256()
    for key in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[key])
        # The type is named as torch names it.
        digest.update(f"{key} torch.{tensor.dtype} {tensors[key].shape}\n".encode())
        digest.update(tensor.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


_LOADED: dict[tuple[Path, str], tuple[tuple[int, int], Checkpoint]] = {}
"""By path and engine: the file's size and modification time (ns) when it was loaded, and its
checkpoint."""


def load_model(name: str) -> Checkpoint:
    """The checkpoint of a model by its name or path; see ``find``.

    A file is loaded once, and again when its size or modification time changes, as after a
    training run. Raises CheckpointError.
    """
    path = find(name)
    try:
        place, facts = (path.resolve(), _engine), path.stat()
    except (OSError, ValueError):
        return load_checkpoint(path)  # which says what is wrong
    stamp = (facts.st_size, facts.st_mtime_ns)
    loaded = _LOADED.get(place)
    if loaded is None or loaded[0] != stamp:
        loaded = _LOADED[place] = (stamp, load_checkpoint(path))
    return loaded[1]
