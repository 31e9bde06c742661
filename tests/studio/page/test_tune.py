"""The tune's tools: files, examples, meters and bars, phrase ends."""

import re

import pytest
from playwright.sync_api import expect

from musicae.core.key import Key
from tests.studio.page.conftest import Studio
from tests.support.paths import ROOT
from tests.support.studio_page import (
    ABC,
    STEPS,
    button,
    choice,
    close_panel,
    drop,
    pause_clock,
    pitches,
    saved,
)

MUSICXML = """<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0">
  <part-list>
    <score-part id="P1"><part-name>Flute</part-name></score-part>
    <score-part id="P2"><part-name>Cello</part-name></score-part>
  </part-list>
  <part id="P1"><measure number="1">
    <attributes><divisions>1</divisions><time><beats>2</beats><beat-type>4</beat-type></time></attributes>
    <note><pitch><step>E</step><octave>5</octave></pitch><duration>1</duration></note>
    <note><pitch><step>D</step><octave>5</octave></pitch><duration>1</duration></note>
  </measure></part>
  <part id="P2"><measure number="1">
    <attributes><divisions>1</divisions><time><beats>2</beats><beat-type>4</beat-type></time></attributes>
    <note><pitch><step>C</step><octave>3</octave></pitch><duration>2</duration></note>
  </measure></part>
</score-partwise>
"""


def count_of_bars(page, number):
    expect(button(page, f"Number of bars: {number}")).to_be_visible()


@pytest.fixture
def steps(studio, open_page):
    """The page with a tune of four bars in F major, after a pickup of a quarter."""
    return open_page(studio, STEPS)


def test_a_midi_file_dropped(page):
    drop(page, "ode.mid", (ROOT / "data/melodies/ode_to_joy.mid").read_bytes())

    project = saved(page, lambda project: project["tune"])

    assert pitches(project)[:4] == [64, 64, 65, 67] or len(project["tune"]) > 20
    expect(button(page, "Undo: opening ode.mid")).to_be_enabled()


def test_an_abc_file_dropped(page):
    drop(page, "steps.abc", ABC)

    project = saved(page, lambda project: project["tune"])
    opened = project | {"tune": [note[:3] for note in project["tune"]]}
    assert {name: opened[name] for name in STEPS} == STEPS
    expect(button(page, "Meter: 3/4")).to_be_visible()
    expect(page.get_by_label("Tempo in quarters a minute")).to_have_value("100")
    expect(choice(page, "Key")).to_have_value("F major")


def test_a_part_of_several_is_chosen(studio, open_page):
    page = open_page(studio, clock=True)
    drop(page, "duo.musicxml", MUSICXML)
    dialog = page.get_by_role("dialog", name="Which part of duo.musicxml is the tune?")
    expect(dialog.get_by_role("radio", name="Flute 2 notes")).to_be_checked()
    pause_clock(page)
    button(dialog, "Hear Cello").click()
    button(dialog, "Stop").click()
    expect(button(dialog, "Hear Cello")).to_be_visible()
    page.clock.resume()

    dialog.get_by_role("radio", name="Cello").check()
    button(dialog, "Open this part").click()

    expect(dialog).to_be_hidden()
    assert pitches(saved(page, lambda project: project["tune"])) == [48]


def test_no_part_is_chosen(page):
    drop(page, "duo.musicxml", MUSICXML)
    dialog = page.get_by_role("dialog")
    button(dialog, "Cancel").click()

    expect(dialog).to_be_hidden()
    expect(button(page, "Undo")).to_be_disabled()


def test_a_file_that_is_chosen(page):
    with page.expect_file_chooser() as chooser:
        button(page, "Open…").click()
    chooser.value.set_files({"name": "s.abc", "mimeType": "text/plain", "buffer": ABC.encode()})

    expect(page.get_by_label("Title of the piece")).to_have_value("Three Steps")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("tune.mid", b"MThd and no more", "tune.mid"),
        ("tune.doc", b"words", "cannot be opened"),
        ("large.mid", 9 * 2**20, "is too large"),
    ],
)
def test_a_file_that_cannot_be_read(page, name, content, says):
    drop(page, name, content)

    expect(page.locator(".notice.error")).to_contain_text(says)
    expect(button(page, "Undo")).to_be_disabled()


