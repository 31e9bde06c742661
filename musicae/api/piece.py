"""``Piece``: a chorale that a model wrote, with its provenance, and how it is saved."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.api.check import ANY_PITCH, Report, check, report_of
from musicae.api.given import Given
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import N_VOICES, VOICES
from musicae.core.ensembles import Ensemble
from musicae.core.errors import ChoraleError
from musicae.core.version import __version__
from musicae.io import midi_file, midi_writer
from musicae.io.base import MIDI_SUFFIXES, WRITTEN_SUFFIXES, Reading, suffix_of
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.lyrics import NO_WORDS, Words
from musicae.io.preserved_parts import ANALYSED, PreservedParts
from musicae.io.score_song import ScoreSong
from musicae.theory.figured_bass import Figures
from musicae.theory.harmonic_analysis import Label, analyse, labels_of, markers
from musicae.theory.harmonic_plan import HarmonicPlan

if TYPE_CHECKING:
    from musicae.decoding.choice import SamplingOptions
    from musicae.models.checkpoint import Checkpoint


@dataclass(frozen=True)
class Piece:
    """A chorale that musicae made, and how."""

    chorale: Chorale
    provenance: dict[str, Any]
    """Version, model, its checksum, seed and settings: the piece can be made again from these."""
    notices: tuple[str, ...] = ()
    """What the musician should know of how the input was understood."""
    given: Given | None = None
    """What it was made from; None where a model composed the whole."""
    nats: float | None = None
    """Negative log-likelihood of what the model wrote, in nats; None where it has none."""
    plan: HarmonicPlan | None = None
    """The chords that the voices were written along; None where there was no plan."""
    figures: tuple[tuple[int, Figures], ...] = ()
    """The figures that are written below its bass in MusicXML, each with its step."""
    words: Words = NO_WORDS
    """What the voices sing."""
    ensemble: Ensemble | None = None
    """Who sings or plays it; None for a choir of S A T B."""

    @property
    def nats_per_step(self) -> float | None:
        """``nats`` over the steps, sixteenths, at which there was something to write."""
        if self.nats is None:
            return None
        steps = len(self.chorale)
        if self.given is not None:
            steps = int((~self.given.parts.known).any(axis=1).sum())
        return self.nats / steps

    def report(self) -> Report:
        """Its voice leading beside Bach's; see ``musicae.check``.

        Raises ChoraleError where a voice has no notes.
        """
        return self._report

    @cached_property
    def _report(self) -> Report:
        if self.ensemble is None:
            return check(self.chorale)
        ranges = [voice.range if voice else ANY_PITCH for voice in self.ensemble.voices]
        return report_of(Reading(self.chorale, 0, names=self.names), ranges=ranges)

    def labels(self) -> tuple[Label, ...]:
        """Its harmony: the chords and local keys of its plan, else the analysis of its voices."""
        return labels_of(self.plan) if self.plan else analyse(self.chorale)

    def as_dict(self) -> dict[str, Any]:
        """Provenance, length, likelihood and report, as plain numbers, names and lists.

        Of a plan, the chord symbol and the Roman numeral of each beat, with the local key where it
        changes. The report is None where a voice has no notes.
        """
        checked = self.in_four_voices or self.ensemble is not None
        report = self.report().as_dict() if checked else None
        return {
            **self.provenance,
            "bar_count": self.chorale.bar_count,
            "nats_per_step": self.nats_per_step,
            "chords": list(self.plan.symbols()) if self.plan else None,
            "numerals": list(self.plan.numerals()) if self.plan else None,
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
        piano: bool = False,
    ) -> tuple[str, ...]:
        """Write MIDI, MusicXML, MEI, kern, ABC or LilyPond by the suffix, whole or not at all.

        With ``analysis``, its ``labels`` as markers or harmony; see ``arrange`` for
        ``keep_tracks``. With ``piano``, the voices reduced to two staves, or a track, for a piano.
        Returns sentences on what the format does not hold. Raises MusicaeError.
        """
        suffix, kept = suffix_of(path), self.preserved
        if kept and Path(path).resolve() == kept.song.path.resolve():
            raise ChoraleError(f"{path}: is the melody itself; choose another name")
        if suffix not in WRITTEN_SUFFIXES:
            raise ChoraleError(
                f"{path}: its name should end in one of {', '.join(WRITTEN_SUFFIXES)}"
            )
        looks = {"analysis": analysis, "keep_tracks": keep_tracks, "piano": piano}
        if suffix in MIDI_SUFFIXES:
            midi_file.save(self.arrange(program, **looks), path)
            return ()
        if keep_tracks and not (kept and isinstance(kept.song, ScoreSong)):
            raise ChoraleError(f"{path}: other tracks are kept in files of the melody's format")
        from musicae.io import score_files

        return score_files.save(self.to_xml(program, **looks), path)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the voices; empty for one that the ensemble lacks."""
        return self.ensemble.names if self.ensemble else VOICES

    def _programs(self, program: int) -> int | tuple[int, ...]:
        """The sounds of the voices: an ensemble's own unless another than a choir's is wanted."""
        own = self.ensemble is not None and program == CHOIR_AAHS
        return self.ensemble.programs if self.ensemble and own else program

    def to_xml(
        self,
        program: int = CHOIR_AAHS,
        *,
        analysis: bool = False,
        keep_tracks: bool = False,
        piano: bool = False,
    ) -> bytes:
        """The piece as MusicXML; parts given in a score keep their own elements. See ``write``."""
        from musicae.api import piece_score

        looks = {"analysis": analysis, "keep_tracks": keep_tracks, "piano": piano}
        return piece_score.to_xml(self, program, **looks)

    def arrange(
        self,
        program: int = CHOIR_AAHS,
        *,
        analysis: bool = False,
        keep_tracks: bool = False,
        piano: bool = False,
    ) -> midi_file.Arrangement:
        """The piece as tracks of MIDI; parts given in a file keep their own events.

        With ``analysis``, its ``labels`` are markers. With ``keep_tracks``, the other tracks of
        that file (drums, piano) follow as they are. With ``piano``, a piano plays the voices.
        """
        marks = markers(self.labels()) if analysis else []
        facts = self.provenance | ({ANALYSED: True} if analysis else {})
        if self.preserved:
            made = self.preserved.arrange(
                self.chorale,
                self._programs(program),
                facts,
                marks,
                keep_tracks,
                names=self.names,
                words=self.words,
            )
        else:
            made = midi_writer.arrange(
                self.chorale,
                self._programs(program),
                facts,
                marks,
                names=self.names,
                words=self.words.voices,
            )
        if not piano:
            return made
        from musicae.rendering.piano_reduction import with_piano

        return with_piano(made)

    @property
    def preserved(self) -> PreservedParts | None:
        """The own parts of the file that it was made from; None where there was no such file."""
        return self.given.preserved if self.given else None


def provenance_of(checkpoint: Checkpoint, choice: SamplingOptions) -> dict[str, Any]:
    """The facts on a model and its sampling that are written into a file, by name."""
    facts = {
        "version": __version__,
        "model": checkpoint.name,
        "checksum": checkpoint.checksum,
        "seed": choice.seed,
        "temperature": choice.temperature,
    }
    if checkpoint.can("rules"):
        facts |= {"top_p": choice.top_p, "rules": choice.rules}
    return facts


def notes_digest(chorale: Chorale) -> str:
    """The first 16 hex digits of the SHA-256 of a chorale's notes."""
    digest = hashlib.sha256(chorale.pitch.tobytes() + chorale.onset.tobytes())
    return digest.hexdigest()[:16]
