"""What tests of the piano roll do and see in common."""

import re
import time

from tests.support.browser import PATIENCE

NOTES = re.compile(r"^soprano, ")


def roll(page):
    return page.get_by_role("application", name="Piano roll")


def told(page):
    return page.get_by_role("region", name="Piano roll").get_by_role("status")


def notes(page):
    """The tune that is seen, such as ``bar 1 beat 2, G 4, quarter``."""
    seen = page.get_by_role("img", name=NOTES)
    labels = seen.evaluate_all("notes => notes.map((note) => note.getAttribute('aria-label'))")
    return [label.removeprefix("soprano, ").removesuffix(", selected") for label in labels]


def eventually(look, wanted):
    """Ask the page again until it shows what is wanted."""
    missed = time.monotonic() + PATIENCE
    while (seen := look()) != wanted and time.monotonic() < missed:
        time.sleep(0.05)
    assert seen == wanted


def expect_notes(page, *wanted):
    eventually(lambda: notes(page), list(wanted))


def bar(page, number):
    return page.get_by_role("group", name=re.compile(rf"^bar {number}\b"))


def place(page, number, beat, pitch):
    """The pixels of a place in the roll; ``beat`` 1.5 is the middle of the first of four."""
    column = bar(page, number).bounding_box()
    octave = page.locator(".roll-keys").get_by_text(f"C{pitch[-1]}", exact=True).bounding_box()
    above = "C D EF G A B".index(pitch[0])
    return (
        column["x"] + (beat - 1) * column["width"] / 4,
        octave["y"] + octave["height"] * (0.5 - above),
    )


def ruler(page, number):
    box = bar(page, number).bounding_box()
    top = roll(page).bounding_box()
    return box["x"] + box["width"] / 2, top["y"] + 10


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()


def type_keys(page, keys):
    roll(page).focus()
    for key in keys.split():
        page.keyboard.press(key)
