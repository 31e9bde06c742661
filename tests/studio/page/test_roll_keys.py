"""The piano roll by keys alone, and what it reads aloud."""

import json
import re

from playwright.sync_api import expect

from tests.support.roll import (
    eventually,
    expect_notes,
    notes,
    place,
    roll,
    told,
    type_keys,
)


def test_a_tune_is_written_by_keys_alone(page):
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(roll(page)).to_be_focused()
    type_keys(page, "8 c d 4 e . f 2 g 6 b")
    expect_notes(
        page,
        "bar 1 beat 1, C 5, eighth",
        "bar 1 beat 1 1/2, D 5, eighth",
        "bar 1 beat 2, E 5, quarter",
        "bar 1 beat 3, F 5, dotted quarter",
        "bar 1 beat 4 1/2, G 5, half",
        "bar 2 beat 2 1/2, B 5, sixteenth",
    )
    type_keys(page, "Shift+ArrowLeft Backspace Home Control+ArrowRight Shift+ArrowRight Enter")
    expect_notes(
        page,
        "bar 1 beat 1, C 5, eighth",
        "bar 1 beat 2 1/4, E 5, dotted eighth",
        "bar 1 beat 3, F 5, dotted quarter",
        "bar 1 beat 4 1/2, G 5, half",
    )


def test_letters_write_the_notes_of_the_key_that_is_chosen(page):
    page.get_by_role("combobox", name="Key").select_option("D major")
    type_keys(page, "f g c")
    expect_notes(
        page,
        "bar 1 beat 1, F sharp 4, quarter",
        "bar 1 beat 2, G 4, quarter",
        "bar 1 beat 3, C sharp 5, quarter",
    )


def test_the_cursor_is_read_aloud(page):
    type_keys(page, "g a Home")
    expect(told(page)).to_have_text("bar 1 beat 1, A 4, tune G 4")
    page.keyboard.press("Control+ArrowRight")
    expect(told(page)).to_have_text(re.compile("^bar 1 beat 2, A 4, soprano quarter"))
    page.keyboard.press("PageDown")
    expect(told(page)).to_have_text("bar 2 beat 1, A 4, rest")
    page.keyboard.press("Shift+PageDown")
    expect(told(page)).to_have_text("Bar 2 selected")


def test_notes_are_changed_copied_and_pasted_by_keys(page):
    type_keys(page, "b a Home Shift+ArrowUp Control+Shift+ArrowUp")
    first = "bar 1 beat 1, C 6, quarter"
    expect_notes(page, first, "bar 1 beat 2, A 4, quarter")
    type_keys(page, "Control+ArrowRight Control+Shift+ArrowRight")
    expect_notes(page, first, "bar 1 beat 3, A 4, quarter")
    type_keys(page, "Control+a Control+c Escape PageDown Control+v")
    eventually(
        lambda: notes(page)[2:], ["bar 2 beat 1, C 6, quarter", "bar 2 beat 3, A 4, quarter"]
    )
    type_keys(page, "Control+x")
    expect_notes(page, first, "bar 1 beat 3, A 4, quarter")


def test_triplets_are_written_by_keys_and_by_mouse(page):
    type_keys(page, "3 c d e")
    page.mouse.click(*place(page, 1, 2.4, "G4"))
    expect_notes(
        page,
        "bar 1 beat 1, C 5, eighth of a triplet",
        "bar 1 beat 1 1/3, D 5, eighth of a triplet",
        "bar 1 beat 1 2/3, E 5, eighth of a triplet",
        "bar 1 beat 2 1/3, G 4, eighth of a triplet",
    )


def test_a_pickup_is_bar_0_and_has_the_last_beats_of_a_bar(page):
    project = {"format": 1, "pickup": 36, "length": 36 + 192, "tune": [[12, 24, 67]]}
    buffer = json.dumps(project).encode()
    page.locator("input[type=file]").set_input_files(
        {"name": "pickup.musicae", "mimeType": "application/json", "buffer": buffer}
    )
    expect_notes(page, "bar 0 beat 4, G 4, quarter")
    type_keys(page, "Home")
    expect(told(page)).to_have_text(re.compile("^bar 0 beat 3 1/2, "))
    type_keys(page, "4 ArrowRight")
    expect(told(page)).to_have_text(re.compile("^bar 0 beat 4, "))
    type_keys(page, "ArrowRight")
    expect(told(page)).to_have_text(re.compile("^bar 1 beat 1, "))


def test_german(studio, open_page):
    page = open_page(studio, locale="de-DE")
    page.get_by_role("application", name="Pianorolle").focus()
    for key in ("h", "b", "Home"):
        page.keyboard.press(key)
    labels = page.get_by_role("img", name=re.compile("^Sopran, "))
    expect(labels).to_have_count(2)
    expect(labels.first).to_have_accessible_name("Sopran, Takt 1 Schlag 1, H 4, Viertel")
    expect(labels.last).to_have_accessible_name(
        re.compile("^Sopran, Takt 1 Schlag 2, (B|Ais) 4, Viertel$")
    )
