"""Check how MuseScore 3 imports the MIDI and MusicXML files that musicae writes.

    python scripts/check_musescore.py [FILE ...] [--keep FOLDER]

The files (default: those in ``data/results``), and each MIDI file converted to MusicXML by musicae,
are imported by MuseScore without a window. The imported score is compared with the file: bars and
their lengths with the anacrusis, meters, key signature, tempi, names of the parts, every note, and
texts that are printed as lyrics but are none. MuseScore quantizes the notes of MIDI files; these
differences are printed and are no failure. ``--keep`` keeps MuseScore's MusicXML and pictures of
the pages. The exit status is 1 if bars or the anacrusis differ or a file cannot be imported, and 2
if MuseScore is missing or a file cannot be read.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import musicae
from musicae.core.chorale import Chorale
from musicae.core.constants import STEPS_PER_QUARTER, VOICES
from musicae.core.errors import MusicaeError
from musicae.core.meter import Measure, Meter, Tempo, measures_of, meters_of
from musicae.io import midi_file
from musicae.io.base import MUSICXML_SUFFIXES

RESULTS = Path(__file__).resolve().parent.parent / "data" / "results"
PROGRAMS = ("mscore3", "musescore3", "mscore", "musescore")
SECONDS_A_FILE = 20
"""The time limit per file; MuseScore usually needs a tenth of a second."""
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SHOWN = 3
"""The number of differing notes that are printed for each file."""

Note = tuple[float, float, int]
"""Onset and length in quarters, and pitch."""


class Page(NamedTuple):
    """The content of a score, as imported or as expected."""

    bars: list[float]
    """The lengths of the bars in quarters."""
    meters: list[tuple[int, str]]
    """Each meter and the number of its first bar, from 0."""
    fifths: int | None
    """The sharps (or, negative, flats) of the key signature; None if no key is stated."""
    tempi: list[tuple[float, float]]
    """Each tempo: its place in quarters, and quarters per minute."""
    parts: dict[str, list[Note]]
    """The notes of each part by its name."""
    words: list[str]
    """The texts of the lyrics."""


def main() -> int:
    arguments = _parser().parse_args()
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        print(f"error: MuseScore is not installed: no {', '.join(PROGRAMS)}", file=sys.stderr)
        return 2
    files = arguments.files or sorted(RESULTS.glob("**/*.mid"))
    try:
        right = _check(program, files, arguments.keep)
    except MusicaeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0 if right else 1


def _check(program: str, files: Sequence[Path], keep: Path | None) -> bool:
    """Import the files and print how they were read; returns whether all bars are right."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        scores = [
            _as_musicxml(file, folder / f"musicae-{i}-{file.stem}.musicxml")
            for i, file in enumerate(files)
            if not _is_musicxml(file)
        ]
        sources = [*files, *scores]
        begin = time.perf_counter()
        pages = _imported(program, sources, folder, pictures=keep is not None)
        seconds = time.perf_counter() - begin
        failed = [not _report(source, page) for source, page in zip(sources, pages, strict=True)]
    print(f"{len(failed)} files, {sum(failed)} with wrong bars; MuseScore took {seconds:.1f} s")
    return not any(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="MIDI or MusicXML files")
    parser.add_argument("--keep", type=Path, help="keep MuseScore's files in this folder")
    return parser


def _is_musicxml(path: Path) -> bool:
    return path.suffix.lower() in MUSICXML_SUFFIXES


def _as_musicxml(path: Path, score: Path) -> Path:
    """Convert a MIDI file to MusicXML by musicae; returns the path of the score."""
    musicae.write(musicae.read(path), score)
    return score


def _imported(
    program: str, sources: Sequence[Path], folder: Path, pictures: bool
) -> list[Page | None]:
    """Each file as MuseScore imports it, all in one process; None if it cannot import it."""
    made = [folder / f"musescore-{i}-{source.stem}.musicxml" for i, source in enumerate(sources)]
    suffixes = [".musicxml", ".png"] if pictures else [".musicxml"]
    jobs = [
        {"in": str(source.resolve()), "out": [str(file.with_suffix(s)) for s in suffixes]}
        for source, file in zip(sources, made, strict=True)
    ]
    for file in made:
        file.unlink(missing_ok=True)  # files of an earlier run
    job = folder / "job.json"
    job.write_text(json.dumps(jobs))
    with contextlib.suppress(subprocess.TimeoutExpired):  # missing files are reported below
        subprocess.run(
            [program, "-j", str(job)],
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
            capture_output=True,
            check=False,
            timeout=SECONDS_A_FILE * (1 + len(jobs)),
        )
    return [_page(ET.parse(file).getroot()) if file.exists() else None for file in made]


