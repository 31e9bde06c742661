"""``musicae.generate``: new chorales, without a given melody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from musicae.api.latent import check_number, pieces_of, slides_of
from musicae.api.options import check_draws
from musicae.api.piece import Piece, provenance_of
from musicae.core.constants import STYLES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter, Tempo
from musicae.encoding.partial_score import PartialScore

if TYPE_CHECKING:
    from musicae.decoding.choice import SamplingOptions
    from musicae.models.checkpoint import Checkpoint

NEW_BARS, NEW_KEY, NEW_METER = 8, Key(0), "4/4"
"""The default length in bars, key and meter of a new piece by a harmonizer."""
MOST_BARS = 1000
"""The most bars of a new piece."""


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
    style: str | None = None,
    form: str | None = None,
) -> list[Piece]:
    """Compose ``n`` new pieces.

    The VAE decodes latent vectors that are sampled from a prior. Bars, key, meter and form that are
    not given are drawn from pieces of the style. A harmonizer fills empty bars; its pieces come
    best first, each with other chords. The autoencoder composes four bars of 4/4, and takes only
    ``n``, ``seed`` and ``temperature``.

    Args:
        n: the number of pieces, 1 to 1000.
        seed: the random seed, 0 or more. The same seed, model and settings give the same pieces.
            The VAE's first pieces are the same for every ``n``.
        temperature: how random the notes are, 0 to 10. 0 takes the likeliest symbols; None takes
            the best value for the model (0.6 for the VAE). For the autoencoder, the distance from
            the average piece: 1, the default, is the distance of Bach's pieces.
        model: ``"vae"``, ``"harmonizer"``, ``"autoencoder"`` or the path of a weights file.
        bars: the number of bars, 1 to 1000; None is 8 for the harmonizer.
        key: the key, such as ``"D minor"``; None is C major for the harmonizer.
        meter: the meter, such as ``"3/4"``; None is 4/4 for the harmonizer.
        prior: only for the VAE: the distribution of the piece's latent vector, ``"normal"`` or
            ``"fitted"`` (to the training pieces of the style); None is ``"fitted"``.
        slide: only for the VAE: attributes to change, each by -4 to 4 of Bach's standard
            deviations, such as ``"activity=+1,chromaticism=-1"`` or ``{"activity": 1}``; also
            ``"mode=minor"``. The attributes are those of ``latent.attributes``.
        style: for the VAE and the harmonizer: one of ``core.constants.STYLES``; None is ``"bach"``
            for the VAE.
        form: only for the VAE: which phrases return, as letters, such as ``"AABA"`` or
            ``"ABABCD"``, with primes for varied returns; see ``encoding.forms.draw_forms``. With
            ``bars``, each phrase needs at least two bars.

    Returns:
        The pieces.

    Raises:
        ChoraleError: if settings are out of range, contradict each other or do not go with the
            model.
        CheckpointError: if the model cannot be loaded or does not compose.

    Example:
        ```python
        pieces = musicae.generate(4, seed=7, bars=8, key="D minor", form="AABA")
        for number, piece in enumerate(pieces, start=1):
            piece.write(f"new-{number}.mid")
        ```
    """
    from musicae.models.checkpoint import load_model

    key = Key.parse(key) if isinstance(key, str) else key
    beats = None if meter is None else Meter.parse(meter)
    if bars is not None and not 1 <= bars <= MOST_BARS:
        raise ChoraleError(f"a new piece has 1 to {MOST_BARS} bars, not {bars}")
    check_number(n)
    check_draws(n, temperature, seed)
    if style is not None and style not in STYLES:
        raise ChoraleError(f"a style is one of {', '.join(STYLES)}, not {style!r}")
    checkpoint = load_model(model)
    if checkpoint.can("latent"):
        return _from_prior(
            checkpoint,
            n,
            seed,
            temperature,
            bars=bars,
            key=key,
            meter=beats,
            prior=prior,
            slide=slide,
            style=style or STYLES[0],
            form=form,
        )
    if prior is not None or slide is not None:
        raise ChoraleError(f"{checkpoint.name} has no prior and no sliders; use vae")
    if form is not None:
        raise ChoraleError(f"{checkpoint.name} cannot follow a form such as AABA; use vae")
    if not checkpoint.can("compose"):
        return _in_empty_bars(
            checkpoint, n, seed, temperature, bars=bars, key=key, meter=beats, style=style
        )
    if style is not None:
        raise ChoraleError(f"{checkpoint.name} has no styles; use vae or harmonizer")
    if not (bars is None and key is None and meter is None):
        raise ChoraleError(
            f"{checkpoint.name} composes four bars of 4/4; --bars, --key and --meter go with"
            " --model vae or harmonizer"
        )
    return _four_bars(checkpoint, n, seed, 1.0 if temperature is None else temperature)


def _from_prior(
    checkpoint: Checkpoint,
    n: int,
    seed: int,
    temperature: float | None,
    *,
    bars: int | None,
    key: Key | None,
    meter: Meter | None,
    prior: str | None,
    slide: Mapping[str, float | str] | str | None,
    style: str,
    form: str | None,
) -> list[Piece]:
    """Decode latent vectors that are sampled from a VAE's prior and shifted by its sliders."""
    from musicae.encoding import forms
    from musicae.latent import compose
    from musicae.latent.space import PRIORS

    prior = prior or compose.USUAL_PRIOR
    if prior not in PRIORS:
        raise ChoraleError(f"a prior is {' or '.join(PRIORS)}, not {prior!r}")
    slides, mode = slides_of(slide, checkpoint.config.sliders)
    if mode and key and key.mode != mode:
        raise ChoraleError(f"{key} and mode={mode} contradict each other")
    drawn = forms.draw_forms(
        n, seed, bars=bars, key=key, meter=meter, mode=mode, style=style, form=form
    )
    sampling = compose.usual_options(seed, temperature)
    composed = compose.compose(checkpoint, drawn, prior, slides, sampling)
    facts = {"prior": prior} | ({"slide": slides} if slides else {})
    titles = [
        f"Chorale in {each.point.form.key}, seed {seed}, number {i}"
        for i, each in enumerate(composed, start=1)
    ]
    return pieces_of(checkpoint, composed, sampling, titles, facts)


