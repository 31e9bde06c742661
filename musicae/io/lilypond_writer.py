"""A score as it is written -> LilyPond: four voices on two staves, other scores staff by staff.

Source: the LilyPond notation reference 2.24, https://lilypond.org/doc/v2.24/Documentation/notation/.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from musicae.core.constants import VOICES
from musicae.io.lilypond_music import (
    ALTERS,
    VoiceLine,
    bars_of,
    duration_of,
    graces_first,
    letters,
    quoted,
    slurs_with_words,
    verses_of,
)
from musicae.io.written_score import (
    Clef,
    Staff,
    WrittenScore,
    at_concert_pitch,
    bar_lengths,
    is_satb,
    voice_names,
)
from musicae.io.written_tree import chord_parts

VERSION = "2.24.0"
CHORDS = {"": "", "m": ":m", "min": ":m", "-": ":m", "7": ":7", "maj7": ":maj7", "M7": ":maj7",
          "m7": ":m7", "min7": ":m7", "dim": ":dim", "o": ":dim", "dim7": ":dim7", "o7": ":dim7",
          "ø": ":m7.5-", "ø7": ":m7.5-", "m7b5": ":m7.5-", "aug": ":aug", "+": ":aug", "6": ":6",
          "m6": ":m6", "9": ":9", "maj9": ":maj9", "m9": ":m9", "11": ":11", "13": ":13",
          "sus2": ":sus2", "sus": ":sus4", "sus4": ":sus4", "5": ":5"}  # fmt: skip
VOICE_COMMANDS = ("\\voiceOne", "\\voiceTwo", "\\voiceThree", "\\voiceFour")


def text_of(score: WrittenScore, comments: Sequence[str] = ()) -> str:
    """The text of a score's LilyPond file; ``comments`` become comment lines at its beginning.

    Raises ChoraleError if a note has more than two sharps or flats.
    """
    staves = [at_concert_pitch(staff) for staff in score.staves]
    lengths = bar_lengths(score)
    satb = is_satb(score)
    voices = _voices(staves, satb)
    graces = {
        index: first
        for voice in voices
        for index, bar in enumerate(voice.staff.bars)
        if (first := graces_first(bar, voice.voice))
    }
    chords = [at for bar in staves[0].bars for at, _ in bar.chords] if staves else []
    lines = [f'\\version "{VERSION}"', *(f"% {comment}" for comment in comments), ""]
    lines += ["\\header {"]
    lines += [f"  title = {quoted(score.title)}"] if score.title else []
    lines += [f"  composer = {quoted(score.composer)}"] if score.composer else []
    lines += ["  tagline = ##f", "}", ""]
    for voice in voices:
        lines += [f"{voice.name} = {{", *bars_of(voice, lengths, satb, graces), "}", ""]
        for verse in verses_of(voice):
            lines += [f"{voice.words(verse)} = \\lyricmode {{", *_lyrics(voice, verse), "}", ""]
    if chords:
        lines += ["harmonies = \\chordmode {", *_chords(staves[0], lengths), "}", ""]
    lines += ["\\score {", "  <<"]
    lines += ["    \\new ChordNames \\harmonies"] if chords else []
    lines += _satb(voices) if satb else _staff_by_staff(staves, voices)
    lines += ["  >>", "  \\layout { }", "  \\midi { }", "}"]
    return "\n".join(lines) + "\n"


def _voices(staves: Sequence[Staff], satb: bool) -> list[VoiceLine]:
    found = []
    for number, staff in enumerate(staves):
        for rank, voice in enumerate(voice_names(staff)):
            if satb:
                clef = Clef("G", 2) if number < 2 else Clef("F", 4)
                found.append(VoiceLine(VOICES[number].lower(), staff, voice, number % 2 == 0, clef))
            else:
                name = f"staff{letters(number)}Voice{letters(rank)}"
                found.append(VoiceLine(name, staff, voice, rank == 0))
    return found


# scores


def _satb(voices: Sequence[VoiceLine]) -> Iterator[str]:
    """Two staves, soprano and alto, tenor and bass, with the words between them and below."""
    yield "    \\new ChoirStaff <<"
    for staff, pair in (("women", voices[:2]), ("men", voices[2:])):
        names = " ".join(f'"{voice.name.capitalize()}"' for voice in pair)
        yield f'      \\new Staff = "{staff}" \\with {{'
        yield f"        instrumentName = \\markup \\right-column {{ {names} }}"
        yield "      } <<"
        for voice, command in zip(pair, VOICE_COMMANDS, strict=False):
            yield f'        \\new Voice = "{voice.name}" {{ {command} \\{voice.name} }}'
        yield "      >>"
        for rank, voice in enumerate(pair):
            above = (
                f' \\with {{ alignAboveContext = "{staff}" }}'
                if staff == "men" and not rank
                else ""
            )
            for verse in verses_of(voice):
                same = any(
                    voice.syllables(verse) == other.syllables(verse)
                    for other in voices[: voices.index(voice)]
                )
                if not same:
                    yield _lyrics_context(voice, verse, above)
    yield "    >>"


def _staff_by_staff(staves: Sequence[Staff], voices: Sequence[VoiceLine]) -> Iterator[str]:
    yield "    \\new StaffGroup <<"
    for staff in staves:
        own = [voice for voice in voices if voice.staff is staff]
        name = f" \\with {{ instrumentName = {quoted(staff.name)} }}" if staff.name else ""
        yield f"      \\new Staff{name} <<"
        for rank, voice in enumerate(own):
            command = f"{VOICE_COMMANDS[rank % 4]} " if len(own) > 1 else ""
            yield f'        \\new Voice = "{voice.name}" {{ {command}\\{voice.name} }}'
        yield "      >>"
        for voice in own:
            for verse in verses_of(voice):
                yield _lyrics_context(voice, verse, "")
    yield "    >>"


def _lyrics_context(voice: VoiceLine, verse: int, where: str) -> str:
    return f'      \\new Lyrics{where} \\lyricsto "{voice.name}" \\{voice.words(verse)}'


# words and chords


def _lyrics(voice: VoiceLine, verse: int) -> Iterator[str]:
    """The syllables of a verse, one line for each bar; ``_`` stands for a note without a syllable.

    A note that is tied to the previous note takes no token, nor does any note under a slur except
    the first.
    """
    quiet = slurs_with_words(voice)
    held = False
    for bar in voice.staff.bars:
        tokens = []
        for symbol in bar.voices.get(voice.voice, []):
            if not symbol.heads or symbol.grace:
                continue
            syllable = symbol.lyrics.get(verse)
            tied = all(head.tied_before for head in symbol.heads)
            if syllable and not tied and not held:
                tokens.append(quoted(syllable.text))
                tokens += ["--"] if syllable.syllabic in ("begin", "middle") else []
                tokens += ["__"] if syllable.extends else []
            elif not tied and not held:
                tokens.append("_")
            if id(symbol) not in quiet:
                held = (held or bool(symbol.slur_begins)) and not symbol.slur_ends
                held = held or symbol.slur_begins > symbol.slur_ends
        if tokens:
            yield f"  {' '.join(tokens)}"


def _chords(staff: Staff, lengths: Sequence[Fraction]) -> Iterator[str]:
    """The chord symbols of each bar; each lasts until the next one or the end of its bar."""
    for bar, length in zip(staff.bars, lengths, strict=True):
        found = sorted({at: chord for at, chord in bar.chords if at < length}.items())
        tokens = []
        now = Fraction(0)
        for place, (at, chord) in enumerate(found):
            if at > now:
                tokens.append(f"s{duration_of(at - now)}")
            now = found[place + 1][0] if place + 1 < len(found) else length
            tokens.append(_chord(chord, duration_of(now - at)))
        if now < length:
            tokens.append(f"s{duration_of(length - now)}")
        yield f"  {' '.join(tokens)} |"


def _chord(symbol: str, duration: str) -> str:
    root, kind, bass = chord_parts(symbol)
    name = root[0].lower() + ALTERS[root[1]]
    below = f"/{bass[0].lower()}{ALTERS[bass[1]]}" if bass else ""
    return f"{name}{duration}{CHORDS.get(kind, '')}{below}"
