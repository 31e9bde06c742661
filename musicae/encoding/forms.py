"""Forms: the meter, length, phrases and key of a piece to compose.

A form is a ``PartialScore`` of which no note is known. The forms of Bach's chorales on the train
side ship with the package; ``scripts/make_reference.py`` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from musicae.core import assets
from musicae.core.chorale import Chorale
from musicae.core.constants import MOST_STEPS, N_VOICES, REST, STEPS_PER_WHOLE
from musicae.core.errors import ChoraleError
from musicae.core.files import whole_file
from musicae.core.key import MODES, Key
from musicae.core.meter import Meter
from musicae.encoding.partial_score import PartialScore
from musicae.theory.key_finding import likely_key

FORMS_FILE = assets.BACH_FIGURES / "forms.json"
"""The forms that ship with the package."""
USUAL_BARS, USUAL_METER = 12, Meter(0, 4, 4)


def form_of(chorale: Chorale, key: Key | None = None) -> PartialScore:
    """The form of a chorale; its phrases end at its fermatas, if it has any."""
    return PartialScore.of(chorale, key=key or likely_key(chorale))


def with_form(chorale: Chorale, form: PartialScore) -> Chorale:
    """A chorale in the key of a form, with fermatas where its phrases end on a note."""
    ends = tuple(step for step in form.phrases or () if chorale.onset[step, 0])
    return replace(chorale, key=form.key, fermatas=ends)


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
    length = meter.steps_per_bar
    each = 2 if length >= STEPS_PER_WHOLE else 4
    last_bars = sorted({*range(each - 1, bars, each), bars - 1})
    return replace(empty(bars, meter, key), phrases=tuple(bar * length for bar in last_bars))


def as_dict(form: PartialScore) -> dict[str, Any]:
    """A form as numbers, texts and lists, for JSON."""
    chorale = form.chorale
    return {
        "steps": len(chorale),
        "pickup": chorale.pickup,
        "meters": [[m.step, m.numerator, m.denominator] for m in chorale.meters],
        "key": [form.key.fifths, form.key.mode],
        "phrases": None if form.phrases is None else list(form.phrases),
    }


def from_dict(facts: Mapping[str, Any]) -> PartialScore:
    """The inverse of ``as_dict``. Raises ChoraleError where ``facts`` describe no form."""
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
        return PartialScore(silence, nothing, key, None if phrases is None else tuple(phrases))
    except ChoraleError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise ChoraleError(f"this is not the form of a piece ({error!r})") from None


def save_forms(chorales: Sequence[Chorale], path: Path = FORMS_FILE) -> None:
    """Write the forms of chorales to a file, whole or not at all."""
    lines = ",\n".join(json.dumps(as_dict(form_of(chorale))) for chorale in chorales)
    with whole_file(path) as partial:
        partial.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


@cache
def of_bach() -> tuple[PartialScore, ...]:
    """The forms that ship with the package."""
    return tuple(from_dict(facts) for facts in json.loads(FORMS_FILE.read_text(encoding="utf-8")))


def draw_forms(
    n: int,
    seed: int,
    *,
    bars: int | None = None,
    key: Key | None = None,
    meter: Meter | None = None,
    mode: str | None = None,
) -> list[PartialScore]:
    """``n`` random forms of Bach's chorales with these bars, this meter, and this mode or key.

    A pickup and the short last bar that completes it count as one bar. Where no form of Bach's
    fits, it is a ``regular`` one. Draw ``i`` depends on ``seed`` and ``i`` alone.
    """
    mode = key.mode if key else mode
    fitting = [
        form
        for form in of_bach()
        if (bars is None or form.chorale.bar_count == bars)
        and (meter is None or form.chorale.meters == (meter,))
        and (mode is None or form.key.mode == mode)
    ]
    if not fitting:
        usual_key = Key(0, mode or MODES[0])
        fitting = [regular(bars or USUAL_BARS, meter or USUAL_METER, key or usual_key)]
    drawn = [
        fitting[np.random.default_rng([seed, number]).integers(len(fitting))] for number in range(n)
    ]
    return [replace(form, key=key) if key else form for form in drawn]
