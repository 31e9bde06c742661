"""Harmony on the page: chords, locks, other ways, alternatives, rules; a service that goes away."""

import re

import pytest
from playwright.sync_api import expect

from tests.studio.page.conftest import Studio
from tests.studio.page.downloads import saved_project
from tests.support.studio_page import saved

TUNE = "gabcdcbagbdcbagg"
"""Sixteen quarter notes: four bars."""
PITCHES = {"g": 67, "a": 69, "b": 71, "c": 72, "d": 74}
PROJECT = {"tune": [[24 * i, 24, PITCHES[name]] for i, name in enumerate(TUNE)], "length": 24 * 16}
LABELS = "found => found.map(each => each.getAttribute('aria-label'))"
CHORD = re.compile("^bar ")


@pytest.fixture
def piece(open_page, studio):
    """The page with the harmonized tune."""
    page = open_page(studio, PROJECT)
    settle(page)
    return page


def write(page, letters=TUNE):
    """Write quarter notes with the keys of the roll, from its cursor on."""
    page.get_by_role("application").focus()
    for letter in letters:
        page.keyboard.press(letter)


def lane(page):
    return page.get_by_role("region", name="Chords")


def settle(page):
    """Wait until the harmony belongs to the tune."""
    expect(lane(page)).to_have_attribute("aria-busy", "false")


def chords(page):
    """Each chord of the lane: its place, symbol, numeral and key, and whether it is locked."""
    return lane(page).get_by_role("button", name=CHORD).evaluate_all(LABELS)


def chord_at(page, place):
    return lane(page).get_by_role("button", name=re.compile(f"^{place}: "))


def notes(page, *words):
    """What the roll says of its notes with all these words, but whether they are locked."""
    said = page.get_by_role("application").get_by_role("img").evaluate_all(LABELS)
    return [
        re.sub(", (locked|selected)", "", name)
        for name in said
        if set(words) <= set(name.split(", "))
    ]


def another_way(page):
    page.get_by_role("button", name="Another way", exact=True).click()
    settle(page)


def undo(page):
    page.get_by_role("application").focus()
    page.keyboard.press("Control+z")
    settle(page)


def choose(page, place, index):
    """Open the chord at a place, and choose one of what else fits there; its symbol."""
    chord_at(page, place).click()
    choices = page.get_by_role("list", name="What fits here").get_by_role("listitem")
    chosen = choices.nth(index).get_by_role("button").first
    symbol = chosen.inner_text().split()[0]
    chosen.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    settle(page)
    return symbol


def test_a_locked_chord_is_kept_through_three_other_ways(piece):
    page = piece
    before = chords(page)
    symbol = choose(page, "bar 2, beat 1", 2)
    locked = re.compile(f"^bar 2, beat 1: {re.escape(symbol)},.*, locked$")
    assert not any(map(locked.match, before))
    drawn = set()
    for _ in range(3):
        another_way(page)
        expect(chord_at(page, "bar 2, beat 1")).to_have_attribute("aria-label", locked)
        drawn.add(tuple(notes(page)))
    assert len(drawn) > 1
    page.get_by_role("button", name=f"Unlock {symbol}, bar 2, beat 1").click()
    settle(page)
    assert not [name for name in chords(page) if name.endswith("locked")]


def test_what_is_heard_is_what_is_taken(piece):
    page = piece
    chord_at(page, "bar 2, beat 1").click()
    with page.expect_response("**/api/harmonize"):
        page.get_by_role("button", name=re.compile("^Hear ")).nth(1).click()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    heard = page.get_by_role("list", name="What fits here").get_by_role("listitem").nth(1)
    expect(heard.get_by_role("button").last).to_have_attribute("aria-busy", "false")
    symbol = heard.inner_text().split()[0]
    heard.get_by_role("button").first.click()
    settle(page)
    chosen = re.compile(f": {re.escape(symbol)},.*, locked$")
    expect(chord_at(page, "bar 2, beat 1")).to_have_attribute("aria-label", chosen)
    assert not [url for url in asked if url.endswith("/api/harmonize")]


