"""``musicae.extend``: compose a continuation of a given beginning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicae.api.harmonize import harmonize
from musicae.api.latent import check_number, pieces_of
from musicae.api.options import check_draws
from musicae.api.piece import Piece
from musicae.core.chorale import UNSPELLED, Chorale, sounding_voices
from musicae.core.constants import N_VOICES, REST, STYLES
from musicae.core.errors import ChoraleError
from musicae.io.base import title_from
from musicae.io.formats import read

NOT_KEPT = "its notes are kept on the grid of sixteenths; dynamics, words and other tracks are not"
MOST_BARS = 1000
"""The most bars that can be added."""


def extend(
    beginning: Chorale | Path | str,
    bars: int = 8,
    n: int = 1,
    *,
    form: str | None = None,
    style: str | None = None,
    seed: int = 0,
    temperature: float | None = None,
    model: str = "vae",
) -> list[Piece]:
    """Compose ``n`` pieces that begin with the given music and add some bars to it.

    If the beginning is a melody, its other voices are written first, as by ``musicae.harmonize``.
    The notes of the beginning stay, on the grid of sixteenths. The new music begins after its last
    note, at the same place in the bar as the beginning itself.

    Args:
        beginning: a melody, or a chorale in four voices: a chorale, or the path of a MIDI file or a
            score.
        bars: the number of bars to add, 1 to 1000.
        n: the number of pieces, 1 to 1000.
        form: the phrases of the whole piece as letters, such as ``"AABA"``; the first letters are
            the phrases of the beginning. None draws the form from pieces of the style.
        style: one of ``core.constants.STYLES``; None is ``"bach"``.
        seed: the random seed, 0 or more. The same seed and settings give the same pieces.
        temperature: how random the notes are, 0 to 10. 0 takes the likeliest symbols; None takes
            the best value for the model, 0.6.
        model: ``"vae"`` or the path of the weights file of a VAE.

    Returns:
        The pieces.

    Raises:
        ChoraleError: if the music or the settings cannot be used.
        CheckpointError: if the model cannot be loaded or is not a VAE.

    Example:
        ```python
        (piece,) = musicae.extend("data/melodies/ode_to_joy.mid", bars=8, seed=3)
        piece.write("ode-continued.mid")
        ```
    """
    from musicae.decoding.phrases import phrase_ends
    from musicae.encoding import forms
    from musicae.encoding.continued_form import continued
    from musicae.latent import compose
    from musicae.models.checkpoint import load_model

    check_number(n)
    check_draws(n, temperature, seed)
    if not 1 <= bars <= MOST_BARS:
        raise ChoraleError(f"1 to {MOST_BARS} bars can be added, not {bars}")
    if style is not None and style not in STYLES:
        raise ChoraleError(f"a style is one of {', '.join(STYLES)}, not {style!r}")
    checkpoint = load_model(model)
    compose.need_latent_space(checkpoint)
    begun, notices = _in_four_voices(beginning)
    if not begun.fermatas:
        begun = replace(begun, fermatas=phrase_ends(begun, begun.key))
    known = forms.form_of(begun, begun.key, style or "bach")
    wanted = [continued(begun, known, bars, (seed, number), form) for number in range(n)]
    choice = compose.usual_options(seed, temperature)
    found = compose.going_on(checkpoint, begun, wanted, choice)
    title = begun.title or (
        "Untitled" if isinstance(beginning, Chorale) else title_from(Path(beginning))
    )
    titles = [f"{title}, continued, seed {seed}, number {i}" for i in range(1, n + 1)]
    facts = {"begun": begun.bar_count, "style": style or "bach"}
    pieces = pieces_of(checkpoint, found, choice, titles, facts)
    if not isinstance(beginning, Chorale):
        notices = (*notices, f"{Path(beginning).name}: {NOT_KEPT}")
    return [replace(piece, notices=(*notices, *piece.notices)) for piece in pieces]


def _in_four_voices(beginning: Chorale | Path | str) -> tuple[Chorale, tuple[str, ...]]:
    """The beginning in four voices, up to where new phrases begin, and notices on it."""
    chorale = beginning if isinstance(beginning, Chorale) else _four_voices_of(beginning)
    notices: tuple[str, ...] = ()
    if chorale is None or len(sounding_voices(chorale)) < N_VOICES:
        (piece,) = harmonize(beginning, 1)
        chorale, notices = piece.chorale, piece.notices
        chorale = replace(chorale, key=piece.plan.key if piece.plan else chorale.key)
    return _up_to_the_next_phrase(chorale), notices


def _up_to_the_next_phrase(chorale: Chorale) -> Chorale:
    """The chorale up to the first step after its last note at which a new phrase can begin.

    That step has the same place in the bar as the first note of the piece: a bar line, or a pickup
    before one. Silence after it is cut. Up to a bar of silence is added before it.
    """
    end = int(np.flatnonzero((chorale.pitch != REST).any(axis=1))[-1]) + 1
    index = chorale.measure_index(end - 1)
    measure = chorale.measures[index]
    bar = measure.meter.steps_per_bar
    line = chorale.pickup if index == 0 and chorale.pickup else measure.start
    stop = end + (line - chorale.pickup - end) % bar
    added = max(0, stop - len(chorale))

    def fitted(values: NDArray[Any], silent: int) -> NDArray[Any]:
        return np.pad(values, ((0, added), (0, 0)), constant_values=silent)[:stop]

    return replace(
        chorale,
        pitch=fitted(chorale.pitch, REST),
        onset=fitted(chorale.onset, False),
        meters=tuple(meter for meter in chorale.meters if meter.step < stop),
        tempos=tuple(tempo for tempo in chorale.tempos if tempo.step < stop),
        places=None if chorale.places is None else fitted(chorale.places, UNSPELLED),
    )


def _four_voices_of(path: Path | str) -> Chorale | None:
    """The chorale of a file; None if it cannot be read as one."""
    try:
        return read(path)
    except ChoraleError:
        return None  # ``harmonize`` then finds the melody, or raises an error
