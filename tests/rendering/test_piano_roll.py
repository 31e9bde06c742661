"""Pictures: every note in its voice's colour, repeated notes apart, nothing over anything else."""

import json
import sys
from itertools import combinations
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import typst
from hypothesis import given, settings
from matplotlib import image
from matplotlib.colors import to_rgb
from scipy import ndimage

from musicae.core.chorale import Chorale
from musicae.core.constants import MARK_COLOUR, VOICE_COLOURS, VOICE_RANGES
from musicae.core.errors import MusicaeError
from musicae.core.meter import Meter, Tempo
from musicae.rendering import piano_roll, roll_layout
from musicae.rendering.canvas import (
    FERMATA_SIZE,
    MARKS,
    POINTS_PER_INCH,
    Area,
    Box,
    Page,
    numeral_runs,
    readable_on,
    rows_of,
    tint,
)
from musicae.rendering.piano_roll import RULE_MARKS, TINT, Roll
from musicae.theory.voice_leading import rules
from tests.support.strategies import chorales

HYMN = Chorale.from_notes(
    [
        [(0, 4, 72), (4, 4, 72), (8, 8, 74)],
        [(0, 16, 67)],
        [(0, 8, 60), (8, 8, 62)],
        [(0, 4, 48), (4, 4, 50), (8, 4, 52), (12, 4, 52)],
    ],
    title="Hymn",
    fermatas=(8,),
    tempos=(Tempo(0, 72),),
)
UNISONS = Chorale.from_notes(
    [
        [(0, 4, 60), (4, 4, 60), (8, 8, 64)],
        [(0, 8, 60), (8, 8, 60)],
        [(0, 2, 60), (2, 6, 60), (8, 8, 60)],
        [(0, 8, 60), (8, 4, 60), (12, 4, 48)],
    ]
)
FIFTHS = Chorale.from_notes([[(0, 4, 67), (4, 4, 69)], [(0, 8, 64)], [], [(0, 4, 48), (4, 4, 50)]])
LONG = Chorale.from_notes(
    [[(i * 16, 16, 60 + i % 5) for i in range(20)], [(60, 8, 55), (100, 30, 57)]]
)


def crowded(steps=144):
    """Random voices: they cross, meet on one pitch and break most rules."""
    dice = np.random.default_rng(1)
    voices = []
    for low, high in VOICE_RANGES:
        begins = np.flatnonzero(dice.random(steps) < 0.5)
        ends = np.append(begins[1:], steps)
        pitches = dice.integers(low, high, len(begins))
        voices.append(
            [(int(b), int(e - b), int(p)) for b, e, p in zip(begins, ends, pitches, strict=True)]
        )
    soprano = [step for step, *_ in voices[0]]
    chorale = Chorale.from_notes(voices, steps, pickup=2, fermatas=tuple(soprano[::5]))
    labels = tuple((step, "vii°65/V") for step in range(0, steps, 3))
    return Roll(chorale, None, labels, tuple(rules.check(chorale)))


def boxes_of(colour, path):
    """How many boxes of a colour a picture has; outlines and letters are too thin for one."""
    mask = np.abs(image.imread(path)[:, :, :3] - np.array(to_rgb(colour))).max(axis=2) < 0.02
    labelled, _ = ndimage.label(ndimage.binary_erosion(mask))
    return int((np.bincount(labelled.ravel())[1:] >= 100).sum())


def texts_of(page):
    return [text.text for text in page.texts]


def rings_of(page):
    """The number of outlines in the colour of violations, without the legend's."""
    boxes = [shape for shape in page.shapes[MARKS] if isinstance(shape, Box)]
    return [box.edge for box in boxes].count(MARK_COLOUR)


@pytest.mark.parametrize("chorale", [HYMN, UNISONS], ids=["hymn", "unisons"])
def test_every_note_is_drawn_apart_in_its_voices_colour(tmp_path, chorale):
    piano_roll.draw(chorale, tmp_path / "roll.png")
    legend = 1
    counts = [boxes_of(colour, tmp_path / "roll.png") - legend for colour in VOICE_COLOURS]
    assert counts == [len(chorale.notes(v)) for v in range(4)]


