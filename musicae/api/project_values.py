"""The values of a project, as frozen classes, and their JSON.

All times are ticks: ``TICKS`` to a quarter, ``TICKS_A_STEP`` to a step (sixteenth) of the models.
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
"""The most characters of a project's words."""
MOST_SEED = 2**31 - 1


class TuneNote(NamedTuple):
    """A note of a project."""

    start: int
    """The tick at which it begins."""
    length: int
    """The length in ticks."""
    pitch: int
    """The MIDI pitch at which it sounds, 0 to 127."""
    velocity: int | None = None
    """The MIDI velocity, 1 to 127; None if it is not known."""

    @property
    def end(self) -> int:
        """The tick at which it ends."""
        return self.start + self.length


@dataclass(frozen=True)
class PhraseEnd:
    """The end of a phrase."""

    at: int
    """The tick at which its last note begins."""
    cadence: str | None = None
    """The cadence to write, one of ``theory.cadences.CADENCES``; None leaves it open."""


@dataclass(frozen=True)
class Settings:
    """How a project is harmonized; each field as in ``HarmonizeOptions``."""

    style: str = "bach"
    """The style of the harmony, one of ``core.constants.STYLES``."""
    rhythm: str | None = None
    """``"plain"``, ``"flowing"`` or None."""
    rules: str = "bach"
    """The rules of voice leading: ``"strict"``, ``"bach"`` or ``"off"``."""
    ensemble: str | None = None
    """Who sings or plays, such as ``"ttbb"``; None for the voices of Bach's chorales."""
    ranges: str | None = None
    """Ranges of voices, such as ``"S C4-A5"``; None for those of the ensemble."""
    temperature: float | None = None
    """How random the notes are, 0 to 10; None for the best value."""
    seed: int = 0
    """The random seed."""


@dataclass(frozen=True)
class LockedChord:
    """A chord that must sound."""

    start: int
    """The tick at which it begins."""
    length: int
    """The length in ticks."""
    name: str
    """A chord symbol, or a Roman numeral in the key of the piece."""


@dataclass(frozen=True)
class Locks:
    """The parts of the harmony that stay, and the chords that must sound.

    A lock of something that no longer exists has no effect.
    """

    voices: tuple[int, ...] = ()
    """Voices that stay in the whole piece, besides the tune's."""
    bars: tuple[int, ...] = ()
    """Bars in which all voices stay, counted from 1; a pickup is bar 0."""
    notes: tuple[tuple[int, int], ...] = ()
    """Notes of other voices that stay, each as (voice, start in ticks)."""
    chords: tuple[LockedChord, ...] = ()
    """Chords that must sound, in order."""


@dataclass(frozen=True)
class ChordSpan:
    """A chord of the harmony, up to the next change of chord or key."""

    start: int
    """The tick at which it begins."""
    length: int
    """The length in ticks."""
    symbol: str
    """The chord symbol, such as ``D7/F#``."""
    numeral: str
    """The Roman numeral in the local key."""
    key: str
    """The local key."""


@dataclass(frozen=True)
class Break:
    """A place where a rule of voice leading is broken."""

    rule: str
    """The name of the rule."""
    start: int
    """The tick at which the notes concerned begin."""
    end: int
    """The tick at which the first of the last notes concerned ends."""
    bar: int
    """The bar in which the violation is complete; a pickup is bar 0."""
    beat: float
    """The beat in that bar, counted from 1."""
    voices: tuple[int, ...]
    """The voices concerned, 0 soprano to 3 bass."""
    text: str
    """The rule and the notes: ``parallel fifths: soprano G4 A4, bass C3 D3``."""
    why: str
    """A sentence that explains the rule."""
    bach: float = 0.0
    """How often Bach breaks the rule, per 100 chords; 0 for a rule of the strict set."""


@dataclass(frozen=True)
class SungVerse:
    """The syllables of one verse in one voice."""

    voice: int
    """0 soprano to 3 bass."""
    verse: int
    """The number of the verse, from 1."""
    syllables: tuple[tuple[int, str], ...]
    """Each syllable as (start in ticks, text); a hyphen at the end means that the word goes on."""


@dataclass(frozen=True)
class MadeWith:
    """The values of a project when its harmony was written; later changes are found with them."""

    length: int
    """``Project.length`` then."""
    meters: tuple[tuple[int, int, int], ...]
    """``Project.meters`` then."""
    pickup: int
    """``Project.pickup`` then."""
    voice: int
    """``Project.voice`` then."""
    settings: Settings
    """``Project.settings`` then."""
    phrases: tuple[PhraseEnd, ...] | None = None
    """``Project.phrases`` then."""
    chords: tuple[LockedChord, ...] = ()
    """The locked chords then."""
    struck: tuple[tuple[int, int], ...] = ()
    """The notes that begin only because a syllable does, each as (voice, start in ticks)."""
    held: tuple[tuple[int, int], ...] = ()
    """The repeated notes that are held on for a syllable, each as (voice, start in ticks)."""


@dataclass(frozen=True)
class Harmony:
    """The harmony of a project."""

    voices: tuple[tuple[TuneNote, ...], ...]
    """The notes of the four voices, on sixteenths; empty for a voice that the ensemble lacks. The
    tune is as it was when this was written."""
    key: str
    """The key of the harmony."""
    phrases: tuple[int, ...] = ()
    """The phrase ends that were used: the ticks at which the last notes of phrases begin."""
    chords: tuple[ChordSpan, ...] = ()
    """The chords in order."""
    plan: str = ""
    """The ``HarmonicPlan`` as text."""
    notices: tuple[str, ...] = ()
    """Sentences on what was changed, left out or guessed, for the musician."""
    breaks: tuple[Break, ...] = ()
    """The places where a rule of voice leading is broken."""
    words: tuple[SungVerse, ...] = ()
    """The words of the voices."""
    made: MadeWith | None = None
    """The values it was written with; if None, the project is assumed to fit it."""


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
    """A value for JSON: classes with named fields as objects, tuples as lists."""
    if is_dataclass(value):
        return {each.name: as_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, TuneNote):
        return list(value[:3] if value.velocity is None else value)
    if isinstance(value, tuple):
        return [as_json(each) for each in value]
    return value
