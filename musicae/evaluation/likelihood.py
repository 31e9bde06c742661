"""The likelihood of chorales and of held-out Bach under a harmonizer, given their sopranos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from musicae.core.arrays import Floats, Ints
from musicae.core.chorale import Chorale, nearest_transposition, transpositions
from musicae.core.constants import N_VOICES, STEPS_PER_QUARTER, VOICE_RANGES, VOICES
from musicae.core.errors import CheckpointError, ChoraleError, MusicaeError
from musicae.core.key import Key
from musicae.core.pitch import pitch_name
from musicae.core.progress import CountProgress
from musicae.corpus import load
from musicae.encoding import tokens as pianoroll
from musicae.encoding.batches import masked_batch
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import ACCOMPANIMENT, ONLY_SOPRANO
from musicae.io import formats
from musicae.io.base import SUFFIXES
from musicae.models.checkpoint import Checkpoint, load_model
from musicae.models.harmonizer import Harmonizer
from musicae.models.torch_engine import network_of
from musicae.models.vocabulary import FIRST_PITCH, HOLD, SILENCE
from musicae.models.voice_transformer import surprise
from musicae.training.tensors import tensors


class Bounds(NamedTuple):
    """Lowest, median and highest value in Bach's chorales."""

    lowest: float
    median: float
    highest: float


class UsualRange(NamedTuple):
    """The range of a voice's negative log-likelihood in Bach's chorales, in nats."""

    per_step: Bounds
    per_note: Bounds


@dataclass(frozen=True)
class ScoredFiles:
    """The scores of chorales in files, and the range of scores of Bach's chorales."""

    model: str
    checksum: str
    """The checksum of the model's weights."""
    side: str
    """The side of the corpus that has Bach's chorales for comparison."""
    scores: tuple[tuple[Path, ChoraleScore], ...]
    bach: dict[str, UsualRange] | None
    """The ranges by the names of ``ChoraleScore.lines``; None without a corpus."""

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


def score_files(
    paths: Sequence[Path],
    model: str = "harmonizer",
    data: Path | None = None,
    side: str = "test",
    progress: CountProgress | None = None,
) -> ScoredFiles:
    """Score chorales in MIDI files and scores, and the chorales of one side of the Bach corpus.

    ``data`` is a corpus file. The default is the file in a checkout of the repository; an installed
    package has none, and Bach is left out. ``progress`` is called with the number of chorales done
    and the number of all. Raises MusicaeError if a file, the model or the corpus cannot be used.
    """
    checkpoint = load_model(model)
    harmonizer = harmonizer_of(checkpoint)
    held_out = load.load(data).side(side) if data or load.DEFAULT.is_file() else ()

    def tell(done: int) -> None:
        if progress:
            progress(done, len(paths) + len(held_out))

    scores = []
    for done, path in enumerate(paths):
        tell(done)
        chorale = formats.read(path)
        try:
            scores.append((path, score_chorale(harmonizer, chorale)))
        except ChoraleError as error:
            raise ChoraleError(f"{path}: {error}") from None
    lines = []
    for done, chorale in enumerate(held_out, start=len(paths)):
        tell(done)
        if transpositions(chorale):
            lines.append(score_chorale(harmonizer, chorale).lines)
    tell(len(paths) + len(held_out))
    if held_out and not lines:
        raise MusicaeError(f"no chorale on the corpus's {side} side fits the voices' ranges")
    bach = _usual(lines) if lines else None
    return ScoredFiles(checkpoint.name, checkpoint.checksum, side, tuple(scores), bach)


def is_chorale_file(path: Path) -> bool:
    """Whether a path has the suffix of a MIDI file or a score and is not a folder."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def _usual(lines: Sequence[dict[str, VoiceScore]]) -> dict[str, UsualRange]:
    return {
        name: UsualRange(
            _bounds([each[name].per_step for each in lines]),
            _bounds([each[name].per_note for each in lines]),
        )
        for name in lines[0]
    }


def _bounds(values: Sequence[float]) -> Bounds:
    return Bounds(min(values), float(np.median(values)), max(values))


MOST_SURPRISING = 3
"""The number of places that are reported for each chorale; they are at least a quarter apart."""


WRITTEN_VOICES = "together"
"""The name for alto, tenor and bass together."""


class VoiceScore(NamedTuple):
    """The negative log-likelihood of a voice, or of all written voices together."""

    nats: float
    """The exact sum over all steps."""
    steps: int
    notes: int

    @property
    def per_step(self) -> float:
        """Nats per step."""
        return self.nats / self.steps

    @property
    def per_note(self) -> float:
        """Nats per note."""
        return self.nats / self.notes


class Surprise(NamedTuple):
    """A symbol with a low probability under a harmonizer."""

    bar: int
    beat: float
    voice: int
    """0 (soprano) to 3 (bass)."""
    nats: float
    """The negative log-likelihood of the symbol."""
    sung: str
    """The symbol in words: ``sings G4``, ``holds G4`` or ``rests``."""
    expected: str
    """The most probable symbol at that place, in the same words."""

    def __str__(self) -> str:
        return (
            f"bar {self.bar} beat {self.beat:g}: {VOICES[self.voice]} {self.sung}, where the"
            f" model expected that it {self.expected} ({self.nats:.1f} nats)"
        )


class ChoraleScore(NamedTuple):
    """The likelihood of a harmonization under a harmonizer, given its soprano."""

    key: Key
    """The key that was found from the soprano."""
    lines: dict[str, VoiceScore]
    """The scores by name: Alto, Tenor, Bass, and ``WRITTEN_VOICES`` for the three together."""
    places: tuple[Surprise, ...]
    """The least probable symbols, in ascending order of probability."""

    def as_dict(self) -> dict[str, Any]:
        """The score as plain numbers, names and lists."""
        return {
            "key": str(self.key),
            "voices": {
                name: line._asdict()
                | {"nats_per_step": line.per_step, "nats_per_note": line.per_note}
                for name, line in self.lines.items()
            },
            "most_surprising": [place._asdict() for place in self.places],
        }


class SymbolScores(NamedTuple):
    """A harmonizer's prediction of each symbol, given the known symbols and all symbols before."""

    likeliest: Ints
    """``(T, V)`` the most probable symbol."""
    nats: Floats
    """``(T, V)`` the negative log-likelihood of the actual symbol; 0 for known symbols."""


