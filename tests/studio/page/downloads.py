"""Files that the page saves."""

import json
from pathlib import Path


def saved_project(page):
    """The project as the page saves it."""
    with page.expect_download() as saving:
        page.keyboard.press("Control+s")
    return json.loads(Path(saving.value.path()).read_bytes())


def downloaded(page, name):
    """The name and the bytes of what a button of the panel for export saves."""
    with page.expect_download() as saving:
        page.get_by_role("button", name=name, exact=True).click()
    return saving.value.suggested_filename, Path(saving.value.path()).read_bytes()


def settle(page):
    """Wait until the harmony belongs to the tune."""
    chords = page.get_by_role("region", name="Chords").or_(page.get_by_role("group", name="Score."))
    chords.and_(page.locator("[aria-busy=false]")).first.wait_for()
