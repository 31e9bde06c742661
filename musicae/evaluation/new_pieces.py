"""Measure new pieces and a side of a corpus: a table with one row for each measure."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import N_VOICES, STEPS_PER_QUARTER
from musicae.core.errors import MusicaeError
from musicae.core.key import Key
from musicae.decoding.phrases import phrase_ends
from musicae.evaluation import dissonance, returns, two_sample
from musicae.evaluation.comparison import Group
from musicae.evaluation.measure import Measures, measure
from musicae.evaluation.melody import CONTOURS, MelodyModel, Shape
from musicae.evaluation.table import RULE_GROUPS
from musicae.latent.distance import distance
from musicae.theory.function import cadence_kinds, last_chord

TRAIN = "the train side"
"""The name of the train side's melodies."""
TAIL = 0.95
NO_CADENCE = "other"
PERCENT = "%"


class Row(NamedTuple):
    """A measure of new pieces and of a side of the corpus; None if it has no value."""

    measure: str
    draws: float | None
    side: float | None
    unit: str = ""
    """``PERCENT`` for a share from 0 to 1 that is shown in percent."""
    note: str = ""
    """Text after the value of the new pieces."""

    def texts(self) -> tuple[str, str, str]:
        """The cells of the table."""
        draws, side = (_text(value, self.unit) for value in (self.draws, self.side))
        return self.measure, f"{draws} {self.note}".strip(), side


def table(
    pieces: Sequence[Chorale],
    side: Group,
    train: Sequence[Chorale],
    melodies: Mapping[str, Sequence[Chorale]] | None = None,
) -> list[Row]:
    """Measure pieces and a side of the corpus, in one process.

    Pieces with a silent voice are left out. Shared passages are searched in ``train``, the train
    side, and a ``MelodyModel`` is fitted on it; one more is fitted on each set of ``melodies``, by
    name. The two-sample test is left out if one of the sets has too few pieces. Raises MusicaeError
    if no piece is left, if the side is empty, or if scikit-learn is missing.
    """
    sung = [piece for piece in pieces if len(sounding_voices(piece)) == N_VOICES]
    if not sung:
        raise MusicaeError("no piece in four voices is left to measure")
    if not side.chorales:
        raise MusicaeError(f"{side.name}: has no chorale")
    measured = measure([*sung, *side.chorales], train, workers=1)
    models = {TRAIN: MelodyModel.fit(train)}
    models |= {name: MelodyModel.fit(fitted) for name, fitted in (melodies or {}).items()}
    draws = figures(sung, measured[: len(sung)], models)
    corpus = figures(side.chorales, measured[len(sung) :], models, side.keys)
    rows = [Row(name, value, corpus[name][0], unit) for name, (value, unit) in draws.items()]
    apart = _apart(measured[: len(sung)], measured[len(sung) :], side)
    return [rows[0], *apart, *rows[1:]]


def figures(
    chorales: Sequence[Chorale],
    measured: Sequence[Measures],
    models: Mapping[str, MelodyModel],
    keys: Sequence[Key] = (),
) -> dict[str, tuple[float | None, str]]:
    """The measures of chorales in four voices by name, each with its unit; see ``Row``.

    ``measured`` are their results of ``evaluation.measure``. ``models`` are models of melodies by
    name. ``keys`` are the keys of the chorales; the default is the stated key or the most probable
    one. A chorale without fermatas has the phrase ends that the phrase segmenter finds.
    """
    marked = [
        chorale if chorale.fermatas else replace(chorale, fermatas=phrase_ends(chorale))
        for chorale in chorales
    ]
    known: Sequence[Key | None] = keys or [None] * len(chorales)
    ends = [last_chord(*each) for each in zip(chorales, known, strict=True)]
    found: dict[str, tuple[float | None, str]] = {
        "pieces": (len(chorales), ""),
        "length in quarters, median": (
            float(np.median([len(chorale) for chorale in chorales])) / STEPS_PER_QUARTER,
            "",
        ),
        "Bach-likeness, median": (float(np.median([each.grade for each in measured])), ""),
        "phrases that end in a cadence": (cadence_share(marked), PERCENT),
        "pieces that end on their tonic": (
            float(np.mean([end.is_tonic for end in ends])),
            PERCENT,
        ),
    }
    chords = sum(each.chords for each in measured)
    for name, rules in RULE_GROUPS.items():
        broken = sum(each.broken[rule] for each in measured for rule in rules)
        found[f"{name} in 100 chords"] = 100 * broken / chords, ""
    rates = dissonance.rates(chorales)
    found["suspensions in 100 chords"] = rates.suspensions, ""
    found["dominant sevenths in 100 chords"] = rates.dominant_sevenths, ""
    found["dominant sevenths that fall by step"] = rates.resolved, PERCENT
    shared = [each.shared for each in measured]
    sopranos = [each.shared_soprano for each in measured]
    found["beats shared with the train side, 95th percentile"] = _tail(shared), ""
    found["beats of the soprano shared with it, 95th percentile"] = _tail(sopranos), ""
    nearest = _distances(chorales)
    found["distance of two pieces in semitones a voice, mean"] = nearest[0], ""
    found["distance of the nearest two"] = nearest[1], ""
    return found | _of_returns(chorales) | _of_melodies(marked, models)


