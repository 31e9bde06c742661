"""The harmonizer's architecture on the JSB Chorales as the literature measures on them.

    python benchmarks/jsb.py --data Jsb16thSeparated.json

The file (czhuang/JSB-Chorales-dataset) has 382 chorales split by piece, so that tunes stand on
both sides, as sixteenth-note frames of four MIDI pitches. Held and repeated notes look alike in it;
there are no bar lines, keys or fermatas. The model is trained on the train part alone, with the
file's own encoding: a frame's pitch is an onset where it differs from the frame before. Nothing is
given, and each note is predicted from those before it, S, B, T and A in a frame: the likelihood is
exact and chronological, in nats a note, four notes a frame. Beside the notes the model is told only
where in a bar of sixteen frames, counted from the start, a frame would lie. As the shipped model it
learns from teachers; when to stop and how sure to be is settled on the valid part, so that only the
test part is a stranger.

The run's folder gets logs and weights; a run that was stopped goes on where it was.
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

from musicae.core.files import whole_file
from musicae.encoding.batches import pad
from musicae.models import checkpoint
from musicae.models.harmonizer import Harmonizer, HarmonizerConfig
from musicae.models.vocabulary import FIRST_PITCH, HOLD, SILENCE
from musicae.models.voice_transformer import MaskedBatch, surprise
from musicae.training.calibration import calibrate
from musicae.training.config import OUTER_FIRST, TRANSFORMER, TRANSFORMER_SETTINGS
from musicae.training.fit import LogRow, TrainingProgress, fit
from musicae.training.harmonizer import HarmonyTask
from musicae.training.task import Settings

RANGES = ((60, 81), (52, 74), (46, 69), (36, 66))
"""Lowest and highest pitch of each voice in the file."""
IN_BAR = 16
LONGEST = 256
"""Frames that are learned from at a time."""
JUDGED = ("valid", "test")
CONFIG = HarmonizerConfig(
    lowest=tuple(low for low, _ in RANGES),
    symbols=tuple(FIRST_PITCH + high - low + 1 for low, high in RANGES),
    order=OUTER_FIRST,
    context=(IN_BAR,),
    encoder_layers=1,  # there is nothing to hear
    dropout=TRANSFORMER["dropout"],
)
SETTINGS = replace(TRANSFORMER_SETTINGS, epochs=60, patience=60)
TEACHERS = (replace(TRANSFORMER_SETTINGS, seed=1), replace(TRANSFORMER_SETTINGS, seed=2))


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

    def batch(self, indices: Sequence[int], *seed: int) -> MaskedBatch:
        """Whole pieces, or, to learn from, at most ``LONGEST`` frames of each in a drawn key."""
        drawn = [self._frames(i, np.random.default_rng([*seed, i])) for i in indices or [0]]
        length = LONGEST if self.every_key else max(len(tokens) for tokens, _ in drawn)
        length += -length % CONFIG.stride
        tokens, known, context = [], [], []
        for symbols, first in drawn:
            tokens.append(pad(symbols, length, value=SILENCE))
            open_cells = torch.zeros(symbols.shape, dtype=torch.bool)
            known.append(pad(open_cells, length, value=True))
            context.append((torch.arange(length)[:, None] + first) % IN_BAR)
        tonic = torch.zeros(len(drawn), dtype=torch.int64)  # nobody knows the key
        parts = (torch.stack(tokens), torch.stack(known), torch.stack(context), tonic)
        return MaskedBatch(*(part[: len(indices)] for part in parts))

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


@torch.inference_mode()
def nats_a_note(model: Harmonizer, pieces: Pieces) -> float:
    """Over all notes of all pieces, in single precision."""
    total, notes = 0.0, 0
    for i in range(len(pieces)):
        problem = pieces.batch([i])
        total += float(surprise(model(problem), problem).double().sum())
        notes += int((~problem.known).sum())
    return round(total / notes, 4)


def train(
    fabric: Fabric, folder: Path, sides: dict[str, Pieces], settings: Settings, task: HarmonyTask
) -> Harmonizer:
    """A model that has learned from the train part, calibrated on the valid part."""
    folder.mkdir(parents=True, exist_ok=True)
    state_file = folder / "state.pt"
    torch.manual_seed(settings.seed)
    model = Harmonizer(CONFIG)
    rows = fit(
        fabric,
        model,
        task,
        sides["train"],
        sides["valid"],
        settings=settings,
        state=torch.load(state_file, weights_only=True) if state_file.exists() else None,
        save=lambda state: torch.save(state, state_file),
        report=_print_progress,
    )
    _write_log(folder / "log.csv", rows)
    model.cpu().eval()
    problems = [sides["valid"].batch([i]) for i in range(len(sides["valid"]))]
    calibrate(model, problems, lambda problem: (model(problem), problem))
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Jsb16thSeparated.json")
    parser.add_argument("--out", type=Path, default=Path("runs/jsb"), help="the run's folder")
    parser.add_argument("--epochs", type=int, default=SETTINGS.epochs)
    arguments = parser.parse_args()
    data = json.loads(arguments.data.read_text(encoding="utf-8"))
    sides = {side: Pieces(data[side], every_key=side == "train") for side in data}
    fabric = Fabric(accelerator="auto", devices=1, precision="bf16-mixed")
    fabric.launch()

    teachers, figures = [], {}
    for number, settings in enumerate(TEACHERS, 1):
        folder = arguments.out / f"teacher-{number}"
        teachers.append(train(fabric, folder, sides, settings, HarmonyTask()))
        figures[folder.name] = {side: nats_a_note(teachers[-1], sides[side]) for side in JUDGED}
        print(json.dumps(figures), flush=True)
    settings = replace(SETTINGS, epochs=arguments.epochs, patience=arguments.epochs)
    model = train(fabric, arguments.out, sides, settings, HarmonyTask(teachers))
    figures["taught"] = {side: nats_a_note(model, sides[side]) for side in JUDGED}
    facts = {"nats_a_note": figures, "calibration": model.calibration.item()}
    checkpoint.save_model(arguments.out / "harmonizer.safetensors", "harmonizer", model, facts)
    print(json.dumps(facts, indent=2))


def _print_progress(progress: TrainingProgress) -> None:
    per_epoch = progress.steps // progress.epochs
    if progress.step % per_epoch == 1 and progress.valid_loss is not None:
        print(f"epoch {progress.epoch - 1}: {progress.valid_loss / 4:.4f} nats a note", flush=True)


def _write_log(path: Path, rows: Sequence[LogRow]) -> None:
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(LogRow._fields[:-1])
        writer.writerows(row[:-1] for row in rows)


if __name__ == "__main__":
    main()
