"""Compare the harmonic analysis with Roman numerals that theorists wrote for Bach's chorales.

    python benchmarks/analysis.py [--pieces]

music21's corpus has analyses of the first twenty chorales of Riemenschneider's edition, by Andrew
Jones, Dmitri Tymoczko and Hamish Robb. Each analysis is matched with a chorale of the corpus by its
notes. ``musicae.analysis`` was tuned on the chorales with odd numbers; the even ones are held out.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER
from musicae.core.pitch import place_of
from musicae.corpus import load
from musicae.theory.harmonic_analysis import analyse
from musicae.theory.sonorities import sonorities

ANALYSES = "bach/choraleAnalyses"
ENOUGH = 0.9
"""A chorale is the analysed one if at least this share of the analysis' chord tones sound in it."""


class Reading(NamedTuple):
    """The analysis of one quarter."""

    key: tuple[int, str]
    """The pitch class of the tonic, and the mode."""
    degree: str
    """The chord's degree in capitals; for an applied chord also a slash and the other degree."""
    root: int
    """The pitch class of the root."""
    numeral: str


class Truth(NamedTuple):
    """An analysis: its number, its chorale, and the reading of each quarter."""

    number: int
    chorale: Chorale
    readings: list[Reading | None]


def reading(tonic: int, mode: str, numeral: str, root: int) -> Reading:
    """A reading with its numeral in standard spelling: ``vii/o6/5/V`` becomes ``viiø65/V``."""
    plain = re.sub(r"\[.*?\]", "", numeral).replace("/o", "ø").replace("o", "°")
    plain = re.sub(r"(?<=\d)/(?=\d)", "", plain)
    plain = re.sub(r"(?<![46])2", "42", plain)
    degree = re.sub(r"[°ø+\d]", "", plain).upper()
    return Reading((tonic, mode), degree, root, plain)


def quarterly(
    events: Sequence[tuple[int, Reading]], chorale: Chorale, transposed: int = 0
) -> list[Reading | None]:
    """The reading at each quarter, from events by step, ``transposed`` semitones higher."""
    steps = [step for step, _ in events]
    found: list[Reading | None] = []
    for step in range(0, len(chorale), STEPS_PER_QUARTER):
        index = int(np.searchsorted(steps, step, side="right")) - 1
        if index < 0:
            found.append(None)
            continue
        known = events[index][1]
        tonic = (known.key[0] + transposed) % 12
        moved = known._replace(key=(tonic, known.key[1]), root=(known.root + transposed) % 12)
        found.append(moved)
    return found


def sounding(chorale: Chorale) -> NDArray[np.float64]:
    """``(quarters, 12)`` 1 if a pitch class sounds in a quarter, else 0."""
    sounds = (chorale.pitch[:, :, None] % 12 == np.arange(12)) & (chorale.pitch != REST)[..., None]
    steps = np.arange(0, len(chorale), STEPS_PER_QUARTER)
    found: NDArray[np.float64] = np.minimum(np.add.reduceat(sounds.any(axis=1) * 1.0, steps), 1)
    return found