@torch.inference_mode()
def score(model: Harmonizer, partial: PartialScore, tokens: Ints) -> SymbolScores:
    """Score the symbols ``(T, V)`` of a completed partial score."""
    batch = masked_batch(partial, model.config)
    batch.tokens[0, : len(tokens)] = tokens
    batch = tensors(batch)
    logits = model(batch)
    nats = surprise(logits, batch)[0, : len(tokens)].double()
    return SymbolScores(logits[0, : len(tokens)].argmax(dim=-1).numpy(), nats.numpy())


def score_chorale(model: Harmonizer, chorale: Chorale) -> ChoraleScore:
    """The likelihood of alto, tenor and bass given the soprano and its key signature.

    The key is found from the soprano, and phrases end at its fermatas. A chorale outside the
    voices' ranges is scored in the nearest transposition within them; the pitches in ``places`` are
    the original ones. Raises ChoraleError if there is no such transposition, or if a voice is
    silent.
    """
    silent = [VOICES[v].lower() for v in range(N_VOICES) if not chorale.onset[:, v].any()]
    if silent:
        raise ChoraleError(
            f"the chorale needs four voices; these have no notes: {', '.join(silent)}"
        )
    if not transpositions(chorale):
        raise ChoraleError("the chorale fits the voices' ranges in no key, so it has no score")
    shift = nearest_transposition(chorale)
    piece = chorale.transpose(shift)
    sketch = PartialScore.of(piece, voices=ONLY_SOPRANO)
    tokens = pianoroll.chorale_to_tokens(piece)  # (T, V)
    likeliest, nats = score(model, sketch, tokens)
    steps, lines = len(tokens), {}
    for voice in ACCOMPANIMENT:
        notes = int(chorale.onset[:, voice].sum())
        lines[VOICES[voice]] = VoiceScore(float(nats[:, voice].sum()), steps, notes)
    notes = sum(line.notes for line in lines.values())
    lines[WRITTEN_VOICES] = VoiceScore(float(nats.sum()), steps, notes)
    places = []
    for step, voice in _peaks(nats, MOST_SURPRISING):
        words = [
            _in_words(chorale, step, voice, symbol, shift)
            for symbol in (int(tokens[step, voice]), int(likeliest[step, voice]))
        ]
        at = chorale.position(step)
        places.append(Surprise(*at, voice, float(nats[step, voice]), *words))
    return ChoraleScore(sketch.key.transpose(-shift), lines, tuple(places))


def harmonizer_of(model: Checkpoint) -> Harmonizer:
    """The network of a checkpoint that can score. Raises CheckpointError if it cannot."""
    if not model.can("score"):
        raise CheckpointError(f"{model.name} gives no likelihood; use a harmonizer")
    return cast("Harmonizer", network_of(model))


def _peaks(nats: NDArray[np.float64], count: int) -> list[tuple[int, int]]:
    """The steps and voices of the ``count`` greatest nats ``(T, V)``, at least a quarter apart."""
    chosen: list[tuple[int, int]] = []
    for flat in np.argsort(-nats, axis=None, kind="stable"):
        step, voice = divmod(int(flat), nats.shape[1])
        if len(chosen) == count or nats[step, voice] <= 0:
            break
        if all(abs(step - other) >= STEPS_PER_QUARTER for other, _ in chosen):
            chosen.append((step, voice))
    return chosen


def _in_words(chorale: Chorale, step: int, voice: int, symbol: int, shift: int) -> str:
    """A symbol in words; the symbols are those of the chorale ``shift`` semitones higher."""
    if symbol == SILENCE:
        return "rests"
    if symbol == HOLD:
        return f"holds {pitch_name(int(chorale.pitch[step - 1, voice]))}"
    return f"sings {pitch_name(VOICE_RANGES[voice][0] + symbol - FIRST_PITCH - shift)}"
