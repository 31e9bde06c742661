"""``musicae.check``: voice leading, last chord, cadences and full beats, compared with Bach's.

Bach's rates and shares come from the train side of the corpus: for each rule and share, one value
per chorale. ``scripts/make_reference.py`` computes them; they ship as JSON.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musicae.core.chorale import Chorale, silent_voices
from musicae.core.constants import N_VOICES, VOICE_RANGES, VOICES
from musicae.core.errors import ChoraleError
from musicae.io.base import MIDI_SUFFIXES, WRITTEN_SUFFIXES, Reading
from musicae.io.formats import read_ensemble
from musicae.io.voice_tracks import voice_of_name
from musicae.theory.function import LastChord, last_chord
from musicae.theory.voice_leading.bach import (
    ACCIDENT,
    SHARES,
    bach_rates,
    bach_shares,
    limits,
    share_limits,
)
from musicae.theory.voice_leading.rules import RULES, STRICT_RULES, Violation, chord_count
from musicae.theory.voice_leading.rules import check as violations_of

OUT_OF_RANGE = "out of range"
OF_THREE_VOICES = ("spacing", "doubled leading tone", "unresolved seventh", "missing third")
"""Rules that two voices cannot break."""
ANY_PITCH = (0, 127)
BACHS, STRICT = "Bach's", "strict"
"""The rule sets: the rules that are compared with Bach, and these with ``STRICT_RULES``."""
END = "the last chord"
"""The name in ``Report.beyond_bach`` of a last chord that is not the tonic."""


class Comparison(NamedTuple):
    """How often a chorale breaks a rule, compared with Bach."""

    violations: int
    """The number of violations."""
    rate: float
    """Violations per 100 chords."""
    bach: float | None
    """The mean rate of Bach's chorales, per 100 chords; None if there are not four voices."""
    percentile: float | None
    """The percentage of Bach's chorales that break the rule less often, 0 to 100; None if there are
    not four voices."""
    beyond: bool
    """Whether the rate is above Bach's limit; see ``voice_leading.bach.limits``."""


class ShareComparison(NamedTuple):
    """How often a chorale does what Bach nearly always does, compared with Bach."""

    done: int
    """The number of phrases or beats in which it does."""
    of: int
    """The number of all phrases or beats."""
    bach: float
    """The mean share of Bach's chorales, 0 to 1."""
    limit: float
    """Bach's limit, 0 to 1: lower is unlike his; see ``voice_leading.bach.share_limits``."""
    beyond: bool
    """Whether the share is below the limit, with more than one miss."""


