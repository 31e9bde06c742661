"""Train or measure the networks that find phrase ends and keys.

    python scripts/train_melody_readers.py train phrases --four-part ../shared/data/four-part
    python scripts/train_melody_readers.py train key --four-part ../shared/data/four-part
    python scripts/train_melody_readers.py measure phrases --four-part ... [--test]
    python scripts/train_melody_readers.py measure key --four-part ... [--test]

Training writes ``phrases.safetensors`` or ``key.safetensors`` in ``musicae/assets/weights``, or
``--out``, and a log of a JSON line an epoch beside ``--log``. The members of the ensemble are
trained one after another; those that ``--parts`` already holds are not trained again. ``measure``
prints what the written weights reach on the validation sides, with ``--test`` on the test sides
too; keys stand beside what the profiles of ``musicae.theory.key_finding`` reach.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from musicae.core.errors import MusicaeError
from musicae.decoding.key import AS_MAJOR
from musicae.encoding.melody_notes import N_FEATURES
from musicae.models import checkpoint
from musicae.models.key_finder import KeyFinder, KeyFinderConfig
from musicae.models.phrase_segmenter import PhraseSegmenter, PhraseSegmenterConfig
from musicae.theory.key_finding import find_key as key_by_profile
from musicae.training import key as key_training
from musicae.training import phrases as phrase_training
from musicae.training.melody_data import Example, load_melodies, on, voices_only

TRAIN = ("bach-train", "train")
VALID = ("bach-valid", "hymn-valid")
TEST = ("bach-test", "hymn-test", "held")
SOURCES = (
    "Bach's chorales of music21; Heritage of Polish Music in Open Access (CC BY 4.0);"
    " Open Hymnal (public domain); G. C. Apel, Choralbuch, Kiel 1832, transcribed by MusiCAU"
    " (CC BY-SA 4.0); bbloomf/lilypond-songs and bbloomf/christmas-carols (public domain);"
    " N. Schioerring, Choralbog, dataset by D. Remes, V. D. Phan and M. Gotham (CC BY-SA);"
    " Mutopia Project (by piece: public domain, CC0, CC BY or CC BY-SA)"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("reader", choices=("phrases", "key"))
    parser.add_argument("--four-part", type=Path, required=True, help="the four-part data")
    parser.add_argument("--cache", type=Path, help="a folder that keeps what was read")
    parser.add_argument("--seed", type=int, default=0, help="of the first member")
    parser.add_argument("--members", type=int, default=5, help="networks of the ensemble")
    parser.add_argument("--epochs", type=int, help="by default as many as chosen")
    parser.add_argument("--parts", type=Path, help="a folder for members as they are trained")
    parser.add_argument("--log", type=Path, help="a file of a JSON line an epoch")
    parser.add_argument("--out", type=Path, help="where the weights go, or lie")
    parser.add_argument("--test", action="store_true", help="measure the test sides too")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not args.four_part.is_dir():
        raise SystemExit(f"error: {args.four_part}: no such folder; it is the four-part data")
    examples = load_melodies(args.four_part, args.cache)
    path = args.out or checkpoint.find(args.reader)
    try:
        if args.what == "train":
            (train_phrases if args.reader == "phrases" else train_key)(examples, path, args)
        model = checkpoint.load_checkpoint(path).model
    except MusicaeError as error:
        raise SystemExit(f"error: {error}") from None
    sides = (*VALID, *TEST) if args.test else VALID
    for side in sides:
        if isinstance(model, PhraseSegmenter):
            print(f"{side}: {json.dumps(phrase_figures(model, on(examples, side)))}")
        elif isinstance(model, KeyFinder):
            print(f"{side}: {json.dumps(key_figures(model, on(examples, side)))}")


def train_phrases(examples: Sequence[Example], path: Path, args: argparse.Namespace) -> None:
    """Train the members of a phrase segmenter and write them as one model."""
    settings = phrase_training.PhraseSettings(seed=args.seed)
    settings = replace(settings, epochs=args.epochs or settings.epochs)
    config = PhraseSegmenterConfig(n_features=N_FEATURES)
    chosen = phrase_training.with_ends(on(examples, *TRAIN))
    valid = [phrase_training.validation_items(on(examples, side)) for side in VALID]
    pool: list[Any] = []

    def member(seed: int) -> PhraseSegmenter:
        pool.extend([] if pool else phrase_training.pool_of(chosen, settings))
        return phrase_training.train(
            pool,
            config,
            replace(settings, seed=seed),
            lambda model: phrase_training.validation_score(model, valid),
            logger(args.log, seed),
        )

    parts = [
        part(args.parts, f"phrases-{seed}", PhraseSegmenter(config), partial(member, seed))
        for seed in range(args.seed, args.seed + args.members)
    ]
    model = PhraseSegmenter(replace(config, members=len(parts)))
    model.load_state_dict(joined(parts))
    model.eval()
    figures = {side: phrase_figures(model, on(examples, side)) for side in VALID}
    facts = provenance(chosen, asdict(settings), args, figures)
    checkpoint.save_model(path, "phrases", model, facts, torch.float16)


def train_key(examples: Sequence[Example], path: Path, args: argparse.Namespace) -> None:
    """Train the members of a key finder and write them as one model."""
    settings = key_training.KeySettings(seed=args.seed)
    settings = replace(settings, epochs=args.epochs or settings.epochs)
    config = KeyFinderConfig()
    chosen = on(examples, *TRAIN)
    pool: list[Any] = []

    def member(seed: int) -> KeyFinder:
        pool.extend([] if pool else key_training.pool_of(chosen, settings))
        changed = replace(settings, seed=seed)
        return key_training.train(pool, config, changed, None, logger(args.log, seed))

    parts = [
        part(args.parts, f"key-{seed}", KeyFinder(config), partial(member, seed))
        for seed in range(args.seed, args.seed + args.members)
    ]
    model = KeyFinder(replace(config, members=len(parts)))
    model.load_state_dict(joined(parts))
    model.eval()
    figures = {side: key_figures(model, on(examples, side)) for side in VALID}
    checkpoint.save_model(path, "key", model, provenance(chosen, asdict(settings), args, figures))


def part(
    folder: Path | None, name: str, empty: torch.nn.Module, make: Callable[[], torch.nn.Module]
) -> dict[str, torch.Tensor]:
    """The weights of a member: those that lie in the folder, or new ones, which are kept there."""
    path = folder / f"{name}.pt" if folder else None
    if path and path.is_file():
        empty.load_state_dict(torch.load(path, weights_only=True))
        return empty.state_dict()
    state = make().state_dict()
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, path)
    return state


def joined(parts: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The weights of an ensemble from those of its members."""
    return {
        key.replace("members.0.", f"members.{index}.", 1): value
        for index, state in enumerate(parts)
        for key, value in state.items()
    }


