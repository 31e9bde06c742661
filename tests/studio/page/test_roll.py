"""The piano roll: a tune is written, changed and selected by mouse, by touch and by keys."""

import json
import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.browser import PATIENCE

NOTES = re.compile(r"^soprano, ")
EIGHT = ["G4", "A4", "B4", "C5", "D5", "C5", "B4", "G4"]


@pytest.fixture
def phone(studio, open_page):
    return open_page(studio, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)


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


def test_eight_notes_are_drawn_by_mouse_and_taken_back(page):
    for index, pitch in enumerate(EIGHT):
        page.mouse.click(*place(page, 1 + index // 4, 1.5 + index % 4, pitch))
    wanted = [
        f"bar {1 + index // 4} beat {1 + index % 4}, {pitch[0]} {pitch[1]}, quarter"
        for index, pitch in enumerate(EIGHT)
    ]
    expect_notes(page, *wanted)
    page.get_by_role("button", name="Undo: draw a note").click()
    expect_notes(page, *wanted[:-1])
    page.get_by_role("button", name="Redo: draw a note").click()
    expect_notes(page, *wanted)


def test_a_drag_draws_a_longer_note_and_is_undone_at_once(page):
    drag(page, place(page, 1, 1.5, "G4"), place(page, 1, 3.5, "G4"))
    expect_notes(page, "bar 1 beat 1, G 4, dotted half")
    roll(page).focus()
    page.keyboard.press("Control+z")
    expect_notes(page)


def test_a_note_is_moved_lengthened_and_shortened(page):
    page.mouse.click(*place(page, 1, 1.5, "G4"))
    drag(page, place(page, 1, 1.5, "G4"), place(page, 2, 2.5, "B4"))
    expect_notes(page, "bar 2 beat 2, B 4, quarter")
    drag(page, place(page, 2, 2.95, "B4"), place(page, 2, 5, "B4"))
    expect_notes(page, "bar 2 beat 2, B 4, dotted half")
    drag(page, place(page, 2, 2.05, "B4"), place(page, 2, 3, "B4"))
    expect_notes(page, "bar 2 beat 3, B 4, half")
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect_notes(page, "bar 1 beat 1, G 4, quarter")


def test_a_new_note_shortens_or_replaces_what_it_covers(page):
    drag(page, place(page, 1, 1.5, "G4"), place(page, 1, 4.5, "G4"))
    page.mouse.click(*place(page, 1, 3.5, "C5"))
    expect_notes(page, "bar 1 beat 1, G 4, half", "bar 1 beat 3, C 5, quarter")
    page.mouse.click(*place(page, 1, 3.5, "A4"))
    expect_notes(page, "bar 1 beat 1, G 4, half", "bar 1 beat 3, A 4, quarter")


def test_notes_are_deleted_by_double_click_right_click_key_and_eraser(page):
    for beat in range(1, 5):
        page.mouse.click(*place(page, 1, beat + 0.5, "G4"))
    page.mouse.dblclick(*place(page, 1, 1.5, "G4"))
    page.mouse.click(*place(page, 1, 2.5, "G4"), button="right")
    expect_notes(page, "bar 1 beat 3, G 4, quarter", "bar 1 beat 4, G 4, quarter")
    page.mouse.click(*place(page, 1, 3.5, "G4"))
    page.keyboard.press("Delete")
    expect_notes(page, "bar 1 beat 4, G 4, quarter")
    page.get_by_role("button", name="Erase").click()
    drag(page, place(page, 1, 3.5, "G4"), place(page, 1, 4.6, "G4"))
    expect_notes(page)


def test_notes_in_a_rectangle_move_together(page):
    type_keys(page, "g a b")
    page.get_by_role("button", name="Select", exact=True).click()
    drag(page, place(page, 1, 2.1, "C5"), place(page, 1, 3.9, "G4"))
    expect(page.get_by_role("group", name="2 notes selected")).to_be_visible()
    drag(page, place(page, 1, 2.5, "A4"), place(page, 2, 2.5, "C5"))
    expect_notes(
        page,
        "bar 1 beat 1, G 4, quarter",
        "bar 2 beat 2, C 5, quarter",
        "bar 2 beat 3, D 5, quarter",
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


def test_bars_are_selected_in_the_ruler_and_locked(page):
    page.mouse.click(*ruler(page, 2))
    page.keyboard.down("Shift")
    page.mouse.click(*ruler(page, 4))
    page.keyboard.up("Shift")
    chosen = page.get_by_role("group", name="Bars 2 to 4 selected")
    chosen.get_by_role("button", name="Lock", exact=True).click()
    expect(page.get_by_role("group", name="bar 3, locked, selected")).to_be_visible()
    chosen.get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("group", name="bar 3, selected")).to_be_visible()
    drag(page, ruler(page, 1), ruler(page, 3))
    expect(page.get_by_role("group", name="Bars 1 to 3 selected")).to_be_visible()
    roll(page).focus()
    page.keyboard.press("Escape")
    expect(page.get_by_role("group", name="bar 3", exact=True)).to_be_visible()


def test_a_loop_is_dragged_and_a_click_moves_the_playhead(page):
    loop, head = page.locator(".loop"), page.locator(".playhead")
    (left, top), (right, _) = ruler(page, 1), ruler(page, 3)
    drag(page, (left, top + 25), (right, top + 25))
    box = loop.bounding_box()
    assert box["x"] == pytest.approx(left, abs=2)
    assert box["width"] == pytest.approx(right - left, abs=2)
    page.mouse.click(left + 10, top + 25)
    assert head.bounding_box()["x"] == pytest.approx(left, abs=2)
    drag(page, (right, top + 25), (ruler(page, 2)[0], top + 25))
    assert loop.bounding_box()["width"] == pytest.approx(box["width"] / 2, abs=2)
    page.mouse.dblclick(left + 10, top + 25)
    expect(loop).to_have_count(0)


def touch(page, *fingers):
    """Move fingers over the page, each through places of its own."""
    session = page.context.new_cdp_session(page)
    for step, places in enumerate(zip(*fingers, strict=True)):
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        kind = "touchMove" if step else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def between(start, end, steps=5):
    return [
        tuple(a + (b - a) * step / steps for a, b in zip(start, end, strict=True))
        for step in range(steps + 1)
    ]


def test_eight_notes_are_drawn_by_touch(phone):
    phone.get_by_role("button", name="Fit").tap()
    for index in range(8):
        phone.touchscreen.tap(*place(phone, 1 + index, 1.5, "G4" if index % 2 else "A4"))
    assert [each.split(",")[1] for each in notes(phone)] == [" A 4", " G 4"] * 4


def test_one_finger_draws_and_moves_and_two_scroll_and_zoom(phone):
    touch(phone, between(place(phone, 1, 1.5, "G4"), place(phone, 1, 2.5, "G4")))
    expect_notes(phone, "bar 1 beat 1, G 4, half")
    touch(phone, between(place(phone, 1, 2, "G4"), place(phone, 1, 3, "A4")))
    expect_notes(phone, "bar 1 beat 2, A 4, half")
    before = bar(phone, 1).bounding_box()
    left, right = place(phone, 1, 2, "G4"), place(phone, 1, 4, "G4")
    touch(phone, between(left, (left[0] - 60, left[1])), between(right, (right[0] - 60, right[1])))
    assert bar(phone, 1).bounding_box()["x"] < before["x"] - 50
    assert bar(phone, 1).bounding_box()["width"] == pytest.approx(before["width"], rel=0.02)
    touch(phone, between(left, left), between(right, (right[0] + 60, right[1])))
    assert bar(phone, 1).bounding_box()["width"] > before["width"] * 1.3
    expect_notes(phone, "bar 1 beat 2, A 4, half")


def test_of_two_hundred_bars_only_those_in_view_are_drawn(page):
    type_keys(page, "1 g a b c")
    for _ in range(6):
        type_keys(page, "Control+a Control+c End Control+v")
    type_keys(page, "Escape End")
    expect(bar(page, 256)).to_be_visible()
    assert page.get_by_role("group", name=re.compile(r"^bar \d+$")).count() < 20
    type_keys(page, "PageUp d")
    expect(page.get_by_role("img", name="soprano, bar 256 beat 1, D 5, whole")).to_be_visible()


def test_only_the_bar_that_changed_is_redrawn(page):
    type_keys(page, "1 g a b c")
    expect(page.get_by_role("img", name=re.compile("^bass, bar 4 beat 1,"))).to_be_visible()
    page.route("**/api/harmonize", lambda route: route.abort())
    page.evaluate("""() => {
        window.changed = new Set();
        new MutationObserver((all) => all.forEach(({ target }) => {
            const bar = target.closest("[aria-label^=bar]");
            if (bar) window.changed.add(bar.getAttribute("aria-label"));
        })).observe(document.getElementById("roll"), {
            subtree: true, childList: true, attributes: true, attributeFilter: ["aria-label"],
        });
    }""")
    type_keys(page, "Home PageDown Shift+ArrowUp")
    raised = re.compile("^soprano, bar 2 .* (A sharp|B flat)")
    expect(page.get_by_role("img", name=raised)).to_be_visible()
    assert page.evaluate("[...window.changed]") == ["bar 2"]


def test_the_view_follows_the_playhead_until_the_musician_scrolls(page):
    type_keys(page, "1 c c c c c c c c c c Control+ArrowLeft Control+Enter")
    scrolled = "document.getElementById('roll').scrollLeft"
    page.evaluate(f"{scrolled} = 0")
    page.keyboard.press(" ")
    eventually(lambda: page.evaluate(scrolled) > 100, True)
    page.mouse.move(*place(page, 6, 1, "G4"))
    page.mouse.wheel(-2000, 0)
    eventually(lambda: page.evaluate(scrolled), 0)
    head = page.locator(".playhead")
    before = head.bounding_box()["x"]
    eventually(lambda: head.bounding_box()["x"] > before + 10, True)
    assert page.evaluate(scrolled) == 0


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


def test_the_other_voices_appear_and_their_notes_can_be_locked(page):
    type_keys(page, "1 g")
    alto = page.get_by_role("img", name=re.compile("^alto, bar 1 beat 1,"))
    expect(alto).to_be_visible()
    box = alto.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(alto).to_have_attribute("aria-label", re.compile("selected$"))
    actions = page.get_by_role("group", name="1 note selected")
    actions.get_by_role("button", name="Lock", exact=True).click()
    expect(alto).to_have_attribute("aria-label", re.compile("locked, selected$"))
    before = alto.get_attribute("aria-label")
    with page.expect_response("**/api/harmonize"):
        actions.get_by_role("button", name="Rewrite").click()
    expect(alto).to_have_attribute("aria-label", before)


def test_what_breaks_a_rule_is_ringed_and_opened(page):
    broken = {
        "rule": "parallel fifths",
        "bach": 0,
        "start": 0,
        "end": 48,
        "bar": 1,
        "beat": 1,
        "voices": [0, 3],
        "text": "parallel fifths: soprano G4 A4, bass C3 D3",
        "why": "The two voices are heard as one.",
    }

    def with_break(route):
        answer = route.fetch()
        lines = [json.loads(line) for line in answer.text().splitlines() if line]
        lines[-1]["result"]["harmony"]["breaks"] = [broken]
        route.fulfill(response=answer, body="\n".join(map(json.dumps, lines)) + "\n")

    page.route("**/api/harmonize", with_break)
    type_keys(page, "g a b g")
    ring = page.get_by_role("button", name=broken["text"], pressed=False).first
    ring.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=broken["text"], pressed=True)).to_be_visible()
    page.unroute_all(behavior="wait")


def test_a_screen_reader_finds_nothing_wrong(page):
    type_keys(page, "1 g a Control+a")
    expect(page.get_by_role("img", name=re.compile("^bass, bar 2"))).to_be_visible()
    found = Axe().run(page, context=".roll").response["violations"]
    assert not [each["id"] for each in found if each["impact"] in ("serious", "critical")]


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
