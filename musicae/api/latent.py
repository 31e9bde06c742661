"""``musicae.interpolate``, ``vary``, ``encode`` and ``decode``: pieces as latent points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.api.options import check_draws
from musicae.api.piece import Piece, notes_digest, provenance_of
from musicae.api.request import voice_of
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import N_VOICES, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import MODES
from musicae.core.meter import Tempo
from musicae.io.base import title_from
from musicae.io.formats import read, read_provenance
from musicae.theory.plan_reading import plan_of

PLAN = "plan"
"""The name by which ``vary`` keeps the chords."""
FARTHEST_SLIDE = 4.0
"""The most standard deviations of a slide, up or down."""
MOST = 1000
"""The most pieces of one call."""

if TYPE_CHECKING:
    from musicae.decoding.choice import SamplingOptions
    from musicae.latent.compose import DecodedPoint
    from musicae.latent.space import LatentPoint
    from musicae.models.checkpoint import Checkpoint


def interpolate(
    one: LatentPoint | Chorale | Path | str,
    other: LatentPoint | Chorale | Path | str,
    n: int = 7,
    *,
    seed: int = 0,
    temperature: float = 0.0,
    model: str = "vae",
) -> list[Piece]:
    """Interpolate between two pieces in the VAE's latent space.

    The first and the last piece are the model's reconstructions of ``one`` and ``other``. The
    pieces of the first half have the bars, meters and phrases of ``one``, those of the second half
    those of ``other``. A file that ``generate``, ``interpolate`` or ``vary`` wrote states its
    latent point, which is used if its notes were not changed since; other music is encoded.

    Args:
        one: the first piece: a chorale in four voices, the path of a MIDI file or a score, or a
            latent point of ``musicae.encode``.
        other: the last piece, in the same forms.
        n: the number of pieces, 3 to 1000; both ends count.
        seed: the random seed, 0 or more. It has no effect at temperature 0.
        temperature: how random the notes are, 0 to 10. 0 takes the likeliest symbols.
        model: ``"vae"`` or the path of the weights file of a VAE.

    Returns:
        The pieces in order, with steps of about the same size between them.

    Raises:
        ChoraleError: if the music or the settings cannot be used.
        CheckpointError: if the model cannot be loaded or is not a VAE.

    Example:
        ```python
        pieces = musicae.interpolate("one.mid", "other.mid", 5)
        pieces[2].write("halfway.mid")
        ```
    """
    from musicae.latent import compose
    from musicae.models.checkpoint import load_model

    check_draws(n, temperature, seed)
    check_number(n)
    if n < 3:
        raise ChoraleError(f"interpolate needs n >= 3 (both ends count), not {n}")
    checkpoint = load_model(model)
    begin, end = _point(checkpoint, one), _point(checkpoint, other)
    choice = compose.usual_options(seed, temperature)
    found = compose.path_between(checkpoint, begin, end, n, choice)
    titles = [f"Step {i} of {n}, {_title(one)} to {_title(other)}" for i in range(1, n + 1)]
    return pieces_of(checkpoint, found, choice, titles, {})


def vary(
    piece: LatentPoint | Chorale | Path | str,
    n: int = 1,
    *,
    amount: float = 0.3,
    keep: Sequence[str] | str = (),
    slide: Mapping[str, float | str] | str | None = None,
    seed: int = 0,
    temperature: float | None = None,
    model: str = "vae",
) -> list[Piece]:
    """Write ``n`` variations of a piece, from points near its own in the VAE's latent space.

    Args:
        piece: a chorale in four voices, the path of a MIDI file or a score, or a latent point; a
            file's own latent point is used as by ``musicae.interpolate``.
        n: the number of variations, 1 to 1000.
        amount: how much changes, 0 to 1. 0 is the model's reconstruction of the piece; 1 is a piece
            that shares only its form.
        keep: what stays unchanged: voices, such as ``"soprano"``, which then get other chords;
            ``"plan"``, the chords, which then get other voices; or both. A text with commas, or a
            list of names.
        slide: attributes to change, each by -4 to 4 of Bach's standard deviations, such as
            ``"activity=+1,chromaticism=-1"`` or ``{"activity": 1}``.
        seed: the random seed, 0 or more. The same seed and settings give the same variations.
        temperature: how random the notes are, 0 to 10. 0 takes the likeliest symbols; None takes
            the best value for the model, 0.6.
        model: ``"vae"`` or the path of the weights file of a VAE.

    Returns:
        The variations.

    Raises:
        ChoraleError: if the music or the settings cannot be used.
        CheckpointError: if the model cannot be loaded or is not a VAE.

    Example:
        ```python
        pieces = musicae.vary("hymn.mid", 3, amount=0.5, keep="soprano")
        pieces[0].write("hymn-varied.mid")
        ```
    """
    from musicae.latent import compose
    from musicae.latent.space import shift
    from musicae.models.checkpoint import load_model

    check_number(n)
    check_draws(n, temperature, seed)
    if not 0 <= amount <= 1:
        raise ChoraleError(f"an amount is 0 to 1, not {amount:g}")
    voices, keeps_plan = _kept(keep)
    checkpoint = load_model(model)
    point = _point(checkpoint, piece)
    slides, mode = slides_of(slide, checkpoint.config.sliders)
    if mode:
        raise ChoraleError("vary keeps the mode of the piece; mode= goes with generate")
    if slides:
        point = shift(checkpoint, point, slides)
    kept = None
    if voices or keeps_plan:
        chorale = _chorale(piece)
        if chorale is None:
            raise ChoraleError("a latent point has no notes to keep; give the piece itself")
        plan = plan_of(chorale, point.form.key) if keeps_plan else None
        kept = compose.Kept(chorale, voices, plan=plan)
    choice = compose.usual_options(seed, temperature)
    found = compose.neighbours(checkpoint, point, n, amount, choice, kept=kept)
    facts: dict[str, Any] = {"amount": amount} | ({"slide": slides} if slides else {})
    if kept:
        facts["keep"] = [*(VOICES[voice].lower() for voice in voices), *[PLAN] * keeps_plan]
    titles = [f"{_title(piece)}, varied, seed {seed}, number {i}" for i in range(1, n + 1)]
    return pieces_of(checkpoint, found, choice, titles, facts)


def encode(piece: Chorale | Path | str, *, model: str = "vae") -> LatentPoint:
    """Encode a chorale in four voices as a point in the VAE's latent space.

    A file that ``generate``, ``interpolate`` or ``vary`` wrote states its latent point, which is
    returned if its notes were not changed since.

    Args:
        piece: a chorale, or the path of a MIDI file or a score.
        model: ``"vae"`` or the path of the weights file of a VAE.

    Returns:
        The latent point: the vectors of the piece and of its beats, and its form.

    Raises:
        ChoraleError: if the music cannot be used.
        CheckpointError: if the model cannot be loaded or is not a VAE.

    Example:
        ```python
        point = musicae.encode("hymn.mid")
        point.latent.beats.shape  # (1, beats, 12)
        ```
    """
    from musicae.models.checkpoint import load_model

    return _point(load_model(model), piece)


def decode(
    point: LatentPoint | Path | str,
    *,
    seed: int | None = None,
    temperature: float | None = None,
    model: str = "vae",
) -> Piece:
    """Decode a latent point to a piece.

    A file of the VAE states its point, seed and temperature; without other values, the same piece
    comes back, unless ``vary`` or ``extend`` kept notes in it.

    Args:
        point: a latent point, or the path of a file that states one.
        seed: the random seed, 0 or more; None takes that of the file, or 0.
        temperature: how random the notes are, 0 to 10. 0 takes the likeliest symbols; None takes
            that of the file, or 0.
        model: ``"vae"`` or the path of the weights file of a VAE.

    Returns:
        The piece.

    Raises:
        ChoraleError: if the file states no latent point of this model, or a setting is out of
            range.
        CheckpointError: if the model cannot be loaded or is not a VAE.

    Example:
        ```python
        point = musicae.encode("hymn.mid")
        piece = musicae.decode(point, seed=7, temperature=0.6)
        ```
    """
    from musicae.latent import compose
    from musicae.latent.space import LatentPoint
    from musicae.models.checkpoint import load_model

    checkpoint = load_model(model)
    seed_of_file, temperature_of_file, number = 0, 0.0, 0
    if not isinstance(point, LatentPoint):
        path, facts = point, read_provenance(point)
        found = _stated_point(checkpoint, facts, path)
        if found is None:
            raise ChoraleError(f"{path}: states no latent point of this model; use musicae.encode")
        point = found
        seed_of_file, temperature_of_file, number = _stated_draw(facts, path)
    seed = seed_of_file if seed is None else seed
    temperature = temperature_of_file if temperature is None else temperature
    check_draws(1, temperature, seed)
    choice = compose.usual_options(seed, temperature)
    (made,) = compose.decode_points(checkpoint, [point], choice, numbers=[number])
    (piece,) = pieces_of(checkpoint, [made], choice, [f"Decoded, seed {seed}"], {})
    return piece


def slides_of(
    slide: Mapping[str, float | str] | str | None, names: Sequence[str]
) -> tuple[dict[str, float], str | None]:
    """The standard deviations by which to move each attribute, and the mode or None.

    ``names`` are the model's sliders. Raises ChoraleError for other names and for amounts beyond
    ``FARTHEST_SLIDE``.
    """
    if isinstance(slide, str):
        parts = [part.partition("=") for part in slide.split(",") if part.strip()]
        slide = {name.strip(): value.strip() for name, _, value in parts}
    asked, mode = dict(slide or {}), None
    if "mode" in asked:
        mode = str(asked.pop("mode"))
        if mode not in MODES:
            raise ChoraleError(f"a mode is {' or '.join(MODES)}, not {mode!r}")
    amounts = {}
    for name, value in asked.items():
        if name not in names:
            raise ChoraleError(f"no slider is called {name!r}; there are {', '.join(names)}, mode")
        try:
            amounts[name] = float(value)
        except ValueError:
            raise ChoraleError(f"{name} changes by a number such as +1, not {value!r}") from None
        if not abs(amounts[name]) <= FARTHEST_SLIDE:
            raise ChoraleError(
                f"{name} changes by {-FARTHEST_SLIDE:g} to {FARTHEST_SLIDE:g},"
                f" not {amounts[name]:g}"
            )
    return amounts, mode


def _kept(keep: Sequence[str] | str) -> tuple[tuple[int, ...], bool]:
    """The voices that are kept, and whether the plan is kept.

    Raises ChoraleError for unknown names, and if nothing is left to vary.
    """
    texts = [keep] if isinstance(keep, str) else keep
    names = {name.strip().lower() for text in texts for name in text.split(",") if name.strip()}
    voices = tuple(sorted(voice_of(name) for name in names - {PLAN}))
    if len(voices) == N_VOICES:
        raise ChoraleError("all voices are kept, so nothing is left to vary; keep fewer")
    return voices, PLAN in names


def _point(checkpoint: Checkpoint, piece: LatentPoint | Chorale | Path | str) -> LatentPoint:
    """The latent point in a piece's file if its notes are unchanged, else the encoded one."""
    from musicae.latent.compose import need_latent_space
    from musicae.latent.space import LatentPoint, encode

    need_latent_space(checkpoint)
    if isinstance(piece, LatentPoint):
        return piece
    where = "" if isinstance(piece, Chorale) else f"{piece}: "
    chorale = _chorale(piece)
    assert chorale is not None
    if not isinstance(piece, Chorale):
        facts = read_provenance(piece)
        stated = _stated_point(checkpoint, facts, piece)
        if stated is not None and facts.get("notes") == notes_digest(chorale):
            return stated
    if len(sounding_voices(chorale)) < N_VOICES:
        raise ChoraleError(
            f"{where}has fewer than four voices; musicae harmonize adds the missing ones"
        )
    try:
        return encode(checkpoint, chorale)
    except ChoraleError as error:
        raise ChoraleError(f"{where}{error}") from None