def _four_bars(checkpoint: Checkpoint, n: int, seed: int, temperature: float) -> list[Piece]:
    """Decode random values of an autoencoder's bottleneck to four bars each."""
    from musicae.decoding import minibach
    from musicae.decoding.choice import SamplingOptions

    made = minibach.generate(checkpoint, n, temperature, seed)
    facts = provenance_of(checkpoint, SamplingOptions(temperature, seed))
    return [Piece(chorale, facts | {"number": i}) for i, chorale in enumerate(made, start=1)]


def _in_empty_bars(
    checkpoint: Checkpoint,
    n: int,
    seed: int,
    temperature: float | None,
    *,
    bars: int | None,
    key: Key | None,
    meter: Meter | None,
    style: str | None,
) -> list[Piece]:
    """Fill empty bars with a harmonizer."""
    from musicae.decoding.choice import SamplingOptions
    from musicae.decoding.harmonize import usual_temperature
    from musicae.encoding import forms

    form = forms.regular(bars or NEW_BARS, meter or Meter.parse(NEW_METER), key or NEW_KEY)
    form = replace(form, style=style)
    if temperature is None:
        temperature = usual_temperature(checkpoint, n)
    return _fill(checkpoint, n, SamplingOptions(temperature, seed), form)


def _fill(
    checkpoint: Checkpoint, n: int, sampling: SamplingOptions, form: PartialScore
) -> list[Piece]:
    """Fill the empty bars of a form ``n`` times."""
    from musicae.core.constants import DEFAULT_QPM
    from musicae.decoding import harmonize
    from musicae.models.checkpoint import load_model

    (meter,) = form.chorale.meters
    bars = form.chorale.bar_count
    facts = provenance_of(checkpoint, sampling)
    facts |= {"bars": bars, "key": str(form.key), "meter": str(meter)}
    if form.style:
        facts["style"] = form.style
    length = f"{bars} bar{'s' * (bars > 1)} in {form.key}"
    pieces = []
    planner = load_model("planner") if checkpoint.can("fill") else None
    for i, made in enumerate(harmonize.harmonize(checkpoint, form, n, sampling, planner), start=1):
        title = f"{length}, seed {sampling.seed}, number {i}"
        tempos = (Tempo(0, DEFAULT_QPM),)
        chorale = replace(made.chorale, title=title, tempos=tempos)
        provenance = facts | {"number": i}
        if planner and made.plan:
            provenance |= {"planner": planner.checksum, "plan": str(made.plan)}
        pieces.append(Piece(chorale, provenance, made.notices, nats=made.nats, plan=made.plan))
    return pieces
