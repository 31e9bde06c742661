"""New chorales and walks through latent space: what the command line and notebooks call."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.api.given import voice_of
from musicae.api.harmonize import Piece, check_draws, provenance_of
from musicae.api.midi_input import title_from
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import N_VOICES, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import MODES, Key
from musicae.core.meter import Meter, Tempo
from musicae.encoding.partial_score import Sketch
from musicae.io.formats import read, read_provenance

if TYPE_CHECKING:
    from musicae.decoding.sampler import Choice
    from musicae.latent.compose import Sounding
    from musicae.latent.space import Place
    from musicae.models.checkpoint import Checkpoint

NEW_BARS, NEW_KEY, NEW_METER = 8, Key(0), "4/4"
"""How long a harmonizer's new piece is, and in which key and meter, where nobody says it."""
MOST_BARS = 1000
"""Of a new piece."""
MOST = 1000
"""Pieces at a time."""
FARTHEST_SLIDE = 4.0
"""Standard deviations."""


def generate(
    n: int = 1,
    *,
    seed: int = 0,
    temperature: float | None = None,
    model: str = "vae",
    bars: int | None = None,
    key: Key | str | None = None,
    meter: str | None = None,
    prior: str | None = None,
    slide: Mapping[str, float | str] | str | None = None,
) -> list[Piece]:
    """Compose ``n`` new pieces.

    The VAE decodes latent vectors that are drawn from a prior, in a form that is drawn from
    Bach's chorales where it is not asked for. A harmonizer fills empty bars, best first, each
    with other chords; the autoencoder composes four bars of 4/4.

    Args:
        n: how many.
        seed: the same seed, model and settings give the same pieces; of the VAE, the first ones
            are the same however many are asked for.
        temperature: at 0 what is likeliest is written; by default what is best for the model. Of
            the autoencoder, how far from the average piece, by default 1, as far as Bach's.
        model: a shipped model or the path of a weights file.
        bars: how many; this and what follows not of the autoencoder.
        key: such as ``"D minor"``.
        meter: such as ``"3/4"``.
        prior: the VAE's, one of ``latents.PRIORS``; by default the better one.
        slide: the VAE's: by how many standard deviations of Bach's to move attributes, such as
            ``"activity=+1,chromaticism=-1"``; also ``"mode=minor"``.

    Raises ChoraleError for wishes that make no sense, CheckpointError for models that cannot.
    """
    from musicae.decoding import harmonize as sampling
    from musicae.decoding.sampler import Choice
    from musicae.encoding import forms
    from musicae.latent import compose as composing
    from musicae.latent.space import PRIORS
    from musicae.models.autoencoder import Autoencoder
    from musicae.models.vae import ChoraleVAE

    key = Key.parse(key) if isinstance(key, str) else key
    beats = None if meter is None else Meter.parse(meter)
    if bars is not None and not 1 <= bars <= MOST_BARS:
        raise ChoraleError(f"a new piece has 1 to {MOST_BARS} bars, not {bars}")
    _check_number(n)
    check_draws(n, temperature, seed)
    checkpoint = sampling.load_model(model)
    if isinstance(checkpoint.model, ChoraleVAE):
        prior = prior or composing.USUAL_PRIOR
        if prior not in PRIORS:
            raise ChoraleError(f"a prior is {' or '.join(PRIORS)}, not {prior!r}")
        slides, mode = _slides(slide, checkpoint.model.config.sliders)
        if mode and key and key.mode != mode:
            raise ChoraleError(f"{key} and mode={mode} contradict each other")
        wished = forms.draw(n, seed, bars=bars, key=key, meter=beats, mode=mode)
        choice = composing.usual_choice(seed, temperature)
        composed = composing.compose(checkpoint, wished, prior, slides, choice)
        facts = {"prior": prior} | ({"slide": slides} if slides else {})
        titles = [
            f"Chorale in {each.place.form.key}, seed {seed}, number {i}"
            for i, each in enumerate(composed, start=1)
        ]
        return _pieces(checkpoint, composed, choice, titles, facts)
    if prior is not None or slide is not None:
        raise ChoraleError(f"{checkpoint.name} has no prior and no sliders; use vae")
    if not isinstance(checkpoint.model, Autoencoder):
        if temperature is None:
            temperature = sampling.usual_temperature(checkpoint, n)
        form = forms.empty(bars or NEW_BARS, beats or Meter.parse(NEW_METER), key or NEW_KEY)
        return _fill(checkpoint, n, Choice(temperature, seed), form)
    if not (bars is None and key is None and meter is None):
        raise ChoraleError(
            f"{checkpoint.name} composes four bars of 4/4; --bars, --key and --meter go with"
            " --model vae or harmonizer"
        )
    choice = Choice(1.0 if temperature is None else temperature, seed)
    made = sampling.generate(checkpoint, n, choice.temperature, seed)
    facts = provenance_of(checkpoint, choice)
    return [Piece(chorale, facts | {"number": i}) for i, chorale in enumerate(made, start=1)]


