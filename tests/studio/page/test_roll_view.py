"""The piano roll: what is drawn of a piece, and where."""

import json
import re

from playwright.sync_api import expect

from tests.support.roll import (
    bar,
    eventually,
    place,
    type_keys,
)
from tests.support.studio_page import pause_clock

BAR = 96
"""In ticks."""


def test_of_two_hundred_bars_only_those_in_view_are_drawn(studio, open_page):
    page = open_page(
        studio,
        {"tune": [[BAR * i, BAR, 67] for i in range(128)], "length": 128 * BAR},
        prepare=lambda page: page.route("**/api/harmonize", lambda route: route.abort()),
    )
    type_keys(page, "Control+a Control+c End Control+v Escape End")
    expect(bar(page, 256)).to_be_visible()
    assert page.get_by_role("group", name=re.compile(r"^bar \d+$")).count() < 20
    type_keys(page, "PageUp 1 d")
    expect(page.get_by_role("img", name="soprano, bar 256 beat 1, D 4, whole")).to_be_visible()


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


def test_the_view_follows_the_playhead_until_the_musician_scrolls(studio, open_page):
    tune = [[BAR * i, BAR, 72] for i in range(10)]
    page = open_page(studio, {"tune": tune, "length": 10 * BAR}, clock=True)
    scrolled = "document.getElementById('roll').scrollLeft"
    pause_clock(page)
    page.get_by_role("button", name="Play", exact=True).click()
    for _ in range(10 * 4):
        page.clock.run_for(500)
        if page.evaluate(scrolled) > 100:
            break
    page.clock.run_for(2000)  # until it is no longer in the part that is scrolled to
    page.mouse.move(*place(page, 6, 1, "G4"))
    page.mouse.wheel(-2000, 0)
    eventually(lambda: page.evaluate(scrolled), 0)
    head = page.locator(".playhead")
    before = head.bounding_box()["x"]
    page.clock.run_for(1500)
    assert head.bounding_box()["x"] > before + 10
    assert page.evaluate(scrolled) == 0


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
