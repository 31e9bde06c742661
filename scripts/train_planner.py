"""Train the shipped chord planner on Bach's chorales and the four-part data.

    python scripts/train_planner.py --four-part FOLDER [--runs FOLDER] [--members 2]

Written to ``musicae/assets/weights``, or ``--out``, are ``planner.safetensors``, ``planner.json``
(settings, seeds, data with sources and licences, versions, metrics of the validation sides) and
``planner.csv`` (the log). A member takes about twenty minutes on one core. A stopped run is resumed
by the same command. ``benchmarks/plan.py`` measures the result, also on the test sides.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import torch

from musicae.core.errors import MusicaeError
from musicae.encoding.melody_features import COLUMNS, FEATURES
from musicae.evaluation.plan_accuracy import measure_plans
from musicae.models.checkpoint import Checkpoint
from musicae.models.configs import ChordPlannerConfig
from musicae.models.torch_engine import check_export
from musicae.training.melody_data import TRAINING, VALIDATION, described, few, load_melodies, on
from musicae.training.planner import (
    Augmentation,
    PlanExample,
    common_states,
    examples_of,
    read_plan,
)
from musicae.training.planner_fit import (
    PlannerSettings,
    Report,
    assemble,
    calibrate,
    fit_network,
)
from musicae.training.release_files import LOG, EpochLog, parser_of, write_release
from musicae.training.second_chords import SecondReport, SecondSettings, fit_seconds

SETTINGS = PlannerSettings(augmentation=Augmentation(other_key=0.35))
SECONDS = SecondSettings()
WIDTH, TABLES, DROPOUT, SECOND_WIDTH = 160, 8, 0.5, 160


def release(args: argparse.Namespace) -> None:
    """Train the members, combine them to one planner and write it with its facts."""
    folder = args.runs / "planner"
    settings = SETTINGS if args.epochs is None else replace(SETTINGS, cycles=(args.epochs,))
    pieces = [p for p in load_melodies(args.four_part, args.runs) if p.admitted]
    learned = few(on(pieces, *TRAINING), args.pieces)
    states = common_states(read_plan(piece) for piece in learned)
    train = examples_of(learned, states)
    valid = {s: examples_of(few(on(pieces, s), args.pieces), states) for s in VALIDATION}
    mode = COLUMNS["mode"].start
    config = ChordPlannerConfig(
        FEATURES,
        states,
        (mode, mode + 1),
        width=WIDTH,
        tables=TABLES,
        dropout=DROPOUT,
        second_width=SECOND_WIDTH,
    )
    log = EpochLog(folder / LOG)
    seeds = list(range(args.seed, args.seed + args.members))
    networks = [
        fit_network(
            train,
            valid,
            config,
            replace(settings, seed=seed),
            state=folder / f"member-{seed}.pt",
            report=reporter(log, seed),
        )
        for seed in seeds
    ]
    model = assemble(networks)
    held_out = [e for side in valid.values() for e in side]
    calibrate(model, held_out)
    assert model.seconds is not None
    second_log: list[dict[str, float]] = []
    fit_seconds(model.seconds, train, held_out, SECONDS, second_reporter(second_log))
    facts = {
        "seeds": seeds,
        "settings": asdict(settings),
        "second_chords": {"settings": asdict(SECONDS), "log": second_log},
        "data": described(learned),
        "temperature": float(model.temperature),
    }
    write_release(args.out, ("planner", model), facts, log.path, lambda m: judged(m, valid))


def reporter(log: EpochLog, member: int) -> Report:
    """A function that adds an epoch's losses to the log, with the seconds that the epoch took."""
    began = time.perf_counter()

    def report(epoch: int, loss: float, losses: Mapping[str, float]) -> None:
        nonlocal began
        now = time.perf_counter()
        log.add(member, {"epoch": epoch + 1, "train_loss": loss, **losses, "seconds": now - began})
        began = now

    return report


def second_reporter(log: list[dict[str, float]]) -> SecondReport:
    """A function that adds the losses of second chords of an epoch to a list and prints them."""

    def report(epoch: int, train_loss: float, valid_loss: float) -> None:
        log.append({"epoch": epoch, "train_loss": train_loss, "valid_loss": valid_loss})
        print(f"second chords, epoch {epoch}: {train_loss:.4f}, {valid_loss:.4f}", flush=True)

    return report


def judged(model: Checkpoint, sides: Mapping[str, list[PlanExample]]) -> dict[str, Any]:
    """The planner's measures on each side, with phrase ends given and hidden."""
    return {
        side: {
            "phrase ends told": measure_plans(model, examples).as_dict(),
            "no phrase ends": measure_plans(model, examples, phrases=False).as_dict(),
        }
        for side, examples in sides.items()
    }


def main() -> None:
    args = parser_of((__doc__ or "").splitlines()[0], members=2).parse_args()
    torch.set_num_threads(args.threads)
    try:
        check_export()
        release(args)
    except MusicaeError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
