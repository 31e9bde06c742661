"""A melody in MusicXML comes back element for element, and the new voices follow it."""

from xml.etree import ElementTree as ET

import mido
import pytest

import musicae
from musicae.core.errors import ChoraleError
from tests.support.filling import filler
from tests.support.scores import bar, note, score


@pytest.fixture
def harmonized(tmp_path, untrained):
    """Harmonize the text of a score; returns the tree that is written and the piece."""

    def run(text, analysis=False, keep_tracks=False, **wishes):
        path = tmp_path / "melody.musicxml"
        path.write_text(text, encoding="utf-8")
        with filler():
            (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]), **wishes)
        out = tmp_path / "out.musicxml"
        piece.write(out, analysis=analysis, keep_tracks=keep_tracks)
        return ET.parse(out).getroot(), piece

    return run


def plain(element):
    """An element as text, without the spaces between elements."""
    return ET.canonicalize(ET.tostring(element, encoding="unicode"), strip_text=True)


def same(text, root, index=0, id_="P0"):
    """Whether a part has come back exactly."""
    given = ET.fromstring(text).findall("part")[index]
    return plain(given) == plain(root.find(f"part[@id='{id_}']"))


TUPLET = (
    "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes>"
    "</time-modification>"
)
EVERYTHING = score(
    header="<work><work-title>Air</work-title></work><identification><creator type='composer'>N. N."
    "</creator><rights>1999 N. N.</rights></identification>",
    Flute=[
        bar(
            "<direction><direction-type><rehearsal>A</rehearsal></direction-type></direction>",
            "<direction><direction-type><words>dolce</words></direction-type>"
            "<sound tempo='90'/></direction>",
            "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>",
            note("B4", 0, before="<grace slash='yes'/>"),
            *(note(n, 8, TUPLET) for n in ("C5", "D5", "E5")),
            *(note(n, 3) for n in ("C5", "D5", "E5", "F5")),
            note("C5", 12),
            note("Db5", 24, "<lyric><syllabic>single</syllabic><text>Ah</text></lyric>"),
            note("C5", 24, '<tie type="start"/>'),
            key=0,
        )
        + "<barline location='right'><bar-style>light-heavy</bar-style>"
        "<repeat direction='backward'/></barline>",
        bar(
            note("C5", 48, '<tie type="stop"/><notations><fermata/></notations>'),
            note("R", 24, "<notations><fermata/></notations>"),
            note("F5", 24),
            key=-4,
        )
        + "<barline location='right'><ending number='1' type='stop'/></barline>",
    ],
)


def test_a_melody_comes_back_element_for_element(harmonized):
    root, _ = harmonized(EVERYTHING)
    assert same(EVERYTHING, root)
    assert [e.text for e in root.findall("part-list/score-part/part-name")] == [
        *("Flute", "Alto", "Tenor", "Bass")
    ]
    assert root.findtext("work/work-title") == "Air"
    assert root.findtext("identification/creator") == "N. N."
    assert root.findtext("identification/rights") == "1999 N. N."


def test_new_voices_follow_bars_keys_repeats_and_endings(harmonized):
    root, _ = harmonized(EVERYTHING)
    for part in root.findall("part")[1:]:
        assert [m.get("number") for m in part.findall("measure")] == ["1", "2"]
        assert [k.text for k in part.findall("measure/attributes/key/fifths")] == ["0", "-4"]
        assert part.find("measure[1]/barline/repeat").get("direction") == "backward"
        assert part.find("measure[2]/barline/ending").get("type") == "stop"
        for measure in part.findall("measure"):
            durations = sum(int(d.text) for d in measure.findall("note/duration"))
            assert durations == 4 * int(part.findtext("measure/attributes/divisions"))


def test_notices_name_notes_that_the_model_did_not_read(harmonized):
    _, piece = harmonized(EVERYTHING)
    assert any("4 of 11 notes begin off the sixteenth grid" in n for n in piece.notices)
    assert any("1 grace note stays as it is" in n for n in piece.notices)


def test_a_written_score_is_read_as_four_voices(harmonized, tmp_path):
    _, piece = harmonized(EVERYTHING)
    again = musicae.read(tmp_path / "out.musicxml")
    assert [again.notes(v) for v in (1, 2, 3)] == [piece.chorale.notes(v) for v in (1, 2, 3)]
    assert again.notes(0)


