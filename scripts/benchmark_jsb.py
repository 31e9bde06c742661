"""The harmonizer's architecture on the JSB Chorales as the literature measures on them.

    python scripts/benchmark_jsb.py --data Jsb16thSeparated.json

The file (czhuang/JSB-Chorales-dataset) has 382 chorales split by piece, so that tunes stand on
both sides, as sixteenth-note frames of four MIDI pitches. Held and repeated notes look alike in it;
there are no bar lines, keys or fermatas. The model is trained on the train part alone, with the
file's own encoding: a frame's pitch is an onset where it differs from the frame before. Nothing is
given, and each note is predicted from those before it, S, B, T and A in a frame: the likelihood is
exact and chronological, in nats a note, four notes a frame. How sure the model is of itself is set
on the valid part, which also says when to stop, so that only the test part is a stranger. Beside
the notes the model is told only
where in a bar of sixteen frames, counted from the start, a frame would lie.

The run's folder gets a log and the weights; a run that was stopped goes on with ``--resume``.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from musicae import checkpoint
from musicae.exercises import calibrate
from musicae.files import whole_file
from musicae.models.harmonizer import Harmonizer, HarmonizerConfig, Problem, surprise
from musicae.recipes import OUTER_FIRST, RECIPES
from musicae.training import Progress, Row, fit
from musicae.vocabulary import FIRST_PITCH, HOLD, SILENCE

RANGES = ((60, 81), (52, 74), (46, 69), (36, 66))
"""Lowest and highest pitch of each voice in the file."""
IN_BAR = 16
LONGEST = 256
"""Frames that are learned from at a time."""
CONFIG = HarmonizerConfig(
    lowest=tuple(low for low, _ in RANGES),
    symbols=tuple(FIRST_PITCH + high - low + 1 for low, high in RANGES),
    order=OUTER_FIRST,
    context=(IN_BAR,),
    encoder_layers=1,  # there is nothing to hear
)
SETTINGS = replace(RECIPES["harmonizer"].settings, epochs=40, patience=40)


class Pieces:
    """Chorales of one part of the file; in every key where they are learned from."""

    def __init__(self, pieces: Sequence[Sequence[Sequence[int]]], every_key: bool) -> None:
        self.every_key = every_key
        self.pieces = [np.array(piece) for piece in pieces]
        lows, highs = np.array(RANGES).T
        self.shifts = []
        for piece in self.pieces:
            sounding = np.ma.masked_less(piece, 0)
            down, up = (lows - sounding.min(axis=0)).max(), (highs - sounding.max(axis=0)).min()
            self.shifts.append(range(int(down), int(up) + 1) if every_key else range(1))

    def __len__(self) -> int:
        return len(self.pieces)

    def batch(self, indices: Sequence[int], *seed: int) -> Problem:
        """Whole pieces, or, to learn from, at most ``LONGEST`` frames of each in a drawn key."""
        drawn = [self._frames(i, np.random.default_rng([*seed, i])) for i in indices or [0]]
        length = LONGEST if self.every_key else max(len(tokens) for tokens, _ in drawn)
        length += -length % CONFIG.stride
        tokens, known, context = [], [], []
        for symbols, first in drawn:
            missing = length - len(symbols)
            tokens.append(F.pad(symbols, (0, 0, 0, missing), value=SILENCE))
            open_cells = torch.zeros(symbols.shape, dtype=torch.bool)
            known.append(F.pad(open_cells, (0, 0, 0, missing), value=True))
            context.append((torch.arange(length)[:, None] + first) % IN_BAR)
        tonic = torch.zeros(len(drawn), dtype=torch.int64)  # nobody knows the key
        parts = (torch.stack(tokens), torch.stack(known), torch.stack(context), tonic)
        return Problem(*(part[: len(indices)] for part in parts))

    def describe(self) -> dict[str, Any]:
        return {"chorales": len(self)}

    def _frames(self, index: int, rng: np.random.Generator) -> tuple[Tensor, int]:
        """Symbols ``(T, V)`` of a piece or a part of it, and its first frame."""
        piece, first = self.pieces[index], 0
        if self.every_key:
            piece = np.where(piece < 0, piece, piece + int(rng.choice(self.shifts[index])))
            spare = (len(piece) - LONGEST) // CONFIG.stride
            if spare > 0:
                first = int(rng.integers(spare + 1)) * CONFIG.stride
                piece = piece[first : first + LONGEST]
        tokens = np.where(piece < 0, SILENCE, piece - np.array(CONFIG.lowest) + FIRST_PITCH)
        goes_on = (piece[1:] == piece[:-1]) & (piece[1:] >= 0)
        tokens[1:] = np.where(goes_on, HOLD, tokens[1:])
        return torch.from_numpy(tokens), first


def loss(network: torch.nn.Module, batch: Problem) -> Tensor:
    """Nats a note: ``(B,)``."""
    notes = (~batch.known).sum(dim=(1, 2))
    return surprise(network(batch), batch).sum(dim=(1, 2)) / notes


@torch.inference_mode()
def nats_a_note(model: Harmonizer, pieces: Pieces) -> float:
    """Over all notes of all pieces, in single precision."""
    total, notes = 0.0, 0
    for i in range(len(pieces)):
        problem = pieces.batch([i])
        total += float(surprise(model(problem), problem).double().sum())
        notes += int((~problem.known).sum())
    return total / notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Jsb16thSeparated.json")
    parser.add_argument("--out", type=Path, default=Path("runs/jsb"), help="the run's folder")
    parser.add_argument("--epochs", type=int, default=SETTINGS.epochs)
    parser.add_argument("--width", type=int, default=CONFIG.width)
    parser.add_argument("--dropout", type=float, default=CONFIG.dropout)
    parser.add_argument("--seed", type=int, default=SETTINGS.seed)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    data = json.loads(arguments.data.read_text(encoding="utf-8"))
    sides = {side: Pieces(data[side], every_key=side == "train") for side in data}
    config = replace(CONFIG, width=arguments.width, dropout=arguments.dropout)
    settings = replace(
        SETTINGS, epochs=arguments.epochs, patience=arguments.epochs, seed=arguments.seed
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    state_file = arguments.out / "state.pt"
    state = torch.load(state_file, weights_only=True) if arguments.resume else None

    fabric = Fabric(accelerator="auto", devices=1, precision="bf16-mixed")
    fabric.launch()
    torch.manual_seed(settings.seed)
    model = Harmonizer(config)
    rows = fit(
        fabric,
        model,
        loss,
        sides["train"],
        sides["valid"],
        settings=settings,
        state=state,
        save=lambda state: torch.save(state, state_file),
        report=_print_progress,
    )
    _write_log(arguments.out / "log.csv", rows)
    model.cpu().eval()
    calibrate(model, [sides["valid"].batch([i]) for i in range(len(sides["valid"]))])
    figures = {side: round(nats_a_note(model, sides[side]), 4) for side in ("valid", "test")}
    facts = {"nats_a_note": figures, "epochs": len(rows), "seed": settings.seed}
    checkpoint.save(arguments.out / "harmonizer.safetensors", "harmonizer", model, facts)
    print(json.dumps(facts))


def _print_progress(progress: Progress) -> None:
    per_epoch = progress.steps // progress.epochs
    if progress.step % per_epoch == 1 and progress.valid_loss is not None:
        print(f"epoch {progress.epoch - 1}: valid {progress.valid_loss:.4f}", flush=True)


def _write_log(path: Path, rows: Sequence[Row]) -> None:
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
