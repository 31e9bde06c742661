"""Which part of a file is which voice: the same rules for MIDI files and scores.

``voice_of_name`` recognizes voices' names in several languages. ``rank_names`` and ``voices_of``
use it, so that reading, checking and harmonizing agree on every file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from musicae.core.constants import BASS, SOPRANO, VOICES
from musicae.core.errors import ChoraleError
from musicae.io.melody_part import ACCOMPANIMENT_NAMES, melody_by_name, most_melodic, plain_name
from musicae.io.midi_file import Song
from musicae.io.midi_notes import Part

VOICE_WORDS = (
    r"sopra+n(?:[oie]|[oe]?s)?|canto|cantus|dis[ck]ant(?:us)?|descant|superius|tiples?|trebles?"
    r"|dessus",
    r"alt(?:[oie]|us|o?s|en)?|contralt(?:[oi]|os)",
    r"tenor(?:[ei]|e?s|en)?",
    r"bas(?:s(?:es?|i|o(?!\W+continuo)|us)?)?|bajos?|baixos?",
)
"""The names of each voice, singular and plural, without accents and in lower case."""
INSTRUMENTS = re.compile(
    r"[\s-]*(?:sax|guit|git|gtr|uke|ukul|banjo|lute|clarinet|klar|flut|flot|flaut|recorder|bloc?k"
    r"|trombon|posaun|tromp|trump|tuba|horn|cornet|kornet|flugel|euphon|bugle|viols?\b|gamb|fiddle"
    r"|synth|piano|organ|pedal|accord|akkord|marimb|vib|drum|kick|tom\b|steel|string|pluck|slap"
    r"|fret|electr|acoust|line\b|riff|loop|pad\b|clef|staff|hand\b|continue)"
)
"""Words after a voice's name that make it an instrument's or a staff's: ``Tenor sax``."""
MOST_LABELS = 20
"""The most parts that a message lists."""


class RankedNames(NamedTuple):
    """The names that stand for one voice, as indices into a list of names."""

    chosen: int
    rivals: tuple[int, ...]
    """Other names that fit as well as the chosen one."""


def voice_of_name(name: str) -> int | None:
    """The voice that a part's name stands for, 0 soprano to 3 bass; None if it stands for none.

    The first line of the name begins with a word of ``VOICE_WORDS`` in any letter case, and no
    instrument's name follows. Or it is only the first letter of the voice's name, alone or with 1,
    2, I or II.

    >>> [voice_of_name(name) for name in ("Sopran 1", "Ténor (solo)", "B.", "Bass guitar")]
    [0, 2, 3, None]
    """
    plain = plain_name(name)
    for voice, words in enumerate(VOICE_WORDS):
        word = re.match(rf"(?:{words})(?![^\W\d])", plain)
        if word and not INSTRUMENTS.match(plain, word.end()):
            return voice
        if re.fullmatch(rf"{VOICES[voice][0].lower()}\W*(?:[12]|ii?)?\W*", plain):
            return voice
    return None


def rank_names(names: Sequence[str]) -> dict[int, RankedNames]:
    """For each voice with a name in the list, in order of voices, the name that fits best.

    Of several names of one voice, ``Soprano`` is preferred to ``Sopran`` or ``S.``, these to names
    with an addition, such as ``Soprano 1``, and all of these to ``Descant``. Of names that fit
    equally, the first is chosen.
    """
    ranks: dict[int, list[tuple[int, int]]] = {}
    for index, name in enumerate(names):
        voice = voice_of_name(name)
        if voice is not None:
            ranks.setdefault(voice, []).append((_rank(name, voice), index))
    found = {}
    for voice in sorted(ranks):
        (best, chosen), *others = sorted(ranks[voice])
        found[voice] = RankedNames(chosen, tuple(i for rank, i in others if rank == best))
    return found


def parts_by_name(parts: Sequence[Part]) -> dict[int, Part]:
    """The parts named after voices, by voice; see ``rank_names``."""
    names = [part.name for part in parts]
    return {voice: parts[rank.chosen] for voice, rank in rank_names(names).items()}


