"""What keeps people from using the page, as far as axe finds it."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.service import project

VIOLATIONS = {"resultTypes": ["violations"]}
ALL = VIOLATIONS | {"rules": {"target-size": {"enabled": True}}}
NO_COLOURS = VIOLATIONS | {"rules": ALL["rules"] | {"color-contrast": {"enabled": False}}}
CONTRAST = VIOLATIONS | {"runOnly": ["color-contrast"]}
LOOKS = {
    "wide": (1280, {"light": ALL, "dark": CONTRAST}),
    "narrow": (390, {"light": NO_COLOURS}),  # the colours are those of the wide page
}
"""Pixels of a page, and what is looked for in each theme."""
RUN = """async ([within, options]) => {
  const { violations } = await axe.run(within, options);
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
}"""
OPEN_ALL = "document.querySelectorAll('details').forEach(each => { each.open = true; })"


@pytest.fixture(scope="module")
def harmonized(studio):
    return studio.harmonized(project(title="Scale", words="Lo, how a rose e'er bloom-ing"))


def found(page, within, options):
    """What axe finds within an element, a line for each element."""
    return [
        f"{each['id']}: {node['html']} ({each['help']}; {node['failureSummary']})"
        for each in page.evaluate(RUN, [within, options])
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("width", LOOKS)
def test_nothing_keeps_people_from_using_the_page(studio, open_page, harmonized, width):
    across, looks = LOOKS[width]
    page = open_page(
        studio, harmonized, viewport={"width": across, "height": 800}, reduced_motion="reduce"
    )
    page.evaluate(Axe().axe_script)
    wrong = {}

    def look(place, within):
        """Look at what is new on the page."""
        for colours, options in looks.items():
            page.emulate_media(color_scheme=colours)
            if problems := found(page, within, options):
                wrong[place, colours] = problems

    for number, tab in enumerate(page.get_by_role("tab").all()):
        tab.click()
        page.evaluate(OPEN_ALL)
        look(tab.inner_text(), "#panel" if number else "html")
    page.get_by_role("tab").first.click()
    for opener in page.locator("button[popovertarget]").locator("visible=true").all():
        opener.click()
        look(opener.inner_text(), f"#{opener.get_attribute('popovertarget')}")
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Make alternatives").click()
    page.locator("[aria-keyshortcuts='1']").wait_for()
    page.get_by_role("application").focus()
    page.keyboard.press("Control+a")
    page.get_by_role("group", name="notes selected").wait_for()
    look("alternatives, and all notes selected", "main")
    page.get_by_role("region", name="Chords").get_by_role("button").nth(1).click()
    page.get_by_role("list", name="What fits here").get_by_role("listitem").first.wait_for()
    look("what fits a chord", "dialog[open]")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Score", exact=True).click()
    page.locator(".score-view svg").first.wait_for()
    look("score", "main")
    page.get_by_role("button", name="Keys", exact=True).click()
    look("keys", "dialog[open]")
    assert not wrong
