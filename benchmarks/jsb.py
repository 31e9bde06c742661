"""Train the harmonizer's architecture on the JSB Chorales, to compare it with the literature.

    python benchmarks/jsb.py --data Jsb16thSeparated.json

The file (czhuang/JSB-Chorales-dataset) has 382 chorales as sixteenth-note frames of four MIDI
pitches. They are split by piece, so a tune can be on both sides. Held and repeated notes are not
distinguished; there are no bar lines, keys or fermatas. The models are trained on the train part
alone, with the encoding of the file: a frame's pitch is an onset if it differs from the frame
before. No notes are given, and each note is predicted from those before it, in the order S, B, T, A
within a frame. The likelihood is exact and chronological, in nats per note, with four notes per
frame.

The tonic and the bars of a piece are hidden variables. In training the model reads them: the tonic
that ``find_key`` finds, and the bars of the same chorale in the project's corpus, if it is there.
In evaluation they are unknown. The likelihood of a piece is that of a mixture over all tonics and
the usual bars; their prior probabilities are the shares on the train part. To save time the sum has
fewer terms, which can only make the likelihood smaller.

Three teachers are trained first, then a student by distillation, like the shipped model. Early
stopping and calibration use the valid part, so only the test part is unseen. The run's folder holds
logs and weights; a run that was stopped is resumed.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray

from musicae.core.arrays import Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.files import whole_file
from musicae.corpus.load import load
from musicae.encoding.batches import pad
from musicae.models.batches import MaskedBatch
from musicae.models.configs import HarmonizerConfig
from musicae.models.harmonizer import Harmonizer
from musicae.models.torch_engine import check_export, save_model
from musicae.models.vocabulary import FIRST_PITCH, HOLD, SILENCE
from musicae.models.voice_transformer import surprise
from musicae.theory.key_finding import find_key
from musicae.training.calibration import calibrate
from musicae.training.config import OUTER_FIRST, TRANSFORMER, TRANSFORMER_SETTINGS
from musicae.training.fit import LogRow, TrainingProgress, TrainingState, fit
from musicae.training.harmonizer import HarmonyTask
from musicae.training.run import faster_precision
from musicae.training.task import Settings
from musicae.training.tensors import tensors

Frames = tuple[Ints, Ints, int]
"""Symbols ``(T, V)``, places in bars ``(T,)``, and the pitch class of the tonic."""
Opening = tuple[int, ...]

RANGES = ((60, 81), (52, 74), (46, 69), (36, 66))
"""Lowest and highest pitch of each voice in the file."""
LONGEST = 256
"""The greatest number of frames of a training example."""
JUDGED = ("valid", "test")
TONICS = range(12)
BARS = ((16, 0), (16, 4), (12, 0), (12, 4))
"""The usual bars: the length of a bar and of the pickup, in frames."""
UNKNOWN_BARS = len(BARS)
"""With unknown bars, the model reads only the place in cycles of sixteen frames from the start."""
FIRST_PLACES = (0, 0, 16, 16, 28)
"""For each kind of ``BARS`` and for unknown bars: the number of the first place in a bar."""
CYCLE = 16
"""The length of the cycle for unknown bars, in frames."""
HIDDEN_BARS = 0.15
"""The share of training pieces with unknown bars."""
LIKELY_TONICS = 2
"""The number of most probable tonics for which all bars are tried."""
CONFIG = HarmonizerConfig(
    lowest=tuple(low for low, _ in RANGES),
    symbols=tuple(FIRST_PITCH + high - low + 1 for low, high in RANGES),
    order=OUTER_FIRST,
    context=(FIRST_PLACES[-1] + CYCLE,),
    encoder_layers=1,  # there are no given notes to encode
    dropout=TRANSFORMER["dropout"],
)
STUDENT = replace(TRANSFORMER_SETTINGS, epochs=50, patience=50, seed=11)
TEACHERS = tuple(replace(TRANSFORMER_SETTINGS, seed=seed) for seed in (1, 2, 3))


class Guess(NamedTuple):
    """The values of the hidden variables of a piece."""

    tonic: int
    """A pitch class."""
    bars: int
    """An index of ``BARS``, or ``UNKNOWN_BARS``."""


class Pieces:
    """The chorales of one part of the file; for training (``every_key``) in every key."""

    def __init__(
        self,
        pieces: Sequence[Sequence[Sequence[int]]],
        every_key: bool,
        known_bars: Mapping[Opening, int],
    ) -> None:
        self.every_key = every_key
        self.pieces = [np.array(piece) for piece in pieces]
        self.hidden = [
            Guess(find_key(_chorale(piece)).tonic, known_bars.get(opening(piece), UNKNOWN_BARS))
            for piece in self.pieces
        ]
        lows, highs = np.array(RANGES).T
        self.shifts = []
        for piece in self.pieces:
            sounding = np.ma.masked_less(piece, 0)
            down, up = (lows - sounding.min(axis=0)).max(), (highs - sounding.max(axis=0)).min()
            self.shifts.append(range(int(down), int(up) + 1) if every_key else range(1))

    def __len__(self) -> int:
        return len(self.pieces)

    def batch(self, indices: Sequence[int], *seed: int) -> MaskedBatch:
        """Whole pieces; for training at most ``LONGEST`` frames of each, in a random key."""
        drawn = [self._frames(i, np.random.default_rng([*seed, i])) for i in indices or [0]]
        length = LONGEST if self.every_key else max(len(tokens) for tokens, _, _ in drawn)
        return _batch(drawn, length, len(indices))

    def guessed(self, index: int, guesses: Sequence[Guess]) -> MaskedBatch:
        """A batch with the same whole piece for each guess."""
        piece = self.pieces[index]
        drawn = [
            (_tokens(piece), _places(guess.bars, len(piece)), guess.tonic) for guess in guesses
        ]
        return _batch(drawn, len(piece), len(drawn))

    def describe(self) -> dict[str, Any]:
        return {"chorales": len(self)}

    def _frames(self, index: int, rng: np.random.Generator) -> Frames:
        """A whole piece, or for training a random part of it in a random key."""
        piece, (tonic, bars) = self.pieces[index], self.hidden[index]
        part = slice(0, len(piece))
        if self.every_key:
            shift = int(rng.choice(self.shifts[index]))
            piece, tonic = np.where(piece < 0, piece, piece + shift), (tonic + shift) % 12
            spare = (len(piece) - LONGEST) // CONFIG.stride
            if spare > 0:
                first = int(rng.integers(spare + 1)) * CONFIG.stride
                part = slice(first, first + LONGEST)
            if rng.random() < HIDDEN_BARS:
                bars = UNKNOWN_BARS
        return _tokens(piece[part]), _places(bars, len(piece))[part], tonic


def _batch(drawn: Sequence[Frames], length: int, count: int) -> MaskedBatch:
    length += -length % CONFIG.stride
    tokens, known, context = [], [], []
    for symbols, places, _ in drawn:
        tokens.append(pad(symbols, length, value=SILENCE))
        open_cells = np.zeros(symbols.shape, dtype=np.bool_)
        known.append(pad(open_cells, length, value=True))
        context.append(pad(places[:, None], length, value=0))
    tonic = np.array([tonic for _, _, tonic in drawn])
    parts = (np.stack(tokens), np.stack(known), np.stack(context), tonic)
    return tensors(MaskedBatch(*(part[:count] for part in parts)))


def _tokens(piece: Ints) -> Ints:
    """The symbols ``(T, V)`` of frames."""
    tokens: Ints = np.where(piece < 0, SILENCE, piece - np.array(CONFIG.lowest) + FIRST_PITCH)
    goes_on = (piece[1:] == piece[:-1]) & (piece[1:] >= 0)
    tokens[1:] = np.where(goes_on, HOLD, tokens[1:])
    return tokens


def _places(bars: int, frames: int) -> Ints:
    """``(T,)`` the place of each frame in its bar; each kind of bars has numbers of its own."""
    length, pickup = BARS[bars] if bars < UNKNOWN_BARS else (CYCLE, 0)
    places: Ints = FIRST_PLACES[bars] + (np.arange(frames) - pickup) % length
    return places


def opening(piece: Ints) -> Opening:
    """Soprano and bass of the first sixteen quarters, in semitones from the first soprano note."""
    sung = piece[:, 0][piece[:, 0] >= 0]
    lines = np.clip(piece[:64:4, [0, 3]] - sung[0], -60, 60)
    return tuple(lines.ravel().tolist())


def bars_by_opening() -> dict[Opening, int]:
    """For the openings of the chorales of the project's corpus: their bars, if usual."""
    found = {}
    for chorale in load().chorales:
        lengths = {measure.meter.steps_per_bar for measure in chorale.measures}
        bars = (lengths.pop(), chorale.pickup) if len(lengths) == 1 else None
        if bars in BARS:
            frames = np.where(chorale.pitch == REST, -1, chorale.pitch).astype(np.int64)
            found[opening(frames)] = BARS.index(bars)
    return found


