"""What the command line and notebooks call: files or chorales in, pieces to be written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from musicae import __version__, midi
from musicae.chorale import REST, VOICES, Chorale, ChoraleError, Key
from musicae.melody import Melody, around, into_range, read_melody
from musicae.sketch import Sketch

MIDI_SUFFIXES = (".mid", ".midi")
MUSICXML_SUFFIXES = (".musicxml", ".mxl", ".xml")
VARIED = 0.3
"""The temperature at which alternatives of MiniBach's differ and are not yet noise."""


@dataclass(frozen=True)
class Piece:
    """A chorale that musicae made, and how."""

    chorale: Chorale
    provenance: dict[str, Any]
    """Version, model, its checksum, seed and settings: what makes the piece again."""
    notices: tuple[str, ...] = ()
    """What the musician should know of how the input was understood."""
    melody: Melody | None = None
    """The melody of a MIDI file, whose events are written as they were."""

    def write(self, path: Path | str, program: int = midi.CHOIR_AAHS) -> None:
        """Write MIDI or MusicXML by the suffix, whole or not at all. Raises ChoraleError."""
        if self.melody and _suffix(path) in MIDI_SUFFIXES:
            if Path(path).resolve() == self.melody.song.path.resolve():
                raise ChoraleError(f"{path}: is the melody itself; choose another name")
            self.melody.write(self.chorale, path, program, self.provenance)
        else:
            write(self.chorale, path, program, self.provenance)


def read(path: Path | str) -> Chorale:
    """The chorale or melody in a MIDI or MusicXML file. Raises ChoraleError."""
    if _suffix(path) in MUSICXML_SUFFIXES:
        from musicae import musicxml

        return musicxml.read(path)
    return midi.read(path)


def write(
    chorale: Chorale,
    path: Path | str,
    program: int = midi.CHOIR_AAHS,
    provenance: dict[str, Any] | None = None,
) -> None:
    """Write a chorale as MIDI or MusicXML by the suffix. Raises ChoraleError."""
    if _suffix(path) in MIDI_SUFFIXES:
        midi.write(chorale, path, program, provenance)
    elif _suffix(path) in MUSICXML_SUFFIXES:
        from musicae import musicxml

        musicxml.write(chorale, path, program, provenance)
    else:
        known = ", ".join(MIDI_SUFFIXES + MUSICXML_SUFFIXES)
        raise ChoraleError(f"{path}: its name should end in one of {known}")


def harmonize(
    melody: Chorale | Path | str,
    n: int = 1,
    *,
    seed: int = 0,
    temperature: float | None = None,
    model: str = "minibach",
    track: str | None = None,
    key: Key | str | None = None,
    voice: str = "soprano",
) -> list[Piece]:
    """Harmonize a melody: a MIDI or MusicXML file, or the soprano of a chorale.

    Args:
        n: how many alternatives; each is drawn anew.
        seed: the same seed, model and settings give the same pieces.
        temperature: 0 takes what is likeliest at each step, 1 draws as the model believes; by
            default 0, or ``VARIED`` where several alternatives are to differ.
        model: a shipped model or the path of a weights file.
        track: of a MIDI file with several, the number (from 1) or name of the melody's.
        key: the key where the file states none or a wrong one.
        voice: which voice is given; MiniBach knows the soprano only.

    Raises ChoraleError for music that cannot be used, CheckpointError for models that cannot.
    """
    from musicae import sampling

    key = Key.parse(key) if isinstance(key, str) else key
    if voice.capitalize() not in VOICES:
        raise ChoraleError(f"no voice is called {voice!r}; there are {', '.join(VOICES).lower()}")
    if voice.lower() != "soprano":
        raise ChoraleError(f"{model} harmonizes a soprano, not a given {voice.lower()}")
    temperature = (0.0 if n == 1 else VARIED) if temperature is None else temperature
    _check_draws(n, temperature)
    source: Melody | None = None
    notices: tuple[str, ...]
    if isinstance(melody, Path | str) and _suffix(melody) not in MUSICXML_SUFFIXES:
        source = read_melody(melody, track, key)
        tune, sung, shift, notices = source.tune, source.sung, source.shift, source.notices
    else:
        tune = melody if isinstance(melody, Chorale) else read(melody)
        if (tune.pitch[:, 0] == REST).all():
            raise ChoraleError("the soprano is silent; there is no melody to harmonize")
        tune = replace(tune, key=key or tune.key)
        sung, shift, notices = into_range(tune)
    checkpoint = sampling.load_model(model)
    harmonized = sampling.harmonize(
        checkpoint, Sketch.of(sung, voices=(0,), key=key), n, temperature, seed
    )
    return [
        Piece(
            around(tune, chorale, shift),
            _provenance(checkpoint, seed, temperature) | {"alternative": i, "key": _name(tune.key)},
            notices,
            source,
        )
        for i, chorale in enumerate(harmonized, start=1)
    ]


def generate(
    n: int = 1, *, seed: int = 0, temperature: float = 1.0, model: str = "autoencoder"
) -> list[Piece]:
    """Compose ``n`` new pieces. Raises CheckpointError for models that cannot."""
    from musicae import sampling

    _check_draws(n, temperature)
    checkpoint = sampling.load_model(model)
    return [
        Piece(chorale, _provenance(checkpoint, seed, temperature) | {"number": i})
        for i, chorale in enumerate(sampling.generate(checkpoint, n, temperature, seed), start=1)
    ]


def numbered(path: Path, n: int) -> Sequence[Path]:
    """``path`` for one piece; for several, a number before its suffix."""
    if n == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{i}{path.suffix}") for i in range(1, n + 1)]


def _provenance(checkpoint: Any, seed: int, temperature: float) -> dict[str, Any]:
    return {
        "version": __version__,
        "model": checkpoint.name,
        "checksum": checkpoint.checksum,
        "seed": seed,
        "temperature": temperature,
    }


def _check_draws(n: int, temperature: float) -> None:
    if n < 1:
        raise ChoraleError(f"at least one piece can be asked for, not {n}")
    if not 0 <= temperature <= 10:
        raise ChoraleError(f"a temperature is 0 to 10, not {temperature:g}")


def _name(key: Key | None) -> str | None:
    return str(key) if key else None


def _suffix(path: Path | str) -> str:
    return Path(path).suffix.lower()
