"""The fields of ABC files: tunes, keys, meters, tempi, voices and lines of words.

Source: the ABC standard 2.1, https://abcnotation.com/wiki/abc:standard:v2.1.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from musicae.core.errors import ChoraleError
from musicae.core.pitch import place_of
from musicae.io.written_score import Clef, KeySignature, Pace, Syllable, Time

FIELD = re.compile(r"([A-Za-z+]):(.*)")
MODES = {"maj": 0, "ion": 0, "mix": -1, "dor": -2, "min": -3, "aeo": -3, "phr": -4, "loc": -5,
         "lyd": 1}  # fmt: skip
"""For each mode, by its first three letters: its sharps minus those of the major key on the same
tonic."""
MODE_NAMES = {"maj": "major", "ion": "ionian", "mix": "mixolydian", "dor": "dorian", "min": "minor",
              "aeo": "aeolian", "phr": "phrygian", "loc": "locrian", "lyd": "lydian"}  # fmt: skip
CLEFS = {
    "treble": Clef("G", 2),
    "alto": Clef("C", 3),
    "tenor": Clef("C", 4),
    "bass": Clef("F", 4),
    "soprano": Clef("C", 1),
    "mezzosoprano": Clef("C", 2),
    "baritone": Clef("F", 3),
}
ACCIDENTALS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
MOST_NUMBER = 10**4
"""The largest number that a length or meter may have."""


class KeyField(NamedTuple):
    """The content of a ``K:`` field. What it does not state is None, empty or 0."""

    key: KeySignature | None
    altered: dict[str, int]
    """Accidentals besides those of the key: semitones by letter, such as ``{"F": 1}``."""
    clef: Clef | None
    octave: int
    """Octaves to add to every note, -4 to 4."""
    transpose: int | None
    """Semitones by which the voice sounds higher than written."""


class VoiceField(NamedTuple):
    """The content of a ``V:`` field. What it does not state is None, empty or 0."""

    name: str
    """The voice's identifier in the file."""
    label: str
    """The name that is printed before its staff."""
    clef: Clef | None
    octave: int
    transpose: int | None


def tunes(text: str) -> tuple[list[str], list[list[str]]]:
    """The lines of the file's header, and the lines of each tune, without comments.

    Tunes without a ``K:`` field are left out.
    """
    header: list[str] = []
    found: list[list[str]] = []
    ended = False
    for raw in text.splitlines():
        line = re.sub(r"(?<!\\)%.*", "", raw).rstrip()
        if re.match(r"X:", line):
            found.append([line])
            ended = False
        elif not line.strip():
            ended = ended or raw.strip() == ""
        elif found and not ended:
            found[-1].append(line)
        elif not found:
            header.append(line)
        elif _has_key(found[-1]):
            continue  # text between tunes
        else:
            found[-1].append(line)
    if not found and _has_key(header):  # a tune without its number
        return [], [header]
    return header, [tune for tune in found if _has_key(tune)]


def _has_key(lines: list[str]) -> bool:
    return any(line.startswith("K:") for line in lines)


def number_of(text: str) -> int:
    """A number of an ABC file. Raises ChoraleError if it is over ``MOST_NUMBER``."""
    if len(text) > 5 or int(text) > MOST_NUMBER:
        raise ChoraleError(
            f"has the number {text[:20]} in a length or meter, more than {MOST_NUMBER:,}; is it"
            " damaged?"
        )
    return int(text)


def length_of(text: str) -> Fraction:
    """The factor that a length such as ``3/2``, ``/`` or ``//`` multiplies the unit by.

    Raises ChoraleError if the divisor is 0 or a number is over ``MOST_NUMBER``.

    >>> length_of("3/2"), length_of("//"), length_of("")
    (Fraction(3, 2), Fraction(1, 4), Fraction(1, 1))
    """
    found = re.fullmatch(r"(\d*)(/*)(\d*)", text)
    assert found
    top = number_of(found[1] or "1")
    bottom = number_of(found[3]) if found[3] else 2 ** min(len(found[2]), 10)
    if not bottom:
        raise ChoraleError(f"has the note length {text}, which divides by 0")
    return Fraction(top, bottom)


def meter_of(text: str) -> Time | None:
    """The meter of an ``M:`` field; None if it cannot be read. A free meter has no beats."""
    text = text.strip().replace(" ", "")
    if text in ("C", "C|"):
        return Time("4", 4, "common") if text == "C" else Time("2", 2, "cut")
    if text in ("none", ""):
        return Time("", 4)
    found = re.fullmatch(r"\(?(\d{1,3}(?:\+\d{1,3}){0,9})\)?/(\d{1,4})", text)
    if not found or not int(found[2]) or "0" in found[1].split("+"):
        return None
    return Time(found[1], int(found[2]))


def unit_of(meter: Time | None) -> Fraction:
    """The unit of lengths, in whole notes, of a tune without an ``L:`` field."""
    bar = meter.quarters if meter else None
    return Fraction(1, 16) if bar is not None and bar < 3 else Fraction(1, 8)


