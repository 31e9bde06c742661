"""Harmonize folk songs and compare with Bach: how good a model is on melodies that are not his.

    python benchmarks/folk_songs.py [MODEL] [--melodies 40] [--seed 0] [--out FOLDER] [--json]

The songs are from the Essen collection that is part of music21. According to its licence file the
legal status of the collection is unclear, and Ewa Dahlig-Turek permits non-commercial use and
distribution within music21. So the songs are read from music21's folder, none is copied into the
repository, and the files that ``--out`` writes must not be added to it.

Songs are chosen in random order. A song needs one stated meter and bars of that length, notes on
the sixteenth grid, ``LEAST_NOTES`` to ``MOST_NOTES`` notes, at least ``LEAST_BARS`` bars, and a
range of at most ``COMPASS`` semitones that fits the soprano after transposition by octaves. A song
is left out if ``tunes.tunes_of`` finds that a chorale of the corpus (on any side of the split) or a
song that was chosen before has the same tune. Models read the notes, the meter and the key, but not
the collection's phrases.

music21's own parser is not used: it applies accidentals to one note only, but in this collection
they hold until the bar line.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musicae.api import harmonize as api
from musicae.api.given import into_range
from musicae.api.piece import Piece
from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_WHOLE
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.corpus import load, tunes
from musicae.evaluation import bach_likeness, comparison
from musicae.evaluation.table import markdown
from musicae.models.checkpoint import load_model

TARGET = 1.2
"""The target: the greatest ratio of the folk songs' median Bach-likeness to held-out Bach's."""

LEAST_NOTES, MOST_NOTES = 16, 120
LEAST_BARS = 4
COMPASS = 19

TOKEN = re.compile(
    r"(?P<note>(?P<accidental>[_^=]?)(?P<name>[A-Ga-g][,']*)|z)(?P<times>\d*)"
    r"|(?P<tie>-)|(?P<bar>\|)|\s+"
)
"""The tokens of the collection's ABC; it has no chords, no tuplets and no broken rhythm."""
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTALS = {"_": -1, "=": 0, "^": 1}
SHARPS, MIDDLE_C = "FCGDAEB", 60
MINOR_THIRD, MAJOR_THIRD = 3, 4


class Song(NamedTuple):
    """A song in a file of the collection."""

    source: str
    """The name of the file, and the number of the song in it."""
    abc: str
    """The text of the song in ABC notation."""


@dataclass(frozen=True)
class Harmonized:
    """A song that a model harmonized."""

    piece: Piece
    source: str
    """The source of the song; see ``Song``."""
    seconds: float
    """The time that the harmonization took."""

    def as_dict(self) -> dict[str, Any]:
        """Facts about the song and the result, as plain numbers and names."""
        chorale = self.piece.chorale
        return {
            "title": chorale.title,
            "source": self.source,
            "meter": str(chorale.meters[0]),
            "key": str(chorale.key),
            "bars": chorale.bar_count,
            "notes": len(chorale.notes(0)),
            "grade": bach_likeness.grade(chorale).total,
            "seconds": self.seconds,
        }


def essen() -> list[Song]:
    """All songs of the collection. Raises MusicaeError if music21 was installed without it."""
    import music21

    folder = Path(music21.__file__).parent / "corpus" / "essenFolksong"
    songs = []
    for path in sorted(folder.glob("*.abc")):
        text = path.read_text(encoding="utf-8", errors="replace")
        for abc in re.split(r"^(?=X:)", text, flags=re.MULTILINE)[1:]:
            number = abc.splitlines()[0].removeprefix("X:").strip()
            songs.append(Song(f"essenFolksong/{path.name} {number}", abc))
    if not songs:
        raise MusicaeError(f"{folder}: has no songs; install music21 with its corpus")
    return songs


