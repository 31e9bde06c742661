"""The harmony of a project: which bars of it no longer fit, and how they are written anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musicae.api.given import cells_outside
from musicae.api.project_result import Written, harmony_of, without_options
from musicae.api.project_task import (
    Standing,
    locked_cells,
    moved_ends,
    phrase_ends_of,
    standing,
    task_of,
    tune_chorale,
)
from musicae.api.project_values import TICKS_A_STEP, Break
from musicae.core.arrays import Bools
from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.theory.harmonic_plan import HarmonicPlan, beats_of
from musicae.theory.plan_reading import plan_of

if TYPE_CHECKING:
    from musicae.api.live import ChordChoices
    from musicae.api.project import Project

FOUND_ANEW = 0.25
"""The share of the tune's bars from which on, where so many changed, its key is found anew."""
_BAR = re.compile(r"bar (\d+)")


def changed_bars(project: Project) -> tuple[int, ...]:
    """See ``Project.changed_bars``."""
    every = tuple(range(project.first_bar, project.first_bar + len(project.measures)))
    harmony = project.harmony
    if harmony is None or not project.tune:
        return every if project.tune else ()
    if not _fits(project):
        return every
    tune = tune_chorale(project)
    return tuple(every[i] for i in _changed(project, tune))


def _fits(project: Project) -> bool:
    """Whether a project's harmony can be kept where nothing else changed."""
    harmony = project.harmony
    assert harmony
    if project.key is not None and Key.parse(project.key) != _key(harmony.key):
        return False
    made = harmony.made
    if made is None:
        return True
    shorter = min(made.length, project.length)

    def meters(value: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        return [meter for meter in value if meter[0] < shorter]

    return (
        (made.pickup, made.voice, made.settings)
        == (project.pickup, project.voice, project.settings)
    ) and meters(made.meters) == meters(project.meters)


def _key(text: str) -> Key:
    try:
        return Key.parse(text)
    except ChoraleError:
        raise ChoraleError(f"the harmony is in no key that there is: {text!r}") from None


def _changed(project: Project, tune: Chorale) -> list[int]:
    """The indices of the bars that no longer fit."""
    harmony, made = project.harmony, project.harmony and project.harmony.made
    assert harmony
    then = {note.start // TICKS_A_STEP: note for note in harmony.voices[project.voice]}
    steps = len(tune)
    pitch, onset = np.full(steps, -1), np.zeros(steps, dtype=np.bool_)
    for start, note in then.items():
        pitch[start : note.end // TICKS_A_STEP] = note.pitch
        onset[start : start + 1] = True
    different = (pitch != tune.pitch[:, project.voice]) | (onset != tune.onset[:, project.voice])
    if made:
        different[made.length // TICKS_A_STEP :] = True
        for lock in set(made.chords) ^ set(project.locks.chords):
            if lock in project.locks.chords:  # what was locked goes on to sound
                start = lock.start // TICKS_A_STEP
                different[start : start + lock.length // TICKS_A_STEP] = True
        ends = set(made.phrases or ()) ^ set(project.phrases or ())
        for end in ends:
            different[end.at // TICKS_A_STEP : end.at // TICKS_A_STEP + 1] = True
    return [
        index
        for index, measure in enumerate(tune.measures)
        if different[measure.start : measure.start + measure.length].any()
    ]


class _Base(NamedTuple):
    """A harmony as it stands, to be written anew in some bars."""

    tune: Chorale
    there: Standing
    locked: Bools
    key: Key
    plan: HarmonicPlan


def harmonized(
    project: Project, bars: tuple[int, int] | None = None, redraw: int = 0, n: int = 1
) -> list[Project]:
    """``n`` harmonizations of some bars; see ``Project.harmonized``."""
    try:
        return _harmonized(project, bars, redraw, n)
    except ChoraleError as error:
        raise ChoraleError(without_options(str(error))) from None


def _harmonized(
    project: Project, bars: tuple[int, int] | None, redraw: int, n: int
) -> list[Project]:
    if not project.tune:
        return [replace(project, harmony=None)]
    seed = project.settings.seed + redraw
    tune = tune_chorale(project)
    if bars is not None:
        tune.bars(*bars)  # raises where there are no such bars
    if project.harmony is None:
        return _whole(project, tune, n, seed)
    everything = bars is None and (redraw or n > 1)
    if everything or not _fits(project):
        return _whole(project, tune, n, seed)
    changed = _changed(project, tune)
    if bars is not None:
        changed = [bar - project.first_bar for bar in range(bars[0], bars[1] + 1)]
    elif changed and _is_new(project, tune, changed):
        key = task_of(project, tune).partial.key
        if key != _key(project.harmony.key):
            return _whole(project, tune, n, seed)
    return _rewritten(project, tune, changed, n, seed)


def _is_new(project: Project, tune: Chorale, changed: Sequence[int]) -> bool:
    """Whether so much of the tune changed that its key may be another."""
    sung = [
        index
        for index, measure in enumerate(tune.measures)
        if tune.onset[measure.start : measure.start + measure.length, project.voice].any()
    ]
    return project.key is None and len({*changed} & {*sung}) >= FOUND_ANEW * len(sung)


def _whole(project: Project, tune: Chorale, n: int, seed: int) -> list[Project]:
    """All bars written anew, but for what is locked."""
    kept, locked = None, np.zeros(tune.pitch.shape, dtype=np.bool_)
    if project.harmony:
        there = standing(project, tune)
        locked = locked_cells(project, there)
        if locked.any():
            kept = there.chorale, locked
    task = task_of(project, tune, kept=kept, n=n, seed=seed)
    parts = task.given.parts
    if parts.known.all():
        if project.harmony is None:
            return [replace(project, harmony=None)]
        return _rewritten(project, tune, [], n, seed)
    found = []
    for piece in task.pieces():
        assert piece.plan
        written = Written(
            piece.chorale, piece.plan, task.partial.key, task.partial.phrases or (), piece.notices
        )
        harmony = harmony_of(project, written, locked, parts.shift)
        found.append(replace(project, harmony=harmony))
    return found


def _base(project: Project, tune: Chorale) -> _Base:
    assert project.harmony
    there = standing(project, tune)
    key = _key(project.harmony.key)
    return _Base(tune, there, locked_cells(project, there), key, plan_now(project, there, key))


def plan_now(project: Project, there: Standing, key: Key) -> HarmonicPlan:
    """The plan of a harmony, cut or filled up with no chords to the length of the piece now.

    Where it is not known, or does not fit, it is read off the voices.
    """
    harmony = project.harmony
    assert harmony
    beats = beats_of(there.chorale)
    made = harmony.made
    steps = made.length // TICKS_A_STEP if made else len(there.chorale)
    words = [word for word in harmony.plan.split() if word != "|"]
    count, known = 0, []
    for word in words:
        is_key = word.endswith(":")
        if count == len(beats):
            break
        known.append(word)
        count += not is_key
    missing = len(beats) - count
    if missing and (count == 0 or steps >= len(there.chorale)):
        return plan_of(there.chorale, key)
    while known and known[-1].endswith(":"):
        known.pop()
    try:
        return HarmonicPlan.parse(" ".join([*known, *["-"] * missing]), beats, key)
    except ChoraleError:
        return plan_of(there.chorale, key)


def _ends(project: Project, tune: Chorale, key: Key, changed: Sequence[int]) -> tuple[int, ...]:
    """The steps of phrase ends: those found before, in changed bars those that are found now."""
    assert project.harmony
    before = moved_ends(project, tune, project.harmony.phrases)
    if project.phrases is not None:
        return phrase_ends_of(project, tune, key, before).steps or ()
    if not changed:
        return before
    anew = np.zeros(len(tune), dtype=np.bool_)
    for index in changed:
        measure = tune.measures[index]
        anew[measure.start : measure.start + measure.length] = True
    made = project.harmony.voices[project.voice]
    last = made[-1].start // TICKS_A_STEP if made else 0
    found = phrase_ends_of(project, tune, key, None).steps or ()
    stay = {step for step in before if not anew[step] and step != last}
    return tuple(sorted(stay | {step for step in found if anew[step] or step >= last}))


def _rewritten(
    project: Project, tune: Chorale, changed: Sequence[int], n: int, seed: int
) -> list[Project]:
    """Some bars, as indices, written anew."""
    base = _base(project, tune)
    assert project.harmony
    ends = _ends(project, tune, base.key, changed)
    stay = base.locked.copy()
    outside = np.ones(stay.shape, dtype=np.bool_)
    for _, group in groupby(enumerate(changed), lambda pair: pair[1] - pair[0]):
        indices = [index for _, index in group]
        first, last = (tune.measures[i] for i in (indices[0], indices[-1]))
        outside &= cells_outside(base.there.chorale, slice(first.start, last.start + last.length))
    outside &= base.there.before[:, None]
    kept = base.there.chorale, stay | outside
    task = task_of(project, tune, key=base.key, kept=kept, ends=ends, n=n, seed=seed)
    old = _old_notices(project.harmony.notices, changed, project.first_bar)
    parts = task.given.parts
    made = [(base.there.chorale, base.plan, task.notices)] * n
    if not parts.known.all():
        made = [
            (piece.chorale, _joined(base.plan, piece.plan, changed), piece.notices)
            for piece in task.pieces()
            if piece.plan
        ]
    found = []
    for chorale, plan, notices in made:
        written = Written(chorale, plan, base.key, ends, (*notices, *old))
        harmony = harmony_of(project, written, base.locked, parts.shift)
        found.append(replace(project, harmony=harmony))
    return found


def _joined(before: HarmonicPlan, now: HarmonicPlan, changed: Sequence[int]) -> HarmonicPlan:
    """A plan with the chords of another in some bars."""
    anew = set(changed)
    picked = [now if beat.bar in anew else before for beat in before.beats]
    return replace(
        before,
        chords=tuple(plan.chords[i] for i, plan in enumerate(picked)),
        seconds=tuple(plan.seconds[i] for i, plan in enumerate(picked)),
        local=tuple(plan.local[i] for i, plan in enumerate(picked)),
    )


def _old_notices(notices: Sequence[str], changed: Sequence[int], first: int) -> list[str]:
    """The notices on bars that stay."""
    anew = {index + first for index in changed}
    found = ((notice, _BAR.match(notice)) for notice in notices)
    return [notice for notice, bar in found if bar and int(bar[1]) not in anew]


def chord_choices(project: Project, start: int) -> ChordChoices:
    """See ``Project.chord_choices``."""
    raise NotImplementedError


def mended(project: Project, broken: Break) -> Project | None:
    """See ``Project.mended``."""
    raise NotImplementedError
