"""Measure the realization of figured basses.

    python benchmarks/figured_bass.py [--pieces 38]

The figures of held-out chorales by Bach are derived from their voices and written with the bass as
MusicXML. Then the bass alone is realized and compared with the source. Measured are the share of
figures whose intervals all sound (as many as three voices above the bass can hold), the share of
figures with the pitch classes of the source, and the rule breaks of the source, of the realization
and of the same bass without figures.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import musicae
from musicae.api.figured_bass import NONE, OF_FILE
from musicae.core.chorale import Chorale
from musicae.core.constants import BASS, REST, VOICES
from musicae.corpus import load
from musicae.io import musicxml_writer
from musicae.theory.figured_bass import figures_of, places_through
from musicae.theory.key_finding import find_key
from musicae.theory.sonorities import sonorities
from musicae.theory.spelling import spell

ALONE = (*("",) * BASS, VOICES[BASS])
"""The names of the voices of a file that has the bass alone."""


def write_bass(chorale: Chorale, path: Path) -> int:
    """Write a chorale's bass with its figures; returns their number. Notes without one count."""
    assert chorale.key
    figures = figures_of(chorale, spell(chorale), chorale.key.fifths)
    pitch, onset = chorale.pitch.copy(), chorale.onset.copy()
    pitch[:, :BASS], onset[:, :BASS] = REST, False
    bass = replace(chorale, pitch=pitch, onset=onset, fermatas=())
    musicxml_writer.write(bass, path, figures=figures, names=ALONE)
    return len(figures)


def classes_at(chorale: Chorale, step: int) -> set[int]:
    now = chorale.pitch[step].astype(int)
    return set((now[now != REST] % 12).tolist())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pieces", type=int, default=38, help="chorales of Bach's validation side")
    args = parser.parse_args()
    figures = sounding = same = 0
    of_source, breaks, chords = 0, {NONE: 0, OF_FILE: 0}, {NONE: 0, OF_FILE: 0}
    source_chords = 0
    for found in load.load().side("valid")[: args.pieces]:
        chorale = replace(found, key=found.key or find_key(found))
        assert chorale.key
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bass.musicxml"
            write_bass(chorale, path)
            realized = {
                wish: musicae.harmonize(path, voice="bass", figures=wish)[0] for wish in breaks
            }
        of_source += len(musicae.check(chorale).violations)
        source_chords += len(sonorities(chorale))
        for wish, piece in realized.items():
            breaks[wish] += len(piece.report().violations)
            chords[wish] += len(sonorities(piece.chorale))
        made = realized[OF_FILE].chorale
        places = places_through(chorale, spell(chorale))
        for step, one in figures_of(chorale, spell(chorale), chorale.key.fifths):
            low = int(places[step, BASS])
            asked = list(
                dict.fromkeys(7 * p % 12 for p in one.places(low, chorale.key.fifths) if p != low)
            )[:BASS]
            figures += 1
            sounding += set(asked) <= classes_at(made, step)
            same += classes_at(made, step) == classes_at(chorale, step)
    print(f"{figures} figures: all intervals sound {sounding / figures:.2%}", end=", ")
    print(f"the source's pitch classes {same / figures:.1%}")
    per = {wish: 100 * breaks[wish] / chords[wish] for wish in breaks}
    print(f"rule breaks per 100 chords: source {100 * of_source / source_chords:.2f},", end=" ")
    print(f"realized {per[OF_FILE]:.2f}, without figures {per[NONE]:.2f}")


if __name__ == "__main__":
    main()
