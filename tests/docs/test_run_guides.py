"""The guides: which lines are run, which are skipped, and the links to each guide."""

import importlib.util
import re
import sys

import pytest
import typer

from musicae.cli import app
from tests.support.paths import ROOT

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))


@pytest.fixture
def run_guides(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    spec = importlib.util.spec_from_file_location("run_guides", ROOT / "scripts" / "run_guides.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "run_guides", module)
    spec.loader.exec_module(module)
    return module


def test_every_guide_is_run_and_has_something_to_run(run_guides):
    assert set(run_guides.GUIDES) >= {"README", *(f"docs/guides/{path.stem}" for path in GUIDES)}
    for guide in run_guides.GUIDES:
        assert run_guides.commands(guide) or list(run_guides.blocks(guide, "python"))


def test_every_command_is_in_a_guide(run_guides):
    run = {words[1] for guide in run_guides.GUIDES for words in run_guides.commands(guide)}
    assert set(typer.main.get_command(app).commands) <= run


def test_every_line_of_shell_can_be_run(run_guides):
    first = {words[0] for guide in run_guides.GUIDES for words in run_guides.commands(guide)}
    assert first <= {"musicae", "curl", "export"}


def test_each_reason_to_skip_is_of_a_command(run_guides):
    commands = [words for guide in run_guides.GUIDES for words in run_guides.commands(guide)]
    skipped = {run_guides.reason_to_skip(words) for words in commands} - {None}
    assert skipped == set(run_guides.SKIPPED.values())


def test_blocks_in_a_list_lose_their_indentation(run_guides, tmp_path, monkeypatch):
    (tmp_path / "a.md").write_text(
        "1. So:\n\n   ```sh\n   musicae chords \\\n     tune.mid  # all\n   ```\n\n"
        "```python\nx = 1\n```\n"
    )
    monkeypatch.setattr(run_guides, "ROOT", tmp_path)
    assert run_guides.commands("a") == [["musicae", "chords", "tune.mid"]]
    assert list(run_guides.blocks("a", "python")) == ["x = 1\n"]


def test_a_failing_command_names_its_guide_and_the_reason(run_guides, tmp_path):
    guide = run_guides.Guide("docs/guides/words", tmp_path, quick=False)
    with pytest.raises(
        run_guides.GuideError, match=r"docs/guides/words.md: musicae check no.mid\n.*no"
    ):
        guide._timed(["musicae", "check", "no.mid"])


def test_unknown_commands_are_refused(run_guides, tmp_path):
    guide = run_guides.Guide("docs/guides/words", tmp_path, quick=False)
    for words in (["rm", "x"], ["curl", "http://127.0.0.1:8321/api/health"]):
        with pytest.raises(run_guides.GuideError):
            guide._timed(words)


def test_the_home_page_links_every_guide():
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(guides/(\w+)\.md\)", text)) == {path.stem for path in GUIDES}
