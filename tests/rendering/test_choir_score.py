"""A choir's score: each voice with its own notes, marks and words."""

from musicae.io.choir import read_choir
from musicae.rendering.choir_score import choir_score, open_score
from tests.support.choirs import lyric, read, sounding, written
from tests.support.midifiles import meta, save, tune
from tests.support.scores import bar, note, score

Q = 480


def voice(number, *notes):
    return [note(n, 24, f"<voice>{number}</voice>") for n in notes]


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


def test_karaoke_texts_are_the_first_singer_s(tmp_path):
    """A word goes on unless a space or a new line, ``/``, separates its syllables."""
    texts = ["@TAmen", "\\A", "men", " so", "/Lord"]
    ticks = [0, 0, Q, 2 * Q, 3 * Q]
    words = [meta(tick, "text", text=text) for tick, text in zip(ticks, texts, strict=True)]
    soprano = [meta(0, "track_name", name="Soprano")]
    soprano += tune((0, Q, 67), (Q, 2 * Q, 69), (2 * Q, 3 * Q, 71), (3 * Q, 4 * Q, 72))
    alto = [meta(0, "track_name", name="Alto"), *tune((0, 4 * Q, 62), channel=1)]
    made = choir_score(read_choir(save(tmp_path / "amen.kar", soprano, alto, words)))
    assert [
        [(e.findtext("syllabic"), e.findtext("text")) for e in part.iter("lyric")]
        for part in open_score(made).findall("part")
    ] == [[("begin", "A"), ("end", "men"), ("single", "so"), ("single", "Lord")], []]
