"""The melody is found among other parts, by all available evidence."""

import random

import pytest

from musicae.api.midi_input import read_given
from musicae.io.melody_part import name_evidence, under_the_melody
from musicae.io.midi_file import open_song
from musicae.io.midi_notes import CHORD_SPREAD
from musicae.io.voice_tracks import choose_parts
from tests.support import paths
from tests.support.arrangements import BUILDERS, arrangement, tune_of
from tests.support.midifiles import meta, save, tune

TUNES = ("abide_with_me", "greensleeves", "minuet", "ode_to_joy", "wassail_song")


def finds_the_tune(path, name, notes):
    right = arrangement(path, name, notes)
    song = open_song(path)
    parts = choose_parts(song)
    return list(parts) == [0] and parts[0] is song.parts[right]


@pytest.fixture(scope="module")
def tunes():
    return [tune_of(paths.MELODIES / f"{name}.mid") for name in TUNES]


@pytest.mark.parametrize("name", BUILDERS)
def test_the_melody_of_each_kind_of_arrangement_is_found(tmp_path, tunes, name):
    """130 arrangements: each kind, with five tunes."""
    assert all(finds_the_tune(tmp_path / "song.mid", name, notes) for notes in tunes)


def test_nineteen_in_twenty_transposed_arrangements_are_right(tmp_path):
    found = [
        finds_the_tune(tmp_path / "song.mid", name, tune_of(paths.MELODIES / f"{t}.mid", shift))
        for t, shift in (("swing_low", -5), ("der_lindenbaum", -5), ("silent_night", 5))
        for name in BUILDERS
    ]
    assert len(found) >= 60
    assert sum(found) >= 0.95 * len(found)


def test_a_notice_names_the_chosen_part(tmp_path, tunes):
    arrangement(tmp_path / "song.mid", "saxophone and bass", tunes[0])
    assert (
        "the melody is taken from track 3 'Vocal'; others: 1 'Alto Sax', 2 'Bass' (choose with"
        " --track)"
    ) in read_given(tmp_path / "song.mid").notices


@pytest.mark.parametrize(
    ("surer", "other"),
    [
        ("Main vocal", "Back vocal"),
        ("Vocals", "Backing Vocals"),
        ("Lead Vox", "BV"),
        ("Melodie", "Gesang 2"),
        ("Melody", "Lead"),
        ("Lead", "Fortune"),
        ("Lead vocal", "Lead guitar"),
        ("Piano RH", "Piano LH"),
        ("rechte Hand", "linke Hand"),
        ("main droite", "main gauche"),
        ("Violin I", "Violin II"),
        ("Voix", "Guitare"),
        ("Singstimme", "Klavier"),
        ("Flute", "Bass"),
        ("", "Choir"),
        ("LeadVocal", "BackVocal"),
        ("Melody1", "Guitar1"),
    ],
)
def test_names_are_read_as_words(surer, other):
    assert name_evidence(surer) > name_evidence(other)


@pytest.mark.parametrize(
    "name", ["", "Fortune", "Leader", "Invoice", "Mainz", "Atune", "Flute", "a", "Track 1"]
)
def test_parts_of_words_say_nothing(name):
    assert name_evidence(name) == 0


@pytest.mark.parametrize(
    "names", [("a",), ("B.",), ("a", "Melody"), ("A", "b", "Vocal"), ("t", "b", "Vocal")]
)
def test_single_letters_are_no_choir_without_a_soprano_or_a_third(tmp_path, names):
    tracks = [
        [meta(0, "track_name", name=name), *tune((0, 1920, 60 + i), channel=i)]
        for i, name in enumerate(names)
    ]
    parts = choose_parts(open_song(save(tmp_path / "song.mid", *tracks)))
    assert [(v, part.name) for v, part in parts.items()] == [(0, names[-1])]


@pytest.mark.parametrize(
    ("names", "voices"),
    [
        ("S, A, T, B", {0, 1, 2, 3}),
        ("Sopran, Alt, Tenor, Bass", {0, 1, 2, 3}),
        ("Soprano, Contralto, Tenore, Basso", {0, 1, 2, 3}),
        ("Soprano, Alto, Ténor, Basse", {0, 1, 2, 3}),
        ("S, A, Piano", {0, 1}),
        ("Vocal, Alto, Tenor, Bass", {0, 1, 2, 3}),
        ("Vocal, Alto Sax, Bass, Trumpet", {0}),
        ("Vocal, Tenor, Bass, Trumpet", {0}),
        ("Vocal, Bass, Piano", {0}),
    ],
)
def test_names_that_make_a_choir(tmp_path, names, voices):
    tracks = [
        [meta(0, "track_name", name=name), *tune((0, 1920, 72 - 7 * i), channel=i)]
        for i, name in enumerate(names.split(", "))
    ]
    assert set(choose_parts(open_song(save(tmp_path / "song.mid", *tracks)))) == voices


def slowly_under_the_melody(song, notes):
    """The rule by its definition, comparing each note with each other note."""
    spread = song.ppq // CHORD_SPREAD
    hidden = []
    for index, note in enumerate(notes):
        for place, other in enumerate(notes):
            twin = other.pitch == note.pitch and place < index
            if place == index or not (other.pitch > note.pitch or twin):
                continue
            overlap = min(note.end, other.end) - max(note.start, other.start)
            begun = other.start <= note.start + spread
            if begun and 2 * overlap > note.end - note.start:
                hidden.append(note)
                break
    return tuple(hidden)


@pytest.mark.parametrize("seed", range(20))
def test_notes_under_the_melody(tmp_path, seed):
    rng = random.Random(seed)
    starts = [rng.choice((0, 10, 60, 61, 240, 480)) + 480 * rng.randrange(4) for _ in range(60)]
    played = [(s, s + rng.choice((1, 30, 120, 480, 900)), rng.randrange(60, 70)) for s in starts]
    song = open_song(save(tmp_path / "chords.mid", tune(*played)))
    notes = song.parts[0].notes
    assert under_the_melody(song, notes) == slowly_under_the_melody(song, notes)
