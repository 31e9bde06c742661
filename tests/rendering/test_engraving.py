"""Engraved scores: the signs on the staves, read back, and what the pages show."""

import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import MARK_COLOUR, REST, VOICES
from musicae.core.errors import MusicaeError
from musicae.core.key import Key
from musicae.core.meter import Meter, Tempo
from musicae.io.musicxml_writer import to_xml
from musicae.io.notation import bars_of_symbols
from musicae.rendering.engraving import engrave, even_breaks, write
from musicae.rendering.staff_layout import lay_out
from musicae.theory.harmonic_analysis import analyse
from tests.support.strategies import chorales

SVG = "{http://www.w3.org/2000/svg}"
CLOSE, OPEN = False, True

# With a pickup, a note tied over the bar line, a unison, two rests at once and one alone.
PHRASE = Chorale.from_notes(
    [
        [(0, 4, 70), (4, 4, 68), (8, 4, 67), (12, 4, 65), (16, 8, 65), (24, 8, 63), (36, 16, 67)],
        [(0, 4, 63), (4, 4, 63), (8, 4, 63), (12, 12, 62), (24, 8, 58), (36, 16, 67)],
        [(0, 4, 58), (4, 4, 60), (8, 4, 58), (12, 4, 60), (16, 8, 58), (24, 12, 55), (36, 16, 58)],
        [(0, 4, 55), (4, 4, 56), (8, 4, 51), (12, 4, 56), (16, 8, 58), (24, 8, 51), (36, 16, 51)],
    ],
    pickup=4,
    key=Key.parse("Eb major"),
    fermatas=(24, 36),
    tempos=(Tempo(0, 72),),
    title="Žalm: Großer Gott",
)


@cache
def phrase():
    """The MusicXML of ``PHRASE``."""
    return to_xml(PHRASE)


def melody(bars, pitch=60):
    """Quarters up and down, in 4/4."""
    return [(4 * i, 4, pitch + i % 5) for i in range(4 * bars)]


def written(chorale, voices=range(4)):
    """How many note heads notation has."""
    return sum(
        symbol.pitch != REST
        for voice in voices
        for bar in bars_of_symbols(chorale, voice)
        for symbol in bar
    )


# The staves: only the signs of the MusicXML are read


def signature(fifths):
    letters = "FCGDAEB"[:fifths] if fifths > 0 else "BEADGCF"[:-fifths]
    return dict.fromkeys(letters, 1 if fifths > 0 else -1)


def sung(part):
    """The notes of a part by voice number, in quarters, as its signs show them.

    An accidental holds for its line or space until the end of the bar, in both voices. Of
    simultaneous notes, the first voice comes first. A tied note belongs to the note before.
    ``<alter>`` is not read.
    """
    key, bar_start, per_quarter = {}, 0, 1
    voices = {}
    for measure in part.findall("measure"):
        if measure.find("attributes/key") is not None:
            key = signature(int(measure.findtext("attributes/key/fifths")))
        per_quarter = int(measure.findtext("attributes/divisions", per_quarter))
        now, reached, heads = 0, 0, []
        for element in measure:
            way = int(element.findtext("duration", 0))
            if element.tag == "note":
                voice = int(element.findtext("voice", "1"))
                if element.find("pitch") is not None:
                    heads.append((now, voice, way, element))
                now += way
            elif element.tag in ("backup", "forward"):
                now += way if element.tag == "forward" else -way
            reached = max(reached, now)
        signs = {}
        for at, voice, length, element in sorted(heads, key=lambda head: head[:2]):
            line = voices.setdefault(voice, [])
            onset, quarters = bar_start + at / per_quarter, length / per_quarter
            if any(tie.get("type") == "stop" for tie in element.findall("tie")):
                assert line[-1][0] + line[-1][1] == onset
                line[-1] = (line[-1][0], line[-1][1] + quarters, line[-1][2])
                continue
            step, octave = element.findtext("pitch/step"), element.findtext("pitch/octave")
            drawn = element.findtext("accidental")
            if drawn:
                names = ["flat-flat", "flat", "natural", "sharp", "double-sharp"]
                signs[step, octave] = names.index(drawn) - 2
            alter = signs.get((step, octave), key.get(step, 0))
            midi = 12 * (int(octave) + 1) + [0, 2, 4, 5, 7, 9, 11]["CDEFGAB".index(step)] + alter
            line.append((onset, quarters, midi))
        bar_start += reached / per_quarter
    return voices


