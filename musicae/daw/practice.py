"""``musicae.practice``: a choir's kit, a folder with all that a choir needs to learn a piece.

It has a folder for each voice with its part and practice tracks, a folder with tracks of all voices
together, the score, a piano reduction, and a page that plays any mix.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from musicae.api.piece import Piece
from musicae.api.render import Source
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import VOICES
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.files import check_new_folder, whole_folder
from musicae.core.progress import portion
from musicae.daw import practice_page
from musicae.io import midi_file, musicxml_writer
from musicae.io.choir import Choir, read_choir
from musicae.io.midi_file import TempoMap
from musicae.rendering import audio, engraving
from musicae.rendering.choir_score import choir_score, open_score
from musicae.rendering.piano_reduction import piano_score
from musicae.rendering.practice_mix import ALL, ALONE, FRONT, WITHOUT, Mix, Rehearsal, mixes_of
from musicae.rendering.practice_sound import Takes, mixed, record
from musicae.rendering.singer_part import singer_part

TEMPOS = (70, 85, 100)
SLOWEST, FASTEST = 25, 200
"""The slowest and the fastest tempo of a track, in per cent of the piece's own tempo."""
SOUNDS = tuple(suffix.lstrip(".") for suffix in audio.FORMATS)
"""The formats of sound files."""
PAGE = "practice.html"
NEEDS = ("verovio", "typst", "midirenderer", "soundfile")
MOST_MINUTES = 40
"""The most minutes of sound, summed over the voices; with the mixes about 4 GB of memory."""
WORKERS = min(4, os.cpu_count() or 1)
"""The number of sound files that are encoded at the same time."""


class Kit(NamedTuple):
    """A practice kit that was written."""

    folder: Path
    """The folder of the kit."""
    page: Path
    """The web page, ``practice.html``."""
    voices: tuple[str, ...]
    """The names of the voices in the score."""
    files: tuple[Path, ...]
    """All files, the page first."""
    notices: tuple[str, ...]
    """Notices about how the file was read."""