def _report(source: Path, page: Page | None) -> bool:
    """Print how a file was imported; returns whether its bars are right."""
    if page is None:
        print(f"{source.name}: MuseScore could not import it")
        return False
    expected = _expected(source)
    right = page.bars == expected.bars
    anacrusis = page.bars[0] if page.bars[:1] != page.bars[1:2] else 0
    facts = [f"{len(page.bars)} bars"]
    if right:
        facts.append(f"anacrusis {anacrusis:g}" if anacrusis else "no anacrusis")
    else:
        facts.append(f"BARS {_first_difference(expected.bars, page.bars)}")
    facts.append(_same("meters", expected.meters, page.meters))
    facts.append(
        f"no key stated, {page.fifths} fifths guessed"
        if expected.fifths is None
        else _same("key", expected.fifths, page.fifths)
    )
    facts.append(_tempi(expected.tempi, page.tempi))
    names, found = list(expected.parts), list(page.parts)
    facts.append("names right" if names == found else f"{names[0]!r} named {found[0]!r}")
    other = _other_notes(expected, page)
    total = sum(map(len, expected.parts.values()))
    facts.append(f"{total} notes right" if not other else f"{len(other)} of {total} notes differ")
    stray = next((text for text in page.words if text not in expected.words), None)
    if stray is not None:
        facts.append(f"PRINTS {stray[:30]!r} AS LYRICS")
    print(f"{source.name}: {'; '.join(facts)}")
    for line in other[:SHOWN]:
        print(f"    {line}")
    return right


def _first_difference(expected: Sequence[float], found: Sequence[float]) -> str:
    if len(expected) != len(found):
        return f"{len(expected)} became {len(found)}: {expected[:3]}... {found[:3]}..."
    bar = next(i for i, (a, b) in enumerate(zip(expected, found, strict=True)) if a != b)
    return f"number {bar} of {expected[bar]:g} quarters became {found[bar]:g}"


def _same(what: str, expected: object, found: object) -> str:
    return f"{what} right" if expected == found else f"{what} {expected} became {found}"


def _tempi(expected: Sequence[tuple[float, float]], found: Sequence[tuple[float, float]]) -> str:
    same = len(expected) == len(found) and all(
        math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-6)
        for one, other in zip(expected, found, strict=True)
        for a, b in zip(one, other, strict=True)
    )
    return "tempi right" if same else f"tempi {list(expected)} became {list(found)}"


def _other_notes(expected: Page, page: Page) -> list[str]:
    """A line for each note that MuseScore imports differently or not, part by part in order."""
    lines = []
    for name, should, does in zip(
        expected.parts, expected.parts.values(), page.parts.values(), strict=False
    ):
        missing, added = Counter(should) - Counter(does), Counter(does) - Counter(should)
        pairs = zip(sorted(missing.elements()), sorted(added.elements()), strict=False)
        lines += [f"{name}: {one} became {other}" for one, other in pairs]
        lines += [f"{name}: {note} is missing" for note in sorted(missing)[len(added) :]]
    return lines


def _expected(source: Path) -> Page:
    chorale = musicae.read(source)
    if _is_musicxml(source):
        parts = {
            name: [_quarters(*note) for note in chorale.notes(v)] for v, name in enumerate(VOICES)
        }
        return _page_of(chorale, chorale.measures, chorale.tempos, parts, [])
    song = midi_file.open_song(source)  # its times are ticks from the beginning of the file
    parts = {
        part.name: [(n.start / song.ppq, (n.end - n.start) / song.ppq, n.pitch) for n in part.notes]
        for part in song.parts
    }
    last = max(song.step(note.end) for part in song.parts for note in part.notes)
    stated = {
        song.step(e.tick): (e.message.numerator, e.message.denominator)
        for e in song.metas("time_signature")
    }
    raw = measures_of([Meter(step, *meter) for step, meter in stated.items()], 0, last)
    meters, pickup = meters_of(raw)
    measures = measures_of(meters, pickup, last)
    measures[-1] = measures[-1]._replace(length=_whole(measures[-1]))  # filled up with rests
    tempi = [Tempo(song.step(e.tick), 60e6 / e.message.tempo) for e in song.metas("set_tempo")]
    sung = [
        word
        for index in {part.track for part in song.parts}
        for event in song.tracks[index]
        if event.message.type in ("lyrics", "text")
        for word in _syllables(midi_file.text_of(event.message))
    ]
    return _page_of(chorale, measures, tempi, parts, sung)


