"""Pages in a browser: how long tests wait, and for what."""

import time

PATIENCE = 60
"""Seconds until a test gives up waiting."""


def until(page, condition):
    """Wait for something to be true of a page, whose policy forbids Playwright's own way."""
    missed = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        assert time.monotonic() < missed, f"never: {condition}"
        page.wait_for_timeout(20)
