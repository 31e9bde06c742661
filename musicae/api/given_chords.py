"""``chords``: given chords, reduced to the notes that the voices can sing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musicae.api.given import Given, GivenParts
from musicae.core.chorale import Chorale
from musicae.core.constants import BASS, REST, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.pitch import pitch_name
from musicae.io import chord_sheet
from musicae.io.chord_text import FREE, NO_CHORD, PlacedChord, is_german, placed_chords
from musicae.io.midi_chords import song_chords
from musicae.io.score_song import ScoreSong
from musicae.io.text_bytes import text_of_file
from musicae.theory.chord_names import is_numeral, read_chord
from musicae.theory.chord_symbols import ChordSymbol
from musicae.theory.given_chords import GivenChord, fitted

NO_CHORDS, OWN_CHORDS = "none", "file"
"""Values of ``chords`` for no chords, and for those in the melody's file."""
STEP = 2
"""Semitones of the widest step by which an ornament resolves."""


class ChosenChords(NamedTuple):
    """Given chords, and the given parts with the rests of N.C."""

    given: Given
    chords: tuple[GivenChord, ...] = ()
    notices: tuple[str, ...] = ()
    """Sentences on notes of chords that cannot sound, and where."""


def choose(wish: str | Path | None, given: Given, moved: int = 0) -> ChosenChords:
    """Read the given chords.

    Args:
        wish: one of five values. ``none``: no chords. ``file``: the chords in the melody's file;
            see ``io.musicxml_chords`` and ``io.midi_chords``. None: the chord symbols of a MusicXML
            melody, if it has any. The path of a text or ChordPro file; see ``io.chord_sheet``.
            Chords in bars; see ``io.chord_text``.
        given: the given parts; in ``N.C.`` their other voices rest.
        moved: the semitones by which the given parts were moved; chord symbols move with them.

    Raises ChoraleError if chords cannot be read, or lie outside the piece.
    """
    if wish == NO_CHORDS:
        return ChosenChords(given)
    if wish is None or wish == OWN_CHORDS:
        return _of_file(given, asked=wish is not None, moved=moved)
    text, where = str(wish), ""
    try:
        if isinstance(wish, Path) or Path(text).suffix.lower() in chord_sheet.SUFFIXES:
            where = f"{wish}: "
            return fit(_of_sheet(Path(wish), given), given, moved)
        return fit(placed_chords(text, given.parts.tune), given, moved)
    except ChoraleError as error:
        raise ChoraleError(f"{where}{error}") from None


def _of_sheet(path: Path, given: Given) -> tuple[PlacedChord, ...]:
    """The chords of a text file. Raises ChoraleError, without the path."""
    text = text_of_file(path)
    syllables = chord_sheet.syllables_of(given.words)
    return chord_sheet.sheet_chords(text, given.parts.tune, syllables)


def _of_file(given: Given, *, asked: bool, moved: int) -> ChosenChords:
    """The chords in the melody's file; in a MIDI file only if ``asked``."""
    kept, tune = given.preserved, given.parts.tune
    if kept is None:
        if asked:
            raise ChoraleError("--chords file needs a melody from a file; the melody is a Chorale")
        return ChosenChords(given)
    if isinstance(kept.song, ScoreSong):
        parts = [kept.song.line(part).part for part in kept.parts.values()]
        from musicae.io.musicxml_chords import score_chords

        placed = score_chords(kept.song.score, parts)
    elif asked and moved % 12:
        raise ChoraleError(
            f"{kept.song.path}: was transposed, and its chords are not; write the chords as text,"
            " such as --chords 'G | C D7'"
        )
    elif asked:
        key = given.parts.likely_key
        placed = song_chords(kept.song, kept.parts.values(), kept.offset, len(tune), key)
    else:
        placed = ()
    if all(chord.text == NO_CHORD for chord in placed):
        if asked:
            raise ChoraleError(f"{kept.song.path}: has no chords; write them: --chords 'G | C D7'")
        return ChosenChords(given)
    readable = [chord for chord in placed if _is_readable(chord.text, placed, given.parts)]
    notices = []
    if not asked:
        notices.append(
            f"the file's {len(placed)} chord symbols are followed (--chords none ignores them)"
        )
    if len(readable) < len(placed):
        lost = [
            f"{chord.text} (bar {tune.position(chord.start)[0]})"
            for chord in placed
            if chord not in readable
        ]
        notices.append(f"chord symbols that cannot be read are left out: {', '.join(lost)}")
    chosen = fit(readable, given)
    return chosen._replace(notices=(*notices, *chosen.notices))


def _is_readable(text: str, placed: Sequence[PlacedChord], parts: GivenParts) -> bool:
    try:
        _symbol(text, is_german(chord.text for chord in placed), parts)
    except ChoraleError:
        return False
    return True


def _symbol(text: str, b_is_flat: bool, parts: GivenParts) -> ChordSymbol | None:
    """A chord; None if its beats are free or silent. Raises ChoraleError."""
    return None if text in (FREE, NO_CHORD) else read_chord(text, parts.likely_key, b_is_flat)


