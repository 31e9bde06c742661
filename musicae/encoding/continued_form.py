"""The form of a piece that goes on from a given beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST, SOPRANO
from musicae.core.errors import ChoraleError
from musicae.core.meter import Meter
from musicae.encoding import forms
from musicae.encoding.partial_score import PartialScore
from musicae.theory.form import EVERY_VOICE, FormPhrase, Return, parse_letters, phrases_of


def continued(
    beginning: Chorale,
    form: PartialScore,
    bars: int,
    seed: Sequence[int],
    letters: str | None = None,
) -> PartialScore:
    """The form of a piece that goes on for ``bars`` bars after a beginning.

    New phrases are as long as the last one of the beginning, in whole bars, and end where it ends;
    the last one is longer or shorter where the bars do not come out.
    Which of them return is asked for by the letters of the whole piece, such as ``AABA``, whose
    first ones are those of the beginning; else it is drawn, by ``seed``, from pieces of the same
    style whose phrases begin as those of the beginning do.

    Args:
        beginning: ends where a new phrase can begin.
        form: that of the beginning; its phrases are known.

    Raises ChoraleError where letters and bars, or letters and the phrases there are, do not fit.
    """
    begun = len(beginning)
    meter = beginning.measures[-1].meter
    bar = meter.steps_per_bar
    ends = list(form.phrases or [begun - 1])
    starts = _starts(beginning, ends)
    length = max(1, round((begun - starts[-1]) / bar)) * bar
    last = max(0, length - (begun - ends[-1]))
    wanted = None if letters is None else parse_letters(letters)
    count = max(1, round(bars * bar / length))
    if wanted is not None:
        count = len(wanted) - len(ends)
        if not 1 <= count <= bars:
            raise ChoraleError(
                f"{letters} has {len(wanted)} phrases, the beginning has {len(ends)} and"
                f" {bars} bars are to come; ask for other letters or more bars"
            )
        length = bars // count * bar
        last = max(0, length - (begun - ends[-1]))
    stop = begun + bars * bar
    new = [begun + number * length for number in range(count)]
    stops = [*new[1:], stop]
    new_ends = [start + last for start in new]
    new_ends[-1] = max(new[-1], stop - (length - last))
    pattern = wanted or _drawn(phrases_of(ends, form.returns), count, form.style, seed)
    spans = [*pairwise([*starts, begun]), *zip(new, stops, strict=True)]
    returns = [*form.returns]
    for number in range(len(starts), len(spans)):
        returns += _return(pattern[number], spans, number, meter, new_ends[-1])
    silence = np.full((stop, N_VOICES), REST)
    nothing = np.zeros(silence.shape, dtype=np.bool_)
    longer = replace(beginning, pitch=silence, onset=nothing, fermatas=(), source="", places=None)
    return replace(
        form,
        chorale=longer,
        known=nothing,
        phrases=(*ends, *new_ends),
        returns=tuple(returns),
    )


def _starts(beginning: Chorale, ends: Sequence[int]) -> list[int]:
    """The step at which each phrase begins: with the soprano's first note after the last end."""
    onsets = np.flatnonzero(beginning.onset[:, SOPRANO])
    later = [onsets[onsets > end] for end in ends[:-1]]
    return [
        0,
        *(int(after[0]) if after.size else end for after, end in zip(later, ends, strict=False)),
    ]


def _drawn(
    begun: Sequence[FormPhrase], count: int, style: str | None, seed: Sequence[int]
) -> list[FormPhrase]:
    """The phrases of a whole piece, as a piece of this style has them; new ones if none has."""
    size = len(begun)
    patterns = [
        phrases_of(form.phrases or (), form.returns) for form in forms.of_style(style or "bach")
    ]
    fitting = [p for p in patterns if len(p) >= size + count and list(p[:size]) == list(begun)]
    if not fitting:
        return [*begun, *[FormPhrase(None, False)] * count]
    chosen = np.random.default_rng(seed).integers(len(fitting))
    return list(fitting[chosen][: size + count])


def _return(
    phrase: FormPhrase,
    spans: Sequence[tuple[int, int]],
    number: int,
    meter: Meter,
    last_end: int,
) -> list[Return]:
    """What of a phrase returns, if anything does: nothing where the bars would not match."""
    if phrase.source is None:
        return []
    start, stop = spans[number]
    source, source_stop = spans[phrase.source]
    stop = start + min(stop - start, source_stop - source)
    if number == len(spans) - 1:
        stop = min(stop, forms.free_from(start, last_end, meter))
    if (start - source) % meter.steps_per_bar or stop <= start or source + stop - start > start:
        return []
    return [Return(start, stop, source, (SOPRANO,) if phrase.varied else EVERY_VOICE)]
