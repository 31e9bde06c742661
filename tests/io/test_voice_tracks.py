"""One rule decides which part is which voice: the names that choirs use, and files with other
parts."""

import numpy as np
import pytest

import musicae
from musicae.core.constants import REST, VOICES
from musicae.core.errors import ChoraleError
from musicae.io import midi_reader, musicxml_reader
from musicae.io.voice_tracks import rank_names, voice_of_name
from tests.support.filling import filler
from tests.support.midifiles import meta, save, tune

NAMES = {
    0: "Soprano, SOPRANO, Sopranos, Soprani, Sopran, Soprane, Sopraan, Cantus, Canto, Discant,"
    " Diskant, Discantus, Descant, Superius, Tiple, Tiples, Treble, Trebles, Dessus, S, S., s, S1,"
    " S 2, S. II, Soprano 1, Soprano I, Soprano_1, Sopran 2, Soprano (soli), Soprano - oboe,"
    " Soprano Oboe 1 Violin1, Soprano\rOboe 1\rFlute",
    1: "Alto, Altos, Alti, Alt, Alte, Altus, Contralto, Contraltos, Contralti, A, A., A2, Alto 1,"
    " Alt 2, Alto (soli)",
    2: "Tenor, Tenors, Tenore, Tenores, Tenori, Tenöre, Ténor, Ténors, T, T., T1, Tenor 2,"
    " Tenor (men), Tenor\rViola, tenor",
    3: "Bass, Basses, Basse, Bässe, Basso, Bassi, Bassus, Bajo, Bajos, Baixo, Bas, B, B., B2,"
    " Bass 1, Bass II, Bass-Baritone, Bass Continuo",
    None: "Bass guitar, Bass-Gitarre, Bassgitarre, Double bass, Contrabass, Kontrabass, Bass drum,"
    " Bass line, Bassline, Synth bass, Bass synth, Bass pad, Electric bass, Bass clarinet,"
    " Bass trombone, Bass staff, Bass viol, Bassoon, Basso continuo, Basse continue, Alto sax,"
    " Alto Saxophone, Alto-Sax, Altsaxophon, Tenor sax, Soprano sax, Alto flute, Alto recorder,"
    " Sopranblockflöte, Sopran Blockflöte, Tenor horn, Tenor trombone, Tenor guitar, Treble clef,"
    " Mezzo-soprano, Baritone, Melody, Lead vocal, Voice, Piano, Organ, Strings, Choir, B3, T8, SA,"
    " A sax, Track 1, Altar, Tenorio, Sopranino, Basement",
}


@pytest.mark.parametrize(
    ("name", "voice"), [(name, v) for v, names in NAMES.items() for name in names.split(", ")]
)
def test_voices_by_name(name, voice):
    assert voice_of_name(name) == voice
    assert voice_of_name(f" {name} ") == voice


def test_a_part_without_a_name_is_no_voice():
    assert voice_of_name("") is None


@pytest.mark.parametrize(
    ("names", "chosen", "rivals"),
    [
        ("Soprano 1, Soprano", "Soprano", ""),
        ("S., Soprano", "Soprano", ""),
        ("Soprano 2, Sopran, S1", "Sopran", ""),
        ("Descant, Soprano 1", "Soprano 1", ""),
        ("Descant, S", "S", ""),
        ("Descant, Piano", "Descant", ""),
        ("Soprano 1, Soprano 2", "Soprano 1", "Soprano 2"),
        ("Soprano sax, Soprano 2", "Soprano 2", ""),
        ("Cantus, Superius", "Cantus", "Superius"),
    ],
)
def test_the_surest_of_several_names_of_a_voice_is_chosen(names, chosen, rivals):
    names = names.split(", ")
    rank = rank_names(names)[0]
    assert names[rank.chosen] == chosen
    assert [names[i] for i in rank.rivals] == [name for name in rivals.split(", ") if name]


# Files


def parts_file(path, names, pitches):
    """A file of one bar with a whole note on a track for each name."""
    tracks = [
        [meta(0, "track_name", name=name), *tune((0, 1920, pitch), channel=i)]
        for i, (name, pitch) in enumerate(zip(names, pitches, strict=True))
    ]
    return save(path, *tracks)


def first_pitches(chorale):
    """The pitch of each voice's first note; None for a silent voice."""
    return [notes[0].pitch if (notes := chorale.notes(v)) else None for v in range(4)]


PITCHES = [72, 64, 55, 48]
CHOIRS = [
    ("S", "A", "T", "B"),
    ("S.", "A.", "T.", "B."),
    ("Cantus", "Altus", "Tenor", "Bassus"),
    ("Soprano 1", "Contralto", "Ténor", "Basse"),
    ("Tiple", "Alto", "Tenor", "Bajo"),
    ("Sopran", "Alt", "Tenor", "Bass"),
    ("Melody", "Alto", "Tenor", "Bass"),
]


