"""What keeps people from using the page, as far as axe finds it."""

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.studio.page.opening import open_project
from tests.support.service import project

WIDTHS = {"wide": (1280, 800), "narrow": (390, 800)}
OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
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


def found(page):
    """What axe finds, a line for each element."""
    violations = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{each['id']}: {node['html']} ({each['help']}; {node['failureSummary']})"
        for each in violations
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_keeps_people_from_using_the_page(studio, open_page, harmonized, width, colours):
    across, down = WIDTHS[width]
    page = open_page(
        studio,
        viewport={"width": across, "height": down},
        color_scheme=colours,
        reduced_motion="reduce",
    )
    open_project(page, studio, harmonized)
    wrong = {}
    for tab in page.get_by_role("tab").all():
        tab.click()
        wrong[tab.inner_text()] = found(page)
    page.get_by_role("button", name="Score", exact=True).click()
    wrong["score"] = found(page)
    page.get_by_role("button", name="Keys", exact=True).click()
    wrong["keys"] = found(page)
    assert {place: problems for place, problems in wrong.items() if problems} == {}
