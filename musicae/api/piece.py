"""Piece."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae import __version__
from musicae.api.check import Report, check
from musicae.api.given import GivenParts
from musicae.api.midi_input import ANALYSED, Given
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import N_VOICES
from musicae.core.errors import ChoraleError
from musicae.io import midi_file, midi_writer
from musicae.io.base import MIDI_SUFFIXES, MUSICXML_SUFFIXES, suffix_of
from musicae.io.formats import write
from musicae.io.general_midi import CHOIR_AAHS
from musicae.theory.harmonic_analysis import analyse, markers

if TYPE_CHECKING:
    from musicae.decoding.sampler import SamplingOptions
    from musicae.models.checkpoint import Checkpoint


@dataclass(frozen=True)
class Piece:
    """A chorale that musicae made, and how."""

    chorale: Chorale
    provenance: dict[str, Any]
    """Version, model, its checksum, seed and settings: what makes the piece again."""
    notices: tuple[str, ...] = ()
    """What the musician should know of how the input was understood."""
    given: GivenParts | None = None
    """What was given; where it came from a MIDI file, its events are written as they were."""
    nats: float | None = None
    """How much the model is surprised by what it wrote; None of a model without a likelihood."""

    @property
    def nats_per_step(self) -> float | None:
        """``nats`` over the steps, sixteenths, at which there was something to write."""
        if self.nats is None:
            return None
        steps = len(self.chorale)
        if self.given is not None:
            steps = int((~self.given.known).any(axis=1).sum())
        return self.nats / steps

    def report(self) -> Report:
        """Its voice leading beside Bach's; see ``musicae.check``.

        Raises ChoraleError where a voice never sings.
        """
        return check(self.chorale)

    def as_dict(self) -> dict[str, Any]:
        """How it was made and what is wrong with it, as plain numbers, names and lists.

        The report is None where a voice never sings.
        """
        report = self.report().as_dict() if self.in_four_voices else None
        return {
            **self.provenance,
            "bar_count": self.chorale.bar_count,
            "nats_per_step": self.nats_per_step,
            "report": report,
        }

    @property
    def in_four_voices(self) -> bool:
        """Whether no voice is silent throughout, so that voice leading can be checked."""
        return len(sounding_voices(self.chorale)) == N_VOICES

    def write(
        self,
        path: Path | str,
        program: int = CHOIR_AAHS,
        *,
        analysis: bool = False,
        keep_tracks: bool = False,
    ) -> None:
        """Write MIDI or MusicXML by the suffix, whole or not at all.

        With ``analysis``, Roman numerals and key areas as markers or harmony; see ``arrange`` for
        ``keep_tracks``. Raises ChoraleError.
        """
        suffix = suffix_of(path)
        if suffix in MIDI_SUFFIXES:
            given = self.given
            if isinstance(given, Given) and Path(path).resolve() == given.song.path.resolve():
                raise ChoraleError(f"{path}: is the melody itself; choose another name")
            midi_file.save(self.arrange(program, analysis=analysis, keep_tracks=keep_tracks), path)
        elif suffix in MUSICXML_SUFFIXES and keep_tracks:
            raise ChoraleError(f"{path}: other tracks are kept in MIDI files only")
        else:
            write(self.chorale, path, program, self.provenance, analysis=analysis)

    def arrange(
        self,
        program: int = CHOIR_AAHS,
        *,
        analysis: bool = False,
        keep_tracks: bool = False,
    ) -> midi_file.Arrangement:
        """The piece as tracks of MIDI, what was given event for event.

        With ``keep_tracks``, the other tracks of the melody's file (drums, piano) follow as they
        are.
        """
        marks = markers(analyse(self.chorale)) if analysis else []
        facts = self.provenance | ({ANALYSED: True} if analysis else {})
        if isinstance(self.given, Given):
            return self.given.arrange(self.chorale, program, facts, marks, keep_tracks=keep_tracks)
        return midi_writer.arrange(self.chorale, program, facts, marks)


def provenance_of(checkpoint: Checkpoint, choice: SamplingOptions) -> dict[str, Any]:
    """What stands in a file of how it was made."""
    from musicae.models.voice_transformer import VoiceTransformer

    facts = {
        "version": __version__,
        "model": checkpoint.name,
        "checksum": checkpoint.checksum,
        "seed": choice.seed,
        "temperature": choice.temperature,
    }
    if isinstance(checkpoint.model, VoiceTransformer):
        facts |= {"top_p": choice.top_p, "rules": choice.rules}
    return facts


def notes_digest(chorale: Chorale) -> str:
    """What tells these notes from others."""
    digest = hashlib.sha256(chorale.pitch.tobytes() + chorale.onset.tobytes())
    return digest.hexdigest()[:16]
