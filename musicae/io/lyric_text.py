"""Words typed as plain text: read them as verses of syllables, and set these on a voice's notes.

    1. A-ma-zing grace! how sweet _ the sound
    that saved a wretch like me!

    2. 'Twas grace that taught my heart to fear

Hyphens separate syllables. ``_`` gives the previous syllable one more note. ``~`` joins two words
on one note. Verses begin at numbers or, if there are no numbers, after blank lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from musicae.core.chorale import Chorale
from musicae.core.constants import VOICES
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.io.lyrics import ELISION, Syllable, Verse, Verses, sung_by
from musicae.io.text_bytes import text_of_file

NUMBER = re.compile(r"\s*\d{1,3}\s*[.):]\s*")
"""The number of a verse; it may also have a line of its own."""
HYPHENS = re.compile("[-\u2010\u2011\u00ad]")
WORD = re.compile(r"[^\W\d_]+")
CONSONANT = re.compile(r"[b-df-hj-np-tvwxz]", re.IGNORECASE)


class TypedSyllable(NamedTuple):
    """A syllable as it is typed."""

    text: str
    begins: bool
    ends: bool
    held: int = 0
    """How many more notes it has after the first."""


Typed = tuple[TypedSyllable, ...]
"""A verse as it is typed."""


def hyphenator(language: str) -> Callable[[str], str]:
    """A function that puts hyphens into a word, by the patterns of pyphen.

    ``language`` is a code such as ``en``, ``de`` or ``pt_BR``. The patterns are those for line
    breaks in print; the English ones leave some syllables together (``glory``). Raises
    MusicaeError if pyphen is missing, ChoraleError if it has no patterns for the language.
    """
    try:
        import pyphen
    except ImportError:
        raise MusicaeError(
            "words without hyphens need pyphen, which is not installed: pip install"
            " 'musicae[studio]', or write hyphens between syllables"
        ) from None
    name = pyphen.language_fallback(language)
    if name is None:
        known = ", ".join(sorted({code.partition("_")[0] for code in pyphen.LANGUAGES}))
        raise ChoraleError(
            f"words cannot be split in the language {language!r}; choose one of {known}"
        )
    patterns = pyphen.Pyphen(lang=name, left=1, right=1)

    def split(word: str) -> str:
        pieces: list[str] = []
        for piece in patterns.inserted(word).split("-"):
            alone = CONSONANT.fullmatch(piece) or (pieces and CONSONANT.fullmatch(pieces[-1]))
            if pieces and alone:  # a consonant alone is no syllable
                pieces[-1] += piece
            else:
                pieces.append(piece)
        return "-".join(pieces)

    return split


def read_verses(path: Path, split: Callable[[str], str] | None = None) -> list[Typed]:
    """The verses of a text file; ``split`` puts hyphens into words that have none.

    Raises ChoraleError if the file cannot be read or has no words.
    """
    if not path.exists():
        raise ChoraleError(f"{path}: no such file; give all, soprano, none or a text file of words")
    try:
        return parse_verses(text_of_file(path), split)
    except ChoraleError as error:
        raise ChoraleError(f"{path}: {error}") from None


def parse_verses(text: str, split: Callable[[str], str] | None = None) -> list[Typed]:
    """The verses of a text; see ``read_verses``. Raises ChoraleError if it has no words.

    >>> (verse,) = parse_verses("A-men, _ a_-men")
    >>> [(s.text, s.begins, s.ends, s.held) for s in verse][1:3]
    [('men,', False, True, 1), ('a', True, False, 1)]
    """
    lines = unicodedata.normalize("NFC", text).splitlines()
    if any(NUMBER.match(line) for line in lines):
        starts = [i for i, line in enumerate(lines) if NUMBER.match(line)]
        if "".join(lines[: starts[0]]).strip():
            starts.insert(0, 0)
        blocks = [lines[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
        blocks = [[NUMBER.sub("", block[0], count=1), *block[1:]] for block in blocks]
    else:
        blocks = [[]]
        for line in lines:
            if line.strip():
                blocks[-1].append(line)
            elif blocks[-1]:
                blocks.append([])
    verses = [_syllables(" ".join(block), split) for block in blocks if "".join(block).strip()]
    if not any(verses):
        raise ChoraleError("has no words; write them with hyphens between syllables: A-ma-zing")
    return [verse for verse in verses if verse]


def _hold_last(found: list[TypedSyllable], notes: int) -> None:
    """Hold the last syllable, if there is one, for ``notes`` more notes."""
    if found:
        found[-1] = found[-1]._replace(held=found[-1].held + notes)


def _syllables(text: str, split: Callable[[str], str] | None) -> Typed:
    found: list[TypedSyllable] = []
    sign = ""  # punctuation before the next syllable, such as a dash or a quotation mark
    for token in text.split():
        if not token.strip("_"):
            if not found:
                raise ChoraleError(
                    f"{token!r} holds the syllable before it, but no syllable comes before it"
                )
            _hold_last(found, len(token))
            continue
        if not any(c.isalnum() or c == "&" for c in token):
            if found:
                found[-1] = found[-1]._replace(text=f"{found[-1].text} {token}")
            else:
                sign += f"{token} "
            continue
        if split and not HYPHENS.search(token):
            token = WORD.sub(lambda word: split(word[0]), token)  # noqa: PLW2901
        goes_on = bool(HYPHENS.match(token)) and bool(found)
        if goes_on:
            found[-1] = found[-1]._replace(ends=False)
        begins = not (goes_on or (found and not found[-1].ends))
        pieces = HYPHENS.split(token)
        for index, piece in enumerate(pieces):
            before = len(piece) - len(piece.lstrip("_")) if piece.strip("_") else 0
            _hold_last(found, before)
            held = len(piece) - len(piece.rstrip("_"))
            core = piece.strip("_").replace("_", "").replace("~", ELISION)
            if core:
                ends = index == len(pieces) - 1
                found.append(TypedSyllable(sign + core, begins, ends, held))
                begins, sign = False, ""
            else:
                _hold_last(found, held)
    if found:
        found[-1] = found[-1]._replace(ends=True)
    return tuple(found)


def set_on(
    typed: Sequence[Typed], chorale: Chorale, voice: int, slurred: frozenset[int] = frozenset()
) -> tuple[Verses, list[str]]:
    """Set verses on the notes of a voice, one syllable on each note; returns also notices.

    ``slurred`` are the steps of notes that a slur joins to the previous note. They take no
    syllable, except in two kinds of verses: those with ``_``, which state themselves how many
    notes a syllable has, and those with too many syllables for the other notes. If a verse has
    fewer syllables than notes, its last syllable is held to the end. Raises ChoraleError, without
    the path, if it has more.
    """
    notes, name = chorale.notes(voice), VOICES[voice].lower()
    every = [note.step for note in notes]
    free = [step for step in every if step not in slurred]
    verses, notices = [], []
    for number, verse in enumerate(typed, start=1):
        need = sum(1 + each.held for each in verse)
        slots = every if any(each.held for each in verse) else free
        if need > len(slots) and need <= len(every):
            slots = every
            notices.append(
                f"verse {number} has a syllable for every note, also for notes under a slur"
            )
        syllables, at = [], 0
        for each in verse:
            if at >= len(slots) or at + each.held >= len(slots):
                raise ChoraleError(
                    f"verse {number} has {len(verse)} syllables"
                    f"{' and needs ' + str(need) + ' notes' if need > len(verse) else ''}, but the"
                    f" {name} has {len(slots)} notes for them; none are left from"
                    f" {each.text!r} on; take syllables out, or join two words on a note with ~"
                )
            syllables.append(Syllable(slots[at], each.text, each.begins, each.ends))
            at += 1 + each.held
        if at < len(slots):
            bar, beat = chorale.position(slots[at])
            notices.append(
                f"verse {number} has {len(verse)} syllables"
                f"{' on ' + str(need) + ' notes' if need > len(verse) else ''}, but the {name} has"
                f" {len(slots)} notes for them; the last syllable, {verse[-1].text!r}, is held from"
                f" bar {bar} beat {beat:g} to the end"
            )
        verses.append(Verse(str(number), sung_by(notes, syllables)[0]))
    return tuple(verses), notices