def test_the_first_harmonized_tune_by_one_click(page):
    expect(page.get_by_text("begin with an example:")).to_be_visible()

    page.locator(".roll-hint button").first.click()

    expect(page.locator(".roll-hint")).to_be_hidden()
    project = saved(page, lambda project: project["harmony"])
    assert [bool(voice) for voice in project["harmony"]["voices"]] == [True] * 4


def test_examples_by_the_keyboard(page):
    button(page, "Examples").focus()
    page.keyboard.press("Enter")
    examples = page.get_by_role("dialog", name="Examples")
    names = examples.get_by_role("button").all_inner_texts()
    expect(examples.get_by_role("button").first).to_be_focused()
    page.keyboard.press("Enter")

    expect(examples).to_be_hidden()
    expect(button(page, "Examples")).to_be_focused()
    expect(button(page, f"Undo: opening {names[0]}")).to_be_enabled()


def test_a_new_piece_can_be_undone(steps):
    button(steps, "New").click()
    assert saved(steps, lambda project: not project["tune"])["title"] == ""

    button(steps, "Undo: new piece").click()

    assert saved(steps, lambda project: project["tune"])["title"] == "Three Steps"


def test_a_meter_moves_bar_lines_but_no_notes(steps):
    before = saved(steps, lambda project: project["tune"])
    button(steps, "Meter: 3/4").click()
    button(steps, "4/4").click()

    after = saved(steps, lambda project: project["meters"][0] == [0, 4, 4])
    assert after["tune"] == before["tune"]
    assert (after["length"] - 24) % 96 == 0
    close_panel(steps)
    button(steps, "Undo: change of meter").click()
    expect(button(steps, "Meter: 3/4")).to_be_visible()


def test_a_meter_from_a_bar_on(steps):
    button(steps, "Meter: 3/4").click()
    steps.get_by_role("spinbutton", name="From bar").fill("3")
    steps.get_by_role("spinbutton", name="From bar").press("Tab")
    steps.get_by_label("Another meter").fill("5/8")
    steps.get_by_label("Another meter").press("Enter")

    project = saved(steps, lambda project: len(project["meters"]) == 2)
    assert project["meters"] == [[0, 3, 4], [24 + 2 * 72, 5, 8]]
    expect(button(steps, "Meter: 3/4…")).to_be_visible()


def test_what_is_no_meter(steps):
    button(steps, "Meter: 3/4").click()
    steps.get_by_label("Another meter").fill("3/5")
    steps.get_by_label("Another meter").press("Enter")

    expect(steps.locator(".notice.error")).to_contain_text("“3/5” cannot be used as a meter")


def test_a_pickup(steps):
    button(steps, "Meter: 3/4").click()
    choice(steps, "Pickup").select_option("none")

    project = saved(steps, lambda project: project["tune"] and project["pickup"] == 0)
    assert project["length"] % 72 == 0
    close_panel(steps)
    button(steps, "Undo: change of pickup").click()
    assert saved(steps, lambda project: project["pickup"])["pickup"] == 24


def test_bars_are_added_inserted_and_deleted(steps):
    whole = saved(steps, lambda project: project["harmony"])
    button(steps, "Number of bars: 4").click()
    button(steps, "Add a bar at the end").click()
    count_of_bars(steps, 5)
    button(steps, "Remove the last bar").click()
    count_of_bars(steps, 4)
    button(steps, "Insert a bar before bar 1").click()
    count_of_bars(steps, 5)

    moved = saved(steps, lambda project: project["tune"][1][0] == 96)
    assert moved["tune"][0] == whole["tune"][0]
    assert [note[0] for note in moved["tune"][1:]] == [note[0] + 72 for note in whole["tune"][1:]]

    button(steps, "Delete bar 0").click()
    expect(button(steps, "Delete bar 1")).to_be_visible()
    project = saved(steps, lambda project: project["pickup"] == 0)
    assert pitches(project) == pitches(whole)[1:]


