"""The harmony of a project: which bars no longer fit, and how these are rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musicae.api.project_result import (
    Written,
    harmony_of,
    violations_in,
    without_options,
    word_setting,
)
from musicae.api.project_task import (
    asked_ends,
    locked_cells,
    moved_ends,
    phrase_ends_of,
    standing,
    task_of,
    tune_chorale,
)
from musicae.api.project_values import Break, LockedChord, MadeWith, PhraseEnd
from musicae.api.silence import BAR_NUMBER
from musicae.core.arrays import Bools
from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER, TICKS_A_STEP
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.io.chord_text import NO_CHORD, normal
from musicae.theory.harmonic_plan import HarmonicPlan, beats_of
from musicae.theory.plan_reading import plan_of

if TYPE_CHECKING:
    from musicae.api.chord_choices import ChordChoices
    from musicae.api.harmonize import Task
    from musicae.api.live import LiveHarmonizer
    from musicae.api.live_music import ChangedBars
    from musicae.api.project import Project

LIKELY = 0.2
"""The key that was found before stays if its probability for the changed tune is at least this."""
AROUND = 8
"""Bars on both sides of changed bars that are read to find where phrases end."""
DRAWS = 4
"""The number of draws with different chords; after these, the likeliest chords come again."""


def changed_bars(project: Project) -> tuple[int, ...]:
    """See ``Project.changed_bars``."""
    if not project.tune:
        return ()
    first, last = _every(project)
    every = range(first, last + 1)
    if project.harmony is None or not _fits(project):
        return tuple(every)
    changed = _changed(project, tune_chorale(project))
    return tuple(bar for bar in every if changed[project.steps_of(bar, bar)].any())


def _fits(project: Project) -> bool:
    """Whether bars can be kept: key, pickup, voice, settings and meters are as before."""
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
        raise ChoraleError(f"the harmony's key is unknown: {text!r}") from None


def _changed(project: Project, tune: Chorale) -> Bools:
    """``(T,)`` True at the steps at which the harmony no longer fits."""
    harmony, voice = project.harmony, project.voice
    assert harmony
    made, steps = harmony.made, len(tune)
    pitch, onset = np.full(steps, REST), np.zeros(steps, dtype=np.bool_)
    for note in harmony.voices[voice]:
        start = note.start // TICKS_A_STEP
        pitch[start : note.end // TICKS_A_STEP] = note.pitch
        onset[start : start + 1] = True
    different: Bools = (pitch != tune.pitch[:, voice]) | (onset != tune.onset[:, voice])
    if made:
        different[made.length // TICKS_A_STEP :] = True
        for chord in _new_locks(made.chords, project.locks.chords):
            start = chord.start // TICKS_A_STEP
            different[start : start + chord.length // TICKS_A_STEP] = True
        for step in _new_ends(
            project, tune, made
        ):  # with the beat before, in which a cadence begins
            different[max(0, step - STEPS_PER_QUARTER) : step + 1] = True
    return different


def _bars_with(steps: Bools, tune: Chorale) -> list[int]:
    """The indices of the bars of ``tune`` with a True step in ``steps`` ``(T,)``.

    These bars can differ from those of the project: a short first bar is a pickup, and the parts of
    a split bar are one bar.
    """
    return [
        index
        for index, measure in enumerate(tune.measures)
        if steps[measure.start : measure.start + measure.length].any()
    ]


def _new_locks(before: Sequence[LockedChord], now: Sequence[LockedChord]) -> Iterator[LockedChord]:
    """Chords that were locked since, and rests (N.C.) that were unlocked; other chords stay."""
    yield from set(now) - set(before)
    yield from (chord for chord in set(before) - set(now) if normal(chord.name) == NO_CHORD)


def _new_ends(project: Project, tune: Chorale, made: MadeWith) -> set[int]:
    """The steps at which phrase ends differ from those that the harmony was written for.

    Without given phrase ends now and then, there are none: the ends in changed bars are found when
    these bars are written.
    """
    assert project.harmony
    if project.phrases is None and made.phrases is None:
        return set()
    used = [PhraseEnd(at) for at in project.harmony.phrases]
    before = asked_ends(used if made.phrases is None else made.phrases, tune.notes(project.voice))
    now = phrase_ends_of(project, tune, _key(project.harmony.key), None)
    moved = set(before.steps or ()) ^ set(now.steps or ())
    return moved | {step for step, _ in set(before.cadences) ^ set(now.cadences)}


def harmonized(project: Project, bars: tuple[int, int] | None = None, redraw: int = 0) -> Project:
    """See ``Project.harmonized``."""
    region = project.steps_of(*(bars or _every(project)))
    if not project.tune:
        return replace(project, harmony=None)
    with in_the_page():
        tune = tune_chorale(project)
        if project.harmony is None or not _fits(project):
            return _whole(project, tune, project.settings.seed + redraw)
        if bars is None and not redraw:
            changed = _changed(project, tune)
            if changed.any() and not _key_stays(project, tune):
                return _whole(project, tune, project.settings.seed)
            return _rewritten(project, tune, changed)
        return _redrawn(project, tune, region, redraw % DRAWS + 1, redraw)[-1]


def alternatives(project: Project, n: int, bars: tuple[int, int] | None) -> list[Project]:
    """See ``Project.alternatives``."""
    region = project.steps_of(*(bars or _every(project)))
    if not project.tune:
        return [replace(project, harmony=None)]
    with in_the_page():
        tune = tune_chorale(project)
        if project.harmony is None or not _fits(project):
            project = _whole(project, tune, project.settings.seed)
        return _redrawn(project, tune, region, n, 0)


@contextmanager
def in_the_page() -> Iterator[None]:
    """Raise errors without their hints at options of the command line."""
    try:
        yield
    except ChoraleError as error:
        raise ChoraleError(without_options(str(error))) from None


def _every(project: Project) -> tuple[int, int]:
    """The numbers of the first and the last bar."""
    return project.first_bar, project.first_bar + len(project.measures) - 1


def _key_stays(project: Project, tune: Chorale) -> bool:
    """Whether the key that was found before still fits the tune."""
    from musicae.decoding.key import find_key, probability_of

    assert project.harmony
    key = _key(project.harmony.key)
    if project.key or find_key(tune) == key:
        return True
    return probability_of(key, tune) >= LIKELY


def _whole(project: Project, tune: Chorale, seed: int) -> Project:
    """The project with all bars rewritten, except what is locked."""
    kept, locked = None, np.zeros(tune.pitch.shape, dtype=np.bool_)
    if project.harmony:
        there = standing(project, tune)
        locked = locked_cells(project, there)
        if locked.any():
            kept = there.chorale, locked
    task = task_of(project, tune, kept=kept, seed=seed)
    parts, ends = task.given.parts, task.partial.phrases or ()
    if parts.known.all():  # all voices are locked, or rest with the tune
        written = Written(
            parts.tune, plan_of(parts.tune, task.partial.key), task.partial.key, ends, task.notices
        )
    else:
        (piece,) = task.pieces()
        assert piece.plan
        written = Written(piece.chorale, piece.plan, task.partial.key, ends, piece.notices)
    return replace(project, harmony=harmony_of(project, written, locked, parts.shift))


def plan_now(project: Project, chorale: Chorale, key: Key) -> HarmonicPlan:
    """The plan of a harmony, cut or extended (without chords) to the length of the piece now.

    ``chorale`` is the current harmony. If the plan does not fit it, the plan is read from the
    voices.
    """
    assert project.harmony
    beats = beats_of(chorale)
    words: list[str] = []
    count = 0
    for word in project.harmony.plan.replace("|", " ").split():
        is_key = word.endswith(":")
        if count == len(beats):
            break
        words.append(word)
        count += not is_key
    made = project.harmony.made
    longer = made is not None and made.length < project.length
    if not count or (count < len(beats) and not longer):
        return plan_of(chorale, key)
    try:
        return HarmonicPlan.parse(" ".join([*words, *["-"] * (len(beats) - count)]), beats, key)
    except ChoraleError:
        return plan_of(chorale, key)


def _ends(project: Project, tune: Chorale, key: Key, changed: Sequence[int]) -> tuple[int, ...]:
    """The steps of phrase ends: as found before, and in changed bars as found now."""
    assert project.harmony
    made = project.harmony.made
    if project.phrases is not None or (made and made.phrases is not None):
        return phrase_ends_of(project, tune, key, None).steps or ()
    before = moved_ends(project, tune, project.harmony.phrases)
    if not changed:
        return before
    from musicae.decoding.phrases import phrase_ends

    bars = tune.measures
    low, high = max(0, changed[0] - AROUND), min(len(bars) - 1, changed[-1] + AROUND)
    start, stop = bars[low].start, bars[high].start + bars[high].length
    read = tune.bars(low + _lowest(tune), high + _lowest(tune))
    found = {start + step for step in phrase_ends(read, key)}
    if stop < len(tune):  # the last note of the excerpt need not end a phrase
        found -= {max(found, default=0)}
    reread = np.zeros(len(tune), dtype=np.bool_)
    for index in changed:
        reread[bars[index].start : bars[index].start + bars[index].length] = True
    ended = project.harmony.voices[project.voice]
    last = ended[-1].start // TICKS_A_STEP if ended else 0
    stay = {step for step in before if not reread[step] and step != last}
    new = {step for step in found if reread[step] or step == last}
    return tuple(sorted(stay | new | {note.step for note in tune.notes(project.voice)[-1:]}))


class _Live(NamedTuple):
    """A live harmonizer that goes on with the harmony of a project."""

    project: Project
    live: LiveHarmonizer
    task: Task
    chorale: Chorale
    """The current harmony."""
    locked: Bools
    """``(T, V)`` the cells that stay."""
    ends: tuple[int, ...]
    """The steps at which the last notes of phrases begin."""

    @classmethod
    def of(cls, project: Project, tune: Chorale, changed: Sequence[int] = ()) -> _Live:
        """Start from the harmony; in the bars with indices ``changed``, find phrase ends again."""
        from musicae.api.live import LiveHarmonizer

        assert project.harmony
        key = _key(project.harmony.key)
        there = standing(project, tune)
        locked = locked_cells(project, there)
        ends = _ends(project, tune, key, changed)
        task = task_of(project, tune, key=key, ends=ends)
        live = LiveHarmonizer.resume(
            task,
            there.chorale,
            plan_now(project, there.chorale, key),
            locked if locked.any() else None,
        )
        return cls(project, live, task, there.chorale, locked, ends)

    def taken(self, every: Iterable[ChangedBars]) -> Project:
        """The project with rewritten bars; ``every`` may be a generator that writes them."""
        changed, notices = set[int](), list(self.task.notices)
        for each in every:
            self.live.take(each)
            changed |= {*range(each.bars[0], each.bars[1] + 1)}
            notices += each.notices
        harmony, piece = self.project.harmony, self.live.piece
        assert harmony
        assert piece.plan
        for notice in harmony.notices:
            bar = BAR_NUMBER.search(notice)
            if bar and int(bar[0]) not in changed:
                notices.append(notice)
        key, shift = self.task.partial.key, self.task.given.parts.shift
        written = Written(piece.chorale, piece.plan, key, self.ends, notices)
        return replace(self.project, harmony=harmony_of(self.project, written, self.locked, shift))


def _lowest(chorale: Chorale) -> int:
    """The number of a chorale's first bar."""
    return 0 if chorale.pickup else 1


