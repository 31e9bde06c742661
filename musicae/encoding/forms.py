"""Forms: meter, length, key, style, phrases and returns of a piece to compose.

A form is a ``PartialScore`` without known notes. The forms of the training pieces, Bach's and
others', ship with the package; ``scripts/make_reference.py`` writes them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from musicae.core import assets
from musicae.core.chorale import Chorale
from musicae.core.constants import MOST_STEPS, N_VOICES, REST, SOPRANO, STEPS_PER_WHOLE, STYLES
from musicae.core.errors import ChoraleError
from musicae.core.files import whole_file
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.encoding.partial_score import PartialScore
from musicae.theory.form import (
    EVERY_VOICE,
    FormPhrase,
    Return,
    letters,
    parse_letters,
    phrases_of,
    returns_of,
)
from musicae.theory.key_finding import likely_key

FEWEST_BARS, MOST_BARS = 4, 64
"""The range of lengths of the pieces whose forms ship with the package."""
USUAL_BARS, USUAL_METER = 12, Meter(0, 4, 4)
LONGEST_USUAL_BAR = 24
"""In steps: a bar of 6/4. A new form has a meter with longer bars only if it is requested."""
SHORTEST_PHRASE = 2
"""The least number of bars of a phrase in a form that is given by letters."""
CADENCE_BEATS = 2
"""The number of beats before the last note of a piece in which the last phrase does not return."""


def form_of(chorale: Chorale, key: Key | None = None, style: str | None = None) -> PartialScore:
    """The form of a chorale; its phrases end at its fermatas, if it has any."""
    returns = returns_of(chorale, chorale.fermatas)
    return PartialScore.of(chorale, key=key or likely_key(chorale), style=style, returns=returns)


def with_form(chorale: Chorale, form: PartialScore) -> Chorale:
    """A chorale in the key of a form, with fermatas where its phrases end on a note."""
    ends = tuple(step for step in form.phrases or () if chorale.onset[step, 0])
    return replace(chorale, key=form.key, fermatas=ends)


def letters_of(form: PartialScore) -> str:
    """The phrases of a form as letters, such as ``AA'BA``; empty if they are unknown."""
    return letters(phrases_of(form.phrases or (), form.returns))


def empty(bars: int, meter: Meter, key: Key) -> PartialScore:
    """A form of ``bars`` bars without a pickup, whose phrases are unknown."""
    shape = (bars * meter.steps_per_bar, N_VOICES)
    nothing = np.zeros(shape, dtype=np.bool_)
    return PartialScore(
        Chorale(np.full(shape, REST), nothing, meters=(meter,), key=key), nothing, key
    )


def regular(bars: int, meter: Meter, key: Key) -> PartialScore:
    """A form of ``bars`` bars without a pickup, in phrases of two bars.

    Phrases have four bars if a bar is shorter than a whole note. The last phrase may be shorter.
    """
    each = _usual_phrase(meter)
    last_bars = sorted({*range(each - 1, bars, each), bars - 1})
    length = meter.steps_per_bar
    return replace(empty(bars, meter, key), phrases=tuple(bar * length for bar in last_bars))


def of_letters(
    phrases: Sequence[FormPhrase], bars: int | None, meter: Meter, key: Key
) -> PartialScore:
    """A form without a pickup whose phrases return as in ``phrases``.

    See ``theory.form.parse_letters``. Without ``bars``, phrases are as long as in a ``regular``
    form. Otherwise the bars are divided as evenly as possible; phrases of one letter have the same
    length, and the last phrase gets the remaining bars. An exact return is the whole phrase in all
    voices, a varied return is the whole phrase in the soprano.

    A piece closes on its tonic, but the source of its last phrase need not. So if the last phrase
    returns, it returns only up to the step of ``free_from``.

    Raises ChoraleError if there are fewer than ``SHORTEST_PHRASE`` bars for each phrase.
    """
    count = len(phrases)
    bars = count * _usual_phrase(meter) if bars is None else bars
    if bars < SHORTEST_PHRASE * count:
        raise ChoraleError(
            f"{letters(phrases)} has {count} phrase{'s' * (count > 1)} of at least"
            f" {SHORTEST_PHRASE} bars each; ask for {SHORTEST_PHRASE * count} bars or more,"
            f" not {bars}"
        )
    length = meter.steps_per_bar
    lengths = [length * each for each in _divided(phrases, bars)]
    starts = [0, *accumulate(lengths)]
    ends = [stop - length for stop in starts[1:]]
    returns = []
    for number, (source, varied) in enumerate(phrases):
        if source is None:
            continue
        start = starts[number]
        stop = start + lengths[source]
        if number == count - 1:
            stop = min(stop, free_from(start, ends[-1], meter))
        voices = (SOPRANO,) if varied else EVERY_VOICE
        returns.append(Return(start, stop, starts[source], voices))
    return replace(empty(bars, meter, key), phrases=tuple(ends), returns=tuple(returns))


