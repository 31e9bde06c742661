"""The practice page: its contents, and in Chromium that it plays any mix, slower and in a loop."""

import json
import re

import pytest

from musicae.core.chorale import Chorale
from musicae.core.meter import Tempo
from musicae.daw import practice_page
from musicae.io import midi_writer, musicxml_writer
from musicae.io.choir import read_choir
from musicae.rendering.choir_score import choir_score, open_score
from musicae.rendering.practice_mix import Rehearsal
from musicae.rendering.practice_sound import record
from tests.support.browser import PATIENCE, until

TITLE = "</script><script>broken=1</script> <b>&\"' Ô 主 end"
CHORDS = [(67, 62, 55), (66, 62, 50), (69, 66, 50), (67, 62, 43)]
HYMN = Chorale.from_notes(
    [[(0, 4, 67), *((4 + 8 * k, 8, chord[v]) for k, chord in enumerate(CHORDS))] for v in range(3)],
    pickup=4,
    tempos=(Tempo(0, 120),),
    title=TITLE,
)
"""A pickup of half a second, then two bars of two seconds, for three voices: a trio."""
NAMES = ("Soprano", "Alto", "Tenor", "")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kit")
    midi_writer.write(HYMN, folder / "hymn.mid", names=NAMES)
    choir = read_choir(folder / "hymn.mid")
    score = musicxml_writer.to_bytes(open_score(choir_score(choir)))
    sounds = {
        percent: practice_page.voices_for_page(record(Rehearsal(choir, percent)))
        for percent in (50, 100)
    }
    practice_page.write(folder / "practice.html", choir, score, sounds, "G major & <b>")
    return folder / "practice.html"


def test_the_page_needs_no_network_and_texts_cannot_become_code(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("<script") == text.count("</script>") == 2
    assert "broken=1</script>" not in text
    assert "default-src 'none'" in text
    assert not re.search(r"@import|url\(|\bimport\b|fetch\(|XMLHttp|WebSocket|src\s*=", text)
    outside = set(re.findall(r"https?://[^\"'\s]*", text))
    assert outside <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_times_are_seconds_from_the_first_note(path):
    found = re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.S)
    data = json.loads(found[1])
    assert data["voices"] == ["Soprano", "Alto", "Tenor"]
    bars = [(bar["number"], bar["start"], bar["end"], bar["beats"]) for bar in data["bars"]]
    assert bars == [(0, 0, 0.5, 4), (1, 0.5, 2.5, 4), (2, 2.5, 4.5, 4)]
    assert [bar["beat"] for bar in data["bars"]] == pytest.approx([0.5] * 3)
    assert [second for second, _ in data["points"]] == [0, 0.5, 1.5, 2.5, 3.5]
    assert data["notes"][2] == [[0, 67], [0.5, 55], [1.5, 50], [2.5, 50], [3.5, 43]]
    assert data["seconds"] == 4.5


# In a browser ------------------------------------------------------------------------------------


@pytest.fixture
def page(browser, path):
    """The page opened from disk. A console message or a network request fails the test."""
    address = path.as_uri()
    opened = browser.new_page(viewport={"width": 1100, "height": 900})
    complaints, requests = [], []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    opened.set_default_timeout(1000 * PATIENCE)
    opened.goto(address)
    yield opened
    opened.close()
    assert not complaints
    assert requests == [address]


GAINS = "practice.player.buses.map((bus) => bus.gain.value)"


def test_the_page_shows_the_score_and_the_voices(page):
    assert page.locator("h1").text_content() == TITLE
    assert page.evaluate("typeof broken") == "undefined"
    assert page.locator("#facts").text_content() == "G major & <b>"
    assert page.locator(".voice .name").all_text_contents() == ["Soprano", "Alto", "Tenor"]
    assert page.locator("#score g.staff[data-n='3']").count() > 0
    assert page.locator("#score g.note").count() == 15
    stops = page.evaluate("practice.stops().map(({ second, x }) => [second, x])")
    assert [second for second, _ in stops] == [0, 0.5, 1.5, 2.5, 3.5]
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_plays_after_a_bar_of_clicks_and_the_cursor_moves(page):
    page.locator("#play").click()
    until(page, "practice.level() > 0.003")
    assert page.evaluate("practice.player.place") == 0, "the count-in lasts two seconds"
    left = page.evaluate("document.getElementById('cursor').style.left")
    until(page, "practice.player.place > 1")
    until(page, "practice.level() > 0.003")
    assert page.evaluate("document.getElementById('cursor').style.left") != left
    assert page.locator("#play").text_content() == "Pause"
    page.keyboard.press("Space")
    place = page.evaluate("practice.player.place")
    until(page, "practice.level() < 0.001")
    assert page.evaluate("practice.player.place") == place
    page.locator("#stop").click()
    assert page.evaluate("practice.player.place") == 0