def test_chords_are_typed(piece):
    page = piece
    chord_at(page, "bar 1, beat 1").click()
    typed = page.get_by_role("textbox", name="Another chord")
    typed.fill("H99")
    typed.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("is not a chord")
    typed.fill("Em")
    typed.press("Enter")
    first = chord_at(page, "bar 1, beat 1")
    expect(first).to_have_attribute("aria-label", re.compile(": Em, .*, locked$"))
    expect(first).to_be_focused()
    written = page.get_by_role("textbox", name="Chords, beginning with bar 1")
    written.fill("G | - D | C D7")
    written.press("Enter")
    expect(written).to_have_value("")
    locked = [name.partition(",")[0] for name in chords(page) if name.endswith(", locked")]
    assert locked
    for place, symbol in (("1.1", "G"), ("2.3", "D"), ("3.1", "C"), ("3.3", "D7")):
        bar, beat = place.split(".")
        name = chord_at(page, f"bar {bar}, beat {beat}").get_attribute("aria-label")
        assert name.startswith(f"bar {bar}, beat {beat}: {symbol}, ")
        assert name.endswith(", locked")


def test_chords_by_keyboard_alone(piece):
    page = piece
    lane(page).get_by_role("button", name=CHORD).first.focus()
    page.keyboard.press("ArrowRight")
    second = lane(page).get_by_role("button", name=CHORD).nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    present = page.get_by_role("dialog").get_by_role("button", pressed=True)
    expect(present).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(second).to_be_focused()
    symbol = second.inner_text()
    page.get_by_role("button", name="G7: Show Roman numerals").click()
    assert second.inner_text() != symbol
    page.reload()
    expect(page.get_by_role("button", name="V7: Show chord symbols")).to_be_visible()


def in_bar(page, bar):
    return [name for name in notes(page) if f", bar {bar}" in name]


def test_a_locked_voice_stays(piece):
    page = piece
    page.get_by_role("checkbox", name="alto").check()
    alto, tenor = notes(page, "alto"), notes(page, "tenor")
    drawn = []
    for _ in range(3):
        another_way(page)
        assert notes(page, "alto") == alto
        drawn.append(notes(page, "tenor"))
    assert any(each != tenor for each in drawn)


def test_locked_bars_stay_and_selected_ones_are_rewritten(piece):
    page = piece
    page.get_by_role("application").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+PageDown")
    page.get_by_role("button", name="Lock bar 1").click()
    page.keyboard.press("Escape")
    first = in_bar(page, 1)
    drawn = []
    for _ in range(3):
        another_way(page)
        assert in_bar(page, 1) == first
        drawn.append(in_bar(page, 2))
    assert len(set(map(tuple, drawn))) > 1
    page.get_by_role("button", name="Unlock bar 1").click()

    page.keyboard.press("Shift+PageDown")
    rest = in_bar(page, 3), in_bar(page, 4)
    drawn = [in_bar(page, 1)]
    for _ in range(3):
        page.get_by_role("button", name="Another way in bar 1").click()
        settle(page)
        assert (in_bar(page, 3), in_bar(page, 4)) == rest
        drawn.append(in_bar(page, 1))
    assert len(set(map(tuple, drawn))) > 1


def test_a_locked_note_stays(piece):
    page = piece
    page.get_by_role("application").focus()
    page.keyboard.press("Home")
    # Down from the tune's first note to the alto's.
    for _ in range(24):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("s")
        if page.get_by_role("img", name=re.compile("^alto, .*, selected$")).count():
            break
    page.keyboard.press("k")
    page.keyboard.press("Escape")
    locked = page.get_by_role("img", name=re.compile("^alto, .*, locked$"))
    name = locked.get_attribute("aria-label")
    for _ in range(3):
        another_way(page)
        assert locked.evaluate_all(LABELS) == [name]
    page.get_by_role("button", name=re.compile("^Unlock alto, bar 1")).click()
    expect(locked).to_have_count(0)


