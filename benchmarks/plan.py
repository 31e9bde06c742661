"""Measure the networks that read a melody: chord planner, key finder and phrase segmenter.

    python benchmarks/plan.py [--four-part FOLDER]

It prints three tables in Markdown, for Bach's validation and test sides and, with the folder of the
four-part data, for its sides ``hymn-valid`` and ``hymn-test``. The truth is the plan that is found
in each setting, the key in the manifest (for Bach from signature and last chord), and the marked
phrase ends except the last one. For comparison, keys are also found by the key profiles of
``musicae.theory``, without a network.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from musicae.core import assets
from musicae.core.errors import MusicaeError
from musicae.evaluation.plan_accuracy import (
    ALL_VOICES,
    SOPRANO,
    measure_keys,
    measure_phrases,
    measure_plans,
)
from musicae.models.checkpoint import Checkpoint, load_checkpoint
from musicae.training.melody_data import TEST, VALIDATION, Example, few, load_melodies, on
from musicae.training.phrases import with_ends
from musicae.training.planner import examples_of

SIDES = (VALIDATION[0], TEST[0], VALIDATION[1], TEST[1])
Sides = dict[str, list[Example]]


def table(titles: Sequence[str], rows: Iterator[Sequence[object]]) -> str:
    """A table in Markdown; each row has one cell for each title."""
    lines = ["| " + " | ".join(titles) + " |", "| --- |" + " ---: |" * (len(titles) - 1)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def percent(share: float) -> str:
    """A share from 0 to 1 in percent, with one decimal."""
    return f"{100 * share:.1f}%"


def planner_rows(model: Checkpoint, sides: Sides) -> Iterator[Sequence[object]]:
    """Two rows for each side: with phrase ends given, and with phrase ends hidden."""
    for side, pieces in sides.items():
        examples = examples_of([p for p in pieces if p.admitted], model.config.states)
        for phrases in (True, False):
            found = measure_plans(model, examples, phrases)
            shares = (found.root, found.chord, found.root_expected, found.chord_expected)
            yield (
                side,
                "given" if phrases else "hidden",
                len(examples),
                found.beats,
                f"{found.nats:.3f}",
                f"{found.second_nats:.3f}",
                *map(percent, shares),
            )


def key_rows(model: Checkpoint, sides: Sides) -> Iterator[Sequence[object]]:
    """Two rows for each side: from the soprano alone, and from all voices."""
    for side, pieces in sides.items():
        for name, voices in (("soprano", SOPRANO), ("all voices", ALL_VOICES)):
            yield side, name, len(pieces), *map(percent, measure_keys(model, pieces, voices))


def phrase_rows(model: Checkpoint, sides: Sides) -> Iterator[Sequence[object]]:
    """One row for each side."""
    for side, pieces in sides.items():
        found = measure_phrases(model, pieces)
        shares = map(percent, (found.precision, found.recall, found.f1))
        yield side, len(with_ends(pieces)), found.marked, *shares


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--four-part", type=Path, metavar="FOLDER", help="the four-part data")
    parser.add_argument(
        "--weights", type=Path, default=assets.WEIGHTS, metavar="FOLDER", help="with the networks"
    )
    parser.add_argument("--pieces", type=int, help="at most this many per side, for a trial")
    parser.add_argument("--runs", type=Path, metavar="FOLDER", help="keeps the data for later runs")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        examples = load_melodies(args.four_part, args.runs)
        planner, key, phrases = (
            load_checkpoint(args.weights / f"{name}.safetensors")
            for name in ("planner", "key", "phrases")
        )
    except MusicaeError as error:
        raise SystemExit(f"error: {error}") from None
    sides = {s: few(on(examples, s), args.pieces) for s in SIDES if on(examples, s)}
    print("Chord plans: nats per beat; shares of beats with the setting's root, and its chord\n")
    plan_titles = (
        *("", "phrase ends", "pieces", "beats", "nats", "of second chords"),
        *("most probable plan: root", "chord", "plan with most expected roots: root", "chord"),
    )
    print(table(plan_titles, planner_rows(planner, sides)))
    print("\nKeys: shares of pieces with the right tonic and major or minor; with the right mode\n")
    key_titles = (
        *("", "from", "pieces", "key", "mode", "with signature: key", "mode"),
        "key profiles: key",
    )
    print(table(key_titles, key_rows(key, sides)))
    print("\nPhrase ends in the soprano alone, without the last one of each piece\n")
    print(table(("", "pieces", "marked", "precision", "recall", "F1"), phrase_rows(phrases, sides)))


if __name__ == "__main__":
    main()