def practice(
    source: Source,
    folder: Path | str,
    *,
    tempos: Sequence[int] = TEMPOS,
    sound: str = "mp3",
    program: int | None = None,
    soundfont: Path | None = None,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> Kit:
    """Write a choir's kit completely or not at all.

    For each voice there are three tracks: the voice in front with the others 12 dB softer, the
    voice alone, and the others without it. One more track has all voices together. Each is written
    at each tempo, as sound and as MIDI; it begins with a bar of clicks with the first note. The kit
    also has a part with cues for each voice, the score, a piano reduction, and ``practice.html``.

    Args:
        source: a piece, a chorale, or a MIDI file or score with at least two voices; see
            ``io.choir.read_choir``.
        folder: the folder to make; if it exists, it must be empty.
        tempos: tempos in per cent of the piece's own tempo, 25 to 200.
        sound: the format of the sound files: ``"mp3"``, ``"ogg"``, ``"flac"`` or ``"wav"``.
        program: the General MIDI program of all voices, 0 to 127; by default that of the file, or a
            choir.
        soundfont: the SoundFont, an ``.sf2`` file; by default the one of pretty_midi.
        tell: called with the number of sound files that are written, and of all.

    Returns:
        The kit: its folder, page, voices, files and notices.

    Raises:
        MusicaeError: if the music, the settings or the folder cannot be used, or a library is not
            installed.

    Example:
        ```python
        kit = musicae.practice("hymn.mid", "hymn-kit", tempos=(80, 100))
        print(kit.page)
        ```
    """
    folder = Path(folder)
    tempos = _checked(tempos, sound, program)
    check(folder)
    with _file_of(source) as path:
        choir = read_choir(path)
        stem = _file_name(choir.frame.title) if path != source else path.stem
        _refuse_long(choir, min(tempos))
        with whole_folder(folder) as whole:
            kit = _Writer(choir, whole, stem, sound, program)
            score = kit.write_scores()
            sounds = kit.write_mixes(tempos, soundfont, tell)
            facts = f"{', '.join(choir.names)}; {_facts(choir)}"
            practice_page.write(whole / PAGE, choir, score, sounds, facts)
            found = sorted(each.relative_to(whole) for each in whole.rglob("*") if each.is_file())
    files = [folder / PAGE, *(folder / each for each in found if each != Path(PAGE))]
    return Kit(folder, folder / PAGE, choir.names, tuple(files), choir.notices)


def check(folder: Path) -> None:
    """Check that a kit can be written. Raises MusicaeError if a library is missing, or the folder
    already has files."""
    missing = [library for library in NEEDS if importlib.util.find_spec(library) is None]
    if missing:
        raise MusicaeError(
            f"a choir's kit needs {', '.join(missing)}: pip install 'musicae[studio]'"
        )
    check_new_folder(folder, "a kit")


class _Writer:
    """Writes the files of a kit into a folder."""

    def __init__(
        self, choir: Choir, folder: Path, stem: str, sound: str, program: int | None
    ) -> None:
        self.choir, self.folder, self.stem = choir, folder, stem
        self.suffix, self.program = f".{sound}", program
        self.slugs: list[str] = []
        for name in choir.names:
            slug = _file_name(name)
            same = sum(other == slug or other.startswith(f"{slug}.") for other in self.slugs)
            self.slugs.append(f"{slug}.{same + 1}" if same else slug)

    def write_scores(self) -> bytes:
        """Write the score, the parts and the piano reduction; return the score's MusicXML."""
        score = choir_score(self.choir)
        root = open_score(score)
        xml = musicxml_writer.to_bytes(root)
        engraving.write_staves(xml, self.folder / f"{self.stem}-score.pdf")
        piano = musicxml_writer.to_bytes(piano_score(root))
        engraving.write_staves(piano, self.folder / f"{self.stem}-piano.pdf")
        musicxml_writer.save(piano, self.folder / f"{self.stem}-piano.musicxml")
        for voice, slug in enumerate(self.slugs):
            (self.folder / slug).mkdir()
            part = musicxml_writer.to_bytes(singer_part(score, voice))
            engraving.write_staves(part, self.folder / slug / f"{self.stem}-{slug}.pdf")
        (self.folder / ALL).mkdir(exist_ok=True)
        return xml

    def write_mixes(
        self, tempos: Sequence[int], soundfont: Path | None, tell: Callable[[int, int], None]
    ) -> dict[int, list[bytes]]:
        """Write the mixes at each tempo; return the sounds for the page, by tempo in per cent."""
        mixes = mixes_of(len(self.choir.singers))
        total = len(mixes) * len(tempos)
        tell(0, total)
        sounds = {}
        with _pool() as pool:
            done = 0
            waiting: list[Future[None]] = []
            for number, percent in enumerate(tempos):
                rehearsal = Rehearsal(self.choir, percent, self.program)
                for mix in mixes:
                    midi_file.save(rehearsal.mix(mix), self._path(mix, percent, ".mid"))
                with portion(number, len(tempos)):
                    takes = record(rehearsal, soundfont)
                for future in waiting:
                    future.result()
                    tell(done := done + 1, total)
                waiting = [pool.submit(self._save, takes, mix, percent) for mix in mixes]
                sounds[percent] = practice_page.voices_for_page(takes)
            for future in waiting:
                future.result()
                tell(done := done + 1, total)
        return sounds

    def _save(self, takes: Takes, mix: Mix, percent: int) -> None:
        title, names = self.choir.frame.title, self.choir.names
        tags = {
            "title": f"{title}: {_label(mix, names)}, {percent} %",
            "artist": "All voices" if mix.voice is None else names[mix.voice],
            "album": title,
            "comment": f"{percent} % of the tempo",
        }
        audio.save(mixed(takes, mix), self._path(mix, percent, self.suffix), tags)

    def _path(self, mix: Mix, percent: int, suffix: str) -> Path:
        if mix.voice is None:
            return self.folder / ALL / f"{self.stem}-{ALL}-{percent}{suffix}"
        slug = self.slugs[mix.voice]
        return self.folder / slug / f"{self.stem}-{slug}-{mix.kind}-{percent}{suffix}"


def _label(mix: Mix, names: Sequence[str]) -> str:
    """The name of a mix in the tags of its file."""
    if mix.voice is None:
        return "all together"
    name = names[mix.voice]
    return {FRONT: f"{name} in front", ALONE: f"{name} alone", WITHOUT: f"without {name}"}[mix.kind]


def _checked(tempos: Sequence[int], sound: str, program: int | None) -> list[int]:
    """The tempos in ascending order, each once. Raises MusicaeError for settings out of range."""
    if sound not in SOUNDS:
        raise MusicaeError(f"practice tracks are {', '.join(SOUNDS)}, not {sound!r}")
    if program is not None and not 0 <= program <= 127:
        raise MusicaeError(f"a MIDI program is 0 to 127, not {program}")
    if not tempos:
        raise MusicaeError("a kit needs at least one tempo, such as 100")
    for percent in tempos:
        if not SLOWEST <= percent <= FASTEST:
            raise MusicaeError(f"a tempo is {SLOWEST} to {FASTEST} per cent, not {percent}")
    return sorted(set(tempos))


def _refuse_long(choir: Choir, percent: int) -> None:
    rehearsal = Rehearsal(choir, percent)
    minutes = float(TempoMap.of(rehearsal.voices()).seconds(rehearsal.end)) / 60
    voices = len(choir.singers)
    if minutes * voices > MOST_MINUTES:
        raise ChoraleError(
            f"{choir.song.path}: lasts {minutes:.0f} minutes at {percent} %; a kit of {voices}"
            f" voices can have {MOST_MINUTES // voices}: give a part of it, or a faster --tempo"
        )


def _facts(choir: Choir) -> str:
    frame = choir.frame
    facts = [str(frame.key)] if frame.key else []
    facts.append(" ".join(dict.fromkeys(str(meter) for meter in frame.meters)))
    return ", ".join([*facts, f"{frame.bar_count} bar{'s' * (frame.bar_count != 1)}"])


def _file_name(text: str) -> str:
    """A text as a file name: in lower case, with hyphens between the words.

    >>> _file_name("Tenor 1"), _file_name("S./A.")
    ('tenor-1', 's-a')
    """
    words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return "-".join(words) or "voice"


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """Threads that encode. If the body fails, waiting work is not started."""
    pool = ThreadPoolExecutor(WORKERS)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _file_of(source: Source) -> Iterator[Path]:
    """Yield a file with the music: ``source`` itself, or a temporary file of a piece or chorale."""
    if not isinstance(source, Piece | Chorale):
        yield Path(source)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "piece.musicxml"
        if isinstance(source, Piece) and source.in_four_voices:
            source.write(path)
        else:
            chorale = source.chorale if isinstance(source, Piece) else source
            sung = sounding_voices(chorale)
            if not sung:
                raise ChoraleError("no voice has notes; a kit needs at least two voices")
            names = [name if voice in sung else "" for voice, name in enumerate(VOICES)]
            musicxml_writer.write(chorale, path, names=names)
        try:
            yield path
        except MusicaeError as error:  # leave out the path: the user does not know this file
            raise type(error)(str(error).removeprefix(f"{path}: ")) from None
