"""Make the example melodies as MIDI files; they are public-domain tunes, written in this script.

    python scripts/make_melodies.py [FOLDER]

The result is the same in every run, byte for byte. The notation of a tune has ``|`` between bars::

    3/4 q=84 r/2 d4/4 | g4/2 b4/8 g4 | b4/2 a4/4 | d5/2.~ | d5/2^ r/4

- ``3/4 q=84`` at the beginning of a bar: meter and tempo (quarters per minute) from this bar on.
- ``bb4/8.`` a pitch and its length as a part of a whole note; dots make it dotted, ``t`` a triplet.
  A note without length has that of the note before; the first one of a bar needs a length.
- ``r`` a rest; ``~`` tied to the next note; ``^`` the last note of a phrase, with a fermata.

Every bar must have the length of its meter, so that typing errors are found.
"""

from __future__ import annotations

import argparse
import random
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import mido

FOLDER = Path(__file__).resolve().parents[1] / "data" / "melodies"

METER = re.compile(r"(\d+)/(1|2|4|8|16)")
TEMPO = re.compile(r"q=(\d+)")
NOTE = re.compile(
    r"(?P<name>[a-g])(?P<accidental>[#b]?)(?P<octave>\d)(?P<length>\S*?)(?P<tie>~?)(?P<fermata>\^?)"
    r"|r(?P<rest>\S*)"
)
LENGTH = re.compile(r"/(1|2|4|8|16)(\.{0,2})(t?)")

SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
ACCIDENTALS = {"": 0, "#": 1, "b": -1}

DOWNBEAT, ON_BEAT, OFF_BEAT = 92, 84, 76
"""Velocities of notes by their place in the bar."""

JITTER, OVERLAP, BREATH, TOUCH = 16, 30, 40, 6
"""The greatest random changes of a played note, in ticks of 1/480 quarter: of its onset (earlier or
later), of its end into the next note (legato), of its end before a rest or a repeated note
(earlier); and of its velocity (higher or lower)."""


class NotationError(ValueError):
    """An error in the notation of a tune; its message has the bar and the reason."""


class Note(NamedTuple):
    """A note: onset and length in quarters, MIDI pitch, and whether it has a fermata."""

    start: Fraction
    length: Fraction
    pitch: int
    fermata: bool


class Bar(NamedTuple):
    """A bar: its beginning in quarters, and its meter."""

    start: Fraction
    numerator: int
    denominator: int

    @property
    def length(self) -> Fraction:
        return Fraction(4 * self.numerator, self.denominator)

    @property
    def beat(self) -> Fraction:
        """The length of a beat in quarters; dotted in compound meters."""
        compound = self.denominator == 8 and self.numerator % 3 == 0
        return Fraction(4 * (3 if compound else 1), self.denominator)


class Score(NamedTuple):
    """A parsed tune: its notes, its bars, and its tempos with their beginnings in quarters."""

    notes: tuple[Note, ...]
    bars: tuple[Bar, ...]
    tempos: tuple[tuple[Fraction, int], ...]

    @property
    def length(self) -> Fraction:
        last = self.bars[-1]
        return last.start + last.length


def parse(text: str) -> Score:
    """Parse a tune in the notation above. Raises NotationError at the first wrong bar."""
    notes: list[Note] = []
    bars: list[Bar] = []
    tempos: list[tuple[Fraction, int]] = []
    start, meter, tied = Fraction(0), (0, 0), False  # no meter yet
    for number, typed in enumerate(text.split("|"), start=1):
        tokens = typed.split()
        while tokens and (head := METER.fullmatch(tokens[0]) or TEMPO.fullmatch(tokens[0])):
            if head.re is METER:
                meter = int(head[1]), int(head[2])
            else:
                tempos.append((start, int(head[1])))
            tokens.pop(0)
        if not meter[1]:
            raise NotationError(f"bar {number}: no meter; begin the tune with one, such as 4/4")
        bar = Bar(start, *meter)
        now, tied = read_bar(number, tokens, start, notes, tied)
        if now - start != bar.length:
            raise NotationError(
                f"bar {number} lasts {now - start} quarters; {meter[0]}/{meter[1]} is {bar.length}"
            )
        bars.append(bar)
        start = now
    if tied:
        raise NotationError(f"bar {len(bars)}: the last note is tied, but no note follows")
    return Score(tuple(notes), tuple(bars), tuple(tempos))


