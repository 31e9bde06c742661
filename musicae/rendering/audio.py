"""Synthesize an arrangement with a SoundFont, and write it as .wav, .flac, .ogg or .mp3.

The synthesizer is the program ``fluidsynth`` if it is installed, else the library midirenderer
(RustySynth), which comes with the extra ``studio``. The default SoundFont is TimGM6mb by Tim
Brechbill (General MIDI in 6 MB; GNU GPL version 2), which comes with pretty_midi.

The same notes, SoundFont and synthesizer give the same bytes.
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from musicae.core.errors import MusicaeError
from musicae.core.files import whole_file
from musicae.core.progress import report
from musicae.io.midi_file import Arrangement, TempoMap, to_bytes
from musicae.rendering.mixing import LOUDEST, TAIL, channels_of, one_track, staged

SAMPLE_RATE = 48_000
"""Frames per second."""
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
"""libsndfile's names of the format and its encoding, by suffix."""
PEAK = 10 ** (-1 / 20)
"""The level of the loudest sample, as a share of full scale: -1 dB."""
INAUDIBLE = 10 ** (-70 / 20)
"""The level, as a share of the peak, below which the end of a sound is cut: -70 dB."""
FADE = 0.05
"""The length of the fade-out at the very end, in seconds."""
_LONGEST_SECONDS = 3600.0
"""The longest sound in seconds; it takes about 2 GB of memory."""

FLUIDSYNTH_ROOM = ("-o", "synth.reverb.level=0.6", "-o", "synth.reverb.room-size=0.4")
"""Options with which fluidsynth's reverb is about as strong as midirenderer's."""
Stage: TypeAlias = Callable[[int], Arrangement]
"""A function from the highest volume to the arrangement that the synthesizer plays."""
SOFTEST = 8
"""The least value of the highest volume that is tried."""
QUANTUM = 2**-15
"""The smallest step of 16 bits; a sound below it is silence."""
FULL_SCALE = 1 - QUANTUM
"""The largest sample that 16 bits hold. A sound that reaches it counts as clipped."""


def write(
    arrangement: Arrangement,
    path: Path | str,
    *,
    program: int | None = None,
    soundfont: Path | None = None,
) -> None:
    """Write the sound of an arrangement to a .wav, .flac, .ogg or .mp3 file.

    WAV and FLAC have 16 bits per sample. For the other arguments see ``synthesize``. If writing
    fails, an old file stays. Raises MusicaeError.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise MusicaeError(f"{path}: its name should end in one of {', '.join(FORMATS)}")
    with whole_file(path) as partial:
        sound = synthesize(arrangement, program=program, soundfont=soundfont)
        _save(sound, partial, path, {})


def synthesize(
    arrangement: Arrangement, *, program: int | None = None, soundfont: Path | None = None
) -> NDArray[np.float32]:
    """The sound of an arrangement, ``(frames, 2)`` at ``SAMPLE_RATE``; its peak is ``PEAK``.

    Frame 0 is tick 0. The sound lasts to the arrangement's end, and then until it is inaudible, at
    most ``mixing.TAIL`` seconds longer.

    Args:
        arrangement: the music.
        program: the General MIDI program of the voices, 0 to 127; by default each track has its
            own.
        soundfont: an .sf2 file; by default TimGM6mb.

    Raises MusicaeError if a library or the SoundFont is missing, the program is out of range, or
    the music lasts longer than ``_LONGEST_SECONDS``.
    """
    frames = frames_of(arrangement)
    sounds = _sung(
        [lambda loudest: staged(arrangement, program, loudest)], usable_soundfont(soundfont)
    )
    return mastered(sounds, frames)[0]


def write_stems(arrangement: Arrangement, paths: Sequence[Path]) -> None:
    """Write the sounds of the first tracks after the conductor's, one file for each of ``paths``.

    All files have the same length. Each track is as loud as in the mix: played together, the files
    sound like a file that ``write`` makes of these tracks. Raises MusicaeError.
    """
    first = arrangement._replace(tracks=arrangement.tracks[: len(paths) + 1])
    sounds = tracks_alone(first)
    for path, sound in zip(paths, mastered(sounds, frames_of(first)), strict=True):
        save(sound, path)


def save(
    sound: NDArray[np.float32], path: Path, tags: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Write a sound, ``(frames, 2)`` at ``SAMPLE_RATE``, in the format of the suffix.

    ``tags`` may have the keys ``title``, ``artist``, ``album`` and ``comment``. If writing fails,
    an old file stays. Raises MusicaeError.
    """
    with whole_file(path) as partial:
        _save(sound, partial, path, tags)


