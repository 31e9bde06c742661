"""Pages in a browser: what tests wait for, and how long."""

import time

PATIENCE = 10
"""Seconds until a test gives up waiting."""


def until(page, condition):
    """Wait until something is true of a page whose policy forbids Playwright's own function."""
    missed = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        assert time.monotonic() < missed, f"never: {condition}"
        page.wait_for_timeout(20)