def interpolate(
    one: Place | Chorale | Path | str,
    other: Place | Chorale | Path | str,
    n: int = 7,
    *,
    seed: int = 0,
    temperature: float = 0.0,
    model: str = "vae",
) -> list[Piece]:
    """``n`` pieces on the way from one to another, first and last what the model makes of them.

    Files that ``generate`` and the like wrote are taken at their own place in latent space, unless
    their notes were changed; other music is heard anew. Up to the middle the pieces have the form
    of the one, from there that of the other.

    Raises ChoraleError for music that cannot be used, CheckpointError for models that cannot.
    """
    from musicae.decoding import harmonize as sampling
    from musicae.latent import compose as composing

    check_draws(n, temperature, seed)
    _check_number(n)
    if n < 3:
        raise ChoraleError(f"a way has at least 3 pieces, its ends among them, not {n}")
    checkpoint = sampling.load_model(model)
    begin, end = _place(checkpoint, one), _place(checkpoint, other)
    choice = composing.usual_choice(seed, temperature)
    found = composing.path(checkpoint, begin, end, n, choice)
    titles = [f"Step {i} of {n}, {_title(one)} to {_title(other)}" for i in range(1, n + 1)]
    return _pieces(checkpoint, found, choice, titles, {})


def vary(
    piece: Place | Chorale | Path | str,
    n: int = 1,
    *,
    amount: float = 0.3,
    keep: Sequence[str] | str = (),
    seed: int = 0,
    temperature: float | None = None,
    model: str = "vae",
) -> list[Piece]:
    """``n`` neighbours of a piece in latent space.

    Args:
        piece: as in ``interpolate``.
        n: how many.
        amount: 0 what the model makes of the piece itself, 1 something else altogether.
        keep: voices that stay exactly as they are, such as ``"soprano"``.
        seed: the same seed and settings give the same neighbours.
        temperature: at 0 what is likeliest is written; by default what is best for the model.
        model: a shipped model or the path of a weights file.

    Raises ChoraleError for music that cannot be used, CheckpointError for models that cannot.
    """
    from musicae.decoding import harmonize as sampling
    from musicae.latent import compose as composing

    _check_number(n)
    check_draws(n, temperature, seed)
    if not 0 <= amount <= 1:
        raise ChoraleError(f"an amount is 0 to 1, not {amount:g}")
    names = [name for name in ([keep] if isinstance(keep, str) else keep) if name]
    voices = tuple(sorted({voice_of(name) for text in names for name in text.split(",")}))
    if len(voices) == N_VOICES:
        raise ChoraleError("where all voices are kept there is nothing to vary; keep fewer")
    checkpoint = sampling.load_model(model)
    place = _place(checkpoint, piece)
    kept = None
    if voices:
        chorale = _chorale(piece)
        if chorale is None:
            raise ChoraleError("a place has no notes to keep; give the piece itself")
        kept = composing.Kept(chorale, voices)
    choice = composing.usual_choice(seed, temperature)
    found = composing.neighbours(checkpoint, place, n, amount, choice, kept=kept)
    facts: dict[str, Any] = {"amount": amount}
    if kept:
        facts["keep"] = [VOICES[voice].lower() for voice in voices]
    titles = [f"{_title(piece)}, varied, seed {seed}, number {i}" for i in range(1, n + 1)]
    return _pieces(checkpoint, found, choice, titles, facts)


