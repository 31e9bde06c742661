"""Write the graphs of the models that ship into their files, for ONNX Runtime.

    python scripts/export_graphs.py [MODEL ...] [--weights FOLDER]

Training writes graphs by itself. They are written anew when ``musicae.models.graphs`` changes:
the weights, how they are stored and what the file says of them stay as they are. A file is replaced
only if its checksum stays the same and if ONNX Runtime and torch agree on the inputs that each
graph has for an example.
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
"""The most that a number of ONNX Runtime may differ from that of torch."""


def export(path: Path) -> str:
    """Write the graphs of a model into its file; returns what to print.

    Raises CheckpointError, and leaves the file as it was, where the model would not stay the same.
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
            raise CheckpointError(f"{path}: what it says of the model would change")
        apart = differences(exported, TorchEngine(model.name, network))
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
    graphs = ", ".join(f"{name} {most:.1e}" for name, most in apart.items())
    return f"{path.name}: {path.stat().st_size / 1e6:.1f} MB; off by at most: {graphs}"


def stored_type(path: Path) -> torch.dtype:
    """How the floating-point weights of a file are stored. Raises CheckpointError for a mixture."""
    with safe_open(path, framework="pt") as file:
        weights = [name for name in file.keys() if not name.startswith(GRAPH)]  # noqa: SIM118
        kinds: set[torch.dtype] = {file.get_tensor(name).dtype for name in weights}
    floating = [kind for kind in kinds if kind.is_floating_point]
    if len(floating) != 1:
        raise CheckpointError(f"{path}: its weights are stored in {len(floating)} ways")
    return floating[0]


def differences(exported: Checkpoint, reference: TorchEngine) -> dict[str, float]:
    """The greatest difference of each graph on its example.

    Raises CheckpointError where it is above ``TOLERANCE``.
    """
    found = {}
    for name, graph in graphs_of(reference.name, reference.network).items():
        inputs = {key: example.numpy() for key, example in graph.inputs.items()}
        pairs = zip(exported.run(name, **inputs), reference.run(name, **inputs), strict=True)
        off = [difference(one, other) for one, other in pairs]
        found[name] = max(off)
        if found[name] > TOLERANCE:
            raise CheckpointError(
                f"{reference.name}: ONNX Runtime and torch are {found[name]:.1e} apart in {name}"
            )
    return found


def difference(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The greatest difference of two arrays; what is infinite in both the same way differs by 0."""
    with np.errstate(invalid="ignore"):  # infinite less infinite
        apart = np.where(one == other, 0.0, np.abs(one.astype(np.float64) - other))
    return float(np.nan_to_num(apart, nan=np.inf, posinf=np.inf).max(initial=0.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help="by default all")
    parser.add_argument(
        "--weights", type=Path, default=assets.WEIGHTS, metavar="FOLDER", help="of the files"
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