def read_bar(
    number: int, tokens: Sequence[str], now: Fraction, notes: list[Note], tied: bool
) -> tuple[Fraction, bool]:
    """Append the notes of one bar; returns its end, and whether its last note is tied."""
    length = Fraction(0)  # until the bar's first note has set it
    for token in tokens:
        found = NOTE.fullmatch(token)
        if not found:
            raise NotationError(f"bar {number}: {token!r} is neither a note nor a rest")
        length = read_length(number, token, found["length"] or found["rest"], length)
        if found["name"]:
            pitch = 12 * (int(found["octave"]) + 1) + SEMITONES[found["name"]]
            pitch += ACCIDENTALS[found["accidental"]]
            note = Note(now, length, pitch, bool(found["fermata"]))
            if tied:
                before = notes.pop()
                if before.pitch != pitch:
                    raise NotationError(
                        f"bar {number}: a note of another pitch is tied to {token!r}"
                    )
                note = Note(before.start, before.length + length, pitch, note.fermata)
            notes.append(note)
        elif tied:
            raise NotationError(f"bar {number}: a note is tied to a rest")
        tied = bool(found["tie"])
        now += length
    return now, tied


def read_length(number: int, token: str, text: str | None, before: Fraction) -> Fraction:
    """The quarters of a length such as ``/8.``; without ``text`` those of the note ``before``."""
    if not text:
        if not before:
            raise NotationError(f"bar {number}: {token!r} is the first note and needs a length")
        return before
    found = LENGTH.fullmatch(text)
    if not found:
        raise NotationError(f"bar {number}: {text!r} in {token!r} is not a length")
    plain = Fraction(4, int(found[1]))
    dotted = plain * 2 - plain / (1 << len(found[2]))
    return dotted * Fraction(2, 3) if found[3] else dotted


@dataclass(frozen=True)
class Melody:
    """A tune and the kind of MIDI file it becomes.

    Args:
        name: the name of the file without its suffix.
        title: the title of the tune.
        source: author or origin, and the year; written into the file.
        key: the key as in MIDI files, such as ``Em``.
        notation: the tune.
        shows: the features of the file that make it a useful example.
        part: the name of the melody's track.
        ppq: ticks per quarter.
        channel: the MIDI channel of the notes, from 0.
        program: the General MIDI sound, from 0.
        file_format: 1, or 0 for everything in one track.
        gate: the share of its length for which a note sounds.
        lyrics: one syllable for each note; ``_`` to hold the syllable before.
        played: a random seed, if the file imitates a recording from a keyboard (uneven, legato,
            no key); else None.
    """

    name: str
    title: str
    source: str
    key: str
    notation: str
    shows: str
    part: str = "Melody"
    ppq: int = 480
    channel: int = 0
    program: int = 0
    file_format: int = 1
    gate: Fraction = Fraction(1)
    lyrics: str = ""
    played: int | None = None

    @property
    def key_name(self) -> str:
        return f"{self.key[:-1]} minor" if self.key.endswith("m") else f"{self.key} major"


class Sounding(NamedTuple):
    """A note in ticks, with its velocity."""

    on: int
    off: int
    pitch: int
    velocity: int


class Timed(NamedTuple):
    """A message and its tick; of messages at the same tick the lower rank comes first."""

    tick: int
    rank: int
    message: Any


META, NOTE_OFF, LYRIC, NOTE_ON, END = range(5)


def to_ticks(quarters: Fraction, ppq: int) -> int:
    ticks = quarters * ppq
    if ticks.denominator != 1:
        raise ValueError(f"{quarters} quarters do not fall on a tick of 1/{ppq}")
    return int(ticks)


