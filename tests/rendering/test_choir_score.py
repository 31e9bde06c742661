"""A choir's score, its singers' parts and the piano reduction: the right notes, marks and words."""

from fractions import Fraction
from xml.etree import ElementTree as ET

import pytest
from hypothesis import Phase, assume, given, settings

from musicae.core.chorale import Chorale
from musicae.io import midi_writer, musicxml_writer
from musicae.io.choir import read_choir
from musicae.io.midi_file import Arrangement
from musicae.io.midi_notes import notes_of
from musicae.io.musicxml_parts import read_score
from musicae.rendering import engraving
from musicae.rendering.choir_score import choir_score, open_score
from musicae.rendering.piano_reduction import add_piano, piano_part, piano_score, with_piano
from musicae.rendering.singer_part import singer_part
from tests.support.midifiles import meta, save, tune
from tests.support.scores import bar, note, score
from tests.support.strategies import chorales

Q = 480
NO_SHRINK = (Phase.explicit, Phase.generate)
"""Each example is exported by music21, which is slow."""
CHORDS = [(67, 62, 59, 43), (65, 60, 57, 53), (69, 66, 62, 50), (67, 59, 55, 43)]
"""G minor-ish: four quarters of S A T B."""
HYMN = Chorale.from_notes([[(4 * i, 4, c[v]) for i, c in enumerate(CHORDS)] for v in range(4)])


def lyric(text, syllabic="single"):
    return f"<lyric><syllabic>{syllabic}</syllabic><text>{text}</text></lyric>"


def voice(number, *notes):
    return [note(n, 24, f"<voice>{number}</voice>") for n in notes]


def read(tmp_path, text):
    path = tmp_path / "hymn.musicxml"
    path.write_text(text)
    return choir_score(read_choir(path))


def written(part):
    """The steps, octaves and accidentals of a part, as scores show them."""
    return [
        (
            n.findtext("pitch/step") + {"1": "#", "-1": "b"}.get(n.findtext("pitch/alter"), ""),
            n.findtext("accidental"),
        )
        for n in part.iter("note")
        if n.find("pitch") is not None
    ]


def sounding(root):
    """The note heads of all parts: begin and length in quarters, pitch, and ties to the left."""
    found = read_score(None, root)
    return sorted(
        (
            Fraction(begin + item.begin, found.quarter),
            Fraction(item.duration, found.quarter),
            ("C D EF G A B".index(item.element.findtext("pitch/step")))
            + int(item.element.findtext("pitch/alter", "0"))
            + 12 * int(item.element.findtext("pitch/octave"))
            + 12,
            item.element.find("tie[@type='stop']") is not None,
        )
        for part in found.parts
        for begin, measure in zip(found.begins, part.measures, strict=False)
        for item in measure
        if item.element.find("pitch") is not None
    )


def test_a_voice_keeps_its_words_its_dynamics_and_its_tuplets(tmp_path):
    triplet = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes>"
    triplet += "</time-modification>"
    forte = "<direction><direction-type><dynamics><f/></dynamics></direction-type></direction>"
    sung = note("G4", 8, triplet + lyric("A", "begin")) + note("A4", 8, triplet) * 2
    sung += note("B4", 72, lyric("men", "end"))
    made = open_score(
        read(tmp_path, score(Soprano=[bar(forte, sung)], Alto=[bar(note("D4", 96, lyric("Oh")))]))
    )
    soprano, alto = made.findall("part")
    assert [e.text for e in soprano.iter("text")] == ["A", "men"]
    assert [e.text for e in alto.iter("text")] == ["Oh"]
    assert soprano.find("measure/direction/direction-type/dynamics/f") is not None
    assert alto.find("measure/direction") is None
    third = int(soprano.findtext("measure/attributes/divisions")) // 3
    assert [int(n.findtext("duration")) for n in soprano.iter("note")] == [third] * 3 + [9 * third]


def test_voices_of_one_staff_are_taken_apart_with_their_own_accidentals(tmp_path):
    back = "<backup><duration>96</duration></backup>"
    clef = "<clef><sign>F</sign><line>4</line></clef>"
    upper = bar(*voice(1, "C5", "B4", "C5", "F#5"), back, *voice(2, "F#4", "G4", "F#4", "F#4"))
    lower = bar(
        *voice(1, "E4", "D4", "E4", "G3"), back, *voice(2, "C3", "G3", "C3", "C3"), extra=clef
    )
    made = open_score(read(tmp_path, score(Upper=[upper], Lower=[lower])))
    soprano, alto, tenor, bass = made.findall("part")
    assert written(soprano) == [("C", None), ("B", None), ("C", None), ("F#", "sharp")]
    assert written(alto) == [("F#", "sharp"), ("G", None), ("F#", None), ("F#", None)]
    assert tenor.findtext("measure/attributes/clef/clef-octave-change") == "-1"
    assert bass.findtext("measure/attributes/clef/sign") == "F"
    assert [e.text for e in made.iter("part-name")] == ["Soprano", "Alto", "Tenor", "Bass"]


