"""Compare models with Bach: groups of chorales with the same measurements, in one table.

The groups are held-out Bach, each model's harmonizations of held-out sopranos or its own pieces,
and any folder of chorales. They are compared with the train side and with the reference that ships.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from musicae.api.given import given_parts
from musicae.api.phrase_ends import choose
from musicae.api.request import Request
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import MusicaeError
from musicae.core.key import Key
from musicae.core.progress import CountProgress
from musicae.corpus.corpus import Corpus
from musicae.corpus.four_part import TEST, VALID, read_four_part
from musicae.decoding import harmonize
from musicae.decoding.choice import SamplingOptions
from musicae.decoding.minibach import generate
from musicae.encoding import forms
from musicae.evaluation import accuracy as evaluation
from musicae.evaluation import bach_likeness, two_sample
from musicae.evaluation.accuracy import Accuracy
from musicae.evaluation.latent import LatentReport, latent_report
from musicae.evaluation.likelihood import harmonizer_of
from musicae.evaluation.measure import Measures, measure
from musicae.evaluation.statistics import spread
from musicae.evaluation.table import RULE_GROUPS, TableRow
from musicae.io import formats
from musicae.io.base import SUFFIXES
from musicae.latent import compose
from musicae.models.checkpoint import Checkpoint, load_model
from musicae.theory.key_finding import likely_key
from musicae.theory.phrases import INFER_PHRASES
from musicae.training.melody_data import tonic_and_mode, written_key

OWN_PIECES = 100
"""The number of pieces that a model composes for the comparison."""
HYMN_STYLE = "hymn"
"""The style in which the sopranos of the four-part data are harmonized."""
HYMN_SIDES = {"valid": VALID, "test": TEST}
"""For each side of the corpus the side of the four-part data."""
_TAIL = 0.95


@dataclass(frozen=True)
class Group:
    """Chorales that form one row of the table.

    ``belongs`` names for each chorale its tune, melody or piece. Chorales with the same name are
    not split between training and testing a classifier.
    """

    name: str
    chorales: tuple[Chorale, ...]
    belongs: tuple[Any, ...]
    accuracy: Accuracy | None = None
    """Shares of correctly predicted symbols over all voices that the model writes; None if there is
    nothing to predict."""
    likelihood: float | None = None
    """Nats per step of Bach's lower voices given his sopranos; None if the model has no
    likelihood."""
    latent: LatentReport | None = None
    """For a VAE: statistics of its latent vectors of the side's chorales."""
    skipped: tuple[str, ...] = ()
    """The reasons for files that could not be used, one each."""
    keys: tuple[Key, ...] = ()
    """The keys of the chorales; empty if they are not known."""
    settings: tuple[Chorale, ...] = ()
    """For harmonizations: the original settings of the same sopranos."""


def bach(data: Corpus, side: str) -> Group:
    """The group of Bach's chorales on a side of the corpus; chorales belong to tunes."""
    tunes = [t for t, s in zip(data.tunes, data.sides, strict=True) if s == side]
    chorales = data.side(side)
    return Group(f"Bach ({side})", chorales, tuple(tunes), keys=tuple(map(_key, chorales)))


def hymns(folder: Path, side: str) -> Group:
    """The group of held-out pieces of the four-part data; pieces belong to tunes.

    ``side`` is ``valid`` or ``test``. Only pieces with voice leading near to Bach's are used.
    Raises MusicaeError if the folder cannot be used or has no such side.
    """
    if side not in HYMN_SIDES:
        raise MusicaeError(f"the sides of the four-part data are valid and test, not {side}")
    name = HYMN_SIDES[side]
    pieces = [p for p in read_four_part(folder) if p.side == name and p.admitted]
    if not pieces:
        raise MusicaeError(f"{folder}: has no piece on the side {name}")
    return Group(
        name,
        tuple(piece.chorale for piece in pieces),
        tuple(piece.tune for piece in pieces),
        keys=tuple(piece.key for piece in pieces),
    )


def harmonize_sopranos(model: Checkpoint, settings: Group, style: str, seed: int) -> Group:
    """A model's harmonizations of the sopranos of a group, made as by ``musicae.harmonize``."""
    planner = load_model("planner") if model.can("fill") else None
    written = []
    for chorale in settings.chorales:
        soprano = given_parts(chorale, Request(voice=0))
        ends = choose(soprano.whole, INFER_PHRASES, soprano.marks, soprano.likely_key)
        sketch = soprano.partial_score(ends.steps, style=style)
        choice = SamplingOptions(harmonize.usual_temperature(model, 1), seed)
        (made,) = harmonize.harmonize(model, sketch, 1, choice, planner)
        written.append(soprano.around(made.chorale))
    return Group(
        f"{model.name} on {settings.name}",
        tuple(written),
        settings.belongs,
        keys=settings.keys,
        settings=settings.chorales,
    )


def harmonizations(model: Checkpoint, data: Corpus, side: str, seed: int) -> Group:
    """A model's harmonizations of the sopranos of a side, with its accuracy and likelihood."""
    held_out = bach(data, side)
    written = harmonize_sopranos(model, held_out, harmonize.USUAL_STYLE, seed)
    likelihood = None
    if model.can("score"):
        harmonizer = harmonizer_of(model)
        likelihood, accuracy = evaluation.harmonizer_metrics(harmonizer, held_out.chorales)
    else:
        table = evaluation.accuracies(model, held_out.chorales, data.side("train"))
        rows = [voice[model.name] for voice in table.values()]
        accuracy = Accuracy(*np.mean(rows, axis=0).tolist())
    name = f"{model.name}, harmonizing"
    return replace(written, name=name, accuracy=accuracy, likelihood=likelihood)


