"""The form of a piece that continues a given beginning."""

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
    """The form of a piece that continues a beginning for ``bars`` bars.

    New phrases have the length of the last phrase of the beginning, in whole bars, and their last
    notes are at the same place. If the bars cannot be divided so, the last phrase is longer or
    shorter. The letters of the whole piece say which phrases return. Without letters, the returns
    are drawn from pieces of the same style whose first phrases return as those of the beginning.

    Args:
        beginning: the music so far; a new phrase can begin at its end.
        form: the form of the beginning, with known phrases.
        bars: the number of bars that follow.
        seed: numbers that decide the drawn returns.
        letters: the form of the whole piece, such as ``AABA``; its first letters are those of the
            beginning.

    Raises ChoraleError if the letters do not fit the bars or the phrases of the beginning.
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
                f"the form {letters} does not fit: it has {len(wanted)} phrase"
                f"{'s' * (len(wanted) > 1)} in all, the beginning has {len(ends)}, and {bars} bars"
                " follow; give letters for at least one new phrase, and at least one bar for each"
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
    """The first step of each phrase: the soprano's first onset after the end of the one before."""
    onsets = np.flatnonzero(beginning.onset[:, SOPRANO])
    later = [onsets[onsets > end] for end in ends[:-1]]
    return [
        0,
        *(int(after[0]) if after.size else end for after, end in zip(later, ends, strict=False)),
    ]


def _drawn(
    begun: Sequence[FormPhrase], count: int, style: str | None, seed: Sequence[int]
) -> list[FormPhrase]:
    """The phrases of a whole piece, drawn from pieces of a style that begin with ``begun``.

    If no such piece has ``count`` phrases more, none of the new phrases returns.
    """
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
    """The passage of a phrase that returns, if any; none if the bar lines would not match."""
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