def test_a_divided_part_is_two_staves_with_the_same_words(tmp_path):
    chord = note("E4", 48, lyric("A", "begin")) + note("C4", 48, before="<chord/>")
    tenor = bar(chord, note("D4", 48, lyric("men", "end")))
    made = open_score(read(tmp_path, score(Alto=[bar(note("G4", 96))], Tenor=[tenor])))
    _, first, second = made.findall("part")
    assert [n for n, _ in written(first)] == ["E", "D"]
    assert [n for n, _ in written(second)] == ["C", "D"]
    for part in (first, second):
        assert [e.text for e in part.iter("text")] == ["A", "men"]
        assert part.find(".//chord") is None


def test_midi_is_written_on_the_grid_with_its_words(tmp_path):
    words = [meta(tick, "lyrics", text=text) for tick, text in ((0, "A-"), (2 * Q, "men"))]
    soprano = [meta(0, "track_name", name="Soprano"), *words]
    soprano += tune((10, Q, 67), (Q, 2 * Q, 67), (2 * Q, 8 * Q, 72))
    tracks = [soprano]
    for number, name in enumerate(("Alto", "Tenor", "Baritone", "Bass"), start=1):
        low = tune((0, 8 * Q, 67 - 4 * number), channel=number)
        tracks.append([meta(0, "track_name", name=name), *low])
    made = open_score(choir_score(read_choir(save(tmp_path / "hymn.mid", *tracks))))
    assert len(made.findall("part")) == 5
    soprano = made.find("part")
    assert [(e.findtext("syllabic"), e.findtext("text")) for e in soprano.iter("lyric")] == [
        ("begin", "A"),
        ("end", "men"),
    ]
    heads = sorted((begin, p) for begin, _, p, tied in sounding(made) if not tied)
    assert heads == [*((0, p) for p in (51, 55, 59, 63, 67)), (1, 67), (2, 72)]


def test_a_part_has_the_melody_as_cues_and_another_voice_where_that_is_silent(tmp_path):
    bass_clef = "<clef><sign>F</sign><line>4</line></clef>"
    treble = "<clef><sign>G</sign><line>2</line></clef>"
    made = read(
        tmp_path,
        score(
            Soprano=[bar(note("C5", 96, lyric("Oh")), extra=treble), note("R", 96)],
            Alto=[bar(note("E4", 96), extra=treble), note("F4", 96)],
            Bass=[bar(note("C3", 96), extra=bass_clef), note("D3", 96)],
        ),
    )
    alto = singer_part(made, 1)
    assert [e.text for e in alto.iter("part-name")] == ["Soprano", "Alto"]
    cues, own = alto.findall("part")
    assert cues.findtext("measure/attributes/staff-details/staff-size") == "65"
    assert own.find(".//staff-size") is None
    assert [name for name, _ in written(cues)] == ["C", "D"]
    assert cues.findtext("measure[2]/direction/direction-type/words") == "Bass"
    assert cues.findtext("measure[2]/attributes/clef/sign") == "F"
    assert [e.text for e in cues.iter("text")] == ["Oh"], "the alto has no words of its own"
    soprano = singer_part(made, 0)
    assert [e.text for e in soprano.iter("part-name")] == ["Soprano", "Alto"]
    assert soprano.findall("part")[1].find(".//staff-size") is not None


def test_a_part_is_engraved_with_a_small_staff(tmp_path):
    made = choir_score(read_choir(save_hymn(tmp_path)))
    (page,) = engraving.engrave_staves(musicxml_writer.to_bytes(singer_part(made, 2)))
    assert page.count('class="staff"') == 2
    lines = [p.get("stroke-width") for p in ET.fromstring(page).iter() if p.get("stroke-width")]
    assert len(set(lines)) > 1, "staves of two sizes"


def save_hymn(tmp_path):
    path = tmp_path / "hymn.mid"
    midi_writer.write(HYMN, path)
    return path


# The piano ---------------------------------------------------------------------------------------


@given(chorales())
@settings(max_examples=15, phases=NO_SHRINK)
def test_the_piano_plays_every_note_of_the_voices(chorale):
    tree = musicxml_writer.to_tree(chorale)
    assert sounding(piano_score(tree)) == sounding(tree)


def test_voices_share_two_staves_with_stems_up_and_down():
    part = piano_part(musicxml_writer.to_tree(HYMN))
    found = {
        tuple(n.findtext(tag) for tag in ("voice", "staff", "stem")) for n in part.iter("note")
    }
    assert found == {("1", "1", "up"), ("2", "1", "down"), ("5", "2", "up"), ("6", "2", "down")}


