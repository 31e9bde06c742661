"""New pieces on the page: composed, varied, between two, and taken over as a tune."""

import pytest
from playwright.sync_api import expect

from tests.studio.page.downloads import saved_project, settle

QUARTER, BAR = 24, 96
PITCHES = (67, 67, 69, 71, 72, 71, 69, 67)
TUNE = [[i * QUARTER, QUARTER, pitch] for i, pitch in enumerate(PITCHES)]
PROJECT = {"title": "Mine", "tune": TUNE, "length": 2 * BAR}


@pytest.fixture
def panel(open_page, studio):
    page = open_page(studio, PROJECT)
    page.get_by_role("tab", name="New pieces").click()
    return page


def pieces(page):
    return page.locator(".piece")


def choice(page, name):
    return page.get_by_role("tabpanel").get_by_role("combobox", name=name, exact=True)


def compose(page, count=2):
    page.get_by_label("Bars", exact=True).fill("4")
    choice(page, "Key").select_option("D minor")
    page.get_by_label("Pieces", exact=True).first.fill(str(count))
    page.get_by_role("button", name="Compose new pieces").click()
    expect(pieces(page)).to_have_count(count)


def take_over(page, index):
    pieces(page).nth(index).get_by_role("button", name="Take over").click()


def test_composed_pieces_are_as_asked(panel):
    compose(panel)
    for piece in pieces(panel).all():
        expect(piece).to_contain_text("D minor")
        expect(piece).to_contain_text("4 bars")


def test_a_piece_is_taken_over_with_its_harmony(panel):
    settle(panel)
    before = saved_project(panel)
    compose(panel)
    take_over(panel, 1)
    settle(panel)
    taken = saved_project(panel)
    assert "D minor" in taken["title"]
    assert taken["tune"] == taken["harmony"]["voices"][0]
    assert all(taken["harmony"]["voices"])
    panel.get_by_role("button", name="Undo: Take over").click()
    settle(panel)
    assert saved_project(panel) == before
    panel.get_by_role("button", name="Redo: Take over").click()
    settle(panel)
    assert saved_project(panel) == taken


def test_a_variation_keeps_what_is_asked(panel):
    panel.get_by_text("Vary this piece").click()
    panel.get_by_role("group", name="What stays").get_by_label("soprano").check()
    panel.get_by_role("slider", name="Motion").last.fill("2")
    panel.get_by_role("button", name="Vary it").click()
    expect(pieces(panel)).to_have_count(3)
    take_over(panel, 0)
    assert saved_project(panel)["tune"] == TUNE


def test_pieces_between_two(panel):
    compose(panel, 1)
    panel.get_by_text("Between two pieces").click()
    panel.get_by_label("Pieces between").fill("2")
    panel.get_by_role("button", name="Interpolate").click()
    expect(pieces(panel)).to_have_count(5)
    expect(pieces(panel).nth(1)).to_contain_text("Step 2 of 4")


def test_a_piece_is_heard(panel):
    compose(panel, 1)
    pieces(panel).get_by_role("button", name="Listen").click()
    pieces(panel).get_by_role("button", name="Stop").click()
    expect(pieces(panel).get_by_role("button", name="Listen")).to_be_visible()


def test_the_shelf_is_kept(panel):
    panel.get_by_role("button", name="Put the present piece on the shelf").click()
    expect(pieces(panel)).to_contain_text("Mine")
    panel.reload()
    panel.get_by_role("tab", name="New pieces").click()
    expect(pieces(panel)).to_have_count(1)
    pieces(panel).get_by_role("button", name="Remove").click()
    expect(pieces(panel)).to_have_count(0)


def test_other_pieces_come_each_time(panel):
    compose(panel, 1)
    panel.get_by_role("button", name="Compose new pieces").click()
    expect(pieces(panel)).to_have_count(2)
    names = panel.locator(".piece b").all_inner_texts()
    assert names[0] != names[1]


def test_composing_is_cancelled(panel):
    panel.route("**/api/compose", lambda _: None)
    panel.get_by_role("button", name="Compose new pieces").click()
    panel.get_by_role("button", name="Cancel").click()
    expect(panel.get_by_role("button", name="Cancel")).to_be_hidden()
    panel.unroute("**/api/compose")
    compose(panel, 1)


def test_what_cannot_be_composed(panel):
    panel.get_by_label("Bars", exact=True).fill("1")
    choice(panel, "Form").select_option("AABA")
    panel.get_by_role("button", name="Compose new pieces").click()
    expect(panel.locator(".making .wrong")).to_contain_text("bars")


def test_a_narrow_page(studio, open_page):
    page = open_page(studio, PROJECT, viewport={"width": 390, "height": 800})
    page.get_by_role("tab", name="New pieces").click()
    compose(page, 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
