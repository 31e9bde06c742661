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


def open_project(page, service, project):
    """Open the page again, with a project as if the browser had kept it."""
    # Where no script of the page runs that would keep its own project over this one.
    page.goto(f"{service.origin}/built/studio.css")
    page.evaluate(_KEEP, project)
    page.goto(service.address)
    page.get_by_role("main").wait_for()