def velocity(note: Note, bars: Sequence[Bar]) -> int:
    bar = bars[bisect_right(bars, note.start, key=lambda bar: bar.start) - 1]
    into = note.start - bar.start
    if not into:
        return DOWNBEAT
    return OFF_BEAT if into % bar.beat else ON_BEAT


def engraved(score: Score, ppq: int, gate: Fraction) -> list[Sounding]:
    """The notes as a score editor exports them, with exact times."""
    sounding = []
    for note in score.notes:
        on = to_ticks(note.start, ppq)
        length = max(1, int(gate * to_ticks(note.length, ppq)))
        sounding.append(Sounding(on, on + length, note.pitch, velocity(note, score.bars)))
    return sounding


def humanised(notes: Sequence[Sounding], seed: int) -> list[Sounding]:
    """The notes as if played on a keyboard: uneven onsets, legato, varying velocities."""
    rng = random.Random(seed)

    def stray(reach: int) -> int:
        return round((2 * rng.random() - 1) * reach)

    onsets = [max(0, note.on + stray(JITTER)) for note in notes]
    played = []
    for i, note in enumerate(notes):
        following = notes[i + 1] if i + 1 < len(notes) else None
        if following and following.on == note.off and following.pitch != note.pitch:
            off = onsets[i + 1] + round(rng.random() * OVERLAP)
        else:
            end = onsets[i + 1] if following and following.on == note.off else note.off
            off = end - 1 - round(rng.random() * BREATH)
        played.append(Sounding(onsets[i], off, note.pitch, note.velocity + stray(TOUCH)))
    return played


def conductor(melody: Melody, score: Score) -> list[Timed]:
    """Title, source, tempos, meters, key and phrase ends."""

    def meta(at: Fraction, kind: str, **fields: object) -> Timed:
        return Timed(to_ticks(at, melody.ppq), META, mido.MetaMessage(kind, **fields))

    start = Fraction(0)
    events = [
        meta(start, "track_name", name=melody.title),
        meta(start, "copyright", text=f"Public domain. {melody.source}"),
    ]
    if melody.played is None:
        events.append(meta(start, "key_signature", key=melody.key))
    for at, quarters_a_minute in score.tempos:
        events.append(meta(at, "set_tempo", tempo=mido.bpm2tempo(quarters_a_minute)))
    before = None
    for bar in score.bars:
        if (bar.numerator, bar.denominator) != before:
            before = bar.numerator, bar.denominator
            meter = {"numerator": bar.numerator, "denominator": bar.denominator}
            events.append(meta(bar.start, "time_signature", **meter))
    events.extend(meta(n.start, "marker", text="fermata") for n in score.notes if n.fermata)
    return events


def melody_track(melody: Melody, score: Score) -> list[Timed]:
    """The events of the melody's track: its notes, and its lyrics if it has some."""
    notes = engraved(score, melody.ppq, melody.gate)
    syllables = melody.lyrics.split()
    if syllables and len(syllables) != len(notes):
        raise ValueError(f"{melody.title}: {len(syllables)} syllables for {len(notes)} notes")
    events = [
        Timed(0, META, mido.MetaMessage("track_name", name=melody.part)),
        Timed(
            0, META, mido.Message("program_change", channel=melody.channel, program=melody.program)
        ),
    ]
    for note, syllable in zip(notes, syllables, strict=False):
        if syllable != "_":
            events.append(Timed(note.on, LYRIC, mido.MetaMessage("lyrics", text=syllable)))
    if melody.played is not None:
        notes = humanised(notes, melody.played)
    for note in notes:
        for tick, rank, kind, force in (
            (note.on, NOTE_ON, "note_on", note.velocity),
            (note.off, NOTE_OFF, "note_off", 0),
        ):
            message = mido.Message(kind, channel=melody.channel, note=note.pitch, velocity=force)
            events.append(Timed(tick, rank, message))
    return events


def to_track(events: Sequence[Timed], end: int) -> Any:
    """A MIDI track; the time of each message is the ticks since the message before."""
    final = Timed(end, END, mido.MetaMessage("end_of_track"))
    ordered = sorted([*events, final], key=lambda event: (event.tick, event.rank))
    track = mido.MidiTrack()
    for before, event in pairwise([Timed(0, META, None), *ordered]):
        track.append(event.message.copy(time=event.tick - before.tick))
    return track