def test_given_notes_are_drawn_solid(tmp_path):
    known = np.zeros(HYMN.pitch.shape, dtype=bool)
    known[:, 0] = True
    known[12:, 3] = True
    piano_roll.draw(Roll(HYMN, known), tmp_path / "roll.png")
    legend = 1
    light = [boxes_of(tint(colour, TINT), tmp_path / "roll.png") for colour in VOICE_COLOURS]
    assert light == [0, 1, 2, 3]
    full = [boxes_of(colour, tmp_path / "roll.png") - legend for colour in VOICE_COLOURS]
    assert full == [3, 0, 0, 1]
    explained = {"given", "generated"}
    assert explained <= set(texts_of(piano_roll.piano_roll(Roll(HYMN, known))))
    assert not explained & set(texts_of(piano_roll.piano_roll(HYMN)))


def test_a_note_over_the_end_of_a_system_is_drawn_in_both(tmp_path):
    spans = roll_layout.system_spans(LONG)
    assert spans == [(i, i + 64) for i in range(0, 320, 64)]
    piano_roll.draw(LONG, tmp_path / "roll.png")
    legend = 1
    counts = [boxes_of(colour, tmp_path / "roll.png") - legend for colour in VOICE_COLOURS]
    assert counts == [20, 2 + 2, 0, 0]


def test_names_are_spelled_as_the_score_spells_them():
    flat = Chorale.from_notes([[(0, 4, 70), (4, 4, 63), (8, 8, 70)]])
    sharp = Chorale.from_notes([[(0, 4, 66), (4, 4, 73), (8, 8, 68)]])
    assert {"B♭", "E♭"} <= set(texts_of(piano_roll.piano_roll(flat)))
    assert {"F♯", "C♯", "G♯"} <= set(texts_of(piano_roll.piano_roll(sharp)))


def test_bars_are_numbered_and_their_meters_named():
    chorale = Chorale.from_notes(
        [[(0, 140, 60)]], meters=(Meter(0, 4, 4), Meter(100, 3, 4)), pickup=4
    )
    shown = [t for t in texts_of(piano_roll.piano_roll(chorale)) if t[0].isdigit()]
    assert shown == ["0", "4/4", *"123456", "7", "3/4", "8", "9", "10"]
    assert "7" not in texts_of(piano_roll.piano_roll(chorale, bars=6))
    short_pickup = Chorale.from_notes([[(0, 26, 60)]], meters=(Meter(0, 6, 8),), pickup=2)
    shown = [t for t in texts_of(piano_roll.piano_roll(short_pickup)) if t[0].isdigit()]
    assert shown == ["0", "1", "6/8", "2"]


def test_every_violation_is_marked_and_explained():
    violations = rules.check(FIFTHS)
    assert [v.rule for v in violations] == ["parallel fifths"]
    page = piano_roll.piano_roll(Roll(FIFTHS, violations=tuple(violations)))
    assert rings_of(page) == 4
    assert {"∥5 SB", "∥5", "parallel fifths"} <= set(texts_of(page))
    roll = crowded()
    shown = texts_of(piano_roll.piano_roll(roll))
    tags = [f"{RULE_MARKS[v.rule]} {''.join('SATB'[i] for i in v.voices)}" for v in roll.violations]
    assert len(tags) > 100
    assert all(shown.count(tag) == tags.count(tag) for tag in tags)


def test_every_rule_has_a_mark_of_its_own():
    assert set(RULE_MARKS) == set(rules.RULES)
    assert len(set(RULE_MARKS.values())) == len(RULE_MARKS)


