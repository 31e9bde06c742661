"""What leaves the page: files that hold the tune exactly, MIDI to drag, the project itself."""

import base64
import io
import re
import zipfile

import pytest
import soundfile
from playwright.sync_api import expect

from musicae import Project
from tests.studio.page.conftest import Studio
from tests.studio.page.downloads import downloaded, saved_project, settle
from tests.studio.page.opening import open_project

QUARTER, BAR = 24, 96
TRIPLET, EIGHTH = 8, 12
TUNE = [
    *([i * TRIPLET, TRIPLET, pitch] for i, pitch in enumerate((67, 69, 71))),
    *([QUARTER + i * EIGHTH, EIGHTH, pitch] for i, pitch in enumerate((72, 71))),
    [2 * QUARTER, 2 * QUARTER, 69],
    [4 * QUARTER, 3 * QUARTER, 67],
]
PROJECT = {"title": "Für Anna", "tune": TUNE, "length": 2 * BAR}
DRAG = """() => {
  const dataTransfer = new DataTransfer();
  const chip = document.querySelector("a.drag-chip");
  chip.dispatchEvent(new DragEvent("dragstart", { bubbles: true, dataTransfer }));
  return dataTransfer.getData("DownloadURL");
}"""


def open_panel(page, service, project=PROJECT):
    open_project(page, service, project)
    settle(page)
    page.get_by_role("tab", name="Export").click()


@pytest.fixture
def panel(page, studio):
    open_panel(page, studio)
    return page


def tune_of(data, name):
    """The tune of a file's soprano, without velocities."""
    parts = Project.open_parts(data, name)
    soprano = next(part for part in parts if part.name.lower().startswith("soprano"))
    return [list(note[:3]) for note in soprano.project.tune]


def test_downloads_hold_the_tune_exactly(panel):
    panel.get_by_text("More formats").click()
    for name in ("MIDI", "MusicXML", "MXL", "MEI"):
        file, data = downloaded(panel, name)
        assert file.startswith("Für Anna.")
        assert tune_of(data, file) == TUNE


def test_other_formats_are_what_they_say(panel):
    panel.get_by_text("More formats").click()
    begins = {"ABC": b"X:1", "LilyPond": b"\\version", "SVG": b"<svg", "PNG": b"\x89PNG"}
    for name, start in begins.items():
        assert downloaded(panel, name)[1].lstrip().startswith(start)


def test_a_score_to_print(panel):
    file, data = downloaded(panel, "PDF")
    assert file == "Für Anna.pdf"
    assert data.startswith(b"%PDF")


def test_sound_lasts_as_long_as_the_piece(panel):
    for name in ("WAV", "MP3"):
        _, data = downloaded(panel, name)
        samples, rate = soundfile.read(io.BytesIO(data))
        assert len(samples) / rate >= 2 * 4 * 60 / 120
        assert abs(samples).max() > 0.01


def test_an_audition_pack_holds_all_alternatives(panel):
    panel.get_by_role("button", name="Make alternatives").click()
    panel.get_by_role("button", name=re.compile("^B ")).click()
    expect(panel.get_by_text("Alternative B, which you hear, is exported")).to_be_visible()
    heard = saved_project(panel)["harmony"]["voices"][3]
    _, data = downloaded(panel, "Audition pack")
    archive = zipfile.ZipFile(io.BytesIO(data))
    pieces = sorted(name for name in archive.namelist() if re.search(r"Anna-\d\.mid$", name))
    assert len(pieces) >= 2
    assert {"report.html", "audition.mid"} <= {name.split("/")[-1] for name in archive.namelist()}
    assert all(tune_of(archive.read(name), "a.mid") == TUNE for name in pieces)
    first = Project.open_parts(archive.read(pieces[0]), "a.mid")
    bass = next(part for part in first if part.name == "Bass").project.tune
    assert [list(note[:3]) for note in bass] == [note[:3] for note in heard]


def test_a_choirs_kit(page, studio):
    open_panel(
        page, studio, PROJECT | {"tune": [[0, BAR, 67]], "length": BAR, "tempos": [[0, 240]]}
    )
    _, data = downloaded(page, "Choir's kit")
    names = {name.split("/", 1)[1] for name in zipfile.ZipFile(io.BytesIO(data)).namelist()}
    assert "practice.html" in names
    for voice in ("soprano", "alto", "tenor", "bass"):
        assert any(re.fullmatch(rf"{voice}/.*-front-100\.mp3", name) for name in names)


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


def test_a_project_file_opens_again_with_all_locks_and_plans(page, studio):
    locks = {"voices": [3], "bars": [2], "notes": [[1, 0]], "chords": []}
    locks["chords"] = [{"start": 48, "length": 48, "name": "D"}]
    wishes = {"locks": locks, "phrases": [{"at": 96, "cadence": "authentic"}]}
    open_panel(page, studio, PROJECT | wishes)
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


def test_the_project_is_saved_without_the_service(open_page):
    service = Studio.start("--port", 0)
    page = open_page(service)
    open_panel(page, service)
    service.stop()
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
    page = open_page(studio, viewport={"width": 390, "height": 800})
    open_panel(page, studio)
    assert downloaded(page, "MIDI")[0] == "Für Anna.mid"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