def in_quarters(chorale, voice):
    return [(n.step / 4, n.duration / 4, n.pitch) for n in chorale.notes(voice)]


def sharing(chorale):
    """The voices of each staff of the close score."""
    singing = [v for v in range(4) if chorale.notes(v)]
    staves = [[v for v in staff if v in singing] for staff in ((0, 1), (2, 3))]
    return [staff for staff in staves if staff]


@settings(max_examples=12, deadline=None)
@given(chorale=chorales())
def test_the_signs_of_a_close_score_say_the_right_pitches(chorale):
    root = ET.fromstring(lay_out(to_xml(chorale)))
    for part, voices in zip(root.findall("part"), sharing(chorale), strict=False):
        found = sung(part)
        if len(voices) == 1:
            assert found == {1: in_quarters(chorale, voices[0])}
        else:
            upper, lower = voices
            assert found == {1: in_quarters(chorale, upper), 2: in_quarters(chorale, lower)}


def signs(root, part=0):
    """A name such as ``F#4``, with the accidental, for each note that has one."""
    notes = root.findall("part")[part].iter("note")
    return [
        note.findtext("pitch/step") + note.findtext("pitch/octave") + " " + sign
        for note in notes
        if (sign := note.findtext("accidental"))
    ]


def test_one_sign_is_enough_for_two_voices():
    unison = [(0, 4, 66), (4, 12, 67)], [(0, 8, 62), (8, 8, 66)]
    chorale = Chorale.from_notes([*unison, *unison], key=Key.parse("C major"))
    assert signs(ET.fromstring(lay_out(to_xml(chorale)))) == ["F4 sharp"]


def test_accidentals_of_the_other_voice_get_courtesy_signs():
    bars = [[(0, 16, 78), (16, 16, 74), (32, 16, 77)], [(0, 16, 62), (16, 16, 65), (32, 16, 65)]]
    root = ET.fromstring(lay_out(to_xml(Chorale.from_notes(bars, key=Key.parse("C major")))))
    assert signs(root) == ["F5 sharp", "F4 natural"]


def test_voices_a_chromatic_semitone_apart_both_have_a_sign():
    clash = Chorale.from_notes([[(0, 16, 65)], [(0, 16, 66)]], key=Key.parse("C major"))
    root = ET.fromstring(lay_out(to_xml(clash)))
    assert signs(root) == ["F4 natural", "F4 sharp"]


@settings(max_examples=8, deadline=None)
@given(chorale=chorales(max_steps=32))
def test_music21_reads_the_close_score(chorale):
    from music21 import converter

    if not sharing(chorale):
        return
    score = converter.parseData(lay_out(to_xml(chorale)).decode(), format="musicxml")
    for part, voices in zip(score.parts, sharing(chorale), strict=True):
        found = {voice: [] for voice in voices}
        for measure in part.getElementsByClass("Measure"):
            for stream in measure.voices or [measure]:
                voice = voices[int(stream.id) - 1] if measure.voices else None
                for note in stream.notes:
                    # A bar with one voice has no stream for it; the stem shows the voice.
                    lower = len(voices) > 1 and note.stemDirection == "down"
                    line = found[voices[lower] if voice is None else voice]
                    start, end = (measure.offset + note.offset + x for x in (0, note.quarterLength))
                    if note.tie and note.tie.type in ("stop", "continue"):
                        line[-1] = (line[-1][0], float(end) - line[-1][0], note.pitch.midi)
                    else:
                        line.append((float(start), float(end - start), note.pitch.midi))
        assert found == {voice: in_quarters(chorale, voice) for voice in voices}


