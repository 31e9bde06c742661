"""Words on the page: typed, set under the notes, and what does not fit."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.studio.page.downloads import saved_project

QUARTER, BAR = 24, 96
PITCHES = (67, 67, 69, 71, 72, 71, 69, 67)
TUNE = [[i * QUARTER, QUARTER, pitch] for i, pitch in enumerate(PITCHES)]


@pytest.fixture
def words(open_page, studio):
    page = open_page(studio, {"tune": TUNE, "length": 2 * BAR})
    page.get_by_role("tab", name="Words").click()
    return page


def field(page):
    return page.get_by_label("Words of the tune")


def lane(page):
    return page.get_by_role("group", name="Words under the notes")


def test_syllables_stand_where_their_notes_begin(words):
    field(words).fill("A-ma-zing grace how sweet the sound")
    expect(lane(words)).to_have_text("A-ma-zinggracehowsweetthesound")
    places = [each.bounding_box()["x"] for each in lane(words).locator("span").all()]
    apart = [b - a for a, b in pairwise(places)]
    assert apart == pytest.approx([apart[0]] * 7, abs=0.5)
    expect(words.get_by_text("Verse 1: 8 syllables on 8 notes")).to_be_visible()
    assert saved_project(words)["harmony"]["words"][0]["syllables"][1] == [QUARTER, "ma-"]


def test_words_in_the_score(words):
    field(words).fill("1. A-men, a-men\n2. Ky-ri-e")
    words.get_by_role("button", name="Score", exact=True).click()
    expect(words.locator(".engraved")).to_contain_text("men,")
    expect(words.locator(".engraved")).to_contain_text("Ky")
    words.get_by_role("checkbox", name="Words").uncheck()
    expect(words.locator(".engraved")).not_to_contain_text("Ky")


def test_too_many_and_too_few_syllables(words):
    field(words).fill("one two three four five six seven eight nine")
    expect(words.get_by_text("none are left from 'nine' on")).to_be_visible()
    expect(lane(words)).to_have_count(0)
    field(words).fill("one two three")
    expect(words.get_by_text("'three', is held from bar 1 beat 4")).to_be_visible()
    expect(lane(words)).to_have_text("onetwothree")


def test_words_are_split_by_their_language(words):
    field(words).fill("Vater unser")
    expect(lane(words)).to_have_text("Vaterunser")
    words.get_by_label("Syllables").select_option("German")
    expect(lane(words)).to_have_text("Va-terun-ser")


def test_typing_is_undone_at_once(words):
    field(words).press_sequentially("A-men")
    expect(lane(words)).to_have_text("A-men")
    words.get_by_role("button", name="Undo: Words").click()
    expect(field(words)).to_have_value("")
    expect(lane(words)).to_have_count(0)


def test_a_narrow_page(studio, open_page):
    project = {"tune": TUNE, "length": 2 * BAR, "words": "A-men"}
    page = open_page(studio, project, viewport={"width": 390, "height": 800})
    page.get_by_role("tab", name="Words").click()
    expect(field(page)).to_have_value("A-men")
    expect(lane(page)).to_have_text("A-men")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
