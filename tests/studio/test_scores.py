"""The engraved score: SVG that the page's policy allows, with the times of its notes."""

from xml.etree import ElementTree as ET

import pytest

from musicae.studio.scores import ELEMENTS, LINK, SVG, inert
from tests.support.service import project


def scored(service, asked, **wishes):
    return service.result("/api/score", {"project": asked, **wishes})


def elements(pages):
    for page in pages:
        yield from ET.fromstring(page).iter()


def test_every_note_of_the_tune_has_its_time(service, harmonized):
    found = scored(service, harmonized)
    ids = {element.get("id") for element in elements(found["pages"])}
    assert all(set(each["ids"]) <= ids for each in found["times"])
    starts = {start for voice in harmonized["harmony"]["voices"] for start, *_ in voice}
    assert starts <= {each["at"] for each in found["times"]}


def test_triplets_are_drawn_where_they_begin(service):
    tune = [[0, 8, 67], [8, 8, 69], [16, 8, 71], [24, 72, 72]]
    asked = {"format": 1, "tune": tune, "length": 96}
    harmony = service.result("/api/harmonize", {"project": asked})["harmony"]
    found = scored(service, asked | {"harmony": harmony})
    assert {0, 8, 16, 24} <= {each["at"] for each in found["times"]}


@pytest.mark.parametrize("wishes", [{}, {"open": True, "numerals": True}, {"width": 400}])
def test_the_score_contains_nothing_active(service, harmonized, wishes):
    words = "<script>alert(1)</script> javascript:x la la la la la la"
    hostile = harmonized | {"title": "</svg><script>alert(1)</script>", "words": words}
    harmony = service.result("/api/harmonize", {"project": hostile})["harmony"]
    for element in elements(scored(service, hostile | {"harmony": harmony}, **wishes)["pages"]):
        assert element.tag.removeprefix(SVG) in ELEMENTS
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name not in ("style", "href")
            assert name != LINK or value.startswith("#")
            assert "url(" not in value


def test_lines_are_drawn_without_a_style_sheet(service, harmonized):
    lines = [e for e in elements(scored(service, harmonized)["pages"]) if e.tag == f"{SVG}path"]
    assert lines
    assert all(line.get("stroke") for line in lines)


def test_pages_are_as_wide_as_asked(service, harmonized):
    boxes = [
        ET.fromstring(scored(service, harmonized, width=width)["pages"][0]).get("viewBox")
        for width in (400, 800)
    ]
    narrow, wide = (float(box.split()[2]) for box in boxes)
    assert wide == pytest.approx(2 * narrow)


def test_numerals_words_and_staves_are_as_asked(service):
    asked = project(words="one two three four five six se-ven")
    harmony = service.result("/api/harmonize", {"project": asked})["harmony"]

    def texts(**wishes):
        pages = scored(service, asked | {"harmony": harmony}, **wishes)["pages"]
        return "".join("".join(element.itertext()) for element in elements(pages))

    assert "three" in texts()
    assert "three" not in texts(words=False)
    assert "V7" in texts(numerals=True) or "IV" in texts(numerals=True)
    staves = [
        sum(e.get("class") == "staff" for e in elements(scored(service, asked, open=each)["pages"]))
        for each in (False, True)
    ]
    assert staves[0] == staves[1] > 0  # a tune alone has one staff either way


@pytest.mark.parametrize(
    ("ensemble", "close", "open_"),
    [
        ("sab", ["Soprano", "Baritone"], ["Soprano", "Alto", "Baritone"]),
        ("piano", ["Piano"], ["Piano"]),
        ("brass", ["Trumpet 1", "Trombone"], ["Trumpet 1", "Trumpet 2", "Horn", "Trombone"]),
    ],
)
def test_ensembles_have_their_staves(service, ensemble, close, open_):
    asked = project(settings={"ensemble": ensemble})
    asked["harmony"] = service.result("/api/harmonize", {"project": asked})["harmony"]
    for wish, names in ((False, close), (True, open_)):
        found = list(elements(scored(service, asked, open=wish)["pages"]))
        texts = ["".join(e.itertext()) for e in found if e.get("class", "").startswith("label")]
        assert all(any(name in text for text in texts) for name in names)


@pytest.mark.parametrize(
    ("hostile", "clean"),
    [
        ("<script>x</script>", ""),
        ("<style>*{}</style>", ""),
        ('<a href="http://x"><path d=""/></a>', ""),
        ('<g onclick="x" style="x"/>', "<g />"),
        ('<use href="http://x/#a"/>', "<use />"),
        ('<use href="#a"/>', '<use href="#a" />'),
        ('<g fill="url(http://x)"/>', "<g />"),
        ("<foreignObject><b/></foreignObject>", ""),
        ("<image/><animate/><set/>", ""),
    ],
)
def test_active_content_is_removed(hostile, clean):
    around = '<svg xmlns="http://www.w3.org/2000/svg">'
    expected = f"{around}{clean}</svg>" if clean else f"{around[:-1]} />"
    assert inert(f"{around}{hostile}</svg>") == expected
