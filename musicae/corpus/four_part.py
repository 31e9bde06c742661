"""Four-part hymns, carols, psalms, chorales and songs from a folder of MIDI files with a manifest.

The folder holds ``manifest.csv`` (what each piece is), ``sides.csv`` (which side of the split it
stands on) and a MIDI file a piece. Its README names sources and licences.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STYLES
from musicae.core.errors import MusicaeError
from musicae.core.key import Key

TRAIN, HELD_TUNES, VALID, TEST = "train", "held", "hymn-valid", "hymn-test"
FOUR_PART_SIDES = (TRAIN, HELD_TUNES, VALID, TEST)
"""``held`` are tunes of the validation and test sides of Bach's chorales: not for training."""


class Source(NamedTuple):
    """A public repository that pieces of the four-part data came from."""

    repository: str
    """On GitHub, as owner/name."""
    commit: str
    """Its first twelve hexadecimal digits."""
    credit: str
    """What the repository holds and who made it, as its licence asks to be credited."""
    licence: str
    pieces: int
    """Of the four-part data."""
    admitted: int
    """Of these, close enough to Bach's part writing to train on."""


SOURCES = (
    Source(
        "pl-wnifc/humdrum-polish-scores",
        "c0403623c0da",
        "Heritage of Polish Music in Open Access, The Fryderyk Chopin Institute"
        " (https://polishscores.org)",
        "CC BY 4.0",
        416,
        248,
    ),
    Source(
        "jclements3/HarpHymnal",
        "517a32e1e50f",
        "Open Hymnal, as ABC",
        "public domain",
        200,
        171,
    ),
    Source(
        "Chorale-Corpus/Apel_GC",
        "428e3df6a30a",
        "Georg Christian Apel, Vollstaendiges Choralbuch, Kiel 1832; transcribed at the"
        " Musicological Institute of Kiel University (MusiCAU)",
        "CC BY-SA 4.0",
        181,
        180,
    ),
    Source(
        "bbloomf/lilypond-songs",
        "947527c1fb3c",
        "hymns and part songs in LilyPond",
        "public domain",
        141,
        71,
    ),
    Source(
        "bbloomf/christmas-carols",
        "5ae0c48621d7",
        "Christmas carols in LilyPond",
        "public domain",
        112,
        71,
    ),
    Source(
        "Chorale-Corpus/Schiorring",
        "d7fbb76f6ecf",
        "Niels Schioerring, Kirke-Melodierne / Choralbog, partly by C. P. E. Bach; dataset by"
        " D. Remes, V. D. Phan and M. Gotham",
        "CC BY-SA",
        99,
        99,
    ),
    Source(
        "MutopiaProject/MutopiaProject",
        "2144afd6f52d",
        "Mutopia Project, LilyPond",
        "by piece: public domain, CC0, CC BY or CC BY-SA",
        88,
        74,
    ),
)
"""Where the four-part data came from, as the README in its folder says."""

WHAT_IT_IS = (
    f"the four-part data, {sum(source.pieces for source in SOURCES):,} hymns, carols, psalms,"
    " chorales and songs as MIDI files with manifest.csv and sides.csv, which is not part of the"
    " project; it was made from these repositories on GitHub: "
    + "; ".join(f"{s.repository} at {s.commit} ({s.licence})" for s in SOURCES)
)
"""What is missing where the folder is, in one line."""


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
    bach_settings: tuple[str, ...]
    """Settings of Bach's with the same tune, such as ``BWV 268``: the first six of them."""
    not_admitted: str
    """Why the piece is not admitted; empty where it is."""


def read_four_part(folder: Path | str) -> list[FourPartPiece]:
    """Read every piece of the folder, in the manifest's order.

    Raises MusicaeError where the folder, its tables or a file cannot be used.
    """
    folder = Path(folder)
    check_folder(folder)
    rows = _table(folder / "manifest.csv")
    sides = {row["piece"]: row for row in _table(folder / "sides.csv")}
    return [_piece(folder, row, sides) for row in rows]


def check_folder(folder: Path) -> None:
    """Raise MusicaeError where the folder or one of its tables is missing, saying what it is."""
    if not folder.is_dir():
        raise MusicaeError(f"{folder}: no such folder; it should hold {WHAT_IT_IS}")
    for name in ("manifest.csv", "sides.csv"):
        if not (folder / name).is_file():
            raise MusicaeError(f"{folder}: has no {name}; it should hold {WHAT_IT_IS}")


def training_pieces(pieces: Sequence[FourPartPiece]) -> list[FourPartPiece]:
    """The pieces to train on: those of the train side that are admitted."""
    return [piece for piece in pieces if piece.side == TRAIN and piece.admitted]


def read_with_phrases(path: Path | str) -> Chorale:
    """Read a MIDI file whose markers ``phrase``, ``cadence`` and ``fermata`` end phrases.

    ``fermatas`` of the result are the steps of the soprano notes that sound at such a marker.
    Raises ChoraleError where the file cannot be used.
    """
    # Not needed to train on a corpus that stands as one file.
    from musicae.io import midi_reader
    from musicae.io.midi_file import open_song

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


COLUMNS = frozenset(
    ("piece", "title", "composer", "repo", "licence", "style", "key", "church_mode", "parallels",
     "admit", "bach_tune")
)  # fmt: skip
"""The columns of ``manifest.csv`` that are read."""


def _piece(folder: Path, row: dict[str, str], sides: dict[str, dict[str, str]]) -> FourPartPiece:
    name = row["piece"]
    missing = sorted(COLUMNS - row.keys())
    if missing:
        raise MusicaeError(f"{folder}: manifest.csv has no column {missing[0]}")
    if name not in sides:
        raise MusicaeError(f"{folder}: sides.csv has no row for {name}")
    if sides[name].get("side") not in FOUR_PART_SIDES:
        raise MusicaeError(f"{folder}: {name} stands on none of the sides {FOUR_PART_SIDES}")
    if row["style"] not in STYLES:
        raise MusicaeError(f"{folder}: {name} has the style {row['style']!r}, not one of {STYLES}")
    read, key = read_with_phrases(folder / f"{name}.mid"), Key.parse(row["key"])
    chorale = replace(
        read,
        key=key,
        title=_one_line(row["title"]),
        source=_one_line(f"{row['repo']} {name} ({row['licence']})"),
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
        bach_settings=tuple(
            f"BWV {number.strip()}" for number in row["bach_tune"].split("BWV ")[1:]
        ),
        not_admitted="" if row["admit"] == "yes" else _reason(row),
    )


def _reason(row: dict[str, str]) -> str:
    """Why a piece is not admitted."""
    return f"not for training: {row['parallels']} parallels per 100 chords"


def _one_line(text: str) -> str:
    """The text without characters that cannot be printed."""
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