def voices_of(song: Song) -> dict[int, Part]:
    """The parts of a finished song by voice.

    The names decide, as in ``choir``. Without voices' names:

    - Four parts are S A T B from high to low.
    - A single part is the soprano.
    - A part named like a melody, or the only part without an accompanying instrument's name, is
      the soprano.

    In format 2, only the first song counts. Raises ChoraleError if no rule applies.
    """
    parts = parts_together(song)
    if named := choir(song, parts):
        return named
    accompanied = [part for part in parts if not ACCOMPANIMENT_NAMES.search(plain_name(part.name))]
    melody = melody_by_name(song, parts)
    a_band = melody is not None and len(accompanied) < len(parts)
    if len(parts) == len(VOICES) and not a_band:
        return _by_height(parts)
    if melody is not None:
        return {SOPRANO: melody}
    if len(parts) == 1 or len(accompanied) == 1:
        return {SOPRANO: (accompanied or parts)[0]}
    if not parts or (named := parts_by_name(parts)):
        return named
    raise ChoraleError(
        f"{song.path}: has {len(parts)} parts without voices' names ({labels(song, parts)}); only"
        f" 1 or 4 parts can be read without names; name the {song.word}s {', '.join(VOICES)}"
    )


def choir(song: Song, parts: Sequence[Part]) -> dict[int, Part]:
    """The parts named after voices, by voice, if the names are a choir's; else empty.

    - The names are a band's if the bass is the only one, among other parts. They are also a band's
      if they are one or two without a soprano, and there are drums, or other parts without an
      accompanying instrument's name.
    - Single letters count as names if there are three of them, or the soprano and another.
    - If no part is named after the soprano, a part that is named like a melody is the soprano.
    - If three of four parts, in score order, are named after voices, the fourth is the missing one.
    """
    named = parts_by_name(parts)
    if len(parts) == len(VOICES) and len(named) == len(VOICES) - 1:
        in_order = dict(enumerate(parts))
        if all(in_order[voice] is part for voice, part in named.items()):
            return in_order
    lettered = [v for v, part in named.items() if not _worded(part.name)]
    enough = len(named) > 2 or (SOPRANO in named and len(named) > 1)
    named = {v: part for v, part in named.items() if enough or v not in lettered}
    others = [part for part in parts if all(part is not voice for voice in named.values())]
    melody = melody_by_name(song, others)
    tuneful = [
        part
        for part in others
        if part is not melody
        and voice_of_name(part.name) not in named
        and not ACCOMPANIMENT_NAMES.search(plain_name(part.name))
    ]
    few = SOPRANO not in named and len(named) <= 2
    if others and (named.keys() <= {BASS} or (few and (tuneful or song.drums))):
        return {}
    if SOPRANO not in named and melody:
        named = {SOPRANO: melody} | named
    return named


def doubled_names(song: Song) -> tuple[str, ...]:
    """For each voice with several equally fitting parts, a sentence about which one is read."""
    parts = parts_together(song)
    names = [part.name for part in parts]
    if names[: len(VOICES)] == list(VOICES):  # musicae wrote it, with a band after the voices
        return ()
    ranked = rank_names(names)
    return tuple(
        f"several {song.word}s are named {VOICES[voice].lower()}; it is read from"
        f" {labels(song, [parts[chosen]])}, not from {labels(song, [parts[i] for i in rivals])}"
        for voice, (chosen, rivals) in ranked.items()
        if rivals
    )


