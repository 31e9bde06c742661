"""The page's sound in Chromium: what is handed to the audio clock, and what comes out of it."""

import json
from itertools import pairwise

import pytest

from tests.support.studio_page import pause_clock

QUARTER, BAR = 24, 96
"""In ticks."""
OCTAVE = 12
LOUD, SILENT = 0.01, 1e-3
"""Root mean squares of full scale."""
TUNE, ALTO, TENOR, BASS = 72, 65, 60, 48
"""Where a voice's pitches begin; each note is a semitone above the one before it."""

MOST_STEPS = 1000
"""Of the clock, until something that should happen is missed."""


def project(bars=4, length=QUARTER, qpm=120, **others):
    """A project in which all voices rise by semitones, a step each note."""
    starts = range(0, bars * BAR, length)
    voices = [
        [[start, length, lowest + i] for i, start in enumerate(starts)]
        for lowest in (TUNE, ALTO, TENOR, BASS)
    ]
    harmony = {"voices": voices, "key": "C major", "phrases": [], "chords": [], "plan": ""}
    harmony |= {"notices": [], "breaks": [], "words": []}
    piece = {"length": bars * BAR, "tempos": [[0, qpm]], "tune": voices[0], "harmony": harmony}
    return piece | others


class Player:
    """The page with a project, and what its sound says of itself."""

    def __init__(self, page, harmony):
        self.page = page
        self.harmony = harmony

    def answer(self, route):
        """The service's harmony is what the test says: sound is tested here, not models."""
        body = json.dumps({"harmony": self.harmony, "changed": None})
        route.fulfill(body=body, content_type="application/json")

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def play(self):
        self.button("Play").click()

    def choose(self, sound):
        self.page.get_by_role("combobox", name="Sound").select_option(sound)

    @staticmethod
    def script(condition):
        """A condition on ``sound``, and on ``notes``: those that were not withdrawn."""
        return f"""arguments => {{
          const sound = window.musicaeSound;
          const notes = sound.scheduled.filter(each => !each.cut);
          return {condition};
        }}"""

    def until(self, condition, **arguments):
        """Wait for a condition."""
        self.page.wait_for_function(self.script(condition), arg=arguments)

    def notes(self, voice):
        """The notes of a voice that were not withdrawn, as (pitch, seconds)."""
        handed = self.page.evaluate("window.musicaeSound.scheduled")
        return [(n["pitch"], n["at"]) for n in handed if n["voice"] == voice and not n["cut"]]

    @property
    def place(self):
        return self.page.get_by_role("timer").inner_text().split()[0]


class Stepper(Player):
    """A player whose time goes on in steps, and only while a test waits."""

    def until(self, condition, **arguments):
        for _ in range(MOST_STEPS):
            if self.page.evaluate(self.script(condition), arguments):
                return
            self.page.clock.run_for(50)
        raise AssertionError(f"never: {condition}")


@pytest.fixture
def player(studio, open_page):
    """Opens a player in real time."""
    return opener(Player, studio, open_page)


@pytest.fixture
def stepper(studio, open_page):
    """Opens a player whose time stands still."""
    return opener(Stepper, studio, open_page, clock=True)


def opener(kind, studio, open_page, **settings):
    def opened(given=None, prepare=None):
        given = given or project()
        made = kind(None, given["harmony"])

        def answered(page):
            page.route("**/api/harmonize", made.answer)
            if prepare:
                prepare(page)

        made.page = open_page(studio, given, prepare=answered, **settings)
        made.button("Play").wait_for()
        if kind is Stepper:
            pause_clock(made.page)
        return made

    return opened


def gaps(notes):
    times = [at for _, at in notes]
    return [later - earlier for earlier, later in pairwise(times)]


def test_four_voices_sound_at_the_times_of_their_tempo(stepper):
    opened = stepper(project(tempos=[[0, 240], [BAR, 120]]))
    opened.play()
    opened.until("[0, 1, 2, 3].every(v => notes.filter(n => n.voice === v).length > 6)")
    for voice, lowest in enumerate((TUNE, ALTO, TENOR, BASS)):
        notes = opened.notes(voice)[:7]
        assert [pitch for pitch, _ in notes] == list(range(lowest, lowest + 7))
        assert gaps(notes) == pytest.approx([0.25] * 4 + [0.5] * 2)
    assert {opened.notes(voice)[0][1] for voice in range(4)} == {opened.notes(0)[0][1]}


