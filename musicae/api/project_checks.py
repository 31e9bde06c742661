"""Checks that the values of a project fit together: bars, tune, locks and harmony."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from musicae.api.project_values import Harmony
from musicae.core.constants import MOST_BARS, TICKS, TICKS_A_STEP, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.theory.cadences import CADENCES

if TYPE_CHECKING:
    from musicae.api.project import Project


def check_values(project: Project) -> None:
    """Raises ChoraleError if values of a project are out of range or contradict each other."""
    if not project.title.isprintable() or project.title != " ".join(project.title.split()):
        raise ChoraleError("the title is one line of plain text")
    if project.length % TICKS_A_STEP:
        raise ChoraleError("the length of the piece is not a whole number of sixteenths")
    _check_meters(project)
    _check_tune(project)
    _check_requests(project)


def _check_meters(project: Project) -> None:
    starts = [at for at, *_ in project.meters]
    if not starts or starts[0] != 0:
        raise ChoraleError("the first meter does not begin with the piece")
    if any(later <= at for at, later in pairwise(starts)) or starts[-1] >= project.length:
        raise ChoraleError("meters are not in order, or one begins after the end of the piece")
    if any(at % TICKS_A_STEP for at in starts) or project.pickup % TICKS_A_STEP:
        raise ChoraleError("a meter or the pickup does not fit the grid of sixteenths")
    first = Meter(0, *project.meters[0][1:])
    if project.pickup >= first.steps_per_bar * TICKS_A_STEP:
        raise ChoraleError(
            f"the pickup is as long as a bar of {first}, or longer; shorten it or make it a bar"
        )
    bars = sum(
        (later - at) // (Meter(0, *rest).steps_per_bar * TICKS_A_STEP)
        for (at, *rest), later in zip(project.meters, [*starts[1:], project.length], strict=True)
    )
    if bars > MOST_BARS or len(project.measures) > MOST_BARS:
        raise ChoraleError(f"a piece has at most {MOST_BARS:,} bars")
    tempos = [at for at, _ in project.tempos]
    if not tempos or tempos[0] != 0 or any(b <= a for a, b in pairwise(tempos)):
        raise ChoraleError("tempos are not in order, or the first does not begin with the piece")
    if tempos[-1] >= project.length:
        raise ChoraleError("a tempo begins after the end of the piece")


def _check_tune(project: Project) -> None:
    for note, later in pairwise(project.tune):
        if later.start < note.end:
            raise ChoraleError(
                f"{project.place(later.start)}: a note begins before the previous one ends"
            )
    if project.tune and project.tune[-1].end > project.length:
        last = next(note for note in project.tune if note.end > project.length)
        raise ChoraleError(
            f"a note of the tune ends {(last.end - project.length) / TICKS:g} quarters after the"
            f" piece's {len(project.measures)} bars; add a bar, or shorten it"
        )


def _check_requests(project: Project) -> None:
    if project.key is not None:
        Key.parse(project.key)
    ends = [end.at for end in project.phrases or ()]
    if any(later <= at for at, later in pairwise(ends)):
        raise ChoraleError("phrase ends are not in order")
    for end in project.phrases or ():
        if end.cadence is not None and end.cadence not in CADENCES:
            raise ChoraleError(f"a cadence is {', '.join(CADENCES)}, not {end.cadence!r}")
    for chord in project.locks.chords:
        if chord.start % TICKS_A_STEP or chord.length % TICKS_A_STEP:
            raise ChoraleError("a locked chord does not begin and end on sixteenths")
        if not chord.name.strip():
            raise ChoraleError(f"{project.place(chord.start)}: the locked chord has no name")
    for chord, following in pairwise(project.locks.chords):
        if following.start < chord.start + chord.length:
            raise ChoraleError(f"{project.place(following.start)}: two locked chords overlap")
    if project.harmony:
        _check_harmony(project.harmony)


def _check_harmony(harmony: Harmony) -> None:
    if len(harmony.voices) != len(VOICES):
        raise ChoraleError("a harmony has four voices; some may be empty")
    for notes in harmony.voices:
        ends = [0, *(note.end for note in notes)]
        if any(
            note.start < end or note.start % TICKS_A_STEP or note.length % TICKS_A_STEP
            for note, end in zip(notes, ends, strict=False)
        ):
            raise ChoraleError("the notes of a harmony are not in order, or not on sixteenths")