def test_the_harmony_stays_where_a_bar_is_inserted(steps):
    before = saved(steps, lambda project: project["harmony"])["harmony"]["voices"][3]
    button(steps, "Number of bars: 4").click()
    button(steps, "Insert a bar before bar 1").click()

    after = saved(steps, lambda project: project["harmony"]["plan"] and project["length"] > 312)
    bass = after["harmony"]["voices"][3]
    assert [pitch for start, _, pitch in bass if start >= 96] == [
        pitch for start, _, pitch in before if start >= 24
    ]


def test_key_tempo_and_voice(steps):
    choice(steps, "Key").select_option("D dorian")
    steps.get_by_label("Tempo in quarters a minute").fill("72")
    steps.get_by_label("Tempo in quarters a minute").press("Enter")
    choice(steps, "Voice").select_option("tenor")

    project = saved(steps, lambda project: project["voice"] == 2)
    assert (project["key"], project["tempos"]) == ("D dorian", [[0, 72]])
    for what in ("change of the tune's voice", "change of tempo", "change of key"):
        button(steps, f"Undo: {what}").click()
    project = saved(steps, lambda project: project["key"] == "F major")
    assert (project["voice"], project["tempos"]) == (0, [[0, 100]])


def test_every_key_can_be_asked_for(page):
    offered = choice(page, "Key").locator("optgroup option")
    names = offered.evaluate_all("options => options.map((option) => option.value)")

    assert len(names) == 90
    assert len({Key.parse(name) for name in names}) == 90


def test_phrase_ends(steps):
    saved(steps, lambda project: project["harmony"])
    steps.keyboard.press("p")

    ends = saved(steps, lambda project: project["phrases"])["phrases"]
    assert {"at": 0, "cadence": None} in ends
    assert len(ends) > 1
    expect(button(steps, "Phrase end")).to_have_attribute("aria-pressed", "true")
    button(steps, "Phrase end").click()
    project = saved(steps, lambda project: len(project["phrases"]) == len(ends) - 1)
    assert all(end["at"] for end in project["phrases"])


def test_a_phrase_end_at_the_cursor_of_the_roll(steps):
    saved(steps, lambda project: project["harmony"])
    steps.get_by_role("application").focus()
    steps.keyboard.press("Control+ArrowRight")

    steps.keyboard.press("p")

    project = saved(steps, lambda project: project["phrases"])
    assert 24 in [end["at"] for end in project["phrases"]]


def test_cadences(steps):
    found = saved(steps, lambda project: project["harmony"])["harmony"]["phrases"]
    ends = steps.get_by_role("region", name="Phrase ends")
    cadence = ends.get_by_role("combobox", name="Cadence at bar 2, beat 1")
    cadence.select_option("half")

    project = saved(steps, lambda project: project["phrases"])
    assert [end["at"] for end in project["phrases"]] == found
    assert {"at": 96, "cadence": "half"} in project["phrases"]
    button(ends, "Remove the phrase end at bar 2, beat 1").click()
    expect(cadence).to_be_hidden()
    button(ends, "Find them in the tune again").click()
    expect(cadence).to_have_value("")


def test_the_tools_fold_on_a_narrow_screen(studio, open_page):
    page = open_page(studio, viewport={"width": 390, "height": 844})
    more = button(page, "More")
    expect(choice(page, "Key")).to_be_hidden()
    more.click()

    expect(choice(page, "Key")).to_be_visible()
    expect(more).to_have_attribute("aria-expanded", "true")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_german(studio, open_page):
    page = open_page(studio, locale="de-DE")
    expect(button(page, "Öffnen…")).to_be_visible()
    names = choice(page, "Tonart").locator("option").all_inner_texts()

    assert {"B-Dur", "H-Dur", "fis-Moll", "Es-Dur", "as-Moll", "D dorisch"} <= set(names)


def test_the_file_of_the_command_line(open_page, tmp_path):
    file = tmp_path / "steps.abc"
    file.write_text(ABC)
    service = Studio.start(file, "--port", 0)
    try:
        page = open_page(service)
        expect(page.get_by_label("Title of the piece")).to_have_value("Three Steps")
        button(page, "New").click()
        saved(page, lambda project: project["title"] == "")
        page.reload()
        expect(page.get_by_label("Title of the piece")).to_have_value("")
        assert re.search(r"#token", page.url) is None
    finally:
        service.stop()
