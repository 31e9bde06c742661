"""What the tests of the studio's page have in common."""

import base64

from playwright.sync_api import expect

from tests.support.browser import PATIENCE

ABC = """X:1
T:Three Steps
M:3/4
L:1/4
Q:1/4=100
K:F
c|FGA|B2A|GAG|F2|]
"""
STEPS = {
    "title": "Three Steps",
    "meters": [[0, 3, 4]],
    "pickup": 24,
    "tempos": [[0, 100]],
    "key": "F major",
    "tune": [
        *([24 * i, 24, pitch] for i, pitch in enumerate((72, 65, 67, 69))),
        *([96, 48, 70], [144, 24, 69], [168, 24, 67], [192, 24, 69], [216, 24, 67], [240, 48, 65]),
    ],
    "length": 12 * 24,
}
"""The project of the ABC file: four bars in F major, after a pickup of a quarter."""
SAVED = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("keyval-store");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const key = `project ${sessionStorage.getItem("musicae place")}`;
    const asked = opening.result.transaction("keyval").objectStore("keyval").get(key);
    asked.onsuccess = () => { opening.result.close(); resolve(asked.result); };
  };
})"""
DROP = """([name, content]) => {
  const bytes =
    typeof content === "number"
      ? new Uint8Array(content)
      : Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  const target = document.querySelector("main");
  const send = (type) =>
    target.dispatchEvent(
      new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }),
    );
  send("dragenter");
  window.dropNow = () => send("drop");
}"""


def drop(page, name, content):
    """Drag a file over the page, and drop it. ``content`` is its text, its bytes, or its size."""
    content = content.encode() if isinstance(content, str) else content
    if isinstance(content, bytes):
        content = base64.b64encode(content).decode()
    page.evaluate(DROP, [name, content])
    expect(page.get_by_text("Drop a tune here")).to_be_visible()
    page.evaluate("dropNow()")
    expect(page.get_by_text("Drop a tune here")).to_be_hidden()


def saved(page, wanted):
    """The project in the browser's storage, as soon as it is as ``wanted``."""
    for _ in range(20 * PATIENCE):
        project = page.evaluate(SAVED)
        if project and wanted(project):
            return project
        page.wait_for_timeout(50)
    raise AssertionError(f"the browser keeps another project: {project}")


def pitches(project):
    return [pitch for _, _, pitch, *_ in project["tune"]]


def button(page, name, exact=True):
    return page.get_by_role("button", name=name, exact=exact)


def choice(page, name):
    return page.get_by_role("combobox", name=name, exact=True)


def close_panel(page):
    page.keyboard.press("Escape")


def pause_clock(page):
    """Stop the time of a page that has a clock; ``page.clock.run_for`` lets it go on."""
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 60"))