def _chorale(piece: Ints) -> Chorale:
    """The frames as a chorale, for ``find_key``."""
    onset = np.ones(piece.shape, dtype=np.bool_)
    onset[1:] = piece[1:] != piece[:-1]
    return Chorale(np.where(piece < 0, REST, piece).astype(np.int16), onset & (piece >= 0))


@torch.inference_mode()
def nats_a_note(model: Harmonizer, pieces: Pieces, prior: Sequence[float]) -> float:
    """The negative log-likelihood of all pieces in nats per note, in single precision.

    ``prior`` are the prior probabilities of the bars.
    """
    total, notes = 0.0, 0
    for index in range(len(pieces)):

        def scores(guesses: Sequence[Guess], index: int = index) -> NDArray[np.float64]:
            batch = pieces.guessed(index, guesses)
            nats: NDArray[np.float64] = surprise(model(batch), batch).double().sum((1, 2)).numpy()
            return -nats

        by_tonic = scores([Guess(tonic, UNKNOWN_BARS) for tonic in TONICS])
        likely = np.argsort(-by_tonic)[:LIKELY_TONICS].tolist()
        guesses = [Guess(tonic, bars) for tonic in likely for bars in range(len(prior))]
        before = np.log([prior[guess.bars] / len(TONICS) for guess in guesses])
        total -= np.logaddexp.reduce(scores(guesses) + before)
        notes += pieces.pieces[index].size
    return round(total / notes, 4)