def key_of(text: str) -> KeyField:
    """The content of a ``K:`` field. Raises ChoraleError for more than 7 sharps or flats.

    >>> key_of("Ador").key, key_of("Bb clef=bass").key
    (KeySignature(fifths=1, mode='dorian'), KeySignature(fifths=-2, mode='major'))
    """
    clef, octave, transpose, rest = _properties(text)
    found = re.match(r"\s*([A-G])([#b]?)\s*(?:([A-Za-z]{1,12})\b)?", rest)
    if rest.strip()[:2].upper() == "HP":
        return KeyField(KeySignature(2), {}, clef, octave, transpose)
    if not found:
        none = re.match(r"\s*none\b", rest, re.IGNORECASE)
        signature = KeySignature(0) if none else None
        return KeyField(signature, _altered(rest), clef, octave, transpose)
    word = (found[3] or "").lower()
    mode = "min" if word in ("m", "min", "minor") else word[:3] or "maj"
    mode = mode if mode in MODES else "maj"
    sharps = {"#": 1, "b": -1, "": 0}[found[2]]
    fifths = place_of(found[1], sharps) + MODES[mode]
    if not -7 <= fifths <= 7:
        raise ChoraleError(f"is in a key with more than 7 sharps or flats (K:{text.strip()[:20]})")
    altered = _altered(rest[found.end() :])
    if word.startswith("exp"):
        return KeyField(KeySignature(0), altered, clef, octave, transpose)
    return KeyField(KeySignature(fifths, MODE_NAMES[mode]), altered, clef, octave, transpose)


def _altered(text: str) -> dict[str, int]:
    found = re.findall(r"(\^\^|\^|=|__|_)([A-Ga-g])", text)
    return {letter.upper(): ACCIDENTALS[sign] for sign, letter in found}


def _properties(text: str) -> tuple[Clef | None, int, int | None, str]:
    """Clef, octave and transposition of a ``K:`` or ``V:`` field, and the rest of its text."""
    octave, transpose = 0, None
    for name in ("octave", "transpose"):
        found = re.search(rf"\b{name}=([+-]?\d{{1,2}})\b", text)
        if found and name == "octave":
            octave = max(-4, min(4, int(found[1])))
        elif found:
            transpose = int(found[1])
    clef = None
    named = re.search(
        rf"\b(?:clef=)?\"?({'|'.join(sorted(CLEFS, key=len, reverse=True))}|none|perc)([1-5]?)"
        r"([+-]8)?\b",
        re.sub(r'(?:name|nm|snm|sname)="[^"]*"', "", text),
    )
    if named and named[1] in CLEFS:
        clef = CLEFS[named[1]]
        line = int(named[2]) if named[2] else clef.line
        clef = clef._replace(line=line, octaves={"+8": 1, "-8": -1}.get(named[3] or "", 0))
    rest = re.sub(r"\b[a-z]+=(?:\"[^\"]*\"|\S+)", " ", text)
    return clef, octave, transpose, re.sub(rf"\b(?:{'|'.join(CLEFS)})[1-5]?([+-]8)?", " ", rest)


def voice_of(text: str) -> VoiceField:
    """The content of a ``V:`` field."""
    name = text.split(maxsplit=1)[0] if text.split() else "1"
    label = re.search(r"\b(?:name|nm)=\s*(?:\"([^\"]*)\"|(\S+))", text)
    clef, octave, transpose, _ = _properties(text[len(name) :])
    called = (label[1] or label[2] or "") if label else ""
    return VoiceField(name, called.replace("\\n", " ").strip(), clef, octave, transpose)


def tempo_of(text: str, unit: Fraction) -> Pace | None:
    """The tempo of a ``Q:`` field; None if it has neither a tempo nor a text that can be read.

    ``unit`` is the unit of lengths in whole notes; ``C=120`` counts it.

    >>> tempo_of('"Lento" 3/8=40', Fraction(1, 8))
    Pace(qpm=60.0, text='Lento')
    """
    words = " ".join(re.findall(r'"([^"]*)"', text)).strip()
    rest = re.sub(r'"[^"]*"', " ", text).strip()
    found = re.fullmatch(r"((?:\d{1,3}/\d{1,3}\s*)+|C\d?)\s*=\s*(\d{1,4}(?:\.\d+)?)", rest)
    beat = Fraction(0)
    if found and found[1].startswith("C"):
        beat = unit * int(found[1][1:] or 1)
    elif found:
        parts = [part.split("/") for part in found[1].split()]
        beat = sum((Fraction(int(a), int(b)) for a, b in parts if int(b)), Fraction(0))
    elif re.fullmatch(r"\d{1,4}", rest):
        found = re.match(r"()(.*)", rest)
        beat = Fraction(1, 4)
    if found and beat:
        return Pace(float(Fraction(found[2]) * beat * 4), words)
    return Pace(0, words) if words else None


def words_of(line: str) -> list[Syllable | str]:
    """The syllables of a ``w:`` line, and the signs between them.

    ``*`` skips a note, ``_`` holds the previous syllable, ``|`` goes to the next bar.

    >>> [str(s if isinstance(s, str) else s.text) for s in words_of("A-men_ | so~it * is")]
    ['A', 'men', '_', '|', 'so it', '*', 'is']
    """
    found: list[Syllable | str] = []
    inside = False  # a word
    for token in re.findall(r"(?:\\-|[^\s\-_*|])+-?|[-_*|]", line):
        if token in ("_", "*", "|"):
            if token == "_" and found and isinstance(found[-1], Syllable):
                found[-1] = found[-1]._replace(extends=found[-1].syllabic in ("single", "end"))
            found.append(token)
        elif token == "-":  # the previous syllable has one more note
            found.append("_")
        else:
            goes_on = token.endswith("-")
            text = (token[:-1] if goes_on else token).replace("~", " ").replace("\\-", "-")
            kind = {(False, False): "single", (False, True): "begin", (True, True): "middle",
                    (True, False): "end"}[inside, goes_on]  # fmt: skip
            found.append(Syllable(text, kind))
            inside = goes_on
    return found
