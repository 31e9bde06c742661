"""Train the shipped models by their recipes, and measure them.

    python scripts/train_release.py [MODEL ...] [--four-part FOLDER] [--devices N] [--runs FOLDER]

For each named model (default: all), these files are written to ``musicae/assets/weights``: the
weights in half precision, the log of the run as ``MODEL.csv``, and its settings, seed, versions,
data and measures as ``MODEL.json``. ``RESULTS.md`` has the measures of all models as tables. A run
that was stopped is resumed.

The harmonizer and the VAE are also trained on four-part pieces by others, which are not in the
repository. ``FOLDER`` holds their MIDI files with ``manifest.csv`` and ``sides.csv``; see
``musicae.corpus.four_part``. The manifest names the repository, the file and the licence of each
piece.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from musicae.core import assets
from musicae.core.chorale import Chorale
from musicae.core.files import whole_file
from musicae.corpus import load
from musicae.corpus.four_part import read_four_part
from musicae.evaluation import accuracy as evaluation
from musicae.evaluation.latent import latent_report
from musicae.evaluation.likelihood import harmonizer_of
from musicae.models import checkpoint
from musicae.models.harmonizer import Harmonizer
from musicae.models.torch_engine import network_of, save_model
from musicae.training.config import RECIPES
from musicae.training.fit import TrainingProgress
from musicae.training.run import LOG, train

SIDES = ("valid", "test")


FOUR_PART_SIDES = ("hymn-valid", "hymn-test")


def release(name: str, runs: Path, four_part: Path | None, devices: int) -> None:
    """Train one model, and write its weights, log and measures into the weights folder."""
    if RECIPES[name].four_part and four_part is None:
        raise SystemExit(
            f"error: the training data of {name} include four-part pieces that are not in the"
            " repository; give their folder with --four-part (see --help)"
        )
    began = time.perf_counter()
    run = train(
        name,
        None,
        runs / name,
        devices=devices,
        accelerator="cpu",
        four_part=four_part,
        resume=True,
        report=print_progress,
    )
    print(f"\n{name}: {run.epochs} epochs in {time.perf_counter() - began:.0f} s")
    trained = checkpoint.load_checkpoint(run.weights)
    path = assets.WEIGHTS / f"{name}.safetensors"
    facts = trained.provenance | {"stored_as": "float16"}
    checksum = save_model(path, name, network_of(trained), facts, dtype=torch.float16)
    shutil.copyfile(runs / name / LOG, path.with_suffix(".csv"))
    for number, _ in enumerate(RECIPES[name].teachers, 1):
        log = runs / name / f"teacher-{number}" / LOG
        shutil.copyfile(log, path.with_name(f"{name}-teacher-{number}.csv"))

    facts |= {"checksum": checksum, **judged(checkpoint.load_checkpoint(path), four_part)}
    with whole_file(path.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def judged(shipped: checkpoint.Checkpoint, four_part: Path | None = None) -> dict[str, Any]:
    """The measures of a model on each side that it was not trained on."""
    chorales = load.load()
    found: dict[str, Any] = {}
    if "calibration" in shipped.tensors:
        found["calibration"] = round(shipped.tensors["calibration"].item(), 2)
    if shipped.can("latent"):
        return found | {
            side: latent_report(shipped, chorales.side(side)).as_dict() for side in SIDES
        }
    if shipped.can("score"):
        model = harmonizer_of(shipped)
        pieces = read_four_part(four_part) if four_part else []
        for side in SIDES:
            found[side] = _of_harmonizer(model, chorales.side(side))
        for side in FOUR_PART_SIDES if pieces else ():
            here = [piece for piece in pieces if piece.side == side]
            found[side] = _of_harmonizer(
                model,
                [piece.chorale for piece in here],
                styles=[piece.style for piece in here],
                keys=[piece.key for piece in here],
            )
        return found
    found["accuracies"] = {}
    for side in SIDES:
        table = evaluation.accuracies(shipped, chorales.side(side), chorales.side("train"))
        found["accuracies"][side] = {
            voice: {predictor: accuracy._asdict() for predictor, accuracy in row.items()}
            for voice, row in table.items()
        }
    return found


def _of_harmonizer(
    model: Harmonizer, chorales: Sequence[Chorale], **given: Any
) -> dict[str, float]:
    """The harmonizer's measures without a plan, and with the plan that is found from the voices."""
    nats, accuracy = evaluation.harmonizer_metrics(model, chorales, **given)
    found = {"nats_per_step": nats, **accuracy._asdict()}
    if model.config.chords:
        nats, accuracy = evaluation.harmonizer_metrics(model, chorales, with_plan=True, **given)
        found |= {"nats_per_step_with_plan": nats}
        found |= {f"{name}_with_plan": share for name, share in accuracy._asdict().items()}
    return found


