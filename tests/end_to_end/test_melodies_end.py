"""How tunes end, which keys they are in, and notices of requests that cannot be met.

The chord plans are tested in all styles and alternatives, because a plan takes milliseconds. The
voices that follow them are tested once for each melody.
"""

import numpy as np
import pytest

import musicae
from musicae.api.midi_input import read_given
from musicae.api.phrase_ends import choose
from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STYLES
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding.harmonize import problem_of
from musicae.models.checkpoint import load_model
from tests.support.passages import midi
from tests.support.paths import MELODIES

ENDS = {
    "abide_with_me": ("Eb", "major"),
    "amazing_grace": ("G", "major"),
    "der_lindenbaum": ("E", "major"),
    "god_rest_ye_merry": ("E", "minor"),
    "greensleeves": ("E", "minor"),
    "minuet": ("F", "major"),
    "ode_to_joy": ("D", "major"),
    "old_hundredth": ("G", "major"),
    "silent_night": ("Bb", "major"),
    "swing_low": ("F", "major"),
    "wassail_song": ("F", "major"),
}
"""The tonic and the mode of each melody in ``data``; in minor the last chord may be major."""
TRIADS = {"major": {0, 4, 7}, "minor": {0, 3, 7}}
WHOLE = ("old_hundredth", "silent_night")
"""Melodies whose voices are written whole; of the others, the last four bars are written."""


def tune(names, length=4, **facts):
    """A soprano in notes of one length. ``length`` is in steps."""
    notes = [(length * i, length, midi(name)) for i, name in enumerate(names.split())]
    return Chorale.from_notes([notes], **facts)


def final_triads(name):
    tonic, mode = ENDS[name]
    root = Key.parse(f"{tonic} major").tonic
    modes = ("major",) if mode == "major" else ("minor", "major")
    return root, [{(root + up) % 12 for up in TRIADS[one]} for one in modes]


def last_chord(chorale):
    """The pitch classes of the last step at which all voices sound, and that of the bass."""
    step = np.flatnonzero((chorale.pitch != REST).all(axis=1))[-1]
    classes = chorale.pitch[step] % 12
    return set(classes.tolist()), int(classes[3])


def assert_ends_at_home(chorale, root, triads):
    classes, bass = last_chord(chorale)
    assert bass == root
    third = [triad - {(root + 7) % 12} for triad in triads]
    assert any(least <= classes <= triad for least, triad in zip(third, triads, strict=True))


def numerals(piece):
    """Numerals of all chords in the home key, whatever the local key is."""
    return [chord.numeral(piece.plan.key) for chord in piece.plan.chords]


@pytest.mark.parametrize("name", ENDS)
def test_every_plan_of_a_melody_ends_on_its_tonic(name):
    parts = read_given(MELODIES / f"{name}.mid").parts
    ends = choose(parts.whole, "infer", parts.marks, parts.likely_key).steps
    root, triads = final_triads(name)
    sounding = np.flatnonzero(parts.in_range.pitch[:, 0] != REST)[-1]
    for style in STYLES:
        partial = parts.partial_score(ends, style=style)
        found = problem_of(load_model("planner"), partial).alternatives(3)
        assert len(found) == 3
        for plan, _, notices, _ in found:
            chord = plan.chord_at(sounding)
            members = {(plan.key.tonic + member) % 12 for member in chord.members}
            assert (chord.bass, (plan.key.tonic + chord.root) % 12) == (0, root), style
            assert members in triads, style
            assert not notices


@pytest.mark.parametrize("name", ENDS)
def test_the_voices_of_a_melody_end_on_its_tonic(name):
    melody = read_given(MELODIES / f"{name}.mid").parts.tune
    if name not in WHOLE:
        last = melody.bar_count
        melody = melody.bars(last - 3, last)
    key = " ".join(ENDS[name])
    for piece in musicae.harmonize(melody, key=key, seed=len(name)):
        assert_ends_at_home(piece.chorale, *final_triads(name))


