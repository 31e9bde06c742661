"""``Piece``: a chorale that a model wrote, with its provenance; it writes the files."""

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
    """A chorale that musicae made, with everything that is known about how it was made.

    ``musicae.harmonize``, ``generate``, ``vary``, ``interpolate``, ``extend`` and ``decode`` return
    pieces.

    Example:
        ```python
        (piece,) = musicae.harmonize("data/melodies/ode_to_joy.mid")
        print(piece.plan)
        print(piece.report().as_text())
        piece.write("ode.musicxml", analysis=True)
        ```
    """

    chorale: Chorale
    """The music in four voices."""
    provenance: dict[str, Any]
    """Version, model, its checksum, seed and settings; the same values make the same piece."""
    notices: tuple[str, ...] = ()
    """Sentences on what was changed, left out or guessed, for the musician."""
    given: Given | None = None
    """The notes that were given; None if a model composed the whole."""
    nats: float | None = None
    """The negative log-likelihood of what the model wrote, in nats; None if it is not known."""
    plan: HarmonicPlan | None = None
    """The chords that the voices follow; None if there was no plan."""
    figures: tuple[tuple[int, Figures], ...] = ()
    """The figures below the bass in MusicXML, each with its step."""
    words: Words = NO_WORDS
    """The words of the voices."""
    ensemble: Ensemble | None = None
    """Who sings or plays; None for an SATB choir."""

    @property
    def nats_per_step(self) -> float | None:
        """``nats`` per step (sixteenth) in which a voice was written; None if there are none."""
        if self.nats is None:
            return None
        steps = len(self.chorale)
        if self.given is not None:
            steps = int((~self.given.parts.known).any(axis=1).sum())
        return self.nats / steps

    def report(self) -> Report:
        """Check the voice leading and compare it with Bach's.

        Returns:
            The report of ``musicae.check``, computed once.

        Raises:
            ChoraleError: if a voice has no notes.
        """
        return self._report

    @cached_property
    def _report(self) -> Report:
        if self.ensemble is None:
            return check(self.chorale)
        ranges = [voice.range if voice else ANY_PITCH for voice in self.ensemble.voices]
        return report_of(Reading(self.chorale, 0, names=self.names), ranges=ranges)

    def labels(self) -> tuple[Label, ...]:
        """The harmony: chords and local keys of the plan, or the analysis of the voices.

        Returns:
            A label for each change of chord or key, with its step, in order.
        """
        return labels_of(self.plan) if self.plan else analyse(self.chorale)

    def as_dict(self) -> dict[str, Any]:
        """Provenance, length, likelihood, chords and report as plain values, for JSON.

        Returns:
            The provenance and, besides: ``bar_count``; ``nats_per_step``; ``chords`` and
            ``numerals``, the chord symbol and the Roman numeral of each beat, with the local key
            where it changes, or None without a plan; ``report``, None if a voice has no notes.
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
        """Whether all four voices have notes."""
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
        """Write the piece as MIDI, MusicXML, MEI, kern, ABC or LilyPond, by the suffix.

        Parts that were given in a file keep their own events or elements. If writing fails, no file
        is left behind.

        Args:
            path: the file to write, such as ``hymn.mid`` or ``hymn.musicxml``.
            program: the General MIDI program of the voices, 0 to 127. The default, choir aahs,
                stands for an ensemble's own sounds.
            analysis: add the ``labels``: markers in MIDI, harmony in scores.
            keep_tracks: copy the other tracks of the melody's file, such as drums, unchanged.
            piano: add a piano reduction of the voices: two staves in a score, a track in MIDI.

        Returns:
            Sentences on what the format cannot hold; empty if it holds everything.

        Raises:
            ChoraleError: if the suffix is unknown, or the path is that of the melody.
            MusicaeError: if the file cannot be written.
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
            raise ChoraleError(
                f"{path}: other tracks can be kept only in the format of the melody's file"
            )
        from musicae.io import score_files

        return score_files.save(self.to_xml(program, **looks), path)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the four voices; empty for a voice that the ensemble lacks."""
        return self.ensemble.names if self.ensemble else VOICES

    def _programs(self, program: int) -> int | tuple[int, ...]:
        """The program of the voices; those of the ensemble if ``program`` is the default."""
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
        """The piece as the bytes of a MusicXML file.

        Parts that were given in a score keep their own elements.

        Args:
            program: the General MIDI program of the voices, 0 to 127.
            analysis: add the ``labels`` as harmony.
            keep_tracks: copy the other parts of the melody's score unchanged.
            piano: add a piano reduction of the voices on two staves.

        Returns:
            The file's content, UTF-8.
        """
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
        """The piece as MIDI tracks.

        Parts that were given in a file keep their own events.

        Args:
            program: the General MIDI program of the voices, 0 to 127.
            analysis: add the ``labels`` as markers.
            keep_tracks: copy the other tracks of that file, such as drums or piano, unchanged.
            piano: add a track in which a piano plays the voices.

        Returns:
            The tracks with all events in ticks.
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
        """The parts of the file that the piece was made from; None if there was no file."""
        return self.given.preserved if self.given else None


def provenance_of(checkpoint: Checkpoint, choice: SamplingOptions) -> dict[str, Any]:
    """The part of the provenance that names the model and how it was sampled."""
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