@dataclass(frozen=True)
class Report:
    """What ``musicae.check`` found in a chorale.

    Example:
        ```python
        report = musicae.check("hymn.mid")
        print(report.as_text())
        report.annotate("hymn-marked.musicxml")
        ```
    """

    chorale: Chorale
    """The music that was checked."""
    violations: tuple[Violation, ...]
    """Every violation, in order, with its rule, place and voices."""
    chords: int
    """The number of chords; the rates are per 100 of them."""
    rules: dict[str, Comparison]
    """For each rule that these voices can break, by name: how often it is broken."""
    shares: dict[str, ShareComparison]
    """The share of phrases that end in a cadence, and of full beats, by their names in ``SHARES``.
    Empty if there are not four voices."""
    last: LastChord
    """The last chord in the chorale's key, or in the likeliest key if none is stated."""
    strict: dict[str, int] | None = None
    """With the strict rule set, how often each of ``STRICT_RULES`` is broken; else None."""
    notices: tuple[str, ...] = ()
    """Sentences on how the file was read, such as which of two tracks called Bass is the bass."""
    names: tuple[str, ...] = VOICES
    """The name that the file gives each of the four voices; empty for a voice that it lacks. If the
    parts are not S A T B, they stand here from the top down, with the lowest as the bass."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the voices that exist, from the top down."""
        return tuple(filter(None, self.names))

    @property
    def in_four_voices(self) -> bool:
        """Whether there are four voices, so that the piece can be compared with Bach's chorales."""
        return len(self.parts) == N_VOICES

    @property
    def music(self) -> str:
        """The music in one line; if it is not S A T B, with the names of its parts."""
        if self.names == VOICES:
            return repr(self.chorale)
        bars = self.chorale.bar_count
        title = [repr(self.chorale.title)] if self.chorale.title else []
        return ", ".join([*title, *self.parts, f"{bars} bar{'s' * (bars != 1)}"])

    @property
    def beyond_bach(self) -> list[str]:
        """The names of what is beyond Bach's limits: rules, last chord, cadences, full beats.

        The last chord is among them if ``ends_on_tonic`` is False, unless it is an ending of the
        church modes that Bach writes too; see ``LastChord.is_modal``. Empty if there are not four
        voices.
        """
        if not self.in_four_voices:
            return []
        broken = [name for name, comparison in self.rules.items() if comparison.beyond]
        end = [END] if self.ends_on_tonic is False and not self.last.is_modal else []
        few = [f"few {name}" for name, comparison in self.shares.items() if comparison.beyond]
        return [*broken, *end, *few]

    @property
    def rule_set(self) -> str:
        """The rules that were used: ``"Bach's"`` or ``"strict"``."""
        return BACHS if self.strict is None else STRICT

    @property
    def broken_strictly(self) -> list[str]:
        """The names of the broken ``STRICT_RULES``; empty without the strict rule set."""
        return [name for name, count in (self.strict or {}).items() if count]

    @property
    def ends_on_tonic(self) -> bool | None:
        """Whether the last chord is the tonic in root position.

        None if the soprano's last note is not in the tonic triad, so that it cannot be.
        """
        return self.last.ends_in_key

    @property
    def findings(self) -> list[str]:
        """Sentences on a last chord other than the tonic, and on too few cadences or full beats."""
        found = [f"{self.last}"] if self.ends_on_tonic is False else []
        texts = (
            "{done} of {of} phrases end in a cadence; in nearly all of Bach's chorales, {limit:.0%}"
            " or more do",
            "{done} of {of} beats have three notes of a chord; in nearly all of Bach's chorales,"
            " {limit:.0%} or more have",
        )
        for text, comparison in zip(texts, self.shares.values(), strict=bool(self.shares)):
            if comparison.beyond:
                found.append(text.format_map(comparison._asdict()))
        return found

    def as_dict(self) -> dict[str, Any]:
        """The report as plain numbers, texts, lists and dicts, for JSON."""
        return {
            "title": self.chorale.title,
            "bars": self.chorale.bar_count,
            "chords": self.chords,
            "parts": list(self.parts),
            "in_four_voices": self.in_four_voices,
            "rule_set": self.rule_set,
            "beyond_bach": self.beyond_bach,
            "ends_on_tonic": self.ends_on_tonic,
            "last_chord": self.last.name,
            "key": str(self.last.key),
            "findings": self.findings,
            "shares": {name: comparison._asdict() for name, comparison in self.shares.items()},
            "rules": {name: comparison._asdict() for name, comparison in self.rules.items()},
            "violations": [
                violation._asdict() | {"names": [self.names[voice] for voice in violation.voices]}
                for violation in self.violations
            ],
            **({} if self.strict is None else {"strict_rules": self.strict}),
            **({"notices": list(self.notices)} if self.notices else {}),
        }

    def annotate(self, path: Path | str) -> None:
        """Write the chorale with its violations marked.

        In a score, the rule is named above the first note concerned, and all notes concerned are
        coloured if the format has colours. In MIDI, a marker names the rule and the voices. If
        writing fails, no file is left behind.

        Args:
            path: the file to write; its suffix decides the format (``.mid``, ``.musicxml``, ...).

        Raises:
            ChoraleError: if the suffix is unknown.
            MusicaeError: if the file cannot be written.
        """
        from musicae.io import midi_writer, musicxml_writer, score_files

        if Path(path).suffix.lower() in MIDI_SUFFIXES:
            markers = [
                (v.step, f"{v.rule}: {' '.join(self.names[voice] for voice in v.voices)}")
                for v in self.violations
            ]
            midi_writer.write(self.chorale, path, markers=markers, names=self.names)
        elif Path(path).suffix.lower() in WRITTEN_SUFFIXES:
            xml = musicxml_writer.to_xml(self.chorale, marks=self.marks(), names=self.names)
            score_files.save(xml, path)
        else:
            known = ", ".join(WRITTEN_SUFFIXES)
            raise ChoraleError(f"{path}: its name should end in one of {known}")

    def marks(self) -> dict[tuple[int, int], list[str]]:
        """The notes of all violations, for drawing.

        Returns:
            By the start step and the voice of each note, the names of rules to write at it. The
            first voice's note at the last step of a violation has the rule's name; the other notes
            of the violation have none.
        """
        starts = self.chorale.note_starts
        marks: dict[tuple[int, int], list[str]] = {}
        for violation in self.violations:
            for voice in violation.voices:
                for step in {violation.since, violation.step}:
                    names = marks.setdefault((int(starts[step, voice]), voice), [])
                    if step == violation.step and voice == violation.voices[0]:
                        names.append(violation.rule)
        return marks

    def as_text(self) -> str:
        """The report as text: notices, violations, the rates of the broken rules, findings."""
        lines = [f"note: {notice}" for notice in self.notices]
        lines += [violation.told(self.names) for violation in self.violations]
        beside = "  Bach's mean  Bach breaks it less often in" * self.in_four_voices
        lines.append(f"{'':26} count  per 100 chords{beside}")
        for name, rule in self.rules.items():
            if rule.violations:
                line = f"{name:26} {rule.violations:5}  {rule.rate:14.2f}"
                if rule.bach is not None:
                    line += f"  {rule.bach:11.2f}  {rule.percentile:3.0f}% of chorales"
                lines.append(line + "  beyond" * rule.beyond)
        added = self.strict or {}
        lines += [f"{name:26} {added[name]:5}" for name in self.broken_strictly]
        lines += self.findings
        others = f", and {', '.join(added)}" if added else ""
        lines.append(f"rules: {self.rule_set}: the {len(self.rules)} of the ordinary check{others}")
        if self.in_four_voices:
            lines.append(f"beyond Bach: {', '.join(self.beyond_bach) or 'nothing'}")
        else:
            lines.append("not compared with Bach: his rates are for four voices")
        return "\n".join(lines)


