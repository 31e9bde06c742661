"""Options and files of the training scripts of the planner and of the melody readers.

A run's folder holds each trained member of the ensemble, and a log. A release is the weights in
half precision with two files beside them: ``NAME.json`` (settings, seeds, data, sources, versions,
metrics) and ``NAME.csv`` (the log).
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from musicae.core import assets
from musicae.core.errors import TrainingError
from musicae.core.files import whole_file
from musicae.models import checkpoint
from musicae.models.torch_engine import save_model

LOG = "log.csv"


def parser_of(description: str, members: int | None) -> argparse.ArgumentParser:
    """The options that the training scripts of small networks share; ``members`` is a default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--four-part", type=Path, required=True, metavar="FOLDER", help="the four-part data"
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), metavar="FOLDER",
        help="for members, logs and cached data; a run that was stopped is resumed",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=assets.WEIGHTS, metavar="FOLDER",
        help="for the weights, their JSON file and their log",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first member")
    parser.add_argument("--members", type=int, default=members, help="networks of the ensemble")
    parser.add_argument("--epochs", type=int, help="default: those of the settings")
    parser.add_argument("--pieces", type=int, help="at most this many per side, for a trial")
    parser.add_argument("--threads", type=int, default=1)
    return parser


class EpochLog:
    """A CSV file with one row for each epoch of each member; an existing file is continued."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                self.rows = list(csv.DictReader(file))

    def add(self, member: int, facts: dict[str, Any]) -> None:
        """Add an epoch's row and print it; it replaces the member's rows from that epoch on."""
        row = {"member": member, **facts}
        self.rows = [
            known
            for known in self.rows
            if int(known["member"]) != member or int(known["epoch"]) < facts["epoch"]
        ]
        self.rows.append(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.path) as partial, partial.open("w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(f, list(row))
            writer.writeheader()
            writer.writerows(self.rows)
        print(", ".join(f"{name} {_short(value)}" for name, value in row.items()), flush=True)


def _short(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def kept_member(
    path: Path, facts: dict[str, Any], make: Callable[[], nn.Module]
) -> dict[str, Tensor]:
    """The weights of a member, from its file; if there is none, ``make`` trains it and the file is
    written.

    Raises TrainingError if the file belongs to a run with other settings or data.
    """
    if path.is_file():
        saved = torch.load(path, weights_only=True)
        if saved["facts"] != facts:
            raise TrainingError(f"{path}: belongs to a run with other settings or data")
        weights: dict[str, Tensor] = saved["weights"]
        return weights
    state = make().state_dict()
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        torch.save({"facts": facts, "weights": state}, partial)
    return state


def write_release(
    folder: Path,
    model: tuple[str, nn.Module],
    facts: dict[str, Any],
    log: Path,
    judge: Callable[[checkpoint.Checkpoint], dict[str, Any]],
) -> None:
    """Write ``NAME.safetensors``, ``NAME.json`` and ``NAME.csv`` into the folder.

    Args:
        folder: the folder of the files.
        model: its kind (a key of ``checkpoint.READERS``) and the network.
        facts: settings, seeds, data and sources, for the weights file and the JSON file.
        log: the CSV file of the run.
        judge: returns the metrics of the stored model by side, for the JSON file.
    """
    name, network = model
    facts = facts | {"versions": versions(), "stored_as": "float16"}
    path = folder / f"{name}.safetensors"
    checksum = save_model(path, name, network, facts, torch.float16)
    shutil.copyfile(log, path.with_suffix(".csv"))
    config = asdict(network.config)  # type: ignore[call-overload]
    metrics = judge(checkpoint.load_checkpoint(path))
    described = {"model": name, "config": config, "checksum": checksum, **facts, "metrics": metrics}
    with whole_file(path.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that influence the numbers of a run."""
    packages = ("musicae", "torch", "numpy")
    return {"python": platform.python_version()} | {p: metadata.version(p) for p in packages}
