"""Statistics of a corpus as a plain dict, and a figure of them (extra ``plot``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.core.chorale import Chorale
from musicae.core.constants import STYLES, VOICE_COLOURS, VOICES
from musicae.core.pitch import pitch_name
from musicae.corpus.corpus import Corpus
from musicae.rendering.plots import load_matplotlib, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


LENGTH_NAMES = {
    1: "sixteenth",
    2: "eighth",
    3: "dotted eighth",
    4: "quarter",
    6: "dotted quarter",
    8: "half",
    12: "dotted half",
    16: "whole",
}
"""The names of the usual note lengths, by their number of steps."""

SIDE_COLOURS = ("#4a5568", "#8a94a6", "#c2c9d6", "#8a94a6", "#c2c9d6", "#dfe3ea")
"""The colours of the sides, in the order of ``JOINED_SIDES``."""
MAJOR_COLOUR, MINOR_COLOUR = "#e0a458", "#33658a"
PLAIN_COLOUR = "#5b8e7d"


def summary(corpus: Corpus) -> dict[str, Any]:
    """Statistics of a corpus, as numbers, names, and lists and dicts of them."""
    chorales = corpus.chorales
    bars = sorted(chorale.bar_count for chorale in chorales)
    pitches = [[note.pitch for c in chorales for note in c.notes(v)] for v in range(len(VOICES))]
    return {
        "chorales": len(corpus),
        "tunes": len(set(corpus.tunes)),
        "sides": {side: _side(corpus, side) for side in corpus.side_names},
        "styles": {
            style: {
                side: count
                for side in corpus.side_names
                if (count := corpus.styles_of(side).count(style))
            }
            for style in STYLES
            if style in corpus.styles
        },
        "bars": {"least": bars[0], "median": bars[len(bars) // 2], "most": bars[-1]},
        "meters": _counted(_meters(chorale) for chorale in chorales),
        "keys": _counted(str(chorale.key or "unknown") for chorale in chorales),
        "with_pickup": sum(chorale.pickup > 0 for chorale in chorales),
        "with_tempo": sum(bool(chorale.tempos) for chorale in chorales),
        "fermatas": sum(len(chorale.fermatas) for chorale in chorales),
        "notes": {name: len(voice) for name, voice in zip(VOICES, pitches, strict=True)},
        "ranges": {
            name: [pitch_name(min(voice)), pitch_name(max(voice))]
            for name, voice in zip(VOICES, pitches, strict=True)
        },
        "note_lengths": dict(sum(_lengths(chorales), Counter()).most_common()),
        "quantized": {f: n for f, n in zip(corpus.files, corpus.quantized, strict=True) if n},
        "duplicates": [list(duplicate) for duplicate in corpus.duplicates],
        "left_out": [list(file) for file in corpus.left_out],
    }


def draw_summary(corpus: Corpus, path: Path | str) -> None:
    """Draw the statistics of a corpus to a .png, .svg or .pdf file.

    If an error occurs, an old file stays. Raises MusicaeError if matplotlib is missing or the file
    cannot be written.
    """
    figures = summary(corpus)
    figure = load_matplotlib().figure.Figure((11, 9.5), layout="constrained")
    (sides, bars), (meters, lengths), (keys, pitches) = figure.subplots(
        3, 2, gridspec_kw={"height_ratios": (0.8, 1, 1.2)}
    )
    figure.suptitle(
        f"{figures['chorales']} chorales on {figures['tunes']} tunes",
        x=0.01,
        ha="left",
        fontsize=13,
        fontweight="bold",
    )
    _draw_sides(sides, figures["sides"])
    _draw_bars(bars, corpus.chorales)
    _draw_counts(meters, "Meters", figures["meters"])
    _draw_lengths(lengths, _lengths(corpus.chorales))
    _draw_keys(keys, corpus.chorales)
    _draw_pitches(pitches, corpus.chorales)
    save_figure(figure, path)


def _side(corpus: Corpus, side: str) -> dict[str, int]:
    chorales = corpus.side(side)
    tunes = {tune for tune, s in zip(corpus.tunes, corpus.sides, strict=True) if s == side}
    return {
        "chorales": len(chorales),
        "tunes": len(tunes),
        "bars": sum(chorale.bar_count for chorale in chorales),
    }


def _meters(chorale: Chorale) -> str:
    return " then ".join(dict.fromkeys(str(meter) for meter in chorale.meters))


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _lengths(chorales: Iterable[Chorale]) -> list[Counter[str]]:
    """For each voice the number of notes of each usual length."""
    counts = [Counter[str]() for _ in VOICES]
    for chorale in chorales:
        for v, count in enumerate(counts):
            count.update(LENGTH_NAMES.get(note.duration, "other") for note in chorale.notes(v))
    return counts


def _clear(ax: Axes, title: str, spines: tuple[str, ...] = ("bottom",)) -> None:
    ax.set_title(title, loc="left", fontsize=11)
    ax.tick_params(labelsize=9, length=0)
    for name, spine in ax.spines.items():
        spine.set_visible(name in spines)
        spine.set_color("0.7")


def _draw_sides(ax: Axes, sides: Mapping[str, Mapping[str, int]]) -> None:
    _clear(ax, "Sides: chorales (no tune is on two)", spines=())
    for place, (side, colour) in enumerate(zip(sides, SIDE_COLOURS, strict=False)):
        count = sides[side]["chorales"]
        ax.barh(place, count, color=colour, height=0.7)
        ax.text(count, place, f" {count}, {sides[side]['tunes']} tunes", va="center", fontsize=9)
    ax.set_yticks(range(len(sides)), list(sides))
    ax.set_xlim(0, 1.35 * max(side["chorales"] for side in sides.values()))
    ax.set_xticks([])
    ax.invert_yaxis()


def _draw_bars(ax: Axes, chorales: Iterable[Chorale]) -> None:
    _clear(ax, "Length in bars: chorales")
    counts = Counter(chorale.bar_count for chorale in chorales)
    ax.bar(list(counts), list(counts.values()), color=PLAIN_COLOUR, width=0.85)


def _draw_counts(ax: Axes, title: str, counts: Mapping[str, int]) -> None:
    _clear(ax, f"{title}: chorales", spines=())
    ax.barh(list(counts), list(counts.values()), color=PLAIN_COLOUR, height=0.7)
    for place, count in enumerate(counts.values()):
        ax.text(count, place, f" {count}", va="center", fontsize=9)
    ax.set_xlim(0, 1.15 * max(counts.values()))
    ax.set_xticks([])
    ax.invert_yaxis()


def _draw_lengths(ax: Axes, counts: list[Counter[str]]) -> None:
    _clear(ax, "Note lengths: share of a voice's notes")
    names = [n for n in (*LENGTH_NAMES.values(), "other") if any(count[n] for count in counts)]
    for v, (voice, count) in enumerate(zip(VOICES, counts, strict=True)):
        shares = [100 * count[name] / count.total() for name in names]
        places = [place + 0.2 * (v - 1.5) for place in range(len(names))]
        ax.bar(places, shares, color=VOICE_COLOURS[v], width=0.18, label=voice)
    ax.set_xticks(range(len(names)), [name.replace(" ", "\n") for name in names], fontsize=8)
    ax.yaxis.set_major_formatter("{x:.0f} %")
    ax.legend(frameon=False, fontsize=9)


def _draw_keys(ax: Axes, chorales: Iterable[Chorale]) -> None:
    _clear(ax, "Keys, from flats to sharps: chorales")
    keys = Counter(chorale.key for chorale in chorales if chorale.key)
    if not keys:
        ax.set_axis_off()
        return
    fifths = range(min(key.fifths for key in keys), max(key.fifths for key in keys) + 1)
    shown: dict[int, dict[str, tuple[str, int]]] = {place: {} for place in fifths}
    for key, count in keys.items():
        shown[key.fifths][key.mode] = (key.tonic_name, count)
    for mode, shift, colour in (("major", -0.2, MAJOR_COLOUR), ("minor", 0.2, MINOR_COLOUR)):
        bars = {place: found[mode] for place, found in shown.items() if mode in found}
        heights = [count for _, count in bars.values()]
        ax.bar([place + shift for place in bars], heights, color=colour, width=0.38, label=mode)
        for place, (tonic, count) in bars.items():
            name = tonic if mode == "major" else tonic.lower()
            ax.text(place + shift, count, name, ha="center", va="bottom", fontsize=9)
    signatures = [f"{abs(f)}{'♭' if f < 0 else '♯'}" if f else "0" for f in fifths]
    ax.set_xticks(list(fifths), signatures)
    ax.legend(frameon=False, fontsize=9)


def _draw_pitches(ax: Axes, chorales: Iterable[Chorale]) -> None:
    _clear(ax, "Pitches: how long each voice sings them")
    counts = [Counter[int]() for _ in VOICES]
    for chorale in chorales:
        for v, count in enumerate(counts):
            for note in chorale.notes(v):
                count[note.pitch] += note.duration
    for v, (count, colour) in enumerate(zip(counts, VOICE_COLOURS, strict=True)):
        # Each voice has its own base line. Its highest bar ends a little below the next one.
        heights = [0.9 * n / max(count.values()) for n in count.values()]
        base = len(VOICES) - 1 - v
        ax.bar(list(count), heights, bottom=base, color=colour, width=0.85)
        for pitch, side in ((min(count) - 1, "right"), (max(count) + 1, "left")):
            ax.text(pitch, base, pitch_name(min(count) if side == "right" else max(count)),
                    ha=side, va="bottom", fontsize=8, color="0.4")  # fmt: skip
        ax.axhline(base, color="0.85", linewidth=0.8, zorder=0)
    ax.set_yticks([len(VOICES) - 1 - v for v in range(len(VOICES))], VOICES, va="bottom")
    ax.margins(x=0.08)
    octaves = range(36, 85, 12)
    ax.set_xticks(list(octaves), [pitch_name(pitch) for pitch in octaves])
