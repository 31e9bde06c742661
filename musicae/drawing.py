"""Chorale -> picture: the piano roll, drawn with matplotlib (the extra ``plot``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from musicae.chorale import REST, VOICES, Chorale, Measure, Meter, MusicaeError, pitch_name
from musicae.files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VOICE_COLOURS = ("#c8553d", "#e0a458", "#5b8e7d", "#33658a")
"""Of soprano, alto, tenor and bass."""
PICTURE_SUFFIXES = (".png", ".svg", ".pdf")

INCHES_PER_STEP = 0.105
INCHES_PER_SEMITONE = 0.075
NARROWEST = 6.0
"""Inches that a title and the legend need beside each other."""
GAP = 0.18
"""Steps left free at the end of a note, so that repeated notes can be told apart."""


def piano_roll(chorale: Chorale, bars_per_system: int = 8) -> Figure:
    """A figure of the chorale: time to the right, pitch upwards, a colour a voice, bars numbered.

    Longer pieces go into several systems of ``bars_per_system`` bars. Raises MusicaeError where
    matplotlib is missing.
    """
    matplotlib = load_matplotlib()
    measures = chorale.measures
    systems = [measures[i : i + bars_per_system] for i in range(0, len(measures), bars_per_system)]
    sounding = chorale.pitch[chorale.pitch != REST]
    low, high = (int(sounding.min()), int(sounding.max())) if sounding.size else (48, 72)
    longest = max(sum(measure.length for measure in system) for system in systems)
    size = (
        max(NARROWEST, 1.2 + longest * INCHES_PER_STEP),
        0.7 + len(systems) * (0.5 + (high - low + 3) * INCHES_PER_SEMITONE),
    )
    figure: Figure = matplotlib.figure.Figure(size, layout="constrained")
    axes = figure.subplots(len(systems), 1, squeeze=False)
    number = 0 if chorale.pickup else 1
    for ax, system in zip(axes[:, 0], systems, strict=True):
        _draw_system(ax, chorale, system, number)
        ax.set_xlim(system[0].start, system[0].start + longest)
        ax.set_ylim(low - 1.5, high + 1.5)
        number += len(system)
    _add_legend(figure)
    if chorale.title:
        figure.suptitle(chorale.title, x=0.01, ha="left", fontsize=10)
    return figure


def draw_beside(chorales: Mapping[str, Chorale], path: Path | str, bars: int = 8) -> None:
    """Draw the first bars of several chorales one above another, each under its name.

    For harmonizations of one melody: they share pitches and bar lines. Raises MusicaeError.
    """
    matplotlib = load_matplotlib()
    systems = {name: chorale.measures[:bars] for name, chorale in chorales.items()}
    pitches = np.concatenate(
        [chorale.pitch[chorale.pitch != REST] for chorale in chorales.values()]
    )
    low, high = int(pitches.min()), int(pitches.max())
    longest = max(sum(measure.length for measure in system) for system in systems.values())
    size = (
        max(NARROWEST, 1.2 + longest * INCHES_PER_STEP),
        0.7 + len(systems) * (0.6 + (high - low + 3) * INCHES_PER_SEMITONE),
    )
    figure = matplotlib.figure.Figure(size, layout="constrained")
    axes = figure.subplots(len(systems), 1, squeeze=False)
    for ax, (name, chorale) in zip(axes[:, 0], chorales.items(), strict=True):
        _draw_system(ax, chorale, systems[name], 0 if chorale.pickup else 1)
        ax.set_xlim(0, longest)
        ax.set_ylim(low - 1.5, high + 1.5)
        ax.set_title(name, loc="left", fontsize=9, pad=14)
    _add_legend(figure)
    save_figure(figure, path)


def draw(chorale: Chorale, path: Path | str) -> None:
    """Draw the piano roll to a .png, .svg or .pdf, whole or not at all. Raises MusicaeError."""
    save_figure(piano_roll(chorale), path)


def save_figure(figure: Figure, path: Path | str) -> None:
    """Save a matplotlib figure by its suffix, the same bytes each time. Raises MusicaeError."""
    path = Path(path)
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise MusicaeError(f"{path}: its name should end in one of {', '.join(PICTURE_SUFFIXES)}")
    dated = {".svg": "Date", ".pdf": "CreationDate"}.get(path.suffix.lower())
    undated = {dated: None} if dated else {}
    with whole_file(path) as partial, load_matplotlib().rc_context({"svg.hashsalt": "musicae"}):
        figure.savefig(partial, dpi=110, metadata=undated)


def load_matplotlib() -> Any:
    """matplotlib, without pyplot, which would choose a window system."""
    try:
        import matplotlib
        import matplotlib.figure
        import matplotlib.patches
    except ImportError:
        raise MusicaeError("pictures need matplotlib: pip install 'musicae[plot]'") from None
    return matplotlib


def _add_legend(figure: Figure) -> None:
    patch = load_matplotlib().patches.Patch
    handles = [patch(color=colour) for colour in VOICE_COLOURS]
    figure.legend(handles, VOICES, ncols=4, loc="outside upper right", frameon=False, fontsize=8)


def _draw_system(ax: Axes, chorale: Chorale, measures: tuple[Measure, ...], number: int) -> None:
    start, stop = measures[0].start, measures[-1].start + measures[-1].length
    for voice, colour in enumerate(VOICE_COLOURS):
        inside = [n for n in chorale.notes(voice) if n.step < stop and n.step + n.duration > start]
        spans = [(n.step, n.duration - GAP) for n in inside]
        for note, span in zip(inside, spans, strict=True):
            # Voices on one pitch stay visible as stripes of one bar.
            below = 0.42 - 0.16 * voice
            ax.broken_barh([span], (note.pitch - below, 0.62), facecolors=colour, linewidth=0)
    for index, measure in enumerate(measures):
        ax.axvline(measure.start, color="0.55", linewidth=0.8, zorder=0)
        ax.text(measure.start, 1.01, str(number + index), fontsize=7, color="0.35",
                transform=ax.get_xaxis_transform(), va="bottom")  # fmt: skip
        beat = Meter(0, measure.numerator, measure.denominator).steps_per_beat
        # From the bar's end, for a pickup is the end of a bar.
        for step in np.arange(measure.start + measure.length - beat, measure.start, -beat):
            ax.axvline(step, color="0.9", linewidth=0.5, zorder=0)
    for step in chorale.fermatas:
        if start <= step < stop:
            ax.text(step, 1.04, r"$\frown$", fontsize=9, transform=ax.get_xaxis_transform())
    octaves = range(24, 97, 12)
    ax.set_yticks(list(octaves), [pitch_name(pitch) for pitch in octaves], fontsize=7)
    for pitch in octaves:
        ax.axhline(pitch, color="0.85", linewidth=0.5, zorder=0)
    ax.set_xticks([])
    ax.spines[["top", "right", "bottom"]].set_visible(False)
