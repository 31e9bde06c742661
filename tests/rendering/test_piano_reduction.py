"""The rehearsal piano: all notes of the voices, on two staves that two hands can play."""

import pytest
from hypothesis import assume, given, settings

from musicae.core.chorale import Chorale
from musicae.io import midi_writer, musicxml_writer
from musicae.io.choir import read_choir
from musicae.io.midi_file import Arrangement
from musicae.io.midi_notes import notes_of
from musicae.rendering import engraving
from musicae.rendering.choir_score import choir_score, open_score
from musicae.rendering.piano_reduction import add_piano, piano_part, piano_score, with_piano
from tests.support.choirs import HYMN, read, sounding
from tests.support.midifiles import meta, save, tune
from tests.support.scores import bar, note, score
from tests.support.strategies import chorales

Q = 480


@given(chorales())
@settings(max_examples=15)
def test_the_piano_plays_every_note_of_the_voices(chorale):
    tree = musicxml_writer.to_tree(chorale)
    assert sounding(piano_score(tree)) == sounding(tree)


def test_voices_share_two_staves_with_stems_up_and_down():
    part = piano_part(musicxml_writer.to_tree(HYMN))
    found = {
        tuple(n.findtext(tag) for tag in ("voice", "staff", "stem")) for n in part.iter("note")
    }
    assert found == {("1", "1", "up"), ("2", "1", "down"), ("5", "2", "up"), ("6", "2", "down")}


def test_the_right_hand_takes_notes_that_the_left_cannot_reach():
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
@settings(max_examples=15)
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
