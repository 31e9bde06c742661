"""MEI -> a score as it is written: common Western notation of MEI 2 to 5.

If editorial markup gives alternatives, the first corrected, regularized or main one is read.
Source: the guidelines of the Music Encoding Initiative, https://music-encoding.org/guidelines/v5/.
"""

from __future__ import annotations

import copy
import re
from fractions import Fraction
from typing import NamedTuple
from xml.etree import ElementTree as ET

from musicae.core.constants import MOST_BARS
from musicae.core.errors import ChoraleError
from musicae.io import mei_values as values
from musicae.io.mei_values import TRANSPARENT, inside, reading_of
from musicae.io.musicxml_file import one_line
from musicae.io.musicxml_time import number
from musicae.io.written_score import (
    Bar,
    Head,
    KeySignature,
    Pace,
    Staff,
    Symbol,
    Value,
    Words,
    WrittenScore,
    altered,
    fill_bars,
)
from musicae.io.written_tree import is_chord

XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
UNREAD = ("dynam", "hairpin", "artic", "trill", "mordent", "turn", "arpeg", "pedal", "octave",
          "gliss", "bTrem", "fTrem", "breath")  # fmt: skip
"""Elements that are not carried over."""
MOST_DOTS = 4


def read(root: ET.Element) -> WrittenScore:
    """The first score in an MEI tree. Tags have no namespaces.

    Raises ChoraleError if the tree is damaged, or has no music in common Western notation.
    """
    scores = [s for s in root.iter("score") if next(s.iter("measure"), None) is not None]
    if not scores:
        other = next(root.iter("layer"), None) is not None
        what = (
            "without bars; only modern notation is read, no mensural or neume notation"
            if other
            else "without a score; give a file with music"
        )
        raise ChoraleError(f"is MEI {what}")
    written = WrittenScore()
    if len(scores) > 1:
        written.notices.append(f"the file has {len(scores)} movements; only the first is read")
    titles = root.iterfind("meiHead/fileDesc/titleStmt/title")
    written.title = next((text for t in titles if (text := one_line("".join(t.itertext())))), "")
    for person in (*root.iter("composer"), *root.iter("persName")):
        is_composer = person.tag == "composer" or person.get("role") == "composer"
        if is_composer and not written.composer:
            written.composer = one_line("".join(person.itertext()))
    _Reader(scores[0], written).read()
    counts = {tag: sum(1 for _ in scores[0].iter(tag)) for tag in UNREAD}
    if unread := ", ".join(f"{count} {tag}" for tag, count in counts.items() if count):
        written.notices.append(f"signs that are not carried over: {unread}")
    return written


class _Named(NamedTuple):
    """The symbol with an ``xml:id``, and the range of its heads."""

    symbol: Symbol
    ranks: range


class _Place(NamedTuple):
    """The settings for the symbols of a layer, or of a tuplet or a group in it."""

    staff: str
    bar: Bar
    voice: str
    signs: dict[tuple[str, int], int]
    """The accidentals drawn so far in the bar, by letter and octave."""
    actual: int = 1
    normal: int = 1
    """A tuplet of ``actual`` notes takes the time of ``normal`` notes."""
    grace: str = ""
    """MEI's kind of grace notes (``acc`` or ``unacc``); empty for other notes."""