def tracks_alone(
    arrangement: Arrangement, soundfont: Path | None = None
) -> list[NDArray[np.float32]]:
    """The sound of each track after the conductor's, without the others.

    Each is ``(frames, 2)`` at ``SAMPLE_RATE``. Their volumes relative to each other are those of
    the mix; pass them to ``mastered``. Raises MusicaeError.
    """
    frames_of(arrangement)  # raises if the music is too long
    tracks = range(1, len(arrangement.tracks))

    def alone(track: int) -> Stage:
        return lambda loudest: one_track(staged(arrangement, None, loudest), track + 1)

    return _sung([alone(track) for track in tracks], usable_soundfont(soundfont))


def frames_of(arrangement: Arrangement) -> int:
    """The number of frames of an arrangement. Raises MusicaeError if the music is too long."""
    seconds = float(TempoMap.of(arrangement).seconds(arrangement.end))
    if seconds > _LONGEST_SECONDS:
        raise MusicaeError(
            f"the music lasts {seconds / 60:.0f} minutes; a sound file can have up to"
            f" {_LONGEST_SECONDS / 60:.0f} minutes"
        )
    return round(seconds * SAMPLE_RATE)


def _sung(stages: Sequence[Stage], soundfont: Path) -> list[NDArray[np.float32]]:
    """The sound of each stage, all with the same highest volume.

    It is ``LOUDEST``, or the first half, quarter and so on of it with which no sound is clipped.
    """
    loudest = LOUDEST
    while True:
        sounds = []
        for number, stage in enumerate(stages):
            report(number, len(stages))
            sounds.append(_by_synthesizer(stage(loudest), soundfont))
        if all(sound is not None for sound in sounds) or loudest < SOFTEST:
            return [np.zeros((0, 2), np.float32) if s is None else s for s in sounds]
        loudest //= 2


def _by_synthesizer(arrangement: Arrangement, soundfont: Path) -> NDArray[np.float32] | None:
    """The sound of a staged arrangement; None if it is too loud for 16 bits."""
    if not channels_of(arrangement):
        return np.zeros((0, 2), np.float32)
    sound = _by_fluidsynth(arrangement, soundfont)
    if sound is None:
        sound = _by_midirenderer(arrangement, soundfont)
        return sound if max(sound.max(), -sound.min()) < FULL_SCALE else None
    return sound