def test_the_close_score_has_two_staves_of_two_voices():
    root = ET.fromstring(lay_out(phrase()))
    names = [name.text for name in root.iter("part-name")]
    assert names == ["Soprano\nAlto", "Tenor\nBass"]
    assert [sign.text for sign in root.findall(".//clef/sign")] == ["G", "F"]
    assert root.find(".//clef-octave-change") is None
    assert root.findtext("part-list/part-group/group-symbol") == "brace"
    for part in root.findall("part"):
        stems = Counter((n.findtext("voice"), n.findtext("stem")) for n in part.iter("note"))
        assert set(stems) - {("1", None), ("2", None)} == {("1", "up"), ("2", "down")}


def test_children_stand_in_the_order_of_the_standard():
    order = ["pitch", "rest", "duration", "tie", "voice", "type", "dot", "accidental", "stem"]
    order += ["beam", "notations"]
    for note in ET.fromstring(lay_out(phrase())).iter("note"):
        ranks = [order.index(child.tag) for child in note]
        assert ranks == sorted(ranks)


def test_rests_of_both_voices_are_drawn_once_in_the_middle():
    upper, lower = ET.fromstring(lay_out(phrase())).findall("part")
    rests = [note for note in upper.iter("note") if note.find("rest") is not None]
    assert [(r.findtext("voice"), r.get("print-object")) for r in rests] == [
        *(("1", None), ("2", "no")),
    ]
    assert rests[0].findtext("rest/display-step") == "B"
    (alone,) = (note for note in lower.iter("note") if note.find("rest") is not None)
    assert alone.findtext("voice") == "2"
    assert alone.find("rest/display-step") is None


def test_a_fermata_stands_above_the_upper_and_below_the_lower_staff():
    parts = ET.fromstring(lay_out(phrase())).findall("part")
    found = [[f.get("type") for f in part.iter("fermata")] for part in parts]
    assert found == [["upright", "upright"], ["inverted", "inverted"]]


def test_an_inner_voice_keeps_a_fermata_that_the_outer_one_lacks():
    lines = [[(0, 8, 72)], [(0, 8, 64)], [(0, 8, 55)], [(2, 6, 48)]]
    moving = Chorale.from_notes(lines, fermatas=(0,))
    parts = ET.fromstring(lay_out(to_xml(moving))).findall("part")
    assert [[f.get("type") for f in part.iter("fermata")] for part in parts] == [
        *(["upright"], ["upright"]),
    ]


def test_marks_tempo_and_labels_are_written_once():
    marks = {(12, 1): ["parallel fifths"], (12, 2): []}
    labels = analyse(PHRASE)
    four = ET.fromstring(to_xml(PHRASE, marks=marks, labels=labels))
    for open_score in (CLOSE, OPEN):
        root = ET.fromstring(lay_out(ET.tostring(four), open_score))
        assert len(root.findall(".//metronome")) == 1
        symbols = [h for h in root.iter("harmony") if h.find("root") is not None]
        numerals = [r.get("text") for r in root.iter("numeral-root")]
        assert len(symbols) == len(numerals) == len(labels)
        assert "parallel fifths" in [words.text for words in root.iter("words")]
        coloured = [note for note in root.iter("note") if note.get("color") == MARK_COLOUR.upper()]
        assert len(coloured) == 3  # the alto's is tied
    close = ET.fromstring(lay_out(ET.tostring(four)))
    (words,) = (d for d in close.iter("direction") if d.findtext("direction-type/words"))
    assert words.get("placement") == "below"  # the alto's


def test_texts_of_a_voice_that_is_left_out_stay():
    low = Chorale.from_notes([[], [], [(0, 16, 55)], [(0, 16, 48)]], tempos=(Tempo(4, 60),))
    for open_score in (CLOSE, OPEN):
        root = ET.fromstring(lay_out(to_xml(low), open_score))
        assert root.find(".//metronome") is not None
        assert root.findtext(".//direction/offset") == str(int(root.findtext(".//divisions")))


