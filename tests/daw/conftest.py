"""A browser for the tests of pages."""

from tests.support.chromium import browser

__all__ = ["browser"]