def choose_parts(
    song: Song,
    *,
    track: str | None = None,
    voice: int | None = None,
    lock: Sequence[int] | None = None,
    bars: bool = False,
) -> dict[int, Part]:
    """The given parts, by voice in order.

    Args:
        track: the number (from 1) or name of the only given part.
        voice: the voice of the only given part. Without ``track``, it is the part with this
            voice's name, else the likeliest melody.
        lock: the given voices.
        bars: whether only some bars are written again; then all voices of the file are given.

    Without any of these, the parts of a ``choir`` are given, or else the likeliest melody as the
    soprano. Raises ChoraleError if a requested part does not exist.
    """
    if track and (lock is not None or bars):
        raise ChoraleError(
            f"{song.path}: --track chooses a single melody; --lock and --bars find the"
            f" {song.word}s by the voices' names; leave out --track"
        )
    parts = parts_together(song)
    named = parts_by_name(parts)
    if track or voice is not None:
        voice = voice or SOPRANO
        part = find_part(song, track) if track else named.get(voice) or likely_melody(song)
        return {voice: part}
    if lock is None and not bars:
        return choir(song, parts) or {SOPRANO: likely_melody(song)}
    voices = choir(song, parts) or named
    if not voices:
        if len(parts) not in (1, len(VOICES)):
            raise ChoraleError(
                f"{song.path}: no {song.word} is named after a voice; the {song.word}s with notes"
                f" are {labels(song, parts)}; name them {', '.join(VOICES)}"
            )
        voices = _by_height(parts)
    for locked in lock or ():
        if locked not in voices:
            raise ChoraleError(
                f"{song.path}: no {song.word} is named {VOICES[locked]}; the {song.word}s with"
                f" notes are {labels(song, song.parts)}"
            )
    return voices if bars or lock is None else {locked: voices[locked] for locked in lock}


def find_part(song: Song, track: str) -> Part:
    """The part with a number (from 1) or a name.

    A part of the name suffices if only one part has it. Raises ChoraleError if no part fits, or
    several.
    """
    parts = _numbered(song)
    if track.isdecimal() and 1 <= int(track) <= len(parts):
        return parts[int(track) - 1]
    exact = [part for part in parts if part.name.lower() == track.lower()]
    similar = [part for part in parts if track.lower() in part.name.lower()]
    for found in (exact, similar):
        if len(found) == 1:
            return found[0]
    found_none = f"no {song.word} has the number or name {track!r}"
    problem = f"several {song.word}s have {track!r} in their name" if similar else found_none
    raise ChoraleError(
        f"{song.path}: {problem}; the {song.word}s with notes are {labels(song, parts)}"
    )


def likely_melody(song: Song) -> Part:
    """The part named after the soprano, by more than a letter; else the likeliest melody."""
    named = rank_names([_worded(part.name) for part in song.parts]).get(SOPRANO)
    return song.parts[named.chosen] if named else most_melodic(song, song.parts)


def labels(song: Song, parts: Sequence[Part]) -> str:
    """Parts as a list for messages: their numbers, as ``--track`` takes them, and their names."""
    numbers = {id(part): number for number, part in enumerate(_numbered(song), start=1)}
    each = [f"{numbers[id(p)]} '{p.name}'" if p.name else str(numbers[id(p)]) for p in parts]
    more = len(each) - MOST_LABELS
    return ", ".join(each[:MOST_LABELS]) + (f" and {more} more" if more > 0 else "")


def _numbered(song: Song) -> tuple[Part, ...]:
    """The parts in the order of their numbers in messages; the drums are last."""
    return (*song.parts, *song.drums)


def _worded(name: str) -> str:
    """A name; empty if it has only one letter, such as ``a``, which may mean anything."""
    letters = re.sub(r"[\W\d_]", "", name)
    return name if len(letters) > 1 else ""


def parts_together(song: Song) -> list[Part]:
    """The parts that sound together: in format 2 those of the first track with notes, else all."""
    return [p for p in song.parts if song.format != 2 or p.track == song.parts[0].track]


def _by_height(parts: Sequence[Part]) -> dict[int, Part]:
    """The parts as soprano, alto, tenor and bass, from high to low."""
    return dict(enumerate(sorted(parts, key=lambda part: -part.mean_pitch)))


def _rank(name: str, voice: int) -> int:
    """How well a name fits a voice, from 0 (best) to 3; see ``rank_names``."""
    plain = plain_name(name)
    if plain.startswith(("descant", "diskant", "discant")):
        return 3
    if plain == VOICES[voice].lower():
        return 0
    return 1 if re.fullmatch(rf"(?:{VOICE_WORDS[voice]}|[satb])\W*", plain) else 2