def to_midi(melody: Melody) -> bytes:
    """The melody's MIDI file."""
    score = parse(melody.notation)
    end = to_ticks(score.length, melody.ppq)
    tracks = [conductor(melody, score), melody_track(melody, score)]
    if melody.file_format == 0:
        tracks = [tracks[0] + tracks[1][1:]]  # a single track is named by the title
    midi = mido.MidiFile(type=melody.file_format, ticks_per_beat=melody.ppq)
    midi.tracks.extend(to_track(events, end) for events in tracks)
    out = BytesIO()
    midi.save(file=out)
    return out.getvalue()


OLD_HUNDREDTH = Melody(
    name="old_hundredth",
    title="Old Hundredth",
    source="Louis Bourgeois, Genevan Psalter, 1551",
    key="G",
    part="Soprano",
    program=52,
    shows="a hymn: an upbeat as a short first bar, fermatas at the phrase ends (markers). Bach set "
    "this tune himself, in 3/4 (BWV 130.6, 326, 327), so it is not new to a model trained on him",
    notation="""
        1/4 q=84 g4/4 |
        4/4 g4/4 f#4 e4 d4 | g4/4 a4 b4^ b4 |
        b4/4 b4 a4 g4 | c5/4 b4 a4^ g4 |
        a4/4 b4 a4 g4 | e4/4 f#4 g4^ d5 |
        b4/4 g4 a4 c5 | b4/4 a4 g4/2^
    """,
)

ABIDE_WITH_ME = Melody(
    name="abide_with_me",
    title="Abide with Me",
    source="William Henry Monk, tune Eventide, Hymns Ancient and Modern, 1861",
    key="Eb",
    part="Soprano",
    program=19,
    shows="a hymn that Bach never saw: long notes, no upbeat, a half close on the dominant",
    notation="""
        4/4 q=88 g4/2 g4/4 f4 | eb4/2 bb4 | c5/4 bb4 bb4 ab4 | g4/1 |
        g4/2 ab4/4 bb4 | c5/2 bb4 | ab4/4 f4 g4 a4 | bb4/1 |
        g4/2 g4/4 f4 | eb4/2 bb4 | bb4/4 ab4 ab4 g4 | f4/1 |
        f4/2 g4/4 ab4 | g4/4 f4 eb4 ab4 | g4/2 f4 | eb4/1
    """,
)

ODE_TO_JOY = Melody(
    name="ode_to_joy",
    title="Ode to Joy",
    source="Ludwig van Beethoven, Symphony no. 9, 1824",
    key="D",
    shows="plain 4/4: quarters, two-bar phrases, and Beethoven's note tied over the bar line",
    notation="""
        4/4 q=120 f#4/4 f#4 g4 a4 | a4/4 g4 f#4 e4 | d4/4 d4 e4 f#4 | f#4/4. e4/8 e4/2 |
        f#4/4 f#4 g4 a4 | a4/4 g4 f#4 e4 | d4/4 d4 e4 f#4 | e4/4. d4/8 d4/2 |
        e4/4 e4 f#4 d4 | e4/4 f#4/8 g4 f#4/4 d4 | e4/4 f#4/8 g4 f#4/4 e4 | d4/4 e4 a3 f#4~ |
        f#4/4 f#4 g4 a4 | a4/4 g4 f#4 e4 | d4/4 d4 e4 f#4 | e4/4. d4/8 d4/2
    """,
)

