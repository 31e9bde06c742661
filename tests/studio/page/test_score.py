"""The engraved score on the page."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.studio.page.downloads import saved_project
from tests.studio.page.opening import open_project

QUARTER, BAR = 24, 96
PITCHES = (67, 67, 69, 71, 72, 71, 69, 69, 71, 69, 67, 66, 67, 67, 67, 67)
SOUNDING = re.compile(r"\bsounding\b")


def tune(bars=4):
    return [[i * QUARTER, QUARTER, PITCHES[i % len(PITCHES)]] for i in range(4 * bars)]


def see(page, service, bars=4, **others):
    """The page with the score of a tune open."""
    open_project(page, service, {"tune": tune(bars), "length": bars * BAR} | others)
    page.get_by_role("button", name="Score", exact=True).click()
    page.locator(".note").first.wait_for()


def frame(page):
    return page.get_by_role("group", name="Score.")


@pytest.fixture
def score(page, studio):
    see(page, studio)
    return page


def test_each_note_of_all_voices_is_drawn(score):
    voices = saved_project(score)["harmony"]["voices"]
    assert all(voices)
    drawn = score.locator(".note").count() - score.locator(".tie").count()
    assert drawn == sum(len(notes) for notes in voices)


def test_sounding_notes_are_coloured_at_the_playhead(score):
    notes = score.locator(".staff[data-n='1'] .layer:nth-child(1 of .layer) .note")
    expect(notes.nth(0)).to_have_class(SOUNDING)
    notes.nth(5).click(force=True)  # its middle may be white
    expect(notes.nth(5)).to_have_class(SOUNDING)
    expect(notes.nth(0)).not_to_have_class(SOUNDING)
    expect(score.locator(".sounding")).to_have_count(4)


def test_arrows_go_from_note_to_note(score):
    notes = score.locator(".staff[data-n='1'] .layer:nth-child(1 of .layer) .note")
    frame(score).focus()
    while "sounding" not in notes.nth(1).get_attribute("class"):
        score.keyboard.press("ArrowRight")
    assert "sounding" not in notes.nth(0).get_attribute("class")
    while "sounding" not in notes.nth(0).get_attribute("class"):
        score.keyboard.press("ArrowLeft")


def test_the_playhead_is_followed_while_it_plays(score):
    score.get_by_role("button", name="Play", exact=True).click()
    notes = score.locator(".staff[data-n='1'] .layer:nth-child(1 of .layer) .note")
    expect(notes.nth(2)).to_have_class(SOUNDING)


def test_the_system_of_the_playhead_is_scrolled_into_view(studio, open_page):
    page = open_page(studio, reduced_motion="reduce")
    see(page, studio, bars=32)
    last = page.locator(".system").last
    expect(last).not_to_be_in_viewport()
    frame(page).focus()
    for _ in range(32 * 8):
        page.keyboard.press("ArrowRight")
    expect(last).to_be_in_viewport(ratio=0.9)


def test_chords_and_numerals_and_open_score(score):
    shown = score.locator(".engraved")
    expect(shown).not_to_contain_text("IV")
    score.get_by_label("Chords and numerals").check()
    expect(shown.locator(".harm").first).to_be_visible()
    expect(
        shown.locator(".system").first.locator(".measure").first.locator(".staff")
    ).to_have_count(2)
    score.get_by_label("A staff for each voice").check()
    expect(
        shown.locator(".system").first.locator(".measure").first.locator(".staff")
    ).to_have_count(4)


def test_a_larger_score_has_more_systems(score):
    systems = score.locator(".system").count()
    for _ in range(3):
        score.get_by_role("button", name="Larger").click()
    expect(score.get_by_text("200 %")).to_be_visible()
    expect(score.locator(".system").nth(systems)).to_be_attached()


def test_the_score_follows_the_tune(score):
    count = score.locator(".note").count()
    title = score.get_by_label("Title of the piece")
    score.get_by_role("tab", name="Words").click()
    score.get_by_label("Words of the tune").fill("A-men")
    expect(score.locator(".engraved")).to_contain_text("men")
    title.fill("Other ")
    score.get_by_role("tab", name="Harmony").click()
    score.get_by_role("combobox", name="Ensemble").select_option("sab")
    expect(score.locator(".note")).not_to_have_count(count)
    expect(score.locator(".engraved")).to_contain_text("Baritone")


def test_readers_of_screens_have_the_notes_of_each_bar(score):
    bars = frame(score).get_by_role("listitem")
    expect(bars).to_have_count(4)
    expect(bars.nth(1)).to_contain_text(
        "soprano C 5 quarter, B 4 quarter, A 4 quarter, A 4 quarter"
    )


@pytest.mark.parametrize(
    "svg",
    [
        "<script>window.acted = true</script>",
        "<use href='https://example.org/a.svg#a'/>",
        "<foreignObject/>",
        "<rect fill='url(https://example.org/a)'/>",
    ],
)
def test_what_acts_is_no_score(page, studio, svg):
    answer = {"pages": [f"<svg xmlns='http://www.w3.org/2000/svg'>{svg}</svg>"], "times": []}
    page.route(
        "**/api/score",
        lambda route: route.fulfill(content_type="application/json", body=json.dumps(answer)),
    )
    open_project(page, studio, {"tune": tune(), "length": 4 * BAR})
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.get_by_text("it is not shown")).to_be_visible()
    assert page.locator(".engraved svg").count() == 0
    assert not page.evaluate("window.acted")


def test_a_narrow_page(studio, open_page):
    page = open_page(studio, viewport={"width": 390, "height": 800})
    see(page, studio)
    assert page.locator(".system").count() > 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