def train(
    fabric: Fabric, folder: Path, sides: dict[str, Pieces], settings: Settings, task: HarmonyTask
) -> Harmonizer:
    """A model that is trained on the train part and calibrated on the valid part."""
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
        state=_state_in(state_file),
        save=lambda state: torch.save(state.as_dict(), state_file),
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
    arguments = parser.parse_args()
    check_export()
    torch.set_num_threads(1)
    data = json.loads(arguments.data.read_text(encoding="utf-8"))
    known = bars_by_opening()
    sides = {side: Pieces(data[side], side == "train", known) for side in data}
    counts = np.bincount([bars for _, bars in sides["train"].hidden], minlength=len(BARS) + 1) + 0.5
    prior = (counts / counts.sum()).tolist()
    fabric = Fabric(accelerator="auto", devices=1, precision=faster_precision("auto"))
    fabric.launch()

    teachers = [
        train(fabric, arguments.out / f"teacher-{number}", sides, settings, HarmonyTask())
        for number, settings in enumerate(TEACHERS, 1)
    ]
    student = train(fabric, arguments.out / "student", sides, STUDENT, HarmonyTask(teachers))
    figures = {side: nats_a_note(student, sides[side], prior) for side in JUDGED}
    facts = {"nats_a_note": figures, "calibration": student.calibration.item()}
    save_model(arguments.out / "harmonizer.safetensors", "harmonizer", student, facts)
    print(json.dumps(facts, indent=2))


def _state_in(file: Path) -> TrainingState | None:
    """The state of a stopped run; None if there is none."""
    if not file.exists():
        return None
    return TrainingState.from_dict(torch.load(file, weights_only=True))


def _print_progress(progress: TrainingProgress) -> None:
    per_epoch = progress.steps // progress.epochs
    if progress.step % per_epoch == 1 and progress.valid_loss is not None:
        print(
            f"epoch {progress.epoch - 1}: {progress.valid_loss / 4:.4f} nats per note", flush=True
        )


def _write_log(path: Path, rows: Sequence[LogRow]) -> None:
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(LogRow._fields[:-1])
        writer.writerows(row[:-1] for row in rows)


if __name__ == "__main__":
    main()