def test_alternatives_by_keys_while_it_plays(piece):
    page = piece
    page.get_by_role("button", name="Make alternatives").click()
    cards = page.get_by_role("group", name="Alternatives").get_by_role("button")
    first, second, third = cards.nth(0), cards.nth(1), cards.nth(2)
    expect(first).to_have_attribute("aria-pressed", "true")
    before = notes(page)
    page.get_by_role("application").press("l")  # so that it does not end meanwhile
    page.get_by_role("button", name="Play", exact=True).click()
    page.keyboard.press("2")
    expect(second).to_have_attribute("aria-pressed", "true")
    other = notes(page)
    assert other != before
    page.get_by_role("application").focus()
    page.keyboard.press("n")
    expect(third).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+N")
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    assert notes(page) == other
    for _ in range(3):
        undo(page)
    expect(first).to_have_attribute("aria-pressed", "true")
    assert notes(page) == before


def test_undo_brings_harmony_back_without_asking_for_it(piece):
    page = piece
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    before = chords(page), notes(page)
    page.get_by_role("combobox", name="Style").select_option("Hymn")
    settle(page)
    another_way(page)
    hymn = chords(page), notes(page)
    undo(page)
    undo(page)
    assert (chords(page), notes(page)) == before
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+Shift+z")
    settle(page)
    assert (chords(page), notes(page)) == hymn
    assert len([url for url in asked if url.endswith("/api/harmonize")]) == 2


def test_what_breaks_a_rule_is_explained_and_mended(piece):
    page = piece
    page.get_by_role("combobox", name="Rules").select_option("None")
    page.get_by_text("More", exact=True).last.click()
    page.get_by_role("slider", name="Boldness").fill("2")
    settle(page)
    page.get_by_role("tab", name=re.compile(r"^Rules \(\d+\)$")).click()
    found = page.get_by_role("list", name="Broken rules").get_by_role("listitem")
    count = found.count()
    place = found.first.get_by_role("button").first
    text = place.inner_text()
    place.click()
    expect(place).to_have_attribute("aria-expanded", "true")
    found.first.get_by_role("button", name="Another way here").click()
    expect(page.get_by_role("tab", name=f"Rules ({count})", exact=True)).to_have_count(0)
    assert text not in found.all_inner_texts()
    undo(page)
    expect(page.get_by_role("tab", name=f"Rules ({count})", exact=True)).to_be_visible()

    page.get_by_role("tab", name="Harmony").click()
    for voice in ("alto", "tenor", "bass"):
        page.get_by_role("checkbox", name=voice).check()
    page.get_by_role("tab", name=re.compile("^Rules")).click()
    found.first.get_by_role("button").first.click()
    found.first.get_by_role("button", name="Another way here").click()
    expect(page.get_by_text("No better harmony was found")).to_be_visible()


def test_the_page_goes_on_when_its_service_is_back(studio, open_page):
    service = Studio.start("--port", 0)
    port = service.port
    try:
        page = open_page(service, studio.harmonized(PROJECT))
        before = chords(page)
        assert before
        service.stop()
        page.get_by_role("application").press("End")
        write(page, "edcg")
        expect(page.get_by_text("The service does not answer")).to_be_visible()
        expect(lane(page)).to_have_attribute("aria-busy", "true")
        assert len(notes(page, "soprano")) == len(TUNE) + 4
        assert chords(page) == before

        service = Studio.start("--port", port)
        # The new address is opened, as the command does; the page that was open goes on, too.
        page.context.new_page().goto(service.address)
        settle(page)
        expect(page.get_by_text("The service does not answer")).to_have_count(0)
        assert len(notes(page, "soprano")) == len(TUNE) + 4
        assert any(name.startswith("bar 5") for name in chords(page))
    finally:
        service.stop()


def test_two_pages_at_once(piece):
    saved(piece, lambda project: project["harmony"])
    other = piece.context.new_page()
    other.goto(piece.url)
    settle(other)
    assert chords(other) == chords(piece)
    other.get_by_role("combobox", name="Style").select_option("Hymn")
    settle(other)
    piece.get_by_role("application").press("End")
    write(piece, "edcg")
    settle(piece)
    assert len(notes(piece, "soprano")) == len(TUNE) + 4
    assert len(notes(other, "soprano")) == len(TUNE)
    for page, style in ((piece, "bach"), (other, "hymn")):
        saved(page, saved_project(page).__eq__)
        before = chords(page), notes(page)
        page.reload()
        settle(page)
        expect(page.get_by_role("combobox", name="Style")).to_have_value(style)
        assert (chords(page), notes(page)) == before
