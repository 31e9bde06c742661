"""The page in Firefox, which Playwright does not drive as it is installed: Puppeteer does."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from musicae.core import assets

SCRIPT = Path(__file__).with_name("firefox.mjs")
NAMES = ("firefox-esr", "firefox")


def test_an_example_is_harmonized_and_handed_to_the_player(studio):
    firefox = next(filter(None, map(shutil.which, NAMES)), None)
    node = shutil.which("node")
    puppeteer = assets.ASSETS / "studio" / "node_modules" / "puppeteer-core"
    if not (firefox and node and puppeteer.is_dir()):
        missing = "needs Firefox, node, and `npm ci` in musicae/assets/studio"
        if os.environ.get("MUSICAE_BROWSER") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    command = [node, SCRIPT, studio.address, firefox]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert not seen["errors"]
    assert seen["scheduled"] > 3  # four voices
