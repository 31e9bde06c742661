"""An audition pack: a folder in which alternatives of one melody are compared and played."""

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
"""The suffixes of an alternative's files that the page links to."""
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
    """Write a pack, whole or not at all; returns the MIDI files of the alternatives.

    Each alternative, best first, is written as ``NAME-1.mid``, ``.musicxml`` and ``.txt`` (its
    report), and voice by voice in ``stems/``. The first also has a piano roll, a score and its
    voices as sound. ``audition.mid`` has all alternatives one after another, a marker at each;
    ``audition.rpp`` is the same as a REAPER project; ``report.html`` shows, plays and compares them
    without a network.

    Args:
        pieces: alternatives of one melody.
        folder: the folder to make; where it exists, it must be empty.
        name: the melody's name, with which the files' names begin.
        program: the General MIDI program of the voices, counted from 0.
        analysis: write Roman numerals and key areas into the MIDI files and scores too.
        keep_tracks: carry the melody's other tracks along in the MIDI files of the alternatives,
            in ``audition.mid`` and in ``audition.rpp``.
        piano: add the voices as a piano reduction to the same files and to the scores.

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
    """Raises MusicaeError if a library is missing, or the folder holds files already."""
    check_libraries()
    check_new_folder(folder, "a pack")


def check_libraries() -> None:
    """Raises MusicaeError if a library that packs need is missing."""
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
    """None where not all four voices sing."""
    path: Path


def _write_alternative(packed: _Packed, program: int, analysis: bool, piano: bool) -> None:
    piece, arrangement, report, path = packed
    midi_file.save(arrangement, path)
    piece.write(path.with_suffix(".musicxml"), program, analysis=analysis, piano=piano)
    told = report.as_text() if report else "not checked: not all four voices sing"
    path.with_suffix(".txt").write_text(f"{told}\n", encoding="utf-8")
    for voice, stem in stems(arrangement).items():
        midi_file.save(stem, _stem_of(path, voice, ".mid"))


def _write_audition(packed: Sequence[_Packed], folder: Path) -> None:
    names = [f"Alternative {number}" for number, _ in enumerate(packed, start=1)]
    joined, sections = end_to_end([each.arrangement for each in packed], names)
    midi_file.save(joined, folder / f"{AUDITION}.mid")
    reaper.write(joined, sections, folder / f"{AUDITION}.rpp")


def _show(best: _Packed, analysis: bool, piano: bool) -> None:
    """Write the best alternative's piano roll, its score, and its voices as sound."""
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
