"""Recording by the computer's keys, the piano on the page, and a MIDI keyboard."""

import pytest
from playwright.sync_api import expect

from tests.support.studio_page import STEPS, button, choice, close_panel, pause_clock, saved

MIDI_KEYBOARD = """() => {
  window.keyboard = { id: "1", name: "Little keys", state: "connected", onmidimessage: null };
  const access = { inputs: new Map([["1", keyboard]]), onstatechange: null };
  Object.defineProperty(navigator, "requestMIDIAccess", { value: async () => access });
}"""
MIDI_MESSAGE = """(bytes) => keyboard.onmidimessage({
  data: Uint8Array.from(bytes), timeStamp: performance.now(),
})"""


def play(page, *keys):
    """Press keys one after another, each for some milliseconds of the page's clock."""
    for key, milliseconds in keys:
        page.keyboard.down(key)
        page.clock.run_for(milliseconds)
        page.keyboard.up(key)


@pytest.fixture
def clocked(studio, open_page):
    return open_page(studio, clock=True)


@pytest.fixture
def stopped(clocked):
    """The page with a clock that only goes on when it is told to; a quarter takes 600 ms."""
    clocked.get_by_label("Tempo in quarters a minute").fill("100")
    clocked.get_by_label("Tempo in quarters a minute").press("Enter")
    button(clocked, "Record").focus()
    pause_clock(clocked)
    return clocked


COUNT_IN = 150 + 4 * 600
"""Milliseconds from the button to the first beat."""


def test_recording_by_the_computers_keys(stopped):
    page = stopped
    choice(page, "Grid").select_option("1/8")
    page.keyboard.press("r")
    page.clock.run_for(COUNT_IN - 900)
    expect(page.get_by_role("status", name="Count-in")).to_have_text("3")
    page.clock.run_for(900)

    play(page, ("a", 620), ("s", 560))
    expect(page.locator(".note.voice-0")).to_have_count(2)
    play(page, ("d", 640), ("w", 280), ("x", 10), ("a", 900))
    page.keyboard.press("Escape")
    page.clock.resume()

    project = saved(page, lambda project: project["tune"])
    assert project["tune"] == [
        [0, 24, 60],
        [24, 24, 62],
        [48, 24, 64],
        [72, 12, 61],
        [84, 36, 72],
    ]
    expect(button(page, "Record")).to_be_visible()
    button(page, "Undo: recording").click()
    assert not saved(page, lambda project: not project["tune"])["tune"]


def test_recording_triplets_replaces_what_was_there(studio, open_page):
    page = open_page(studio, STEPS, clock=True)
    before = saved(page, lambda project: project["tune"])
    pause_clock(page)
    choice(page, "Grid").select_option("1/8 triplets")
    button(page, "Recording settings").click()
    choice(page, "Count-in").select_option("none")
    close_panel(page)
    button(page, "Record").click()
    page.clock.run_for(150)

    play(page, ("g", 200), ("h", 200), ("j", 200))
    page.keyboard.press("r")
    page.clock.resume()

    after = saved(page, lambda project: project["tune"] != before["tune"])
    assert after["tune"][:3] == [[0, 8, 67], [8, 8, 69], [16, 8, 71]]
    assert after["tune"][3:] == before["tune"][1:]


def test_a_take_without_notes_changes_nothing(stopped):
    stopped.keyboard.press("r")
    stopped.clock.run_for(COUNT_IN + 1000)
    stopped.keyboard.press(" ")

    expect(stopped.get_by_text("Nothing was played")).to_be_visible()
    expect(button(stopped, "Undo: change of tempo")).to_be_enabled()


def test_recording_by_a_midi_keyboard(stopped):
    page = stopped
    page.evaluate(MIDI_KEYBOARD)
    button(page, "Recording settings").click()
    button(page, "Find MIDI keyboards").click()
    expect(choice(page, "Instrument")).to_have_value("1")
    close_panel(page)
    button(page, "Record").click()
    page.clock.run_for(COUNT_IN - 40)

    for pitch, velocity, milliseconds in ((67, 100, 640), (69, 41, 600)):
        page.evaluate(MIDI_MESSAGE, [0x90, pitch, velocity])
        page.clock.run_for(milliseconds)
        page.evaluate(MIDI_MESSAGE, [0x90, pitch, 0])
    button(page.get_by_role("group", name="Recording"), "Stop").click()
    page.clock.resume()

    project = saved(page, lambda project: project["tune"])
    assert project["tune"] == [[0, 24, 67, 100], [24, 24, 69, 41]]


def test_midi_keyboards_that_are_refused(page):
    page.evaluate(
        """() => Object.defineProperty(navigator, "requestMIDIAccess", {
          value: async () => { throw new DOMException("no", "NotAllowedError"); },
        })"""
    )
    button(page, "Recording settings").click()
    button(page, "Find MIDI keyboards").click()

    expect(page.locator(".notice.error")).to_contain_text("does not allow MIDI keyboards")


def test_the_piano_is_played_with_the_mouse(stopped):
    page = stopped
    button(page, "Recording settings").click()
    page.get_by_label("Play without recording").check()
    close_panel(page)
    button(page, "Record").click()
    page.clock.run_for(COUNT_IN)

    key = page.get_by_role("group", name="Piano").get_by_role("button", name="E 4")
    key.hover()
    page.mouse.down()
    page.clock.run_for(1200)
    page.mouse.up()
    page.keyboard.press("r")
    page.clock.resume()

    assert saved(page, lambda project: project["tune"])["tune"] == [[0, 48, 64]]
