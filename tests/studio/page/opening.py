"""The page with a project of the test's own."""

_KEEP = """project => new Promise((done, failed) => {
  const opening = indexedDB.open("keyval-store");
  opening.onerror = failed;
  opening.onsuccess = () => {
    const change = opening.result.transaction("keyval", "readwrite");
    const store = change.objectStore("keyval");
    store.put(project, "last project");
    store.put(project, "project " + sessionStorage.getItem("musicae place"));
    change.oncomplete = () => { opening.result.close(); done(); };
  };
})"""


def whole(project):
    """A project with all that the page keeps of one."""
    settings = {"style": "bach", "rhythm": None, "rules": "bach", "ensemble": None, "ranges": None}
    return {
        "format": 1,
        "title": "",
        "meters": [[0, 4, 4]],
        "pickup": 0,
        "tempos": [[0, 120]],
        "key": None,
        "voice": 0,
        "phrases": None,
        "words": "",
        "language": None,
        "settings": settings | {"temperature": None, "seed": 0},
        "locks": {"voices": [], "bars": [], "notes": [], "chords": []},
        "harmony": None,
    } | project


def open_project(page, service, project):
    """Open the page again, with a project as if the browser had kept it."""
    # Where no script of the page runs that would keep its own project over this one.
    page.goto(f"{service.origin}/built/studio.css")
    page.evaluate(_KEEP, whole(project))
    page.goto(service.address)
    page.get_by_role("main").wait_for()