@pytest.mark.parametrize(
    ("voices", "clefs"),
    [((0,), "G"), ((1,), "G"), ((3,), "F"), ((0, 3), "GF"), ((1, 2, 3), "GF"), ((), "G")],
)
def test_silent_voices_are_left_out(voices, clefs):
    lines = [[(0, 16, 60)] if v in voices else [] for v in range(4)]
    root = ET.fromstring(lay_out(to_xml(Chorale.from_notes(lines, steps=16))))
    assert [sign.text for sign in root.findall(".//clef/sign")] == list(clefs)
    assert len(root.findall(".//stem")) == (2 if len(voices) == 3 else 0)
    four = ET.fromstring(lay_out(to_xml(Chorale.from_notes(lines, steps=16)), OPEN))
    names = [name.text for name in four.iter("part-name")]
    assert names == [VOICES[v] for v in voices or (0,)]


def test_a_score_of_other_parts_is_refused():
    with pytest.raises(MusicaeError, match="has 4 parts, not 0"):
        engrave(b"<score-partwise><part-list/></score-partwise>")


# The pages


def of_class(pages, name):
    roots = map(ET.fromstring, [pages] if isinstance(pages, str) else pages)
    groups = (group for root in roots for group in root.iter(f"{SVG}g"))
    return [group for group in groups if name in group.get("class", "").split()]


def glyphs(groups):
    """The SMuFL code points drawn in some groups."""
    href = "{http://www.w3.org/1999/xlink}href"
    return [use.get(href)[1:5] for group in groups for use in group.iter(f"{SVG}use")]


def lines(pages):
    """The lines of text on the pages."""
    roots = map(ET.fromstring, pages)
    texts = (text for root in roots for text in root.iter(f"{SVG}text"))
    return ["".join(text.itertext()).replace("\xa0", " ") for text in texts]


@pytest.mark.parametrize(
    ("open_score", "clefs"),
    [(CLOSE, ["E050", "E062"]), (OPEN, ["E050", "E050", "E052", "E062"])],
)
def test_a_page_shows_the_whole_phrase(open_score, clefs):
    (page,) = engrave(phrase(), open_score)
    measures = of_class(page, "measure")
    assert len(measures) == len(PHRASE.measures)
    for measure in measures:
        assert len([g for g in measure if g.get("class") == "staff"]) == len(clefs)
    assert glyphs(of_class(page, "clef")) == clefs
    assert glyphs(of_class(page, "meterSig")) == 2 * len(clefs) * ["E084"]
    assert glyphs(of_class(page, "keyAccid")) == 3 * len(clefs) * ["E260"]
    assert len(of_class(page, "note")) == written(PHRASE)
    (pickup, *_) = measures
    heads = [g for g in pickup.iter(f"{SVG}g") if g.get("class") == "note"]
    assert len(heads) == 4
    assert PHRASE.title in lines([page])
    assert [line for line in lines([page]) if "72" in line] == ["♩ = 72"]


def test_other_threads_engrave_the_same():
    xml = to_xml(PHRASE)
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(engrave, xml).result() == engrave(xml)


def test_fermatas_are_drawn():
    above, below = "E4C0", "E4C1"
    assert Counter(glyphs(of_class(engrave(phrase()), "fermata"))) == {above: 2, below: 2}
    assert Counter(glyphs(of_class(engrave(phrase(), OPEN), "fermata"))) == {above: 8}


@settings(max_examples=6, deadline=None)
@given(chorale=chorales(), open_score=st.booleans())
def test_any_chorale_is_engraved_whole(chorale, open_score):
    pages = engrave(to_xml(chorale), open_score)
    assert len(of_class(pages, "measure")) == len(chorale.measures)
    assert len(of_class(pages, "note")) == written(chorale)
    drawn = [group for group in of_class(pages, "accid") if len(group)]
    root = ET.fromstring(lay_out(to_xml(chorale), open_score))
    assert len(drawn) == len(root.findall(".//accidental"))


