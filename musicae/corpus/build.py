"""Build the chorale corpus from music21's Bach files or from a folder of scores."""

from __future__ import annotations

import multiprocessing
import os
import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from musicae.core.chorale import Chorale, silent_voices
from musicae.core.constants import REST
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.progress import CountProgress
from musicae.corpus.corpus import Corpus, Duplicate, LeftOut
from musicae.corpus.split import split
from musicae.corpus.tunes import SAME_MUSIC, components, shared_chords, tunes_of
from musicae.io import musicxml_reader
from musicae.io.base import MIDI_SUFFIXES, MUSICXML_SUFFIXES, Reading

MISNUMBERED = ("bwv62.6.mxl", "bwv177.4.mxl")
"""Files of music21 that contain another piece, which has its own file: cantata 62 ends with Nun
komm, der Heiden Heiland, but the file has BWV 274; the file 177.4 has BWV 117.4."""
CORRECTED_TITLES = {"2.6": "Ach Gott, vom Himmel sieh\u2019 darein"}
"""Titles that are misspelled in music21's list, by BWV number."""
FOUR = "four voices are needed"
MOST_SILENCE = 0.4
"""The greatest share of a chorale in which all voices rest. A file with more has instrumental
interludes."""
FILES_AT_ONCE = 4
"""The number of files that a process takes at a time."""


def build(
    files: Sequence[Path] | None = None,
    workers: int | None = None,
    progress: CountProgress | None = None,
) -> Corpus:
    """The corpus of the Bach files that come with music21.

    Args:
        files: the files to read; by default all.
        workers: the number of processes; by default one for each core.
        progress: gets the number of read files and of all files.

    Raises MusicaeError if music21 is missing or no file is a chorale.
    """
    try:
        from music21 import corpus
    except ImportError:
        raise MusicaeError(
            "Bach's files come with music21: pip install 'musicae[corpus]'"
        ) from None

    paths = {Path(path).name: Path(path) for path in files or corpus.getComposer("bach")}
    titles = _bach_titles()

    def with_facts(file: str, chorale: Chorale) -> Chorale:
        number = Path(file).stem.removeprefix("bwv")
        # Variants of one movement have a suffix after a dash, such as 112.5-sc.
        title = titles.get(number) or titles.get(number.partition("-")[0], "")
        return replace(chorale, title=title, source=f"BWV {number}")

    return _assemble(paths, with_facts, workers, progress)


def build_from_folder(
    folder: Path | str, workers: int | None = None, progress: CountProgress | None = None
) -> Corpus:
    """The corpus of the MIDI and MusicXML files in a folder and its subfolders.

    For ``workers`` and ``progress`` see ``build``. Raises MusicaeError if there is no such folder,
    or no chorale in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MusicaeError(f"{folder}: no such folder")
    suffixes = (*MIDI_SUFFIXES, *MUSICXML_SUFFIXES)
    paths = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes and path.is_file()
    }
    if not paths:
        raise MusicaeError(f"{folder}: has no files that end in {', '.join(suffixes)}")

    def with_facts(file: str, chorale: Chorale) -> Chorale:
        return replace(chorale, source=" ".join(file.split()))

    return _assemble(paths, with_facts, workers, progress)


def _bach_titles() -> dict[str, str]:
    """The titles of Bach's chorales by BWV number, such as 253 and 26.6."""
    from music21.corpus import chorales

    titles = dict(CORRECTED_TITLES)
    listed = [*chorales.ChoraleListRKBWV().byRiemenschneider.values()]
    listed += chorales.ChoraleList().byBWV.values()
    for entry in listed:
        titles.setdefault(str(entry["bwv"]), " ".join(entry["title"].split()))
    return titles


def _assemble(
    paths: dict[str, Path],
    with_facts: Callable[[str, Chorale], Chorale],
    workers: int | None,
    progress: CountProgress | None,
) -> Corpus:
    """Read the files of ``paths``, by name, and find their duplicates, tunes and sides.

    Raises MusicaeError if no file is a chorale.
    """
    names = sorted(paths, key=_numerically)
    chorales: dict[str, Chorale] = {}
    quantized: dict[str, int] = {}
    left_out: list[LeftOut] = []
    readings = _read_all([paths[name] for name in names], workers, progress)
    for name, found in zip(names, readings, strict=True):
        if isinstance(found, str):
            left_out.append(LeftOut(name, found))
        else:
            chorales[name] = with_facts(name, found.chorale)
            quantized[name] = found.quantized
    files = list(chorales)
    tunes = tunes_of([*chorales.values()])
    duplicates: list[Duplicate] = []
    for copies in _copies(files, [*chorales.values()], tunes):
        best, *others = sorted(copies, key=lambda file: _drawbacks(file, chorales[file]))
        title = next((chorales[f].title for f in (best, *others) if chorales[f].title), "")
        chorales[best] = replace(chorales[best], title=title)
        duplicates += [Duplicate(file, best) for file in others]
    unneeded = {duplicate.file for duplicate in duplicates}
    for file, chorale in chorales.items():
        if file not in unneeded and (silent := _silence(chorale)) > MOST_SILENCE:
            left_out.append(LeftOut(file, f"nobody sings for {silent:.0%} of it"))
            unneeded.add(file)
    kept = [(f, t) for f, t in zip(files, tunes, strict=True) if f not in unneeded]
    if not kept:
        file, reason = left_out[0]
        raise MusicaeError(f"none of the {len(names)} files is a chorale; {file}: {reason}")
    pieces = tuple(chorales[file] for file, _ in kept)
    numbers: dict[int, int] = {}
    renumbered = tuple(numbers.setdefault(tune, len(numbers)) for _, tune in kept)
    return Corpus(
        chorales=pieces,
        files=tuple(file for file, _ in kept),
        tunes=renumbered,
        sides=tuple(split(pieces, renumbered)),
        quantized=tuple(quantized[file] for file, _ in kept),
        left_out=tuple(sorted(left_out, key=lambda entry: _numerically(entry.file))),
        duplicates=tuple(sorted(duplicates, key=lambda entry: _numerically(entry.file))),
    )


