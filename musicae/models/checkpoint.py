"""Self-describing weights: tensors as safetensors, config and provenance as JSON in the header.

Data, never a pickled class: loading a file runs no code from it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from musicae.core.assets import WEIGHTS
from musicae.core.errors import CheckpointError
from musicae.core.files import whole_file
from musicae.models.layers import lay_out

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
    abilities: frozenset[Ability]


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

_ALL = KINDS | READERS


@dataclass(frozen=True)
class Checkpoint:
    """A loaded model with what its file says of it."""

    name: str
    """The kind of model, a key of ``KINDS`` or ``READERS``."""
    model: nn.Module
    """The model, in evaluation mode, float32, on the CPU."""
    provenance: dict[str, Any]
    """How it was trained: data, seed, settings, metrics."""
    checksum: str
    """SHA-256 of the tensors, hexadecimal."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """What this kind of model can do."""
        return _ALL[self.name].abilities

    def can(self, ability: Ability) -> bool:
        """Whether this kind of model has an ability."""
        return ability in self.abilities


def build_model(name: str, config: dict[str, Any]) -> nn.Module:
    """An untrained model of a kind. Raises CheckpointError for unknown kinds and wrong settings."""
    if name not in _ALL:
        raise CheckpointError(f"no model is called {name!r}; there are {', '.join(KINDS)}")
    kind = _ALL[name]
    module = importlib.import_module(f"musicae.models.{kind.module}")
    try:
        settings = getattr(module, kind.config)(**config)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"these are not settings of {name}: {error}") from None
    model: nn.Module = getattr(module, kind.model)(settings)
    return model


def save_model(
    path: Path,
    name: str,
    model: nn.Module,
    provenance: dict[str, Any],
    dtype: torch.dtype = torch.float32,
) -> str:
    """Write a model whole or not at all; returns the checksum of its tensors.

    ``dtype`` is what floating-point tensors are stored as; loading makes them float32 again.
    """
    tensors = {
        key: (value.to(dtype) if value.is_floating_point() else value).detach().cpu().contiguous()
        for key, value in model.state_dict().items()
    }
    checksum = _checksum(tensors)
    facts = {
        "model": name,
        "config": asdict(model.config),  # type: ignore[call-overload]
        "provenance": provenance,
        "checksum": checksum,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        partial.write_bytes(to_bytes(tensors, {"musicae": json.dumps(facts, sort_keys=True)}))
    return checksum


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a model and check it against its checksum. Raises CheckpointError."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such weights file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no dict)
        facts = json.loads(metadata["musicae"])
        name, config, provenance = facts["model"], facts["config"], facts["provenance"]
        expected = facts["checksum"]
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a safetensors file ({error})") from None
    except (KeyError, TypeError, json.JSONDecodeError):
        raise CheckpointError(f"{path}: holds no musicae model") from None
    checksum = _checksum(tensors)
    if checksum != expected:
        raise CheckpointError(f"{path}: the weights are damaged (their checksum does not match)")
    model = build_model(name, config)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: does not fit a {name} of this version ({error})") from None
    model = model.float().eval()
    lay_out(model)
    return Checkpoint(name, model, provenance, checksum)


def find(name: str) -> Path:
    """The file behind a model name: a shipped model, or the path of a weights file."""
    if name.endswith(".safetensors"):
        return Path(name)
    if name not in _ALL:
        raise CheckpointError(
            f"no model is called {name!r}; there are {', '.join(KINDS)},"
            " or give the path of a .safetensors file"
        )
    return WEIGHTS / f"{name}.safetensors"


def _checksum(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for key in sorted(tensors):
        tensor = tensors[key]
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


_LOADED: dict[Path, tuple[tuple[int, int], Checkpoint]] = {}
"""By path: the file's size and modification time (ns) when it was loaded, and its checkpoint."""


def load_model(name: str) -> Checkpoint:
    """The checkpoint of a model by its name or path; see ``find``.

    A file is loaded once, and again when its size or modification time changes, as after a
    training run. Raises CheckpointError.
    """
    path = find(name)
    try:
        place, facts = path.resolve(), path.stat()
    except (OSError, ValueError):
        return load_checkpoint(path)  # which says what is wrong
    stamp = (facts.st_size, facts.st_mtime_ns)
    loaded = _LOADED.get(place)
    if loaded is None or loaded[0] != stamp:
        loaded = _LOADED[place] = (stamp, load_checkpoint(path))
    return loaded[1]