AMAZING_GRACE = Melody(
    name="amazing_grace",
    title="Amazing Grace",
    source="American tune New Britain, 1829; this form Edwin O. Excell, 1900; words John Newton, "
    "1779",
    key="G",
    part="Voice",
    program=53,
    shows="a folk hymn in 3/4: an upbeat written into a full first bar, as DAWs do, and lyrics",
    notation="""
        3/4 q=84 r/2 d4/4 |
        g4/2 b4/8 g4 | b4/2 a4/4 | g4/2 e4/4 | d4/2 d4/4 |
        g4/2 b4/8 g4 | b4/2 a4/4 | d5/2.~ | d5/2 b4/4 |
        d5/4. b4/8 d5 b4 | g4/2 d4/4 | e4/4. g4/8 g4 e4 | d4/2 d4/4 |
        g4/2 b4/8 g4 | b4/2 a4/4 | g4/2.~ | g4/2 r/4
    """,
    lyrics="""
        A- ma- zing _ grace how sweet the sound That saved a _ wretch like me
        I once _ was _ lost but now _ am _ found Was blind but _ now I see
    """,
)

SILENT_NIGHT = Melody(
    name="silent_night",
    title="Silent Night",
    source="Franz Xaver Gruber, 1818",
    key="Bb",
    program=24,
    file_format=0,
    shows="6/8; a MIDI file of format 0, where one track holds everything",
    notation="""
        6/8 q=72 f4/8. g4/16 f4/8 d4/4. | f4/8. g4/16 f4/8 d4/4. |
        c5/4 c5/8 a4/4. | bb4/4 bb4/8 f4/4. |
        g4/4 g4/8 bb4/8. a4/16 g4/8 | f4/8. g4/16 f4/8 d4/4. |
        g4/4 g4/8 bb4/8. a4/16 g4/8 | f4/8. g4/16 f4/8 d4/4. |
        c5/4 c5/8 eb5/8. c5/16 a4/8 | bb4/4. d5 |
        bb4/8 f4 d4 f4/8. eb4/16 c4/8 | bb3/4.~ bb3/4 r/8
    """,
)

GREENSLEEVES = Melody(
    name="greensleeves",
    title="Greensleeves",
    source="English, registered 1580",
    key="Em",
    part="Recorder",
    ppq=96,
    channel=4,
    program=74,
    shows="minor in 6/8 with raised and natural sixths and sevenths; 96 ticks a quarter, channel 5",
    notation="""
        6/8 q=99 r/2 r/8 e4 |
        g4/4 a4/8 b4/8. c5/16 b4/8 | a4/4 f#4/8 d4/8. e4/16 f#4/8 |
        g4/4 e4/8 e4/8. d#4/16 e4/8 | f#4/4 d#4/8 b3/4 e4/8 |
        g4/4 a4/8 b4/8. c5/16 b4/8 | a4/4 f#4/8 d4/8. e4/16 f#4/8 |
        g4/8. f#4/16 e4/8 d#4/8. c#4/16 d#4/8 | e4/2. |
        d5/4. d5/8. c#5/16 b4/8 | a4/4 f#4/8 d4/8. e4/16 f#4/8 |
        g4/4 e4/8 e4/8. d#4/16 e4/8 | f#4/4 d#4/8 b3/4. |
        d5/4. d5/8. c#5/16 b4/8 | a4/4 f#4/8 d4/8. e4/16 f#4/8 |
        g4/8. f#4/16 e4/8 d#4/8. c#4/16 d#4/8 | e4/2.
    """,
)

GOD_REST_YE_MERRY = Melody(
    name="god_rest_ye_merry",
    title="God Rest Ye Merry, Gentlemen",
    source="English, 18th century; Bramley and Stainer, Christmas Carols, New and Old, 1871",
    key="Em",
    program=73,
    gate=Fraction(19, 20),
    shows="minor in 2/2: an upbeat as a short first bar, fermatas (markers), and notes released "
    "early, as score editors export them",
    notation="""
        1/4 q=168 e4/4 |
        2/2 e4/4 b4 b4 a4 | g4/4 f#4 e4 d4 | e4/4 f#4 g4 a4 | b4/2.^ e4/4 |
        e4/4 b4 b4 a4 | g4/4 f#4 e4 d4 | e4/4 f#4 g4 a4 | b4/2.^ b4/4 |
        c5/4 a4 b4 c5 | d5/4 e5 b4 a4 | g4/4 e4 f#4 g4 | a4/2 g4/4 a4 |
        b4/2 c5/4 b4 | b4/4 a4 g4 f#4 | e4/2 g4/8 f#4 e4/4 | a4/2 g4/4 a4 |
        b4/4 c5 d5 e5 | b4/4 a4 g4 f#4 | e4/2.^ r/4
    """,
)