def test_new_voices_spell_as_the_melody_does(harmonized):
    text = score(Flute=[bar(note("C5", 24), note("Db5", 48), note("C5", 24), key=2)])
    root, _ = harmonized(text, seed=1)
    spelled = {
        (p.findtext("step"), p.findtext("alter"))
        for part in root.findall("part")
        for p in part.findall("measure/note/pitch")
    }
    assert ("D", "-1") in spelled
    assert ("C", "1") not in {
        (p.findtext("step"), p.findtext("alter")) for p in root.find("part").iter("pitch")
    }


def test_midi_of_a_score_carries_exact_times_words_marks_tempi_and_keys(harmonized, tmp_path):
    _, piece = harmonized(EVERYTHING)
    piece.write(tmp_path / "out.mid")
    file = mido.MidiFile(tmp_path / "out.mid")
    events = {}
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            events.setdefault(track.name, []).append((tick * 24 / file.ticks_per_beat, message))
    begins = [at for at, m in events["Soprano"] if m.type == "note_on"]
    assert begins == [0, 8, 16, 24, 27, 30, 33, 36, 48, 72, 168]
    assert [(at, m.text) for at, m in events["Soprano"] if m.type == "lyrics"] == [(48, "Ah")]
    conductor = events[file.tracks[0].name]
    assert [(at, m.text) for at, m in conductor if m.type == "marker"] == [(0, "A")]
    assert [(at, m.key) for at, m in conductor if m.type == "key_signature"] == [
        (0, "C"),
        (96, "Ab"),
    ]
    assert [round(60e6 / m.tempo) for _, m in conductor if m.type == "set_tempo"] == [90]
    assert [m.text for _, m in conductor if m.type == "copyright"] == ["1999 N. N."]


def test_a_transposing_part_stays_written_and_new_voices_sound(harmonized):
    down = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    text = score(Clarinet=[bar(note("D5", 48), note("E5", 48), key=2, extra=down)])
    root, piece = harmonized(text)
    assert same(text, root)
    assert [n.pitch for n in piece.chorale.notes(0)] == [72, 74]
    assert root.findall("part")[3].findtext("measure/attributes/key/fifths") == "0"


def test_the_lower_notes_of_chords_are_left_out_with_their_words_kept(harmonized):
    chord = note("C5", 48, "<lyric><text>Lord</text></lyric>") + note("E5", 48, before="<chord/>")
    text = score(Flute=[bar(chord, note("D5", 48))])
    root, piece = harmonized(text)
    notes = root.find("part").findall("measure/note")
    assert [n.findtext("pitch/step") for n in notes] == ["E", "D"]
    assert notes[0].find("chord") is None
    assert notes[0].findtext("lyric/text") == "Lord"
    assert any("has chords" in notice for notice in piece.notices)


def test_the_upper_staff_of_a_piano_is_the_melody(harmonized):
    right = note("C5", 96, "<voice>1</voice><staff>1</staff>")
    left = note("C3", 96, "<voice>5</voice><staff>2</staff>")
    back = "<backup><duration>96</duration></backup>"
    text = score(Piano=[bar(right, back, left, extra="<staves>2</staves>")])
    root, piece = harmonized(text)
    assert [n.pitch for n in piece.chorale.notes(0)] == [72]
    part = root.find("part")
    assert [n.findtext("pitch/octave") for n in part.findall("measure/note")] == ["5"]
    assert part.find(".//staves") is None
    assert part.find(".//staff") is None


def test_track_names_the_melody_among_several_parts(harmonized):
    text = score(
        Flute=[bar(note("G5", 96))], Oboe=[bar(note("C5", 96))], Drone=[bar(note("C3", 96))]
    )
    root, piece = harmonized(text, track="oboe")
    assert same(text, root, 1, "P1")
    assert [n.pitch for n in piece.chorale.notes(0)] == [72]
    root, piece = harmonized(text)
    assert any(
        "the melody is taken from part 1 'Flute'; others: 2 'Oboe'" in n for n in piece.notices
    )
    with pytest.raises(
        ChoraleError,
        match="no part has the number or name 'Horn'; the parts with notes are 1 'Flute'",
    ):
        harmonized(text, track="Horn")


