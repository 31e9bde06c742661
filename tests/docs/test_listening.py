"""The listening test of the documentation: ten answers in a browser, and their summary."""

import json
import re
import sys

import pytest

from tests.support.paths import ROOT

TITLES = [f"Tune {number}" for number in range(1, 11)]
VERSIONS = ("bach", "musicae", "minibach")


@pytest.fixture
def page(browser, tmp_path):
    """The test on a page of its own, with files that are not there."""
    tunes = [
        {"title": title, "about": "", "versions": {name: f"{title} {name}" for name in VERSIONS}}
        for title in TITLES
    ]
    script = (ROOT / "docs" / "javascripts" / "listening.js").read_text(encoding="utf-8")
    facts = json.dumps({"musicae": "0.1.0", "tunes": tunes})
    file = tmp_path / "listening.html"
    file.write_text(
        '<!doctype html><html lang="en"><title>Test</title><div id="listening-test"></div>'
        f'<script type="application/json" id="tunes">{facts}</script><script>{script}</script>',
        encoding="utf-8",
    )
    opened = browser.new_page()
    opened.goto(file.as_uri())
    yield opened
    opened.close()


def answer(page, version):
    """Choose a version of the tune on the page as Bach's."""
    page.locator(f"input[value={version}]").check()
    page.get_by_role("button", name=re.compile("Next tune|Finish")).click()


def download(page, path):
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the answers").click()
    waiting.value.save_as(path)
    return json.loads(path.read_text(encoding="utf-8"))


def test_answers_are_counted_kept_and_downloaded(page, tmp_path):
    page.get_by_label("Your experience with music").select_option("studied harmony")
    page.get_by_role("button", name="Begin").click()
    page.get_by_label("How much do you like A?").select_option("4")
    for _ in range(4):
        answer(page, "bach")
    page.reload()
    assert "Tune 5 of 10" in page.get_by_role("heading", level=3).inner_text()
    for _ in range(5):
        answer(page, "musicae")
    answer(page, "minibach")

    assert page.get_by_role("heading", name="You found Bach in 4 of 10 tunes").is_visible()
    assert page.get_by_text("musicae for Bach 5 times, and MiniBach 1 times").is_visible()
    given = download(page, tmp_path / "answers.json")
    assert given["experience"] == "studied harmony"
    assert sorted(each["title"] for each in given["answers"]) == sorted(TITLES)
    assert [each["guess"] for each in given["answers"]] == ["bach"] * 4 + ["musicae"] * 5 + [
        "minibach"
    ]
    assert all(sorted(each["order"]) == sorted(VERSIONS) for each in given["answers"])
    first = given["answers"][0]
    assert first["ratings"] == dict.fromkeys(VERSIONS) | {first["order"][0]: 4}


def test_an_answer_needs_a_guess_and_the_test_can_begin_again(page):
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="Next tune").click()
    assert "Tune 1 of 10" in page.get_by_role("heading", level=3).inner_text()
    for _ in range(10):
        answer(page, "bach")
    page.get_by_role("button", name="Start again").click()
    assert page.get_by_role("button", name="Begin").is_visible()


@pytest.fixture
def summarize(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import summarize_listening

    yield summarize_listening
    for name in ("summarize_listening", "docs_listening", "docs_media"):
        sys.modules.pop(name, None)


def test_a_summary_of_listeners(summarize):
    rated = {"bach": 5, "musicae": 4, "minibach": None}
    answers = [{"guess": guess, "ratings": rated} for guess in ("bach", "bach", "musicae", "bach")]
    lines = summarize.summary([{"answers": answers}, {"answers": answers[:1]}])
    assert lines[0].startswith("2 listeners, 5 tunes")
    assert "80.0% [37.6%, 96.4%], rating 5.00 of 5 (5 ratings)" in lines[1]
    assert "20.0%" in lines[2]
    assert "0.0%" in lines[3]
    assert "rating none" in lines[3]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"answers": [{"guess": "me", "ratings": {}}]}'])
def test_a_file_that_holds_no_answers_is_refused(summarize, tmp_path, text):
    file = tmp_path / "answers.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match="is no file of answers"):
        summarize.read(file)
