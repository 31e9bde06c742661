"""MusicXML: exact round trips, what the file shows, what is read, and what is refused."""

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import MOST_BARS, MOST_BYTES, MOST_ELEMENTS, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter, Tempo
from musicae.io import musicxml_reader, musicxml_writer
from musicae.theory.harmonic_analysis import Label
from musicae.theory.harmonic_analysis import texts as texts_of
from tests.support.scores import bar, note, score
from tests.support.strategies import chorales, differences

# The end of "Ach bleib bei uns", with a pickup, a note tied over the bar line, and eighths.
PHRASE = Chorale.from_notes(
    [
        [(0, 4, 70), (4, 4, 68), (8, 4, 67), (12, 4, 65), (16, 8, 65), (24, 12, 63)],
        [(0, 4, 63), (4, 4, 63), (8, 4, 63), (12, 2, 63), (14, 2, 62), (16, 8, 62), (24, 12, 58)],
        [(0, 4, 58), (4, 4, 60), (8, 4, 58), (12, 4, 60), (16, 8, 58), (24, 12, 55)],
        [(0, 4, 55), (4, 4, 56), (8, 4, 51), (12, 4, 56), (16, 8, 58), (24, 12, 51)],
    ],
    pickup=4,
    key=Key.parse("Eb major"),
    fermatas=(24,),
    tempos=(Tempo(0, 72.35),),
    title="Ach bleib bei uns",
    source="BWV 253",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("scores")


def written(chorale, folder, name="score.musicxml", **settings):
    musicxml_writer.write(chorale, folder / name, **settings)
    return ET.parse(folder / name).getroot()


def texts(element, path):
    return [found.text for found in element.findall(path)]


@settings(max_examples=25, deadline=None)
@given(chorale=chorales(max_steps=40))
def test_musicxml_gives_back_the_chorale(chorale, folder):
    musicxml_writer.write(chorale, folder / "there.musicxml")
    assert not differences(chorale, musicxml_reader.read(folder / "there.musicxml"))


@pytest.mark.parametrize("name", ["score.mxl", "score.MXL", "score.xml"])
def test_musicxml_gives_back_the_chorale_under_every_suffix(folder, name):
    musicxml_writer.write(PHRASE, folder / name)
    assert not differences(PHRASE, musicxml_reader.read(folder / name))


def test_changes_of_meter_and_bars_cut_short_come_back(folder):
    notes = [(4 * i, 4, 60 + i % 5) for i in range(20)]
    meters = (Meter(0, 4, 4), Meter(28, 4, 4), Meter(44, 3, 4), Meter(68, 6, 8))
    chorale = Chorale.from_notes([notes], meters=meters)
    root = written(chorale, folder)
    assert texts(root.find("part"), "measure/attributes/time/beats") == ["4", "3", "6"]
    assert musicxml_reader.read(folder / "score.musicxml").meters == meters


def test_four_voices_in_their_clefs(folder):
    root = written(PHRASE, folder)
    assert texts(root, "part-list/score-part/part-name") == list(VOICES)
    assert texts(root, "part/measure/attributes/clef/sign") == ["G", "G", "G", "F"]
    octaves = [clef.findtext("clef-octave-change") for clef in root.iter("clef")]
    assert octaves == [None, None, "-1", None]


def test_the_pickup_is_bar_0(folder):
    bars = written(PHRASE, folder).find("part").findall("measure")
    assert [(bar.get("number"), bar.get("implicit")) for bar in bars] == [
        ("0", "yes"),
        ("1", "no"),
        ("2", "no"),
    ]
    assert [len(bar.findall("note")) for bar in bars] == [1, 4, 2]


def test_notes_are_spelled_in_the_key(folder):
    first = written(PHRASE, folder).find("part")
    assert texts(first, "measure/note/pitch/step") == ["B", "A", "G", "F", "F", "F", "E"]
    assert texts(first, "measure/note/pitch/alter") == ["-1", "-1", "-1"]
    assert texts(first, "measure/note/accidental") == []  # the key signature has them all
    assert texts(first, "measure/attributes/key/fifths") == ["-3"]


def test_accidentals_are_drawn_once_a_bar(folder):
    leading = [(0, 4, 68), (4, 4, 69), (8, 4, 68), (12, 4, 69)]
    root = written(Chorale.from_notes([leading], key=Key(0, "minor")), folder)
    assert texts(root.find("part"), "measure/note/accidental") == ["sharp"]


@pytest.mark.parametrize(
    ("notes", "drawn"),
    [
        ([(0, 16, 68), (16, 8, 67), (24, 8, 67)], ["sharp", "natural", None]),  # the next bar
        ([(0, 16, 68), (16, 16, 69), (32, 16, 67)], ["sharp", None, None]),  # one bar later
        ([(0, 8, 68), (8, 8, 79)], ["sharp", "natural"]),  # another octave
        ([(0, 4, 69), (4, 24, 68), (28, 4, 68)], [None, "sharp", None, "sharp"]),  # after a tie
    ],
)
def test_accidentals_remind_and_hold_to_the_end_of_the_bar(folder, notes, drawn):
    first = written(Chorale.from_notes([notes], key=Key(0, "minor")), folder).find("part")
    assert [n.findtext("accidental") for n in first.findall("measure/note")] == drawn


def test_ties_and_beams_are_written(folder):
    syncopated = Chorale.from_notes([[(0, 2, 60), (2, 2, 62), (4, 8, 64), (12, 12, 65)]])
    notes = written(syncopated, folder).find("part").findall("measure/note")
    assert [note.findtext("type") for note in notes] == [
        *("eighth", "eighth", "half", "quarter", "half")
    ]
    assert [note.findtext("beam") for note in notes[:3]] == ["begin", "end", None]
    assert [[tie.get("type") for tie in note.findall("tie")] for note in notes[3:]] == [
        ["start"],
        ["stop"],
    ]


def test_fermatas_stand_upright_over_every_voice(folder):
    root = written(PHRASE, folder)
    for part in root.findall("part"):
        (fermata,) = part.findall("measure/note/notations/fermata")
        assert fermata.get("type") == "upright"


@pytest.mark.parametrize(
    ("meter", "qpm", "dotted", "beats"),
    [
        (Meter(0, 6, 8), 99.0, True, 66),
        (Meter(0, 6, 8), 100.0, False, 100),
        (Meter(0, 3, 4), 99.0, False, 99),
    ],
)
def test_a_tempo_counts_the_beats_of_the_meter(folder, meter, qpm, dotted, beats):
    chorale = Chorale.from_notes([[(0, 12, 60)]], meters=(meter,), tempos=(Tempo(0, qpm),))
    metronome = written(chorale, folder).find(".//metronome")
    assert (metronome.find("beat-unit-dot") is not None) == dotted
    assert float(metronome.findtext("per-minute")) == beats
    assert musicxml_reader.read(folder / "score.musicxml").tempos == chorale.tempos


def test_a_tempo_within_a_note_stands_at_its_step(folder):
    chorale = Chorale.from_notes([[(0, 16, 60)]], tempos=(Tempo(0, 80), Tempo(6, 60)))
    bar = written(chorale, folder).find("part/measure")
    assert [element.tag for element in bar][-4:] == ["note", "backup", "direction", "barline"]
    assert bar.find("direction[2]/offset") is None
    assert musicxml_reader.read(folder / "score.musicxml").tempos == chorale.tempos


def test_a_silent_voice_has_whole_bar_rests(folder):
    root = written(Chorale.from_notes([[(0, 24, 60)]], meters=(Meter(0, 3, 4),)), folder)
    rests = root.findall("part")[3].findall("measure/note/rest")
    assert [rest.get("measure") for rest in rests] == ["yes", "yes"]


def test_the_header_has_title_source_program_and_tempo(folder):
    root = written(PHRASE, folder, program=19, provenance={"seed": 7})
    assert root.findtext("work/work-title") == "Ach bleib bei uns"
    assert root.findtext("identification/source") == "BWV 253"
    assert root.findtext("identification/miscellaneous/miscellaneous-field") == '{"seed": 7}'
    assert root.findtext("identification/creator") is None
    assert set(texts(root, "part-list/score-part/midi-instrument/midi-program")) == {"20"}
    assert root.findtext("part/measure/direction/direction-type/metronome/per-minute") == "72.35"
    assert root.find("part/measure[last()]/barline").findtext("bar-style") == "light-heavy"


def test_unknown_facts_are_not_written(folder):
    root = written(Chorale.from_notes([[(0, 16, 60)]]), folder)
    for absent in ("work", "movement-title", "identification/source", ".//key", ".//sound"):
        assert root.find(absent) is None


@pytest.mark.parametrize("name", ["a.musicxml", "a.mxl"])
def test_equal_music_is_equal_bytes(folder, name):
    musicxml_writer.write(PHRASE, folder / name)
    once = (folder / name).read_bytes()
    musicxml_writer.write(PHRASE, folder / name)
    assert (folder / name).read_bytes() == once


def test_an_mxl_archive_is_as_the_standard_has_it(folder):
    musicxml_writer.write(PHRASE, folder / "score.mxl")
    with zipfile.ZipFile(folder / "score.mxl") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["mimetype", "META-INF/container.xml", "score.musicxml"]
        assert archive.read("mimetype") == b"application/vnd.recordare.musicxml"
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    def full(path, data):
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ChoraleError, match=r"score\.mxl: cannot be written \(No space left"):
        musicxml_writer.write(PHRASE, tmp_path / "score.mxl")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "program", "complaint"),
    [
        ("score.pdf", None, r"name should end in \.musicxml"),
        ("none/score.mxl", None, "there is no folder"),
        ("score.mxl", 128, "a MIDI program is 0 to 127, not 128"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, name, program, complaint):
    with pytest.raises(ChoraleError, match=complaint):
        musicxml_writer.write(PHRASE, tmp_path / name, program)
    assert not list(tmp_path.iterdir())


# Scores of other programs, typed


@pytest.fixture
def reading(tmp_path):
    def read(text):
        (tmp_path / "score.xml").write_text(text, encoding="utf-8")
        return musicxml_reader.read_counting(tmp_path / "score.xml")[:2]

    return read


SATB = {
    "Bass": [bar(note("C3", 96))],
    "Soprano&#13;Oboe 1,2&#13;Violin1": [bar(note("C5", 96))],
    "Horn": [bar(note("G4", 96))],
    "tenor": [bar(note("G3", 96))],
    "Alto (soli)": [bar(note("E4", 96))],
}


def test_voices_are_found_by_name_whatever_doubles_them(reading):
    chorale, quantized = reading(score(**SATB))
    assert [chorale.notes(v)[0].pitch for v in range(4)] == [72, 64, 55, 48]
    assert quantized == 0


def test_four_parts_with_other_names_are_voices_from_the_top(reading):
    names = ("Violin_I", "Violin_II", "Viola", "Cello")
    bars = [SATB[n] for n in ("Soprano&#13;Oboe 1,2&#13;Violin1", "Alto (soli)", "tenor", "Bass")]
    chorale, _ = reading(score(**dict(zip(names, bars, strict=True))))
    assert [chorale.notes(v)[0].pitch for v in range(4)] == [72, 64, 55, 48]


def test_a_single_part_is_a_melody(reading):
    chorale, _ = reading(score(Flute=[bar(note("C5", 48), note("D5", 48))]))
    assert chorale.notes(0) == [Note(0, 8, 72), Note(8, 8, 74)]
    assert not any(chorale.notes(v) for v in (1, 2, 3))


def test_two_named_voices_leave_the_others_silent(reading):
    chorale, _ = reading(score(Soprano=[bar(note("C5", 96))], Bass=[bar(note("C3", 96))]))
    assert [len(chorale.notes(v)) for v in range(4)] == [1, 0, 0, 1]


def test_voices_that_cannot_be_identified_are_refused(reading):
    parts = {name: [bar(note("C4", 96))] for name in ("Oboe", "Flute", "Horn")}
    parts["Piano"] = [bar(note("C4", 96), "<staff>1</staff>")]
    with pytest.raises(
        ChoraleError,
        match=r"has 3 parts without voices' names \(1 'Oboe', 2 'Flute', 3 'Horn'\)",
    ):
        reading(score(**{name: parts[name] for name in ("Oboe", "Flute", "Horn")}))


@pytest.mark.parametrize("names", [("Piano", "Flute"), ("Melody", "Guitar"), ("Flute", "Organ")])
def test_beside_an_accompaniment_the_other_part_is_the_melody(reading, names):
    pitches = {"Piano": "C4", "Organ": "C4", "Guitar": "C4"}
    parts = {name: [bar(note(pitches.get(name, "C5"), 96))] for name in names}
    assert reading(score(**parts))[0].notes(0) == [Note(0, 16, 72)]


def test_the_fourth_of_four_parts_in_order_is_the_voice_that_is_missing(reading):
    names = ("Flute", "Alto", "Tenor", "Bass")
    parts = {n: [bar(note(p, 96))] for n, p in zip(names, ("C5", "E4", "G3", "C3"), strict=True)}
    chorale, _ = reading(score(**parts))
    assert [chorale.notes(v)[0].pitch for v in range(4)] == [72, 64, 55, 48]


def test_the_soprano_has_the_top_notes_of_chords(reading):
    chord = note("C4", 48) + note("E4", 48, before="<chord/>")
    lines = note("G4", 48, "<voice>1</voice>") + "<backup><duration>48</duration></backup>"
    lines += note("C4", 48, "<voice>2</voice>")
    chorale, _ = reading(score(Melody=[bar(chord, lines)]))
    assert chorale.notes(0) == [Note(0, 8, 64), Note(8, 8, 67)]


def test_two_notes_in_another_voice_are_refused(reading):
    chord = note("C3", 96) + note("E3", 96, before="<chord/>")
    with pytest.raises(ChoraleError, match="Bass, bar 1: sings two notes at once"):
        reading(score(**(SATB | {"Bass": [bar(chord)]})))


def test_notes_off_the_grid_are_moved_and_counted(reading):
    grace = note("F5", 0, before="<grace/>")
    triplet = [note(n, 8) for n in ("C5", "D5", "E5")]
    turn = [note("G5", 18), note("A5", 3), note("G5", 3)]
    chorale, quantized = reading(score(Melody=[bar(grace, *triplet, *turn, note("C5", 48))]))
    assert chorale.notes(0) == [
        *(Note(0, 1, 72), Note(1, 2, 74), Note(3, 1, 76)),
        *(Note(4, 3, 79), Note(7, 1, 81), Note(8, 8, 72)),
    ]
    assert quantized == 1 + 3 + 2


def test_tied_notes_are_one_and_repeated_ones_two(reading):
    tied = [note("C5", 96, '<tie type="start"/>')], [note("C5", 96, '<tie type="stop"/>')]
    chorale, _ = reading(score(Melody=[bar(*tied[0]), bar(*tied[1]), bar(note("C5", 96))]))
    assert chorale.notes(0) == [Note(0, 32, 72), Note(32, 16, 72)]


def test_a_drawn_tie_joins_as_a_sounding_one(reading):
    tied = (
        note("C5", 96, '<notations><tied type="start"/></notations>'),
        note("C5", 96, '<notations><tied type="stop"/></notations>'),
    )
    chorale, _ = reading(score(Melody=[bar(tied[0]), bar(tied[1])]))
    assert chorale.notes(0) == [Note(0, 32, 72)]


def test_a_chord_continues_after_other_elements(reading):
    chord = note("A4", 48) + "<direction/><harmony/>" + note("F#4", 48, before="<chord/>")
    chorale, _ = reading(score(Melody=[bar(chord, note("G4", 48))]))
    assert chorale.notes(0) == [Note(0, 8, 69), Note(8, 8, 67)]


def test_cue_notes_are_not_sung(reading):
    bars = [bar(note("C5", 48), note("E5", 48, before="<cue/>")), bar(note("D5", 96))]
    chorale, _ = reading(score(Melody=bars))
    assert chorale.notes(0) == [Note(0, 8, 72), Note(16, 16, 74)]


@pytest.mark.parametrize("bars_back", [1, 2])
def test_simile_bars_sing_the_bars_before_them(reading, bars_back):
    style = '<measure-style><measure-repeat type="{}">{}</measure-repeat></measure-style>'
    rest = '<note><rest measure="yes"/><duration>96</duration></note>'
    bars = [bar(note("C5", 96)), bar(note("D5", 48), note("E5", 48))]
    bars.append(bar(rest, extra=style.format("start", bars_back)))
    bars += [bar(rest), bar(note("F5", 96), extra=style.format("stop", ""))]
    chorale, _ = reading(score(Melody=bars))
    sung = {1: [74, 76, 74, 76], 2: [72, 74, 76]}[bars_back]
    assert [n.pitch for n in chorale.notes(0)] == [72, 74, 76, *sung, 77]
    assert [n.step for n in chorale.notes(0)][-1] == 64


def test_time_that_is_skipped_counts(reading):
    forward = "<forward><duration>24</duration></forward>"
    first = bar(note("C5", 24), note("D5", 24), note("E5", 24), forward)
    between = bar(note("C5", 24), forward, note("E5", 48))
    chorale, _ = reading(score(Melody=[first, between, bar(note("F5", 96))]))
    assert [m.length for m in chorale.measures] == [16, 16, 16]
    assert [n.step for n in chorale.notes(0)] == [0, 4, 8, 16, 24, 32]


def test_a_last_bar_that_completes_the_pickup_is_short_though_the_file_skips_its_end(reading):
    forward = "<forward><duration>24</duration></forward>"
    bars = [bar(note("G4", 24)), bar(note("C5", 96)), bar(note("C5", 72), forward)]
    chorale, _ = reading(score(Melody=bars))
    assert (chorale.pickup, len(chorale)) == (4, 32)


def test_without_divisions_a_duration_counts_quarters(reading):
    text = score(Melody=[bar(note("C5", 4))]).replace("<divisions>24</divisions>", "")
    assert reading(text)[0].notes(0) == [Note(0, 16, 72)]


def test_one_sixteenth_alone_is_a_melody(reading):
    assert reading(score(Melody=[bar(note("C5", 6))]))[0].notes(0) == [Note(0, 1, 72)]


@pytest.mark.parametrize(("beats", "unit", "steps"), [("3+2", "8", 10), ("6", "4", 24)])
def test_meters_are_summed(reading, beats, unit, steps):
    rest = '<note><rest measure="yes"/><duration>1</duration></note>'
    bars = [bar(rest, meter=f"{beats}/{unit}"), bar(note("C5", 6 * steps), meter=f"{beats}/{unit}")]
    assert reading(score(Melody=bars))[0].measures[0].length == steps


def test_repeats_stay_folded(reading):
    repeat = '<barline location="right"><repeat direction="backward"/></barline>'
    chorale, _ = reading(score(Melody=[bar(note("C5", 96)) + repeat, bar(note("D5", 96))]))
    assert chorale.notes(0) == [Note(0, 16, 72), Note(16, 16, 74)]


def test_bars_are_as_long_as_their_notes(reading):
    bars = [bar(note("C5", 24)), bar(note("D5", 96)), bar(note("E5", 48)), bar(note("F5", 96))]
    chorale, _ = reading(score(Melody=bars))
    assert chorale.pickup == 4
    assert [m.length for m in chorale.measures] == [4, 16, 8, 16]
    assert chorale.notes(0)[-1].step == 28


def test_a_rest_of_the_whole_bar_does_not_stretch_a_pickup(reading):
    rest = '<note><rest measure="yes"/><duration>24</duration></note>'
    parts = {name: [bar(rest), bar(note("C4", 96))] for name in ("Alto", "Tenor", "Bass")}
    chorale, _ = reading(score(Soprano=[bar(note("G4", 24)), bar(note("C5", 96))], **parts))
    assert chorale.pickup == 4
    assert len(chorale) == 20


@pytest.mark.parametrize(("last", "mode"), [("A4", "minor"), ("C5", "major"), ("E4", "major")])
def test_the_last_low_note_gives_a_key_its_missing_mode(reading, last, mode):
    chorale, _ = reading(score(Melody=[bar(note(last, 96), key=0)]))
    assert chorale.key == Key(0, mode)


def test_transposing_parts_are_read_as_they_sound(reading):
    down = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    chorale, _ = reading(score(Clarinet=[bar(note("D5", 96), key=2, extra=down)]))
    assert chorale.notes(0) == [Note(0, 16, 72)]
    assert chorale.key == Key(0)


def test_a_fermata_on_the_end_of_a_tied_note_is_the_note_s(reading):
    first = note("C5", 96, '<tie type="start"/>')
    last = note("C5", 48, '<tie type="stop"/><notations><fermata/></notations>')
    chorale, _ = reading(score(Melody=[bar(first), bar(last, note("D5", 48))]))
    assert chorale.fermatas == (0,)


def test_chord_symbols_and_lyrics_are_not_sung(reading):
    symbol = "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>"
    sung = note("C5", 96, "<lyric><text>Amen</text></lyric>")
    chorale, _ = reading(score(Melody=[bar(symbol, sung)]))
    assert chorale.notes(0) == [Note(0, 16, 72)]


def test_a_title_equal_to_the_file_name_is_ignored(reading):
    text = score(Melody=[bar(note("C5", 96))])
    for title, expected in [("score.xml", ""), ("Nun  danket\nalle Gott", "Nun danket alle Gott")]:
        header = f"<movement-title>{title}</movement-title><part-list>"
        assert reading(text.replace("<part-list>", header))[0].title == expected


BROKEN = {
    "missing.musicxml": (None, "no such file"),
    "empty.musicxml": (b"", "is empty"),
    "text.musicxml": (b"do re mi", "is not MusicXML, or is damaged"),
    "cut.musicxml": (b"<score-partwise><part-list>", "is not MusicXML, or is damaged"),
    "page.xml": (b"<html/>", "is XML but not MusicXML"),
    "time.xml": (b"<score-timewise/>", "export it as partwise MusicXML"),
    "bare.musicxml": (b"<score-partwise/>", "the score has no parts"),
    "barless.musicxml": (score(Melody=[]).encode(), "the score has no bars"),
    "odd.musicxml": (score(Melody=[bar(note("C5", "x"))]).encode(), "is a damaged score"),
    "long.musicxml": (score(Melody=[bar(note("C5", 10**9))]).encode(), r"is it damaged\?"),
    "nan.musicxml": (
        score(Melody=[bar(note("C#5", 96))]).replace(">1</alter>", ">nan</alter>").encode(),
        "is a damaged score",
    ),
    "meter.musicxml": (
        score(Melody=[bar(note("C5", 96), meter="3/64")]).encode(),
        "a bar of 3/64 is not a whole number of sixteenths",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_cannot_be_read_say_why(tmp_path, name):
    content, complaint = BROKEN[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ChoraleError, match=complaint) as error:
        musicxml_reader.read(tmp_path / name)
    assert str(error.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("UTF-16", "utf-8"),
        ("no-such-encoding", "utf-8"),
        ("UTF-8", "utf-16"),
        ("UTF-16", "utf-16-le"),
        ("ISO-8859-1", "latin-1"),
        ("windows-1252", "cp1252"),
    ],
)
def test_text_is_opened_whatever_encoding_it_declares(tmp_path, declared, written):
    text = score(Melody=[bar(note("C5", 96))])
    text = text.replace("<part-list>", "<movement-title>Très</movement-title><part-list>")
    text = f'<?xml version="1.0" encoding="{declared}"?>{text}'
    (tmp_path / "a.xml").write_bytes(text.encode(written))
    assert musicxml_reader.read(tmp_path / "a.xml").title == "Très"


def test_an_archive_without_a_container_is_opened(tmp_path):
    path = tmp_path / "score.mxl"
    for container in (None, "<container/>", "<rootfile full-path='gone.xml'/>"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("cover.png", "no score")
            archive.writestr("sub/Score.XML", score(Melody=[bar(note("C5", 96))]))
            if container:
                archive.writestr("META-INF/container.xml", container)
        assert musicxml_reader.read(path).notes(0) == [Note(0, 16, 72)]


def packed(text):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", text)
    return buffer.getvalue()


HOSTILE = {
    "bytes": (lambda: packed(b" " * (MOST_BYTES + 1)), "bigger than a score that musicae reads"),
    "elements": (lambda: b"<a>" + b"<b/>" * MOST_ELEMENTS + b"</a>", "bigger than a score"),
    "nested": (lambda: b"<a>" * 10_000 + b"</a>" * 10_000, "bigger than a score"),
    "entities": (lambda: b'<!DOCTYPE a [<!ENTITY b "c">]><a/>', "declares XML entities"),
    "bars": (
        lambda: (
            score(Melody=["<note/>"])
            .replace("<note/>", "")
            .encode()
            .replace(b'<measure number="1"></measure>', b"<measure/>" * (MOST_BARS + 1))
        ),
        "has more than 10,000 bars",
    ),
    "beats": (lambda: score(M=[bar(note("C5", 96), meter="1000/4")]).encode(), "not a meter"),
    "steps": (lambda: score(M=[bar(note("C5", 10**9))]).encode(), r"is it damaged\?"),
    "a bar": (
        lambda: score(M=[bar(note("C5", 24 * 4 * 256))]).encode(),
        r"bar 1 lasts 1024 quarter notes; is it damaged\?",
    ),
    "digits": (lambda: score(M=[bar(note("C5", "9" * 50))]).encode(), "is a damaged score"),
    "pitch": (
        lambda: score(M=[bar(note("C5", 96))]).replace("5</oct", "12</oct").encode(),
        "is a damaged score",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_files_that_are_too_big_are_refused_in_one_line(tmp_path, kind):
    make, complaint = HOSTILE[kind]
    (tmp_path / "big.xml").write_bytes(make())
    with pytest.raises(ChoraleError, match=complaint) as error:
        musicxml_reader.read(tmp_path / "big.xml")
    assert "\n" not in str(error.value)


def test_namespaces_are_passed_over(reading):
    text = score(Melody=[bar(note("C5", 96))])
    text = text.replace("<score-partwise>", "<score-partwise xmlns='http://x.org/mx'>")
    assert reading(text)[0].notes(0) == [Note(0, 16, 72)]


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ChoraleError, match="is a folder"):
        musicxml_reader.read(tmp_path)


def test_a_damaged_archive_is_refused(tmp_path):
    path = tmp_path / "score.mxl"
    musicxml_writer.write(PHRASE, path)
    whole = path.read_bytes()
    for damaged in (whole[:-200], whole[:300], b"PK"):
        path.write_bytes(damaged)
        with pytest.raises(ChoraleError, match=r"is a damaged \.mxl archive"):
            musicxml_reader.read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no score")
    with pytest.raises(ChoraleError, match="archive without a MusicXML score"):
        musicxml_reader.read(path)


# Harmony

SUSPENDED = Chorale.from_notes(
    [
        [(0, 4, 72), (4, 6, 72), (10, 2, 71), (12, 12, 72)],
        [(0, 4, 67), (4, 8, 67), (12, 12, 67)],
        [(0, 4, 64), (4, 8, 62), (12, 8, 64), (20, 4, 64)],
        [(0, 4, 60), (4, 8, 55), (12, 12, 48)],
    ],
    key=Key(0),
)
LABELS = (
    Label(0, Key(0), "I", "C"),
    Label(4, Key(0), "V", "G"),
    Label(10, Key(0), "V65/V", "D7/F#"),  # within notes of all voices but the soprano
    Label(12, Key(-3, "minor"), "i", "Cm"),
    Label(18, Key(-3, "minor"), "viiø43", "Bbø7/Fb"),  # within notes of all voices
    Label(20, Key(-3, "minor"), "vii°65", "F#dim7/A"),
    Label(22, Key(-3, "minor"), "III", "Eb5"),
)


def test_labels_are_chord_symbols_above_and_numerals_below(folder):
    root = written(SUSPENDED, folder, labels=LABELS)
    above, *inner, below = root.findall("part")
    assert [(h.get("placement"), h.find("kind").get("text")) for h in above.iter("harmony")] == [
        ("above", symbol) for symbol in (None, None, "7", "m", "ø7", "dim7", "5")
    ]
    numerals = [d for d in below.iter("direction") if d.find("direction-type/words") is not None]
    assert {(d.get("placement"), d.findtext("direction-type/words")) for d in numerals} == {
        ("below", text) for text in ("C: I", "V", "V65/V", "c: i", "viiø43", "vii°65", "III")
    }
    assert not any(part.findall(".//harmony") or part.findall(".//words") for part in inner)


def test_numerals_within_a_note_stand_where_they_belong_without_an_offset(folder):
    # MuseScore 3 ignores the offset of words.
    below = written(SUSPENDED, folder, labels=LABELS).findall("part")[-1]
    quarter = int(below.findtext("measure/attributes/divisions"))
    found, start = {}, 0
    for measure in below.findall("measure"):
        now = start
        for element in measure:
            length = int(element.findtext("duration", "0"))
            now += -length if element.tag == "backup" else length
            words = element.findtext("direction-type/words")
            if words:
                assert element.find("offset") is None
                found[words] = 4 * now / quarter
        start += 4 * quarter
    assert found == {text: step for step, text in texts_of(LABELS)}


def test_every_label_survives_music21_at_its_step(folder):
    from music21 import converter

    musicxml_writer.write(SUSPENDED, folder / "labelled.musicxml", labels=LABELS)
    score = converter.parse(folder / "labelled.musicxml", forceSource=True)
    assert [
        (4 * chord.getOffsetInHierarchy(score), chord.root().name, chord.bass().name)
        for chord in score.parts[0].recurse().getElementsByClass("ChordSymbol")
    ] == [
        *((0, "C", "C"), (4, "G", "G"), (10, "D", "F#"), (12, "C", "C"), (18, "B-", "F-")),
        *((20, "F#", "A"), (22, "E-", "E-")),
    ]
    assert [
        (4 * words.getOffsetInHierarchy(score), words.content)
        for words in score.parts[3].recurse().getElementsByClass("TextExpression")
    ] == [(label.step, text) for label, (_, text) in zip(LABELS, texts_of(LABELS), strict=True)]


def test_the_parts_of_a_harmony_are_in_the_order_of_the_standard(folder):
    root = written(SUSPENDED, folder, labels=LABELS)
    order = ["root", "kind", "inversion", "bass", "degree", "offset"]
    for harmony in root.iter("harmony"):
        tags = [element.tag for element in harmony]
        assert tags == sorted(tags, key=order.index)


@settings(max_examples=25, deadline=None)
@given(chorale=chorales(max_steps=40), data=st.data())
def test_musicxml_with_labels_gives_back_the_chorale(chorale, folder, data):
    steps = data.draw(st.sets(st.integers(0, len(chorale) - 1), max_size=6))
    labels = [data.draw(st.sampled_from(LABELS))._replace(step=step) for step in sorted(steps)]
    musicxml_writer.write(chorale, folder / "labels.musicxml", labels=labels)
    assert not differences(chorale, musicxml_reader.read(folder / "labels.musicxml"))


def test_without_labels_no_harmony_is_written(folder):
    assert musicxml_writer.to_xml(PHRASE) == musicxml_writer.to_xml(PHRASE, labels=())
    assert not {"harmony", "backup"} & {element.tag for element in written(PHRASE, folder).iter()}


def test_an_unknown_chord_is_refused():
    with pytest.raises(ChoraleError, match="'H7' is not a chord symbol"):
        musicxml_writer.to_xml(SUSPENDED, labels=[Label(0, Key(0), "I", "H7")])


def test_roman_numerals_of_other_programs_are_passed_over(reading):
    numeral = "<harmony><function>G: V65</function><kind>none</kind></harmony>"
    chorale, _ = reading(score(Melody=[bar(numeral, note("C5", 96))]))
    assert chorale.notes(0) == [Note(0, 16, 72)]