def _rewritten(project: Project, tune: Chorale, changed: Bools) -> Project:
    """The project with the bars rewritten that have a True step in ``changed`` ``(T,)``."""
    bars = _bars_with(changed, tune)
    live, lowest = _Live.of(project, tune, bars), _lowest(tune)
    return live.taken(
        live.live.rewrite((group[0] + lowest, group[-1] + lowest))[0] for group in _neighbours(bars)
    )


def _neighbours(indices: Sequence[int]) -> Iterator[list[int]]:
    """Ascending numbers in groups of consecutive ones."""
    for _, group in groupby(enumerate(indices), lambda pair: pair[1] - pair[0]):
        yield [index for _, index in group]


def _redrawn(project: Project, tune: Chorale, region: slice, n: int, redraw: int) -> list[Project]:
    """Up to ``n`` projects in which the bars of a region are rewritten, best first.

    Other bars that changed are rewritten before.
    """
    here = np.zeros(len(tune), dtype=np.bool_)
    here[region] = True
    others = _changed(project, tune) & ~here
    if others.any():
        project = _rewritten(project, tune, others)
    bars, lowest = _bars_with(here, tune), _lowest(tune)
    live = _Live.of(project, tune, bars)
    numbers = bars[0] + lowest, bars[-1] + lowest
    found = live.live.rewrite(numbers, n, project.settings.seed + redraw)
    return [_Live.of(project, tune, bars).taken([each]) for each in found]