def test_tempo_changes_while_it_plays_and_the_place_is_kept(stepper):
    opened = stepper(project(bars=8))
    opened.play()
    opened.until("notes.length > 12")
    tempo = opened.page.get_by_label("Tempo in percent of the piece's own")
    tempo.press("Control+a")
    tempo.press_sequentially("200")
    tempo.press("Enter")
    count = len(opened.notes(0))
    opened.until("notes.filter(n => n.voice === 0).length > arguments.count + 4", count=count)
    notes = opened.notes(0)
    assert [pitch for pitch, _ in notes] == list(range(TUNE, TUNE + len(notes)))
    assert gaps(notes)[0] == pytest.approx(0.5)
    assert gaps(notes)[count:] == pytest.approx([0.25] * len(gaps(notes)[count:]))


def test_a_loop_goes_round_without_a_gap(stepper):
    opened = stepper(project(bars=1, qpm=240))
    opened.page.keyboard.press("l")
    opened.page.keyboard.press(" ")
    opened.until("notes.filter(n => n.voice === 3).length > 8")
    notes = opened.notes(3)[:9]
    assert [pitch - BASS for pitch, _ in notes] == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    assert gaps(notes) == pytest.approx([0.25] * 8)
    opened.page.keyboard.press("l")
    opened.page.clock.run_for(2000)
    opened.button("Play").wait_for()  # without the loop it ends


def test_the_selected_bars_are_looped(stepper):
    opened = stepper(project(bars=4, qpm=240))
    bar = opened.page.locator(".ruler-bar", has_text="3").bounding_box()
    opened.page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + 5)
    opened.page.keyboard.press("l")
    opened.page.keyboard.press(" ")
    opened.until("notes.filter(n => n.voice === 0).length > 5")
    pitches = [pitch - TUNE for pitch, _ in opened.notes(0)[:6]]
    assert pitches == [8, 9, 10, 11, 8, 9]


def raised(harmony):
    """A harmony with the alto an octave higher."""
    voices = [
        [[start, length, pitch + OCTAVE * (v == 1)] for start, length, pitch in notes]
        for v, notes in enumerate(harmony["voices"])
    ]
    chord = {"start": 0, "length": 8 * BAR, "symbol": "F", "numeral": "IV", "key": "C major"}
    return harmony | {"voices": voices, "chords": [chord]}


def assert_only_the_alto_changes(opened):
    """From somewhere on the alto is heard an octave higher; all else goes on as if nothing was."""
    opened.until("notes.some(n => n.voice === 1 && n.pitch >= arguments.high)", high=ALTO + OCTAVE)
    handed = opened.page.evaluate("window.musicaeSound.scheduled")
    assert any(note["cut"] and note["voice"] == 1 for note in handed)  # none waits for its turn
    seen = len(opened.notes(0))
    opened.until("notes.filter(n => n.voice === 0).length > arguments.seen + 2", seen=seen)
    for voice, lowest in ((0, TUNE), (2, TENOR), (3, BASS)):
        notes = opened.notes(voice)
        assert [pitch for pitch, _ in notes] == list(range(lowest, lowest + len(notes)))
        assert gaps(notes) == pytest.approx([0.5] * (len(notes) - 1))
    pitches = [pitch for pitch, _ in opened.notes(1)]
    before = sum(pitch < ALTO + OCTAVE for pitch in pitches)
    after = pitches[before:]
    assert pitches[:before] == list(range(ALTO, ALTO + before))
    assert after == list(range(after[0], after[0] + len(after)))
    assert after[0] - OCTAVE in (ALTO + before, ALTO + before - 1)  # one may be sung again, higher


def test_what_is_heard_follows_a_change_of_the_harmony(stepper):
    opened = stepper(project(bars=8))
    opened.play()
    opened.until("notes.length > 8")
    opened.harmony = raised(opened.harmony)
    opened.button("Another way").click()
    assert_only_the_alto_changes(opened)


def test_an_alternative_is_chosen_while_it_plays(stepper):
    opened = stepper(project(bars=8))
    answer = json.dumps({"alternatives": [raised(opened.harmony)]})
    opened.page.route(
        "**/api/alternatives",
        lambda route: route.fulfill(body=answer, content_type="application/json"),
    )
    opened.button("Make alternatives").click()
    opened.page.locator("[aria-keyshortcuts='2']").wait_for()
    opened.play()
    opened.until("notes.length > 8")
    opened.page.locator("body").press("2")
    assert_only_the_alto_changes(opened)