def results() -> str:
    """The measures of every model in the weights folder on the test side, as Markdown."""
    parts = ["# Accuracies on the test side, in percent"]
    for name in RECIPES:
        path = assets.WEIGHTS / f"{name}.json"
        if not path.exists():
            continue
        facts = json.loads(path.read_text(encoding="utf-8"))
        if "pitches_rebuilt" in facts.get("test", {}):
            test = facts["test"]
            rebuilt, nats = test["pitches_rebuilt"], test["nats_per_step"]
            parts += [
                f"## {name}",
                "Whole chorales decoded from the means of their own latent vectors alone, and from"
                " latent vectors drawn from the prior.",
                "| | pitches | nats per step |\n| --- | ---: | ---: |\n"
                f"| their own | {100 * rebuilt['own']:.1f} | {nats['own']:.3f} |\n"
                f"| drawn | {100 * rebuilt['prior']:.1f} | {nats['prior']:.3f} |",
            ]
        elif "accuracies" not in facts:
            test = facts["test"]
            parts += [
                f"## {name}",
                "Alto, tenor and bass, given the soprano. Each symbol is predicted from the soprano"
                " and all symbols that Bach wrote before it. So these numbers cannot be compared"
                " with the tables of MiniBach and the autoencoder, which predict all symbols at"
                " once.",
                "| steps | onsets | nats per step |\n| ---: | ---: | ---: |\n"
                f"| {100 * test['steps']:.1f} | {100 * test['onsets']:.1f}"
                f" | {test['nats_per_step']:.3f} |",
            ]
        else:
            sides = facts["accuracies"]
            table = {
                voice: {predictor: evaluation.Accuracy(**a) for predictor, a in row.items()}
                for voice, row in sides["test"].items()
            }
            parts += [f"## {name}", evaluation.accuracy_markdown(table)]
            parts += ["\n".join(f"- {verdict}" for verdict in evaluation.verdicts(table))]
    return "\n\n".join(part for part in parts if part) + "\n"


def print_progress(progress: TrainingProgress) -> None:
    if progress.step % 20 == 0:
        valid = "" if progress.valid_loss is None else f", valid {progress.valid_loss:.1f}"
        print(
            f"\repoch {progress.epoch} of {progress.epochs}, step {progress.step}"
            f" of {progress.steps}: loss {progress.loss:.1f}{valid}   ",
            end="",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: all")
    parser.add_argument("--four-part", type=Path, metavar="FOLDER", help="pieces by others")
    parser.add_argument("--devices", type=int, default=1, help="processes that share each batch")
    parser.add_argument("--runs", type=Path, default=Path("runs/release"), help="the runs' folder")
    arguments = parser.parse_args()
    for name in arguments.models or RECIPES:
        release(name, arguments.runs, arguments.four_part, arguments.devices)
    with whole_file(assets.WEIGHTS / "RESULTS.md") as path:
        path.write_text(results(), encoding="utf-8")


if __name__ == "__main__":
    main()
