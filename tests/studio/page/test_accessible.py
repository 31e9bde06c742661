"""What keeps people from using the page, as far as axe finds it."""

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.studio.page.opening import open_project
from tests.support.service import project

WIDTHS = {"wide": (1280, 800), "narrow": (390, 800)}
ALL = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
CONTRAST = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}
OPEN_ALL = "document.querySelectorAll('details').forEach(each => { each.open = true; })"
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def harmonized(studio):
    asked = project(title="Scale", words="Lo, how a rose e'er bloom-ing")
    answer = httpx.post(
        f"{studio.origin}/api/harmonize",
        json={"project": asked},
        headers={"Authorization": f"Bearer {studio.token}"},
        timeout=60,
    )
    return asked | {"harmony": answer.json()["harmony"]}


def found(page, options):
    """What axe finds, a line for each element."""
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{each['id']}: {node['html']} ({each['help']}; {node['failureSummary']})"
        for each in violations
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_keeps_people_from_using_the_page(studio, open_page, harmonized, width):
    across, down = WIDTHS[width]
    page = open_page(studio, viewport={"width": across, "height": down}, reduced_motion="reduce")
    open_project(page, studio, harmonized)
    wrong = {}

    def look(place):
        for colours, options in (("dark", CONTRAST), ("light", ALL)):
            page.emulate_media(color_scheme=colours)
            if problems := found(page, options):
                wrong[place, colours] = problems

    for tab in page.get_by_role("tab").all():
        tab.click()
        page.evaluate(OPEN_ALL)
        look(tab.inner_text())
    page.get_by_role("tab").first.click()
    for opener in page.locator("button[popovertarget]").locator("visible=true").all():
        opener.click()
        look(opener.inner_text())
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Make alternatives").click()
    page.locator("[aria-keyshortcuts='1']").wait_for()
    page.get_by_role("application").focus()
    page.keyboard.press("Control+a")
    look("alternatives, and all notes selected")
    page.get_by_role("region", name="Chords").get_by_role("button").nth(1).click()
    page.get_by_role("list", name="What fits here").get_by_role("listitem").first.wait_for()
    look("what fits a chord")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Score", exact=True).click()
    page.locator(".score-view svg").first.wait_for()
    look("score")
    page.get_by_role("button", name="Keys", exact=True).click()
    look("keys")
    assert not wrong
