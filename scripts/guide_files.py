"""The files that the commands of the guides read; see ``run_guides.py``."""

from __future__ import annotations

import shutil
from pathlib import Path

import mido
import pretty_midi

import musicae
from musicae.core.chorale import Chorale
from musicae.core.constants import ALTO, BASS, SOPRANO, TENOR, VOICES
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.corpus import load
from musicae.io import midi_writer, musicxml_writer
from musicae.theory.figured_bass import Figures

ROOT = Path(__file__).resolve().parent.parent
TUNE = ROOT / "data" / "melodies" / "old_hundredth.mid"
WHOLE = ROOT / "data" / "results" / "old_hundredth.mid"
DOXOLOGY = ROOT / "data" / "results" / "words" / "doxology.txt"
CHORDS = ("G", "C", "D7", "G")
FIGURED = Chorale.from_notes(
    [[], [], [], [(0, 4, 55), (4, 4, 54), (8, 4, 55), (12, 4, 48), (16, 8, 50), (24, 8, 43)]],
    key=Key(1),
)
ALONE = (*("",) * BASS, VOICES[BASS])
PHRASES = "2 3\n4 3 half\n6 3\n8 3 authentic   # the end\n"
KIT, PACK = "hymn-kit", "tune-pack"
OWN_CHORALES = 12
"""Of a corpus of one's own: few, so that a model of them is trained in seconds."""


def furnish(folder: Path) -> None:
    """Write all of them into a folder."""
    (folder / "data").symlink_to(ROOT / "data")
    _text_files(folder)
    shutil.copy(Path(pretty_midi.__file__).parent / "TimGM6mb.sf2", folder / "choir.sf2")
    _melodies(folder)
    _chorales(folder)
    _own_corpus(folder / "my_chorales")


def _text_files(folder: Path) -> None:
    shutil.copy(DOXOLOGY, folder)
    (folder / "hymn.txt").write_text(DOXOLOGY.read_text().replace("-", ""), encoding="utf-8")
    (folder / "chords.txt").write_text("G | C D7 | G\n", encoding="utf-8")
    (folder / "ends.txt").write_text(PHRASES, encoding="utf-8")


def _melodies(folder: Path) -> None:
    """A tune in each format, with words, with chords, among other tracks, and without a meter."""
    tune = musicae.read(TUNE)
    for name in ("tune.abc", "tune.krn", "tune.musicxml"):
        musicae.write(tune, folder / name)
    songs = folder / "songs"
    songs.mkdir()
    for path in (songs / "short.mid", folder / "verse.mid"):
        musicae.write(tune.bars(0, 2), path)
    _with_chords(folder / "tune.mid")
    _without_meter(folder / "clip.mid")
    _among_others(folder / "song.mid")
    musicae.chords(TUNE).write(folder / "lead.musicxml")
    (piece,) = musicae.harmonize(TUNE, words=DOXOLOGY, model="minibach")
    words = {0: piece.words.voices[0]}
    melody = ("Melody", "", "", "")
    musicxml_writer.write(tune, folder / "hymn.musicxml", names=melody, words=words)
    _karaoke(folder / "song.kar", [s.text for s in words[0][0].syllables])


def _chorales(folder: Path) -> None:
    """Four voices, whole and short; some of them, and a bass with figures."""
    whole = musicae.read(WHOLE)
    musicae.write(whole.bars(0, 2), folder / "hymn.mid")
    for name in ("chorale.mid", "chorale.mei", "chorale.krn", "edited.mid", "edited.musicxml"):
        musicae.write(whole, folder / name)
    musicae.write(_only(whole, SOPRANO, BASS), folder / "duo.mid")
    musicae.write(_only(whole, SOPRANO, ALTO, TENOR), folder / "motet_ssa.musicxml")
    midi_writer.write(_only(whole, BASS), folder / "bassline.mid", names=ALONE)
    figures = [(4, Figures.parse("6")), (12, Figures.parse("65"))]
    musicxml_writer.write(FIGURED, folder / "bass.musicxml", figures=figures, names=ALONE)
    midi_writer.write(FIGURED, folder / "bass.mid", names=ALONE)


def _only(chorale: Chorale, *voices: int) -> Chorale:
    notes = [chorale.notes(v) if v in voices else [] for v in range(len(VOICES))]
    return Chorale.from_notes(notes, len(chorale), pickup=chorale.pickup, key=chorale.key)


def _own_corpus(folder: Path) -> None:
    """Chorales in 4/4, so that there is something to measure a model by on each side."""
    folder.mkdir()
    chorales = [c for c in load.load(None).chorales if 8 <= c.bar_count <= 10 and _in_common(c)]
    for number, chorale in enumerate(chorales[: 3 * OWN_CHORALES : 3], start=1):
        musicae.write(chorale, folder / f"{number:02}.mid")


def _in_common(chorale: Chorale) -> bool:
    return chorale.meters == (Meter(0, 4, 4),)


def _with_chords(path: Path) -> None:
    """The tune with chords as markers, one a bar."""
    file = mido.MidiFile(TUNE)
    track = mido.MidiTrack()
    for name in CHORDS:
        bar = 4 * file.ticks_per_beat if len(track) else file.ticks_per_beat
        track.append(mido.MetaMessage("marker", text=name, time=bar))
    file.tracks.append(track)
    file.save(path)


def _without_meter(path: Path) -> None:
    file = mido.MidiFile(TUNE)
    for track in file.tracks:
        track[:] = [message for message in track if message.type != "time_signature"]
    file.save(path)


def _among_others(path: Path) -> None:
    """The tune as a lead vocal, with a piano that holds a note."""
    file = mido.MidiFile(TUNE)
    vocal = next(t for t in file.tracks if any(m.type == "note_on" for m in t))
    vocal.name = "Lead vocal"
    notes = [
        mido.Message("note_on", note=48, velocity=60, channel=1),
        mido.Message("note_off", note=48, time=4 * file.ticks_per_beat, channel=1),
    ]
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("track_name", name="Piano"), *notes]))
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