DER_LINDENBAUM = Melody(
    name="der_lindenbaum",
    title="Der Lindenbaum",
    source="Franz Schubert, Winterreise D 911 no. 5, 1827",
    key="E",
    part="Singstimme",
    shows="triplets beside dotted rhythms, rests inside the phrases, an upbeat in a full first bar",
    notation="""
        3/4 q=76 r/2 r/8 b4 |
        b4/4. g#4/8 g#4 g#4 | g#4/4 e4 r/8 e4 | f#4/4. g#4/8 a4/8t g#4 f#4 | e4/2 r/8 b4 |
        b4/4. g#4/8 g#4 g#4 | g#4/4 e4 r/8 e4 | f#4/4. g#4/8 a4/8t g#4 f#4 | e4/2 r/8 e4 |
        f#4/4. f#4/8 f#4 f#4 | g#4/8. a4/16 b4/4. b4/8 | c#5/4. b4/8 g#4 e4 | f#4/2 r/8 f#4 |
        f#4/4. f#4/8 f#4 f#4 | g#4/8. a4/16 b4/4 r/8 b4 | e5/4 b4/8 g#4 a4/8. f#4/16 | e4/2 r/4
    """,
)

MINUET_BEGINNING = """
    c5/4 f4/8 g4 a4 bb4 | c5/4 f4 f4 | d5/4 bb4/8 c5 d5 e5 | f5/4 f4 f4 |
    bb4/4 c5/8 bb4 a4 g4 | a4/4 bb4/8 a4 g4 f4
"""
MINUET_FIRST_HALF = f"""
    {MINUET_BEGINNING} | e4/4 f4/8 g4 a4 f4 | g4/2. |
    {MINUET_BEGINNING} | g4/4 a4/8 g4 f4 e4 | f4/2.
"""
MINUET_SECOND_HALF = """
    a5/4 f5/8 g5 a5 f5 | g5/4 c5/8 d5 e5 c5 | f5/4 d5/8 e5 f5 c5 | b4/4 a4/8 b4 g4/4 |
    g4/8 a4 b4 c5 d5 e5 | f5/4 e5 d5 | e5/4 g4 b4 | c5/2. |
    c5/4 f4/8 e4 f4/4 | d5/4 f4/8 e4 f4/4 | c5/4 bb4 a4 | g4/8 f4 e4 f4 g4/4 |
    c4/8 d4 e4 f4 g4 a4 | bb4/4 a4 g4 | a4/8 c5 f4/4 e4 | f4/2.
"""
MINUET = Melody(
    name="minuet",
    title="Minuet",
    source="Christian Petzold; Notebook for Anna Magdalena Bach, 1725, BWV Anh. 114",
    key="F",
    program=6,
    shows="length: 64 bars of a dance, both halves repeated; a modulation; a tone below the "
    "original, in reach of sopranos",
    notation=f"3/4 q=120 {MINUET_FIRST_HALF} | {MINUET_FIRST_HALF}"
    f"| {MINUET_SECOND_HALF} | {MINUET_SECOND_HALF}",
)

