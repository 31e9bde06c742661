"""Export the graphs of the shipped models again, for ONNX Runtime.

    python scripts/export_graphs.py [MODEL ...] [--weights FOLDER]

Training writes the graphs itself. This script is needed if ``musicae.models.graphs`` has changed.
The weights, their type and the provenance in the file do not change. A file is replaced only if its
checksum stays the same and if ONNX Runtime and torch agree on the example inputs of each graph.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from musicae.core import assets
from musicae.core.errors import CheckpointError, MusicaeError
from musicae.models.checkpoint import ALL_KINDS, GRAPH, Checkpoint, load_checkpoint
from musicae.models.graphs import graphs_of
from musicae.models.torch_engine import TorchEngine, check_export, network_of, save_model

TOLERANCE = 1e-4
"""The greatest allowed difference between a number of ONNX Runtime and of torch."""


def export(path: Path) -> str:
    """Write the graphs of a model into its file; returns a line to print.

    Raises CheckpointError, and does not change the file, if the model would not stay the same.
    """
    model = load_checkpoint(path)
    network = network_of(model)
    written = path.with_name(f"{path.stem}.exported.safetensors")
    try:
        checksum = save_model(written, model.name, network, model.provenance, stored_type(path))
        exported = load_checkpoint(written)
        if checksum != model.checksum:
            raise CheckpointError(f"{path}: the checksum would change")
        if exported.provenance != model.provenance or exported.config != model.config:
            raise CheckpointError(f"{path}: the provenance or the config would change")
        apart = differences(exported, TorchEngine(model.name, network))
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
    graphs = ", ".join(f"{name} {most:.1e}" for name, most in apart.items())
    return f"{path.name}: {path.stat().st_size / 1e6:.1f} MB; greatest differences: {graphs}"


def stored_type(path: Path) -> torch.dtype:
    """The type of the floating-point weights in a file.

    Raises CheckpointError if there is not exactly one type.
    """
    with safe_open(path, framework="pt") as file:
        weights = [name for name in file.keys() if not name.startswith(GRAPH)]  # noqa: SIM118
        kinds: set[torch.dtype] = {file.get_tensor(name).dtype for name in weights}
    floating = [kind for kind in kinds if kind.is_floating_point]
    if len(floating) != 1:
        raise CheckpointError(f"{path}: its weights must have one type, not {len(floating)}")
    return floating[0]


def differences(exported: Checkpoint, reference: TorchEngine) -> dict[str, float]:
    """The greatest difference between the engines for each graph, with its example inputs.

    Raises CheckpointError if one is above ``TOLERANCE``.
    """
    found = {}
    for name, graph in graphs_of(reference.name, reference.network).items():
        inputs = {key: example.numpy() for key, example in graph.inputs.items()}
        pairs = zip(exported.run(name, **inputs), reference.run(name, **inputs), strict=True)
        off = [difference(one, other) for one, other in pairs]
        found[name] = max(off)
        if found[name] > TOLERANCE:
            raise CheckpointError(
                f"{reference.name}: ONNX Runtime and torch differ by {found[name]:.1e} in {name}"
            )
    return found


def difference(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The greatest difference of two arrays; equal infinities differ by 0."""
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        apart = np.where(one == other, 0.0, np.abs(one.astype(np.float64) - other))
    return float(np.nan_to_num(apart, nan=np.inf, posinf=np.inf).max(initial=0.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: all")
    parser.add_argument(
        "--weights", type=Path, default=assets.WEIGHTS, metavar="FOLDER", help="with the files"
    )
    args = parser.parse_args()
    try:
        check_export()
        for name in args.models or ALL_KINDS:
            print(export(args.weights / f"{name}.safetensors"), flush=True)
    except MusicaeError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