def test_changes_of_meter_and_bars_cut_short_are_shown():
    meters = (Meter(0, 4, 4), Meter(28, 4, 4), Meter(44, 3, 4), Meter(68, 6, 8))
    pages = engrave(to_xml(Chorale.from_notes([melody(5)], meters=meters)))
    assert len(of_class(pages, "measure")) == 6
    drawn = glyphs(of_class(pages, "meterSig"))
    # At the end of a system, a courtesy sign announces the change in the next system.
    assert [*dict.fromkeys(zip(drawn[::2], drawn[1::2], strict=True))] == [
        *(("E084", "E084"), ("E083", "E084"), ("E086", "E088")),
    ]


LONG = Chorale.from_notes([melody(48, 67), [], [], melody(48, 48)], title="Ein Lied")


@cache
def long_piece():
    """The MusicXML of ``LONG``."""
    return to_xml(LONG)


@cache
def long_pages():
    return engrave(long_piece())


def test_a_long_piece_has_several_pages_and_each_bar_once():
    pages = long_pages()
    assert len(pages) > 1
    assert all(of_class(page, "measure") for page in pages)
    assert len(of_class(pages, "measure")) == len(LONG.measures)
    assert len(of_class(pages, "note")) == written(LONG)
    assert lines(pages).count(LONG.title) == 1
    assert LONG.title in lines(pages[:1])
    assert "2" in [line.strip("\N{EN DASH} ") for line in lines(pages[1:])]


def bars_in_systems(pages):
    return [
        len([g for g in system if g.get("class") == "measure"])
        for system in of_class(pages, "system")
    ]


def right_edges(page):
    """Where each system ends."""
    ends = []
    for system in of_class(page, "system"):
        staves = [g for g in system.iter(f"{SVG}g") if g.get("class") == "staff"]
        lines = [staff.find(f"{SVG}path").get("d") for staff in staves]
        ends.append(max(float(re.findall(r"[\d.]+", line)[2]) for line in lines))
    return ends


@pytest.mark.parametrize("bars", [5, 9, 10, 11])
def test_no_bar_is_left_alone_in_the_last_system(bars):
    parts = [melody(bars, pitch) for pitch in (67, 62, 55, 48)]
    (page,) = engrave(to_xml(Chorale.from_notes(parts)))
    found = bars_in_systems(page)
    assert len(found) > 1
    assert max(found) - min(found) <= 1
    assert max(right_edges(page)) - min(right_edges(page)) < 10  # 0.1 mm


def staff_height(page):
    ys = [
        float(g.findall(f"{SVG}path")[i].get("d").split()[1])
        for g in of_class(page, "staff")[:1]
        for i in (0, 4)
    ]
    return ys[1] - ys[0]


def test_a_smaller_size_is_chosen_if_it_saves_a_page():
    short, longer = (Chorale.from_notes([melody(bars)] * 4) for bars in (8, 32))
    (small,), (large,) = engrave(to_xml(longer)), engrave(to_xml(short))
    assert staff_height(small) < staff_height(large)
    assert staff_height(long_pages()[0]) == staff_height(large)  # two pages in any size


def test_a_piece_of_two_bars_is_not_stretched():
    full, *_ = right_edges(engrave(to_xml(Chorale.from_notes([melody(9)])))[0])
    (short,) = right_edges(engrave(to_xml(Chorale.from_notes([melody(2)])))[0])
    assert short < 0.8 * full


@given(
    widths=st.lists(st.integers(1, 9), min_size=1, max_size=9),
    data=st.data(),
)
def test_systems_are_as_even_as_can_be(widths, data):
    systems = data.draw(st.integers(1, len(widths)))

    def unevenness(breaks):
        edges = [0, *breaks, len(widths)]
        return sum(sum(widths[a:b]) ** 2 for a, b in pairwise(edges))

    found = even_breaks(widths, systems)
    assert len(found) == systems - 1
    choices = combinations(range(1, len(widths)), systems - 1)
    assert unevenness(found) == min(map(unevenness, choices))


