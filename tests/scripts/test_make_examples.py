"""The examples on the studio's page are made by the script from the example melodies."""

import json
import subprocess
import sys

from musicae import Project
from tests.support.paths import ROOT

COMMITTED = ROOT / "musicae" / "assets" / "studio" / "src" / "examples.json"


def test_the_script_makes_the_committed_examples(tmp_path):
    made = tmp_path / "examples.json"
    script = ROOT / "scripts" / "make_examples.py"
    subprocess.run([sys.executable, str(script), str(made)], check=True, timeout=60, cwd=ROOT)
    assert made.read_bytes() == COMMITTED.read_bytes()
    examples = [Project.of_dict(each) for each in json.loads(made.read_text(encoding="utf-8"))]
    assert len({project.title for project in examples}) == 6
    assert all(project.tune and project.harmony is None for project in examples)
