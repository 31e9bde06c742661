"""MusicXML -> a score as it is written, symbol for symbol."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree as ET

from musicae.io.musicxml_file import one_line
from musicae.io.musicxml_parts import Score, line_of, tempo_of
from musicae.io.written_score import (
    KINDS,
    Bar,
    Clef,
    Head,
    KeySignature,
    Pace,
    Staff,
    Syllable,
    Symbol,
    Time,
    Value,
    Words,
    WrittenScore,
)
from musicae.io.written_tree import BAR_STYLES, CHORD_KINDS


def of_score(score: Score) -> WrittenScore:
    """The written score of a MusicXML file, with a staff for each staff of its parts."""
    root = score.root
    title = root.findtext("work/work-title") or root.findtext("movement-title")
    composer = root.findtext("identification/creator[@type='composer']")
    written = WrittenScore(title=one_line(title), composer=one_line(composer))
    for part in score.parts:
        names = sorted({line_of(note)[0] for note in part.element.iter("note")}) or ["1"]
        staves = {name: Staff(part.name) for name in names}
        for index, (items, measure) in enumerate(
            zip(part.measures, part.element.findall("measure"), strict=True)
        ):
            bars = {name: Bar(measure.get("number", str(index + 1))) for name in staves}
            for item in items:
                at = Fraction(item.begin + item.offset, score.quarter)
                length = Fraction(item.duration, score.quarter)
                name = item.element.findtext("staff", names[0]).strip()
                bar = bars.get(name) or bars[names[0]]
                if item.element.tag == "note":
                    _read_note(bar, item.element, at, length)
                elif item.element.tag == "attributes":
                    _read_attributes(staves, bars, item.element, at)
                elif item.element.tag == "harmony":
                    if chord := _chord(item.element):
                        bars[names[0]].chords.append((at, chord))
                elif item.element.tag == "direction":
                    _read_direction(bar, item.element, at)
            for bar_line in measure.findall("barline"):
                for bar in bars.values():
                    _read_bar_line(bar, bar_line)
            for name, staff in staves.items():
                staff.bars.append(bars[name])
        written.staves += staves.values()
    fill_lengths(written, score)
    return written


def fill_lengths(written: WrittenScore, score: Score) -> None:
    """Give whole-bar rests the lengths of their bars."""
    for staff in written.staves:
        for bar, begin, end in zip(staff.bars, score.begins, score.begins[1:], strict=False):
            for symbol in bar.symbols():
                if symbol.whole_bar:
                    symbol.length = Fraction(end - begin, score.quarter)


def _read_note(bar: Bar, note: ET.Element, at: Fraction, length: Fraction) -> None:
    if note.find("cue") is not None or note.find("unpitched") is not None:
        return
    voice = note.findtext("voice", "1").strip()
    symbols = bar.voices.setdefault(voice, [])
    head = _head(note)
    if note.find("chord") is not None and symbols and head:
        symbols[-1].heads.append(head)
        return
    grace = note.find("grace")
    if grace is None and not length and note.find("rest[@measure='yes']") is None:
        return
    value = _value(note)
    if grace is None and value and value.quarters != length:
        value = None
    slurs = [slur.get("type") for slur in note.findall("notations/slur")]
    symbols.append(
        Symbol(
            at,
            Fraction(0) if grace is not None else length,
            value,
            [head] if head else [],
            hidden=note.get("print-object") == "no" and head is None,
            whole_bar=note.find("rest[@measure='yes']") is not None,
            grace="" if grace is None else "slash" if grace.get("slash") == "yes" else "plain",
            fermata=note.find("notations/fermata") is not None,
            slur_begins=slurs.count("start"),
            slur_ends=slurs.count("stop"),
            lyrics=_read_lyrics(note),
        )
    )


def _head(note: ET.Element) -> Head | None:
    pitch = note.find("pitch")
    if pitch is None:
        return None
    ties = {tie.get("type") for tie in (*note.findall("tie"), *note.findall("notations/tied"))}
    return Head(
        pitch.findtext("step", "C").strip(),
        round(float(pitch.findtext("alter", "0"))),
        int(pitch.findtext("octave", "4")),
        note.findtext("accidental", ""),
        bool(ties & {"stop", "continue"}),
        bool(ties & {"start", "continue"}),
    )


def _value(note: ET.Element) -> Value | None:
    kind = note.findtext("type", "").strip()
    if kind not in KINDS:
        return None
    ratio = note.find("time-modification")
    actual = normal = 1
    if ratio is not None:
        numbers = [ratio.findtext(tag, "") for tag in ("actual-notes", "normal-notes")]
        if all(re.fullmatch(r"[1-9]\d{0,2}", text) for text in numbers):
            actual, normal = map(int, numbers)
    return Value(kind, len(note.findall("dot")), actual, normal)


def _read_lyrics(note: ET.Element) -> dict[int, Syllable]:
    found: dict[int, Syllable] = {}
    for index, lyric in enumerate(note.findall("lyric"), start=1):
        text = "".join(e.text or "" for e in lyric if e.tag in ("text", "elision"))
        digits = re.search(r"\d{1,2}", lyric.get("number", ""))
        verse = int(digits[0]) if digits else index
        if text.strip():
            syllabic = lyric.findtext("syllabic", "single")
            extends = lyric.find("extend") is not None
            found.setdefault(verse, Syllable(one_line(text), syllabic, extends))
    return found


def _read_attributes(
    staves: dict[str, Staff], bars: dict[str, Bar], attributes: ET.Element, at: Fraction
) -> None:
    names = list(staves)
    for name, bar in bars.items():
        here = [e for e in attributes if e.get("number", name) == name]
        for element in here:
            if element.tag == "key" and element.find("fifths") is not None:
                fifths = int(element.findtext("fifths", "0"))
                mode = element.findtext("mode", "").strip()
                bar.keys.append((at, KeySignature(fifths, mode)))
            elif element.tag == "time":
                bar.time = _time(element) or bar.time
            elif element.tag == "clef" and element.get("number", names[0]) == name:
                octaves = int(element.findtext("clef-octave-change", "0"))
                line = int(element.findtext("line", "2") or 2)
                bar.clefs.append((at, Clef(element.findtext("sign", "G"), line, octaves)))
            elif element.tag == "transpose":
                octaves = int(element.findtext("octave-change", "0"))
                chromatic = int(element.findtext("chromatic", "0"))
                steps = int(element.findtext("diatonic", str(round(chromatic * 7 / 12))))
                staves[name].transposes = chromatic + 12 * octaves, steps + 7 * octaves


def _time(element: ET.Element) -> Time | None:
    beats, units = element.findall("beats"), element.findall("beat-type")
    if not beats or len(beats) != len(units):
        return None
    if len({unit.text for unit in units}) > 1:  # 3/4 + 3/8
        common = max(int(unit.text or 4) for unit in units)
        counts = [
            str(sum(map(int, (b.text or "4").split("+"))) * common // int(u.text or 4))
            for b, u in zip(beats, units, strict=True)
        ]
        return Time("+".join(counts), common)
    text = "+".join((b.text or "4").replace(" ", "") for b in beats)
    return Time(text, int(units[0].text or 4), element.get("symbol", ""))


def _chord(harmony: ET.Element) -> str:
    """The chord symbol of a ``<harmony>``; empty if it names no root."""
    step = harmony.findtext("root/root-step", "").strip()
    if not step:
        return ""
    signs = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}

    def note(place: str) -> str:
        alter = round(float(harmony.findtext(f"{place}/{place}-alter", "0") or 0))
        return harmony.findtext(f"{place}/{place}-step", "").strip() + signs.get(alter, "")

    kind = harmony.find("kind")
    text = None if kind is None else kind.get("text")
    if text is None:
        name = "" if kind is None else (kind.text or "").strip()
        text = next((short for short, long in CHORD_KINDS.items() if long == name), "")
    bass = note("bass")
    return note("root") + one_line(text) + (f"/{bass}" if bass else "")


def _read_direction(bar: Bar, direction: ET.Element, at: Fraction) -> None:
    words = [one_line(w.text) for w in direction.findall("direction-type/words")]
    text = " ".join(word for word in words if word)
    if qpm := tempo_of(direction):
        bar.paces.append((at, Pace(qpm, text)))
    elif text:
        bar.words.append((at, Words(text, direction.get("placement") != "below")))


def _read_bar_line(bar: Bar, line: ET.Element) -> None:
    repeat = line.find("repeat")
    ending = line.find("ending")
    direction = None if repeat is None else repeat.get("direction")
    if direction == "forward":
        bar.left = "repeat"
    elif direction == "backward":
        bar.right = "repeat"
    elif line.get("location", "right") == "right":
        styles = {style: name for name, style in BAR_STYLES.items() if name != "repeat"}
        bar.right = styles.get(line.findtext("bar-style", ""), "")
    if ending is not None:
        if ending.get("type") == "start":
            bar.endings = ending.get("number", "1")
        else:
            bar.ending_stops = ending.get("number", "1")
            bar.ending_open = ending.get("type") == "discontinue"
