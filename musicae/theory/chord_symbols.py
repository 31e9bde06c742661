"""Read the chord symbols of lead sheets (``F#m7b5/A``) as pitch classes.

All common spellings are read: minor as ``m``, ``min`` or ``-``, major sevenths as ``maj7``, ``M7``
or ``△``, diminished as ``dim`` or ``°``, half-diminished as ``ø`` or ``m7b5``, augmented as ``aug``
or ``+``, and German names (``H``, ``Fis``, ``Es``). ``B`` is B flat only if the caller says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from musicae.core.errors import ChoraleError
from musicae.core.pitch import place_of

PLAIN_FIFTH = 7
"""Semitones of the perfect fifth, the member that is left out first."""


class Member(NamedTuple):
    """A member of a chord."""

    degree: int
    """1, 2, 3, 4, 5, 6, 7, 9, 11 or 13, counted from the root, altered or not."""
    above: int
    """Semitones above the root, 0 to 11."""
    implied: bool = False
    """Whether the symbol implies it without naming it: a 13 implies the 9."""


@dataclass(frozen=True)
class ChordSymbol:
    """A chord as pitch classes, 0 (C) to 11.

    >>> chord = read_symbol("Am7/G")
    >>> chord.root, chord.classes, chord.bass
    (9, (9, 0, 4, 7), 7)
    """

    text: str
    """The symbol as it was written."""
    root: int
    """The pitch class of the root."""
    members: tuple[Member, ...]
    """The members from the root up; each pitch class occurs once."""
    bass: int
    """The pitch class of the lowest voice."""
    has_bass: bool = False
    """Whether the symbol names its bass, or its inversion."""

    def transposed(self, semitones: int) -> ChordSymbol:
        """The chord ``semitones`` higher; ``text`` does not change."""
        moved = ((self.root + semitones) % 12, (self.bass + semitones) % 12)
        return replace(self, root=moved[0], bass=moved[1])

    @property
    def classes(self) -> tuple[int, ...]:
        """The pitch classes of the members."""
        return tuple((self.root + member.above) % 12 for member in self.members)


Degrees = dict[tuple[int, int], bool]
"""Degree and semitones above the root of each member, with whether it is implied."""

_MAJOR = r"major|maj|Maj|MAJ|Ma|MA|ma(?!dd)|M|Δ|\^"
_MINOR = r"minor|min|Min|MIN|mi|Mi|m|-"
_BODY = re.compile(
    rf"(?P<head>{_MAJOR}|{_MINOR}|dim|°|o|ø|Ø|aug|\+(?=$|7|{_MAJOR})|)"
    rf"(?P<seventh>(?:{_MAJOR})?)(?P<number>6/9|69|13|11|9|7|6|5|4|2|)(?P<rest>.*)"
)
_CHANGE = re.compile(
    rf"(?P<sus>sus(?:4|2|))|add(?P<add>[#b]?(?:13|11|9|7|6|4|2))|(?:omit|no)(?P<no>root|1|3|5)"
    rf"|(?P<alter>[#b+-](?:13|11|9|6|5))|(?P<aug>aug)|(?P<maj>(?:{_MAJOR})7)|(?P<alt>alt)"
)
_ROOT = re.compile(r"([A-H])(#{1,3}|b{1,3}|)")
_GERMAN = re.compile(r"([A-H])(is|es|(?<=[AE])s)")
_BASS = re.compile(r"/([A-H](?:#{1,3}|b{1,3}|is|es|(?<=[AE])s|))$")
_PLAIN = str.maketrans(
    {"♭": "b", "♯": "#", "△": "Δ", "∆": "Δ", "\u2212": "-", "\u2013": "-", "º": "°"}
)
_OPTIONAL_SIGNS = str.maketrans("", "", "(),[]")
_ABOVE = {2: 2, 4: 5, 5: 7, 6: 9, 7: 10, 9: 2, 11: 5, 13: 9}
"""Semitones above the root, without octaves, of unaltered degrees."""
_KINDS = {
    "": (4, 7, 10),
    **dict.fromkeys(("aug", "+"), (4, 8, 10)),
    **dict.fromkeys(("dim", "°", "o"), (3, 6, 9)),
    **dict.fromkeys(("ø", "Ø"), (3, 6, 10)),
}
"""Semitones of the third, fifth and seventh by the quality after the root. Major and minor are not
in this table."""
_SEVENTHS = ("7", "9", "11", "13")
"""The numbers of chords that have a seventh."""
_NUMBERS: dict[str, tuple[tuple[tuple[int, int], bool], ...]] = {
    **dict.fromkeys(("", "7", "5", "4", "2"), ()),
    "6": (((6, 9), False),),
    **dict.fromkeys(("69", "6/9"), (((6, 9), False), ((9, 2), False))),
    "9": (((9, 2), False),),
    "11": (((9, 2), True), ((11, 5), False)),
    "13": (((9, 2), True), ((13, 9), False)),
}
"""The members that a number adds besides the seventh, and whether each is only implied."""
_SIGNS = {"#": 1, "+": 1, "b": -1, "-": -1, "": 0}


def read_symbol(text: str, b_is_flat: bool = False) -> ChordSymbol:
    """Read a chord symbol. Raises ChoraleError if the text is none.

    If ``b_is_flat``, ``B`` is B flat, as in German, where ``H`` is B.

    >>> [read_symbol(name).classes for name in ("C", "Hm", "Gsus4", "F6", "B7b9")]
    [(0, 4, 7), (11, 2, 6), (7, 0, 2), (5, 9, 0, 2), (11, 3, 6, 9, 0)]
    """
    plain = "".join(text.translate(_PLAIN).split())
    bass = _BASS.search(plain)
    upper = plain[: bass.start()] if bass else plain
    for pattern in (_ROOT, _GERMAN):
        found = pattern.match(upper)
        members = _members(_without_signs(upper[found.end() :])) if found else None
        if found and members:
            root = _pitch_class(found[0], b_is_flat)
            low = _pitch_class(bass[1], b_is_flat) if bass else root
            return ChordSymbol(text, root, members, low, bass is not None)
    raise ChoraleError(f"{text!r} is not a chord; write it like Dm7, G7/B or V65")


def _without_signs(body: str) -> str:
    """Remove brackets and commas from the part after the root; ``(13)`` becomes ``add13``."""
    return re.sub(r"[(,](?=13|11|9|6)", "add", body).translate(_OPTIONAL_SIGNS)


def _pitch_class(name: str, b_is_flat: bool) -> int:
    """The pitch class of an English or German note name.

    >>> [_pitch_class(name, False) for name in ("H", "Fis", "Es", "As", "Bb")]
    [11, 6, 3, 8, 10]
    """
    letter, rest = name[0], name[1:]
    sharps = rest.count("#") - rest.count("b")
    sharps += {"is": 1, "es": -1, "s": -1}.get(rest, 0)
    if letter == "B" and b_is_flat and not rest:
        sharps = -1
    return 7 * place_of("B" if letter == "H" else letter, sharps) % 12


def _members(body: str) -> tuple[Member, ...] | None:
    """The members of a chord from the part after its root; None if it cannot be read."""
    found = _BODY.fullmatch(body)
    assert found  # every part may be empty
    head, major, number, rest = found.groups()
    if head and number in ("5", "4", "2"):
        return None
    if major not in ("", "Δ", "^") and number not in _SEVENTHS:
        return None
    third, fifth, seventh = _KINDS.get(head, (3, 7, 10) if _is_minor(head) else (4, 7, 11))
    if major:
        seventh = 11
    if not number and (head in ("Δ", "^", "ø", "Ø") or major):
        number = "7"
    degrees: Degrees = {(1, 0): False, (3, third): False, (5, fifth): False}
    if number in _SEVENTHS:
        degrees[7, seventh] = False
    for place, implied in _NUMBERS[number]:
        degrees[place] = implied
    if number == "5" or (number == "11" and third == 4):
        # The third of a dominant eleventh is left out because it clashes with the eleventh.
        del degrees[3, third]
    elif number in ("2", "4"):
        rest = {"2": "add9", "4": "sus4"}[number] + rest
    return _in_order(degrees) if _change(degrees, rest) else None


def _is_minor(head: str) -> bool:
    return re.fullmatch(_MINOR, head) is not None


def _change(degrees: Degrees, rest: str) -> bool:
    """Apply the alterations, additions and omissions in ``rest``; False if it cannot be read."""
    at = 0
    while at < len(rest):
        change = _CHANGE.match(rest, at)
        if change is None:
            return False
        at = change.end()
        if change["sus"]:
            _drop(degrees, 3)
            degrees[(2, 2) if change["sus"] == "sus2" else (4, 5)] = False
        elif change["add"]:
            sign, degree = _altered(change["add"])
            degree = {2: 9, 4: 11}.get(degree, degree)
            degrees[degree, (_ABOVE[degree] + sign) % 12] = False
        elif change["no"]:
            _drop(degrees, {"root": 1}.get(change["no"]) or int(change["no"]))
        elif change["maj"]:
            _drop(degrees, 7)
            degrees[7, 11] = False
        elif change["aug"]:
            _drop(degrees, 5)
            degrees[5, 8] = False
        elif change["alt"]:
            _drop(degrees, 5)
            degrees |= {(5, 8): False, (9, 1): False}
        else:
            sign, degree = _altered(change["alter"])
            degree = 13 if degree == 6 else degree
            degrees.pop((degree, _ABOVE[degree]), None)
            degrees[degree, (_ABOVE[degree] + sign) % 12] = False
    return True


def _altered(text: str) -> tuple[int, int]:
    """The alteration in semitones, and the number, of a degree such as ``b9``."""
    number = text.lstrip("#b+-")
    return _SIGNS[text[: len(text) - len(number)]], int(number)


def _drop(degrees: Degrees, degree: int) -> None:
    for place in [place for place in degrees if place[0] == degree]:
        del degrees[place]


def _in_order(degrees: Degrees) -> tuple[Member, ...]:
    """The members in order of degree; of two with the same pitch class only the first."""
    found: dict[int, Member] = {}
    for (degree, above), implied in sorted(degrees.items()):
        found.setdefault(above, Member(degree, above, implied))
    return tuple(found.values())
