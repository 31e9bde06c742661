"""``musicae.Project``: a tune with its harmony, locks and settings, as one value."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.api.options import HarmonizeOptions
from musicae.api.project_checks import check_values
from musicae.api.project_values import (
    FIELDS,
    Break,
    Harmony,
    Locks,
    PhraseEnd,
    Settings,
    TuneNote,
    as_json,
)
from musicae.core.constants import DEFAULT_QPM, MOST_BYTES, TICKS, TICKS_A_STEP, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.files import whole_file
from musicae.core.json_values import record
from musicae.core.meter import Measure, Meter, measures_of

if TYPE_CHECKING:
    from musicae.api.chord_choices import ChordChoices
    from musicae.api.piece import Piece
    from musicae.api.project_files import OpenedPart

FORMAT = 1
SUFFIX = ".musicae"
NEW_TICKS = 32 * TICKS
"""The length of a new project: eight bars of 4/4."""


@dataclass(frozen=True)
class Project:
    """A tune with its harmony, locks and settings: what ``musicae studio`` edits and saves.

    All times are ticks, 24 to a quarter, so that triplets are whole numbers. Pitches are MIDI
    numbers as they sound. Bars count from 1; a pickup is bar 0. Voices are 0 soprano to 3 bass.
    A project never changes: methods return new projects.

    Raises:
        ChoraleError: if values are out of range or contradict each other.

    Example:
        ```pycon
        >>> project = Project.of_dict({"format": 1, "tune": [[0, 24, 67], [24, 24, 69]]})
        >>> project.tune[1]
        TuneNote(start=24, length=24, pitch=69, velocity=None)
        >>> Project.of_dict(project.as_dict()) == project
        True

        ```
    """

    title: str = ""
    """The title, on one line."""
    length: int = NEW_TICKS
    """The length of the piece in ticks; it ends with a bar line."""
    meters: tuple[tuple[int, int, int], ...] = ((0, 4, 4),)
    """Each meter as (start in ticks, beats, unit); the first starts at 0."""
    pickup: int = 0
    """The length of the pickup in ticks; 0 without one."""
    tempos: tuple[tuple[int, float], ...] = ((0, DEFAULT_QPM),)
    """Each tempo as (start in ticks, quarters per minute); the first starts at 0."""
    key: str | None = None
    """The key that the musician chose, such as ``"D minor"``; None finds it from the notes."""
    voice: int = 0
    """The voice that has the tune."""
    tune: tuple[TuneNote, ...] = ()
    """The notes in order; none overlaps another."""
    phrases: tuple[PhraseEnd, ...] | None = None
    """Where phrases end; None finds the ends from the notes."""
    words: str = ""
    """The words of the tune as text; see ``io.lyric_text``."""
    language: str | None = None
    """The language that splits words without hyphens; None does not split them."""
    settings: Settings = field(default_factory=Settings)
    """How the tune is harmonized."""
    locks: Locks = field(default_factory=Locks)
    """The voices, bars, notes and chords that have to stay."""
    harmony: Harmony | None = None
    """The other voices with chords, words and broken rules; None before the first harmonization."""

    def __post_init__(self) -> None:
        check_values(self)
        _ = self.options  # raises for settings that cannot be used

    @classmethod
    def of_dict(cls, value: Any) -> Project:
        """The project in a dict, as ``as_dict`` returns it; missing fields get their defaults.

        Args:
            value: a dict with ``format`` and fields of a project, as read from JSON.

        Returns:
            The project.

        Raises:
            ChoraleError: for any value that is not such a dict.
        """
        if not isinstance(value, dict) or "format" not in value:
            raise ChoraleError("this is not a musicae project: it has no format number")
        if value["format"] != FORMAT or isinstance(value["format"], bool):
            raise ChoraleError(
                "this project was written by another version of musicae; its format is not"
                f" {FORMAT}; update musicae to open it"
            )
        rest = {name: each for name, each in value.items() if name != "format"}
        if isinstance(title := rest.get("title"), str):  # the page sends it while it is typed
            rest["title"] = " ".join(title.split())
        return record(cls, **FIELDS)(rest, "the project")

    def as_dict(self) -> dict[str, Any]:
        """The project as plain numbers, texts, lists and dicts, for JSON; with its ``format``."""
        return {"format": FORMAT} | {
            each.name: as_json(getattr(self, each.name)) for each in fields(self)
        }

    @classmethod
    def read(cls, path: Path | str) -> Project:
        """Read a project from a ``.musicae`` file.

        Returns:
            The project.

        Raises:
            ChoraleError: if the file cannot be read or is not a project.
        """
        path = Path(path)
        try:
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise ChoraleError(f"{path}: cannot be read ({error.strerror})") from None
        try:
            return cls.of_bytes(data)
        except ChoraleError as error:
            raise ChoraleError(f"{path}: {error}") from None

    @classmethod
    def of_bytes(cls, data: bytes) -> Project:
        """Read a project from the bytes of a ``.musicae`` file.

        Returns:
            The project.

        Raises:
            ChoraleError: if the bytes are not a project.
        """
        if len(data) > MOST_BYTES:
            raise ChoraleError(f"is larger than {MOST_BYTES // 2**20} MiB, too large for a project")
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            raise ChoraleError("is not a musicae project, or is damaged") from None
        return cls.of_dict(value)

    def write(self, path: Path | str) -> None:
        """Write the project to a file. If writing fails, no file is left behind.

        Args:
            path: the file; its name must end in ``.musicae``.

        Raises:
            ChoraleError: if the name has another suffix, or the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() != SUFFIX:
            raise ChoraleError(f"{path}: the name of a project ends in {SUFFIX}")
        with whole_file(path) as partial:
            partial.write_text(json.dumps(self.as_dict()), encoding="utf-8")

    @classmethod
    def open_parts(cls, source: Path | str | bytes, name: str = "") -> list[OpenedPart]:
        """Open a file; each of its parts that can be a tune becomes a project.

        Args:
            source: the path of a MIDI, MusicXML, ABC, MEI, kern or ``.musicae`` file, or its bytes.
            name: the name of the file, needed with bytes: its suffix tells the format.

        Returns:
            The parts, at least one; exactly one has ``chosen``, the likeliest melody.

        Raises:
            MusicaeError: if the file cannot be read.

        Example:
            ```python
            parts = musicae.Project.open_parts("data/melodies/ode_to_joy.mid")
            project = next(part.project for part in parts if part.chosen).harmonized()
            project.piece().write("ode.mid")
            ```
        """
        from musicae.api.project_files import open_parts

        return open_parts(source, name)

    @classmethod
    def of_piece(cls, piece: Piece) -> Project:
        """Make a project of a piece that musicae made.

        Returns:
            The project, with its harmony. Its tune is the given voice if one voice was given, else
            the highest voice.
        """
        from musicae.api.project_files import of_piece

        return of_piece(piece)

    def harmonized(self, bars: tuple[int, int] | None = None, redraw: int = 0) -> Project:
        """Harmonize the tune, or update the harmony after a change.

        Locked voices, bars, notes and chords stay, and so do the bars that are not rewritten. Words
        are set again. Without notes in the tune, there is no harmony.

        Args:
            bars: the first and the last bar to rewrite; None rewrites ``changed_bars``, or all bars
                with ``redraw``.
            redraw: 0, or the number of another draw of the same bars, with other chords if others
                are possible. The same number gives the same draw.

        Returns:
            The project with its new harmony.

        Raises:
            ChoraleError: if bars are not in the piece, or the tune, locks and settings cannot be
                combined.
        """
        from musicae.api.project_harmony import harmonized

        return harmonized(self, bars, redraw)

    def changed_bars(self) -> tuple[int, ...]:
        """Find the bars in which the harmony does not fit the tune or the locked chords.

        Returns:
            The numbers of these bars. All bars, if there is no harmony, or if meters, pickup, key,
            voice or settings have changed since.
        """
        from musicae.api.project_harmony import changed_bars

        return changed_bars(self)

    def alternatives(self, n: int, bars: tuple[int, int] | None = None) -> list[Project]:
        """Write alternative harmonizations of some bars or of the whole piece.

        Args:
            n: the number of alternatives, 1 or more.
            bars: the first and the last bar; None for the whole piece.

        Returns:
            1 to ``n`` projects, best first, each with other chords if others are possible.

        Raises:
            ChoraleError: as ``harmonized`` does.
        """
        from musicae.api.project_harmony import alternatives

        return alternatives(self, n, bars)

    def chord_choices(self, start: int) -> ChordChoices:
        """Find the chords that fit in place of the chord at a tick.

        Args:
            start: a tick in the piece.

        Returns:
            The chords, likeliest first; ``start`` and ``length`` are in ticks.

        Raises:
            ChoraleError: if there is no harmony, or the tick is not in the piece.
        """
        from musicae.api.project_harmony import chord_choices

        return chord_choices(self, start)

    def mended(self, broken: Break) -> Project | None:
        """Rewrite the bars around a broken rule so that it is kept there.

        Args:
            broken: one of ``harmony.breaks``.

        Returns:
            The project with other notes; None if no better ones are found.

        Raises:
            ChoraleError: if the harmony does not break the rule there.
        """
        from musicae.api.project_harmony import mended

        return mended(self, broken)

    def piece(self) -> Piece:
        """The project as a piece, which writes files with the exact tune.

        Without harmony, the piece is the tune alone.
        """
        from musicae.api.project_piece import piece_of

        return piece_of(self)

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """Every bar in order, in steps (sixteenths); a pickup comes first."""
        meters = [Meter(at // TICKS_A_STEP, *rest) for at, *rest in self.meters]
        return tuple(measures_of(meters, self.pickup // TICKS_A_STEP, self.length // TICKS_A_STEP))

    @property
    def first_bar(self) -> int:
        """The number of the first bar: 0 if it is a pickup, else 1."""
        return 0 if self.pickup else 1

    def steps_of(self, first: int, last: int) -> slice:
        """The steps of some bars.

        Args:
            first: the number of the first bar; a pickup is bar 0.
            last: the number of the last bar.

        Returns:
            The slice of their steps (sixteenths).

        Raises:
            ChoraleError: if a bar is not in the piece.
        """
        low, high = first - self.first_bar, last - self.first_bar
        if not 0 <= low <= high < len(self.measures):
            count = len(self.measures) - bool(self.pickup)
            raise ChoraleError(
                f"bars {first} to {last} are not all in the piece, which has {count} bars"
                f"{' and a pickup (bar 0)' if self.pickup else ''}"
            )
        end = self.measures[high]
        return slice(self.measures[low].start, end.start + end.length)

    def position(self, tick: int) -> tuple[int, float]:
        """Find the bar and the beat of a tick.

        Returns:
            The number of the bar, from 1 (a pickup is 0), and the beat in it, from 1.
        """
        step = tick / TICKS_A_STEP
        index = bisect_right(self.measures, step, key=lambda measure: measure.start) - 1
        measure = self.measures[index]
        into = step - measure.start
        if index == 0 and self.pickup:
            into += measure.meter.steps_per_bar - measure.length
        return index + self.first_bar, round(1 + into / measure.meter.steps_per_beat, 2)

    def place(self, tick: int) -> str:
        """The position of a tick in words.

        Returns:
            A text such as ``bar 3, beat 2``.
        """
        bar, beat = self.position(tick)
        return f"bar {bar}, beat {beat:g}"

    @cached_property
    def options(self) -> HarmonizeOptions:
        """The settings, the key and the voice as ``HarmonizeOptions``."""
        asked = self.settings
        options = HarmonizeOptions(
            style=asked.style,
            rhythm=asked.rhythm,
            rules=asked.rules,
            ensemble=asked.ensemble,
            ranges=asked.ranges or None,
            temperature=asked.temperature,
            seed=asked.seed,
            key=self.key,
        )
        name = VOICES[self.voice]
        if ensemble := options.parsed_ensemble:
            if ensemble.voices[self.voice] is None:
                raise ChoraleError(
                    f"{ensemble.name} has no voice for a tune in the {name.lower()}; there are"
                    f" {', '.join(filter(None, ensemble.names)).lower()}"
                )
            name = ensemble.names[self.voice]
        return replace(options, voice=name)