@pytest.mark.parametrize(
    ("label", "drawn"),
    [
        ("G: I", "G: I"),
        ("V65/ii", "V^6_5/ii"),
        ("f#: viiø7", "f♯: viiø^7"),
        ("bVI", "♭VI"),
        ("D7/F#", "D7/F#"),
        ("$4$", "$4$"),
    ],
)
def test_labels_are_written_with_their_figures(label, drawn):
    signs = {"": "", "raised": "^", "lowered": "_"}
    assert "".join(signs[kind] + run for run, kind in numeral_runs(label)) == drawn
    svg = ET.fromstring(piano_roll.piano_roll(Roll(HYMN, labels=((4, label),))).svg())
    shown = ["".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert drawn.replace("^", "").replace("_", "") in shown


def widths_of(texts):
    """How wide texts are in Typst's own font, in inches; figures count as full letters."""
    plain = [
        "".join(run for run, kind in numeral_runs(text.text) if kind != "lowered")
        if text.is_numeral
        else text.text
        for text in texts
    ]
    items = [
        {"text": p, "size": t.size, "weight": "bold" if t.bold else "regular"}
        for p, t in zip(plain, texts, strict=True)
    ]
    source = b"""
    #context for item in json(bytes(sys.inputs.items)) {
      let (text: said, size, weight) = item
      let shown = text(font: "Libertinus Serif", size: size * 1pt, weight: weight, said)
      [#metadata(measure(shown).width.pt()) <width>]
    }
    """
    found = typst.query(source, "<width>", field="value", sys_inputs={"items": json.dumps(items)})
    return [width / POINTS_PER_INCH for width in json.loads(found)]


def extents(page):
    """The areas of texts and fermatas, in inches, without the names in notes."""
    on_notes = {f"{letter}{sign}" for letter in "ABCDEFG" for sign in ("", "♯", "♭")}
    texts = [text for text in page.texts if text.text not in on_notes]
    boxes = []
    for text, width in zip(texts, widths_of(texts), strict=True):
        left = text.x - width if text.anchor == "end" else text.x
        above, below = 0.7 * text.size / POINTS_PER_INCH, 0.2 * text.size / POINTS_PER_INCH
        boxes.append(Area(left, text.y - above, left + width, text.y + below))
    half = FERMATA_SIZE / 2 / POINTS_PER_INCH
    return boxes + [Area(x - half, y - half, x + half, y) for x, y in page.fermatas]


def overlap(a, b):
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom


def test_no_text_covers_another_or_leaves_the_page():
    roll = crowded()
    short = Chorale.from_notes(
        [[(i, 1, 60) for i in range(160)]],
        meters=(Meter(0, 1, 8), Meter(12, 1, 16), Meter(140, 3, 16)),
        pickup=1,
        fermatas=(0, 1, 5, 24, 30, 59, 140),
    )
    for music in ({"one": roll, "another, with a name that is too long" * 9: roll}, short):
        page = piano_roll.piano_roll(music)
        boxes = extents(page)
        assert len(boxes) > 20
        assert all(box.left >= 0 and box.right <= page.width for box in boxes)
        assert all(box.top >= 0 and box.bottom <= page.height for box in boxes)
        assert not [(a, b) for a, b in combinations(boxes, 2) if overlap(a, b)]


def test_alternatives_stand_above_each_other_in_each_system():
    short = LONG.bars(1, 6)
    page = piano_roll.piano_roll({"first": LONG, "second": Roll(LONG), "third": short})
    names = [
        (text.text, text.y) for text in page.texts if text.text in ("first", "second", "third")
    ]
    assert [name for name, _ in names] == ["first", "second", "third"] * 2 + ["first", "second"] * 3
    heights = [height for _, height in names]
    assert heights == sorted(heights)
    shown = texts_of(piano_roll.piano_roll({"first": LONG, "second": LONG}, bars=4))
    assert [shown.count(text) for text in ("first", "second", "1", "4")] == [1, 1, 2, 2]
    assert "5" not in shown


def test_a_single_named_piece_has_its_name_as_title():
    assert "tune" in texts_of(piano_roll.piano_roll({"tune": UNISONS}))
    assert "tune" not in texts_of(piano_roll.piano_roll({"tune": HYMN}))


@pytest.mark.parametrize(
    ("meter", "bars"),
    [((4, 4), 4), ((3, 4), 6), ((6, 8), 6), ((12, 8), 3), ((2, 4), 9), ((5, 4), 3), ((3, 2), 3)],
)
def test_systems_hold_whole_bars(meter, bars):
    chorale = Chorale.from_notes([[(0, 600, 60)]], meters=(Meter(0, *meter),))
    length = bars * chorale.measures[0].length
    spans = roll_layout.system_spans(chorale)
    assert {stop - start for start, stop in spans[:-1]} == {length}
    assert spans[-1][1] == 600


def test_a_bar_longer_than_a_system_is_divided():
    chorale = Chorale.from_notes([[(0, 255, 60)]], meters=(Meter(0, 255, 16),))
    assert roll_layout.system_spans(chorale) == [(0, 72), (72, 144), (144, 216), (216, 255)]
    assert texts_of(piano_roll.piano_roll(chorale)).count("(1)") == 3


def test_texts_go_into_the_first_row_with_room():
    assert rows_of([(0, 3), (1, 2), (2, 4), (3, 5)]) == [0, 1, 1, 0]


@pytest.mark.parametrize("colour", VOICE_COLOURS)
@pytest.mark.parametrize("share", [1.0, TINT])
def test_names_can_be_read_on_every_note(colour, share):
    def luminance(parts):
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    face = tint(colour, share)
    on, under = luminance(np.array(to_rgb(readable_on(face)))), luminance(np.array(face))
    assert (max(on, under) + 0.05) / (min(on, under) + 0.05) >= 4.5


def test_the_same_music_is_the_same_file(tmp_path):
    roll = Roll(HYMN, HYMN.onset, ((0, "V65"),), tuple(rules.check(HYMN)))
    for suffix in (".svg", ".png", ".pdf"):
        for name in ("a", "b"):
            piano_roll.draw({"one": roll, "other": HYMN}, tmp_path / f"{name}{suffix}")
        assert len({(tmp_path / f"{name}{suffix}").read_bytes() for name in "ab"}) == 1


@given(chorale=chorales(max_steps=40))
@settings(max_examples=12)
def test_any_chorale_can_be_drawn(tmp_path_factory, chorale):
    path = tmp_path_factory.mktemp("any") / "roll.svg"
    labels = ((0, "I64"), (len(chorale) - 1, "V"))
    roll = Roll(chorale, chorale.onset, labels, tuple(rules.check(chorale)))
    piano_roll.draw({"marked": roll, "plain": chorale}, path)
    assert path.stat().st_size


def test_pictures_that_cannot_be_drawn_say_why(tmp_path):
    with pytest.raises(MusicaeError, match=r"hymn.wav: its name should end in one of .png"):
        piano_roll.draw(HYMN, tmp_path / "hymn.wav")
    with pytest.raises(MusicaeError, match="given has the shape"):
        Roll(HYMN, np.zeros((3, 4), dtype=bool))
    with pytest.raises(MusicaeError, match="outside"):
        Roll(HYMN, labels=((16, "I"),))
    with pytest.raises(MusicaeError, match="nothing to draw"):
        piano_roll.piano_roll({})
    with pytest.raises(MusicaeError, match="0 bars"):
        piano_roll.piano_roll(HYMN, bars=0)


def test_a_picture_too_long_for_pixels_is_no_png(tmp_path):
    with pytest.raises(MusicaeError, match="too long for a"):
        piano_roll.save(Page(10, 900), tmp_path / "long.png")
    assert not list(tmp_path.iterdir())
    piano_roll.save(Page(10, 900), tmp_path / "long.svg")


def test_notebooks_show_a_page_as_svg_and_its_size_in_words():
    page = piano_roll.piano_roll(LONG)
    assert page._repr_svg_() == page.svg()
    assert repr(page) == f"Page({page.width:.1f} x {page.height:.1f} inches)"


def test_without_typst_there_is_svg_only(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    piano_roll.draw(HYMN, tmp_path / "hymn.svg")
    for name in ("hymn.png", "hymn.pdf"):
        with pytest.raises(MusicaeError, match=r"need Typst: pip install 'musicae\[studio\]'"):
            piano_roll.draw(HYMN, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["hymn.svg"]
