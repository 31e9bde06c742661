"""The comparison table: its rows, and the table as Markdown, CSV or a picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from musicae.core.files import whole_file
from musicae.evaluation.accuracy import Accuracy
from musicae.evaluation.latent import LatentReport
from musicae.evaluation.statistics import Spread
from musicae.evaluation.two_sample import Apart

RULE_GROUPS = {
    "parallels": ("parallel fifths", "parallel octaves", "parallel unisons"),
    "crossings": ("voice crossing",),
    "leaps": ("leap of a seventh", "leap beyond an octave", "augmented interval"),
}
"""The groups of rules in the table; the rules are keys of ``voice_leading.rules.RULES``."""


BACH_COLOUR, MODEL_COLOUR = "#33658a", "#c8553d"


@dataclass(frozen=True)
class TableRow:
    """The measurements of a group of chorales."""

    name: str
    pieces: int
    grade: Spread
    """The Bach-likeness of ``bach_likeness.grade``; lower is better."""
    progression: Spread
    """The surprise of the chords minus that of held-out Bach, in nats per chord."""
    apart: Apart | None
    """The two-sample test against held-out Bach; None for held-out Bach itself, and if there are
    too few chorales."""
    rules: dict[str, float]
    """Violations per 100 chords, over all chorales together, by ``RULE_GROUPS``."""
    shared: tuple[float, float]
    """The longest passage shared with the train side, in quarters: median and 95th percentile."""
    shared_soprano: tuple[float, float]
    """The same for the soprano alone."""
    accuracy: Accuracy | None
    """Shares of correctly predicted symbols; None for pieces of the model's own."""
    likelihood: float | None = None
    """Nats per step; None for a model without likelihood."""
    latent: LatentReport | None = None
    """For a VAE: statistics of its latent vectors."""

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


def markdown(rows: Sequence[TableRow]) -> str:
    """The table in Markdown."""
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
        "nats/step",
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


def draw_table(rows: Sequence[TableRow], path: Path) -> None:
    """Draw the table as .png, .svg or .pdf: a panel for each measure, with a line at Bach's value.

    Raises MusicaeError if matplotlib is missing or the file cannot be written.
    """
    from musicae.rendering.plots import load_matplotlib, save_figure

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


def write_csv(rows: Sequence[TableRow], path: Path) -> None:
    """Write the table as CSV with one column for each number, completely or not at all.

    Raises ChoraleError if the file cannot be written.
    """
    flat = [_flat(row.as_dict()) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(flat)


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