def test_a_tune_from_e_to_c_is_in_c_major():
    (piece,) = musicae.harmonize(tune("E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4 E4 D4 D4 C4"))
    assert piece.provenance["key"] == "C major"
    assert numerals(piece)[-1] == "I"
    assert_ends_at_home(piece.chorale, 0, [{0, 4, 7}])


@pytest.mark.parametrize("last", ["D4", "B4", "F4", "A4"])
def test_a_last_note_outside_the_tonic_triad_has_a_triad_that_fits(last):
    degree = midi(last) % 12
    for piece in musicae.harmonize(tune(f"C4 E4 G4 E4 F4 E4 D4 {last}"), 2, key="C"):
        chord = piece.plan.chords[-1]
        assert (chord.bass, chord.quality in TRIADS) == (0, True)
        assert degree in chord.members
        if degree in (11, 2):
            assert numerals(piece)[-1] == "V"


def test_a_phrase_file_asks_for_cadences(tmp_path):
    path = tmp_path / "ends.txt"
    path.write_text("2 3 half\n4 3 plagal\n", encoding="utf-8")
    melody = tune("C4 E4 D4 C4 E4 F4 G4 G4 A4 G4 F4 E4 D4 F4 E4 E4")
    (piece,) = musicae.harmonize(melody, key="C", phrases=path)
    assert numerals(piece)[6] == "V"
    assert numerals(piece)[13].lower().startswith("iv")
    assert numerals(piece)[14] == "I"
    assert piece.notices == ()


def test_an_impossible_cadence_is_reported_with_its_bar(tmp_path):
    path = tmp_path / "ends.txt"
    path.write_text("1 4 half\n2 4 deceptive\n", encoding="utf-8")
    melody = tune("C4 E4 E4 F4 G4 G4 G4 D4 F4 E4 D4 C4")
    (piece,) = musicae.harmonize(melody, key="C", phrases=path)
    assert piece.notices == (
        "bar 1: no half cadence fits the melody",
        "bar 2: no deceptive cadence fits the melody",
    )
    assert numerals(piece)[-1] == "I"


def test_unknown_styles_and_cadences_are_one_line(musicae_command, tmp_path):
    melody = MELODIES / "old_hundredth.mid"
    path = tmp_path / "ends.txt"
    path.write_text("2 3 perfect\n", encoding="utf-8")
    for option, wish, complaint in [
        ("--style", "jazz", "a style is bach, chorale, hymn"),
        ("--phrases", path, "line 1: a cadence is authentic, half, plagal, deceptive"),
    ]:
        done = musicae_command("harmonize", melody, "-o", tmp_path / "out.mid", option, wish)
        assert (done.status, done.out) == (2, "")
        (line,) = done.err.splitlines()
        assert line.startswith("error: ")
        assert complaint in line


THIRTEEN = (Meter(0, 13, 4),)
CHROMATIC = "C4 C#4 D4 Eb4 E4 F4 F#4 G4 G#4 A4 Bb4 B4"


@pytest.mark.parametrize(
    "melody",
    [
        tune("G4"),
        tune("G4", length=1),
        tune(CHROMATIC),
        tune(f"{CHROMATIC} C5", length=1),
        tune(f"{CHROMATIC} C5 {CHROMATIC} C5", meters=THIRTEEN),
        tune("D4 G4 A4 B4 G4", meters=THIRTEEN, pickup=4),
    ],
    ids=["one note", "a sixteenth", "chromatic", "sixteenths", "thirteen beats", "its pickup"],
)
def test_any_tune_is_harmonized(melody):
    (piece,) = musicae.harmonize(melody)
    assert [tuple(n) for n in piece.chorale.notes(0)] == [tuple(n) for n in melody.notes(0)]
    assert (piece.chorale.pitch != REST).all()
    assert piece.plan is not None
