"""Self-describing weights: tensors as safetensors, config and provenance as JSON in the header.

Data, never a pickled class: loading a file runs no code from it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from musicae.core.assets import WEIGHTS
from musicae.core.errors import CheckpointError
from musicae.core.files import whole_file


class Kind(NamedTuple):
    """Where a model's classes live in ``musicae.models``."""

    module: str
    model: str
    config: str


KINDS = {
    "minibach": Kind("minibach", "MiniBach", "MiniBachConfig"),
    "autoencoder": Kind("autoencoder", "Autoencoder", "AutoencoderConfig"),
    "harmonizer": Kind("harmonizer", "Harmonizer", "HarmonizerConfig"),
    "vae": Kind("vae", "ChoraleVAE", "ChoraleVAEConfig"),
}


@dataclass(frozen=True)
class Checkpoint:
    """A loaded model with what its file says of it."""

    name: str
    """The kind of model, a key of ``KINDS``."""
    model: nn.Module
    """The model, in evaluation mode, float32, on the CPU."""
    provenance: dict[str, Any]
    """How it was trained: data, seed, settings, metrics."""
    checksum: str
    """SHA-256 of the tensors, hexadecimal."""


def build(name: str, config: dict[str, Any]) -> nn.Module:
    """An untrained model of a kind. Raises CheckpointError for unknown kinds and wrong settings."""
    if name not in KINDS:
        raise CheckpointError(f"no model is called {name!r}; there are {', '.join(KINDS)}")
    kind = KINDS[name]
    module = importlib.import_module(f"musicae.models.{kind.module}")
    try:
        settings = getattr(module, kind.config)(**config)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"these are not settings of {name}: {error}") from None
    model: nn.Module = getattr(module, kind.model)(settings)
    return model


def save(
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


def load(path: Path) -> Checkpoint:
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
    model = build(name, config)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: does not fit a {name} of this version ({error})") from None
    return Checkpoint(name, model.float().eval(), provenance, checksum)


def find(name: str) -> Path:
    """The file behind a model name: a shipped model, or the path of a weights file."""
    if name.endswith(".safetensors"):
        return Path(name)
    if name not in KINDS:
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


@cache
def load_model(name: str) -> Checkpoint:
    """The checkpoint of a model by its name or path, loaded once. Raises CheckpointError."""
    return load(find(name))
