"""Chorales of Bach and of the four-part data, by side, with their keys, styles and phrase ends.

Bach's sides are ``bach-train``, ``bach-valid`` and ``bach-test``. Those of the four-part data come
from ``sides.csv``: ``train``, ``held``, ``hymn-valid`` and ``hymn-test``. A tune is on one side
only.
"""

from __future__ import annotations

import hashlib
import pickle
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST
from musicae.core.files import whole_file
from musicae.core.key import RELATIVE_MINOR, Key
from musicae.corpus.four_part import SOURCES, check_folder, read_four_part
from musicae.corpus.load import load as load_corpus

TRAINING = ("bach-train", "train")
VALIDATION = ("bach-valid", "hymn-valid")
TEST = ("bach-test", "hymn-test")
BACH_SOURCE = {
    "repository": "cuthbertLab/music21",
    "credit": "Johann Sebastian Bach's chorales, encodings of the music21 corpus",
    "licence": "public domain",
}

CHURCH_MODES = {
    "ionian": "major",
    "lydian": "major",
    "aeolian": "minor",
    "dorian": "dorian",
    "mixolydian": "mixolydian",
    "phrygian": "phrygian",
}
"""The mode that the key network learns for each church mode of the manifest."""

BY_SIGNATURE = {0: "major", 1: "mixolydian", 2: "dorian", 3: "minor", 4: "phrygian", -1: "major"}
"""The mode by the number of fifths from the signature's major tonic up to the tonic."""


@dataclass(frozen=True)
class Example:
    """A chorale with its phrase ends (as ``fermatas``), its tonic and mode, and its side."""

    name: str
    chorale: Chorale
    tonic: int
    """Pitch class, 0 (C) to 11 (B)."""
    mode: str
    """A value of ``CHURCH_MODES``."""
    signature: int
    """The sharps (or, negative, flats) of the source's key signature."""
    tune: str
    """``bach-N`` for Bach's chorales, else the ``tune_id`` of the manifest."""
    side: str
    """``bach-train`` and so on for Bach's chorales, else the side of ``sides.csv``."""
    style: str
    admitted: bool = True
    """Whether its voice leading is near enough to Bach's for training on its chords and voices."""

    @property
    def key(self) -> Key:
        """The key as a score records it; see ``written_key``."""
        return written_key(self.tonic, self.mode)


def load_melodies(four_part: Path | None, cache: Path | None = None) -> list[Example]:
    """All examples of Bach's corpus and of the folder of four-part data, in a fixed order.

    If ``four_part`` is None, only Bach's. ``cache`` is a folder that keeps the examples for the
    next call. Raises MusicaeError if the folder does not hold the four-part data.
    """
    if four_part is None:
        return _bach()
    check_folder(four_part)
    digest = hashlib.sha256()
    for path in (four_part / "manifest.csv", four_part / "sides.csv", Path(__file__)):
        digest.update(path.read_bytes())
    kept = cache / f"melodies-{digest.hexdigest()[:12]}.pickle" if cache else None
    if kept and kept.is_file():
        examples: list[Example] = pickle.loads(kept.read_bytes())  # written below
        return examples
    examples = [*_bach(), *_four_part(four_part)]
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(kept) as partial:
            partial.write_bytes(pickle.dumps(examples))
    return examples


def few(examples: Sequence[Example], pieces: int | None) -> list[Example]:
    """The first ``pieces`` examples of each side; all if it is None."""
    seen: Counter[str] = Counter()
    found = []
    for example in examples:
        seen[example.side] += 1
        if pieces is None or seen[example.side] <= pieces:
            found.append(example)
    return found


def described(examples: Sequence[Example]) -> dict[str, Any]:
    """The training data for a network's file: numbers of pieces, sources and licences."""
    return {
        "pieces": len(examples),
        "by_side": dict(Counter(e.side for e in examples)),
        "by_style": dict(Counter(e.style for e in examples)),
        "sources": [BACH_SOURCE, *(source._asdict() for source in SOURCES)],
    }


def on(examples: Sequence[Example], *sides: str) -> list[Example]:
    """The examples on these sides."""
    return [example for example in examples if example.side in sides]


def voices_only(chorale: Chorale, voices: Sequence[int]) -> Chorale:
    """The chorale with the other voices silent, and without its key."""
    kept = np.isin(np.arange(N_VOICES), voices)
    return replace(
        chorale,
        pitch=np.where(kept, chorale.pitch, REST),
        onset=chorale.onset & kept,
        fermatas=(),
        key=None,
    )


def _bach() -> list[Example]:
    bach = load_corpus()
    examples = []
    for chorale, file, tune, side in zip(
        bach.chorales, bach.files, bach.tunes, bach.sides, strict=True
    ):
        if chorale.key is None:
            continue
        tonic, mode = tonic_and_mode(chorale, chorale.key)
        examples.append(
            Example(
                file,
                chorale,
                tonic,
                mode,
                chorale.key.fifths,
                f"bach-{tune}",
                f"bach-{side}",
                "bach",
            )
        )
    return examples


def written_key(tonic: int, mode: str) -> Key:
    """The key as a score records it: dorian and phrygian as minor, mixolydian as major."""
    key = Key(0) if mode in ("major", "mixolydian") else Key(-RELATIVE_MINOR, "minor")
    return key.transpose(tonic)


def tonic_and_mode(chorale: Chorale, key: Key) -> tuple[int, str]:
    """Tonic and mode by the key signature and the lowest note of the last chord, as in the
    manifest.

    The recorded key is used instead if that note is no tonic of a church mode with the signature,
    or if the soprano does not end on its root, third or fifth.
    """
    ends = [notes[-1].pitch for v in range(4) if (notes := chorale.notes(v))]
    last = min(ends) % 12
    place = (7 * (last - 7 * key.fifths) + 1) % 12 - 1  # fifths above the signature's major tonic
    if last != key.tonic and place in BY_SIGNATURE and (ends[0] - last) % 12 in (0, 3, 4, 7):
        return last, BY_SIGNATURE[place]
    return key.tonic, key.mode


def _four_part(folder: Path) -> list[Example]:
    return [
        Example(
            piece.name,
            piece.chorale,
            piece.key.tonic,
            CHURCH_MODES[piece.church_mode],
            piece.signature,
            piece.tune,
            piece.side,
            piece.style,
            piece.admitted,
        )
        for piece in read_four_part(folder)
    ]
