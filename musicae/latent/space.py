"""Points in the VAE's latent space: encode, sample, interpolate and shift them.

A point is a piece's latent vector and the vectors of its beats, with the form of the piece. Its
numbers are rounded to half precision, so a point that was saved in a file decodes to the same
music.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Floats32
from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.decoding.levers import LEVERS, NEUTRAL
from musicae.encoding import forms
from musicae.encoding.batches import beat_batch, concatenate_beats
from musicae.encoding.notes import notes_of
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.plan_features import style_number
from musicae.encoding.tokens import ALL_VOICES
from musicae.latent.plans import beats_again
from musicae.latent.prior import Draw, sample_beats
from musicae.models.batches import Again, Latent
from musicae.models.checkpoint import Checkpoint
from musicae.models.configs import ChoraleVAEConfig
from musicae.theory.harmonic_plan import beats_of
from musicae.theory.plan_reading import plan_of

DRAWN_BLUR = 0.5
"""The blur at which new pieces are closest to Bach on the validation side."""
VARIED = 0.7
"""The weight of the earlier vectors in a varied return, 0 to 1; see ``models.batches.Again``."""
PRIORS = ("normal", "fitted")
"""The distributions of a piece's vector: N(0, I), or a normal distribution fitted to the posteriors
of the training pieces of the same style."""
NEARLY_STRAIGHT = 1e-3
"""The sine of an angle below which vectors count as parallel."""
TINY = 1e-8
"""The least product of lengths, to divide by it."""


@dataclass(frozen=True, eq=False)
class LatentPoint:
    """The latent vectors of one piece, rounded to half precision, and its form."""

    form: PartialScore
    """The form of the piece: meters, length, phrases, key and returning passages."""
    latent: Latent
    """The vector of the piece, ``(1, Z)``, and those of its beats, ``(1, M, Y)``; float32."""
    blur: float = 0.0
    """How uncertain the beats' vectors are; see ``ChoraleVAE.condition``. 0 for encoded music,
    ``DRAWN_BLUR`` for vectors from the prior, which is less exact."""
    levers: tuple[float, ...] = NEUTRAL
    """The amounts of ``decoding.levers.LEVERS``, which sliders change."""

    def __post_init__(self) -> None:
        rounded = Latent(*(_rounded(part).astype(np.float32) for part in self.latent))
        object.__setattr__(self, "latent", rounded)

    def as_dict(self) -> dict[str, Any]:
        """The point as plain texts, numbers, lists and dicts, for JSON; vectors as base64."""
        return {
            "form": forms.as_dict(self.form),
            "piece": _to_text(self.latent.piece[0]),
            "beats": _to_text(self.latent.beats[0]),
            "blur": self.blur,
            "levers": list(self.levers),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any], config: ChoraleVAEConfig) -> LatentPoint:
        """The point in a dict, as ``as_dict`` returns it.

        Args:
            facts: the dict.
            config: the config of the VAE, which gives the sizes of the vectors.

        Returns:
            The point.

        Raises:
            ChoraleError: if ``facts`` is not a point, or is a point of another model.
        """
        try:
            form = forms.from_dict(facts["form"])
            piece, beats = _from_text(facts["piece"]), _from_text(facts["beats"])
            blur, levers = float(facts["blur"]), tuple(map(float, facts["levers"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ChoraleError(f"this is not a latent point ({error})") from None
        count = len(beats_of(form.chorale))
        if (
            len(levers) != len(LEVERS)
            or piece.size != config.piece
            or beats.size != count * config.beat
        ):
            raise ChoraleError("its latent vectors are those of another model")
        return cls(form, Latent(piece[None], beats.reshape(1, count, config.beat)), blur, levers)


def encode(model: Checkpoint, chorale: Chorale, form: PartialScore | None = None) -> LatentPoint:
    """Encode a chorale as a point: the mean of its posterior.

    ``form`` None takes the chorale's form without returning passages. The vectors already hold
    these passages; copying them would also copy errors of the reconstruction.

    Raises ChoraleError if a note is outside its voice's range.
    """
    form = form or replace(forms.form_of(chorale), returns=())
    whole = PartialScore.of(
        chorale,
        voices=ALL_VOICES,
        key=form.key,
        phrases=form.phrases,
        plan=plan_of(chorale, form.key),
        style=form.style,
    )
    piece = beat_batch(whole, model.config)
    tokens, _, context, tonic = piece.masked
    notes = notes_of(tokens, np.array(model.config.lowest))
    found = model.run("encode", notes=notes, tonic=tonic, context=context, beats=piece.beats)
    return LatentPoint(form, Latent(*found))


def sample(
    model: Checkpoint,
    wanted: Sequence[PartialScore],
    prior: str,
    seeds: Sequence[tuple[int, ...]],
    begun: LatentPoint | None = None,
) -> list[LatentPoint]:
    """Sample a random point for each form.

    The piece's vector is drawn from ``prior``, the beats' vectors from the learned prior. The beats
    of a passage that returns get the vectors of the earlier passage, or near ones (``VARIED``) if
    only some voices return.

    Args:
        model: a VAE.
        wanted: the forms.
        prior: one of ``PRIORS``.
        seeds: the seed of each form; its random numbers depend on nothing else.
        begun: a point whose vectors of the piece and of the first beats are used; None draws all.
    """
    pieces = concatenate_beats([beat_batch(form, model.config) for form in wanted])
    counts = (pieces.beats.max(axis=1) + 1).tolist()
    config, shape = model.config, (len(wanted), max(counts))
    whole = np.zeros((len(wanted), config.piece), dtype=np.float32)
    chance = np.zeros(shape, dtype=np.float32)
    noise = np.zeros((*shape, config.beat), dtype=np.float32)
    again = Again(np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32))
    for i, (form, count, seed) in enumerate(zip(wanted, counts, seeds, strict=True)):
        numbers = np.random.default_rng(seed)
        whole[i] = numbers.standard_normal(config.piece)
        noise[i, :count] = numbers.standard_normal((count, config.beat))
        chance[i, :count] = numbers.random(count)
        for beat, source, exact in beats_again(form):
            again.source[i, beat], again.share[i, beat] = source, 1.0 if exact else VARIED
    if prior == "fitted":
        styles = [style_number(form.style) for form in wanted]
        tensors = model.tensors
        whole = tensors["latent_mean"][styles] + whole @ tensors["latent_spread"].T
    if begun is not None:
        whole = np.broadcast_to(begun.latent.piece, whole.shape)
    first = None if begun is None else begun.latent.beats
    latent = sample_beats(model, Draw(whole, chance, noise, again, first), pieces)
    return [
        LatentPoint(
            form, Latent(latent.piece[i : i + 1], latent.beats[i : i + 1, :count]), DRAWN_BLUR
        )
        for i, (form, count) in enumerate(zip(wanted, counts, strict=True))
    ]


def interpolate(
    model: Checkpoint, one: LatentPoint, other: LatentPoint, share: float, own_form: bool = False
) -> LatentPoint:
    """The point at ``share``, 0 to 1, from ``one`` to ``other``, by spherical interpolation.

    The centre is the mean of the training pieces (White 2016, *Sampling Generative Networks*). The
    form is that of the nearer point; with ``own_form``, that of ``one``. Beats are matched by their
    relative position in the piece.
    """
    nearer = one if share < 0.5 or own_form else other
    count = nearer.latent.beats.shape[1]
    (a, a_beats), (b, b_beats) = (_stretched(point.latent, count) for point in (one, other))
    centre, middle = model.tensors["latent_mean"][0], model.tensors["beat_mean"]
    piece = _arc(a - centre, b - centre, share) + centre
    a_flat, b_flat = ((beats - middle).reshape(1, -1) for beats in (a_beats, b_beats))
    beats = _arc(a_flat, b_flat, share).reshape(a_beats.shape)
    blur = (1 - share) * one.blur + share * other.blur
    levers = tuple(
        (1 - share) * a + share * b for a, b in zip(one.levers, other.levers, strict=True)
    )
    return LatentPoint(nearer.form, Latent(piece, beats + middle), blur, levers)


def shift(model: Checkpoint, point: LatentPoint, slides: Mapping[str, float]) -> LatentPoint:
    """Shift a point along the directions of sliders.

    ``slides`` has the amounts by the names in ``model.config.sliders``, in standard deviations of
    each attribute in Bach's chorales.
    """
    directions = model.tensors["directions"]
    move = np.zeros(directions.shape[1], dtype=np.float32)
    for name, amount in slides.items():
        move = move + np.float32(amount) * directions[model.config.sliders.index(name)]
    return moved(point, move)


def moved(point: LatentPoint, move: Floats32) -> LatentPoint:
    """A point with ``move`` ``(Y + levers,)`` added to all its beats' vectors and to its levers."""
    size = point.latent.beats.shape[-1]
    levers = tuple(a + b for a, b in zip(point.levers, move[size:].tolist(), strict=True))
    latent = Latent(point.latent.piece, point.latent.beats + move[:size])
    return replace(point, latent=latent, levers=levers)