def test_what_the_left_hand_cannot_reach_is_the_right_hands():
    wide = Chorale.from_notes([[(0, 4, 67)], [(0, 4, 64)], [(0, 4, 60)], [(0, 4, 40)]])
    far = Chorale.from_notes([[(0, 4, 79)], [(0, 4, 72)], [(0, 4, 60)], [(0, 4, 40)]])
    near = Chorale.from_notes([[(0, 4, 67)], [(0, 4, 64)], [(0, 4, 56)], [(0, 4, 40)]])
    for chorale, staff in ((wide, "1"), (far, "2"), (near, "2")):
        part = piano_part(musicxml_writer.to_tree(chorale))
        (tenor,) = [n for n in part.iter("note") if n.findtext("voice") == "5"]
        assert tenor.findtext("staff") == staff


def test_divided_voices_share_a_stem_where_they_move_together(tmp_path):
    chord = note("E4", 48) + note("C4", 48, before="<chord/>") + note("D4", 48)
    root = open_score(
        read(
            tmp_path,
            score(Soprano=[bar(note("C5", 96))], Alto=[bar(note("G4", 96))], Tenor=[bar(chord)]),
        )
    )
    part = piano_part(root)
    left = [n for n in part.iter("note") if n.findtext("staff") == "2"]
    assert [n.findtext("pitch/step") for n in left] == ["E", "D", "C", "D"]
    assert sounding(piano_score(root)) == sounding(root)


def test_a_staff_of_three_voices_draws_no_rests_over_their_notes(tmp_path):
    low = note("C4", 48) + note("R", 48)
    root = open_score(
        read(
            tmp_path,
            score(
                Soprano_1=[bar(note("C5", 96)), note("C5", 96)],
                Soprano_2=[bar(note("R", 96)), note("E5", 96)],
                Alto_1=[bar(note("R", 24), note("G4", 72)), note("G4", 96)],
                Alto_2=[bar(note("E4", 96)), note("E4", 96)],
                Bass=[bar(low), note("C3", 96)],
            ),
        )
    )
    part = piano_part(root)
    assert [n.findtext("staff") for n in part.iter("note") if n.find("rest") is not None] == ["2"]
    assert sounding(piano_score(root)) == sounding(root)


def test_the_piano_stands_below_the_voices_without_their_tempo():
    chorale = Chorale.from_notes([[(0, 16, 67)], [(0, 16, 64)], [], [(0, 16, 48)]])
    tree = musicxml_writer.to_tree(HYMN)
    add_piano(tree, tree)
    assert [p.findtext("part-name") for p in tree.iter("score-part")][-1] == "Piano"
    assert tree.findall("part")[-1].find(".//metronome") is None
    assert piano_part(musicxml_writer.to_tree(chorale)).findtext(".//staves") == "2"


@given(chorales())
@settings(max_examples=15, phases=NO_SHRINK)
def test_the_piano_track_sounds_what_the_voices_sing(chorale):
    made = with_piano(midi_writer.arrange(chorale))
    assume(len(made.tracks) == 6)
    notes = notes_of(sorted(made.tracks[-1], key=lambda e: e.tick), frozenset({4}))
    for step in range(len(chorale)):
        tick = step * 120
        heard = {n.pitch for n in notes if n.start <= tick < n.end}
        assert heard == {int(p) for p in chorale.pitch[step] if p >= 0}
        begun = {n.pitch for n in notes if n.start == tick}
        assert begun == {int(p) for p in chorale.pitch[step][chorale.onset[step]]}


def test_a_piano_track_has_a_channel_of_its_own():
    made = midi_writer.arrange(HYMN)
    band = [e._replace(message=e.message.copy(channel=4)) for e in made.tracks[1][-2:]]
    full = Arrangement([*made.tracks, band], made.ppq, made.end)
    channels = {
        e.message.channel for e in with_piano(full).tracks[-1] if hasattr(e.message, "channel")
    }
    assert channels == {5}


def test_the_piano_is_engraved_on_one_brace():
    xml = musicxml_writer.to_bytes(piano_score(musicxml_writer.to_tree(HYMN)))
    (page,) = engraving.engrave_staves(xml)
    assert page.count('class="staff"') == 2
    assert page.count('class="grpSym"') == 1


@pytest.mark.parametrize("names", [("Tenor 1", "Tenor 2", "Bass 1", "Bass 2"), ("S", "A", "B")])
def test_other_choirs_have_two_hands_too(tmp_path, names):
    tracks = []
    for number, name in enumerate(names):
        low = tune((0, 4 * Q, 67 - 5 * number), channel=number)
        tracks.append([meta(0, "track_name", name=name), *low])
    root = open_score(choir_score(read_choir(save(tmp_path / "hymn.mid", *tracks))))
    part = piano_part(root)
    staves = [n.findtext("staff") for n in part.iter("note")]
    assert staves == ["1", "1", *["2"] * (len(names) - 2)]
