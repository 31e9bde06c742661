"""A singer's part: the own voice in full size, another voice small, as cues."""

from xml.etree import ElementTree as ET

from musicae.io import midi_writer, musicxml_writer
from musicae.io.choir import read_choir
from musicae.rendering import engraving
from musicae.rendering.choir_score import choir_score
from musicae.rendering.singer_part import singer_part
from tests.support.choirs import HYMN, lyric, read, written
from tests.support.scores import bar, note, score


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
    midi_writer.write(HYMN, tmp_path / "hymn.mid")
    made = choir_score(read_choir(tmp_path / "hymn.mid"))
    (page,) = engraving.engrave_staves(musicxml_writer.to_bytes(singer_part(made, 2)))
    assert page.count('class="staff"') == 2
    lines = [p.get("stroke-width") for p in ET.fromstring(page).iter() if p.get("stroke-width")]
    assert len(set(lines)) > 1, "staves of two sizes"