def own_pieces(model: Checkpoint, data: Corpus, side: str, seed: int) -> Group:
    """Pieces composed by a model, without pieces that have a silent voice.

    For a VAE, also the report on its latent vectors of a side's chorales.
    """
    latent = None
    if model.can("latent"):
        latent = latent_report(model, data.side(side), seed)
        choice = compose.usual_options(seed)
        wished = forms.draw_forms(OWN_PIECES, seed)
        made = compose.compose(model, wished, compose.USUAL_PRIOR, {}, choice)
        pieces = [each.chorale for each in made]
    else:
        pieces = generate(model, OWN_PIECES, 1.0, seed)
    sung = [piece for piece in pieces if (piece.pitch != REST).any(axis=0).all()]
    name = f"{model.name}, composing"
    return Group(name, tuple(sung), _each(model.name, sung), latent=latent)


def folder(path: Path) -> Group:
    """The chorales in a folder, or in one file. Raises MusicaeError if there is none."""
    suffixes = SUFFIXES
    files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.is_file())
    chorales, skipped = [], []
    for file in files:
        if file.suffix.lower() not in suffixes:
            continue
        try:
            chorale = formats.read(file)
            bach_likeness.grade(chorale)
            chorales.append(chorale)
        except MusicaeError as error:
            skipped.append(str(error))
    if not chorales:
        reason = f": {skipped[0]}" if skipped else ""
        raise MusicaeError(f"{path}: has no chorale in four voices that can be measured{reason}")
    return Group(path.name, tuple(chorales), _each(path.name, chorales), skipped=tuple(skipped))


def compare(
    groups: Sequence[Group],
    held_out: Group,
    data: Corpus,
    workers: int | None = None,
    progress: CountProgress | None = None,
) -> list[TableRow]:
    """The rows of the table: held-out Bach, then the groups.

    ``workers`` is the number of processes; by default one for each core, if there are many
    chorales. ``progress`` is called with the number of chorales done and the number of all.
    """
    every = [held_out, *groups]
    chorales = [chorale for group in every for chorale in group.chorales]

    def tell(done: int) -> None:
        if progress:
            progress(done, len(chorales))

    measured = iter(measure(chorales, data.side("train"), workers, tell))
    by_group = [[next(measured) for _ in group.chorales] for group in every]
    bach_traits = [measures.traits for measures in by_group[0]]
    rows = []
    for group, found in zip(every, by_group, strict=True):
        apart = None
        if group is not held_out and len(set(group.belongs)) >= two_sample.FOLDS:
            traits = [measures.traits for measures in found]
            belongs = (group.belongs, held_out.belongs)
            apart = two_sample.tell_apart(traits, bach_traits, belongs)
        rows.append(
            TableRow(
                group.name,
                len(group.chorales),
                spread([measures.grade for measures in found]),
                spread([measures.progression for measures in found]),
                apart,
                _rule_rates(found),
                _middle_and_tail([measures.shared for measures in found]),
                _middle_and_tail([measures.shared_soprano for measures in found]),
                group.accuracy,
                group.likelihood,
                group.latent,
            )
        )
    return rows


def standard_groups(
    names: Sequence[str], data: Corpus, side: str, seed: int
) -> tuple[Group, list[Group]]:
    """Held-out Bach, and a group for each name: a model, a weights file, a chorale or a folder."""
    groups = []
    for name in names:
        if Path(name).exists() and not name.endswith(".safetensors"):
            groups.append(folder(Path(name)))
            continue
        model = load_model(name)
        if model.can("harmonize"):
            groups.append(harmonizations(model, data, side, seed))
        elif model.can("compose"):
            groups.append(own_pieces(model, data, side, seed))
    return bach(data, side), groups


def hymn_groups(names: Sequence[str], folder: Path, side: str, seed: int) -> list[Group]:
    """A side of the four-part data, and each model's harmonizations of its sopranos.

    ``names`` are as in ``standard_groups``; those that cannot harmonize a soprano are left out.
    Raises the errors of ``hymns``.
    """
    held_out = hymns(folder, side)
    groups = [held_out]
    for name in names:
        if Path(name).exists() and not name.endswith(".safetensors"):
            continue
        model = load_model(name)
        if model.can("harmonize"):
            groups.append(harmonize_sopranos(model, held_out, HYMN_STYLE, seed))
    return groups


def _key(chorale: Chorale) -> Key:
    """The key of a setting, from its recorded key and, for church modes, its last chord."""
    if chorale.key is None:
        return likely_key(chorale)
    return written_key(*tonic_and_mode(chorale, chorale.key))


def _each(name: str, chorales: Sequence[Chorale]) -> tuple[Any, ...]:
    """A different name for each chorale."""
    return tuple((name, i) for i in range(len(chorales)))


def _rule_rates(found: Sequence[Measures]) -> dict[str, float]:
    """Violations per 100 chords, over all chorales together, by ``RULE_GROUPS``."""
    chords = max(1, sum(measures.chords for measures in found))
    return {
        name: 100 * sum(measures.broken[rule] for rule in rules for measures in found) / chords
        for name, rules in RULE_GROUPS.items()
    }


def _middle_and_tail(beats: Sequence[float]) -> tuple[float, float]:
    return float(np.median(beats)), float(np.quantile(beats, _TAIL))
