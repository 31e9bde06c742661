"""Train the shipped networks that find keys and phrase ends.

    python scripts/train_melody_readers.py key --four-part FOLDER [--runs FOLDER]
    python scripts/train_melody_readers.py phrases --four-part FOLDER [--runs FOLDER]

Written to ``musicae/assets/weights``, or ``--out``, are ``NAME.safetensors``, ``NAME.json``
(settings, seeds, data with sources and licences, versions, metrics of the validation sides) and
``NAME.csv`` (the log). The members of an ensemble are trained one after another and take two to ten
minutes each. A run that was stopped is resumed with the member that was not finished.
``benchmarks/plan.py`` measures the result, also on the test sides.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from musicae.core.errors import MusicaeError
from musicae.encoding.melody_notes import feature_count
from musicae.evaluation.plan_accuracy import ALL_VOICES, SOPRANO, measure_keys, measure_phrases
from musicae.models.checkpoint import Checkpoint
from musicae.models.configs import KeyFinderConfig, PhraseSegmenterConfig
from musicae.models.key_finder import KeyFinder
from musicae.models.phrase_segmenter import PhraseSegmenter
from musicae.models.torch_engine import check_export
from musicae.training import key as key_training
from musicae.training import phrases as phrase_training
from musicae.training.melody_data import (
    TRAINING,
    VALIDATION,
    Example,
    described,
    few,
    load_melodies,
    on,
)
from musicae.training.release_files import LOG, EpochLog, kept_member, parser_of, write_release

KEY, PHRASES = "key", "phrases"
MEMBERS = {KEY: 5, PHRASES: 3}


def release_key(examples: Sequence[Example], args: argparse.Namespace) -> None:
    """Train the members of a key finder and write them as one model."""
    settings = key_training.KeySettings(seed=args.seed)
    settings = replace(settings, epochs=args.epochs or settings.epochs)
    config = KeyFinderConfig()
    learned = few(on(examples, *TRAINING), args.pieces)
    log = EpochLog(args.runs / KEY / LOG)
    pool: list[Any] = []

    def member(seed: int) -> KeyFinder:
        pool.extend([] if pool else key_training.pool_of(learned, settings))
        changed = replace(settings, seed=seed)
        return key_training.train(pool, config, changed, partial(log.add, seed))

    parts = members(args, KEY, asdict(settings) | {"pieces": len(learned)}, member)
    model = KeyFinder(replace(config, members=len(parts)))
    model.load_state_dict(joined(parts))
    valid = {side: few(on(examples, side), args.pieces) for side in VALIDATION}

    def judge(model: Checkpoint) -> dict[str, Any]:
        return {
            side: {
                "pieces": len(some),
                "soprano": measure_keys(model, some, SOPRANO)._asdict(),
                "all voices": measure_keys(model, some, ALL_VOICES)._asdict(),
            }
            for side, some in valid.items()
        }

    facts = facts_of(learned, asdict(settings), args)
    write_release(args.out, (KEY, model), facts, log.path, judge)


def release_phrases(examples: Sequence[Example], args: argparse.Namespace) -> None:
    """Train the members of a phrase segmenter and write them as one model."""
    settings = phrase_training.PhraseSettings(seed=args.seed)
    settings = replace(settings, epochs=args.epochs or settings.epochs)
    config = PhraseSegmenterConfig(n_features=feature_count())
    learned = few(phrase_training.with_ends(on(examples, *TRAINING)), args.pieces)
    valid = {side: few(on(examples, side), args.pieces) for side in VALIDATION}
    items = [phrase_training.validation_items(some) for some in valid.values()]
    log = EpochLog(args.runs / PHRASES / LOG)
    pool: list[Any] = []

    def member(seed: int) -> PhraseSegmenter:
        pool.extend([] if pool else phrase_training.pool_of(learned, settings))
        return phrase_training.train(
            pool,
            config,
            replace(settings, seed=seed),
            lambda model: phrase_training.validation_score(model, items),
            partial(log.add, seed),
        )

    parts = members(args, PHRASES, asdict(settings) | {"pieces": len(learned)}, member)
    model = PhraseSegmenter(replace(config, members=len(parts)))
    model.load_state_dict(joined(parts))

    def judge(model: Checkpoint) -> dict[str, Any]:
        return {
            side: {
                "pieces": len(phrase_training.with_ends(some)),
                **measure_phrases(model, some)._asdict(),
            }
            for side, some in valid.items()
        }

    facts = facts_of(learned, asdict(settings), args)
    write_release(args.out, (PHRASES, model), facts, log.path, judge)


def members(
    args: argparse.Namespace,
    name: str,
    facts: dict[str, Any],
    make: Callable[[int], nn.Module],
) -> list[dict[str, Tensor]]:
    """The weights of each member; those that an earlier run has kept are not trained again."""
    return [
        kept_member(args.runs / name / f"member-{seed}.pt", facts, partial(make, seed))
        for seed in range(args.seed, args.seed + args.members)
    ]


def joined(parts: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The weights of an ensemble, joined from those of its members."""
    return {
        key.replace("members.0.", f"members.{index}.", 1): value
        for index, state in enumerate(parts)
        for key, value in state.items()
    }


def facts_of(
    examples: Sequence[Example], settings: dict[str, Any], args: argparse.Namespace
) -> dict[str, Any]:
    """Seeds, settings and data of a model, for its files."""
    return {
        "seeds": list(range(args.seed, args.seed + args.members)),
        "settings": settings,
        "data": described(examples),
    }


def main() -> None:
    parser = parser_of((__doc__ or "").splitlines()[0], members=None)
    parser.add_argument("reader", choices=(KEY, PHRASES))
    args = parser.parse_args()
    args.members = args.members or MEMBERS[args.reader]
    torch.set_num_threads(args.threads)
    try:
        check_export()
        examples = load_melodies(args.four_part, args.runs)
        (release_key if args.reader == KEY else release_phrases)(examples, args)
    except MusicaeError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