def _copies(
    files: Sequence[str], chorales: Sequence[Chorale], tunes: Sequence[int]
) -> Iterator[list[str]]:
    """The groups of files with the same music. Only files with the same tune are compared."""
    by_tune: dict[int, list[int]] = defaultdict(list)
    for i, tune in enumerate(tunes):
        by_tune[tune].append(i)
    links = [
        (i, j)
        for members in by_tune.values()
        for place, i in enumerate(members)
        for j in members[place + 1 :]
        if shared_chords(chorales[i], chorales[j]) >= SAME_MUSIC
    ]
    groups: dict[int, list[str]] = defaultdict(list)
    for file, group in zip(files, components(len(files), links), strict=True):
        groups[group].append(file)
    return (group for group in groups.values() if len(group) > 1)


def _drawbacks(file: str, chorale: Chorale) -> tuple[Any, ...]:
    """A sorting key for copies of one piece; the file that is kept comes first."""
    return (
        file in MISNUMBERED,
        _silence(chorale) > MOST_SILENCE,
        not chorale.fermatas,
        "-" in file,  # the name is that of a variant
        not file.endswith(".mxl"),
        _numerically(file),
    )


def _silence(chorale: Chorale) -> float:
    """The share of a chorale, 0 to 1, in which all voices rest."""
    return float((chorale.pitch == REST).all(axis=1).mean())


def _numerically(name: str) -> list[Any]:
    """A sorting key with which BWV 9 comes before BWV 10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _read_all(
    paths: Sequence[Path], workers: int | None, progress: CountProgress | None
) -> Iterator[Reading | str]:
    """For each file the result of reading it, or the reason why it is left out."""
    # A process takes a second to start, so it should have some files to read.
    workers = min(workers or os.cpu_count() or 1, -(-len(paths) // FILES_AT_ONCE))
    if workers == 1:
        yield from _counted(map(_read, paths), len(paths), progress)
        return
    # A forked process would inherit the threads of the caller's libraries, such as torch.
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawning) as pool:
        yield from _counted(pool.map(_read, paths, chunksize=FILES_AT_ONCE), len(paths), progress)


def _counted(
    results: Iterable[Reading | str], total: int, progress: CountProgress | None
) -> Iterator[Reading | str]:
    for done, result in enumerate(results, start=1):
        yield result
        if progress:
            progress(done, total)


def _read(path: Path) -> Reading | str:
    suffix = path.suffix.lower()
    try:
        if suffix == ".rntxt":
            return "an analysis in Roman numerals, not a score"
        if suffix == ".krn":
            reading = _read_kern(path)
        elif suffix in MIDI_SUFFIXES:
            from musicae.io import midi_reader

            reading = midi_reader.read_counting(path)
        else:
            reading = musicxml_reader.read_counting(path)
    except ChoraleError as error:
        return str(error).removeprefix(f"{path}: ")
    if reading.doubled:  # a voice would be missing
        return "; ".join(told.partition(";")[0] for told in reading.doubled) + "; " + FOUR
    if silent := silent_voices(reading.chorale):
        return f"{silent}; {FOUR}"
    return reading


def _read_kern(path: Path) -> Reading:
    from music21 import converter
    from music21.musicxml.m21ToXml import ScoreExporter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = converter.parse(path, forceSource=True, storePickle=False)
        for bar in score.recurse().getElementsByClass("Measure"):
            signatures = list(bar.getElementsByClass("KeySignature"))
            if len({hasattr(signature, "mode") for signature in signatures}) == 2:
                bar.remove(next(s for s in signatures if not hasattr(s, "mode")))
        root = ScoreExporter(score).parse()
        for title in root.findall("movement-title"):
            root.remove(title)
        return musicxml_reader.read_tree(path, root)
