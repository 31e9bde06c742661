"""Measure given chords: whether they sound, and how many rules of voice leading are broken.

    python benchmarks/chords.py [--pieces 30]

The chords of held-out settings are found from their voices and given together with the soprano
alone, as chord symbols in bars. Then the same is done with random colours (sixths, sevenths,
ninths, suspensions and so on), as in lead sheets. A chord is complete if all members that four
voices can hold sound when it begins, above its bass. Rule breaks are those of ``musicae check``.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

import musicae
from musicae.api.given_chords import NO_CHORDS
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.key import Key
from musicae.corpus import load
from musicae.io.chord_text import NO_CHORD, PlacedChord, chord_text, placed_chords
from musicae.theory.chord_names import read_chord
from musicae.theory.key_finding import find_key
from musicae.theory.plan_reading import plan_of
from musicae.theory.sonorities import sonorities

COLOURS = {
    "": ("6", "maj7", "add9", "maj9", "6/9", "sus2", "sus4"),
    "m": ("m7", "m9", "m6", "madd9", "m11"),
    "7": ("9", "13", "7b9", "7sus4", "7#9", "7#5", "7#11"),
    "maj7": ("maj9", "maj7#11", "6/9"),
    "m7": ("m9", "m11", "m6"),
    "dim": ("dim7", "m7b5"),
}
"""For each ending of a chord symbol, the endings of other chords on the same root."""


def soprano_alone(chorale: Chorale) -> Chorale:
    pitch, onset = chorale.pitch.copy(), chorale.onset.copy()
    pitch[:, 1:], onset[:, 1:] = REST, False
    return replace(chorale, pitch=pitch, onset=onset)


def chords_of(chorale: Chorale) -> str:
    """The chords of a setting as text; a chord equal to the one before is left out."""
    key = chorale.key or find_key(chorale)
    plan = plan_of(chorale, key)
    steps = [step for step, _, _ in plan.beginnings()]
    placed: list[PlacedChord] = []
    for step, chord in zip(steps, (c for _, _, c in plan.beginnings()), strict=True):
        text = chord.symbol(key) if chord else NO_CHORD
        if not placed or placed[-1].text != text:
            placed.append(PlacedChord(step, 0, text))
    return chord_text(_closed(placed, len(chorale)), chorale)


def coloured(chorale: Chorale, random: np.random.Generator) -> str:
    """The chords of a setting as text, most of them with random colours, over the same basses.

    The melody's note at the beginning of a chord is a member of the new chord.
    """
    placed = []
    for chord in placed_chords(chords_of(chorale), chorale):
        found = re.fullmatch("([A-G][#b]*|N)([^/]*)(/.*)?", chord.text)
        assert found
        root, ending, bass = found.groups("")
        sung = int(chorale.pitch[chord.start, 0]) % 12
        colours = [
            name
            for name in (root + colour for colour in COLOURS.get(ending, ()))
            if sung in read_chord(name, Key(0)).classes
        ]
        name = colours[random.integers(len(colours))] + bass if colours else chord.text
        placed.append(chord._replace(text=name))
    return chord_text(placed, chorale)


def _closed(placed: Sequence[PlacedChord], steps: int) -> list[PlacedChord]:
    starts = [*(chord.start for chord in placed), steps]
    return [
        chord._replace(length=stop - chord.start)
        for chord, stop in zip(placed, starts[1:], strict=True)
    ]


class Count:
    """Counts over pieces."""

    def __init__(self) -> None:
        self.given = self.complete = self.full = self.breaks = self.chords = 0

    def check(self, chorale: Chorale) -> None:
        self.breaks += len(musicae.check(chorale).violations)
        self.chords += len(sonorities(chorale))

    def add(self, piece: musicae.Piece, text: str | None) -> None:
        chorale = piece.chorale
        self.check(chorale)
        if text is None:
            return
        lacking = sum("lacks a note or has another bass" in notice for notice in piece.notices)
        placed = [c for c in placed_chords(text, chorale) if c.text != NO_CHORD]
        self.given += len(placed)
        self.complete += len(placed) - lacking
        for chord in placed:
            now = chorale.pitch[chord.start].astype(int)
            symbol = read_chord(chord.text, Key(0))
            sung = set((now[now != REST] % 12).tolist())
            self.full += set(symbol.classes) <= sung and int(now[-1]) % 12 == symbol.bass

    def row(self, name: str) -> str:
        per = 100 * self.breaks / self.chords
        shares = "- | -"
        if self.given:
            shares = f"{self.complete / self.given:.2%} | {self.full / self.given:.1%}"
        return f"| {name} | {self.given} | {shares} | {per:.2f} |"


def measure(
    pieces: Sequence[Chorale], text_of: Callable[[Chorale], str] | None, rules: str
) -> Iterator[tuple[musicae.Piece, str | None]]:
    """Harmonize each soprano with the chords that ``text_of`` returns for its setting, or without
    given chords; yields the pieces with these chords."""
    for chorale in pieces:
        text = text_of(chorale) if text_of else None
        (piece,) = musicae.harmonize(
            soprano_alone(chorale), chords=text or NO_CHORDS, rules=rules, voice="soprano"
        )
        yield piece, text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pieces", type=int, default=30, help="settings of Bach's validation side")
    parser.add_argument("--rules", default="bach")
    args = parser.parse_args()
    pieces = load.load().side("valid")[: args.pieces]
    random = np.random.default_rng(0)
    print("| | given chords | complete | all members | rule breaks per 100 chords |")
    print("| --- | ---: | ---: | ---: | ---: |")
    bach = Count()
    for chorale in pieces:
        bach.check(chorale)
    print(bach.row("Bach's settings"))
    kinds: dict[str, Callable[[Chorale], str] | None] = {
        "without chords": None,
        "chords of the settings": chords_of,
        "the same with colours": lambda chorale: coloured(chorale, random),
    }
    for name, text_of in kinds.items():
        began, count = time.perf_counter(), Count()
        for piece, text in measure(pieces, text_of, args.rules):
            count.add(piece, text)
        print(count.row(name), flush=True)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
