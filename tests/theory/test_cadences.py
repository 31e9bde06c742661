"""Cadences at phrase ends in typed passages, and in Bach's chorales."""

from collections import Counter

import pytest

from musicae.corpus import load
from musicae.theory.cadences import cadences
from musicae.theory.sonorities import Harmony
from tests.support.passages import EIGHTH, passage

PHRASE = "S C5 D5 E5 D5\nA G4 G4 G4 A4\nT E4 D4 C4 D4\nB C4 B3 C4 F3"
"""I V6 I II6 in C major; any ending can follow."""


def end_of(ending, key="C major", begin=PHRASE):
    """The cadence at the end of a phrase."""
    rows = zip(begin.splitlines(), ending.splitlines(), strict=True)
    grid = "\n".join(f"{start} {end.split(maxsplit=1)[1]}" for start, end in rows)
    return cadences(passage(grid, key))[-1]


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("S D5 C5^\nA B4 G4\nT F4 E4\nB G3 C3", "perfect authentic"),
        ("S B4 C5^\nA G4 G4\nT D4 E4\nB B3 C4", "imperfect authentic"),  # V6
        ("S D5 E5^\nA B4 C5\nT G4 G4\nB G3 C4", "imperfect authentic"),  # ends on the third
        ("S B4 C5^\nA F4 E4\nT D4 C4\nB D3 C3", "imperfect authentic"),  # VII6
        ("S C5 B4^\nA E4 D4\nT G3 G3\nB C3 G3", "half"),
        ("S C5 C5^\nA A4 G4\nT F4 E4\nB F3 C3", "plagal"),
        ("S B4 C5^\nA F4 E4\nT D4 C4\nB G3 A3", "deceptive"),
        ("S C5 C5^\nA G4 A4\nT E4 F4\nB C4 F3", "other"),  # I to IV
        ("S D5 D5^\nA A4 A4\nT F4 F4\nB D3 C3", "other"),  # a seventh chord
    ],
)
def test_cadences_in_the_home_key(ending, kind):
    cadence = end_of(ending)
    assert (cadence.kind, str(cadence.key)) == (kind, "C major")


@pytest.mark.parametrize(
    ("ending", "kind", "key"),
    [
        ("S C5 B4^\nA A4 G4\nT D4 D4\nB F#3 G3", "imperfect authentic", "G major"),
        ("S C5 B4 A4^\nA E4 E4 E4\nT A3 G#3 A3\nB A3 E3 A2", "perfect authentic", "A minor"),
        ("S A4 G#4^\nA D4 E4\nT A3 B3\nB F3 E3", "half", "A minor"),  # Phrygian
        ("S D5 C5^\nA B4 A4\nT E4 F4\nB G#3 F3", "deceptive", "A minor"),
    ],
)
def test_cadences_in_neighbouring_keys(ending, kind, key):
    cadence = end_of(ending)
    assert (cadence.kind, str(cadence.key)) == (kind, key)


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("S B4 A4^\nA E4 E4\nT G#3 C4\nB E3 A2", "perfect authentic"),
        ("S B4 A4^\nA E4 E4\nT G#3 C#4\nB E3 A2", "perfect authentic"),  # Picardy third
        ("S G#4 A4^\nA E4 C4\nT B3 A3\nB E3 F3", "deceptive"),
        ("S A4 A4^\nA F4 E4\nT D4 C#4\nB D3 A2", "plagal"),
        ("S C5 B4^\nA E4 E4\nT A3 G#3\nB A2 E3", "half"),
        ("S A4 G#4^\nA F#4 E4\nT C4 B3\nB D#3 E3", "half"),  # VII of V
    ],
)
def test_cadences_in_minor(ending, kind):
    begin = "S A4 B4 C5\nA E4 E4 E4\nT C4 B3 A3\nB A3 G#3 A3"
    cadence = end_of(ending, "A minor", begin)
    assert (cadence.kind, str(cadence.key)) == (kind, "A minor")


@pytest.mark.parametrize(
    "ending",
    [
        "S E5 D5^ --\nA C5 C5 B4\nT G4 G4 --\nB C4 G3 --",  # 4-3
        "S E5 G4^ --\nA C5 E4 D4\nT G4 C4 B3\nB C4 G3 --",  # six-four to five-three
        "S E5 D5^ -- --\nA C5 B4 -- --\nT G4 G4 -- --\nB C4 G3 F3 G3",  # the bass passes
    ],
)
def test_a_phrase_rests_when_its_last_note_has_settled(ending):
    cadence = end_of(ending)
    assert (cadence.kind, cadence.bar, cadence.beat) == ("half", 2, 2.0)
    assert (cadence.approach, cadence.final) == (Harmony(0, "major"), Harmony(7, "major"))


def test_an_anticipation_does_not_hide_the_dominant():
    # Over V the soprano anticipates E: B D E G would be E minor with a seventh.
    early = passage(
        "S D5 -- D5 E5 E5^ --\nA A4 -- B4 -- C5 --\nT F4 -- G4 -- G4 --\nB F3 -- G3 -- C4 --",
        "C major",
        column=EIGHTH,
    )
    (cadence,) = cadences(early)
    assert (cadence.kind, cadence.approach) == ("imperfect authentic", Harmony(7, "major"))


def test_every_fermata_is_an_ending_and_so_is_the_last_note():
    two_phrases = passage("S B4 C5^ D5 C5\nA G4 G4 B4 G4\nT D4 E4 F4 E4\nB G3 C4 G3 C3", "C major")
    assert [(c.step, c.bar, c.beat, c.kind) for c in cadences(two_phrases)] == [
        (4, 1, 2.0, "perfect authentic"),
        (12, 1, 4.0, "perfect authentic"),
    ]


@pytest.mark.parametrize("grid", ["S ..", "B C3 D3", "S C5^"])
def test_without_chords_a_cadence_is_other(grid):
    assert all(cadence.kind == "other" for cadence in cadences(passage(grid)))


def test_bach_ends_most_phrases_with_an_authentic_cadence():
    train = [cadences(chorale) for chorale in load.load().side("train")]
    kinds = Counter(cadence.kind for phrases in train for cadence in phrases)
    shares = {kind: count / kinds.total() for kind, count in kinds.items()}
    assert shares["perfect authentic"] == pytest.approx(0.49, abs=0.03)
    assert shares["imperfect authentic"] == pytest.approx(0.21, abs=0.03)
    assert shares["half"] == pytest.approx(0.22, abs=0.03)
    assert shares["other"] < 0.05
    last = Counter(phrases[-1].kind for phrases in train)
    assert last["perfect authentic"] > 0.85 * len(train)
