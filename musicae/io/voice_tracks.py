"""Which part of a file is which voice: one rule for MIDI files and scores.

``voice_of_name`` reads a name in the languages that choirs use. ``rank_names`` and ``voices_of``
build on it, so that reading, checking and harmonizing agree on every file.
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
"""The words for each voice, singular and plural, without accents and in lower case."""
INSTRUMENTS = re.compile(
    r"[\s-]*(?:sax|guit|git|gtr|uke|ukul|banjo|lute|clarinet|klar|flut|flot|flaut|recorder|bloc?k"
    r"|trombon|posaun|tromp|trump|tuba|horn|cornet|kornet|flugel|euphon|bugle|viols?\b|gamb|fiddle"
    r"|synth|piano|organ|pedal|accord|akkord|marimb|vib|drum|kick|tom\b|steel|string|pluck|slap"
    r"|fret|electr|acoust|line\b|riff|loop|pad\b|clef|staff|hand\b|continue)"
)
"""What makes a voice's word the name of an instrument or a staff: ``Tenor sax``, ``Bass drum``."""
MOST_LABELS = 20
"""The most parts that a message lists."""


class RankedNames(NamedTuple):
    """Which of several names stands for one voice, as indices into the list of names."""

    chosen: int
    rivals: tuple[int, ...]
    """Other names that are as sure as the chosen one."""


def voice_of_name(name: str) -> int | None:
    """The voice that a part's name stands for, 0 soprano to 3 bass; None if it is no voice's.

    The first line of the name begins with the voice's word in any letter case, or it is the
    word's first letter, alone or with 1, 2, I or II. Anything may follow the word but the name of
    an instrument.

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
    """For each voice that is named, in order, the name that is its own.

    Of several names of one voice, ``Soprano`` goes before ``Sopran`` or ``S.``, these before
    names with something after the word, such as ``Soprano 1``, and any of these before
    ``Descant``. Of names that are equally sure, the first is chosen.
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
    """Which part is which voice in a finished song, by voice.

    The names decide, as in ``choir``. Without names, four parts are S A T B from high to low; one
    part is the soprano, and so is the part named like a melody or the only part that is not an
    accompaniment by its name. In format 2 only the first song counts. Raises ChoraleError if
    these rules find nothing.
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
        f"{song.path}: has {len(parts)} parts, neither one nor four ({labels(song, parts)}); name"
        f" the {song.word}s {', '.join(VOICES)}"
    )


def choir(song: Song, parts: Sequence[Part]) -> dict[int, Part]:
    """The parts named after voices, by voice, where the names are a choir's; else empty.

    A bass alone among others is a band's, and so are one or two voices without a soprano beside
    drums or other instruments that carry a tune. Single letters name voices where they name three,
    or the soprano and another. Where no part is named after the soprano, one that is named like a
    melody is it; and of four parts in order, of which three are named after voices, the fourth is
    the voice that is missing.
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
    """For each voice whose name several tracks carry equally, a sentence on which one is read."""
    parts = parts_together(song)
    names = [part.name for part in parts]
    if names[: len(VOICES)] == list(VOICES):  # a file of musicae's with a band after the voices
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
    """The parts that are given, by voice in order.

    Args:
        track: the number (from 1) or name of the one given part.
        voice: the voice that the one given part is. Without ``track``, the part is the one with
            the voice's name, else the likeliest melody.
        lock: the voices that are given.
        bars: whether only some bars are written anew; then every voice in the file is given.

    With none of these, the parts of a ``choir`` are given, else the likeliest melody as the
    soprano. Raises ChoraleError if the parts asked for are not there.
    """
    if track and (lock is not None or bars):
        raise ChoraleError(
            f"{song.path}: --track chooses a single melody; with --lock or --bars the {song.word}s"
            " are found by the voices' names"
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
                f"{song.path}: no {song.word} is named after a voice; with notes there are"
                f" {labels(song, parts)}; name them {', '.join(VOICES)}"
            )
        voices = _by_height(parts)
    for locked in lock or ():
        if locked not in voices:
            raise ChoraleError(
                f"{song.path}: no {song.word} is called {VOICES[locked]}; with notes there are"
                f" {labels(song, song.parts)}"
            )
    return voices if bars or lock is None else {locked: voices[locked] for locked in lock}


def find_part(song: Song, track: str) -> Part:
    """The part that a musician names by number (from 1) or name. Raises ChoraleError."""
    parts = _numbered(song)
    if track.isdecimal() and 1 <= int(track) <= len(parts):
        return parts[int(track) - 1]
    exact = [part for part in parts if part.name.lower() == track.lower()]
    similar = [part for part in parts if track.lower() in part.name.lower()]
    for found in (exact, similar):
        if len(found) == 1:
            return found[0]
    listing = labels(song, parts)
    raise ChoraleError(
        f"{song.path}: no single {song.word} is {track!r}; with notes there are {listing}"
    )


def likely_melody(song: Song) -> Part:
    """The soprano by name, but for a lone letter, else the likeliest melody of the parts."""
    named = rank_names([_worded(part.name) for part in song.parts]).get(SOPRANO)
    return song.parts[named.chosen] if named else most_melodic(song, song.parts)


def labels(song: Song, parts: Sequence[Part]) -> str:
    """Parts as a list to read: the numbers that ``--track`` takes, and their names."""
    numbers = {id(part): number for number, part in enumerate(_numbered(song), start=1)}
    told = [f"{numbers[id(p)]} '{p.name}'" if p.name else str(numbers[id(p)]) for p in parts]
    more = len(told) - MOST_LABELS
    return ", ".join(told[:MOST_LABELS]) + (f" and {more} more" if more > 0 else "")


def _numbered(song: Song) -> tuple[Part, ...]:
    """The parts as musicians number them: the drums last."""
    return (*song.parts, *song.drums)


def _worded(name: str) -> str:
    """A name, or nothing where it is a lone letter such as ``a``, which may mean anything."""
    letters = re.sub(r"[\W\d_]", "", name)
    return name if len(letters) > 1 else ""


def parts_together(song: Song) -> list[Part]:
    """The parts that sound together: in format 2 those of one track, else all."""
    return [p for p in song.parts if song.format != 2 or p.track == song.parts[0].track]


def _by_height(parts: Sequence[Part]) -> dict[int, Part]:
    """One part as the soprano, or four as S A T B, from high to low."""
    return dict(enumerate(sorted(parts, key=lambda part: -part.mean_pitch)))


def _rank(name: str, voice: int) -> int:
    """How sure a voice's name is, from 0 (surest) to 3; see ``rank_names``."""
    plain = plain_name(name)
    if plain.startswith(("descant", "diskant", "discant")):
        return 3
    if plain == VOICES[voice].lower():
        return 0
    return 1 if re.fullmatch(rf"(?:{VOICE_WORDS[voice]}|[satb])\W*", plain) else 2
