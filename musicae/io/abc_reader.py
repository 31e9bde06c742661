"""ABC -> a score as it is written. Only the first tune of a file is read.

The reader understands notes, chords, rests, grace notes, tuplets, broken rhythm, ties, slurs, bar
lines, repeats, endings, voices, overlays, chord symbols, fermatas, words, and changes of key, meter
and tempo.
Source: the ABC standard 2.1, https://abcnotation.com/wiki/abc:standard:v2.1.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

from musicae.core.errors import ChoraleError
from musicae.io import abc_fields as fields
from musicae.io.abc_voice import LENGTH, NOTE, Voice
from musicae.io.written_score import (
    KeySignature,
    Staff,
    Syllable,
    Time,
    WrittenScore,
    fill_bars,
)

REST = re.compile("([zx])" + LENGTH)
BARS_REST = re.compile(r"([ZX])(\d*)")
BAR_LINE = re.compile(r"(:*\|[|\]:]*|:{2,}|\[\|\]?|:\])\s*(?:\[?(\d[\d,\-]*))?|\[(\d[\d,\-]*)")
INLINE = re.compile(r"\[([A-Za-z]):([^\]]*)\]")
TUPLET = re.compile(r"\((\d)(?::(\d?))?(?::(\d{0,2}))?")
QUOTED = re.compile(r'"([^"]*)"')
DECORATION = re.compile(r"!([^!\s]{1,30})!|\+([^+\s]{1,30})\+")


def read(text: str) -> WrittenScore:
    """The first tune of an ABC file. Raises ChoraleError if no tune can be read."""
    header, tunes = fields.tunes(text)
    if not tunes:
        raise ChoraleError("is not ABC: it has no tune with a key (a K: field)")
    reader = _Tune()
    for line in header:
        if found := fields.FIELD.match(line):
            reader.field(found[1], found[2])
    reader.score.title = ""
    for line in tunes[0]:
        reader.line(line)
    score = reader.finish()
    if len(tunes) > 1:
        score.notices.insert(
            0,
            f"the file has {len(tunes)} tunes; only the first is read (save the others as files"
            " of their own)",
        )
    return score


class _Tune:
    """Reads a tune line by line."""

    def __init__(self) -> None:
        self.score = WrittenScore()
        self.voices: dict[str, Voice] = {}
        self.current: Voice | None = None
        self.unit: Fraction | None = None
        self.meter: Time | None = None
        self.pace = ""
        self.key = fields.KeyField(KeySignature(0), {}, None, 0, None)
        self.in_body = False
        self.declared: dict[str, fields.VoiceField] = {}
        self.unread: Counter[str] = Counter()

    def line(self, line: str) -> None:
        found = fields.FIELD.match(line)
        if found and (not self.in_body or found[1] in "KMLQVPwWTICNrsRZmUX+"):
            self.field(found[1], found[2])
        elif self.in_body and line.strip() and not line.startswith("%"):
            self.music(line)

    def field(self, name: str, text: str) -> None:
        if name == "T":
            self.score.title = self.score.title or " ".join(text.split())
        elif name == "C":
            self.score.composer = self.score.composer or " ".join(text.split())
        elif name == "w":
            if self.in_body:
                self.words(text)
        elif name == "V":
            self.voice(text)
        elif name in "KMLQ":
            self.change(name, text)

    def change(self, name: str, text: str) -> None:
        """Apply a field: to all voices in the header, to the current voice in the tune."""
        if not self.in_body:
            self.declare(name, text)
            return
        voice = self.now()
        if name == "L":
            voice.unit = _unit(text) or voice.unit
        elif name == "M":
            voice.set_meter(fields.meter_of(text))
        elif name == "K":
            voice.set_key(fields.key_of(text))
        elif pace := fields.tempo_of(text, voice.unit):
            voice.bar.paces.append((voice.now, pace))

    def declare(self, name: str, text: str) -> None:
        if name == "L":
            self.unit = _unit(text) or self.unit
        elif name == "M":
            self.meter = fields.meter_of(text)
        elif name == "Q":
            self.pace = text
        else:
            self.key = fields.key_of(text)
            self.in_body = True

    # voices

    def voice(self, text: str) -> None:
        said = fields.voice_of(text)
        if not self.in_body:
            self.declared[said.name] = said
            return
        if said.label or said.clef:
            self.declared.setdefault(said.name, said)
        if said.name in self.voices:
            self.current = self.voices[said.name]
            if said.clef or said.octave:
                self.current.place(said.clef, said.octave, said.transpose)
        else:
            self.current = self.begin(said.name)

    def now(self) -> Voice:
        """The current voice; the first one begins if there is none."""
        if self.current is None:
            self.current = self.begin(next(iter(self.declared), "1"))
        return self.current

    def begin(self, name: str) -> Voice:
        if len(self.voices) >= 100:
            raise ChoraleError("has more than 100 voices; is it damaged?")
        said = self.declared.get(name)
        unit = self.unit or fields.unit_of(self.meter)
        label = said.label if said and said.label else "" if name.isdigit() else name
        first = not self.voices
        voice = Voice(Staff(label), unit, None, KeySignature(0), {}, unread=self.unread)
        self.voices[name] = voice
        voice.set_meter(self.meter)
        voice.set_key(self.key)
        if not voice.by_key:
            voice.by_key = dict.fromkeys("CDEFGAB", 0)
        if said:
            if said.clef:
                voice.bar.clefs.clear()
            voice.place(said.clef, said.octave, said.transpose)
        if first and self.pace and (pace := fields.tempo_of(self.pace, unit)):
            voice.bar.paces.append((Fraction(0), pace))
        return voice

    # music

    def music(self, line: str) -> None:
        while (found := INLINE.match(line)) and found[1] == "V":
            self.voice(found[2])
            line = line[found.end() :].lstrip()
        voice = self.now()
        if not voice.joined:
            voice.line, voice.verse = [], 0
        text = line.rstrip()
        continued = text.endswith("\\")
        at = 0
        while at < len(text):
            at = self.token(text, at)
        self.now().joined = continued

    def token(self, text: str, at: int) -> int:
        """Read the token at a position of a line; returns the position after it."""
        voice = self.now()
        if found := INLINE.match(text, at):
            self.field(found[1], found[2])
        elif found := BAR_LINE.match(text, at):
            voice.bar_line(found[1] or "", found[2] or found[3] or "")
        elif found := NOTE.match(text, at):
            voice.add([voice.head(found)], found[4])
        elif found := REST.match(text, at):
            voice.add([], found[2], hidden=found[1] == "x")
        elif found := BARS_REST.match(text, at):
            voice.rest(fields.number_of(found[2] or "1"))
        elif text[at] == "[":
            return voice.chord(text, at)
        elif text[at] == "{":
            return voice.grace(text, at)
        elif found := TUPLET.match(text, at):
            voice.begin_tuplet(found)
        elif found := QUOTED.match(text, at):
            voice.quoted(found[1])
        elif found := DECORATION.match(text, at):
            voice.decorations.append(found[1] or found[2])
        elif found := re.compile(r"(>{1,3}|<{1,3})").match(text, at):
            voice.break_rhythm(found[1])
        else:
            voice.sign(text[at])
            return at + 1
        return found.end()

    # words

    def words(self, text: str) -> None:
        """Put a ``w:`` line under the previous line of music."""
        voice = self.now()
        voice.verse += 1
        notes = list(voice.line)
        at = 0
        for token in fields.words_of(text):
            if token == "|":
                while at < len(notes) and notes[at] is not None:
                    at += 1
                at += 1
                continue
            while at < len(notes) and notes[at] is None:
                at += 1
            if at >= len(notes):
                self.unread["syllables without a note"] += isinstance(token, Syllable)
                continue
            note = notes[at]
            at += 1
            if isinstance(token, Syllable) and note:
                note.lyrics[voice.verse] = token

    def finish(self) -> WrittenScore:
        for voice in self.voices.values():
            if any(voice.bar.voices.values()):
                voice.close(ends=True)
            voice.end_ending(True)
        self.score.staves = [v.staff for v in self.voices.values() if v.staff.bars]
        if not self.score.staves:
            raise ChoraleError("has no notes; give a file with a melody")
        fill_bars(self.score)
        _number(self.score)
        if self.unread:
            counts = ", ".join(
                f"{n} {'x ' if n > 1 else ''}{s}" for s, n in self.unread.most_common(5)
            )
            self.score.notices.append(f"signs that are not carried over: {counts}")
        return self.score


def _unit(text: str) -> Fraction | None:
    """The unit of an ``L:`` field, in whole notes; None if it cannot be read."""
    found = re.match(r"\s*(\d{1,3})(?:/(\d{1,4}))?\s*$", text)
    if not found or not int(found[1]) or not int(found[2] or 1):
        return None
    return Fraction(int(found[1]), int(found[2] or 1))


def _number(score: WrittenScore) -> None:
    """Number the bars from 1; from 0 if the first is a pickup."""
    bars = score.staves[0].bars
    time = bars[0].time
    short = bool(time and time.quarters and len(bars) > 1 and bars[0].length < time.quarters)
    for staff in score.staves:
        for index, bar in enumerate(staff.bars):
            bar.number = str(index + (not short))
