"""The audition page: its contents, that it needs no network, and in Chromium that it plays."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings

from musicae.api.check import check
from musicae.core.chorale import Chorale, seconds_of
from musicae.core.constants import VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Tempo
from musicae.daw import report_page
from musicae.daw.report_page import Alternative
from tests.support.browser import PATIENCE, until
from tests.support.strategies import chorales

TITLE = "</script><script>broken=1</script> <b>&\"' Ô 主 \u2028 end"
MELODY = [(0, 4, 67), (4, 8, 76), (12, 4, 74), (16, 4, 74), (20, 8, 72), (28, 8, 72)]
LOWER = (
    [
        [(0, 4, 64), (4, 32, 67)],
        [(0, 4, 60), (4, 8, 60), (12, 8, 59), (20, 16, 55)],
        [(0, 4, 60), (4, 8, 48), (12, 8, 43), (20, 16, 48)],
    ],
    [
        [(0, 4, 53), (4, 8, 67), (12, 8, 69), (20, 16, 67)],
        [(0, 4, 48), (4, 8, 60), (12, 8, 62), (20, 16, 60)],
        [(0, 4, 48), (4, 8, 48), (12, 8, 50), (20, 16, 48)],
    ],
)
"""The second alternative goes up to D and back in parallel fifths and octaves; its pickup is widely
spaced."""
SILENT = Chorale.from_notes([MELODY], pickup=4, tempos=(Tempo(0, 120),))
FACTS = {"model": "harmonizer", "seed": "7 & <b>"}


def harmonized(voices) -> Chorale:
    return Chorale.from_notes(
        [MELODY, *voices], pickup=4, key=Key(0), fermatas=(20,), tempos=(Tempo(0, 120),)
    )


GIVEN = np.zeros((36, 4), dtype=bool)
GIVEN[:, 0] = True
GOOD, BAD = map(harmonized, LOWER)
ALTERNATIVES = [
    Alternative("1", GOOD, check(GOOD), 0.5, GIVEN, ((4, "b: bII"), (12, "V65/V")), ("1/a b.mid",)),
    Alternative("2", BAD, check(BAD), 0.9, GIVEN, (), ("https://2.mid",)),
    Alternative("unison", SILENT),
]


def told(text: str) -> dict:
    """The JSON in a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    return json.loads(found[1])


@given(chorales(), chorales())
@settings(max_examples=25)
def test_every_note_of_every_alternative_is_in_the_page(one, other):
    alternatives = [Alternative(str(i), c) for i, c in enumerate((one, other), start=1)]
    found = told(report_page.page("", alternatives, {}))["alternatives"]
    for chorale, data in zip((one, other), found, strict=True):
        voices = [[tuple(n[1:4]) for n in data["notes"] if n[0] == v] for v in range(4)]
        assert voices == [chorale.notes(v) for v in range(4)]
        assert data["seconds"] == pytest.approx(seconds_of(chorale), abs=1e-4)
        bars = [(bar["start"], bar["length"]) for bar in data["bars"]]
        assert bars == [measure[:2] for measure in chorale.measures]
        for bar in data["bars"]:
            beat = 1 + bar["missing"] / bar["beat"]
            assert (bar["number"], beat) == chorale.position(bar["start"])


def test_the_page_shows_the_values_of_the_report():
    first, second, third = told(report_page.page(TITLE, ALTERNATIVES, FACTS))["alternatives"]
    report = check(BAD)
    assert len(second["violations"]) == len(report.violations) > len(first["violations"])
    assert [v["rule"] for v in second["violations"]] == [v.rule for v in report.violations]
    assert {r["name"]: r["violations"] for r in second["rules"]} == {
        name: rule.violations for name, rule in report.rules.items() if rule.violations
    }
    assert len(second["rules"]) > 2
    assert second["beyond"] == report.beyond_bach
    assert report.beyond_bach[:2] == [r["name"] for r in second["rules"][:2]]
    assert report.beyond_bach[2:] == ["few phrases with a cadence", "few full beats"]
    assert all(r["beyond"] is (r["name"] in report.beyond_bach) for r in second["rules"])
    assert third["violations"] is None
    assert first["labels"] == [[4, "b: bII"], [12, "V65/V"]]
    assert [note[5] for note in first["notes"]] == [note[0] == 0 for note in first["notes"]]
    assert first["notes"][1][4] == "E5"


