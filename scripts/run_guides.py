"""Run every command of the guides in docs/, on short pieces of the kinds that they name.

    python scripts/run_guides.py [--quick] [GUIDE...]

The guides run side by side, each in a folder of its own with the files that its commands read. A
command that fails ends the run with its output. With ``--quick`` a choir's kit has one tempo, the
fastest, where its command names none.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mido
import pretty_midi
import side_by_side

import musicae
from musicae.core.chorale import Chorale
from musicae.core.constants import BASS, VOICES
from musicae.core.key import Key
from musicae.daw.practice import FASTEST
from musicae.io import midi_writer, musicxml_writer
from musicae.theory.figured_bass import Figures

ROOT = Path(__file__).resolve().parent.parent
GUIDES = (
    *("guides/practice", "guides/new_pieces", "guides/chords", "guides/words"),
    *("guides/ensembles", "reference/formats", "guides/figured_bass"),
)
"""The one that takes longest first, so that no processor waits for it at the end."""
TUNE = ROOT / "data" / "melodies" / "old_hundredth.mid"
DOXOLOGY = ROOT / "data" / "results" / "words" / "doxology.txt"
CHORDS = ("G", "C", "D7", "G")
FIGURED = Chorale.from_notes(
    [[], [], [], [(0, 4, 55), (4, 4, 54), (8, 4, 55), (12, 4, 48), (16, 8, 50), (24, 8, 43)]],
    key=Key(1),
)
ALONE = (*("",) * BASS, VOICES[BASS])
KIT = "hymn-kit"


def commands(guide: str) -> list[list[str]]:
    """The commands of a guide, each as its words after ``musicae``."""
    text = (ROOT / "docs" / f"{guide}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("musicae ")]


def furnish(folder: Path) -> None:
    """The files that the guides name."""
    (folder / "data").symlink_to(ROOT / "data")
    shutil.copy(DOXOLOGY, folder)
    shutil.copy(Path(pretty_midi.__file__).parent / "TimGM6mb.sf2", folder / "choir.sf2")
    (folder / "hymn.txt").write_text(DOXOLOGY.read_text().replace("-", ""), encoding="utf-8")
    (folder / "chords.txt").write_text("G | C D7 | G\n", encoding="utf-8")
    _with_chords(folder / "tune.mid")
    tune = musicae.read(TUNE)
    for name in ("tune.abc", "tune.krn"):
        musicae.write(tune, folder / name)
    whole = musicae.read(ROOT / "data" / "results" / "old_hundredth.mid")
    musicae.write(whole.bars(0, 2), folder / "hymn.mid")
    for name in ("chorale.mei", "chorale.krn"):
        musicae.write(whole, folder / name)
    musicae.chords(TUNE).write(folder / "lead.musicxml")
    figures = [(4, Figures.parse("6")), (12, Figures.parse("65"))]
    musicxml_writer.write(FIGURED, folder / "bass.musicxml", figures=figures, names=ALONE)
    midi_writer.write(FIGURED, folder / "bass.mid", names=ALONE)
    (piece,) = musicae.harmonize(TUNE, words=DOXOLOGY, model="minibach")
    words = {0: piece.words.voices[0]}
    melody = ("Melody", "", "", "")
    musicxml_writer.write(tune, folder / "hymn.musicxml", names=melody, words=words)
    _karaoke(folder / "song.kar", [s.text for s in words[0][0].syllables])


def _with_chords(path: Path) -> None:
    """The tune with chords as markers, one a bar."""
    file = mido.MidiFile(TUNE)
    track = mido.MidiTrack()
    for name in CHORDS:
        bar = 4 * file.ticks_per_beat if len(track) else file.ticks_per_beat
        track.append(mido.MetaMessage("marker", text=name, time=bar))
    file.tracks.append(track)
    file.save(path)


def _karaoke(path: Path, syllables: list[str]) -> None:
    file = mido.MidiFile(TUNE)
    begins, now = [], 0
    for message in next(t for t in file.tracks if any(m.type == "note_on" for m in t)):
        now += message.time
        if message.type == "note_on" and message.velocity:
            begins.append(now)
    track, before = mido.MidiTrack([mido.MetaMessage("text", text="@KMIDI KARAOKE FILE")]), 0
    for tick, text in zip(begins, syllables, strict=True):
        track.append(mido.MetaMessage("text", text=f" {text}", time=tick - before))
        before = tick
    file.tracks.append(track)
    file.save(path)


def run(guide: str, folder: Path, quick: bool) -> str:
    """Run a guide's commands in order in its folder; how long each took.

    Raises SystemExit where one fails.
    """
    lines = [f"docs/{guide}.md"]
    for words in commands(guide):
        began = time.perf_counter()
        if quick and words[0] == "practice" and "--tempo" not in words:
            words = [*words, "--tempo", str(FASTEST)]  # noqa: PLW2901
        shutil.rmtree(folder / KIT, ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "-m", "musicae", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        told = f"musicae {shlex.join(words)}"
        if done.returncode:
            raise SystemExit(f"docs/{guide}.md: {told}\n{done.stdout}{done.stderr}")
        lines.append(f"{time.perf_counter() - began:5.1f} s  {told}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("guides", nargs="*", metavar="GUIDE", help=f"of {', '.join(GUIDES)}")
    parser.add_argument("--quick", action="store_true", help="kits at one tempo")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        files = Path(name, "files")
        files.mkdir()
        furnish(files)

        def in_its_folder(guide: str) -> str:
            folder = shutil.copytree(files, Path(name, guide), symlinks=True)
            return run(guide, folder, args.quick)

        side_by_side.run(in_its_folder, args.guides or GUIDES)


if __name__ == "__main__":
    main()