def _stated_point(
    checkpoint: Checkpoint, facts: Mapping[str, Any], path: Path | str
) -> LatentPoint | None:
    """The latent point that a file's provenance states, if it is one of this model."""
    from musicae.latent.compose import need_latent_space
    from musicae.latent.space import LatentPoint

    if facts.get("checksum") != checkpoint.checksum or "latent" not in facts:
        return None
    try:
        need_latent_space(checkpoint)
        return LatentPoint.from_dict(facts["latent"], checkpoint.config)
    except ChoraleError as error:
        raise ChoraleError(f"{path}: {error}") from None


def _stated_draw(facts: Mapping[str, Any], path: Path | str) -> tuple[int, float, int]:
    """The seed, the temperature and the number of the draw in a file's provenance."""
    try:
        seed, temperature = int(facts["seed"]), float(facts["temperature"])
        number = int(facts["draw"])
        check_draws(1, temperature, min(seed, number))
    except (KeyError, TypeError, ValueError) as error:
        raise ChoraleError(f"{path}: does not state seed, temperature and draw ({error})") from None
    return seed, temperature, number


def _chorale(piece: LatentPoint | Chorale | Path | str) -> Chorale | None:
    """The notes of a piece; None for a latent point, which has none yet."""
    if isinstance(piece, Chorale):
        return piece
    return read(piece) if isinstance(piece, Path | str) else None


