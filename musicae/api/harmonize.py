"""What the command line and notebooks call: files or chorales in, pieces to be written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from musicae.api.given import GivenParts, known_of, sung_by
from musicae.api.midi_input import read_given
from musicae.api.piece import Piece, provenance_of
from musicae.api.request import Request
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding.constraints import PRESETS
from musicae.encoding.partial_score import RHYTHMS
from musicae.io.base import MUSICXML_SUFFIXES, suffix_of
from musicae.io.formats import read

if TYPE_CHECKING:
    from musicae.decoding.sampler import SamplingOptions
    from musicae.models.checkpoint import Checkpoint


class Wishes(TypedDict, total=False):
    """The settings of ``harmonize``, by name."""

    seed: int
    temperature: float | None
    top_p: float
    rules: str
    model: str
    track: str | None
    key: Key | str | None
    voice: str | None
    lock: Sequence[str] | str | None
    bars: tuple[int, int] | str | None
    meter: str | None
    phrases: Path | str
    rhythm: str | None


def harmonize(
    melody: Chorale | Path | str,
    n: int = 1,
    *,
    seed: int = 0,
    temperature: float | None = None,
    top_p: float = 1.0,
    rules: str = "bach",
    model: str = "harmonizer",
    track: str | None = None,
    key: Key | str | None = None,
    voice: str | None = None,
    lock: Sequence[str] | str | None = None,
    bars: tuple[int, int] | str | None = None,
    meter: str | None = None,
    phrases: Path | str = "infer",
    rhythm: str | None = None,
) -> list[Piece]:
    """Fill in what is missing of a chorale: around a melody, a bass, several voices, or in bars.

    What is given is a MIDI or MusicXML file or a chorale. Parts named after voices are given
    where there are several, or one alone; otherwise one part is the melody, the soprano. Of a
    ``Chorale`` in four voices the soprano is given.

    Args:
        n: how many alternatives, best first, each with other chords than those before it.
        seed: the same seed, model and settings give the same pieces.
        temperature: 0 takes what is likeliest at each step, 1 draws as the model believes; by
            default what is best for the model.
        top_p: the share of probability that is drawn from, the likeliest symbols first.
        rules: of voice leading, as the voices are written: ``"strict"`` breaks none that it can
            keep, ``"bach"`` breaks them as rarely as Bach, ``"off"`` leaves it to the model.
        model: a shipped model or the path of a weights file.
        track: of a MIDI file with several, the number (from 1) or name of the melody's.
        key: the key to harmonize in; by default that of the notes, the signature being evidence.
            Where none is stated, it becomes the piece's, and stands in scores.
        voice: which voice the one given part is.
        lock: the voices that are given, such as ``("soprano", "bass")``; ``()`` or ``"none"``
            only with ``bars``.
        bars: ``(5, 8)``, ``"5-8"`` or ``"5"``: write only these bars anew, in all voices that are
            not locked (by default all but the soprano), and keep everything outside.
        meter: of a MIDI file that states none, such as ``"3/4"``; else it is taken to be in 4/4.
        phrases: where they end: ``"infer"``, ``"none"`` or a file; see ``phrases.choose``.
        rhythm: one of ``sketch.RHYTHMS``; None leaves it to the model.

    Raises ChoraleError for music that cannot be used, CheckpointError for models that cannot.
    """
    from musicae.api.phrase_ends import choose
    from musicae.decoding import harmonize as sampling
    from musicae.theory.phrases import INFER

    wish = understood(
        n,
        seed=seed,
        temperature=temperature,
        top_p=top_p,
        rules=rules,
        model=model,
        key=key,
        voice=voice,
        lock=lock,
        bars=bars,
        meter=meter,
        rhythm=rhythm,
    )
    given: GivenParts
    if isinstance(melody, Path | str) and suffix_of(melody) not in MUSICXML_SUFFIXES:
        given = read_given(
            melody,
            track=track,
            key=wish.key,
            voice=voice,
            lock=lock,
            bars=bars,
            meter=wish.meter,
        )
    elif meter:
        raise ChoraleError("a meter is chosen for a MIDI file that states none")
    else:
        given = _given(melody, wish.request, track, wish.key)
    sketch = given.sketch(choose(given.whole, phrases, given.marks), rhythm)
    harmonized = sampling.harmonize(wish.model, sketch, n, wish.choice)
    facts = provenance_of(wish.model, wish.choice) | {"key": str(sketch.key)}
    facts |= wish.request.as_dict() | ({"phrases": str(phrases)} if phrases != INFER else {})
    facts |= ({"meter": meter} if meter else {}) | ({"rhythm": rhythm} if rhythm else {})
    stay = wish.request.locked(sounding_voices(given.tune))
    facts |= {"given": [VOICES[voice].lower() for voice in stay]}
    pieces = []
    for i, made in enumerate(harmonized, start=1):
        chorale = given.around(made.chorale)
        chorale = replace(chorale, key=chorale.key or sketch.key)
        pieces.append(Piece(chorale, facts | {"alternative": i}, given.notices, given, made.nats))
    return pieces


class Understood(NamedTuple):
    """What a musician wishes of a harmonization, read once."""

    model: Checkpoint
    key: Key | None
    request: Request
    choice: SamplingOptions
    meter: Meter | None


def understood(
    n: int = 1,
    *,
    seed: int = 0,
    temperature: float | None = None,
    top_p: float = 1.0,
    rules: str = "bach",
    model: str = "harmonizer",
    key: Key | str | None = None,
    voice: str | None = None,
    lock: Sequence[str] | str | None = None,
    bars: tuple[int, int] | str | None = None,
    meter: str | None = None,
    rhythm: str | None = None,
    **_: Any,
) -> Understood:
    """What ``harmonize``'s settings mean, whatever the melody; the model is loaded.

    Raises ChoraleError for settings that make no sense, CheckpointError for a model that cannot be
    loaded, so that many melodies need not be begun.
    """
    from musicae.decoding import harmonize as sampling
    from musicae.decoding.sampler import SamplingOptions
    from musicae.models.checkpoint import load_model
    from musicae.models.harmonizer import Harmonizer

    key = Key.parse(key) if isinstance(key, str) else key
    if rules not in PRESETS:
        raise ChoraleError(f"rules are {', '.join(PRESETS)}, not {rules!r}")
    if not 0 < top_p <= 1:
        raise ChoraleError(f"top-p is a share above 0 and up to 1, not {top_p:g}")
    if rhythm is not None and rhythm not in RHYTHMS:
        raise ChoraleError(f"a rhythm is {' or '.join(RHYTHMS)}, not {rhythm!r}")
    request = Request.parse(voice, lock, bars)
    check_draws(n, temperature, seed)
    checkpoint = load_model(model)
    if not isinstance(checkpoint.model, Harmonizer) and (rules != "bach" or top_p < 1):
        raise ChoraleError(f"{checkpoint.name} knows neither rules nor top-p; use harmonizer")
    if temperature is None:
        temperature = sampling.usual_temperature(checkpoint, n)
    choice = SamplingOptions(temperature, seed, top_p, rules)
    return Understood(checkpoint, key, request, choice, Meter.parse(meter) if meter else None)


def check_draws(n: int, temperature: float | None, seed: int = 0) -> None:
    """Raises ChoraleError for what cannot be drawn."""
    if n < 1:
        raise ChoraleError(f"at least one piece can be asked for, not {n}")
    if temperature is not None and not 0 <= temperature <= 10:
        raise ChoraleError(f"a temperature is 0 to 10, not {temperature:g}")
    if seed < 0:
        raise ChoraleError(f"a seed is 0 or more, not {seed}")


def _given(
    melody: Chorale | Path | str, request: Request, track: str | None, key: Key | None
) -> GivenParts:
    """What is given in a score or a chorale, whose voices stand for named parts."""
    where = "" if isinstance(melody, Chorale) else f"{melody}: "
    if track:
        raise ChoraleError(f"{where}a track is chosen in a MIDI file; choose a voice with --voice")
    chorale = melody if isinstance(melody, Chorale) else read(melody)
    marks = chorale.fermatas
    if isinstance(melody, Chorale) and request == Request():
        # In Python a finished chorale is at hand more often than its melody.
        finished = len(sounding_voices(chorale)) == len(VOICES)
        request = Request(voice=0) if finished else request
    if request.voice is not None:
        chorale = sung_by(chorale, request.voice)
    return known_of(chorale, request, key, marks=marks, where=where)