def _syllables(text: str) -> list[str]:
    """A text as it is, and without the hyphens of a syllable."""
    return [text, text.strip("- ")]


def _quarters(step: int, duration: int, pitch: int) -> Note:
    return step / STEPS_PER_QUARTER, duration / STEPS_PER_QUARTER, pitch


def _whole(measure: Measure) -> int:
    return measure.meter.steps_per_bar


def _page_of(
    chorale: Chorale,
    measures: Sequence[Measure],
    tempi: Sequence[Tempo],
    parts: dict[str, list[Note]],
    words: list[str],
) -> Page:
    printed = [f"{measure.numerator}/{measure.denominator}" for measure in measures]
    return Page(
        [measure.length / STEPS_PER_QUARTER for measure in measures],
        [(i, meter) for i, meter in enumerate(printed) if i == 0 or meter != printed[i - 1]],
        chorale.key.fifths if chorale.key else None,
        [(tempo.step / STEPS_PER_QUARTER, tempo.qpm) for tempo in tempi],
        parts,
        words,
    )


def _page(root: ET.Element) -> Page:
    """The content of MuseScore's MusicXML."""
    names = [part.findtext("part-name", "") for part in root.iter("score-part")]
    bars: list[float] = []
    meters: list[tuple[int, str]] = []
    tempi: list[tuple[float, float]] = []
    fifths = None
    parts: dict[str, list[Note]] = {}
    for name, part in zip(names, root.findall("part"), strict=True):
        begins, now, divisions = [], 0.0, 1
        for number, bar in enumerate(part.findall("measure")):
            divisions = int(bar.findtext("attributes/divisions", str(divisions)))
            begins.append((now, divisions, bar))
            length = _length(bar) / divisions
            if not parts:
                bars.append(length)
                meter = bar.find("attributes/time")
                if meter is not None:
                    meters.append(
                        (number, f"{meter.findtext('beats')}/{meter.findtext('beat-type')}")
                    )
                tempi += [
                    (now + at / divisions, float(element.attrib["tempo"]))
                    for at, element in _placed(bar)
                    for element in element.iter("sound")
                    if "tempo" in element.attrib
                ]
                stated = bar.findtext("attributes/key/fifths")
                fifths = int(stated) if fifths is None and stated else fifths
            now += length
        parts[name] = _notes(begins)
    words = [lyric.findtext("text", "").strip() for lyric in root.iter("lyric")]
    return Page(bars, meters, fifths, tempi, parts, words)


def _placed(bar: ET.Element) -> Iterator[tuple[int, ET.Element]]:
    """The elements of a bar, each with its time in the bar in divisions."""
    now, begin = 0, 0
    for element in bar:
        if element.tag == "note" and element.find("chord") is not None:
            yield begin, element
            continue
        begin = now
        yield begin, element
        if element.tag in ("note", "forward"):
            now += int(element.findtext("duration", "0"))
        elif element.tag == "backup":
            now -= int(element.findtext("duration", "0"))


def _length(bar: ET.Element) -> int:
    return max(
        (
            at + int(element.findtext("duration", "0"))
            for at, element in _placed(bar)
            if element.tag in ("note", "forward")
        ),
        default=0,
    )


def _notes(bars: Sequence[tuple[float, int, ET.Element]]) -> list[Note]:
    """The notes of a part; tied notes are joined to one."""
    notes: list[Note] = []
    held: dict[int, int] = {}
    for begin, divisions, bar in bars:
        for at, element in _placed(bar):
            pitch = _pitch(element.find("pitch"))
            if element.tag != "note" or pitch is None:
                continue
            length = int(element.findtext("duration", "0")) / divisions
            ties = {tie.attrib["type"] for tie in element.findall("tie")}
            if "stop" in ties and pitch in held:
                onset, before, _ = notes[held[pitch]]
                notes[held[pitch]] = (onset, before + length, pitch)
            else:
                held[pitch] = len(notes)
                notes.append((begin + at / divisions, length, pitch))
    return notes


def _pitch(element: Any) -> int | None:
    if element is None:
        return None
    octave, alter = int(element.findtext("octave")), int(element.findtext("alter", "0"))
    return 12 * (octave + 1) + SEMITONES[element.findtext("step")] + alter


if __name__ == "__main__":
    sys.exit(main())