WASSAIL_VERSE = """
    f4/4 g4/8 a4/4 g4/8 | f4/4 g4/8 a4/4 g4/8 | f4/4 c5/8 c5/4 c5/8 | c5/4.~ c5/4 {upbeat}/8 |
    d5/4 d5/8 c5/4 a4/8 | c5/4. bb4/4 a4/8 | g4/4 f4/8 g4/4 a4/8 | 3/8 bb4/4.
"""
WASSAIL_REFRAIN = """
    2/4 q=200 a4/4 bb4 | 2/2 c5/2 f5/4 d5 | c5/2 a4/4 bb4 | c5/4 c5 f5 d5 | c5/2 a4/4 bb4 |
    c5/2 d5/4 a4 | bb4/4 g4 f4 e4 | f4/4. g4/8 a4/4 f4 | bb4/2 a4/4 bb4 |
    c5/2 d5/4 a4 | bb4/4 g4 f4 e4
"""
WASSAIL_SONG = Melody(
    name="wassail_song",
    title="Here We Come A-Wassailing",
    source="English, traditional; Bramley and Stainer, Christmas Carols, New and Old, 1871",
    key="F",
    program=21,
    shows="changes of meter and tempo: two verses in 6/8, each with a refrain in 2/2 and with the "
    "bars around the seam cut short",
    notation=f"""
        6/8 q=150 {WASSAIL_VERSE.format(upbeat="r")} | {WASSAIL_REFRAIN} | f4/2 r/4. f4/8 |
        6/8 q=150 {WASSAIL_VERSE.format(upbeat="c5")} | {WASSAIL_REFRAIN} | f4/2 r
    """,
)

SWING_LOW_REFRAIN = """
    f4/2. a4/4 | f4/4. f4/8 d4 c4/4. | f4/8 f4 f4 f4 a4 a4 c5/4 | c5/2. d5/8 c5 |
    a4/2. c5/4 | f4/4. f4/8 d4 c4/4. | f4/8 f4 f4 g4 a4 a4 g4/4
"""
SWING_LOW = Melody(
    name="swing_low",
    title="Swing Low, Sweet Chariot",
    source="Spiritual, attributed to Wallis Willis, about 1862; Jubilee Songs, 1872",
    key="F",
    part="Lead vocal",
    program=4,
    played=1872,
    shows="a songwriter's file: syncopation, as if played on a keyboard (uneven onsets, legato "
    "overlaps, velocities that vary), without key or markers, starting off the bar line",
    notation=f"""
        4/4 q=88 r/2. a4/4 |
        {SWING_LOW_REFRAIN} | f4/2. a4/4 |
        c5/4 f4/8 d4 f4 f4/4 d4/8 | f4/8 f4 f4/4 d4/8 c4/4. |
        f4/8 f4 f4 f4 a4 a4 c5/4 | c5/2. c5/4 |
        d5/8 c5 a4/4 a4/8 g4 f4/4 | f4/8 f4 f4 f4 d4 c4/4. |
        f4/8 f4 f4 g4 a4 a4 g4/4 | f4/2. a4/4 |
        {SWING_LOW_REFRAIN} | f4/2. r/4
    """,
)

MELODIES = (
    OLD_HUNDREDTH,
    ABIDE_WITH_ME,
    ODE_TO_JOY,
    AMAZING_GRACE,
    SILENT_NIGHT,
    GREENSLEEVES,
    GOD_REST_YE_MERRY,
    DER_LINDENBAUM,
    MINUET,
    WASSAIL_SONG,
    SWING_LOW,
)


def usual_meters(score: Score) -> str:
    """The meters that at least four bars have; so upbeats do not count."""
    counts = Counter(f"{bar.numerator}/{bar.denominator}" for bar in score.bars)
    return ", ".join(meter for meter, count in counts.items() if count >= 4)


def readme() -> str:
    """The text of the README in the folder of the melodies."""
    lines = [
        "# Example melodies",
        "",
        "Tunes to harmonize. `python scripts/make_melodies.py` makes them from the notation in "
        "that script.",
        "",
        "All are in the public domain: every tune was written before 1901, and all its known "
        "authors died more than a hundred years ago.",
        "",
        "| file | title | meter | bars | key | source | what it shows |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for melody in MELODIES:
        score = parse(melody.notation)
        cells = (
            f"[{melody.name}.mid]({melody.name}.mid)",
            melody.title,
            usual_meters(score),
            str(len(score.bars)),
            melody.key_name,
            melody.source,
            melody.shows,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def make(folder: Path) -> list[Path]:
    """Write all melodies and the README into the folder; returns the written files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{melody.name}.mid": to_midi(melody) for melody in MELODIES}
    files["README.md"] = readme().encode()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    for path in make(parser.parse_args().folder):
        print(path)
