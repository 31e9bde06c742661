"""The engraved score on the page."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.studio.page.downloads import saved_project
from tests.support.studio_page import pause_clock

QUARTER, BAR = 24, 96
PITCHES = (67, 67, 69, 71, 72, 71, 69, 69, 71, 69, 67, 66, 67, 67, 67, 67)
TO_THE_END = """frame => {
  for (let i = 0; i < 200; i++) {
    frame.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  }
}"""
SOUNDING = re.compile(r"\bsounding\b")


def tune(bars=4):
    return [[i * QUARTER, QUARTER, PITCHES[i % len(PITCHES)]] for i in range(4 * bars)]


def see(open_page, service, bars=4, **settings):
    """The page with the score of a tune open."""
    page = open_page(service, {"tune": tune(bars), "length": bars * BAR}, **settings)
    page.get_by_role("button", name="Score", exact=True).click()
    page.locator(".note").first.wait_for()
    return page


def frame(page):
    return page.get_by_role("group", name="Score.")


@pytest.fixture
def score(open_page, studio):
    return see(open_page, studio)


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


def test_the_playhead_is_followed_while_it_plays(open_page, studio):
    page = see(open_page, studio, clock=True)
    pause_clock(page)
    page.get_by_role("button", name="Play", exact=True).click()
    page.clock.run_for(150 + 2.5 * 500)  # until the middle of the third quarter
    notes = page.locator(".staff[data-n='1'] .layer:nth-child(1 of .layer) .note")
    expect(notes.nth(2)).to_have_class(SOUNDING)
    expect(notes.nth(1)).not_to_have_class(SOUNDING)


def test_the_system_of_the_playhead_is_scrolled_into_view(studio, open_page):
    page = see(open_page, studio, bars=32, reduced_motion="reduce")
    last = page.locator(".system").last
    expect(last).not_to_be_in_viewport()
    frame(page).evaluate(TO_THE_END)
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
def test_what_acts_is_no_score(open_page, studio, svg):
    answer = {"pages": [f"<svg xmlns='http://www.w3.org/2000/svg'>{svg}</svg>"], "times": []}
    page = open_page(studio, {"tune": tune(), "length": 4 * BAR})
    page.route(
        "**/api/score",
        lambda route: route.fulfill(content_type="application/json", body=json.dumps(answer)),
    )
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.get_by_text("it is not shown")).to_be_visible()
    assert page.locator(".engraved svg").count() == 0
    assert not page.evaluate("window.acted")


def test_a_narrow_page(studio, open_page):
    page = see(open_page, studio, viewport={"width": 390, "height": 800})
    assert page.locator(".system").count() > 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
