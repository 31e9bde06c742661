"""Tabs of the studio's page that tests share, for a new browser takes long to start.

Between two tests a tab is emptied: nothing is stored, routed or emulated any more.
"""

from dataclasses import dataclass, field

from playwright.sync_api import expect

from tests.support.browser import PATIENCE

USUAL = {"locale": "en-GB", "has_touch": False, "is_mobile": False}
SIZE = {"width": 1280, "height": 800}
IGNORED = ("Failed to load resource", "net::ERR_")
"""What a browser says of a server that a test stops, or of an error that a test makes."""
AUDIO_CLOCK = """Object.defineProperty(AudioContext.prototype, "currentTime", {
  get: () => performance.now() / 1000,
})"""
"""Lets the page's sound have the clock that a test sets."""
STORE = """project => new Promise((done, failed) => {
  localStorage.clear();
  sessionStorage.clear();
  const opening = indexedDB.open("keyval-store");
  opening.onerror = failed;
  opening.onupgradeneeded = () => opening.result.createObjectStore("keyval");
  opening.onsuccess = () => {
    const change = opening.result.transaction("keyval", "readwrite");
    const store = change.objectStore("keyval");
    store.clear();
    if (project) store.put(project, "last project");
    change.oncomplete = () => { opening.result.close(); done(); };
  };
})"""
"""Makes a project, or none, all that the browser keeps."""

expect.set_options(timeout=1000 * PATIENCE)


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


@dataclass
class Tabs:
    """The tabs of a browser that are not in use, by their settings."""

    browser: object
    free: dict = field(default_factory=dict)
    used: list = field(default_factory=list)
    wrong: list = field(default_factory=list)
    """What went wrong in scripts since it was last asked for."""

    def open(
        self,
        service,
        project=None,
        *,
        clock=False,
        prepare=None,
        viewport=SIZE,
        reduced_motion="null",
        **others,
    ):
        """The page of a service in an empty tab, with a project as if the browser had kept it.

        With ``clock``, its time is Playwright's, also for the sound. ``prepare`` is called with the
        tab before the page is opened. Other settings are those of Playwright's contexts.
        """
        settings = (*(USUAL | others).items(), ("clock", clock))
        waiting = self.free.get(settings)
        page = waiting.pop() if waiting else self._new(clock, **USUAL | others)
        self.used.append((settings, page))
        page.set_viewport_size(viewport)
        page.emulate_media(reduced_motion=reduced_motion)
        if prepare:
            prepare(page)
        # No script of the page runs at this address that would keep its own project.
        address = f"{service.origin}/built/studio.css"
        if page.url != address:
            page.goto(address)
        page.evaluate(STORE, project and whole(project))
        page.goto(service.address)
        page.get_by_role("main").wait_for()
        return page

    def _new(self, clock, **settings):
        context = self.browser.new_context(**settings)
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on(
            "console",
            lambda message: (
                message.type == "error"
                and not any(text in message.text for text in IGNORED)
                and self.wrong.append(message.text)
            ),
        )
        if clock:
            page.clock.install()
            page.add_init_script(AUDIO_CLOCK)
        return page

    def release(self, service, keep=True):
        """Empty the tabs that are in use, to use them again, or close them."""
        used, self.used = self.used, []
        for settings, page in used:
            if not keep:
                page.context.close()
                continue
            for other in page.context.pages[1:]:
                other.close()
            page.unroute_all(behavior="ignoreErrors")
            if dict(settings)["clock"]:
                page.clock.resume()
            page.goto(f"{service.origin}/built/studio.css")
            page.mouse.move(0, 0)
            self.free.setdefault(settings, []).append(page)
