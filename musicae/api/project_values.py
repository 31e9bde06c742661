"""What a project holds, as frozen values, and the JSON that they are written as.

All times are ticks, ``TICKS`` a quarter; a step of the models, a sixteenth, has ``TICKS_A_STEP``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, NamedTuple

from musicae.core.constants import MOST_BARS, MOST_STEPS, TICKS_A_STEP
from musicae.core.json_values import (
    decimal,
    listed,
    maybe,
    record,
    row,
    text,
    whole,
)

MOST_TICKS = MOST_STEPS * TICKS_A_STEP
"""The most ticks of a project."""
MOST_WORDS = 100_000
"""The most characters of its words."""
MOST_SEED = 2**31 - 1


class TuneNote(NamedTuple):
    """A note of a project; the pitch is a MIDI number as it sounds."""

    start: int
    length: int
    pitch: int
    velocity: int | None = None
    """1 to 127; None where nobody said it."""

    @property
    def end(self) -> int:
        return self.start + self.length


@dataclass(frozen=True)
class PhraseEnd:
    """The end of a phrase."""

    at: int
    """Where its last note begins."""
    cadence: str | None = None
    """One of ``theory.cadences.CADENCES``; None leaves it open."""


@dataclass(frozen=True)
class Settings:
    """How a project is harmonized; see ``HarmonizeOptions``."""

    style: str = "bach"
    rhythm: str | None = None
    rules: str = "bach"
    ensemble: str | None = None
    ranges: str | None = None
    temperature: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class LockedChord:
    """A chord that must sound: a chord symbol or a Roman numeral in the piece's key."""

    start: int
    length: int
    name: str


@dataclass(frozen=True)
class Locks:
    """What of the harmony stays, or must sound. What is no longer there has no effect."""

    voices: tuple[int, ...] = ()
    """Voices that stay throughout, besides the tune's."""
    bars: tuple[int, ...] = ()
    """Bars, counted from 1, a pickup as 0, in which all voices stay."""
    notes: tuple[tuple[int, int], ...] = ()
    """Notes of other voices, each as its voice and its start."""
    chords: tuple[LockedChord, ...] = ()


@dataclass(frozen=True)
class ChordSpan:
    """A chord of the harmony, from where it changes to where it changes again."""

    start: int
    length: int
    symbol: str
    numeral: str
    key: str
    """The local key, in which the numeral is written."""


@dataclass(frozen=True)
class Break:
    """A place where a rule of voice leading is broken."""

    rule: str
    start: int
    end: int
    bar: int
    beat: float
    voices: tuple[int, ...]
    text: str
    """The rule and the notes: ``parallel fifths: soprano G4 A4, bass C3 D3``."""
    why: str
    """A sentence that explains the rule."""
    bach: float = 0.0
    """How often Bach breaks the rule, per 100 chords; 0 where it is one of the strict set."""


@dataclass(frozen=True)
class SungVerse:
    """What a voice sings of a verse."""

    voice: int
    verse: int
    syllables: tuple[tuple[int, str], ...]
    """Where each begins, and its text as it is drawn: ``ho-`` goes on."""


@dataclass(frozen=True)
class MadeWith:
    """What a harmony was written with, so that what no longer fits it is known."""

    length: int
    meters: tuple[tuple[int, int, int], ...]
    pickup: int
    voice: int
    settings: Settings
    phrases: tuple[PhraseEnd, ...] | None = None
    """The ends that were asked for."""
    chords: tuple[LockedChord, ...] = ()
    """The chords that were asked for."""
    struck: tuple[tuple[int, int], ...] = ()
    """Voice and start of the notes that are struck again for a syllable."""
    held: tuple[tuple[int, int], ...] = ()
    """Voice and start of the notes that are held on for one syllable."""


