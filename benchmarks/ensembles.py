"""Measure harmonizations for each ensemble.

    python benchmarks/ensembles.py [--pieces 12]

Sopranos of Bach's validation side are harmonized for each ensemble, in a key that fits it. The
first table has the notes outside the voices' ranges; the share of voices with the middle 80% of
their notes in the tessitura; full and tertian beats (for three voices: beats with root and third);
parallel fifths and octaves per 100 chords; and the share of last chords that are right, among the
sopranos that allow the tonic. The second table is that of tonal function, as ``musicae evaluate``
prints it, with one row for the sopranos' own settings and one for each ensemble of four voices.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from chords import soprano_alone

import musicae
from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST
from musicae.core.ensembles import ENSEMBLES, Ensemble
from musicae.corpus import load
from musicae.evaluation.comparison import Group
from musicae.evaluation.function_table import function_table, markdown
from musicae.theory.function import full_beats, last_chord, tertian_beats
from musicae.theory.sonorities import sonorities

PARALLELS = ("parallel fifths", "parallel octaves", "parallel unisons")
MIDDLE = (10, 90)
"""Percentiles of a voice's notes, weighted by their lengths."""


class Count:
    """Counts over the pieces of an ensemble."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble = ensemble
        self.outside = self.within = self.voices = self.parallels = self.chords = 0
        self.full: list[bool] = []
        self.tertian: list[bool] = []
        self.last: list[bool] = []
        self.written: list[Chorale] = []

    def add(self, piece: musicae.Piece) -> None:
        chorale = piece.chorale
        self.written.append(chorale)
        for place in self.ensemble.there:
            voice = self.ensemble.voices[place]
            assert voice is not None
            column = chorale.pitch[:, place]
            sung = column[column != REST]
            (low, high), (bottom, top) = voice.range, voice.tessitura
            self.outside += int(((sung < low) | (sung > high)).sum())
            first, last = np.percentile(sung, MIDDLE, method="nearest")
            self.within += bool(bottom <= first and last <= top)
            self.voices += 1
        self.parallels += sum(v.rule in PARALLELS for v in piece.report().violations)
        self.chords += len(sonorities(chorale))
        if len(self.ensemble.there) == N_VOICES:
            self.full += full_beats(chorale)
            self.tertian += tertian_beats(chorale)
        else:
            self.full += root_and_third(piece)
        found = last_chord(chorale)
        if found.allows_tonic:
            self.last.append(found.is_tonic)

    def row(self) -> str:
        tertian = f"{np.mean(self.tertian):.1%}" if self.tertian else "-"
        return (
            f"| {self.ensemble.name} | {self.outside} | {self.within / self.voices:.0%} |"
            f" {np.mean(self.full):.1%} | {tertian} | {100 * self.parallels / self.chords:.2f} |"
            f" {np.mean(self.last):.0%} |"
        )


def root_and_third(piece: musicae.Piece) -> list[bool]:
    """For each beat with a planned chord: whether its root and third sound when the beat begins."""
    found = []
    assert piece.plan is not None
    for beat, chord in zip(piece.plan.beats, piece.plan.chords, strict=True):
        now = piece.chorale.pitch[beat.start].astype(int)
        if chord is not None and (now != REST).any():
            sung = {(int(p) - piece.plan.key.tonic) % 12 for p in now[now != REST]}
            found.append(set(chord.members[:2]) <= sung)
    return found


def measure(ensemble: Ensemble, pieces: Sequence[Chorale]) -> Count:
    count = Count(ensemble)
    for chorale in pieces:
        tune = soprano_alone(chorale)
        count.add(musicae.harmonize(tune, ensemble=ensemble.name, voice=ensemble.names[0])[0])
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pieces", type=int, default=12, help="sopranos of Bach's validation side")
    args = parser.parse_args()
    pieces = load.load().side("valid")[: args.pieces]
    print("| ensemble | outside | in tessitura | full beats | tertian | parallels | last chord |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    groups = [Group("Bach", tuple(pieces), tuple(range(len(pieces))))]
    for ensemble in ENSEMBLES.values():
        count = measure(ensemble, pieces)
        print(count.row(), flush=True)
        if len(ensemble.there) == N_VOICES:
            groups.append(Group(ensemble.name, tuple(count.written), groups[0].belongs))
    print()
    print(markdown(function_table(groups)))


if __name__ == "__main__":
    main()
