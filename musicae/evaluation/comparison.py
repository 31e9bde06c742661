"""Models and Bach side by side: one table of what can be measured of them.

Rows are held-out Bach, each model's harmonizations of held-out sopranos or its own pieces, and any
folder of chorales. What they are held against is the train side, and what ships of it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from musicae.api.given import known_of
from musicae.api.request import Request
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import MusicaeError
from musicae.core.files import whole_file
from musicae.corpus.corpus import Corpus
from musicae.decoding import harmonize
from musicae.decoding.minibach import generate
from musicae.decoding.sampler import SamplingOptions
from musicae.encoding import forms
from musicae.evaluation import accuracy as evaluation
from musicae.evaluation import bach_likeness, two_sample
from musicae.evaluation.accuracy import Accuracy
from musicae.evaluation.latent import LatentReport, latent_report
from musicae.evaluation.measure import Measures, measure
from musicae.evaluation.statistics import Spread, spread
from musicae.evaluation.two_sample import Apart
from musicae.io import formats
from musicae.io.base import SUFFIXES
from musicae.latent import compose
from musicae.models.autoencoder import Autoencoder
from musicae.models.checkpoint import Checkpoint, load_model
from musicae.models.harmonizer import Harmonizer
from musicae.models.minibach import MiniBach
from musicae.models.vae import ChoraleVAE

OWN_PIECES = 100
"""How many pieces of its own a model is asked for."""
TAIL = 0.95

RULE_GROUPS = {
    "parallels": ("parallel fifths", "parallel octaves", "parallel unisons"),
    "crossings": ("voice crossing",),
    "leaps": ("leap of a seventh", "leap beyond an octave", "augmented interval"),
}
"""What the table shows of the rules, by their names in ``theory.RULES``."""

BACH_COLOUR, MODEL_COLOUR = "#33658a", "#c8553d"

Progress = Callable[[int, int], None]
"""Called with the number of chorales measured so far and of all."""


@dataclass(frozen=True)
class Group:
    """Chorales that make a row, and which of them belong together: by tune, melody or piece."""

    name: str
    chorales: tuple[Chorale, ...]
    belongs: tuple[Any, ...]
    accuracy: Accuracy | None = None
    """Of symbols, over all voices that a model writes; None where there is no right answer."""
    likelihood: float | None = None
    """Nats a step of what a model writes to the sopranos; None of a model that has none."""
    latent: LatentReport | None = None
    """Of a VAE, on the side's chorales."""
    skipped: tuple[str, ...] = ()
    """Files that could not be used, and why."""


@dataclass(frozen=True)
class Row:
    """What was measured of a group."""

    name: str
    pieces: int
    grade: Spread
    """The Bach-likeness of ``likeness.grade``; lower is better."""
    progression: Spread
    """How much more the chords surprise than held-out Bach's, in nats."""
    apart: Apart | None
    """Against held-out Bach; None for held-out Bach itself."""
    rules: dict[str, float]
    """Violations per 100 chords, all chorales together, by ``RULE_GROUPS``."""
    shared: tuple[float, float]
    """The longest passage shared with the train side in beats: median and 95th percentile."""
    shared_soprano: tuple[float, float]
    accuracy: Accuracy | None
    likelihood: float | None = None
    """Nats a sixteenth frame; None for a model that has none."""
    latent: LatentReport | None = None
    """Of a VAE: whether its latent vectors matter."""

    def as_dict(self) -> dict[str, Any]:
        """The row as plain numbers, names and lists."""
        return {
            "name": self.name,
            "pieces": self.pieces,
            "grade": self.grade._asdict(),
            "progression": self.progression._asdict(),
            "two_sample": self.apart._asdict() if self.apart else None,
            "per_100_chords": self.rules,
            "shared_beats": dict(zip(("median", "p95"), self.shared, strict=True)),
            "shared_beats_soprano": dict(zip(("median", "p95"), self.shared_soprano, strict=True)),
            "accuracy": self.accuracy._asdict() if self.accuracy else None,
            "nats_per_frame": self.likelihood,
            "latent": self.latent.as_dict() if self.latent else None,
        }