def _title(piece: LatentPoint | Chorale | Path | str) -> str:
    if isinstance(piece, Chorale):
        return piece.title or "untitled"
    if isinstance(piece, Path | str):
        return title_from(Path(piece))
    return f"a place in {piece.form.key}"


def pieces_of(
    checkpoint: Checkpoint,
    found: Sequence[DecodedPoint],
    choice: SamplingOptions,
    titles: Sequence[str],
    facts: Mapping[str, Any],
) -> list[Piece]:
    """Decoded points as pieces, with titles, a tempo and the provenance to make them again."""
    from musicae.core.constants import DEFAULT_QPM
    from musicae.encoding.forms import letters_of

    pieces = []
    for i, (each, title) in enumerate(zip(found, titles, strict=True), start=1):
        chorale = replace(each.chorale, title=title)
        if not chorale.tempos:
            chorale = replace(chorale, tempos=(Tempo(0, DEFAULT_QPM),))
        provenance = provenance_of(checkpoint, choice) | dict(facts)
        form = each.point.form
        if form.style:
            provenance["style"] = form.style
        if form.phrases:
            provenance["form"] = letters_of(form)
        provenance |= {
            "number": i,
            "draw": each.number,
            "bars": chorale.bar_count,
            "key": str(form.key),
            "notes": notes_digest(chorale),
            "plan": str(each.plan),
            "latent": each.point.as_dict(),
        }
        pieces.append(Piece(chorale, provenance, each.notices, nats=each.nats, plan=each.plan))
    return pieces


def check_number(n: int) -> None:
    """Raises ChoraleError for more than 1000 pieces."""
    if n > MOST:
        raise ChoraleError(f"at most {MOST} pieces at a time, not {n}")
