"""The real service and its page in Chromium."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest

from tests.support.chromium import browser

__all__ = ["browser"]

IGNORED = ("Failed to load resource", "net::ERR_")
"""What a browser says of a server that a test stops, or of an error that a test makes."""


@dataclass
class Studio:
    """A service in a process of its own."""

    process: subprocess.Popen
    address: str

    @classmethod
    def start(cls, *arguments):
        command = [sys.executable, "-m", "musicae", "studio", "--no-browser", *map(str, arguments)]
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        told = ""
        for line in process.stdout:
            told += line
            found = re.search(r"http://\S+#token=\S+", line)
            if found:
                return cls(process, found[0])
        raise AssertionError(f"the service printed no address: {told}")

    @property
    def origin(self):
        return self.address.partition("/#")[0]

    @property
    def token(self):
        return self.address.partition("#token=")[2]

    @property
    def port(self):
        return int(self.origin.rpartition(":")[2])

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()


@pytest.fixture(scope="package")
def studio():
    started = Studio.start("--port", 0)
    yield started
    started.stop()


@pytest.fixture
def open_page(browser):
    """Opens the page of a service in a browser of its own; nothing may go wrong in its scripts."""
    contexts, wrong = [], []

    def opened(service, **options):
        settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"} | options
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda message: (
                message.type == "error"
                and not any(text in message.text for text in IGNORED)
                and wrong.append(message.text)
            ),
        )
        page.goto(service.address)
        page.get_by_role("application").or_(page.get_by_role("main")).first.wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def page(studio, open_page):
    return open_page(studio)
