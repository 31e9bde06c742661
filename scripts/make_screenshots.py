"""Make screenshots of the studio's page in three states and two widths: docs/images/studio/*.png.

    python scripts/make_screenshots.py

It starts the real service and controls its page in Chromium by Playwright (in the extra ``dev``).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "images" / "studio"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required")
SIZES = {"wide": (1280, 800), "narrow": (390, 844)}
EXAMPLE = "Amazing Grace"


@contextmanager
def service() -> Iterator[str]:
    """Run a service; yields its address."""
    command = [sys.executable, "-m", "musicae", "studio", "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        lines = iter(process.stdout)
        yield next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))
    finally:
        process.terminate()
        process.wait()


def opened(browser: Browser, address: str, size: str, colours: str) -> Page:
    """The page with a harmonized example."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if colours == "dark" else "light",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(address)
    page.get_by_role("button", name=EXAMPLE).first.click()
    page.locator(".chord").nth(8).wait_for()
    page.wait_for_timeout(500)
    return page


def chord(page: Page) -> None:
    """Show the other chords that fit in place of a chord."""
    page.locator(".chord").nth(4).focus()
    page.wait_for_timeout(300)
    page.locator(".chord").nth(4).click()
    page.get_by_role("dialog").get_by_text("%").first.wait_for()
    page.wait_for_timeout(300)


def alternatives(page: Page) -> None:
    """Show four alternatives."""
    page.get_by_role("button", name="Make alternatives").click()
    page.locator(".alternatives .cards button").nth(3).wait_for()
    page.wait_for_timeout(300)


def score(page: Page) -> None:
    """Show the engraved score."""
    page.get_by_role("button", name="Score", exact=True).click()
    page.locator(".score-view svg").first.wait_for(timeout=30_000)
    page.wait_for_timeout(800)


STATES = {"chord": chord, "alternatives": alternatives, "score": score}


def main() -> None:
    """Take all screenshots."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, BROWSERS)))
    with service() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for size, colours in (("wide", "light"), ("narrow", "dark")):
            for name, reach in STATES.items():
                page = opened(browser, address, size, colours)
                reach(page)
                page.screenshot(path=OUT / f"{name}-{size}.png")
                page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
