"""Forms: the meter, length, key, style and phrases of a piece to compose, and what returns in it.

A form is a ``PartialScore`` of which no note is known. The forms of the pieces to train on, Bach's
and others', ship with the package; ``scripts/make_reference.py`` writes them.
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
"""Of the pieces whose forms ship with the package."""
USUAL_BARS, USUAL_METER = 12, Meter(0, 4, 4)
LONGEST_USUAL_BAR = 24
"""Steps: a bar of 6/4."""
SHORTEST_PHRASE = 2
"""The bars that a phrase has at least, where a form is asked for by its letters."""
CADENCE_BEATS = 2
"""The beats before the last note of a piece in which a phrase that returns is left free."""


def form_of(chorale: Chorale, key: Key | None = None, style: str | None = None) -> PartialScore:
    """The form of a chorale; its phrases end at its fermatas, if it has any."""
    returns = returns_of(chorale, chorale.fermatas)
    return PartialScore.of(chorale, key=key or likely_key(chorale), style=style, returns=returns)


def with_form(chorale: Chorale, form: PartialScore) -> Chorale:
    """A chorale in the key of a form, with fermatas where its phrases end on a note."""
    ends = tuple(step for step in form.phrases or () if chorale.onset[step, 0])
    return replace(chorale, key=form.key, fermatas=ends)


def letters_of(form: PartialScore) -> str:
    """The phrases of a form as letters, such as ``AA'BA``; empty where they are unknown."""
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

    Phrases have four bars where a bar is shorter than a whole note.
    """
    each = _usual_phrase(meter)
    last_bars = sorted({*range(each - 1, bars, each), bars - 1})
    length = meter.steps_per_bar
    return replace(empty(bars, meter, key), phrases=tuple(bar * length for bar in last_bars))


def of_letters(
    phrases: Sequence[FormPhrase], bars: int | None, meter: Meter, key: Key
) -> PartialScore:
    """A form without a pickup whose phrases return as asked; see ``theory.form.parse_letters``.

    Without ``bars``, phrases are as long as in a ``regular`` form. Bars are divided among the
    phrases as evenly as phrases of one letter stay equally long; what is left over makes the last
    phrase longer. An exact return is the whole phrase in all voices, a varied one in the soprano.

    A piece closes on its tonic, which the source of its last phrase need not do. So if the last
    phrase returns, it returns up to ``CADENCE_BEATS`` beats before its last note, or up to half
    way to that note if this is longer.

    Raises ChoraleError where there are fewer than ``SHORTEST_PHRASE`` bars a phrase.
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
    """The step up to which the last phrase of a piece, with its last note at ``end``, may return.

    ``CADENCE_BEATS`` before that note, or half way to it if this is later.
    """
    way = end - start
    return start + max(way - int(CADENCE_BEATS * meter.steps_per_beat), way // 2, 1)


def as_dict(form: PartialScore) -> dict[str, Any]:
    """A form as numbers, texts and lists, for JSON."""
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

    Raises ChoraleError where ``facts`` describe no form.
    """
    try:
        steps = int(facts["steps"])
        if steps > MOST_STEPS:
            raise ChoraleError(f"a piece has up to {MOST_STEPS} steps, not {steps}")
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
    """Write forms of ``FEWEST_BARS`` to ``MOST_BARS`` bars to a file, whole or not at all.

    Each form of a style is written once, with a ``count`` where it comes several times.
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

    A form that several pieces have stands there as often.
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
    """``n`` random forms of pieces of a style with these bars, this meter, and this mode or key.

    ``form`` are letters, such as ``AABA``. A pickup and the short last bar that completes it count
    as one bar. Where the style has no form that fits, one of the other mode is taken as if it were
    of this one, and, where no letters are asked for, one of another style. If there is none
    either, it is a ``regular`` one, or one ``of_letters``, in a key and, if none is asked for, a
    meter of the style's. Draw ``i`` depends on ``seed`` and ``i`` alone.

    Raises ChoraleError for another style, for letters that make no form, and where the bars are
    too few for the letters.
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
    """The forms of these bars, this meter and this mode, or else of the other mode."""
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
    """A form of these bars and letters in the key and, if none is asked for, the meter of one."""
    if meter is None:
        meter, *changes = like.chorale.meters
        meter = USUAL_METER if changes or meter.steps_per_bar > LONGEST_USUAL_BAR else meter
    if wanted is None:
        return regular(bars or USUAL_BARS, meter, like.key)
    return of_letters(wanted, bars, meter, like.key)


def _as_asked(form: PartialScore, key: Key | None, mode: str | None, style: str) -> PartialScore:
    """A form in the key, or the mode, and the style that are asked for."""
    key = key or Key(form.key.fifths, mode or form.key.mode)
    return form if (key, style) == (form.key, form.style) else replace(form, key=key, style=style)


def _usual_phrase(meter: Meter) -> int:
    """The bars of a phrase."""
    return 2 if meter.steps_per_bar >= STEPS_PER_WHOLE else 4


def _divided(phrases: Sequence[FormPhrase], bars: int) -> list[int]:
    """The bars of each phrase; phrases of one letter have equally many, the last may have more."""
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
