"""Measure the page of ``musicae studio``: time to new voices, to their sound, and between frames.

    python benchmarks/studio.py [--repeats N] [--bars 16 64 200]

The real service runs in a process of its own and its page in Chromium, which Playwright controls:

- The first harmonized tune: the time from the command until the process has started, the page is
  loaded, an example is chosen with a click, and its chords are shown. One run, with the models'
  files in the disk cache.
- A changed note, in tunes of ``--bars`` bars: a soprano of the validation side, repeated. While a
  bar is looped and plays, its first note is moved with a key; this is done in ``N`` consecutive
  bars. Printed are the milliseconds from the key to the last byte of the answer, and to the first
  note that the page schedules after it.
- Frames: the milliseconds between two frames while the tune of 64 bars plays for ten seconds.

Chromium draws without a graphics card here, so it uses more processor time than on a desktop.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

import musicae
from musicae.core.constants import STEPS_PER_QUARTER
from musicae.corpus import load

BARS = (16, 64, 200)
REPEATS = 20
WARMING = 3
TUNE_BARS = 16
TICKS_A_STEP = 24 // STEPS_PER_QUARTER
LISTENING = 300
"""Milliseconds for which a bar plays before its note is changed."""
FRAMES = 10_000
"""Milliseconds for which frames are counted."""
PATIENCE = 60_000
"""The time limit of each action on the page, in milliseconds."""
SIZE: ViewportSize = {"width": 1280, "height": 800}
ARGUMENTS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
    " --disable-component-update --autoplay-policy=no-user-gesture-required"
)
WATCH = """() => {
    performance.setResourceTimingBufferSize(100000);
    const seen = (window.seen = { keys: [], notes: [] });
    const isMove = (event) => event.shiftKey && ["ArrowUp", "ArrowDown"].includes(event.key);
    const note = (event) => isMove(event) && seen.keys.push(performance.now());
    addEventListener("keydown", note, true);
    for (const kind of [AudioScheduledSourceNode, AudioBufferSourceNode]) {
        const start = kind.prototype.start;
        kind.prototype.start = function (...when) {
            seen.notes.push(performance.now());
            return start.apply(this, when);
        };
    }
}"""
TIMES = """() => {
    const isHarmony = ({ name }) => name.endsWith("/api/harmonize");
    const asked = performance.getEntriesByType("resource").filter(isHarmony);
    const key = seen.keys.at(-1);
    const { startTime, responseEnd } = asked.at(-1);
    const next = seen.notes.find((time) => time >= responseEnd);
    return startTime < key || !next ? null : { answer: responseEnd - key, note: next - key };
}"""
COUNT_FRAMES = """(span) => new Promise((resolve) => {
    const times = [];
    const frame = (now) => {
        times.push(now);
        if (now - times[0] < span) requestAnimationFrame(frame);
        else resolve(times.slice(1).map((time, i) => time - times[i]));
    };
    requestAnimationFrame(frame);
})"""


class Change(NamedTuple):
    """Milliseconds since the key press that moves a note."""

    answer: float
    """To the last byte of the answer."""
    note: float
    """To the first note that is scheduled after the answer."""


@contextmanager
def studio(*arguments: str) -> Iterator[str]:
    """Run a service in a process of its own; yields its address."""
    command = [sys.executable, "-m", "musicae", "studio", "--no-browser", "--port", "0"]
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        address = next(filter(None, (re.search(r"http://\S+", line) for line in process.stdout)))
        yield address[0]
    finally:
        process.terminate()
        process.wait()


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_context(viewport=SIZE).new_page()
    page.set_default_timeout(PATIENCE)
    page.add_init_script(f"({WATCH})()")
    page.goto(address)
    return page


def wait_for_harmony(page: Page) -> None:
    lane = page.get_by_role("region", name="Chords")
    lane.get_by_role("button", name=re.compile("^bar ")).first.wait_for()
    page.locator('section[aria-busy="false"]').wait_for()


def tune(bars: int) -> musicae.Project:
    """The first soprano of the validation side with 16 bars of 4/4, repeated to ``bars`` bars."""
    chorale = next(
        chorale.bars(1, TUNE_BARS)
        for chorale in load.load().side("valid")
        if {str(meter) for meter in chorale.meters} == {"4/4"} and chorale.bar_count >= TUNE_BARS
    )
    length = len(chorale) * TICKS_A_STEP
    notes = [[TICKS_A_STEP * value for value in note[:2]] + [note[2]] for note in chorale.notes(0)]
    times = -(-bars // TUNE_BARS)
    every = [[start + length * i, *rest] for i in range(times) for start, *rest in notes]
    end = bars * length // TUNE_BARS
    kept = [[start, min(long, end - start), pitch] for start, long, pitch in every if start < end]
    return musicae.Project.of_dict({"format": 1, "title": "Tune", "length": end, "tune": kept})


def change(page: Page, number: int, bars: int) -> Change | None:
    """Loop the next bar (after the last one the first) and move its first note while it plays.

    None if the page sent no request, or if no note was scheduled soon after the answer.
    """
    bar = "PageDown" if number % bars else "Home"
    for key in (bar, "Shift+PageDown", "l", "Escape"):
        page.keyboard.press(key)
    page.wait_for_timeout(LISTENING)
    page.keyboard.press("Shift+ArrowDown" if number % 2 else "Shift+ArrowUp")
    wait_for_harmony(page)
    page.wait_for_timeout(LISTENING)
    found = page.evaluate(TIMES)
    return found and Change(found["answer"], found["note"])


def changes(page: Page, repeats: int, bars: int) -> list[Change]:
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_role("application").focus()
    found = [change(page, number, bars) for number in range(WARMING + repeats)]
    page.get_by_role("button", name="Pause", exact=True).click()
    return [each for each in found[WARMING:] if each]


def frames(page: Page) -> list[float]:
    """Milliseconds between two frames while the tune plays."""
    page.reload()
    wait_for_harmony(page)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_timeout(1000)
    found: list[float] = page.evaluate(COUNT_FRAMES, FRAMES)
    return found


def first_tune(browser: Browser) -> float:
    """Seconds from the command until the harmony of an example is shown."""
    begin = time.perf_counter()
    with studio() as address:
        page = opened(browser, address)
        page.locator(".roll-hint").get_by_role("button").first.click()
        wait_for_harmony(page)
        return time.perf_counter() - begin


def line(name: str, times: Sequence[float]) -> str:
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{name}: median {middle:.0f} ms, quartiles {low:.0f} and {high:.0f} ms ({len(times)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--bars", type=int, nargs="+", default=BARS)
    asked = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS.split())
        print(f"first harmonized tune: {first_tune(browser):.1f} s; load {os.getloadavg()[0]:.1f}")
        for bars in asked.bars:
            file = Path(folder, f"{bars}.musicae")
            tune(bars).write(file)
            with studio(str(file)) as address:
                page = opened(browser, address)
                wait_for_harmony(page)
                answer, note = zip(*changes(page, asked.repeats, bars), strict=True)
                print(f"{bars} bars; load {os.getloadavg()[0]:.1f}")
                print(line("  a changed note to its answer", answer))
                print(line("  a changed note to new sound", note))
                if bars == 64:
                    found = sorted(frames(page))
                    late = found[int(0.95 * len(found))]
                    middle = statistics.median(found)
                    print(f"  frames: median {middle:.1f} ms, 95th percentile {late:.1f} ms")
        browser.close()


if __name__ == "__main__":
    main()
