"""Chorales in files, scored by a harmonizer beside held-out Bach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musicae.core.chorale import transpositions
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.corpus import load
from musicae.evaluation import accuracy
from musicae.evaluation.accuracy import Line, Score
from musicae.io import base, formats
from musicae.models.checkpoint import load_model

SUFFIXES = base.SUFFIXES

Progress = Callable[[int, int], None]
"""Called with the number of chorales scored so far and of all."""


class Bounds(NamedTuple):
    """Between what a number lies in Bach's chorales."""

    lowest: float
    median: float
    highest: float


class Usual(NamedTuple):
    """What is usual of a voice of Bach's, in nats."""

    per_step: Bounds
    per_note: Bounds


@dataclass(frozen=True)
class Judged:
    """Chorales that were scored, and Bach's."""

    model: str
    checksum: str
    """Of the model's weights."""
    side: str
    """Of the corpus, from which Bach's chorales are."""
    scores: tuple[tuple[Path, Score], ...]
    bach: dict[str, Usual] | None
    """By the names of ``Score.lines``; None where the corpus is not at hand."""

    def as_dict(self) -> dict[str, Any]:
        """As plain numbers, names and lists."""
        bach = {
            name: {
                "nats_per_step": usual.per_step._asdict(),
                "nats_per_note": usual.per_note._asdict(),
            }
            for name, usual in (self.bach or {}).items()
        }
        return {
            "model": self.model,
            "checksum": self.checksum,
            "files": [{"path": str(path)} | score.as_dict() for path, score in self.scores],
            "side": self.side,
            "bach": bach or None,
        }


def judge(
    paths: Sequence[Path],
    model: str = "harmonizer",
    data: Path | None = None,
    side: str = "test",
    progress: Progress | None = None,
) -> Judged:
    """Score chorales in MIDI or MusicXML files, and Bach's of a side of the corpus.

    ``data`` is a corpus file, by default the checkout's; an installed package has none, and Bach is
    left out. Raises MusicaeError where a file, the model or the corpus cannot be used.
    """
    checkpoint = load_model(model)
    harmonizer = accuracy.harmonizer_of(checkpoint)
    held_out = load.load(data).side(side) if data or load.DEFAULT.is_file() else ()

    def tell(done: int) -> None:
        if progress:
            progress(done, len(paths) + len(held_out))

    scores = []
    for done, path in enumerate(paths):
        tell(done)
        chorale = formats.read(path)
        try:
            scores.append((path, accuracy.score(harmonizer, chorale)))
        except ChoraleError as error:
            raise ChoraleError(f"{path}: {error}") from None
    lines = []
    for done, chorale in enumerate(held_out, start=len(paths)):
        tell(done)
        if transpositions(chorale):
            lines.append(accuracy.score(harmonizer, chorale).lines)
    tell(len(paths) + len(held_out))
    if held_out and not lines:
        raise MusicaeError("the corpus has no chorale within the voices' ranges to judge by")
    bach = _usual(lines) if lines else None
    return Judged(checkpoint.name, checkpoint.checksum, side, tuple(scores), bach)


def is_chorale_file(path: Path) -> bool:
    """Whether a name is that of a MIDI or MusicXML file, and of no folder."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def _usual(lines: Sequence[dict[str, Line]]) -> dict[str, Usual]:
    return {
        name: Usual(
            _bounds([each[name].per_step for each in lines]),
            _bounds([each[name].per_note for each in lines]),
        )
        for name in lines[0]
    }


def _bounds(values: Sequence[float]) -> Bounds:
    return Bounds(min(values), float(np.median(values)), max(values))
