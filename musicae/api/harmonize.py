"""``musicae.harmonize``: from a file or a chorale to harmonizations, as pieces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.api.given import Given, given_parts, single_part_as
from musicae.api.midi_input import read_given
from musicae.api.options import HarmonizeOptions
from musicae.api.piece import Piece, provenance_of
from musicae.api.request import Request
from musicae.api.silence import Condensed
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import VOICES
from musicae.core.errors import ChoraleError

if TYPE_CHECKING:
    from musicae.api.words import WordSetting
    from musicae.decoding.choice import SamplingOptions
    from musicae.decoding.harmonize import Harmonization
    from musicae.encoding.partial_score import PartialScore
    from musicae.models.checkpoint import Checkpoint
    from musicae.theory.harmonic_plan import HarmonicPlan


def harmonize(
    melody: Chorale | Path | str,
    n: int | None = None,
    *,
    options: HarmonizeOptions | None = None,
    **settings: Any,
) -> list[Piece]:
    """Write the missing voices around a melody, a bass or several voices, or in some bars.

    Given notes stay as they are. In a file, the parts named after voices are given if there are
    several, or if there are no other parts; otherwise one part, the likeliest melody, is the given
    soprano. In a ``Chorale`` with notes in all four voices, the soprano is given.

    Args:
        melody: the path of a MIDI file or a score, or a chorale.
        n: the number of alternatives, 1 or more; None takes that of ``options``.
        options: settings that were made before. ``n`` and ``settings`` replace its fields.
        **settings: fields of ``HarmonizeOptions``, such as ``key``, ``style``, ``rules``, ``bars``.

    Returns:
        ``n`` pieces, best first, each with other chords than those before it.

    Raises:
        ChoraleError: if the music or the settings cannot be used.
        CheckpointError: if the model cannot be loaded, or does not harmonize this.
        MusicaeError: for a setting that does not exist.

    Example:
        ```python
        import musicae

        pieces = musicae.harmonize("data/melodies/ode_to_joy.mid", 3, rules="strict")
        pieces[0].write("ode.mid")
        ```
    """
    if n is not None:
        settings["n"] = n
    return Task.of(melody, (options or HarmonizeOptions()).changed(**settings)).pieces()


@dataclass(frozen=True, eq=False)
class Task:
    """Everything that a harmonization is made from: the settings, the models and what is given."""

    options: HarmonizeOptions
    model: Checkpoint
    planner: Checkpoint | None
    sampling: SamplingOptions
    given: Given
    partial: PartialScore
    """The partial score that the model reads."""
    stay: tuple[int, ...]
    """The given voices, 0 soprano to 3 bass."""
    notices: tuple[str, ...]
    """Sentences on how the input was read, for the musician."""
    setting: WordSetting
    """The words and how they are set under the voices."""

    @classmethod
    def of(cls, melody: Chorale | Path | str, options: HarmonizeOptions) -> Task:
        """Read what is given and load the models. Raises the errors of ``harmonize``."""
        from musicae.api import figured_bass, given_chords, words
        from musicae.api.phrase_ends import choose
        from musicae.api.registers import for_ensemble
        from musicae.models.checkpoint import load_model

        model, sampling = load_for(options)
        given, moved, limits, read = _given(melody, options), 0, None, options
        if figured_bass.is_bass(given, options.figures):
            read = options.changed(voice="bass")
            given = _given(melody, read)
        ensemble = options.parsed_ensemble
        if ensemble:
            if not model.can("fill"):
                raise ChoraleError(f"{model.name} writes only for S A T B; use harmonizer")
            given, moved, limits = for_ensemble(
                given, ensemble, lambda semitones: _given(melody, read, semitones)
            )
        figured = figured_bass.choose(options.figures, given)
        chords = options.chords
        if figured.chords and chords is not None:
            raise ChoraleError("chords and figures are both given; give one of the two")
        if chords is None and (figured.chords or not model.can("fill")):
            chords = given_chords.NO_CHORDS
        chosen = given_chords.choose(chords, given, moved)
        given, parts = chosen.given, chosen.given.parts
        stay = options.request.locked(sounding_voices(parts.tune))
        setting = words.choose(options.words, options.language, given, stay)
        ends = choose(parts.whole, options.phrases, parts.marks, parts.likely_key)
        partial = parts.partial_score(
            ends.steps,
            rhythm=options.rhythm,
            style=options.style,
            cadences=ends.cadences,
            given=figured.chords or chosen.chords,
            limits=limits,
        )
        planner = load_model("planner") if model.can("fill") else None
        notices = (*given.notices, *figured.notices, *chosen.notices)
        return cls(options, model, planner, sampling, given, partial, stay, notices, setting)

    @property
    def melody(self) -> int:
        """The voice that has the melody, 0 soprano to 3 bass."""
        return self.options.request.voice or 0

    def pieces(self) -> list[Piece]:
        """The harmonizations, best first."""
        from musicae.decoding import harmonize as decoding

        harmonized = Condensed.of(self.partial).harmonized(
            lambda partial, n: decoding.harmonize(
                self.model, partial, n, self.sampling, self.planner
            ),
            self.options.n,
        )
        return [self._piece(made, i) for i, made in enumerate(harmonized, 1)]

    def resumed(self, chorale: Chorale, plan: HarmonicPlan) -> Piece:
        """A harmonization that was made before, as a piece without words."""
        return Piece(
            replace(chorale, key=chorale.key or self.partial.key),
            self._facts(plan, 1),
            self.notices,
            self.given,
            plan=plan,
            ensemble=self.options.parsed_ensemble,
        )

    def _facts(self, plan: HarmonicPlan | None, number: int) -> dict[str, Any]:
        """The provenance of the alternative ``number`` that follows ``plan``."""
        facts = provenance_of(self.model, self.sampling) | {"key": str(self.partial.key)}
        facts |= asked_of(self.options)
        facts |= {"given": [VOICES[voice].lower() for voice in self.stay], "alternative": number}
        if self.planner and plan:
            facts |= {"planner": self.planner.checksum, "plan": str(plan)}
        return facts

    def _piece(self, made: Harmonization, number: int) -> Piece:
        from musicae.api import figured_bass

        options = self.options
        chorale = self.given.parts.around(made.chorale)
        chorale = replace(chorale, key=chorale.key or self.partial.key)
        facts = self._facts(made.plan, number)
        chorale, sung, on_words = self.setting.apply(chorale)
        figures = figured_bass.written(chorale) if options.figures == figured_bass.WRITE else ()
        return Piece(
            chorale,
            facts,
            (*self.notices, *made.notices, *on_words),
            self.given,
            made.nats,
            made.plan,
            figures,
            sung,
            options.parsed_ensemble,
        )


def load_for(options: HarmonizeOptions) -> tuple[Checkpoint, SamplingOptions]:
    """Load the model that ``options`` names; returns it with its sampling options.

    Code that harmonizes many melodies calls this first, so that an unusable model is refused before
    the first melody. Raises CheckpointError if the model cannot be loaded, ChoraleError if the
    options ask for rules or top-p and the model has none.
    """
    from musicae.decoding.choice import SamplingOptions
    from musicae.decoding.harmonize import usual_temperature
    from musicae.models.checkpoint import load_model

    model = load_model(options.model)
    needs_rules = options.rules != HarmonizeOptions.rules or options.top_p < 1
    if needs_rules and not {"harmonize", "rules"} <= model.abilities:
        raise ChoraleError(f"{model.name} knows neither rules nor top-p; use harmonizer")
    temperature = options.temperature
    if temperature is None:
        temperature = usual_temperature(model, options.n)
    return model, SamplingOptions(temperature, options.seed, options.top_p, options.rules)


def asked_of(options: HarmonizeOptions) -> dict[str, Any]:
    """The settings that provenance states only if they are not the defaults, by name."""
    asked = options.request.as_dict()
    if options.phrases != HarmonizeOptions.phrases:
        asked["phrases"] = str(options.phrases)
    if options.meter:
        asked["meter"] = options.meter
    if options.chords is not None:
        asked["chords"] = str(options.chords)
    if options.figures is not None:
        asked["figures"] = options.figures
    if options.ensemble:
        asked["ensemble"] = options.ensemble
    if options.ranges:
        asked["ranges"] = options.ranges
    if options.rhythm:
        asked["rhythm"] = options.rhythm
    if options.style != HarmonizeOptions.style:
        asked["style"] = options.style
    if options.words != HarmonizeOptions.words:
        asked["words"] = str(options.words)
    if options.language:
        asked["language"] = options.language
    return asked


def _given(melody: Chorale | Path | str, options: HarmonizeOptions, transpose: int = 0) -> Given:
    """The given parts of a file or a chorale, transposed by semitones. Raises ChoraleError."""
    if not isinstance(melody, Chorale):
        return read_given(
            melody,
            track=options.track,
            key=options.parsed_key,
            voice=options.voice_name,
            lock=options.lock_names,
            bars=options.bars,
            meter=options.parsed_meter,
            transpose=transpose,
        )
    if options.track or options.meter:
        raise ChoraleError("track and meter go with a file; the melody is a Chorale")
    chorale, request = melody.transpose(transpose), options.request
    if request == Request():
        # In Python, a chorale with all voices is mostly meant to be harmonized again.
        finished = len(sounding_voices(chorale)) == len(VOICES)
        request = Request(voice=0) if finished else request
    if request.voice is not None:
        chorale = single_part_as(chorale, request.voice)
    return Given.of(given_parts(chorale, request, options.parsed_key, marks=melody.fermatas))