def test_the_page_says_why_an_alternative_ranks_where_it_does():
    chords = check(GOOD).chords
    assert report_page.reasons(ALTERNATIVES[0], ALTERNATIVES) == [
        f"No violations of voice-leading rules in {chords} chords, the fewest of the 3.",
        f"{check(GOOD).findings[0]}.",
        "Beyond Bach: few full beats.",
        "The model is surprised by 0.50 nats a step, the least of the 3.",
    ]
    cadences, full_beats = check(BAD).findings
    assert report_page.reasons(ALTERNATIVES[1], ALTERNATIVES)[1:] == [
        f"{cadences}.",
        f"{full_beats}.",
        f"Beyond Bach: {', '.join(check(BAD).beyond_bach)}.",
        "The model is surprised by 0.90 nats a step.",
    ]
    assert report_page.reasons(ALTERNATIVES[2], ALTERNATIVES) == [
        "Not in four voices, so its voice leading is not checked."
    ]
    assert "of the" not in " ".join(report_page.reasons(ALTERNATIVES[0], ALTERNATIVES[:1]))


def test_texts_cannot_become_code_and_nothing_is_fetched():
    named = [Alternative(TITLE, GOOD, files=(TITLE, "//host/x", "a?b#c"))]
    text = report_page.page(TITLE, named, {TITLE: TITLE})
    assert "broken=1</script>" not in text.lower()
    assert "\u2028" not in text
    assert text.count("<script") == text.count("</script>") == 2
    data = told(text)
    assert data["facts"] == {TITLE: TITLE}
    assert data["alternatives"][0]["name"] == TITLE
    links = [file["href"] for file in data["alternatives"][0]["files"]]
    assert links[1:] == [".///host/x", "./a%3Fb%23c"]
    assert set(re.findall(r"https?://[^\"'\s]*", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"""(src|href|action)\s*=\s*["']?(?![#$"'])""", text.split("<script")[0])
    assert not re.search(r"@import|url\(|\bimport\b|fetch\(|XMLHttp|WebSocket|src\s*=", text)
    assert "default-src 'none'" in text


def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    report_page.write(tmp_path / "page.html", TITLE, ALTERNATIVES, FACTS)
    text = report_page.page(TITLE, ALTERNATIVES, FACTS)
    assert (tmp_path / "page.html").read_bytes() == text.encode()
    with pytest.raises(ChoraleError, match="there is no folder"):
        report_page.write(tmp_path / "missing" / "page.html", "", ALTERNATIVES, FACTS)


# In a browser ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("pack") / "report.html"
    report_page.write(path, TITLE, ALTERNATIVES, FACTS)
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    """The page opened from disk. A console message or a network request fails the test."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
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


def drawn(page, alternative):
    """The number of drawn notes of each voice; a note that goes on in a new system counts once."""
    return page.evaluate(
        """(id) => [0, 1, 2, 3].map((voice) => {
            const of = `#alternative-${id} .note[data-voice="${voice}"]`;
            return new Set([...document.querySelectorAll(of)].map((e) => e.dataset.note)).size;
        })""",
        alternative,
    )


SOUND = """async ([index, muted, pitches]) => {
  const buffer = await musicae.render(musicae.pieces[index], muted);
  const [left, right] = [buffer.getChannelData(0), buffer.getChannelData(1)];
  const rate = buffer.sampleRate;
  const [from, count] = [Math.round(0.6 * rate), Math.round(0.8 * rate)]; // within the first bar
  const power = (pitch) => {
    const turn = 2 * Math.PI * 440 * 2 ** ((pitch - 69) / 12) / rate;
    let [real, imaginary] = [0, 0];
    for (let i = 0; i < count; i++) {
      const window = 0.5 - 0.5 * Math.cos(2 * Math.PI * i / count);
      const sample = window * (left[from + i] + right[from + i]);
      real += sample * Math.cos(turn * i);
      imaginary += sample * Math.sin(turn * i);
    }
    return (real ** 2 + imaginary ** 2) / count ** 2;
  };
  const largest = (samples) => samples.reduce((most, s) => Math.max(most, Math.abs(s)), 0);
  const peak = Math.max(largest(left), largest(right));
  return { peak, power: pitches.map(power) };
}"""


STOPS = """(label) => {
  const stops = [];
  const { stop } = OscillatorNode.prototype;
  OscillatorNode.prototype.stop = function (at) {
    stops.push(at - this.context.currentTime);
    stop.call(this, at);
  };
  document.querySelector(`[aria-label="${label}"]`).click();
  return stops;
}"""
"""Seconds until the sounding tones end after a button is clicked."""


def test_the_page_shows_every_alternative(page):
    assert page.locator("h1").text_content() == TITLE
    assert page.evaluate("typeof broken") == "undefined"
    assert page.title().startswith("</script><script>broken=1")
    assert page.locator("#facts dd").all_text_contents() == list(FACTS.values())
    headings = page.locator("section h2").all_text_contents()
    assert headings == ["Alternative 1", "Alternative 2", "unison"]
    for i, alternative in enumerate(ALTERNATIVES, start=1):
        notes = [len(alternative.chorale.notes(v)) for v in range(4)]
        assert drawn(page, i) == notes
        rows = len(alternative.report.violations) if alternative.report else 0
        assert page.locator(f"#alternative-{i} tr.violation").count() == rows
        assert page.locator(f"#alternative-{i} .given").count() == (len(MELODY) if i < 3 else 0)
    assert (
        page.locator("#alternative-2 .rules td > strong:first-child").all_text_contents()
        == (check(BAD).beyond_bach[:2])
    )
    assert page.locator("#alternative-1 .fermata").count() == 1
    assert page.locator("#alternative-1 .numeral").all_text_contents() == ["b: ♭II", "V65/V"]
    assert page.locator("#alternative-1 .number").all_text_contents() == ["1", "2"]
    assert page.locator("#alternative-1 .files a").get_attribute("href") == "./1/a%20b.mid"
    page.set_viewport_size({"width": 300, "height": 700})
    page.wait_for_selector("#alternative-1 .system:nth-child(2)")
    assert drawn(page, 1) == [len(GOOD.notes(v)) for v in range(4)]
    assert (
        page.locator("#alternative-1 .held").count() == 1
    )  # the alto's G, held over the line's end
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_browser_refuses_what_the_page_does_not_need(browser, address):
    page = browser.new_page()
    page.goto(address)
    get = "fetch('data:text/plain,x').then(() => 'fetched', () => 'refused')"
    assert page.evaluate(get) == "refused"
    page.close()


def test_the_written_notes_sound(page):
    sung = [76, 67, 60, 48]
    not_sung = [75, 66, 61, 50]
    found = page.evaluate(SOUND, [0, [], sung + not_sung])
    assert 0.1 < found["peak"] < 1
    assert min(found["power"][:4]) > 100 * max(found["power"][4:])
    without = page.evaluate(SOUND, [0, [0], sung])
    assert without["power"][0] < found["power"][0] / 100
    assert without["power"][1:] == pytest.approx(found["power"][1:4], rel=0.3)


def test_a_repeated_note_is_struck_again(page):
    repeated = 2.0  # seconds at which the soprano sings D5 again
    before, between, after = page.evaluate(
        """async (times) => {
          const buffer = await musicae.render(musicae.pieces[0], [1, 2, 3]);
          const samples = buffer.getChannelData(0);
          return times.map((time) => {
            const from = Math.round(time * buffer.sampleRate);
            return samples.subarray(from, from + 441).reduce((sum, s) => sum + s * s, 0);
          });
        }""",
        [repeated - 0.05, repeated, repeated + 0.05],
    )
    assert between < min(before, after) / 2


def test_the_page_plays_pauses_and_seeks(page):
    page.get_by_role("button", name="Play Alternative 2").click()
    until(page, "musicae.level() > 0.01 && musicae.player.place > 2")
    assert page.evaluate("musicae.player.choir.context.state") == "running"
    assert page.evaluate("musicae.player.piece.index") == 1
    assert page.locator("#alternative-2 .playhead").count() == 1
    assert page.locator("#alternative-2 .note.now").count() == 4
    label = "Pause Alternative 2"
    assert page.get_by_role("button", name=label).count() == 1
    stops = page.evaluate(STOPS, label)
    assert len(stops) >= 4
    assert max(stops) < 0.2
    place = page.evaluate("musicae.player.place")
    until(page, "musicae.level() < 0.002")
    assert page.evaluate("musicae.player.place") == place
    last_note = page.locator("#alternative-1 .note[data-voice='0']").first
    assert last_note.get_attribute("data-note") == str(len(MELODY) - 1)
    last_note.click()
    assert 28 <= page.evaluate("musicae.player.place") < 36
    assert page.evaluate("musicae.player.piece.index") == 0
    assert page.locator("#place").text_content().startswith("bar 2, beat 3")
    page.get_by_role("button", name="Stop").click()
    assert page.evaluate("musicae.player.place") == 0


def test_a_violation_is_shown_where_it_is(page):
    row = page.locator("#alternative-2 tr.violation").last
    row.click()
    violation = check(BAD).violations[-1]
    assert page.evaluate("[musicae.player.piece.index, musicae.player.place]") == [
        1,
        violation.since,
    ]
    notes = {
        (v, n.step)
        for v in violation.voices
        for n in BAD.notes(v)
        if any(n.step <= s < n.step + n.duration for s in (violation.since, violation.step))
    }
    assert page.locator("#alternative-2 .note.picked").count() == len(notes)


def test_keyboard_keys_play_and_compare_at_the_same_place(page):
    page.keyboard.press("Space")
    until(page, "musicae.player.playing && musicae.player.place > 5")
    page.keyboard.press("2")
    piece, place, playing = page.evaluate(
        "[musicae.player.piece.index, musicae.player.place, musicae.player.playing]"
    )
    assert (piece, playing) == (1, True)
    assert 5 < place < 12
    until(page, "musicae.level() > 0.01 && musicae.player.place > 8")
    page.keyboard.press("Space")
    assert not page.evaluate("musicae.player.playing")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("musicae.player.place") == 20
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("musicae.player.place") == 4
    page.keyboard.press("9")
    assert page.evaluate("musicae.player.piece.index") == 1


def test_voices_are_muted_alone_and_in_all_alternatives(page):
    mute, solo = (page.get_by_role("button", name=f"{what} soprano") for what in ("Mute", "Solo"))
    heard = "VOICES => VOICES.map((_, voice) => musicae.player.audible(voice))"
    mute.click()
    assert page.evaluate(heard, VOICES) == [False, True, True, True]
    page.keyboard.press("Space")
    until(page, "musicae.player.choir.buses[0].gain.value < 0.001")
    page.keyboard.press("2")
    assert mute.get_attribute("aria-pressed") == "true"
    assert page.evaluate("musicae.player.choir.buses[0].gain.value") < 0.001
    solo.click()
    assert page.evaluate(heard, VOICES) == [True, False, False, False]
    gains = "musicae.player.choir.buses.map((bus) => bus.gain.value)"
    until(page, f"{gains}[0] > 0.2 && Math.max(...{gains}.slice(1)) < 0.001")


def test_the_page_changes_tempo_and_loops(page):
    page.locator("#tempo").fill("150")
    assert page.locator("#tempo-value").text_content() == "150 %"
    page.locator("#loop-from").fill("2")
    page.locator("#loop-from").blur()
    assert page.evaluate("musicae.player.loop") == {"from": 20, "to": 36}
    assert page.evaluate("musicae.player.place") == 20
    page.evaluate("musicae.player.seek(34)")
    page.keyboard.press("Space")
    until(page, "musicae.player.place > 20 && musicae.player.place < 30")
    assert page.evaluate("musicae.player.playing")
    page.get_by_role("button", name="Loop bars").click()
    page.evaluate("musicae.player.seek(35)")
    until(page, "!musicae.player.playing && musicae.player.place === 0")
