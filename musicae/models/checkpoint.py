"""Weights files: tensors as safetensors, with config and provenance as JSON in the header.

A file holds data only, no pickled class: loading it runs no code from it.
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
- ``fill``: write all open cells of a partial score, which may also be empty.
- ``score``: compute the likelihood of a chorale's lower voices.
- ``compose``: decode random latent values to new chorales.
- ``latent``: encode a whole piece as latent vectors, to interpolate and vary them.
- ``read``: predict the chords, the phrase ends or the key of a melody.
- ``rules``: apply weighted voice-leading rules and top-p when it draws symbols.
"""


class Kind(NamedTuple):
    """A kind of model: its classes in ``musicae.models`` and what it can do."""

    module: str
    model: str
    config: str
    """A class in ``models.configs``."""
    abilities: frozenset[Ability]

    def settings(self, config: Mapping[str, Any]) -> Any:
        """The config object of a model, built from the JSON object of a weights file.

        Raises CheckpointError if a field is unknown, missing or out of range.
        """
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
"""Models that write music, by name."""

READERS = {
    "planner": Kind("chord_planner", "ChordPlanner", "ChordPlannerConfig", frozenset({"read"})),
    "phrases": Kind(
        "phrase_segmenter", "PhraseSegmenter", "PhraseSegmenterConfig", frozenset({"read"})
    ),
    "key": Kind("key_finder", "KeyFinder", "KeyFinderConfig", frozenset({"read"})),
}
"""Models that analyse a melody for the models that write, by name."""

ALL_KINDS = KINDS | READERS
ALIGNED = 16
"""Floating-point tensors begin at multiples of 16 float32 values (64 bytes)."""
GRAPH = "graph."
"""The prefix of graph names among the tensors of a file."""
ENGINES = ("onnx", "torch")
"""The engines that can run models: ONNX Runtime, or torch, which the extra ``train`` installs."""
_engine = ENGINES[0]
"""The engine of models that are loaded from now on; see ``use_engine``."""


class Engine(Protocol):
    """Runs the graphs of one model."""

    def run(self, graph: str, **inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """The outputs of a graph for its inputs by name; see ``models.graphs``."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A loaded model: its weights, its settings and its provenance."""

    name: str
    """The kind of model, a key of ``ALL_KINDS``."""
    config: Any
    """Its settings, an instance of a class of ``models.configs``."""
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
    """Choose what runs the models that are loaded from now on, in this process.

    The results of both engines are the same up to rounding, which can change single notes.

    Args:
        name: ``"onnx"`` (ONNX Runtime, the default) or ``"torch"`` (the extra ``train``).

    Raises:
        CheckpointError: for another name, and for ``"torch"`` if torch is not installed.

    Example:
        ```pycon
        >>> use_engine("onnx")

        ```
    """
    global _engine  # noqa: PLW0603  # one engine for all threads of the process
    if name not in ENGINES:
        raise CheckpointError(f"an engine is {' or '.join(ENGINES)}, not {name!r}")
    if name == "torch":
        need_torch("the engine torch")
    _engine = name


def engine_in_use() -> str:
    """The name of the engine in use. A new process has to be given it by ``use_engine``."""
    return _engine


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a model from its file and check it against its checksum.

    Files of early versions hold no ONNX graphs; torch runs these models. Raises CheckpointError if
    the file is missing, damaged or no model of this version, or if torch is needed but missing.
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
    """The tensors, with the floating-point ones converted to float32.

    These share one block of memory: one allocation is faster than one for each tensor.
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
    """The module ``torch_engine``. Raises CheckpointError if torch is not installed.

    ``purpose`` is the subject of the error message.
    """
    need_torch(purpose)
    from musicae.models import torch_engine

    return torch_engine


def need_torch(purpose: str) -> None:
    """Raise CheckpointError if torch is not installed; ``purpose`` is what needs it."""
    if find_spec("torch") is None:
        raise CheckpointError(f"{purpose} needs torch: pip install 'musicae[train]'")


def find(name: str) -> Path:
    """The weights file of a shipped model, or ``name`` itself if it ends with ``.safetensors``.

    Raises CheckpointError for an unknown name.
    """
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
        # "torch." keeps the checksums of files that torch wrote.
        digest.update(f"{key} torch.{tensor.dtype} {tensors[key].shape}\n".encode())
        digest.update(tensor.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


_LOADED: dict[tuple[Path, str], tuple[tuple[int, int], Checkpoint]] = {}
"""Checkpoints in memory by path and engine, each with the file's size and modification time (ns)
when it was loaded."""


def load_model(name: str) -> Checkpoint:
    """The checkpoint of a model by its name or path; see ``find``.

    It stays in memory. It is loaded again if the file's size or modification time has changed,
    for example after a training run. Raises the errors of ``find`` and ``load_checkpoint``.
    """
    path = find(name)
    try:
        place, facts = (path.resolve(), _engine), path.stat()
    except (OSError, ValueError):
        return load_checkpoint(path)  # raises an error with the reason
    stamp = (facts.st_size, facts.st_mtime_ns)
    loaded = _LOADED.get(place)
    if loaded is None or loaded[0] != stamp:
        loaded = _LOADED[place] = (stamp, load_checkpoint(path))
    return loaded[1]