def test_a_long_title_is_shrunk_to_fit():
    sizes = {}
    for letters in (20, 200):
        chorale = Chorale.from_notes([melody(2)], title=letters * "e")
        (title,) = of_class(engrave(to_xml(chorale)), "pgHead")
        sizes[letters] = float(title.find(f".//{SVG}tspan").get("font-size")[:-2])
    assert 200 * sizes[200] / 2 <= 18000 < 200 * sizes[20] / 2


def test_pages_are_a4_in_fonts_that_are_everywhere():
    (page,) = engrave(to_xml(PHRASE, labels=analyse(PHRASE)))
    root = ET.fromstring(page)
    assert (root.get("width"), root.get("height")) == ("210mm", "297mm")
    assert not re.search("[\ue000-\uf8ff]", page)  # of musical fonts only
    assert {e.get("font-family") for e in root.iter()} == {None, "Libertinus Serif, Times, serif"}


def test_verovio_prints_nothing(capfd):
    engrave(phrase())
    assert capfd.readouterr() == ("", "")


# Files


def page_count(pdf):
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def test_one_page_is_one_file(tmp_path):
    assert write(phrase(), tmp_path / "a.svg") == [tmp_path / "a.svg"]
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == engrave(phrase())[0]


def test_svg_pages_are_numbered_and_a_pdf_has_them_all(tmp_path):
    pages = long_pages()
    names = [tmp_path / f"a-{i}.svg" for i in range(1, len(pages) + 1)]
    assert write(long_piece(), tmp_path / "a.svg") == names
    assert [name.read_text(encoding="utf-8") for name in names] == pages
    assert write(long_piece(), tmp_path / "a.PDF") == [tmp_path / "a.PDF"]
    pdf = (tmp_path / "a.PDF").read_bytes()
    assert page_count(pdf) == len(pages)
    assert b"/FontFile" in pdf  # text that can be searched, with its font
    assert b"/Subtype/Image" not in pdf
    assert b"/CreationDate" not in pdf


def test_a_png_is_written(tmp_path):
    (path,) = write(phrase(), tmp_path / "a.png")
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    assert height / width == pytest.approx(297 / 210, rel=0.01)
    assert width > 1200


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_equal_music_is_equal_bytes(tmp_path, suffix):
    (one,) = write(phrase(), tmp_path / f"one{suffix}")
    engrave(to_xml(Chorale.from_notes([melody(1)])))
    (two,) = write(phrase(), tmp_path / f"two{suffix}")
    assert one.read_bytes() == two.read_bytes()


def test_pages_are_written_all_or_none(tmp_path, monkeypatch):
    write_bytes, written = Path.write_bytes, []

    def full(path, data):
        written.append(path)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(MusicaeError, match=r"a-2\.svg: cannot be written \(No space left"):
        write(long_piece(), tmp_path / "a.svg")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("a.mid", r"a\.mid: its name should end in one of \.svg"),
        ("none/a.pdf", "there is no folder"),
    ],
)
def test_unusable_file_names_are_refused(tmp_path, name, complaint):
    with pytest.raises(MusicaeError, match=complaint):
        write(phrase(), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("library", "name"), [("verovio", "Verovio"), ("typst", "Typst")])
def test_a_missing_library_is_named(tmp_path, monkeypatch, library, name):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MusicaeError, match=rf"{name}: pip install 'musicae\[studio\]'"):
        write(phrase(), tmp_path / "a.pdf")


def test_a_score_that_verovio_cannot_read_is_refused(monkeypatch):
    import verovio

    monkeypatch.setattr(verovio.toolkit, "loadData", lambda *_: False)
    with pytest.raises(MusicaeError, match="Verovio cannot engrave this score"):
        engrave(phrase())