def melody_of(song: Song) -> Chorale:
    """The song as a soprano within its range. Raises ChoraleError if the song is not usable.

    The collection writes the signature of the major key on the tonic for all modes; the mode is
    minor if the minor third sounds longer than the major third. Each line of text is a phrase; bar
    lines are missing at its end.
    """
    fields = dict(re.findall(r"^([A-Z]):[ \t]*(.*?)[ \t]*$", song.abc, re.MULTILINE))
    music = re.sub(r"^[A-Z]:.*$", "", song.abc, flags=re.MULTILINE)
    stated = re.fullmatch(r"(\d+)/(\d+)", fields["M"])
    unit = re.fullmatch(r"1/(\d+)", fields["L"])
    if not stated or not unit:
        raise ChoraleError(f"{fields['M']!r} in {fields['L']!r} is not one meter")
    meter = Meter(0, int(stated[1]), int(stated[2]))
    signature = Key.parse(fields["K"])
    notes, bar_lines, steps = _notes(music, Fraction(STEPS_PER_WHOLE, int(unit[1])), signature)
    pickup = bar_lines[0] % meter.steps_per_bar if bar_lines else 0
    if any((line - pickup) % meter.steps_per_bar for line in bar_lines if line < steps):
        raise ChoraleError("its bars do not have the length of its meter")
    if not LEAST_NOTES <= len(notes) <= MOST_NOTES:
        raise ChoraleError(f"has {len(notes)} notes")
    pitches = [pitch for _, _, pitch in notes]
    if max(pitches) - min(pitches) > COMPASS:
        raise ChoraleError(f"its compass is {max(pitches) - min(pitches)} semitones")
    chorale = Chorale.from_notes(
        [notes],
        steps=steps,
        meters=(meter,),
        pickup=pickup,
        key=_key(signature, notes),
        title=" ".join("".join(c for c in w if c.isprintable()) for w in fields["T"].split()),
        source=song.source,
    )
    if chorale.bar_count < LEAST_BARS:
        raise ChoraleError(f"has {chorale.bar_count} bars")
    sung, shift, _ = into_range(chorale)
    if (np.where(chorale.pitch == REST, REST, chorale.pitch + shift) != sung.pitch).any():
        raise ChoraleError("no octave of it fits the soprano")
    return sung


def melodies(
    songs: Sequence[Song], known: Sequence[Chorale], count: int, seed: int
) -> list[Chorale]:
    """``count`` random melodies with different tunes; no known chorale has one of them.

    Raises MusicaeError if there are not enough.
    """
    shuffled = list(songs)
    random.Random(seed).shuffle(shuffled)
    usable = _usable(shuffled)
    candidates: list[Chorale] = []
    while more := list(islice(usable, count)):
        candidates += more
        numbers = tunes.tunes_of([*known, *candidates])
        taken = set(numbers[: len(known)])
        chosen = []
        for candidate, number in zip(candidates, numbers[len(known) :], strict=True):
            if number not in taken:
                taken.add(number)
                chosen.append(candidate)
        if len(chosen) >= count:
            return chosen[:count]
    raise MusicaeError(f"there are fewer than {count} songs that can be used")


