"""Harmonize every MIDI file and score below a folder, and print the outcomes.

    python benchmarks/sweep.py FOLDER [--model minibach] [--read-only] [--seconds 60]

Each file is used in a process of its own with limits of time and memory. Printed are the number of
used files, the reasons why others were refused (messages that differ only in names and numbers
count as one), all tracebacks, whether the melody is kept exactly, and the files that took the most
time and memory. The melody of a MIDI file is exact if the written file has each event of the given
part (notes with their ends and velocities, controllers, bends) at its tick. The melody of a score
is exact if music21 reads the given voice of the written score, note by note, as a part or voice of
the original file.

With ``--read-only`` files are read as by ``musicae.read`` and not harmonized. To test the reading
of files, a small model is enough and faster.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import limited

import musicae
from musicae.api.harmonize import load_for
from musicae.api.options import HarmonizeOptions
from musicae.api.piece import Piece
from musicae.core.constants import VOICES
from musicae.core.errors import MusicaeError
from musicae.io.base import SCORE_SUFFIXES, SUFFIXES, suffix_of
from musicae.io.midi_file import open_song

SHOWN = 5
"""The number of files that are named in each list."""


class Use(NamedTuple):
    """The outcome of using a file."""

    refused: str = ""
    """The error message, if the file was refused."""
    exact: bool | None = None
    """Whether the melody is kept exactly; None if that was not checked."""
    notices: tuple[str, ...] = ()


def use(path: Path, model: str | None) -> Use:
    """Harmonize a file with a model; without a model only read it."""
    try:
        if model is None:
            musicae.read(path)
            return Use()
        (piece,) = musicae.harmonize(path, model=model)
        with tempfile.TemporaryDirectory() as folder:
            score = suffix_of(path) in SCORE_SUFFIXES
            out = Path(folder) / ("out.musicxml" if score else "out.mid")
            piece.write(out)
            exact = _same_in_score(piece, path, out) if score else _same_in_midi(piece, out)
        return Use(exact=exact, notices=piece.notices)
    except MusicaeError as error:
        return Use(refused=str(error).replace(str(path), "").removeprefix(": "))


def _same_in_midi(piece: Piece, out: Path) -> bool:
    """Whether a written file has all events of the given parts."""
    assert piece.given
    kept = piece.given.preserved
    assert kept
    written = open_song(out)
    for voice, part in kept.parts.items():
        left_out = {i for note in kept.left_out[voice] for i in (note.on, note.off)}
        read = [
            (tick, _message(message))
            for i, (tick, message) in enumerate(kept.song.tracks[part.track])
            if i not in left_out
            and not message.is_meta
            and getattr(message, "channel", None) in part.channels
            and message.type != "program_change"
            and not (message.type == "control_change" and message.control in (0, 32))
        ]
        track = next(t for t in written.tracks if _is_named(t, VOICES[voice]))
        there = Counter((tick, _message(message)) for tick, message in track)
        if Counter(read) - there:
            return False
    return written.ppq == kept.song.ppq


def _message(message: Any) -> Any:
    return str(message.copy(channel=0) if hasattr(message, "channel") else message)


def _is_named(track: Any, name: str) -> bool:
    return any(e.message.type == "track_name" and e.message.name == name for e in track)


def _same_in_score(piece: Piece, path: Path, out: Path) -> bool:
    """Whether the written score has all given lines of the original file unchanged.

    Lines are compared by their notes, because a given part keeps a name of its own.
    """
    assert piece.given
    read = [line for line in _lines(path) if line]
    given = sum(bool(piece.given.parts.tune.notes(voice)) for voice in range(len(VOICES)))
    return sum(line in read for line in _lines(out)) >= given


def _lines(path: Path) -> Iterator[list[Any]]:
    """Each part of a score and each voice in it, as offset, pitch and length of each note."""
    from music21 import converter, stream

    score = converter.parse(path, forceSource=True)
    if isinstance(score, stream.Opus):  # a tune book: only its first tune is read
        score = score.scores[0]
    for part in score.parts:
        streams = [part, *part.voicesToParts().parts] if part.hasVoices() else [part]
        for each in streams:
            assert isinstance(each, stream.Stream)
            yield [
                (n.offset, max(p.midi for p in n.pitches), n.duration.quarterLength)
                for n in each.flatten().stripTies().notes
                if n.pitches
            ]


def kind_of(message: str) -> str:
    """A message with its numbers, quoted names and listings replaced, to group equal messages."""
    return re.sub(r"\d+(?:\.\d+)?", "N", re.sub(r"'[^']*'|with notes are .*", "...", message))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="harmonizer")
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--seconds", type=float, default=60, help="processor time for each file")
    parser.add_argument("--mebibytes", type=int, default=1536, help="memory for each file")
    asked = parser.parse_args()
    files = sorted(p for p in asked.folder.rglob("*") if suffix_of(p) in SUFFIXES and p.is_file())
    if not files:
        sys.exit(f"{asked.folder}: has no MIDI files or scores")
    model = None if asked.read_only else asked.model
    if model:
        load_for(HarmonizeOptions(model=model))
    outcomes = {}
    for number, file in enumerate(files, start=1):
        limits = {"seconds": asked.seconds, "mebibytes": asked.mebibytes}
        outcomes[file] = limited.call(use, file, model, **limits)
        if sys.stderr.isatty():
            print(f"\r{number} of {len(files)}", end="", file=sys.stderr)
    print_totals(asked.folder, outcomes)


def print_totals(folder: Path, outcomes: dict[Path, limited.Outcome]) -> None:
    """Print the totals of a sweep; the module's docstring lists them."""
    uses = {file: o.value for file, o in outcomes.items() if o.kind == limited.DONE}
    used = [file for file, each in uses.items() if not each.refused]
    exact = Counter(uses[file].exact for file in used)
    print(f"{len(outcomes)} files, {len(used)} used, {len(uses) - len(used)} refused")
    if exact[True] + exact[False]:
        print(f"melody exact: {exact[True]} of {exact[True] + exact[False]}")
        _print_files(folder, "not exact", [file for file in used if uses[file].exact is False])
    reasons: dict[str, list[Path]] = defaultdict(list)
    for file, each in uses.items():
        if each.refused:
            reasons[kind_of(each.refused)].append(file)
    for reason, files in sorted(reasons.items(), key=lambda item: -len(item[1])):
        _print_files(folder, f"refused: {reason}", files)
    for kind in (limited.FAILED, limited.SLOW, limited.LARGE, limited.DIED):
        _print_files(folder, kind, [file for file, o in outcomes.items() if o.kind == kind])
    for file, outcome in outcomes.items():
        if outcome.kind == limited.FAILED:
            print(f"{file.relative_to(folder)}:\n{outcome.value}")
    for word, unit, field in (("slowest", "s", "seconds"), ("largest", "MiB", "mebibytes")):
        first = sorted(outcomes, key=lambda f: -getattr(outcomes[f], field))[:SHOWN]
        shown = (f"{f.relative_to(folder)} {getattr(outcomes[f], field):.0f} {unit}" for f in first)
        print(f"{word}: {', '.join(shown)}")


def _print_files(folder: Path, what: str, files: list[Path]) -> None:
    if files:
        names = ", ".join(str(file.relative_to(folder)) for file in files[:SHOWN])
        print(f"{len(files)} {what}: {names}{' ...' if len(files) > SHOWN else ''}")


if __name__ == "__main__":
    try:
        main()
    except MusicaeError:
        sys.exit(traceback.format_exc(limit=0))