def _stretched(latent: Latent, count: int) -> Latent:
    """The vectors with ``count`` beats, each taken from the same relative position in the piece."""
    index = (np.arange(count) * latent.beats.shape[1]) // count
    return Latent(latent.piece, latent.beats[:, index])


def _arc(one: Floats32, other: Floats32, share: float) -> Floats32:
    """Spherical interpolation about 0 of vectors ``(1, D)``; linear if they are parallel."""
    lengths = np.maximum(np.linalg.norm(one) * np.linalg.norm(other), TINY)
    angle = np.arccos(np.clip((one * other).sum() / lengths, -1, 1))
    if np.sin(angle) < NEARLY_STRAIGHT:
        return one + np.float32(share) * (other - one)
    turned = np.sin((1 - share) * angle) * one + np.sin(share * angle) * other
    found: Floats32 = (turned / np.sin(angle)).astype(np.float32)
    return found


def _rounded(numbers: Floats32) -> NDArray[np.float16]:
    return numbers.astype(np.float16)


def _to_text(numbers: Floats32) -> str:
    return base64.b64encode(_rounded(numbers).tobytes()).decode("ascii")


def _from_text(text: str) -> Floats32:
    return np.frombuffer(base64.b64decode(text), dtype=np.float16).astype(np.float32)