@pytest.mark.parametrize("names", CHOIRS)
@pytest.mark.parametrize("organ", [False, True])
def test_reading_checking_and_harmonizing_take_the_same_voices(tmp_path, untrained, names, organ):
    """With the tracks in any order, without other parts and with parts higher and lower than all
    voices."""
    order = [3, 0, 2, 1]
    tracks = [(names[v], PITCHES[v]) for v in order]
    if organ:
        tracks.insert(1, ("Organ", 84))
        tracks.append(("Bass guitar", 30))
    path = parts_file(tmp_path / "choir.mid", *zip(*tracks, strict=True))
    assert first_pitches(musicae.read(path)) == PITCHES
    assert first_pitches(musicae.check(path).chorale) == PITCHES
    model = str(untrained["minibach"])
    with pytest.raises(ChoraleError, match="all four voices are given"):
        musicae.harmonize(path, model=model)
    for voice, name in enumerate(VOICES):
        with filler():
            (piece,) = musicae.harmonize(path, model=model, voice=name.lower())
        assert piece.chorale.notes(voice)[0].pitch == PITCHES[voice]


@pytest.mark.parametrize(
    ("names", "pitches", "found"),
    [
        (("Bass guitar", "Melody"), (40, 72), [72, None, None, None]),
        (("Bass guitar", "Flute"), (40, 72), [72, None, None, None]),
        (("Bass", "Lead vocal"), (40, 72), [72, None, None, None]),
        (("Lead guitar", "Lead vocal", "Bass", "Keys"), (79, 72, 40, 60), [72, None, None, None]),
        (("Alto", "Bass"), (64, 48), [None, 64, None, 48]),
        (("Descant", "Soprano", "Alto"), (79, 72, 64), [72, 64, None, None]),
        (("Soprano", "Piano"), (72, 84), [72, None, None, None]),
        (("Alto", "Piano"), (64, 84), [None, 64, None, None]),
        (("Melody", "Tenor", "Bass"), (72, 55, 48), [72, None, 55, 48]),
        (("Alto sax", "Melody", "Bass drum"), (64, 72, 36), [72, None, None, None]),
    ],
)
def test_some_voices_and_other_parts(tmp_path, untrained, names, pitches, found):
    path = parts_file(tmp_path / "song.mid", names, pitches)
    assert first_pitches(musicae.read(path)) == found
    with filler():
        (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]))
    given = piece.given.parts.tune
    assert first_pitches(given) == found
    assert (given.pitch != REST).any(axis=0).tolist() == [pitch is not None for pitch in found]


def test_a_quartet_without_names_of_voices_is_read_from_high_to_low(tmp_path):
    for names in (
        ("Violin 1", "Violin 2", "Viola", "Cello"),
        ("Soprano sax", "Alto sax", "Tenor sax", "Baritone sax"),
        ("", "", "", ""),
    ):
        path = parts_file(tmp_path / "four.mid", names, PITCHES[::-1])
        assert first_pitches(musicae.read(path)) == PITCHES


def test_two_tracks_of_one_voice(tmp_path):
    names = ("Soprano 1", "Soprano 2", "Alto", "Tenor", "Bass")
    path = parts_file(tmp_path / "five.mid", names, (72, 69, 64, 55, 48))
    reading = midi_reader.read_counting(path)
    assert first_pitches(reading.chorale) == PITCHES
    assert reading.notices == (
        "several tracks are named soprano; it is read from 1 'Soprano 1', not from 2 'Soprano 2'",
    )
    assert musicae.check(path).notices == reading.notices
    named = (*VOICES, "Bass")
    path = parts_file(tmp_path / "band.mid", named, (*PITCHES, 30))
    reading = midi_reader.read_counting(path)
    assert first_pitches(reading.chorale) == PITCHES
    assert not reading.notices


@pytest.mark.parametrize("names", CHOIRS)
def test_scores_follow_the_same_names(tmp_path, names):
    chorale = midi_reader.read(parts_file(tmp_path / "four.mid", names, PITCHES))
    musicae.write(chorale, tmp_path / "four.musicxml")
    text = (tmp_path / "four.musicxml").read_text(encoding="utf-8")
    for ours, name in zip(VOICES, names, strict=True):
        text = text.replace(f"<part-name>{ours}</part-name>", f"<part-name>{name}</part-name>")
    (tmp_path / "four.musicxml").write_text(text, encoding="utf-8")
    again = musicxml_reader.read(tmp_path / "four.musicxml")
    assert np.array_equal(again.pitch, chorale.pitch)
