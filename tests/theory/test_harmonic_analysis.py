"""Harmonic analysis of short passages, and properties of the analysis of any music."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.corpus import load
from musicae.theory.harmonic_analysis import Label, analyse, is_marker, markers, texts
from tests.support.passages import EIGHTH, QUARTER, midi, passage
from tests.support.strategies import chorales

READ_ALOUD = {
    "cadential six-four": (
        """
        S  C5  D5  C5  B4  C5^
        A  G4  A4  G4  G4  G4
        T  E4  F4  E4  D4  E4
        B  C4  F3  G3  G3  C3
        """,
        "C",
        QUARTER,
        "C: I ii6 I64 V I",
        "C Dm/F C/G G C",
    ),
    "dominant sevenths and their inversions": (
        """
        S  C5  B4  C5  D5  C5  D5  E5  D5  C5^
        A  G4  G4  G4  F4  G4  G4  G4  B4  G4
        T  E4  D4  E4  B3  E4  F4  E4  F4  E4
        B  C4  F3  E3  G3  C3  B2  C3  G3  C3
        """,
        "C",
        QUARTER,
        "C: I V42 I6 V7 I V65 I V7 I",
        "C G7/F C/E G7 C G7/B C G7 C",
    ),
    "applied dominant": (
        """
        S  G4  A4  A4  B4  C5  B4  C5^
        A  E4  E4  D4  D4  C4  D4  E4
        T  C4  C4  C4  G3  E4  G4  G4
        B  C3  A2  F#2 G2  A2  G2  C3
        """,
        "C",
        QUARTER,
        "C: I vi V65/V V vi V I",
        "C Am D7/F# G Am G C",
    ),
    "half-diminished and diminished sevenths": (
        """
        S  G4  A4  G4  A4  B4  C5  B4  C5^
        A  E4  F4  E4  E4  F4  E4  D4  E4
        T  C4  D4  C4  C4  D4  C4  G3  G3
        B  C3  B2  C3  A2  G#2 A2  G2  C3
        """,
        "C",
        QUARTER,
        "C: I viiø7 I vi vii°7/vi vi V I",
        "C Bø7 C Am G#dim7 Am G C",
    ),
    "phrase by phrase to the dominant and back": (
        """
        S  G4  A4  B4  C5^ D5  C5  A4  B4^ G4  A4  B4  C5^
        A  E4  F4  D4  E4  D4  E4  F#4 G4  E4  F4  D4  E4
        T  C4  C4  G3  G3  B3  A3  C4  D4  C4  C4  G3  G3
        B  C3  F3  G3  C3  G3  C3  D3  G2  C3  F3  G3  C3
        """,
        "C",
        QUARTER,
        "C: I IV V I G: I ii6 V7 I C: I IV V I",
        "C F G C G Am/C D7 G C F G C",
    ),
    "to the relative minor": (
        """
        S  G4  A4  B4  C5^ B4  C5  B4  A4^ G4  A4  B4  C5^
        A  E4  F4  D4  E4  E4  E4  E4  E4  E4  F4  D4  E4
        T  C4  C4  G3  G3  G#3 A3  G#3 C4  C4  C4  G3  G3
        B  C3  F3  G3  C3  E3  A2  E3  A2  C3  F3  G3  C3
        """,
        "C",
        QUARTER,
        "C: I IV V I a: V i V i C: I IV V I",
        "C F G C E Am E Am C F G C",
    ),
    "minor, with a Picardy third": (
        """
        S  A4  B4  C5  B4  A4  G#4 A4^
        A  E4  D4  E4  F4  E4  D4  C#4
        T  C4  G#3 A3  B3  A3  B3  A3
        B  A2  B2  A2  G#2 C3  E3  A2
        """,
        "A minor",
        QUARTER,
        "a: i vii°6 i vii°7 i6 V7 I",
        "Am G#dim/B Am G#dim7 Am/C E7 A",
    ),
    "minor, with the sixth and seventh raised": (
        """
        S  E4  F#4 G#4 A4  A4  G#4 A4^
        A  C4  D4  E4  E4  F4  E4  E4
        T  A3  A3  B3  C4  D4  B3  C4
        B  A2  D3  E3  A2  D3  E3  A2
        """,
        "A minor",
        QUARTER,
        "a: i IV V i iv V i",
        "Am D E Am Dm E Am",
    ),
    "minor, to its relative and back": (
        """
        S  A4  B4  C5  B4^ C5  D5  B4  C5^ A4  B4  A4  G#4 A4^
        A  E4  E4  E4  E4  E4  F4  D4  E4  E4  E4  F4  E4  E4
        T  C4  G#3 A3  G#3 G3  A3  G3  G3  C4  E4  D4  B3  C4
        B  A2  E3  A2  E3  C3  F3  G3  C3  A2  G#2 D3  E3  A2
        """,
        "A minor",
        QUARTER,
        "a: i V i V C: I ii6 V I a: i V6 iv V i",
        "Am E Am E C Dm/F G C Am E/G# Dm E Am",
    ),
    "4-3 suspension": (
        """
        S  E5  --  D5  --  C5^ --
        A  C5  --  C5  B4  G4  --
        T  G4  --  G4  --  E4  --
        B  C4  --  G3  --  C3  --
        """,
        "C",
        EIGHTH,
        "C: I V I",
        "C G C",
    ),
    "4-3 suspension in quarters": (
        """
        S  C5  C5  --  B4  C5^ --
        A  G4  A4  G4  --  G4  --
        T  E4  F4  D4  --  E4  --
        B  C4  F3  G3  --  C3  --
        """,
        "C",
        QUARTER,
        "C: I IV V I",
        "C F G C",
    ),
    "passing notes and a passing seventh in the bass": (
        """
        S  E5  D5  C5  B4  A4  B4  C5^ --
        A  G4  --  G4  --  F4  --  E4  --
        T  C5  B4  A4  G4  F4  D4  G4  --
        B  C4  --  E4  --  F4  G4  C4  --
        """,
        "C",
        EIGHTH,
        "C: I I6 V42 I",
        "C C/E G7/F C",
    ),
    "a passing bass, and a seventh that joins": (
        """
        S  G4  --  G4  --  A4  --  B4  --  C5^ --
        A  E4  --  E4  --  F4  --  D4  --  E4  --
        T  C4  --  C4  --  C4  --  G4  F4  E4  --
        B  C3  D3  E3  --  F3  --  G3  --  C3  --
        """,
        "C",
        EIGHTH,
        "C: I I6 IV V V7 I",
        "C C/E F G G7 C",
    ),
    "three voices that turn over a held bass": (
        """
        S  E5  F5  E5  --  D5  --  C5^ --
        A  C5  D5  C5  --  B4  --  G4  --
        T  G4  A4  G4  --  G4  F4  E4  --
        B  C4  --  --  --  G3  --  C3  --
        """,
        "C",
        EIGHTH,
        "C: I V V7 I",
        "C G G7 C",
    ),
    "anticipation": (
        """
        S  C5  --  D5  --  B4  C5  C5^ --
        A  G4  --  A4  --  G4  --  G4  --
        T  E4  --  F4  --  D4  --  E4  --
        B  C4  --  F3  --  G3  --  C3  --
        """,
        "C",
        EIGHTH,
        "C: I ii6 V I",
        "C Dm/F G C",
    ),
    "open fifths": (
        """
        S  G4  D5  B4  G4
        A  G4  A4  G4  G4
        T  D4  F#4 D4  D4
        B  G3  D3  G3  G3
        """,
        "G",
        QUARTER,
        "G: I V I",
        "G5 D G",
    ),
    "Neapolitan sixth": (
        """
        S  C5  Db5 B4  C5
        A  G4  F4  G4  G4
        T  Eb4 Ab3 D4  Eb4
        B  C4  F3  G3  C3
        """,
        "C minor",
        QUARTER,
        "c: i N6 V i",
        "Cm Db/F G Cm",
    ),
    "Neapolitan sixth before a six-four, in major": (
        """
        S  C5  Db5 C5  B4  C5
        A  G4  F4  G4  G4  G4
        T  E4  Ab3 E4  D4  E4
        B  C4  F3  G3  G3  C3
        """,
        "C",
        QUARTER,
        "C: I N6 I64 V I",
        "C Db/F C/G G C",
    ),
    "German sixth before a six-four": (
        """
        S  C5  C5  C5  B4  C5
        A  G4  F#4 G4  G4  G4
        T  Eb4 Eb4 Eb4 D4  Eb4
        B  C4  Ab3 G3  G3  C3
        """,
        "C minor",
        QUARTER,
        "c: i Ger65 i64 V i",
        "Cm Ab7 Cm/G G Cm",
    ),
    "German sixth in major": (
        """
        S  C5  C5  C5  B4  C5
        A  G4  F#4 G4  G4  G4
        T  E4  Eb4 E4  D4  E4
        B  C4  Ab3 G3  G3  C3
        """,
        "C",
        QUARTER,
        "C: I Ger65 I64 V I",
        "C Ab7 C/G G C",
    ),
    "Italian sixth": (
        """
        S  A4  A4  G#4 A4
        A  E4  D#4 E4  E4
        T  C4  A3  B3  C4
        B  A3  F3  E3  A2
        """,
        "A minor",
        QUARTER,
        "a: i It6 V i",
        "Am F7 E Am",
    ),
    "French sixth": (
        """
        S  C5  C5  B4  C5
        A  G4  F#4 G4  G4
        T  Eb4 D4  D4  Eb4
        B  C4  Ab3 G3  C3
        """,
        "C minor",
        QUARTER,
        "c: i Fr43 V i",
        "Cm Ab7b5 G Cm",
    ),
    "augmented triads": (
        """
        S  C5  D5  D#5 E5
        A  G4  G4  G4  G4
        T  E4  B3  B3  C4
        B  C4  G3  G3  C3
        """,
        "C",
        QUARTER,
        "C: I V V+ I",
        "C G Gaug C",
    ),
    "augmented tonic before the subdominant": (
        """
        S  G4  G#4 A4  G4  G4
        A  E4  E4  F4  F4  E4
        T  C4  C4  C4  B3  C4
        B  C3  C3  F3  G3  C3
        """,
        "C",
        QUARTER,
        "C: I I+ IV V7 I",
        "C Caug F G7 C",
    ),
    "mixture": (
        """
        S  C5  C5  D5  C5
        A  G4  Ab4 Bb4 G4
        T  E4  Eb4 F4  E4
        B  C4  Ab3 Bb3 C4
        """,
        "C",
        QUARTER,
        "C: I bVI bVII I",
        "C Ab Bb C",
    ),
    "mixture, with the mediant": (
        """
        S  C5  Bb4 C5  C5
        A  G4  G4  Ab4 G4
        T  E4  Eb4 F4  E4
        B  C4  Eb4 F3  C4
        """,
        "C",
        QUARTER,
        "C: I bIII iv I",
        "C Eb Fm C",
    ),
    "a triad over its third, among minor chords": (
        """
        S  B4  B4  G4  B4  B4
        A  G4  F#4 G4  F#4 G4
        T  E4  D#4 D4  D#4 E4
        B  E3  B2  B2  B2  E3
        """,
        "E minor",
        QUARTER,
        "e: i V III6 V i",
        "Em B G/B B Em",
    ),
    "suspended chords without a third": (
        """
        S  C5  C5  C5  B4  C5
        A  G4  G4  G4  G4  G4
        T  E4  F4  F4  D4  E4
        B  C4  C4  C4  G3  C3
        """,
        "C",
        QUARTER,
        "C: I V I",
        "C G C",
    ),
    "flats": (
        """
        S  D5  D5  Eb5 D5  C5  Bb4^
        A  F4  F4  G4  F4  Eb4 D4
        T  Bb3 Ab3 Bb3 Bb3 A3  F3
        B  Bb2 Bb2 Eb3 Bb2 F3  Bb2
        """,
        "Bb",
        QUARTER,
        "Bb: I V7/IV IV I V7 I",
        "Bb Bb7 Eb Bb F7 Bb",
    ),
}


def labelled(grid, key=None, column=QUARTER):
    """Two lines: the numerals of a passage, with keys named where they begin, and its chords."""
    labels = analyse(passage(grid, key, column))
    return " ".join(text for _, text in texts(labels)), " ".join(label.chord for label in labels)


@pytest.mark.parametrize("name", READ_ALOUD)
def test_the_analysis_of_typed_passages(name):
    grid, key, column, numerals, symbols = READ_ALOUD[name]
    assert labelled(grid, key, column) == (numerals, symbols)


@pytest.mark.parametrize(
    "grid",
    [
        "S G4 D5 G4",  # a melody
        "S G4 A4 B4\nB E3 F3 D3",  # two voices can be many chords
        "S C4 D4\nA C4 D4\nT C4 D4\nB C3 D3",  # everyone on one note
        "S .. ..",
    ],
)
def test_there_are_no_labels_without_chords(grid):
    assert analyse(passage(grid, "C")) == ()


def test_nothing_is_labelled_after_the_voices_fall_silent():
    rests = passage("S G4 .. .. A4 B4\nA E4 .. .. D4 D4\nT C4 .. .. F3 G3\nB C3 .. .. B2 G2", "C")
    assert [(label.step, label.chord) for label in analyse(rests)] == [
        *((0, "C"), (12, "Bø7"), (16, "G")),
    ]


def test_a_pickup_begins_on_a_weak_beat():
    # Eighths come before the bar line; only the first note of each pair is on a beat.
    upbeat = passage(
        """
        S  E5  D5  C5  D5  E5  F5  G5  --
        A  G4  --  G4  --  G4  --  G4  --
        T  C4  --  E4  --  C4  --  E4  --
        B  C3  --  C3  --  C3  --  C3  --
        """,
        "C",
        EIGHTH,
    )
    shifted = Chorale.from_notes(
        [[(n.step, n.duration, n.pitch) for n in upbeat.notes(v)] for v in range(4)],
        pickup=4,
        key=Key(0),
    )
    assert [label.numeral for label in analyse(shifted)] == ["I"]


def test_a_chord_can_last_a_beat_of_compound_meter():
    gigue = passage(
        """
        S  C5  D5  E5  D5  C5  B4  C5  --  --
        A  G4  --  --  G4  --  --  G4  --  --
        T  E4  --  --  D4  --  --  E4  --  --
        B  C3  --  --  G3  --  --  C3  --  --
        """,
        "C",
        EIGHTH,
    )
    notes = [[(n.step, n.duration, n.pitch) for n in gigue.notes(v)] for v in range(4)]
    in_six = Chorale.from_notes(notes, meters=(Meter(0, 6, 8),), key=Key(0))
    assert [(label.step, label.numeral) for label in analyse(in_six)] == [
        *((0, "I"), (6, "V"), (12, "I")),
    ]


def test_keys_are_named_where_their_areas_begin():
    labels = [
        Label(0, Key(-2), "I", "Bb"),
        Label(4, Key(-2), "V", "F"),
        Label(8, Key(3, "minor"), "i", "F#m"),
        Label(12, Key(-2), "I", "Bb"),
    ]
    assert [text for _, text in texts(labels)] == ["Bb: I", "V", "f#: i", "Bb: I"]


BACH = load.load().side("train")[:40]


def untransposed(labels, semitones):
    return [
        (label.step, (label.key.tonic - semitones) % 12, label.key.mode, label.numeral)
        for label in labels
    ]


@settings(max_examples=30, deadline=None)
@given(chorale=st.one_of(st.sampled_from(BACH), chorales()), semitones=st.integers(-6, 6))
def test_transposing_transposes_the_keys_and_leaves_the_numerals(chorale, semitones):
    higher = analyse(chorale.transpose(semitones))
    assert untransposed(higher, semitones) == untransposed(analyse(chorale), 0)


NUMERAL = re.compile(r"(b?[IV]+|N|[iv]+)[°ø+]?(6|64|7|65|43|42)?(/([IV]+|[iv]+|N))?|It6|Fr43|Ger65")
CHORD = re.compile(r"[A-G](##?|bb?)?(m|dim|aug|7|7b5|m7|maj7|ø7|dim7|5)?(/[A-G](##?|bb?)?)?")


@settings(max_examples=30, deadline=None)
@given(chorale=st.one_of(st.sampled_from(BACH), chorales()))
def test_labels_are_in_order_and_each_says_something_new(chorale):
    labels = analyse(chorale)
    steps = [label.step for label in labels]
    assert steps == sorted(set(steps))
    assert not steps or 0 <= steps[0] <= steps[-1] < len(chorale)
    said = [(label.key, label.numeral) for label in labels]
    assert all(a != b for a, b in pairwise(said))
    assert all(NUMERAL.fullmatch(label.numeral) for label in labels)
    assert all(CHORD.fullmatch(label.chord) for label in labels)


@settings(max_examples=30, deadline=None)
@given(chorale=st.one_of(st.sampled_from(BACH), chorales()))
def test_the_root_and_third_of_a_label_sound_in_its_span(chorale):
    labels = analyse(chorale)
    for label, stop in zip(labels, [*[x.step for x in labels[1:]], len(chorale)], strict=False):
        span = chorale.pitch[label.step : stop]
        sounding = {pitch % 12 for pitch in span[span != REST].tolist()}
        root, quality = re.match(r"([A-G][#b]*)([^/]*)", label.chord).groups()
        above = 3 if re.match(r"m(?!aj)|dim|ø", quality) else 4
        root = midi(f"{root}4") % 12
        assert root in sounding
        assert quality == "5" or (root + above) % 12 in sounding


def test_bach_changes_his_harmony_about_once_a_quarter():
    quarters = sum(len(chorale) / QUARTER for chorale in BACH)
    labels = sum(len(analyse(chorale)) for chorale in BACH)
    assert 0.7 < labels / quarters < 1.1


def test_symbols_are_spelled_as_the_score_is():
    # E-flat minor's own spelling: C-flat, not B.
    dark = passage(
        "S Eb4 Eb4 D4 Eb4\nA Bb3 Cb4 Bb3 Bb3\nT Gb3 Ab3 F3 Gb3\nB Eb3 Ab2 Bb2 Eb3", "Ebm"
    )
    assert [label.chord for label in analyse(dark)] == ["Ebm", "Abm", "Bb", "Ebm"]


def test_markers_are_recognized_and_are_ascii():
    for chorale in load.load().chorales[::40]:
        said = [text for _, text in markers(analyse(chorale))]
        assert all(is_marker(text) and text.isascii() for text in said)
    altered = [READ_ALOUD[name] for name in READ_ALOUD if "sixth" in name or name == "mixture"]
    for grid, key, column, *_ in altered:
        assert all(is_marker(text) for _, text in markers(analyse(passage(grid, key, column))))
    words = (
        "verse",
        "It",
        "Fred",
        "German",
        "Nora",
        "Chorus 2",
        "fermata",
        "A",
        "Violin",
        "vi solo",
        "",
    )
    assert not any(map(is_marker, words))