def test_every_mix_can_be_heard(page):
    page.locator("#count-in").uncheck()
    page.get_by_role("button", name="Alto in front").click()
    page.locator("#play").click()
    until(page, "practice.player.started")
    behind = 10 ** (-12 / 20)
    assert page.evaluate(GAINS) == pytest.approx([behind, 1, behind], abs=0.01)
    assert page.locator("#score g.staff.front[data-n='2']").count() > 0
    page.get_by_role("button", name="Without Alto").click()
    until(page, f"{GAINS}[1] < 0.001 && Math.min({GAINS}[0], {GAINS}[2]) > 0.99")
    page.get_by_role("button", name="Tenor alone").click()
    until(page, f"{GAINS}[2] > 0.99 && Math.max(...{GAINS}.slice(0, 2)) < 0.001")
    page.keyboard.press("0")
    until(page, f"Math.min(...{GAINS}) > 0.99")
    page.get_by_label("Volume of Soprano").fill("-40")
    page.get_by_role("button", name="Mute Alto").click()
    until(page, f"Math.max(...{GAINS}.slice(0, 2)) < 0.001")
    page.get_by_role("button", name="Solo Alto").click()
    assert page.get_by_role("button", name="Solo Alto").get_attribute("aria-pressed") == "true"
    until(page, f"Math.max(...{GAINS}) < 0.001")


def test_the_sounds_of_the_voices_are_in_time_at_each_tempo(page):
    for percent in (100, 50):
        page.get_by_role("button", name=f"Tempo {percent} %").click()
        begins, lasts = page.evaluate(
            """async () => {
              practice.player.open();
              const buffers = await practice.player.sounds();
              const rate = buffers[0].sampleRate;
              const sounds = (sample) => Math.abs(sample) > 0.01;
              const begins = buffers.map((b) => b.getChannelData(0).findIndex(sounds));
              return [begins.map((b) => b / rate), buffers.map((b) => b.duration)];
            }"""
        )
        assert max(begins) < 0.05
        assert min(lasts) > 4.5 * 100 / percent
        assert max(lasts) < 4.5 * 100 / percent + 3


def test_slower_it_keeps_its_place_and_moves_more_slowly(page):
    page.locator("#count-in").uncheck()
    page.evaluate("practice.player.seek(1.5)")
    page.get_by_role("button", name="Tempo 50 %").click()
    assert page.evaluate("practice.player.place") == 1.5
    page.locator("#play").click()
    until(page, "practice.player.place > 1.6")
    gone, place = page.evaluate(
        "[practice.player.context.currentTime - practice.player.started.at, practice.player.place]"
    )
    assert place - 1.5 == pytest.approx(gone / 2, abs=0.1)


def test_it_loops_bars_and_a_click_in_the_score_goes_there(page):
    page.locator("#count-in").uncheck()
    page.locator("#loop-from").fill("2")
    page.locator("#loop").check()
    assert page.evaluate("practice.player.loop") == {"from": 2.5, "to": 4.5}
    assert page.evaluate("practice.player.place") == 2.5
    page.evaluate("practice.player.seek(4.3)")
    page.locator("#play").click()
    until(page, "practice.player.started && practice.player.place < 3.5")
    assert page.evaluate("practice.player.playing")
    page.locator("#loop").uncheck()
    page.locator("#stop").click()
    x = page.evaluate("practice.stops()[2].x")
    y = page.evaluate("practice.stops()[2].system.top + 5")
    page.locator("#score").click(position={"x": x + 3, "y": y})
    assert page.evaluate("practice.player.place") == 1.5
    page.keyboard.press("ArrowRight")
    assert page.evaluate("practice.player.place") == 2.5
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("practice.player.place") == 0.5


def test_it_stops_at_the_end(page):
    page.locator("#count-in").uncheck()
    page.evaluate("practice.player.seek(4.4)")
    page.locator("#play").click()
    until(page, "!practice.player.playing && practice.player.place === 0")