def harmonize(sopranos: Sequence[Chorale], model: str, seed: int) -> list[Harmonized]:
    """The model's harmonizations of the sopranos with default settings, in order."""
    written = []
    for i, soprano in enumerate(sopranos, start=1):
        began = time.perf_counter()
        (piece,) = api.harmonize(soprano, model=model, voice="soprano", seed=seed)
        written.append(Harmonized(piece, soprano.source, time.perf_counter() - began))
        print(f"\rharmonized {i} of {len(sopranos)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return written


def write(written: Sequence[Harmonized], folder: Path) -> None:
    """Write one MIDI file for each piece. Raises MusicaeError if the folder cannot be used."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MusicaeError(f"{folder}: cannot create this folder ({error.strerror})") from None
    for i, song in enumerate(written, start=1):
        name = re.sub(r"[^a-z0-9]+", "_", song.piece.chorale.title.lower()).strip("_")
        song.piece.write(folder / f"{i:03}_{name[:40]}.mid")


def table(songs: Sequence[dict[str, Any]]) -> str:
    """A table with one row for each song: facts about it, Bach-likeness and time."""
    lines = [
        "| song | source | meter | key | bars | notes | Bach-likeness | seconds |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for song in songs:
        plain = (str(song[name]) for name in ("source", "meter", "key", "bars", "notes"))
        cells = [song["title"].replace("|", "/"), *plain, f"{song['grade']:.2f}"]
        lines.append("| " + " | ".join([*cells, f"{song['seconds']:.3f}"]) + " |")
    return "\n".join(lines)


def features(chorales: Sequence[Chorale]) -> dict[str, float]:
    """The median of each feature of the Bach-likeness; ``soprano_intervals`` are the melody's."""
    medians = np.median([bach_likeness.grade(chorale) for chorale in chorales], axis=0)
    return dict(zip(bach_likeness.Grade._fields, medians.tolist(), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="harmonizer", help="its name or weights file")
    parser.add_argument("--melodies", type=int, default=40, metavar="N", help="default: 40")
    parser.add_argument("--seed", type=int, default=0, help="for the choice of songs and the model")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for the pieces as MIDI files")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    try:
        evaluate(parser.parse_args())
    except MusicaeError as error:
        sys.exit(_complain(str(error)))


def evaluate(arguments: argparse.Namespace) -> None:
    """Choose songs, harmonize and measure them, and print the results."""
    if arguments.melodies < 1:
        raise MusicaeError(f"--melodies must be at least 1, not {arguments.melodies}")
    model = load_model(arguments.model)  # not part of the measured time
    data = load.load()
    sopranos = melodies(essen(), data.chorales, arguments.melodies, arguments.seed)
    written = harmonize(sopranos, arguments.model, arguments.seed)
    if arguments.out:
        write(written, arguments.out)
    held_out = comparison.bach(data, "test")
    group = comparison.Group(
        f"{model.name}, folk songs",
        tuple(song.piece.chorale for song in written),
        tuple(song.source for song in written),
    )
    bach, folk = comparison.compare([group], held_out, data)
    parts = {row.name: features(g.chorales) for row, g in ((bach, held_out), (folk, group))}
    songs = [song.as_dict() for song in written]
    ratio = folk.grade.median / bach.grade.median
    seconds = [song.seconds for song in written]
    if arguments.json:
        facts = {
            "model": model.name,
            "checksum": model.checksum,
            "seed": arguments.seed,
            "ratio": ratio,
            "target": TARGET,
            "seconds": {"median": float(np.median(seconds)), "most": max(seconds)},
            "rows": [row.as_dict() for row in (bach, folk)],
            "features": parts,
            "songs": songs,
        }
        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    print(table(songs), markdown([bach, folk]), sep="\n\n")
    verdict = "within" if ratio <= TARGET else "beyond"
    print(f"\nBach-likeness: {ratio:.2f} times held-out Bach's median, {verdict} {TARGET:g}")
    for name, medians in parts.items():
        shown = (f"{part.replace('_', ' ')} {median:.2f}" for part, median in medians.items())
        print(f"medians of {name}: {', '.join(shown)}")
    rates = (f"{rule} {folk.rules[rule]:.2f} (Bach {r:.2f})" for rule, r in bach.rules.items())
    print(f"violations per 100 chords: {', '.join(rates)}")
    print(f"harmonizing a song: median {np.median(seconds):.3f} s, most {max(seconds):.3f} s")


def _usable(songs: Sequence[Song]) -> Iterator[Chorale]:
    for song in songs:
        try:
            yield melody_of(song)
        except ChoraleError:
            continue


def _notes(
    music: str, unit: Fraction, signature: Key
) -> tuple[list[tuple[int, int, int]], list[int], int]:
    """The notes for ``Chorale.from_notes``, the steps of the bar lines, and the length in steps.

    An accidental holds in all octaves until the next written bar line, and for a tied note beyond
    it. Raises ChoraleError if a note is not on the sixteenth grid or a character is unknown.
    """
    notes: list[tuple[int, int, int]] = []
    bar_lines: list[int] = []
    held: dict[str, int] = {}
    step, tied_to = 0, ""
    name = ""  # the last note's name, such as ``B,``; empty after a rest
    for token in _tokens(music):
        if token["bar"]:
            bar_lines.append(step)
            held = {}
        elif token["tie"]:
            tied_to = name
        elif token["note"]:
            length = unit * int(token["times"] or 1)
            if length.denominator > 1 or not length:
                raise ChoraleError(f"{token[0]!r} is not on the sixteenth grid")
            name = token["name"] or ""
            letter = name[:1].upper()
            if token["accidental"]:
                held[letter] = ACCIDENTALS[token["accidental"]]
            if name and name == tied_to:
                begin, duration, pitch = notes.pop()
                notes.append((begin, duration + int(length), pitch))
            elif name:
                notes.append((step, int(length), _pitch(name, held.get(letter), signature)))
            tied_to = ""
            step += int(length)
    return notes, bar_lines, step


def _tokens(music: str) -> Iterator[re.Match[str]]:
    place = 0
    while place < len(music):
        token = TOKEN.match(music, place)
        if not token:
            raise ChoraleError(f"{music[place]!r} is not in the collection's alphabet")
        yield token
        place = token.end()


def _pitch(name: str, alteration: int | None, signature: Key) -> int:
    """The MIDI pitch of a note; without an ``alteration`` that of the signature is applied."""
    letter = name[0].upper()
    if alteration is None:
        sharp = letter in SHARPS[: max(0, signature.fifths)]
        flat = letter in SHARPS[len(SHARPS) + min(0, signature.fifths) :]
        alteration = sharp - flat
    octave = name[0].islower() + name.count("'") - name.count(",")
    return MIDDLE_C + 12 * octave + LETTERS[letter] + alteration


def _key(signature: Key, notes: Sequence[tuple[int, int, int]]) -> Key:
    """The key on the signature's tonic; minor if the minor third sounds longer than the major."""
    durations = np.zeros(12)
    for _, duration, pitch in notes:
        durations[(pitch - signature.tonic) % 12] += duration
    minor = signature.mode == "minor" or durations[MINOR_THIRD] > durations[MAJOR_THIRD]
    return Key.parse(f"{signature.tonic_name} {'minor' if minor else 'major'}")


def _complain(reason: str) -> int:
    print(f"error: {' '.join(reason.split())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