def cadence_share(chorales: Sequence[Chorale]) -> float:
    """The share of phrases that end in a cadence, 0 to 1; phrases as in ``cadences.cadences``."""
    kinds: Counter[str] = Counter()
    for chorale in chorales:
        kinds.update({str(kind): count for kind, count in cadence_kinds(chorale).items()})
    return 1 - kinds[NO_CADENCE] / max(1, kinds.total())


def markdown(rows: Sequence[Row], side: str) -> str:
    """The table in Markdown; ``side`` is the title of the side's column."""
    lines = [f"| measure | draws | {side} |", "| --- | ---: | ---: |"]
    return "\n".join([*lines, *(f"| {' | '.join(row.texts())} |" for row in rows)])


def _apart(draws: Sequence[Measures], corpus: Sequence[Measures], side: Group) -> list[Row]:
    """The two-sample test; pieces have a group each, chorales of the side are grouped by tune."""
    if min(len(draws), len(set(side.belongs))) < two_sample.FOLDS:
        return []
    own = [("draw", number) for number in range(len(draws))]
    one, other = ([each.traits for each in measured] for measured in (draws, corpus))
    apart = two_sample.tell_apart(one, other, (own, side.belongs))
    low, high = apart.interval
    note = f"[{low:.2f}, {high:.2f}]; {', '.join(apart.telling)}"
    return [Row("two-sample AUC", apart.auc, None, note=note)]


def _of_returns(chorales: Sequence[Chorale]) -> dict[str, tuple[float | None, str]]:
    like = returns.likeness(chorales)
    voices = like.voices[1:] if like else [None] * (N_VOICES - 1)
    return {
        "pieces in which a phrase returns": (returns.return_share(chorales), PERCENT),
        "returns: steps alike in all voices": (like.all_voices if like else None, PERCENT),
        **{
            f"returns: steps alike in the {name}": (share, PERCENT)
            for name, share in zip(("alto", "tenor", "bass"), voices, strict=True)
        },
    }


def _of_melodies(
    chorales: Sequence[Chorale], models: Mapping[str, MelodyModel]
) -> dict[str, tuple[float | None, str]]:
    found: dict[str, tuple[float | None, str]] = {}
    for name, model in models.items():
        nats = [model.surprise(chorale) for chorale in chorales]
        found[f"surprise of the soprano, nats a note, melodies of {name}"] = _mean(nats), ""
    shapes = [Shape.of(chorale) for chorale in chorales]
    found["range of the soprano in semitones, mean"] = _mean([s.semitones for s in shapes]), ""
    found["repeated notes of the soprano"] = _mean([s.repeated for s in shapes]), PERCENT
    found["climax of the soprano, 0 to 1, mean"] = _mean([s.climax for s in shapes]), ""
    found["times at the climax, mean"] = _mean([s.peaks for s in shapes]), ""
    phrases = sum(sum(shape.contours.values()) for shape in shapes)
    for name in CONTOURS:
        count = sum(shape.contours[name] for shape in shapes)
        found[f"phrases: {name}"] = count / phrases if phrases else None, PERCENT
    return found


def _distances(chorales: Sequence[Chorale]) -> tuple[float | None, float | None]:
    """The mean and the least distance over all pairs; None if there is only one chorale."""
    pairs = [distance(a, b) for a, b in itertools.combinations(chorales, 2)]
    return (_mean(pairs), min(pairs)) if pairs else (None, None)


def _tail(values: Sequence[float]) -> float:
    return float(np.quantile(values, TAIL))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _text(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == PERCENT:
        return f"{100 * value:.1f}%"
    return str(value) if isinstance(value, int) else f"{value:.2f}"