@dataclass(frozen=True)
class Harmony:
    """The harmony of a project."""

    voices: tuple[tuple[TuneNote, ...], ...]
    """Four; the tune's as it was when this was written. On whole sixteenths; empty for a voice that
    the ensemble lacks."""
    key: str
    """What it was harmonized in."""
    phrases: tuple[int, ...] = ()
    """The ends of phrases that were used: where their last notes begin."""
    chords: tuple[ChordSpan, ...] = ()
    plan: str = ""
    """The ``HarmonicPlan`` as text."""
    notices: tuple[str, ...] = ()
    """What the musician should know of how the project was understood."""
    breaks: tuple[Break, ...] = ()
    words: tuple[SungVerse, ...] = ()
    made: MadeWith | None = None
    """None where it is not known; then the project is taken to fit it."""


_tick = whole(0, MOST_TICKS)
_length = whole(1, MOST_TICKS)
_voice = whole(0, 3)
_line = text(1000)
_names = text(100)
_written_note = row(start=_tick, length=_length, pitch=whole(0, 127), cls=TuneNote)
_note = row(
    start=_tick,
    length=_length,
    pitch=whole(0, 127),
    velocity=whole(1, 127),
    least=3,
    cls=TuneNote,
)
_chord = record(LockedChord, start=_tick, length=_length, name=text(40))
_chords = listed(_chord, MOST_STEPS)
_meters = listed(row(at=_tick, beats=whole(1, 255), unit=whole(1, 64)), MOST_BARS)
_phrases = maybe(listed(record(PhraseEnd, at=_tick, cadence=maybe(_names)), MOST_STEPS))
_places = listed(row(voice=_voice, start=_tick), 4 * MOST_STEPS)
_settings = record(
    Settings,
    style=_names,
    rhythm=maybe(_names),
    rules=_names,
    ensemble=maybe(_names),
    ranges=maybe(text(1000)),
    temperature=maybe(decimal(0, 10)),
    seed=whole(0, MOST_SEED),
)
_locks = record(
    Locks,
    voices=listed(_voice, 4),
    bars=listed(whole(0, MOST_BARS), MOST_BARS),
    notes=_places,
    chords=_chords,
)
_made = record(
    MadeWith,
    length=_length,
    meters=_meters,
    pickup=_tick,
    voice=_voice,
    settings=_settings,
    phrases=_phrases,
    chords=_chords,
    struck=_places,
    held=_places,
)
_break = record(
    Break,
    rule=_names,
    start=_tick,
    end=_tick,
    bar=whole(0, MOST_STEPS),
    beat=decimal(0, MOST_STEPS),
    voices=listed(_voice, 4),
    text=_line,
    why=_line,
    bach=decimal(0, 100),
)
_sung = record(
    SungVerse,
    voice=_voice,
    verse=whole(0, 10_000),
    syllables=listed(row(start=_tick, text=_line), MOST_STEPS),
)
_harmony = record(
    Harmony,
    voices=listed(listed(_written_note, MOST_STEPS), 4),
    key=_names,
    phrases=listed(_tick, MOST_STEPS),
    chords=listed(
        record(ChordSpan, start=_tick, length=_length, symbol=_names, numeral=_names, key=_names),
        MOST_STEPS,
    ),
    plan=text(40 * MOST_STEPS),
    notices=listed(text(100_000), 1000),
    breaks=listed(_break, 4 * MOST_STEPS),
    words=listed(_sung, 4 * 100),
    made=maybe(_made),
)
FIELDS = {
    "title": text(1000),
    "length": _length,
    "meters": _meters,
    "pickup": _tick,
    "tempos": listed(row(at=_tick, qpm=decimal(4, 500)), MOST_BARS),
    "key": maybe(_names),
    "voice": _voice,
    "tune": listed(_note, MOST_STEPS),
    "phrases": _phrases,
    "words": text(MOST_WORDS),
    "language": maybe(_names),
    "settings": _settings,
    "locks": _locks,
    "harmony": maybe(_harmony),
}
"""How each field of a project is read from JSON."""
break_of = _break


def as_json(value: Any) -> Any:
    """A value as JSON has it: what is named as objects, everything else as lists."""
    if is_dataclass(value):
        return {each.name: as_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, TuneNote):
        return list(value[:3] if value.velocity is None else value)
    if isinstance(value, tuple):
        return [as_json(each) for each in value]
    return value