def bach(data: Corpus, side: str) -> Group:
    """Held-out Bach, by tune."""
    tunes = [t for t, s in zip(data.tunes, data.sides, strict=True) if s == side]
    return Group(f"Bach ({side})", data.side(side), tuple(tunes))


def harmonizations(model: Checkpoint, data: Corpus, side: str, seed: int) -> Group:
    """A model's harmonizations of a side's sopranos, by tune, with its accuracy on them."""
    held_out = bach(data, side)
    written = []
    for chorale in held_out.chorales:
        soprano = known_of(chorale, Request(voice=0))
        sketch = soprano.sketch(soprano.marks or None)
        choice = SamplingOptions(harmonize.usual_temperature(model, 1), seed)
        (made,) = harmonize.harmonize(model, sketch, 1, choice)
        written.append(soprano.around(made.chorale))
    likelihood = None
    if isinstance(model.model, Harmonizer):
        likelihood, accuracy = evaluation.of_harmonizer(model.model, held_out.chorales)
    else:
        table = evaluation.accuracies(model, held_out.chorales, data.side("train"))
        rows = [voice[model.name] for voice in table.values()]
        accuracy = Accuracy(*np.mean(rows, axis=0).tolist())
    name = f"{model.name}, harmonizing"
    return Group(name, tuple(written), held_out.belongs, accuracy, likelihood)


def own_pieces(model: Checkpoint, data: Corpus, side: str, seed: int) -> Group:
    """Pieces that a model composed; those in which a voice is silent are left out. Of a VAE, also
    what its latent vectors hold of a side's chorales."""
    latent = None
    if isinstance(model.model, ChoraleVAE):
        latent = latent_report(model, data.side(side), seed)
        choice = compose.usual_choice(seed)
        wished = forms.draw(OWN_PIECES, seed)
        made = compose.compose(model, wished, compose.USUAL_PRIOR, {}, choice)
        pieces = [each.chorale for each in made]
    else:
        pieces = generate(model, OWN_PIECES, 1.0, seed)
    sung = [piece for piece in pieces if (piece.pitch != REST).any(axis=0).all()]
    name = f"{model.name}, composing"
    return Group(name, tuple(sung), _each(model.name, sung), latent=latent)


def folder(path: Path) -> Group:
    """The chorales in a folder, or in one file. Raises MusicaeError where there is none."""
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
        raise MusicaeError(f"{path}: has no chorale in four voices that can be judged{reason}")
    return Group(path.name, tuple(chorales), _each(path.name, chorales), skipped=tuple(skipped))


