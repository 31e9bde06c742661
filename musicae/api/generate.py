"""New chorales and walks through latent space: what the command line and notebooks call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from musicae.api.harmonize import check_draws
from musicae.api.latent import _pieces, check_number
from musicae.api.piece import Piece, provenance_of
from musicae.core.errors import ChoraleError
from musicae.core.key import MODES, Key
from musicae.core.meter import Meter, Tempo
from musicae.encoding.partial_score import PartialScore

if TYPE_CHECKING:
    from musicae.decoding.sampler import SamplingOptions
    from musicae.models.checkpoint import Checkpoint

NEW_BARS, NEW_KEY, NEW_METER = 8, Key(0), "4/4"
"""How long a harmonizer's new piece is, and in which key and meter, where nobody says it."""
MOST_BARS = 1000
"""Of a new piece."""
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
    from musicae.decoding import harmonize, minibach
    from musicae.decoding.sampler import SamplingOptions
    from musicae.encoding import forms
    from musicae.latent import compose
    from musicae.latent.space import PRIORS
    from musicae.models.autoencoder import Autoencoder
    from musicae.models.checkpoint import load_model
    from musicae.models.vae import ChoraleVAE

    key = Key.parse(key) if isinstance(key, str) else key
    beats = None if meter is None else Meter.parse(meter)
    if bars is not None and not 1 <= bars <= MOST_BARS:
        raise ChoraleError(f"a new piece has 1 to {MOST_BARS} bars, not {bars}")
    check_number(n)
    check_draws(n, temperature, seed)
    checkpoint = load_model(model)
    if isinstance(checkpoint.model, ChoraleVAE):
        prior = prior or compose.USUAL_PRIOR
        if prior not in PRIORS:
            raise ChoraleError(f"a prior is {' or '.join(PRIORS)}, not {prior!r}")
        slides, mode = _slides(slide, checkpoint.model.config.sliders)
        if mode and key and key.mode != mode:
            raise ChoraleError(f"{key} and mode={mode} contradict each other")
        wished = forms.draw(n, seed, bars=bars, key=key, meter=beats, mode=mode)
        choice = compose.usual_choice(seed, temperature)
        composed = compose.compose(checkpoint, wished, prior, slides, choice)
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
            temperature = harmonize.usual_temperature(checkpoint, n)
        form = forms.empty(bars or NEW_BARS, beats or Meter.parse(NEW_METER), key or NEW_KEY)
        return _fill(checkpoint, n, SamplingOptions(temperature, seed), form)
    if not (bars is None and key is None and meter is None):
        raise ChoraleError(
            f"{checkpoint.name} composes four bars of 4/4; --bars, --key and --meter go with"
            " --model vae or harmonizer"
        )
    choice = SamplingOptions(1.0 if temperature is None else temperature, seed)
    made = minibach.generate(checkpoint, n, choice.temperature, seed)
    facts = provenance_of(checkpoint, choice)
    return [Piece(chorale, facts | {"number": i}) for i, chorale in enumerate(made, start=1)]


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


def _fill(
    checkpoint: Checkpoint, n: int, choice: SamplingOptions, sketch: PartialScore
) -> list[Piece]:
    """What a harmonizer makes of an empty sketch."""
    from musicae.core.constants import DEFAULT_QPM
    from musicae.decoding import harmonize

    (meter,) = sketch.chorale.meters
    bars = sketch.chorale.bar_count
    facts = provenance_of(checkpoint, choice)
    facts |= {"bars": bars, "key": str(sketch.key), "meter": str(meter)}
    length = f"{bars} bar{'s' * (bars > 1)} in {sketch.key}"
    pieces = []
    for i, made in enumerate(harmonize.harmonize(checkpoint, sketch, n, choice), start=1):
        title = f"{length}, seed {choice.seed}, number {i}"
        tempos = (Tempo(0, DEFAULT_QPM),)
        chorale = replace(made.chorale, title=title, tempos=tempos)
        pieces.append(Piece(chorale, facts | {"number": i}, nats=made.nats))
    return pieces