def _by_fluidsynth(arrangement: Arrangement, soundfont: Path) -> NDArray[np.float32] | None:
    """The sound from ``fluidsynth``; None if it is not installed, fails or gives silence."""
    program = shutil.which("fluidsynth")
    if program is None:
        return None
    soundfile = _load("soundfile")
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            song, sound, settings = (Path(folder, name) for name in ("song.mid", "s.wav", "none"))
            song.write_bytes(to_bytes(arrangement))
            settings.touch()  # an empty file replaces the user's own settings
            # If the SoundFont is damaged, fluidsynth must not play its own default.
            fallback = f"synth.default-soundfont={soundfont.absolute()}"
            options = ["-niq", "-f", str(settings), *FLUIDSYNTH_ROOM, "-o", fallback]
            output = ["-r", str(SAMPLE_RATE), "-T", "wav", "-O", "float", "-F", str(sound)]
            subprocess.run(
                [program, *options, *output, str(soundfont.absolute()), str(song)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=60 + _LONGEST_SECONDS,
            )
            samples, rate = soundfile.read(sound, dtype="float32", always_2d=True)
    except (OSError, subprocess.SubprocessError, soundfile.LibsndfileError):
        return None
    works = rate == SAMPLE_RATE and samples.shape[1] == 2 and samples.max(initial=0) > QUANTUM
    return samples if works else None


def _by_midirenderer(arrangement: Arrangement, soundfont: Path) -> NDArray[np.float32]:
    """The sound from the library midirenderer."""
    soundfile, midirenderer = _load("soundfile"), _load("midirenderer")
    try:
        wave = midirenderer.render_wave_from(soundfont.read_bytes(), to_bytes(arrangement))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic in Rust, by a damaged SoundFont, is no Exception
        raise MusicaeError(
            f"{soundfont}: cannot be used as a SoundFont ({error}); give an .sf2 file"
        ) from None
    samples: NDArray[np.float32]
    samples, _ = soundfile.read(io.BytesIO(wave), dtype="float32", always_2d=True)
    return samples


def mastered(sounds: Sequence[NDArray[np.float32]], frames: int) -> list[NDArray[np.float32]]:
    """The sounds with one common gain and length.

    With this gain the loudest sample of the mix, or of a single sound, is ``PEAK``. The sounds end
    when all of them are inaudible, but not before ``frames``.
    """
    longest = max(frames, *(len(sound) for sound in sounds))
    longest = min(longest, frames + round(TAIL * SAMPLE_RATE))
    sounds = [_of_length(sound, longest) for sound in sounds]
    together = sounds[0] if len(sounds) == 1 else np.sum(sounds, axis=0)
    peak = max(max(s.max(initial=0), -s.min(initial=0)) for s in [together, *sounds])
    audible = np.flatnonzero(np.abs(together[frames:]).max(axis=1) > INAUDIBLE * peak)
    length = frames + (int(audible[-1]) + 1 if audible.size else 0)
    fading = min(length, round(FADE * SAMPLE_RATE))
    gain = np.full((length, 1), PEAK / peak if peak else 1, np.float32)
    gain[length - fading :] *= np.linspace(1, 0, fading, dtype=np.float32)[:, None]
    return [sound[:length] * gain for sound in sounds]


def _of_length(sound: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """The sound, cut to ``frames`` or padded with silence."""
    missing = np.zeros((max(0, frames - len(sound)), 2), np.float32)
    return np.concatenate([sound, missing]) if len(missing) else sound[:frames]


def usable_soundfont(soundfont: Path | None) -> Path:
    """The given SoundFont, or the one that comes with pretty_midi. Raises MusicaeError."""
    if soundfont is None:
        found = importlib.util.find_spec("pretty_midi")
        package = Path(found.origin).parent if found and found.origin else Path()
        soundfont = package / "TimGM6mb.sf2"
    try:
        with soundfont.open("rb") as file:
            head = file.read(12)
    except FileNotFoundError:
        raise MusicaeError(f"{soundfont}: no such SoundFont") from None
    except OSError as error:
        raise MusicaeError(f"{soundfont}: cannot be read ({error.strerror})") from None
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise MusicaeError(f"{soundfont}: is not a SoundFont; give an .sf2 file")
    return soundfont


def _save(sound: NDArray[np.float32], partial: Path, path: Path, tags: Mapping[str, str]) -> None:
    soundfile = _load("soundfile")
    form, encoding = FORMATS[path.suffix.lower()]
    try:
        with soundfile.SoundFile(
            partial, "w", SAMPLE_RATE, channels=2, format=form, subtype=encoding
        ) as file:
            for tag, text in tags.items():
                setattr(file, tag, text)
            for start in range(0, len(sound), SAMPLE_RATE):  # libvorbis fails on long blocks
                file.write(sound[start : start + SAMPLE_RATE])
    except soundfile.LibsndfileError as error:
        raise MusicaeError(f"{path}: cannot be written ({error.error_string})") from None
    except ValueError:
        raise MusicaeError(f"{path}: needs libsndfile 1.1 or newer for {form}") from None
    if form == "OGG":
        partial.write_bytes(b"".join(_renumbered(partial.read_bytes())))


def to_mp3(sound: NDArray[np.float32], rate: int) -> bytes:
    """A sound, ``(frames,)``, as the bytes of an MP3 file. Raises MusicaeError."""
    soundfile = _load("soundfile")
    buffer = io.BytesIO()
    try:
        soundfile.write(buffer, sound, rate, format="MP3", subtype="MPEG_LAYER_III")
    except (soundfile.LibsndfileError, ValueError):  # ValueError: a libsndfile without MP3
        raise MusicaeError("MP3 needs libsndfile 1.1 or newer: pip install -U soundfile") from None
    return buffer.getvalue()


def _renumbered(ogg: bytes) -> Iterator[bytes]:
    """The pages of an Ogg file with the stream number 1. libsndfile writes a random number.

    A page (RFC 3533) has the number of its stream at byte 14, its checksum at byte 22, and at byte
    26 the number of the following bytes, which give the lengths of its parts.
    """
    start = 0
    while start < len(ogg):
        parts = ogg[start + 26]
        length = 27 + parts + sum(ogg[start + 27 : start + 27 + parts])
        page = ogg[start : start + length]
        head, number, tail = page[:14], struct.pack("<I", 1), page[26:]
        order = page[18:22]
        checksum = _ogg_checksum(head + number + order + bytes(4) + tail)
        yield head + number + order + struct.pack("<I", checksum) + tail
        start += length


def _ogg_checksum(page: bytes) -> int:
    """Ogg's CRC: zlib's polynomial, with the bits in reverse order and without inversion."""
    inverted = zlib.crc32(page.translate(_BITS_REVERSED), 0xFFFFFFFF)
    return int(f"{inverted ^ 0xFFFFFFFF:032b}"[::-1], 2)


_BITS_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _load(library: str) -> Any:
    try:
        return importlib.import_module(library)
    except (ImportError, OSError):  # OSError: soundfile without libsndfile
        raise MusicaeError(
            "sound needs midirenderer and soundfile: pip install 'musicae[studio]'"
        ) from None
