"""A browser for the tests of pages; without a browser they are skipped."""

import os
import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
)


@pytest.fixture(scope="package")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    missing = [] if path else ["Chromium"]
    try:
        from playwright import sync_api
    except ImportError:
        missing.append("playwright")
    if missing and os.environ.get("MUSICAE_BROWSER") == "required":
        pytest.fail(f"MUSICAE_BROWSER is required, but there is no {' and no '.join(missing)}")
    if missing:
        pytest.skip(f"there is no {' and no '.join(missing)}")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS.split())
        yield opened
        opened.close()
