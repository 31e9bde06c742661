"""Four-part hymns, carols, psalms, chorales and songs from a folder of MIDI files with a manifest.

The folder holds ``manifest.csv`` (what each piece is), ``sides.csv`` (which side of the split it
stands on) and a MIDI file a piece. Its README names sources and licences.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STYLES
from musicae.core.errors import MusicaeError
from musicae.core.key import Key
from musicae.io import midi_reader
from musicae.io.midi_file import open_song

TRAIN, HELD_TUNES, VALID, TEST = "train", "held", "hymn-valid", "hymn-test"
FOUR_PART_SIDES = (TRAIN, HELD_TUNES, VALID, TEST)
"""``held`` are tunes of the validation and test sides of Bach's chorales: not for training."""


@dataclass(frozen=True)
class FourPartPiece:
    """A piece of the folder with what its manifest says."""

    name: str
    """The file without its suffix."""
    chorale: Chorale
    """The music; ``key`` is the manifest's, ``fermatas`` are the ends of phrases of any kind."""
    style: str
    """One of ``STYLES``, never ``bach``."""
    side: str
    """One of ``FOUR_PART_SIDES``."""
    tune: str
    """The tune's number; pieces of one tune stand on one side."""
    admitted: bool
    """Whether its part writing is close enough to Bach's to train on."""
    key: Key
    """The manifest's; dorian and phrygian count as minor, lydian and mixolydian as major."""
    signature: int
    """The sharps (or, negative, flats) of the key signature in the file, else of ``key``."""
    church_mode: str
    """``ionian``, ``dorian``, ``phrygian``, ``lydian``, ``mixolydian`` or ``aeolian``."""
    composer: str
    repository: str
    """The public repository that the score came from, as owner/name."""
    licence: str


def read_four_part(folder: Path | str) -> list[FourPartPiece]:
    """Read every piece of the folder, in the manifest's order.

    Raises MusicaeError where the folder, its tables or a file cannot be used.
    """
    folder = Path(folder)
    rows = _table(folder / "manifest.csv")
    sides = {row["piece"]: row for row in _table(folder / "sides.csv")}
    return [_piece(folder, row, sides) for row in rows]


def training_pieces(pieces: Sequence[FourPartPiece]) -> list[FourPartPiece]:
    """The pieces to train on: those of the train side that are admitted."""
    return [piece for piece in pieces if piece.side == TRAIN and piece.admitted]


def read_with_phrases(path: Path | str) -> Chorale:
    """Read a MIDI file whose markers ``phrase``, ``cadence`` and ``fermata`` end phrases.

    ``fermatas`` of the result are the steps of the soprano notes that sound at such a marker.
    Raises ChoraleError where the file cannot be used.
    """
    path = Path(path)
    chorale = midi_reader.read(path)
    song = open_song(path)
    first = min((song.step(note.start) for part in song.parts for note in part.notes), default=0)
    sounding = (chorale.pitch != REST).any(axis=1)
    offset = first - int(sounding.argmax())  # an upbeat's silence is cut off by the reader
    marks = midi_reader.phrase_marks(song, offset, len(chorale))
    ends = tuple(
        note.step
        for note in chorale.notes(0)
        if any(note.step <= mark < note.step + note.duration for mark in marks)
    )
    return replace(chorale, fermatas=ends)


def _piece(folder: Path, row: dict[str, str], sides: dict[str, dict[str, str]]) -> FourPartPiece:
    name = row["piece"]
    if name not in sides:
        raise MusicaeError(f"{folder}: sides.csv has no row for {name}")
    if row["style"] not in STYLES:
        raise MusicaeError(f"{folder}: {name} has the style {row['style']!r}, not one of {STYLES}")
    read, key = read_with_phrases(folder / f"{name}.mid"), Key.parse(row["key"])
    chorale = replace(
        read,
        key=key,
        title=_one_line(row["title"]),
        source=f"{row['repo']} {name}",
    )
    return FourPartPiece(
        name=name,
        chorale=chorale,
        style=row["style"],
        side=sides[name]["side"],
        tune=sides[name]["tune_id"],
        admitted=row["admit"] == "yes",
        key=key,
        signature=read.key.fifths if read.key else key.fifths,
        church_mode=row["church_mode"],
        composer=row["composer"],
        repository=row["repo"],
        licence=row["licence"],
    )


def _one_line(text: str) -> str:
    """The text without characters that cannot be printed."""
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise MusicaeError(f"{path}: no such table; give the folder of the four-part data")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