def test_mute_solo_and_volume(player):
    opened = player(project(bars=16, length=16 * BAR, qpm=60))
    page = opened.page
    page.get_by_role("tab", name="Sound").click()
    opened.play()
    opened.until("sound.level() > arguments.loud", loud=LOUD)
    assert opened.page.evaluate("window.musicaeSound.state") == "running"
    for voice in ("soprano", "alto", "tenor"):
        opened.button(f"Mute: {voice}").click()
    opened.until("sound.level() > arguments.loud", loud=LOUD)
    page.locator("body").press("Shift+4")
    assert opened.button("Mute: bass").get_attribute("aria-pressed") == "true"
    opened.until("sound.level() < arguments.silent", silent=SILENT)
    opened.button("Solo: alto").click()
    opened.until("sound.level() > arguments.loud", loud=LOUD)
    page.get_by_label("Volume: alto").press("Home")
    opened.until("sound.level() < arguments.silent", silent=SILENT)
    page.get_by_label("Volume: alto").press("End")
    opened.until("sound.level() > arguments.loud", loud=LOUD)
    page.get_by_label("Volume", exact=True).press("Home")
    opened.until("sound.level() < arguments.silent", silent=SILENT)
    page.reload()
    page.get_by_role("tab", name="Sound").click()
    assert opened.button("Mute: bass").get_attribute("aria-pressed") == "true"
    assert opened.button("Solo: alto").get_attribute("aria-pressed") == "true"


def test_stop_leaves_silence_and_pause_the_place(player):
    opened = player(project(bars=8, qpm=240))
    opened.play()
    opened.until("notes.length > 24")
    opened.button("Pause").click()
    opened.until("sound.level() < arguments.silent", silent=SILENT)
    place = opened.place
    assert place != "1.1"
    handed = opened.page.evaluate("window.musicaeSound.scheduled.length")
    opened.play()
    opened.until("sound.scheduled.length > arguments.handed", handed=handed)
    opened.button("Stop").click()
    opened.until("sound.level() < arguments.silent", silent=SILENT)
    assert opened.place == "1.1"
    opened.play()
    opened.page.locator("body").press("Home")
    opened.button("Pause").wait_for()


def test_a_piano_dies_away_and_an_organ_does_not(player):
    opened = player(project(bars=16, length=16 * BAR, qpm=60))
    peak = "(window.peak = Math.max(window.peak ?? 0, sound.level()))"
    with opened.page.expect_response("**/api/soundfont") as loaded:
        opened.page.keyboard.press("Escape")  # the first key loads it
    loaded.value.finished()
    opened.choose("organ")
    opened.play()
    opened.until(f"{peak} > arguments.loud", loud=LOUD)
    begun = opened.page.evaluate("window.musicaeSound.time")
    opened.until(f"{peak} && sound.time > arguments.later", later=begun + 1.5)
    assert opened.page.evaluate("window.musicaeSound.level() > window.peak / 2")
    opened.button("Stop").click()
    opened.until("sound.level() < arguments.silent", silent=SILENT)
    opened.choose("piano")
    opened.page.evaluate("window.peak = 0")
    opened.play()
    opened.until(f"{peak} > arguments.loud && sound.level() < window.peak / 2", loud=LOUD)


def test_without_a_soundfont_the_choir_plays_and_the_page_says_so(player):
    def without(page):
        error = json.dumps({"error": {"message": "There is no SoundFont."}})
        page.route(
            "**/api/soundfont",
            lambda route: route.fulfill(status=404, body=error, content_type="application/json"),
        )

    opened = player(prepare=without)
    opened.play()
    opened.until("sound.level() > arguments.loud", loud=LOUD)
    opened.choose("organ")
    opened.page.get_by_text("The General MIDI sounds are not installed").wait_for()
    opened.until("sound.level() > arguments.loud", loud=LOUD)


def test_a_browser_without_sound_says_so(player):
    opened = player()
    opened.page.evaluate("delete window.AudioContext")
    opened.play()
    opened.page.get_by_text("This browser plays no sound.").wait_for()
    opened.button("Play").wait_for()
