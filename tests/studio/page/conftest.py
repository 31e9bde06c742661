"""The real service and its page in Chromium."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass

import httpx
import pytest

from tests.support.chromium import browser
from tests.support.tabs import Tabs, whole

__all__ = ["browser"]


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

    def harmonized(self, project):
        """A project with its harmony."""
        answer = httpx.post(
            f"{self.origin}/api/harmonize",
            json={"project": whole(project)},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
        )
        return project | {"harmony": answer.json()["harmony"]}

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


@pytest.fixture(scope="package")
def tabs(browser):
    return Tabs(browser)


@pytest.fixture
def open_page(tabs, studio, request):
    """Opens the page of a service in an empty tab; nothing may go wrong in its scripts."""
    failed = request.session.testsfailed
    yield tabs.open
    tabs.release(studio, keep=request.session.testsfailed == failed)
    wrong, tabs.wrong = tabs.wrong, []
    assert not wrong


@pytest.fixture
def page(studio, open_page):
    return open_page(studio)