def compare(
    groups: Sequence[Group],
    held_out: Group,
    data: Corpus,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Row]:
    """Measure groups beside held-out Bach, which becomes the first row.

    ``workers`` is the number of processes, by default one a core where there is much to measure.
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
            Row(
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
    """Held-out Bach, and a group for each model name, weights file, chorale or folder."""
    groups = []
    for name in names:
        if Path(name).exists() and not name.endswith(".safetensors"):
            groups.append(folder(Path(name)))
            continue
        model = load_model(name)
        if isinstance(model.model, MiniBach | Harmonizer):
            groups.append(harmonizations(model, data, side, seed))
        elif isinstance(model.model, Autoencoder | ChoraleVAE):
            groups.append(own_pieces(model, data, side, seed))
    return bach(data, side), groups


def markdown(rows: Sequence[Row]) -> str:
    """The table as people read it."""
    titles = (
        "",
        "pieces",
        "Bach-likeness: median [95%]",
        "quartiles",
        "chords: nats above Bach",
        "AUC [95%]",
        *(f"{name}/100 chords" for name in RULE_GROUPS),
        "shared beats: median, p95",
        "soprano's",
        "right: steps",
        "onsets",
        "nats/frame",
    )
    lines = ["| " + " | ".join(titles) + " |", "| --- |" + " ---: |" * (len(titles) - 1)]
    for row in rows:
        low, high = row.grade.interval
        first, third = row.grade.quartiles
        auc = "-"
        if row.apart:
            auc = f"{row.apart.auc:.2f} [{row.apart.interval[0]:.2f}, {row.apart.interval[1]:.2f}]"
        cells = [
            row.name,
            str(row.pieces),
            f"{row.grade.median:.2f} [{low:.2f}, {high:.2f}]",
            f"{first:.2f} to {third:.2f}",
            f"{row.progression.median:+.2f}",
            auc,
            *(f"{rate:.2f}" for rate in row.rules.values()),
            f"{row.shared[0]:.1f}, {row.shared[1]:.1f}",
            f"{row.shared_soprano[0]:.1f}, {row.shared_soprano[1]:.1f}",
            f"{100 * row.accuracy.steps:.1f}%" if row.accuracy else "-",
            f"{100 * row.accuracy.onsets:.1f}%" if row.accuracy else "-",
            "none" if row.likelihood is None else f"{row.likelihood:.2f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the table to a .png, .svg or .pdf: a panel a measure, Bach's value across it.

    Raises MusicaeError where matplotlib is missing or the file cannot be written.
    """
    from musicae.rendering.piano_roll import load_matplotlib, save_figure

    panels: list[tuple[str, list[float | None], list[tuple[float, float] | None]]] = [
        (
            "Bach-likeness (lower is better)",
            [row.grade.median for row in rows],
            [row.grade.interval for row in rows],
        ),
        (
            "told from Bach (AUC)",
            [row.apart.auc if row.apart else None for row in rows],
            [row.apart.interval if row.apart else None for row in rows],
        ),
        ("parallels per 100 chords", [row.rules["parallels"] for row in rows], [None] * len(rows)),
        (
            "beats shared with the train side",
            [row.shared[0] for row in rows],
            [(row.shared[0], row.shared[1]) for row in rows],
        ),
    ]
    figure = load_matplotlib().figure.Figure((11, 0.9 + 0.45 * len(rows)), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True)
    places = np.arange(len(rows))[::-1]
    for ax, (title, values, spans) in zip(axes, panels, strict=True):
        for place, value, span in zip(places, values, spans, strict=True):
            if value is None:
                continue
            colour = BACH_COLOUR if place == places[0] else MODEL_COLOUR
            if span:
                ax.plot(span, [place, place], color=colour, linewidth=1.5)
            ax.plot([value], [place], "o", color=colour, markersize=5)
        if values[0] is not None:
            ax.axvline(values[0], color=BACH_COLOUR, linewidth=0.8, linestyle=":")
        ax.set_title(title, fontsize=7)
        ax.tick_params(labelsize=8)
        ax.set_xlim(left=0)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(places, [row.name for row in rows])
    axes[0].set_ylim(-0.5, len(rows) - 0.5)
    save_figure(figure, path)


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write the table as CSV, a column a number, whole or not at all. Raises ChoraleError."""
    flat = [_flat(row.as_dict()) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(flat)


def _each(name: str, chorales: Sequence[Chorale]) -> tuple[Any, ...]:
    """Every chorale belongs to itself."""
    return tuple((name, i) for i in range(len(chorales)))


def _rule_rates(found: Sequence[Measures]) -> dict[str, float]:
    """Violations per 100 chords of all chorales together, by ``RULE_GROUPS``."""
    chords = max(1, sum(measures.chords for measures in found))
    return {
        name: 100 * sum(measures.broken[rule] for rule in rules for measures in found) / chords
        for name, rules in RULE_GROUPS.items()
    }


def _middle_and_tail(beats: Sequence[float]) -> tuple[float, float]:
    return float(np.median(beats)), float(np.quantile(beats, TAIL))


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, dict):
            flat |= _flat(item, f"{prefix}{name}.")
        elif isinstance(item, list | tuple):
            flat |= {f"{prefix}{name}.{i}": part for i, part in enumerate(item)}
        else:
            flat[prefix + name] = "" if item is None else item
    return flat
