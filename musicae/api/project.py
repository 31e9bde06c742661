"""``musicae.Project``: a tune with its harmony, and what a musician wants of it, as one value."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.api.options import HarmonizeOptions
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
from musicae.core.constants import DEFAULT_QPM, MOST_BARS, MOST_BYTES, TICKS, TICKS_A_STEP, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.files import whole_file
from musicae.core.json_values import record
from musicae.core.key import Key
from musicae.core.meter import Measure, Meter, measures_of
from musicae.theory.cadences import CADENCES

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
    """A tune with its harmony, its locks and its settings; what ``musicae studio`` works on.

    All times are ticks, 24 a quarter, so that triplets are whole; pitches are MIDI numbers as they
    sound; bars count from 1, a pickup is bar 0; voices are 0 soprano to 3 bass.

    >>> project = Project.of_dict({"format": 1, "tune": [[0, 24, 67], [24, 24, 69]]})
    >>> project.tune[1]
    TuneNote(start=24, length=24, pitch=69, velocity=None)
    >>> Project.of_dict(project.as_dict()) == project
    True

    Raises ChoraleError when it is made of values that contradict each other.
    """

    title: str = ""
    length: int = NEW_TICKS
    """Of the piece; it ends with a bar line."""
    meters: tuple[tuple[int, int, int], ...] = ((0, 4, 4),)
    """Where each meter begins, its beats and their unit; the first at 0."""
    pickup: int = 0
    """The length of the anacrusis."""
    tempos: tuple[tuple[int, float], ...] = ((0, DEFAULT_QPM),)
    """Where each tempo begins, and its quarters a minute; the first at 0."""
    key: str | None = None
    """The key that is asked for, such as ``"D minor"``; None finds it from the notes."""
    voice: int = 0
    """Which voice the tune is."""
    tune: tuple[TuneNote, ...] = ()
    """In order; none overlaps another."""
    phrases: tuple[PhraseEnd, ...] | None = None
    """Where phrases end; None finds it from the notes."""
    words: str = ""
    """Of the tune, as they are typed; see ``io.lyric_text``."""
    language: str | None = None
    """The language by which words without hyphens are split; None splits none."""
    settings: Settings = field(default_factory=Settings)
    locks: Locks = field(default_factory=Locks)
    harmony: Harmony | None = None

    def __post_init__(self) -> None:
        if not self.title.isprintable() or self.title != " ".join(self.title.split()):
            raise ChoraleError("the title is one line of plain text")
        if self.length % TICKS_A_STEP:
            raise ChoraleError("the piece ends with a bar line, so its length is whole sixteenths")
        self._check_meters()
        self._check_tune()
        self._check_wishes()
        _ = self.options  # raises for settings that make no sense

    @classmethod
    def of_dict(cls, value: Any) -> Project:
        """The project that ``as_dict`` tells; fields that are missing are as in a new project.

        Raises ChoraleError for anything else, whatever it is.
        """
        if not isinstance(value, dict) or "format" not in value:
            raise ChoraleError("this is no project of musicae: it says no format")
        if value["format"] != FORMAT or isinstance(value["format"], bool):
            raise ChoraleError(
                "this project was written by another version of musicae, which numbers its format"
                " otherwise; update musicae to open it"
            )
        rest = {name: each for name, each in value.items() if name != "format"}
        if isinstance(title := rest.get("title"), str):  # it may be half typed
            rest["title"] = " ".join(title.split())
        return record(cls, **FIELDS)(rest, "the project")

    def as_dict(self) -> dict[str, Any]:
        """The project as plain lists, names, texts and numbers, with its format."""
        return {"format": FORMAT} | {
            each.name: as_json(getattr(self, each.name)) for each in fields(self)
        }

    @classmethod
    def read(cls, path: Path | str) -> Project:
        """The project in a file. Raises ChoraleError."""
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
        """The project in the bytes of a file. Raises ChoraleError."""
        if len(data) > MOST_BYTES:
            raise ChoraleError("is too large for a project")
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            raise ChoraleError("is no project of musicae, or it is damaged") from None
        return cls.of_dict(value)

    def write(self, path: Path | str) -> None:
        """Write the project, whole or not at all; its name ends in ``.musicae``.

        Raises ChoraleError where it cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() != SUFFIX:
            raise ChoraleError(f"{path}: the name of a project ends in {SUFFIX}")
        with whole_file(path) as partial:
            partial.write_text(json.dumps(self.as_dict()), encoding="utf-8")

    @classmethod
    def open_parts(cls, source: Path | str | bytes, name: str = "") -> list[OpenedPart]:
        """What of a file can be a tune, each as a project; see ``OpenedPart``.

        ``source`` is a path of MIDI, MusicXML, ABC, MEI, kern or a project, or the bytes of such a
        file, whose ``name`` then tells which it is. Raises MusicaeError where it cannot be read.
        """
        from musicae.api.project_files import open_parts

        return open_parts(source, name)

    @classmethod
    def of_piece(cls, piece: Piece) -> Project:
        """A piece that musicae made, its highest voice as the tune, with the rest as harmony."""
        from musicae.api.project_files import of_piece

        return of_piece(piece)

    def harmonized(self, bars: tuple[int, int] | None = None, redraw: int = 0) -> Project:
        """The project with voices for its tune as it is now.

        Args:
            bars: the first and the last to be written anew; None writes ``changed_bars``, or with
                ``redraw`` all of them.
            redraw: above 0, another draw of the same bars, each number its own, with other chords
                where there are any.

        What is locked stays, and so does everything in other bars. Words are set anew. Without
        notes there is no harmony. Raises ChoraleError where the wishes cannot be met.
        """
        from musicae.api.project_harmony import harmonized

        return harmonized(self, bars, redraw)

    def changed_bars(self) -> tuple[int, ...]:
        """The bars in which the harmony no longer fits the tune, the locked chords or the settings.

        All of them where there is no harmony, or where it was written in other meters, another
        pickup or key, for another voice or with other settings.
        """
        from musicae.api.project_harmony import changed_bars

        return changed_bars(self)

    def alternatives(self, n: int, bars: tuple[int, int] | None = None) -> list[Project]:
        """Up to ``n`` harmonizations of some bars or of the whole piece, best first.

        Each has other chords, where the tune and what is locked leave any; there is at least one.
        Raises ChoraleError as ``harmonized`` does.
        """
        from musicae.api.project_harmony import alternatives

        return alternatives(self, n, bars)

    def chord_choices(self, start: int) -> ChordChoices:
        """What chords fit where the one at a tick begins, the likeliest first.

        Raises ChoraleError where there is no harmony.
        """
        from musicae.api.project_harmony import chord_choices

        return chord_choices(self, start)

    def mended(self, broken: Break) -> Project | None:
        """The project with other notes where a rule is broken; None where there is no better way.

        Raises ChoraleError where the harmony does not break the rule there.
        """
        from musicae.api.project_harmony import mended

        return mended(self, broken)

    def piece(self) -> Piece:
        """The project as a piece, which writes files that hold the tune exactly.

        Without harmony it is the tune alone.
        """
        from musicae.api.project_piece import piece_of

        return piece_of(self)

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """Every bar in order, a pickup first, in steps (sixteenths)."""
        meters = [Meter(at // TICKS_A_STEP, *rest) for at, *rest in self.meters]
        return tuple(measures_of(meters, self.pickup // TICKS_A_STEP, self.length // TICKS_A_STEP))

    @property
    def first_bar(self) -> int:
        """The number of the first bar: 0 where it is a pickup."""
        return 0 if self.pickup else 1

    def steps_of(self, first: int, last: int) -> slice:
        """The steps of bars ``first`` to ``last``. Raises ChoraleError where there are none."""
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
        """Bar and beat of a tick of the piece, both counted from 1; a pickup is bar 0."""
        step = tick / TICKS_A_STEP
        index = bisect_right(self.measures, step, key=lambda measure: measure.start) - 1
        measure = self.measures[index]
        into = step - measure.start
        if index == 0 and self.pickup:
            into += measure.meter.steps_per_bar - measure.length
        return index + self.first_bar, round(1 + into / measure.meter.steps_per_beat, 2)

    def place(self, tick: int) -> str:
        """Where a tick is, in words: ``bar 3, beat 2``."""
        bar, beat = self.position(tick)
        return f"bar {bar}, beat {beat:g}"

    @cached_property
    def options(self) -> HarmonizeOptions:
        """The settings, the key and the voice as those of ``musicae.harmonize``."""
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

    def _check_meters(self) -> None:
        starts = [at for at, *_ in self.meters]
        if not starts or starts[0] != 0:
            raise ChoraleError("the first meter begins with the piece")
        if any(later <= at for at, later in pairwise(starts)) or starts[-1] >= self.length:
            raise ChoraleError("meters are in order, and begin before the piece ends")
        if any(at % TICKS_A_STEP for at in starts) or self.pickup % TICKS_A_STEP:
            raise ChoraleError("a meter begins on a sixteenth, and a pickup is whole sixteenths")
        first = Meter(0, *self.meters[0][1:])
        if self.pickup >= first.steps_per_bar * TICKS_A_STEP:
            raise ChoraleError(
                f"the pickup is as long as a bar of {first}, or longer; make it shorter, or a bar"
            )
        bars = sum(
            (later - at) // (Meter(0, *rest).steps_per_bar * TICKS_A_STEP)
            for (at, *rest), later in zip(self.meters, [*starts[1:], self.length], strict=True)
        )
        if bars > MOST_BARS or len(self.measures) > MOST_BARS:
            raise ChoraleError(f"a piece has at most {MOST_BARS:,} bars")
        tempos = [at for at, _ in self.tempos]
        if not tempos or tempos[0] != 0 or any(b <= a for a, b in pairwise(tempos)):
            raise ChoraleError("the first tempo begins with the piece, and others follow in order")
        if tempos[-1] >= self.length:
            raise ChoraleError("a tempo begins after the piece ends")

    def _check_tune(self) -> None:
        for note, later in pairwise(self.tune):
            if later.start < note.end:
                raise ChoraleError(
                    f"{self.place(later.start)}: a note begins before the one before it ends"
                )
        if self.tune and self.tune[-1].end > self.length:
            last = next(note for note in self.tune if note.end > self.length)
            raise ChoraleError(
                f"a note of the tune ends {(last.end - self.length) / TICKS:g} quarters after the"
                f" piece's {len(self.measures)} bars; add a bar, or shorten it"
            )

    def _check_wishes(self) -> None:
        if self.key is not None:
            Key.parse(self.key)
        ends = [end.at for end in self.phrases or ()]
        if any(later <= at for at, later in pairwise(ends)):
            raise ChoraleError("the ends of phrases are in order")
        for end in self.phrases or ():
            if end.cadence is not None and end.cadence not in CADENCES:
                raise ChoraleError(f"a cadence is {', '.join(CADENCES)}, not {end.cadence!r}")
        for chord in self.locks.chords:
            if chord.start % TICKS_A_STEP or chord.length % TICKS_A_STEP:
                raise ChoraleError("a locked chord begins and ends on a sixteenth")
            if not chord.name.strip():
                raise ChoraleError(f"{self.place(chord.start)}: the locked chord has no name")
        for chord, following in pairwise(self.locks.chords):
            if following.start < chord.start + chord.length:
                raise ChoraleError(
                    f"{self.place(following.start)}: a chord is locked before the one before ends"
                )
        if self.harmony:
            self._check_harmony(self.harmony)

    def _check_harmony(self, harmony: Harmony) -> None:
        if len(harmony.voices) != len(VOICES):
            raise ChoraleError("a harmony has four voices, of which some may be empty")
        for notes in harmony.voices:
            ends = [0, *(note.end for note in notes)]
            if any(
                note.start < end or note.start % TICKS_A_STEP or note.length % TICKS_A_STEP
                for note, end in zip(notes, ends, strict=False)
            ):
                raise ChoraleError("the notes of a harmony are whole sixteenths, in order")