def test_other_parts_are_kept_on_request(harmonized, tmp_path):
    text = score(Flute=[bar(note("G5", 96))], Piano=[bar(note("C3", 96))])
    root, piece = harmonized(text, keep_tracks=True)
    piece.write(tmp_path / "out.mid", keep_tracks=True)
    names = [track.name for track in mido.MidiFile(tmp_path / "out.mid").tracks]
    assert names[-5:] == ["Soprano", "Alto", "Tenor", "Bass", "Piano"]
    assert same(text, root, 1, "P1")
    assert len(root.findall("part")) == 5


def test_the_melody_s_own_file_is_not_overwritten(harmonized, tmp_path):
    _, piece = harmonized(EVERYTHING)
    with pytest.raises(ChoraleError, match="is the melody itself"):
        piece.write(tmp_path / "melody.musicxml")


@pytest.mark.parametrize("name", ["Bass", "Tenor"])
def test_a_single_part_named_after_a_voice_is_that_voice_in_every_format(harmonized, name):
    text = score(**{name: [bar(note("G3", 96))]})
    root, piece = harmonized(text)
    voice = ["Soprano", "Alto", "Tenor", "Bass"].index(name)
    assert [n.pitch for n in piece.chorale.notes(voice)] == [55]
    names = [e.text for e in root.findall("part-list/score-part/part-name")]
    assert names == ["Soprano", "Alto", "Tenor", "Bass"]
    assert same(text, root)


def test_rewritten_bars_are_laid_out_in_the_file_s_own_parts(harmonized):
    bars = [
        bar(note("C5", 48), note("D5", 48)),
        bar(note("E5", 48), note("F5", 48)),
        bar(note("G5", 96)),
    ]
    low = [b.replace("<octave>5", "<octave>3") for b in bars]
    mid = [b.replace("<octave>5", "<octave>4") for b in bars]
    text = score(Soprano=bars, Alto=mid, Tenor=mid, Bass=low)
    root, _ = harmonized(text, bars="2")
    given = ET.fromstring(text)
    assert same(text, root)
    for index in (1, 2, 3):
        was, now = given.findall("part")[index], root.findall("part")[index]
        for number in (1, 3):
            bar_was, bar_now = (part.find(f"measure[@number='{number}']") for part in (was, now))
            notes = [
                [(n.findtext("pitch/step"), n.findtext("pitch/octave")) for n in b.findall("note")]
                for b in (bar_was, bar_now)
            ]
            assert notes[0] == notes[1]


def test_read_gives_what_was_recomposed(harmonized, tmp_path):
    bars = [
        bar(note("C5", 48), note("D5", 48)),
        bar(note("E5", 48), note("F5", 48)),
        bar(note("G5", 96)),
    ]
    low = [b.replace("<octave>5", "<octave>3") for b in bars]
    mid = [b.replace("<octave>5", "<octave>4") for b in bars]
    _, piece = harmonized(score(Soprano=bars, Alto=mid, Tenor=mid, Bass=low), bars="2", lock="bass")
    again = musicae.read(tmp_path / "out.musicxml")
    assert [again.notes(v) for v in range(4)] == [piece.chorale.notes(v) for v in range(4)]


def test_labels_stand_beside_the_file_s_own_and_go_when_it_is_harmonized_again(
    harmonized,
):
    text = score(Flute=[bar(note("C5", 24), note("D5", 24), note("E5", 48))])
    root, _ = harmonized(text, analysis=True, seed=2)
    assert root.find("part").find("measure/harmony") is not None
    root, _ = harmonized(ET.tostring(root, encoding="unicode"), track="1")
    assert root.find(".//harmony") is None


def test_a_note_of_many_sharps_stays_and_spells_no_other(harmonized):
    text = score(Flute=[bar(note("C5", 48), note("D#5", 48))]).replace("<alter>1<", "<alter>7<")
    root, _ = harmonized(text)
    assert same(text, root)
    written = [a.text for part in root.findall("part")[1:] for a in part.iter("alter")]
    assert {abs(int(alter)) for alter in written} <= {0, 1, 2}


def test_grace_notes_and_rests_on_a_staff_without_other_notes_stay(harmonized):
    upper = "<voice>1</voice><staff>1</staff>"
    lower = "<voice>1</voice><staff>2</staff>"
    text = score(
        Flute=[
            bar(
                note("E5", 48, upper),
                note("G5", 0, lower, before="<grace/>"),
                note("E5", 48, upper),
                "<backup><duration>96</duration></backup>",
                note("R", 96, "<voice>2</voice><staff>2</staff>"),
                extra="<staves>2</staves>",
            )
        ]
    )
    root, _ = harmonized(text)
    assert same(text, root)