def truths() -> list[Truth]:
    """The analyses of chorales that are in the corpus, in order."""
    from music21 import common, converter

    chorales = load.load().chorales
    found = []
    folder = Path(common.getCorpusFilePath()) / ANALYSES
    for path in sorted(folder.glob("*.rntxt")):
        score = converter.parse(path, format="romantext")
        numerals = list(score.recurse().getElementsByClass("RomanNumeral"))
        events = [_event(numeral, score) for numeral in numerals]
        tones = np.zeros((max(step for step, _ in events) // STEPS_PER_QUARTER + 1, 12))
        for (step, _), numeral in zip(events, numerals, strict=True):
            if step % STEPS_PER_QUARTER == 0:
                tones[step // STEPS_PER_QUARTER, [p.pitchClass for p in numeral.pitches]] = 1
        share, transposed, chorale = max(
            (_match(tones, chorale) for chorale in chorales), key=lambda match: match[0]
        )
        if share >= ENOUGH:
            number = int(path.stem[-3:])
            found.append(Truth(number, chorale, quarterly(events, chorale, transposed)))
        else:
            print(
                f"{path.name}: no chorale of the corpus has these chords; the best one has"
                f" {share:.0%} of their notes"
            )
    return found


def _event(numeral: Any, score: Any) -> tuple[int, Reading]:
    step = int(STEPS_PER_QUARTER * numeral.getOffsetInHierarchy(score))
    facts = numeral.key.tonic.pitchClass, numeral.key.mode, numeral.figure
    return step, reading(*facts, numeral.root().pitchClass)


def _match(tones: NDArray[np.float64], chorale: Chorale) -> tuple[float, int, Chorale]:
    """The share of the chord tones ``(quarters, 12)`` that sound in a chorale.

    Also the transposition in semitones that gives the greatest share, and the chorale.
    """
    sounds = sounding(chorale)
    if abs(len(sounds) - len(tones)) > 8:
        return 0.0, 0, chorale
    length = min(len(sounds), len(tones))
    shares = [
        float((np.roll(tones[:length], up, axis=1) * sounds[:length]).sum() / tones.sum())
        for up in range(12)
    ]
    best = int(np.argmax(shares))
    return shares[best], best, chorale


def baseline(chorale: Chorale) -> list[tuple[int, Reading]]:
    """The baseline: every sonority that is a chord, named by music21 in the home key."""
    from music21 import chord, key, roman

    chords = sonorities(chorale)
    home = chords.key
    named = key.Key(home.tonic_name.replace("b", "-"), home.mode)
    events = []
    for index, harmony in enumerate(chords.harmonies):
        if harmony is not None:
            voices = np.flatnonzero(chords.pitch[index] != REST).tolist()
            notes = chord.Chord([chords.name(index, v).replace("b", "-") for v in voices])
            numeral = roman.romanNumeralFromChord(
                notes, named, preferSecondaryDominants=harmony.quality == "dominant seventh"
            )
            named_so = reading(home.tonic, home.mode, numeral.figure, harmony.root)
            events.append((int(chords.steps[index]), named_so))
    return events


def analysed(chorale: Chorale) -> list[tuple[int, Reading]]:
    """The labels of ``musicae.analysis``; the root is taken from the chord symbol."""
    events = []
    for label in analyse(chorale):
        found = reading(label.key.tonic, label.key.mode, label.numeral, root_of(label.chord))
        events.append((label.step, found))
    return events


def root_of(symbol: str) -> int:
    """The pitch class of a chord symbol's root."""
    name = re.match(r"([A-G])(#*)(b*)", symbol)
    assert name is not None
    return 7 * place_of(name[1], len(name[2]) - len(name[3])) % 12


COLUMNS = ("quarters", "key", "degree", "both", "root", "numeral", "applied")


def agreement(expected: Sequence[Reading | None], found: Sequence[Reading | None]) -> list[int]:
    """Eight counts over the analysed quarters.

    They are the quarters; those with the same key, the same degree, both, the same root, the same
    numeral; those with an applied chord; and those of the latter with the same degree.
    """
    counts = [0] * 8
    for truth, guess in zip(expected, found, strict=True):
        if truth is None:
            continue
        counts[0] += 1
        same = [
            guess is not None and getattr(truth, field) == getattr(guess, field)
            for field in ("key", "degree", "root", "numeral")
        ]
        key, degree, root, numeral = same
        applied = "/" in truth.degree
        flags = (key, degree, key and degree, root, numeral, applied, applied and degree)
        for i, flag in enumerate(flags, 1):
            counts[i] += flag
    return counts


def row(name: str, counts: Sequence[NDArray[np.int64]]) -> str:
    total = np.sum(counts, axis=0)
    shares = [*(total[1:6] / total[0]), total[7] / max(total[6], 1)]
    return f"{name:32}{total[0]:8}" + "".join(f"{share:10.1%}" for share in shares)


def silent(chorales: Sequence[Chorale]) -> tuple[int, int, int]:
    """The number of labels, of those whose root does not sound before the next label, and of those
    whose third does not."""
    count, roots, thirds = 0, 0, 0
    for chorale in chorales:
        labels = analyse(chorale)
        stops = [*(label.step for label in labels[1:]), len(chorale)]
        for label, stop in zip(labels, stops, strict=False):
            span = chorale.pitch[label.step : stop]
            classes = set((span[span != REST] % 12).tolist())
            root = root_of(label.chord)
            third = (root + (3 if re.match(r"[A-G][#b]*(m(?!aj)|dim|ø)", label.chord) else 4)) % 12
            count += 1
            roots += root not in classes
            thirds += third not in classes and not re.match(r"[A-G][#b]*5", label.chord)
    return count, roots, thirds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", action="store_true", help="also print a line for each chorale")
    parser.add_argument("--held-out", action="store_true", help="also measure the held-out half")
    options = parser.parse_args()
    count, roots, thirds = silent(load.load().chorales)
    print(f"{count} labels: {roots / count:.2%} of roots and {thirds / count:.2%} of thirds silent")
    found = truths()
    print(f"{'':32}{COLUMNS[0]:>8}" + "".join(f"{name:>10}" for name in COLUMNS[1:]))
    for name, parity in (("tuned on", 1), ("held out", 0))[: 1 + options.held_out]:
        for method, read in (("home key, every chord", baseline), ("musicae.analysis", analysed)):
            counts = []
            for number, chorale, readings in found:
                if number % 2 == parity:
                    guess = quarterly(read(chorale), chorale)
                    counts.append(np.array(agreement(readings, guess)))
                    if options.pieces and read is analysed:
                        print(row(f"  {number:2} {chorale.source}", counts[-1:]))
            print(row(f"{name}: {method}", counts))


if __name__ == "__main__":
    main()
