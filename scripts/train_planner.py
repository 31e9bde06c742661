"""Train the chord planner on Bach's chorales and the four-part data, and save it.

    python scripts/train_planner.py --four-part FOLDER --members 4 --out musicae/assets/weights/planner.safetensors
    python scripts/train_planner.py --four-part FOLDER --evaluate musicae/assets/weights/planner.safetensors

A member takes five to ten minutes of one core. Members are saved beside ``--out`` as they are
trained, so that a run that is stopped goes on where it was.
"""  # noqa: E501

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch

from musicae.core.chorale import Chorale
from musicae.corpus import load
from musicae.corpus.four_part import FourPartPiece, read_four_part, training_pieces
from musicae.encoding.melody_features import COLUMNS, FEATURES
from musicae.evaluation.plan_accuracy import measure_plans
from musicae.models import checkpoint
from musicae.models.chord_planner import ChordPlanner, ChordPlannerConfig
from musicae.theory.harmonic_plan import HarmonicPlan
from musicae.theory.key_finding import find_key
from musicae.theory.plan_reading import plan_of
from musicae.training.planner import Augmentation, PlanExample, common_states, example
from musicae.training.planner_fit import PlannerSettings, assemble, calibrate, fit_network

SIDES = ("bach-train", "bach-valid", "bach-test", "train", "hymn-valid", "hymn-test")
AUGMENTATION = Augmentation(other_key=0.35)


def pieces_of(side: str, four_part: list[FourPartPiece]) -> list[tuple[Chorale, str, HarmonicPlan]]:
    """Music, style and plan of each piece of a side, in the key that its notes show."""
    found = []
    if side.startswith("bach-"):
        for chorale in load.load().side(side.removeprefix("bach-")):
            key = find_key(chorale, chorale.key.fifths if chorale.key else None)
            found.append((chorale, "bach", plan_of(chorale, key)))
        return found
    chosen = [p for p in four_part if p.side == side and p.admitted]
    for piece in training_pieces(four_part) if side == "train" else chosen:
        assert piece.chorale.key is not None, "the manifest names the key of each piece"
        found.append((piece.chorale, piece.style, plan_of(piece.chorale, piece.chorale.key)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--four-part", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("planner.safetensors"))
    parser.add_argument("--members", type=int, default=4)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--evaluate", type=Path, help="measure these weights instead")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=["bach-valid", "hymn-valid"])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    four_part = read_four_part(given.four_part)
    if given.evaluate:
        model = checkpoint.load_checkpoint(given.evaluate).model
        assert isinstance(model, ChordPlanner), "these weights are of another kind"
        evaluate(model, given.sides, four_part)
        return
    pieces = {side: pieces_of(side, four_part) for side in SIDES if "test" not in side}
    learned = pieces["bach-train"] + pieces["train"]
    states = common_states(plan for _, _, plan in learned)

    def examples(side: list[tuple[Chorale, str, HarmonicPlan]]) -> list[PlanExample]:
        return [example(c, plan.key, style, states, plan) for c, style, plan in side]

    valid = {side: examples(pieces[side]) for side in ("bach-valid", "hymn-valid")}
    mode = COLUMNS["mode"].start
    config = ChordPlannerConfig(
        FEATURES, states, (mode, mode + 1), width=160, tables=8, dropout=0.5
    )

    def report(epoch: int, loss: float, losses: Mapping[str, float]) -> None:
        sides = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
        print(f"epoch {epoch}: {loss:.3f}; {sides}", flush=True)

    networks = []
    for seed in range(given.first_seed, given.first_seed + given.members):
        settings = PlannerSettings(seed=seed, augmentation=AUGMENTATION)
        state = given.out.with_suffix(f".{seed}.pt")
        print(f"member {seed}", flush=True)
        networks.append(
            fit_network(examples(learned), valid, config, settings, state=state, report=report)
        )
    model = assemble(networks)
    calibrate(model, [e for side in valid.values() for e in side])
    provenance = {
        "data": {side: len(found) for side, found in pieces.items()},
        "seeds": [given.first_seed, given.members],
        "cycles": PlannerSettings().cycles,
        "temperature": float(model.temperature),
    }
    checkpoint.save_model(given.out, "planner", model, provenance, dtype=torch.float16)
    evaluate(model, given.sides, four_part)


def evaluate(model: ChordPlanner, sides: list[str], four_part: list[FourPartPiece]) -> None:
    """Print the measures of each side, with and without its phrase ends."""
    for side in sides:
        states = model.config.states
        examples = [
            example(chorale, plan.key, style, states, plan)
            for chorale, style, plan in pieces_of(side, four_part)
        ]
        print(f"{side}: {measure_plans(model, examples)}", flush=True)
        print(f"{side}, no phrase ends: {measure_plans(model, examples, False)}", flush=True)


if __name__ == "__main__":
    main()
