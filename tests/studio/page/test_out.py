"""What leaves the page: files that hold the tune exactly, MIDI to drag, the project itself."""

import base64
import re

import pytest
from playwright.sync_api import expect

from musicae import Project
from tests.studio.page.downloads import downloaded, saved_project, settle

QUARTER, BAR = 24, 96
TRIPLET, EIGHTH = 8, 12
TUNE = [
    *([i * TRIPLET, TRIPLET, pitch] for i, pitch in enumerate((67, 69, 71))),
    *([QUARTER + i * EIGHTH, EIGHTH, pitch] for i, pitch in enumerate((72, 71))),
    [2 * QUARTER, 2 * QUARTER, 69],
    [4 * QUARTER, 3 * QUARTER, 67],
]
PROJECT = {"title": "Für Anna", "tune": TUNE, "length": 2 * BAR}
FORMATS = {
    **{"MIDI": "mid", "MusicXML": "musicxml", "PDF": "pdf", "MP3": "mp3", "WAV": "wav"},
    **{"Audition pack": "pack", "Choir's kit": "kit"},
}
MORE_FORMATS = {
    **{"MXL": "mxl", "MEI": "mei", "ABC": "abc", "LilyPond": "ly", "SVG": "svg", "PNG": "png"},
    "Ogg": "ogg",
}
DRAG = """() => {
  const dataTransfer = new DataTransfer();
  const chip = document.querySelector("a.drag-chip");
  chip.dispatchEvent(new DragEvent("dragstart", { bubbles: true, dataTransfer }));
  return dataTransfer.getData("DownloadURL");
}"""


def open_panel(open_page, service, project=PROJECT, **settings):
    page = open_page(service, project, **settings)
    settle(page)
    page.get_by_role("tab", name="Export").click()
    return page


@pytest.fixture
def panel(open_page, studio):
    return open_panel(open_page, studio)


def tune_of(data, name):
    """The tune of a file's soprano, without velocities."""
    parts = Project.open_parts(data, name)
    soprano = next(part for part in parts if part.name.lower().startswith("soprano"))
    return [list(note[:3]) for note in soprano.project.tune]


def test_midi_holds_the_tune_exactly(panel):
    file, data = downloaded(panel, "MIDI")
    assert file == "Für Anna.mid"
    assert tune_of(data, file) == TUNE


def test_a_score_to_print(panel):
    file, data = downloaded(panel, "PDF")
    assert file == "Für Anna.pdf"
    assert data.startswith(b"%PDF")


def asked_of(page):
    """All that the service is asked to export from now on; it answers with bytes that say how."""
    asked = []

    def answer(route):
        asked.append(route.request.post_data_json)
        body = asked[-1]["format"]
        head = {"Content-Disposition": f'attachment; filename="a.{body}"'}
        route.fulfill(body=body, headers=head)

    page.route("**/api/export", answer)
    return asked


@pytest.mark.parametrize("formats", [FORMATS, MORE_FORMATS])
def test_each_button_saves_what_it_says(
    panel, formats
):  # Chromium saves ten files quickly, no more
    asked_of(panel)
    panel.get_by_text("More formats").click()
    for name, form in formats.items():
        assert downloaded(panel, name) == (f"a.{form}", form.encode())


def test_an_audition_pack_holds_all_alternatives(panel):
    panel.get_by_role("button", name="Make alternatives").click()
    panel.get_by_role("button", name=re.compile("^B ")).click()
    expect(panel.get_by_text("Alternative B, which you hear, is exported")).to_be_visible()
    settle(panel)
    heard = saved_project(panel)["harmony"]
    asked = asked_of(panel)
    downloaded(panel, "Audition pack")
    (pack,) = (each for each in asked if each["format"] == "pack")
    assert pack["project"]["harmony"] == heard
    assert pack["alternatives"]
    assert heard["voices"] not in [other["voices"] for other in pack["alternatives"]]


def test_options_are_written(panel):
    plain = downloaded(panel, "MusicXML")[1]
    panel.get_by_label("Chord symbols and numerals").check()
    panel.get_by_label("A piano part").check()
    full = downloaded(panel, "MusicXML")[1]
    for sign in (b"<harmony", b"Piano"):
        assert sign not in plain
        assert sign in full


def test_midi_is_dragged_out(panel):
    chip = panel.get_by_role("link", name="Drag Für Anna.mid into your DAW")
    expect(chip).to_have_attribute("draggable", "true")
    kind, name, address = panel.evaluate(DRAG).split(":", 2)
    assert (kind, name) == ("audio/midi", "Für Anna.mid")
    prefix, content = address.split(",", 1)
    assert prefix == "data:audio/midi;base64"
    assert tune_of(base64.b64decode(content), name) == TUNE


def test_the_file_to_drag_follows_the_tune(panel):
    panel.get_by_role("link", name="Drag Für Anna.mid").wait_for()
    panel.get_by_label("Title of the piece").fill("Other")
    expect(panel.get_by_role("link", name="Drag Other.mid")).to_be_visible()


def test_a_project_file_opens_again_with_all_locks_and_plans(open_page, studio):
    locks = {"voices": [3], "bars": [2], "notes": [[1, 0]], "chords": []}
    locks["chords"] = [{"start": 48, "length": 48, "name": "D"}]
    wishes = {"locks": locks, "phrases": [{"at": 96, "cadence": "authentic"}]}
    page = open_panel(open_page, studio, PROJECT | wishes)
    project = saved_project(page)
    assert project["locks"] == locks
    assert project["harmony"]["plan"]
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the project file").click()
    assert saving.value.suggested_filename == "Für Anna.musicae"
    page.get_by_role("button", name="New", exact=True).click()
    expect(page.get_by_label("Title of the piece")).to_have_value("")
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Open").click()
    choosing.value.set_files(
        {
            "name": "a.musicae",
            "mimeType": "application/json",
            "buffer": saving.value.path().read_bytes(),
        }
    )
    expect(page.get_by_label("Title of the piece")).to_have_value("Für Anna")
    settle(page)
    assert saved_project(page) == project


def test_the_project_is_saved_without_the_service(panel):
    page = panel
    page.route("**/api/**", lambda route: route.abort())
    page.get_by_role("button", name="PDF", exact=True).click()
    expect(page.locator(".out .wrong")).to_contain_text("The service does not answer")
    page.get_by_label("Title of the piece").focus()
    assert saved_project(page)["tune"] == TUNE


def test_a_slow_export_is_cancelled(panel):
    panel.route("**/api/export", lambda _: None)
    panel.get_by_role("button", name="Choir's kit", exact=True).click()
    expect(panel.get_by_text("Choir's kit is being made")).to_be_visible()
    panel.get_by_role("button", name="Cancel").click()
    expect(panel.get_by_text("Choir's kit is being made")).to_be_hidden()
    panel.unroute("**/api/export")
    assert downloaded(panel, "MIDI")[0] == "Für Anna.mid"


def test_what_is_missing_is_said(panel):
    error = (
        '{"error": {"message": "engraved scores need Verovio: pip install \'musicae[studio]\'"}}'
    )
    panel.route(
        "**/api/export",
        lambda route: route.fulfill(status=422, content_type="application/json", body=error),
    )
    panel.get_by_role("button", name="PDF", exact=True).click()
    expect(panel.get_by_text("engraved scores need Verovio")).to_be_visible()


def test_a_narrow_page(studio, open_page):
    page = open_panel(open_page, studio, viewport={"width": 390, "height": 800})
    assert downloaded(page, "MIDI")[0] == "Für Anna.mid"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