def provenance(
    examples: Sequence[Example],
    settings: dict[str, Any],
    args: argparse.Namespace,
    figures: dict[str, Any],
) -> dict[str, Any]:
    """How a model was trained, for its file."""
    return {
        "data": {
            "pieces": len(examples),
            "by_side": dict(Counter(e.side for e in examples)),
            "by_style": dict(Counter(e.style for e in examples)),
            "sources": SOURCES,
        },
        "seeds": list(range(args.seed, args.seed + args.members)),
        "settings": settings,
        "metrics": figures,
    }


def logger(path: Path | None, seed: int) -> Callable[[dict[str, Any]], None]:
    """Prints what an epoch reached and adds it to the log."""

    def log(facts: dict[str, Any]) -> None:
        line = json.dumps({"member": seed, **facts})
        print(line, flush=True)
        if path:
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    return log


def phrase_figures(model: PhraseSegmenter, examples: Sequence[Example]) -> dict[str, Any]:
    """Precision, recall and F1 of phrase ends, the last note left out."""
    return {
        "pieces": len(phrase_training.with_ends(examples)),
        "network": phrase_training.measure(model, examples)._asdict(),
    }


def key_figures(model: KeyFinder, examples: Sequence[Example]) -> dict[str, Any]:
    """Shares of keys that are found, by the network and by the profiles of the rules."""
    figures: dict[str, Any] = {"pieces": len(examples)}
    for name, voices in (("soprano", (0,)), ("all voices", (0, 1, 2, 3))):
        figures[name] = key_training.measure(model, examples, voices, signature=False)
        figures[f"{name}, signature"] = key_training.measure(model, examples, voices, True)
        right = 0
        for example in examples:
            found = key_by_profile(voices_only(example.chorale, voices))
            mode = "major" if example.mode in AS_MAJOR else "minor"
            right += (found.tonic, found.mode) == (example.tonic, mode)
        figures[f"{name}, rules"] = round(right / max(1, len(examples)), 4)
    return figures


if __name__ == "__main__":
    main()