def encode(piece: Chorale | Path | str, *, model: str = "vae") -> Place:
    """The place of a chorale in latent space; see ``interpolate`` for files.

    Raises ChoraleError for music that cannot be used, CheckpointError for models that cannot.
    """
    from musicae.decoding import harmonize as sampling

    return _place(sampling.load_model(model), piece)


def decode(
    place: Place | Path | str,
    *,
    seed: int | None = None,
    temperature: float | None = None,
    model: str = "vae",
) -> Piece:
    """What a place sounds like.

    Of a file that the VAE wrote, at its place in latent space, with its seed and temperature
    where no others are given: the same piece again, unless voices were kept in it.

    Raises ChoraleError where a file tells no place, CheckpointError for models that cannot.
    """
    from musicae.decoding import harmonize as sampling
    from musicae.latent import compose as composing
    from musicae.latent.space import Place

    checkpoint = sampling.load_model(model)
    told_seed, told_temperature, number = 0, 0.0, 0
    if not isinstance(place, Place):
        path, facts = place, read_provenance(place)
        found = _told_place(checkpoint, facts, path)
        if found is None:
            raise ChoraleError(
                f"{path}: tells no place in this model's latent space; use musicae.encode"
            )
        place = found
        told_seed, told_temperature, number = _told_draw(facts, path)
    seed = told_seed if seed is None else seed
    temperature = told_temperature if temperature is None else temperature
    check_draws(1, temperature, seed)
    choice = composing.usual_choice(seed, temperature)
    (made,) = composing.sound(checkpoint, [place], choice, numbers=[number])
    (piece,) = _pieces(checkpoint, [made], choice, [f"Decoded, seed {seed}"], {})
    return piece


def _pieces(
    checkpoint: Checkpoint,
    found: Sequence[Sounding],
    choice: Choice,
    titles: Sequence[str],
    facts: Mapping[str, Any],
) -> list[Piece]:
    """What was decoded, with all that makes it again."""
    from musicae.decoding import harmonize as sampling

    pieces = []
    for i, (each, title) in enumerate(zip(found, titles, strict=True), start=1):
        chorale = replace(each.chorale, title=title)
        if not chorale.tempos:
            chorale = replace(chorale, tempos=(Tempo(0, sampling.DEFAULT_QPM),))
        told = provenance_of(checkpoint, choice) | dict(facts)
        told |= {
            "number": i,
            "draw": each.number,
            "bars": chorale.bar_count,
            "key": str(each.place.form.key),
            "notes": _digest(chorale),
            "latent": each.place.as_dict(),
        }
        pieces.append(Piece(chorale, told, nats=each.nats))
    return pieces


def _place(checkpoint: Checkpoint, piece: Place | Chorale | Path | str) -> Place:
    """Where a piece is in latent space: where a file says, if it has the notes that it had."""
    from musicae.latent.compose import vae_of
    from musicae.latent.space import Place, hear

    vae = vae_of(checkpoint)
    if isinstance(piece, Place):
        return piece
    where = "" if isinstance(piece, Chorale) else f"{piece}: "
    chorale = _chorale(piece)
    assert chorale is not None
    if not isinstance(piece, Chorale):
        facts = read_provenance(piece)
        told = _told_place(checkpoint, facts, piece)
        if told is not None and facts.get("notes") == _digest(chorale):
            return told
    if len(sounding_voices(chorale)) < N_VOICES:
        raise ChoraleError(
            f"{where}has not all four voices; musicae harmonize adds those that are missing"
        )
    try:
        return hear(vae, chorale)
    except ChoraleError as error:
        raise ChoraleError(f"{where}{error}") from None


