"""Audition packs: folders for comparing and playing the alternatives of one melody."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from musicae.api import render
from musicae.api.check import Report
from musicae.api.piece import Piece
from musicae.core.constants import VOICES
from musicae.core.errors import MusicaeError
from musicae.core.files import check_new_folder, whole_folder
from musicae.daw import reaper, report_page
from musicae.daw.audition import end_to_end, stems
from musicae.io import midi_file
from musicae.io.general_midi import CHOIR_AAHS
from musicae.rendering import audio
from musicae.theory.harmonic_analysis import texts

AUDITION = "audition"
PAGE = "report.html"
REPORT = "report.json"
_STEMS = "stems"
SHOWN = (".mid", ".musicxml", ".pdf", ".png")
"""The suffixes of the files of an alternative to which the page links."""
FACTS = ("key", "model", "seed", "temperature", "rules", "version")
"""The facts of the provenance that the page shows."""
NEEDS = ("verovio", "typst", "midirenderer", "soundfile")


def write(
    pieces: Sequence[Piece],
    folder: Path | str,
    name: str,
    program: int = CHOIR_AAHS,
    *,
    analysis: bool = False,
    keep_tracks: bool = False,
    piano: bool = False,
) -> list[Path]:
    """Write a pack completely or not at all; return the MIDI files of the alternatives.

    Each alternative, best first, becomes ``NAME-1.mid``, ``.musicxml`` and ``.txt`` (its report),
    and one MIDI file per voice in ``stems/``. The first also has a piano roll, a score, and sound
    files of its voices. ``audition.mid`` has all alternatives one after another, each with a
    marker; ``audition.rpp`` is the same as a REAPER project. ``report.html`` shows, plays and
    compares the alternatives, without a network.

    Args:
        pieces: alternatives of one melody.
        folder: the folder to make; if it exists, it must be empty.
        name: the melody's name, the beginning of all file names.
        program: the General MIDI program of the voices, counted from 0.
        analysis: also write Roman numerals and keys into the MIDI files and scores.
        keep_tracks: keep the melody's other tracks in the MIDI files of the alternatives, in
            ``audition.mid`` and in ``audition.rpp``.
        piano: add a piano reduction of the voices to these files and to the scores.

    Raises MusicaeError if the folder is not empty or a library is missing.
    """
    folder = Path(folder).resolve()
    check(folder)
    looks = {"analysis": analysis, "keep_tracks": keep_tracks, "piano": piano}
    with whole_folder(folder) as whole:
        (whole / _STEMS).mkdir()
        packed = [
            _Packed(
                piece,
                piece.arrange(program, **looks),
                piece.report() if piece.in_four_voices else None,
                path,
            )
            for piece, path in zip(pieces, midi_files(whole, name, len(pieces)), strict=True)
        ]
        for each in packed:
            _write_alternative(each, program, analysis, piano)
        _write_audition(packed, whole)
        _show(packed[0], analysis, piano)
        _write_page(packed, whole, name)
    return midi_files(folder, name, len(pieces))


def midi_files(folder: Path, name: str, n: int) -> list[Path]:
    """The MIDI files of the alternatives, best first."""
    return [folder / f"{name}-{i}.mid" for i in range(1, n + 1)]


def check(folder: Path) -> None:
    """Check that a pack can be written. Raises MusicaeError if a library is missing, or the folder
    already has files."""
    check_libraries()
    check_new_folder(folder, "a pack")


def check_libraries() -> None:
    """Check the libraries that packs need. Raises MusicaeError if one is missing."""
    missing = [library for library in NEEDS if importlib.util.find_spec(library) is None]
    if missing:
        raise MusicaeError(
            f"an audition pack needs {', '.join(missing)}: pip install 'musicae[studio]'"
        )


class _Packed(NamedTuple):
    """An alternative: the piece, its tracks, its voice leading, and its MIDI file."""

    piece: Piece
    arrangement: midi_file.Arrangement
    report: Report | None
    """None if not all four voices have notes."""
    path: Path


def _write_alternative(packed: _Packed, program: int, analysis: bool, piano: bool) -> None:
    piece, arrangement, report, path = packed
    midi_file.save(arrangement, path)
    piece.write(path.with_suffix(".musicxml"), program, analysis=analysis, piano=piano)
    text = report.as_text() if report else "not checked: not all four voices sing"
    path.with_suffix(".txt").write_text(f"{text}\n", encoding="utf-8")
    for voice, stem in stems(arrangement).items():
        midi_file.save(stem, _stem_of(path, voice, ".mid"))


def _write_audition(packed: Sequence[_Packed], folder: Path) -> None:
    names = [f"Alternative {number}" for number, _ in enumerate(packed, start=1)]
    joined, sections = end_to_end([each.arrangement for each in packed], names)
    midi_file.save(joined, folder / f"{AUDITION}.mid")
    reaper.write(joined, sections, folder / f"{AUDITION}.rpp")


def _show(best: _Packed, analysis: bool, piano: bool) -> None:
    """Write the piano roll and the score of the best alternative, and its voices as sound."""
    path = best.path
    checked = best.report is not None
    render.render(best.piece, path.with_suffix(".png"), analysis=True, violations=checked)
    render.render(best.piece, path.with_suffix(".pdf"), analysis=analysis, piano=piano)
    audio.write_stems(best.arrangement, [_stem_of(path, voice, ".flac") for voice in VOICES])


def _write_page(packed: Sequence[_Packed], folder: Path, name: str) -> None:
    best = packed[0].piece
    facts = {key: str(best.provenance[key]) for key in FACTS if key in best.provenance}
    facts["numerals"] = "the plan of the chords" if best.plan else "an analysis of the voices"
    alternatives = [
        report_page.Alternative(
            name=str(number),
            chorale=piece.chorale,
            report=report,
            nats_per_step=piece.nats_per_step,
            given=piece.given.parts.known if piece.given else None,
            labels=tuple(texts(piece.labels())),
            files=tuple(
                path.with_suffix(suffix).name
                for suffix in SHOWN
                if path.with_suffix(suffix).exists()
            ),
        )
        for number, (piece, _, report, path) in enumerate(packed, start=1)
    ]
    report_page.write(folder / PAGE, best.chorale.title or name, alternatives, facts)
    everything = {"alternatives": [each.piece.as_dict() for each in packed]}
    (folder / REPORT).write_text(json.dumps(everything, indent=2), encoding="utf-8")


def _stem_of(path: Path, voice: str, suffix: str) -> Path:
    return path.parent / _STEMS / f"{path.stem}-{voice.lower()}{suffix}"