def free_from(start: int, end: int, meter: Meter) -> int:
    """The step at which the return of the last phrase of a piece must stop.

    The phrase begins at ``start``, and its last note at ``end``. The step is ``CADENCE_BEATS``
    beats before this note, or in the middle between ``start`` and ``end`` if this is later.
    """
    length = end - start
    return start + max(length - int(CADENCE_BEATS * meter.steps_per_beat), length // 2, 1)


def as_dict(form: PartialScore) -> dict[str, Any]:
    """A form as values that JSON can store; all times are in steps."""
    chorale = form.chorale
    return {
        "steps": len(chorale),
        "pickup": chorale.pickup,
        "meters": [[m.step, m.numerator, m.denominator] for m in chorale.meters],
        "key": [form.key.fifths, form.key.mode],
        "phrases": None if form.phrases is None else list(form.phrases),
        "style": form.style,
        "returns": [[*passage[:3], list(passage.voices)] for passage in form.returns],
    }


def from_dict(facts: Mapping[str, Any]) -> PartialScore:
    """The inverse of ``as_dict``; style and returns may be missing, as in older files.

    Raises ChoraleError if ``facts`` do not describe a form.
    """
    try:
        steps = int(facts["steps"])
        if steps > MOST_STEPS:
            raise ChoraleError(f"a piece can have up to {MOST_STEPS} steps, this has {steps}")
        shape = (steps, N_VOICES)
        nothing = np.zeros(shape, dtype=np.bool_)
        key = Key(*facts["key"])
        meters = tuple(Meter(*meter) for meter in facts["meters"])
        silence = Chorale(
            np.full(shape, REST), nothing, meters=meters, key=key, pickup=int(facts["pickup"])
        )
        phrases = facts["phrases"]
        returns = tuple(
            Return(int(start), int(stop), int(source), tuple(voices))
            for start, stop, source, voices in facts.get("returns", ())
        )
        return PartialScore(
            silence,
            nothing,
            key,
            None if phrases is None else tuple(phrases),
            style=facts.get("style"),
            returns=returns,
        )
    except ChoraleError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise ChoraleError(f"this is not the form of a piece ({error!r})") from None


def save_forms(forms: Iterable[PartialScore], path: Path) -> None:
    """Write the forms that have ``FEWEST_BARS`` to ``MOST_BARS`` bars to a file.

    Equal forms are written once, with their ``count``. If writing fails, the old file stays.
    """
    lines = Counter(
        json.dumps(as_dict(form), separators=(",", ":"))
        for form in forms
        if FEWEST_BARS <= form.chorale.bar_count <= MOST_BARS
    )
    text = ",\n".join(
        f'{{"count":{count},{line[1:]}' if count > 1 else line for line, count in lines.items()
    )
    with whole_file(path) as partial:
        partial.write_text(f"[\n{text}\n]\n", encoding="utf-8")


@cache
def of_style(style: str) -> tuple[PartialScore, ...]:
    """The forms of a style, one of ``STYLES``, that ship with the package.

    A form that several pieces have is listed once for each piece.
    """
    every = json.loads(assets.FORMS.read_text(encoding="utf-8"))
    found = [facts for facts in every if facts["style"] == style]
    return tuple(
        form for facts in found for form in [from_dict(facts)] * int(facts.get("count", 1))
    )


def draw_forms(
    n: int,
    seed: int,
    *,
    bars: int | None = None,
    key: Key | None = None,
    meter: Meter | None = None,
    mode: str | None = None,
    style: str = "bach",
    form: str | None = None,
) -> list[PartialScore]:
    """``n`` random forms of pieces of a style; None for an argument leaves it open.

    Forms are drawn from those that ship with the package. If none fits, a form of the other mode is
    used; else, without letters, a form of another style; else a new form, ``regular`` or
    ``of_letters``, with the key and, if none is given, the meter of a piece of the style. Form
    ``i`` depends only on ``seed`` and ``i``.

    Args:
        n: the number of forms.
        seed: the seed of the random numbers.
        bars: the number of bars. A pickup and the short last bar that completes it count as one.
        key: the key.
        meter: the meter of the whole piece.
        mode: major or minor, if no key is given.
        style: one of ``STYLES``.
        form: letters, such as ``AABA``.

    Raises ChoraleError for an unknown style, for letters that are no form, and for fewer bars than
    the letters need.
    """
    if style not in STYLES:
        raise ChoraleError(f"a style is one of {', '.join(STYLES)}, not {style!r}")
    wanted = None if form is None else parse_letters(form)
    mode = key.mode if key else mode
    shipped = [
        each
        for each in of_style(style)
        if wanted in (None, phrases_of(each.phrases or (), each.returns))
    ]
    others = [] if wanted else [each for name in STYLES for each in of_style(name)]
    fitting = _fitting(shipped, bars, meter, mode) or _fitting(others, bars, meter, mode)
    like = fitting or _fitting(of_style(style), None, None, mode)
    drawn = [like[np.random.default_rng([seed, i]).integers(len(like))] for i in range(n)]
    if not fitting:
        drawn = [_made(each, bars, meter, wanted) for each in drawn]
    return [_as_asked(each, key, mode, style) for each in drawn]


def _fitting(
    shipped: Sequence[PartialScore], bars: int | None, meter: Meter | None, mode: str | None
) -> list[PartialScore]:
    """The forms with these bars, this meter and this mode; if there are none, with any mode."""
    found = [
        form
        for form in shipped
        if (bars is None or form.chorale.bar_count == bars)
        and (meter is None or form.chorale.meters == (meter,))
    ]
    return [form for form in found if mode in (None, form.key.mode)] or found


def _made(
    like: PartialScore, bars: int | None, meter: Meter | None, wanted: Sequence[FormPhrase] | None
) -> PartialScore:
    """A new form with these bars and letters, in the key of ``like``.

    Without ``meter`` it has the meter of ``like``, or 4/4 if that changes or has very long bars.
    """
    if meter is None:
        meter, *changes = like.chorale.meters
        meter = USUAL_METER if changes or meter.steps_per_bar > LONGEST_USUAL_BAR else meter
    if wanted is None:
        return regular(bars or USUAL_BARS, meter, like.key)
    return of_letters(wanted, bars, meter, like.key)


def _as_asked(form: PartialScore, key: Key | None, mode: str | None, style: str) -> PartialScore:
    """A form with the requested style and key, or with its own key in the requested mode."""
    key = key or Key(form.key.fifths, mode or form.key.mode)
    return form if (key, style) == (form.key, form.style) else replace(form, key=key, style=style)


def _usual_phrase(meter: Meter) -> int:
    """The usual number of bars of a phrase: 2, or 4 if a bar is shorter than a whole note."""
    return 2 if meter.steps_per_bar >= STEPS_PER_WHOLE else 4


def _divided(phrases: Sequence[FormPhrase], bars: int) -> list[int]:
    """The number of bars of each phrase.

    Phrases of one letter have the same number; the last phrase may have more.
    """
    letter = [number if source is None else source for number, (source, _) in enumerate(phrases)]
    often = Counter(letter)
    each, left = divmod(bars, len(phrases))
    bars_of = dict.fromkeys(often, each)
    while growing := [name for name in often if often[name] <= left]:
        shortest = min(growing, key=lambda name: (bars_of[name], -often[name]))
        bars_of[shortest] += 1
        left -= often[shortest]
    lengths = [bars_of[name] for name in letter]
    lengths[-1] += left
    return lengths
