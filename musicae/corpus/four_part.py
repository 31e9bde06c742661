"""Four-part hymns, carols, psalms, chorales and songs from a folder of MIDI files with a manifest.

The folder has ``manifest.csv`` (facts about each piece), ``sides.csv`` (the side of the split of
each piece) and one MIDI file for each piece. Its README names sources and licences.
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
"""The sides of pieces. ``held`` has tunes of the validation and test sides of Bach's chorales; it
is not used for training."""


class Source(NamedTuple):
    """A public repository with scores of the four-part data."""

    repository: str
    """Its name on GitHub, as owner/name."""
    commit: str
    """The first twelve hexadecimal digits of the commit."""
    credit: str
    """Its content and its authors, in the form that its licence requires."""
    licence: str
    pieces: int
    """The number of pieces of the four-part data that came from it."""
    admitted: int
    """The number of these pieces that are close enough to Bach's part writing to train on."""


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
"""The sources of the four-part data, as in the README in its folder."""

WHAT_IT_IS = (
    f"the four-part data, {sum(source.pieces for source in SOURCES):,} hymns, carols, psalms,"
    " chorales and songs as MIDI files with manifest.csv and sides.csv, which is not part of the"
    " project; it was made from these repositories on GitHub: "
    + "; ".join(f"{s.repository} at {s.commit} ({s.licence})" for s in SOURCES)
)
"""A description of the folder, in one line, for error messages."""


@dataclass(frozen=True)
class FourPartPiece:
    """A piece of the folder with its facts from the manifest."""

    name: str
    """The name of the file without its suffix."""
    chorale: Chorale
    """The music. Its ``key`` is that of the manifest; its ``fermatas`` are all ends of phrases."""
    style: str
    """One of ``STYLES``, never ``bach``."""
    side: str
    """One of ``FOUR_PART_SIDES``."""
    tune: str
    """The number of the tune; all pieces of a tune are on one side."""
    admitted: bool
    """Whether its part writing is close enough to Bach's to train on."""
    key: Key
    """The key of the manifest. Dorian and phrygian count as minor, lydian and mixolydian as
    major."""
    signature: int
    """The number of sharps, or minus that of flats, of the key signature in the file; if it has
    none, of ``key``."""
    church_mode: str
    """``ionian``, ``dorian``, ``phrygian``, ``lydian``, ``mixolydian`` or ``aeolian``."""
    composer: str
    repository: str
    """The public repository of the score, as owner/name."""
    licence: str
    bach_settings: tuple[str, ...]
    """Bach's chorales with the same tune, such as ``BWV 268``; at most the first six."""
    not_admitted: str
    """The reason why the piece is not admitted; empty if it is."""


def read_four_part(folder: Path | str) -> list[FourPartPiece]:
    """Read every piece of the folder, in the manifest's order.

    Raises MusicaeError if the folder, its tables or a file cannot be used.
    """
    folder = Path(folder)
    check_folder(folder)
    rows = _table(folder / "manifest.csv")
    sides = {row["piece"]: row for row in _table(folder / "sides.csv")}
    return [_piece(folder, row, sides) for row in rows]


def check_folder(folder: Path) -> None:
    """Raise MusicaeError if the folder or one of its tables is missing."""
    if not folder.is_dir():
        raise MusicaeError(f"{folder}: no such folder; it should hold {WHAT_IT_IS}")
    for name in ("manifest.csv", "sides.csv"):
        if not (folder / name).is_file():
            raise MusicaeError(f"{folder}: has no {name}; it should hold {WHAT_IT_IS}")


def training_pieces(pieces: Sequence[FourPartPiece]) -> list[FourPartPiece]:
    """The pieces to train on: those of the train side that are admitted."""
    return [piece for piece in pieces if piece.side == TRAIN and piece.admitted]


def read_with_phrases(path: Path | str) -> Chorale:
    """Read a MIDI file with the markers ``phrase``, ``cadence`` and ``fermata`` at ends of phrases.

    The ``fermatas`` of the result are the steps of the soprano notes that sound at such a marker.
    Raises ChoraleError if the file cannot be used.
    """
    # Imported here, because training on a corpus file does not need them.
    from musicae.io import midi_reader
    from musicae.io.midi_file import open_song

    path = Path(path)
    chorale = midi_reader.read(path)
    song = open_song(path)
    first = min((song.step(note.start) for part in song.parts for note in part.notes), default=0)
    sounding = (chorale.pitch != REST).any(axis=1)
    offset = first - int(sounding.argmax())  # the reader cuts off the silence before a pickup
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
        raise MusicaeError(
            f"{folder}: {name} is on no side; sides.csv should say {', '.join(FOUR_PART_SIDES)}"
        )
    if row["style"] not in STYLES:
        raise MusicaeError(
            f"{folder}: {name} has the style {row['style']!r}, not one of {', '.join(STYLES)}"
        )
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
    """The reason why a piece is not admitted."""
    return f"not for training: {row['parallels']} parallels per 100 chords"


def _one_line(text: str) -> str:
    """The text in one line, without characters that cannot be printed."""
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