def check(source: Chorale | Path | str, strict: bool = False) -> Report:
    """Check the voice leading, the last chord, the cadences and the full beats of a piece.

    Phrases end at the chorale's fermatas and at the soprano's last note.

    If the parts of a file are not S A T B (SAB, SSA, TTBB, two parts), they are checked under their
    own names, by the rules that they can break; see ``io.ensemble.ensemble_of``. A part named after
    a voice is checked against that voice's range; other parts have no range.

    Args:
        source: a chorale, or the path of a MIDI file or a score.
        strict: also check ``STRICT_RULES``, which students are marked down for: parallels behind an
            ornament, a diminished fifth that becomes perfect, cross relations, missing thirds and
            rising sevenths.

    Returns:
        The report.

    Raises:
        ChoraleError: if a file cannot be read, a voice of a chorale has no notes, or a part has two
            notes at once.

    Example:
        ```python
        report = musicae.check("hymn.mid", strict=True)
        for violation in report.violations:
            print(violation)
        ```
    """
    reading = Reading(source, 0) if isinstance(source, Chorale) else read_ensemble(source)
    chorale, names = reading.chorale, reading.names
    if names == VOICES and (silent := silent_voices(chorale)):
        place = "" if isinstance(source, Chorale) else f"{source}: "
        raise ChoraleError(f"{place}is not in four voices: {silent}")
    return report_of(reading, strict)


def report_of(
    reading: Reading, strict: bool = False, ranges: Sequence[tuple[int, int]] | None = None
) -> Report:
    """Check the voices of a reading under their own names.

    ``ranges`` are the lowest and highest MIDI pitch of each voice; None takes the ranges of the
    voices that the parts are named after.
    """
    chorale, names = reading.chorale, reading.names
    named = [voice_of_name(name) for name in names]
    if of_names := ranges is None:
        ranges = [ANY_PITCH if voice is None else VOICE_RANGES[voice] for voice in named]
    few = OF_THREE_VOICES if sum(map(bool, names)) < 3 else ()
    violations = tuple(v for v in violations_of(chorale, strict, ranges) if v.rule not in few)
    chords = chord_count(chorale)
    in_four_voices = all(names)
    rules = {}
    for name in RULES:
        if name == OUT_OF_RANGE and of_names and named == [None] * N_VOICES:
            continue
        if name in few:
            continue
        count = sum(violation.rule == name for violation in violations)
        rules[name] = _compared(name, count, 100 * count / max(chords, 1), in_four_voices)
    return Report(
        chorale,
        violations,
        chords,
        rules,
        _shares(chorale) if in_four_voices else {},
        last_chord(chorale),
        {name: sum(v.rule == name for v in violations) for name in STRICT_RULES if name not in few}
        if strict
        else None,
        (*reading.notices, *(_unranged(names) if of_names else ())),
        names,
    )


def _compared(rule: str, count: int, rate: float, in_four_voices: bool) -> Comparison:
    if not in_four_voices:
        return Comparison(count, rate, None, None, False)
    bach = bach_rates()[rule]
    return Comparison(
        count,
        rate,
        float(np.mean(bach)),
        100 * bisect_left(bach, rate) / len(bach),
        count > ACCIDENT and rate > limits()[rule],
    )


def _unranged(names: Sequence[str]) -> tuple[str, ...]:
    """A sentence on the parts that are not named after a voice, if there are any."""
    others = [name for name in names if name and voice_of_name(name) is None]
    notice = f"no range is checked for {', '.join(others)}: not named after a voice"
    return (notice,) if others else ()


def _shares(chorale: Chorale) -> dict[str, ShareComparison]:
    bach, limit = bach_shares(), share_limits()
    shares = {}
    for name, share in SHARES.items():
        done = share(chorale)
        below = bool(done) and float(np.mean(done)) < limit[name]
        shares[name] = ShareComparison(
            sum(done),
            len(done),
            float(np.mean(bach[name])),
            limit[name],
            below and done.count(False) > ACCIDENT,
        )
    return shares
