"""Harmony by a score's spelling: augmented sixths, sevenths, and intervals that only sound as
fifths."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import music21
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import musicae
from musicae.core.chorale import UNSPELLED, Chorale
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.pitch import place_of
from musicae.io import musicxml_reader, musicxml_writer
from musicae.theory.harmonic_analysis import analyse
from musicae.theory.sonorities import sonorities
from musicae.theory.spelling import spell

SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


C_MINOR = Key(-3, "minor")


def spelled(*voices: str, key: Key = C_MINOR) -> Chorale:
    """A chorale of quarters, each voice as names such as ``Ab3 G3``."""
    pitch = np.zeros((4 * len(voices[0].split()), 4), dtype=np.int16)
    places = np.full(pitch.shape, UNSPELLED, dtype=np.int8)
    for voice, names in enumerate(voices):
        for beat, name in enumerate(names.split()):
            letter, signs, octave = name[0], name[1:-1], int(name[-1])
            sharps = signs.count("#") - signs.count("b")
            here = slice(4 * beat, 4 * beat + 4)
            pitch[here, voice] = 12 * (octave + 1) + SEMITONES[letter] + sharps
            places[here, voice] = place_of(letter, sharps)
    onset = np.zeros(pitch.shape, dtype=np.bool_)
    onset[::4] = True
    return Chorale(pitch, onset, key=key, places=places)


def numerals(chorale: Chorale) -> list[str]:
    return [label.numeral for label in analyse(chorale)]


TO_DOMINANT = ("C5 C5 B4 C5", "G4 {} G4 G4", "Eb4 Eb4 D4 Eb4", "C4 Ab3 G3 C3")
TO_NEAPOLITAN = ("C5 C5 Db5 B4 C5", "G4 {} F4 G4 G4", "Eb4 Eb4 Ab3 D4 Eb4", "C4 Ab3 Db3 G3 C3")


def with_sixth(voices: tuple[str, ...], name: str) -> Chorale:
    return spelled(*(line.format(name) for line in voices))


def test_a_chord_is_called_what_it_is_spelled() -> None:
    assert numerals(with_sixth(TO_DOMINANT, "F#4")) == ["i", "Ger65", "V", "i"]
    assert numerals(with_sixth(TO_NEAPOLITAN, "Gb4")) == ["i", "V7/N", "N", "V", "i"]
    assert "Ger65" not in numerals(with_sixth(TO_DOMINANT, "Gb4"))
    assert "V7/N" not in numerals(with_sixth(TO_NEAPOLITAN, "F#4"))


def test_without_a_spelling_the_resolution_decides() -> None:
    for name in ("F#4", "Gb4"):
        to_dominant = replace(with_sixth(TO_DOMINANT, name), places=None)
        to_neapolitan = replace(with_sixth(TO_NEAPOLITAN, name), places=None)
        assert numerals(to_dominant) == ["i", "Ger65", "V", "i"]
        assert numerals(to_neapolitan) == ["i", "V7/N", "N", "V", "i"]


def test_a_rising_seventh_is_a_seventh_only_if_it_is_spelled_so() -> None:
    """F sharp over A flat resolves to the octave G; G flat is a seventh and should fall."""

    def sevenths(chorale: Chorale) -> int:
        found = musicae.check(chorale, strict=True).violations
        return sum("seventh" in violation.rule for violation in found)

    assert sevenths(with_sixth(TO_DOMINANT, "F#4")) == 0
    assert sevenths(with_sixth(TO_DOMINANT, "Gb4")) > 0


@pytest.mark.parametrize(("upper", "fifths"), [("Eb5", 0), ("D#5", 1)])
def test_a_diminished_sixth_is_no_fifth(upper: str, fifths: int) -> None:
    """G sharp and E flat go to A and E; with D sharp they are parallel fifths."""
    chorale = spelled(f"{upper} E5", "B4 C5", "G#4 A4", "E3 A3", key=Key(0, "minor"))
    found = musicae.check(chorale).violations
    assert sum(violation.rule == "parallel fifths" for violation in found) == fifths


def test_a_score_gives_its_spelling(tmp_path: Path) -> None:
    path = tmp_path / "sixth.musicxml"
    for name, numeral in (("F#4", "Ger65"), ("Gb4", "VI")):
        chorale = with_sixth(TO_DOMINANT, name)
        musicxml_writer.write(chorale, path)
        read = musicxml_reader.read(path)
        assert read == chorale
        assert read.places is not None
        assert read.places[4].tolist() == [int(p) for p in spell(chorale)[4]]
        assert numerals(read)[1] == numeral


def test_spellings_are_distinguished_although_the_music_is_equal() -> None:
    sharp, flat = with_sixth(TO_DOMINANT, "F#4"), with_sixth(TO_DOMINANT, "Gb4")
    assert sharp == flat
    assert sonorities(sharp).name(1, 1) == "F#4"
    assert sonorities(flat).name(1, 1) == "Gb4"


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from([TO_DOMINANT, TO_NEAPOLITAN]),
    st.sampled_from(["F#4", "Gb4"]),
    st.integers(-5, 6),
)
def test_transposing_keeps_the_labels(voices: tuple[str, ...], name: str, semitones: int) -> None:
    chorale = with_sixth(voices, name)
    assert numerals(chorale.transpose(semitones)) == numerals(chorale)


def test_bars_keep_their_spelling() -> None:
    chorale = with_sixth(TO_NEAPOLITAN, "Gb4")
    assert sonorities(chorale.bars(1, 1)).name(1, 1) == "Gb4"


def test_places_of_another_length_are_refused() -> None:
    with pytest.raises(ChoraleError, match="places are"):
        replace(with_sixth(TO_DOMINANT, "F#4"), places=np.zeros((3, 4), dtype=np.int8))


def test_a_french_sixth_is_written_as_it_sounds(tmp_path: Path) -> None:
    """A flat, C, D and F sharp, which a score writes as A flat seven with a lowered fifth."""
    chorale = spelled("C5 C5 B4 C5", "G4 F#4 G4 G4", "Eb4 D4 D4 Eb4", "C4 Ab3 G3 C3")
    labels = analyse(chorale)
    assert [label.numeral for label in labels] == ["i", "Fr43", "V", "i"]
    assert labels[1].chord == "Ab7b5"
    path = tmp_path / "french.musicxml"
    musicxml_writer.write(chorale, path, labels=labels)
    symbols = music21.converter.parse(path).recurse().getElementsByClass("ChordSymbol")
    classes = [{pitch.pitchClass for pitch in symbol.pitches} for symbol in symbols]
    assert classes[1] == {8, 0, 2, 6}


def test_the_third_of_an_augmented_sixth_may_be_doubled() -> None:
    """A flat, C, C and F sharp: it sounds like A flat seven, whose C would be a leading tone."""

    def doubled(name: str) -> int:
        italian = spelled("G4 C5 B4 C5", f"Eb4 {name} G4 G4", "C4 C4 D4 Eb4", "C3 Ab3 G3 C3")
        found = musicae.check(italian).violations
        return sum(violation.rule == "doubled leading tone" for violation in found)

    assert doubled("F#4") == 0
    assert doubled("Gb4") == 1


def test_an_unspelled_note_is_judged_by_its_resolution() -> None:
    """If only the soprano is spelled, F sharp over A flat still resolves to an octave."""
    whole = with_sixth(TO_DOMINANT, "F#4")
    assert whole.places is not None
    soprano = np.where(np.arange(4) == 0, whole.places, UNSPELLED)
    found = musicae.check(replace(whole, places=soprano)).violations
    assert not [violation for violation in found if violation.rule == "unresolved seventh"]


def test_a_diminished_sixth_in_contrary_motion_is_no_fifth() -> None:
    def fifths(upper: str) -> int:
        chorale = spelled(f"{upper} E5", "B4 C5", "G#4 A4", "G#3 A2", key=Key(0, "minor"))
        found = musicae.check(chorale).violations
        return sum(violation.rule == "contrary fifths" for violation in found)

    assert (fifths("Eb5"), fifths("D#5")) == (0, 1)


def test_more_than_double_sharps_spell_nothing(tmp_path: Path) -> None:
    """A damaged file can sharpen a note any number of times."""
    path = tmp_path / "sharps.musicxml"
    musicxml_writer.write(Chorale.from_notes([[(0, 4, 72), (4, 4, 74)]]), path)
    plain = "<step>C</step>", "<octave>5</octave>"
    text = path.read_text("utf-8")
    assert all(text.count(element) for element in plain)
    wild = text.replace(plain[0], "<step>B</step><alter>25</alter>", 1)
    path.write_text(wild.replace(plain[1], "<octave>2</octave>", 1), "utf-8")
    read = musicxml_reader.read(path)
    assert [note.pitch for note in read.notes(0)] == [72, 74]
    assert read.places is not None
    assert read.places[[0, 4], 0].tolist() == [UNSPELLED, place_of("D")]