def chord_choices(project: Project, start: int) -> ChordChoices:
    """See ``Project.chord_choices``."""
    found = _standing_live(project).live.choices(start // TICKS_A_STEP)
    return found._replace(start=found.start * TICKS_A_STEP, length=found.length * TICKS_A_STEP)


def mended(project: Project, broken: Break) -> Project | None:
    """See ``Project.mended``."""
    live = _standing_live(project)
    first, last = broken.start // TICKS_A_STEP, broken.end // TICKS_A_STEP
    setting, _ = word_setting(project, live.chorale, live.locked)
    sung, *_ = setting.apply(live.chorale)  # some notes are struck again for words
    shift = live.task.given.parts.shift
    both = (violations_in(project, chorale, shift) for chorale in (live.chorale, sung))
    for violation in chain.from_iterable(both):
        there = (violation.rule, violation.voices) == (broken.rule, broken.voices)
        if there and violation.since <= last and first <= violation.step:
            with in_the_page():
                changed = live.live.mend(violation)
            return live.taken([changed]) if changed else None
    raise ChoraleError(f"bar {broken.bar}: the harmony does not break this rule there now")


def _standing_live(project: Project) -> _Live:
    """A live harmonizer of the current harmony. Raises ChoraleError if it does not fit the tune."""
    if not project.tune or project.harmony is None or not _fits(project):
        raise ChoraleError("there is no harmony for this tune yet; harmonize it first")
    with in_the_page():
        return _Live.of(project, tune_chorale(project))
