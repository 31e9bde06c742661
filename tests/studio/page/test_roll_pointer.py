"""The piano roll: notes, bars and the loop by mouse and by touch."""

import pytest
from playwright.sync_api import expect

from tests.support.roll import (
    bar,
    drag,
    eventually,
    expect_notes,
    notes,
    place,
    roll,
    ruler,
    type_keys,
)

EIGHT = ["G4", "A4", "B4", "C5", "D5", "C5", "B4", "G4"]


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


@pytest.fixture
def phone(studio, open_page):
    return open_page(studio, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)


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
    wanted = [" A 4", " G 4"] * 4
    eventually(lambda: [each.split(",")[1] for each in notes(phone)], wanted)


def test_one_finger_draws_and_moves_and_two_scroll_and_zoom(phone):
    touch(phone, between(place(phone, 1, 1.5, "G4"), place(phone, 1, 2.5, "G4")))
    expect_notes(phone, "bar 1 beat 1, G 4, half")
    touch(phone, between(place(phone, 1, 2, "G4"), place(phone, 1, 3, "A4")))
    expect_notes(phone, "bar 1 beat 2, A 4, half")
    before = bar(phone, 1).bounding_box()
    left, right = place(phone, 1, 2, "G4"), place(phone, 1, 4, "G4")
    touch(phone, between(left, (left[0] - 60, left[1])), between(right, (right[0] - 60, right[1])))
    eventually(lambda: bar(phone, 1).bounding_box()["x"] < before["x"] - 50, True)
    assert bar(phone, 1).bounding_box()["width"] == pytest.approx(before["width"], rel=0.02)
    touch(phone, between(left, left), between(right, (right[0] + 60, right[1])))
    eventually(lambda: bar(phone, 1).bounding_box()["width"] > before["width"] * 1.3, True)
    expect_notes(phone, "bar 1 beat 2, A 4, half")
