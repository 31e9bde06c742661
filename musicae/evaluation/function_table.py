"""The table of tonal function: one row for each set of chorales, as Markdown and plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from musicae.decoding.phrases import phrase_ends
from musicae.evaluation.comparison import Group
from musicae.evaluation.function import Function, function_of, mean_figures
from musicae.theory.key_finding import likely_key
from musicae.theory.plan_reading import plan_of

_KINDS = {
    "authentic": ("perfect authentic", "imperfect authentic"),
    "half": ("half",),
    "plagal": ("plagal",),
    "deceptive": ("deceptive",),
}
"""The kinds of cadence in the table; each is one or more of ``cadences.CadenceKind``."""


@dataclass(frozen=True)
class FunctionRow:
    """The means of ``function.Function`` over a set of chorales. Shares are 0 to 1."""

    name: str
    pieces: int
    may_close: int
    """The number of pieces whose soprano's last note belongs to the tonic triad."""
    closes: float | None
    """The share of these that end on the tonic in root position; None if there are none."""
    clean: float
    """The share of pieces that end on a triad without other notes."""
    opens: float
    """The share of pieces that begin on a tonic or a dominant."""
    phrases: int
    """The number of phrases."""
    cadences: float
    """The share of phrases that end in a cadence."""
    kinds: dict[str, float]
    """The share of phrases with each kind of cadence; ``other`` is no cadence."""
    foreign: float
    """The share of notes outside the key's scales."""
    tertian: float
    """The share of beats with a triad or a seventh chord."""
    full: float
    """The share of beats with three or more pitch classes."""
    changes: float
    """Changes of chord per whole note of time."""
    doubled_leading_tones: float
    """Violations per 100 chords."""
    unresolved_sevenths: float
    """Violations per 100 chords."""
    roots: float | None
    """The share of beats with the root of the original setting; None if there is none."""
    chords: float | None
    """The share of beats with the root, quality and bass of the original setting."""

    def as_dict(self) -> dict[str, Any]:
        """The row as plain numbers and names."""
        return asdict(self)


def function_row(group: Group) -> FunctionRow:
    """Measure a set in its keys, and compare it with the original settings of its sopranos, if any.

    If the keys are not known, they are those that the chorales state, or the most probable ones. A
    chorale without fermatas has the phrase ends that the phrase segmenter finds.
    """
    measured = [_measure(group, i) for i in range(len(group.chorales))]
    return FunctionRow(group.name, **mean_figures(measured))


def function_table(groups: Sequence[Group]) -> list[FunctionRow]:
    """A row for each set, in order; sets without chorales are left out."""
    return [function_row(group) for group in groups if group.chorales]


def markdown(rows: Sequence[FunctionRow]) -> str:
    """The table in Markdown, with shares in percent."""
    titles = (
        *("", "pieces", "last chord right, where it can be", "first chord I or V"),
        *("phrases", "in a cadence", *_KINDS),
        *("foreign notes", "tertian beats", "full beats", "chord changes a whole note"),
        *("doubled leading notes/100 chords", "unresolved sevenths/100 chords"),
        *("roots as in the setting", "root, quality and bass"),
    )
    lines = ["| " + " | ".join(titles) + " |", "| --- |" + " ---: |" * (len(titles) - 1)]
    for row in rows:
        kinds = [sum(row.kinds[kind] for kind in group) for group in _KINDS.values()]
        cells = (
            *(row.name, str(row.pieces)),
            f"{_percent(row.closes)} of {row.may_close}",
            *(_percent(row.opens), str(row.phrases), _percent(row.cadences)),
            *map(_percent, (*kinds, row.foreign, row.tertian, row.full)),
            f"{row.changes:.2f}",
            *(f"{row.doubled_leading_tones:.2f}", f"{row.unresolved_sevenths:.2f}"),
            *(_percent(row.roots), _percent(row.chords)),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _measure(group: Group, index: int) -> Function:
    chorale = group.chorales[index]
    key = group.keys[index] if group.keys else chorale.key or likely_key(chorale)
    reference = plan_of(group.settings[index], key) if group.settings else None
    ends = None if chorale.fermatas else phrase_ends(chorale, key)
    return function_of(chorale, key, reference, ends)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"