def fit(placed: Sequence[PlacedChord], given: Given, moved: int = 0) -> ChosenChords:
    """Reduce placed chords to what the voices can sing; symbols move by ``moved`` semitones."""
    parts = given.parts
    key = parts.likely_key
    symbols = [
        (chord, symbol if is_numeral(chord.text, key) else symbol.transposed(moved))
        for chord, symbol in _read(placed, parts)
    ]
    silent = [chord for chord in placed if chord.text == NO_CHORD]
    if silent:
        given = _resting(given, silent)
        parts = given.parts
    chords: list[GivenChord] = []
    against, other_bass, left_out = [], [], defaultdict(list)
    stay = 0
    for chord, symbol in symbols:
        known = parts.known[chord.start]
        if known.all():
            stay += 1
            continue
        pitch = parts.in_range.pitch[chord.start].astype(int)
        sung = {int(p) % 12 for p in pitch[known & (pitch != REST)]}
        bass = None if known[BASS] else symbol.bass
        upper = int((~known[:BASS]).sum())
        needed, lost = fitted(symbol, sung, upper, bass)
        if lost:
            left_out[symbol.text, tuple(member.degree for member in lost)].append(chord.start)
        for voice in np.flatnonzero(known & (pitch != REST)).tolist():
            if _contradicts(parts.in_range, voice, chord, symbol):
                against.append((chord.start, voice, int(pitch[voice]), symbol.text))
        low = int(pitch[BASS])
        if known[BASS] and symbol.has_bass and low != REST and low % 12 != symbol.bass:
            other_bass.append((chord.start, low, symbol.text))
        chords.append(
            GivenChord(
                chord.start,
                chord.length,
                symbol.classes,
                needed,
                bass,
                symbol.root,
                symbol.text,
            )
        )
    where = parts.tune
    notices = [*_notice_of_contradictions(where, against), *_notice_of_bass(where, other_bass)]
    notices += _notice_of_left_out(where, left_out)
    if stay:
        notices.append(
            f"{stay} given chord{'s' * (stay > 1)} without effect, because all voices stay as they"
            " are there"
        )
    return ChosenChords(given, tuple(chords), tuple(notices))


def _read(
    placed: Sequence[PlacedChord], parts: GivenParts
) -> list[tuple[PlacedChord, ChordSymbol]]:
    """The chords that can sound. Raises ChoraleError with the bar if one cannot be read."""
    b_is_flat = is_german(chord.text for chord in placed)
    found = []
    for chord in placed:
        try:
            symbol = _symbol(chord.text, b_is_flat, parts)
        except ChoraleError as error:
            bar, _ = parts.tune.position(chord.start)
            raise ChoraleError(f"chords of bar {bar}: {error}") from None
        if symbol:
            found.append((chord, symbol))
    return found


def _resting(given: Given, silent: Iterable[PlacedChord]) -> Given:
    """The given parts with rests in the other voices. Raises ChoraleError if nothing is left."""
    known = given.parts.known.copy()
    for chord in silent:
        known[chord.start : chord.stop] = True
    if known.all():
        raise ChoraleError("all chords are N.C., so nothing is left to fill")
    preserved = given.preserved and replace(given.preserved, known=known)
    return replace(given, parts=replace(given.parts, known=known), preserved=preserved)


def _contradicts(chorale: Chorale, voice: int, chord: PlacedChord, symbol: ChordSymbol) -> bool:
    """Whether a given voice has a note foreign to a chord when it begins.

    A suspension or an appoggiatura, which moves by step to a chord tone while the chord lasts, does
    not count.
    """
    pitch = chorale.pitch[: chord.stop, voice].astype(int)
    own = int(pitch[chord.start])
    fitting = {*symbol.classes, symbol.bass}
    if own % 12 in fitting:
        return False
    begins = np.flatnonzero(chorale.onset[chord.start + 1 : chord.stop, voice])
    if not begins.size:
        return True
    following = int(pitch[chord.start + 1 + int(begins[0])])
    return following % 12 not in fitting or abs(following - own) > STEP


def _place(chorale: Chorale, step: int) -> str:
    bar, beat = chorale.position(step)
    return f"bar {bar}, beat {beat:g}"


def _sung(pitch: int) -> str:
    return pitch_name(pitch).rstrip("-0123456789")


def _notice_of_contradictions(
    chorale: Chorale, against: Sequence[tuple[int, int, int, str]]
) -> list[str]:
    if not against:
        return []
    places = [
        f"{_place(chorale, step)} ({_who(voice)} {_sung(pitch)} over {text})"
        for step, voice, pitch, text in against
    ]
    return [f"given notes that are not in the given chord stay: {'; '.join(places)}"]


def _who(voice: int) -> str:
    return VOICES[voice].lower()


def _notice_of_bass(chorale: Chorale, other: Sequence[tuple[int, int, str]]) -> list[str]:
    if not other:
        return []
    places = [f"{_place(chorale, step)} ({_sung(low)} under {text})" for step, low, text in other]
    return [f"the given bass replaces the bass of the chord: {'; '.join(places)}"]


def _notice_of_left_out(
    chorale: Chorale, left_out: dict[tuple[str, tuple[int, ...]], list[int]]
) -> list[str]:
    if not left_out:
        return []
    parts = []
    for (text, degrees), steps in left_out.items():
        bars = dict.fromkeys(str(chorale.position(step)[0]) for step in steps)
        what = ", ".join("root" if degree == 1 else str(degree) for degree in degrees)
        parts.append(f"{text} without {what} (bar{'s' * (len(bars) > 1)} {', '.join(bars)})")
    return [f"not all notes of the chords fit into the voices: {'; '.join(parts)}"]
