"""Meters, tempos and measures (bars). The unit of time is a step, a sixteenth."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from musicae.core.constants import FASTEST_QPM, SLOWEST_QPM, STEPS_PER_WHOLE
from musicae.core.errors import ChoraleError


@dataclass(frozen=True, order=True)
class Meter:
    """A meter that holds from a step on. A bar begins there and may cut the one before it short.

    Raises:
        ChoraleError: if the numbers are not a meter, or a bar is not a whole number of steps.
    """

    step: int
    """The first step of the meter."""
    numerator: int
    """The number of units in a bar, 1 to 255."""
    denominator: int
    """The unit: 1, 2, 4, 8, 16, 32 or 64."""

    def __post_init__(self) -> None:
        if self.step < 0:
            raise ChoraleError(f"a meter cannot begin at step {self.step}, before the piece")
        if not 1 <= self.numerator <= 255 or self.denominator not in (1, 2, 4, 8, 16, 32, 64):
            raise ChoraleError(f"{self} is not a meter")
        if (STEPS_PER_WHOLE * self.numerator) % self.denominator:
            raise ChoraleError(f"a bar of {self} is not a whole number of sixteenths")

    @classmethod
    def parse(cls, text: str) -> Meter:
        """Read a text such as ``3/4``.

        Returns:
            The meter, which begins at step 0.

        Raises:
            ChoraleError: if the text is not a meter.
        """
        found = re.fullmatch(r"\s*(\d{1,3})\s*/\s*(\d{1,2})\s*", text)
        if not found:
            raise ChoraleError(f"{text!r} is not a meter; write it like 3/4")
        return cls(0, int(found[1]), int(found[2]))

    @property
    def steps_per_bar(self) -> int:
        """Steps of a whole bar."""
        return STEPS_PER_WHOLE * self.numerator // self.denominator

    @property
    def steps_per_beat(self) -> float:
        """Steps of one beat. In compound meters (6/8, 9/8, 12/8) a beat is three units."""
        unit = STEPS_PER_WHOLE / self.denominator
        compound = self.denominator >= 8 and self.numerator > 3 and self.numerator % 3 == 0
        return 3 * unit if compound else unit

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


@dataclass(frozen=True, order=True)
class Tempo:
    """A tempo that holds from a step on, in quarters per minute, rounded to a hundredth.

    Raises:
        ChoraleError: for a negative step or a tempo outside 4 to 500.
    """

    step: int
    """The first step of the tempo."""
    qpm: float
    """Quarters per minute, 4 to 500."""

    def __post_init__(self) -> None:
        if self.step < 0:
            raise ChoraleError(f"a tempo cannot begin at step {self.step}, before the piece")
        if not SLOWEST_QPM <= self.qpm <= FASTEST_QPM:
            bounds = f"{SLOWEST_QPM:g} to {FASTEST_QPM:g}"
            raise ChoraleError(f"a tempo is {bounds} quarters a minute, not {self.qpm:g}")
        object.__setattr__(self, "qpm", round(float(self.qpm), 2))


class Measure(NamedTuple):
    """A bar as scores draw it: its first step, its length in steps, and its time signature."""

    start: int
    """The first step."""
    length: int
    """The length in steps."""
    numerator: int
    """The number of units in a whole bar."""
    denominator: int
    """The unit, such as 4 for quarters."""

    @property
    def meter(self) -> Meter:
        """The meter of this measure, with the measure's first step."""
        return Meter(self.start, self.numerator, self.denominator)


COMMON_TIME = (Meter(0, 4, 4),)


def meters_of(measures: Sequence[Measure]) -> tuple[tuple[Meter, ...], int]:
    """The meters, and the pickup in steps, whose bar lines are those of these measures.

    Equal bar lines give equal results. A first bar that is shorter than a bar of the next measure's
    meter is a pickup. Two short bars that fill one bar together become one bar; repeat signs and
    phrase ends split bars like that.
    """
    first = measures[0]
    meters = [replace(first.meter, step=0)]
    pickup = 0
    if len(measures) > 1:
        second = replace(measures[1].meter, step=0)
        if first.length < second.steps_per_bar:
            meters, pickup = [second], first.length
    expected = pickup or meters[0].steps_per_bar
    for measure in measures[1:]:
        meter = measure.meter
        same = (meter.numerator, meter.denominator) == (
            meters[-1].numerator,
            meters[-1].denominator,
        )
        if same and measure.start < expected == measure.start + measure.length:
            continue  # the second part of a split bar
        if not same or measure.start != expected:
            meters.append(meter)
        expected = measure.start + meter.steps_per_bar
    return tuple(meters), pickup


def measures_of(meters: Sequence[Meter], pickup: int, steps: int) -> list[Measure]:
    """Every bar of a piece of ``steps`` steps with these meters and this pickup in steps.

    The inverse of ``meters_of``.
    """
    measures = []
    for i, meter in enumerate(meters):
        stop = meters[i + 1].step if i + 1 < len(meters) else steps
        start = meter.step
        length = pickup if i == 0 and pickup else meter.steps_per_bar
        while start < stop:
            length = min(length, stop - start)
            measures.append(Measure(start, length, meter.numerator, meter.denominator))
            start += length
            length = meter.steps_per_bar
    return measures