class _Reader:
    """Reads the elements of a score in order; keeps the settings that hold until they change."""

    def __init__(self, score: ET.Element, written: WrittenScore) -> None:
        self.score, self.written = score, written
        self.staves: dict[str, Staff] = {}
        self.keys: dict[str, KeySignature] = {}
        self.defaults: dict[str, tuple[str, str]] = {}  # staff -> default duration and octave
        self.pending: dict[str, Bar] = {}  # staff -> key, meter and clef of its next bar
        self.ids: dict[str, _Named] = {}
        self.bpm = Fraction(0)
        self.unit = Fraction(1)  # quarters in a beat; time stamps count beats
        self.line = ""  # the previous bar line
        # If the file states no sounding accidentals, they follow from the key and the bar.
        self.by_key = not any("accid.ges" in element.attrib for element in score.iter())

    def read(self) -> None:
        for element in self.score:
            self.walk(element)
        if not self.staves:
            raise ChoraleError("is MEI without staves; export it again")
        for element in self.score.iter("tie"):
            self.tie(element)
        for element in self.score.iter("slur"):
            ends = [self.named(element, name) for name in ("startid", "endid")]
            if ends[0] and ends[1]:
                ends[0].symbol.slur_begins += 1
                ends[1].symbol.slur_ends += 1
        self.written.staves = list(self.staves.values())
        fill_bars(self.written)

    def walk(self, element: ET.Element) -> None:
        if element.tag == "scoreDef":
            self.define(element, "")
            for staff in element.iter("staffDef"):
                self.define_staff(staff)
        elif element.tag == "staffDef":
            self.define_staff(element)
        elif element.tag == "measure":
            self.measure(element)
        elif element.tag in ("app", "choice"):
            if (read := reading_of(element)) is not None:
                self.walk(read)
        elif element.tag in TRANSPARENT:
            before = len(self.bars)
            for child in element:
                self.walk(child)
            if element.tag == "ending" and len(self.bars) > before:
                self.end(element, before)

    @property
    def bars(self) -> list[Bar]:
        """The bars of the first staff."""
        return next((staff.bars for staff in self.staves.values()), [])

    def end(self, ending: ET.Element, before: int) -> None:
        """Mark the bars of an ending; ``before`` is the index of its first bar."""
        numbers = ", ".join(re.findall(r"\d{1,2}", ending.get("n", ""))) or "1"
        if ending.get("n") is None and before and self.bars[before - 1].ending_stops:
            numbers = "2"
        for staff in self.staves.values():
            if len(staff.bars) > before:
                staff.bars[before].endings = numbers
                closed = staff.bars[-1].right == "repeat"
                staff.bars[-1].ending_stops = numbers
                staff.bars[-1].ending_open = not closed

    # keys, meters, clefs and defaults

    def define(self, element: ET.Element, name: str) -> None:
        """Apply the key, meter and tempo of a scoreDef or staffDef; an empty name: all staves."""
        key, time = values.key_of(element), values.time_of(element)
        for each in [name] if name else list(self.staves) or [""]:
            bar = self.pending.setdefault(each, Bar())
            if key:
                bar.keys = [(Fraction(0), key)]
                self.keys[each] = key
            bar.time = time or bar.time
        if time and time.unit:
            self.unit = Fraction(4, time.unit)
        if element.get("midi.bpm"):
            self.bpm = number(element.get("midi.bpm"), "midi.bpm")
        self.defaults[name] = element.get("dur.default", ""), element.get("octave.default", "")

    def define_staff(self, element: ET.Element) -> None:
        name = element.get("n", "1")
        label = element.find("label")
        text = element.get("label", "") if label is None else "".join(label.itertext())
        if name not in self.staves:
            self.staves[name] = Staff(one_line(text), [Bar() for _ in self.bars])
            if for_all := self.pending.get(""):
                self.pending[name] = Bar(keys=list(for_all.keys), time=for_all.time)
                self.keys |= {name: self.keys[""]} if "" in self.keys else {}
        self.define(element, name)
        if element.get("trans.semi"):
            chromatic = round(number(element.get("trans.semi"), "trans.semi"))
            steps = element.get("trans.diat") or str(round(chromatic * 7 / 12))
            self.staves[name].transposes = chromatic, round(number(steps, "trans.diat"))
        if clef := values.clef_of(element):
            self.pending.setdefault(name, Bar()).clefs = [(Fraction(0), clef)]

    # bars

    def measure(self, element: ET.Element) -> None:
        drawn = {staff.get("n", "1"): staff for staff in inside(element, ("staff",))}
        for name in drawn:
            self.staves.setdefault(name, Staff(bars=[Bar() for _ in self.bars]))
        line = element.get("left", "")
        begins = line in ("rptstart", "rptboth") or self.line == "rptboth"
        silent = 0
        for name, staff in self.staves.items():
            bar = self.pending.pop(name, Bar())
            bar.number = element.get("n", "")
            bar.left = "repeat" if begins else ""
            bar.right = values.BAR_LINES.get(element.get("right", ""), "")
            if staff.bars and line in ("rptend", "rptboth"):
                staff.bars[-1].right = "repeat"
            if name in drawn:
                self.fill(bar, drawn[name], name)
                for rest in drawn[name].iter("multiRest"):
                    silent = max(silent, int(number(rest.get("num", "1"), "multiRest")) - 1)
            staff.bars.append(bar)
        self.line = element.get("right", "")
        self.pending.pop("", None)
        self.controls(element)
        if self.bpm and self.bars:
            self.bars[-1].paces.insert(0, (Fraction(0), Pace(float(self.bpm))))
            self.bpm = Fraction(0)
        if len(self.bars) + silent > MOST_BARS:
            raise ChoraleError(f"has more than {MOST_BARS:,} bars; is it damaged?")
        for staff in self.staves.values():
            for _ in range(silent):
                silence = Symbol(Fraction(0), Fraction(0), None, whole_bar=True)
                staff.bars.append(Bar(voices={"1": [silence]}))

    def fill(self, bar: Bar, staff: ET.Element, name: str) -> None:
        signs: dict[tuple[str, int], int] = {}
        for rank, layer in enumerate(inside(staff, ("layer",)), start=1):
            voice = layer.get("n", str(rank))
            voice = str(100 + rank) if voice in bar.voices else voice
            bar.voices[voice] = []
            self.layer(layer, _Place(name, bar, voice, signs), Fraction(0))

    def layer(self, parent: ET.Element, place: _Place, now: Fraction) -> Fraction:
        """Append the symbols in an element to its voice; returns the time after them, in quarters.

        ``now`` is the time before them, in quarters from the bar line.
        """
        symbols = place.bar.voices[place.voice]
        for element in parent:
            tag = element.tag
            if tag in ("note", "chord", "rest", "space"):
                symbols.append(self.symbol(element, place, now))
                now += symbols[-1].length
            elif tag in ("mRest", "mSpace", "multiRest"):
                hidden = tag == "mSpace"
                symbols.append(Symbol(now, Fraction(0), None, whole_bar=True, hidden=hidden))
            elif tag == "mRpt":
                bars = self.staves[place.staff].bars
                symbols += copy.deepcopy(bars[-1].voices.get(place.voice, [])) if bars else []
            elif tag in ("clef", "keySig", "meterSig"):
                self.attribute(element, place, now)
            elif tag in ("app", "choice"):
                if (read := reading_of(element)) is not None:
                    now = self.layer(read, place, now)
            elif tag == "tuplet":
                actual, normal = values.tuplet_of(element)
                scaled = place._replace(actual=place.actual * actual, normal=place.normal * normal)
                now = self.layer(element, scaled, now)
            elif tag in TRANSPARENT:
                grace = element.get("grace", "acc") if tag == "graceGrp" else place.grace
                now = self.layer(element, place._replace(grace=grace), now)
        return now

    def attribute(self, element: ET.Element, place: _Place, now: Fraction) -> None:
        """Apply a clef, key signature or meter inside a layer."""
        if element.tag == "meterSig":
            place.bar.time = values.time_of(element) or place.bar.time
        elif clef := values.clef_of(element):
            place.bar.clefs.append((now, clef))
        elif key := values.key_of(element):
            place.bar.keys.append((now, key))
            self.keys[place.staff] = key

    def symbol(self, element: ET.Element, place: _Place, now: Fraction) -> Symbol:
        notes = [element] if element.tag == "note" else list(inside(element, ("note",)))
        defaults = [self.defaults.get(name, ("", "")) for name in (place.staff, "")]
        stated = [e.get("dur", "") for e in (element, *notes)] + [d for d, _ in defaults]
        kind, dots = values.duration_of(element, next(filter(None, stated), ""))
        if dots > MOST_DOTS:
            raise ChoraleError(f"has a note with {dots} dots, at most {MOST_DOTS} are read")
        value = Value(kind, dots, place.actual, place.normal)
        grace = next((g for e in (element, *notes) if (g := e.get("grace"))), place.grace)
        grace = grace if notes else ""
        slash = grace == "unacc" or element.get("stem.mod") == "1slash"
        octave = next(filter(None, (o for _, o in defaults)), "")
        symbol = Symbol(
            now,
            Fraction(0) if grace else value.quarters,
            value,
            [self.head(note, element, place, octave) for note in notes],
            hidden=element.tag == "space",
            grace="" if not grace else "slash" if slash else "plain",
            fermata=bool(element.get("fermata")) or element.find("fermata") is not None,
            slur_begins=sum(mark[0] in "im" for mark in element.get("slur", "").split()),
            slur_ends=sum(mark[0] in "mt" for mark in element.get("slur", "").split()),
            lyrics=values.lyrics_of(element),
        )
        for rank, note in enumerate(notes):
            self.ids[note.get(XML_ID, "")] = _Named(symbol, range(rank, rank + 1))
        self.ids[element.get(XML_ID, "")] = _Named(symbol, range(len(notes)))
        return symbol

    def head(self, note: ET.Element, parent: ET.Element, place: _Place, default: str) -> Head:
        letter = note.get("pname", "").strip().upper()
        if len(letter) != 1 or letter not in "CDEFGAB":
            raise ChoraleError(
                f"has a note with the letter (pname) {one_line(letter)[:40]!r}; letters are a to g"
            )
        octave = int(number(note.get("oct") or default, "oct"))
        drawn, sounding = values.accidentals_of(note)
        if drawn in values.ALTERS:
            place.signs[letter, octave] = values.ALTERS[drawn]
        if sounding in values.ALTERS:
            alter = values.ALTERS[sounding]
        elif drawn in values.ALTERS:
            alter = values.ALTERS[drawn]
        elif self.by_key:
            by_key = altered(letter, self.keys.get(place.staff))
            alter = place.signs.get((letter, octave), by_key)
        else:
            alter = 0
        ties = {mark[0] for each in (note, parent) for mark in each.get("tie", "").split()}
        return Head(
            letter,
            alter,
            octave,
            values.SIGNS.get(drawn, ""),
            tied_before=bool(ties & {"m", "t"}),
            tied_after=bool(ties & {"i", "m"}),
        )

    # elements that refer to notes

    def named(self, element: ET.Element, attribute: str) -> _Named | None:
        name = element.get(attribute, "").strip().lstrip("#")
        return self.ids.get(name) if name else None

    def tie(self, tie: ET.Element) -> None:
        if first := self.named(tie, "startid"):
            for rank in first.ranks:
                first.symbol.heads[rank] = first.symbol.heads[rank]._replace(tied_after=True)
        if last := self.named(tie, "endid"):
            for rank in last.ranks:
                last.symbol.heads[rank] = last.symbol.heads[rank]._replace(tied_before=True)

    def controls(self, measure: ET.Element) -> None:
        """Apply the fermatas, tempi, chord symbols and words of a bar."""
        if not self.staves:
            return
        for element in inside(measure, ("fermata", "tempo", "harm", "dir")):
            name = element.get("staff", "").split(" ")[0]
            bar = self.staves.get(name, next(iter(self.staves.values()))).bars[-1]
            named = self.named(element, "startid")
            stamp = number(element.get("tstamp", "1"), "tstamp")
            at = named.symbol.begin if named else max(Fraction(0), (stamp - 1) * self.unit)
            text = one_line("".join(element.itertext()))
            words = Words(text, element.get("place") != "below")
            if element.tag == "fermata":
                for symbol in [named.symbol] if named else bar.symbols():
                    symbol.fermata |= named is not None or symbol.begin == at
            elif element.tag == "tempo":
                bar.paces.append((at, Pace(values.qpm_of(element), text)))
                self.bpm = Fraction(0) if values.qpm_of(element) else self.bpm
            elif element.tag == "harm" and is_chord(text):
                bar.chords.append((at, text))
            elif text:
                bar.words.append((at, words))