def _told_place(checkpoint: Checkpoint, facts: Mapping[str, Any], path: Path | str) -> Place | None:
    """The place that a file's provenance tells, if it is one of this model."""
    from musicae.latent.compose import vae_of
    from musicae.latent.space import Place

    if facts.get("checksum") != checkpoint.checksum or "latent" not in facts:
        return None
    try:
        return Place.from_dict(facts["latent"], vae_of(checkpoint).config)
    except ChoraleError as error:
        raise ChoraleError(f"{path}: {error}") from None


def _told_draw(facts: Mapping[str, Any], path: Path | str) -> tuple[int, float, int]:
    """The seed and temperature that a file's provenance tells, and the number of the draw."""
    try:
        seed, temperature = int(facts["seed"]), float(facts["temperature"])
        number = int(facts["draw"])
        check_draws(1, temperature, min(seed, number))
    except (KeyError, TypeError, ValueError) as error:
        raise ChoraleError(f"{path}: does not tell how it was drawn ({error})") from None
    return seed, temperature, number


def _chorale(piece: Place | Chorale | Path | str) -> Chorale | None:
    """The notes of a piece; of a place there are none yet."""
    if isinstance(piece, Chorale):
        return piece
    return read(piece) if isinstance(piece, Path | str) else None


def _title(piece: Place | Chorale | Path | str) -> str:
    if isinstance(piece, Chorale):
        return piece.title or "untitled"
    if isinstance(piece, Path | str):
        return title_from(Path(piece))
    return f"a place in {piece.form.key}"


def _digest(chorale: Chorale) -> str:
    """What tells these notes from others."""
    digest = hashlib.sha256(chorale.pitch.tobytes() + chorale.onset.tobytes())
    return digest.hexdigest()[:16]


def _slides(
    slide: Mapping[str, float | str] | str | None, names: Sequence[str]
) -> tuple[dict[str, float], str | None]:
    """How far to move each attribute, and the mode. Raises ChoraleError."""
    if isinstance(slide, str):
        parts = [part.partition("=") for part in slide.split(",") if part.strip()]
        slide = {name.strip(): value.strip() for name, _, value in parts}
    wishes, mode = dict(slide or {}), None
    if "mode" in wishes:
        mode = str(wishes.pop("mode"))
        if mode not in MODES:
            raise ChoraleError(f"a mode is {' or '.join(MODES)}, not {mode!r}")
    amounts = {}
    for name, value in wishes.items():
        if name not in names:
            raise ChoraleError(f"no slider is called {name!r}; there are {', '.join(names)}, mode")
        try:
            amounts[name] = float(value)
        except ValueError:
            raise ChoraleError(f"{name} moves by a number such as +1, not {value!r}") from None
        if not abs(amounts[name]) <= FARTHEST_SLIDE:
            raise ChoraleError(
                f"{name} moves by up to {FARTHEST_SLIDE:g} either way, not {amounts[name]:g}"
            )
    return amounts, mode


def _check_number(n: int) -> None:
    if n > MOST:
        raise ChoraleError(f"at most {MOST} pieces at a time can be asked for, not {n}")


def _fill(checkpoint: Checkpoint, n: int, choice: Choice, sketch: Sketch) -> list[Piece]:
    """What a harmonizer makes of an empty sketch."""
    from musicae.decoding import harmonize as sampling

    (meter,) = sketch.chorale.meters
    bars = sketch.chorale.bar_count
    facts = provenance_of(checkpoint, choice)
    facts |= {"bars": bars, "key": str(sketch.key), "meter": str(meter)}
    length = f"{bars} bar{'s' * (bars > 1)} in {sketch.key}"
    pieces = []
    for i, made in enumerate(sampling.harmonize(checkpoint, sketch, n, choice), start=1):
        title = f"{length}, seed {choice.seed}, number {i}"
        tempos = (Tempo(0, sampling.DEFAULT_QPM),)
        chorale = replace(made.chorale, title=title, tempos=tempos)
        pieces.append(Piece(chorale, facts | {"number": i}, nats=made.nats))
    return pieces
