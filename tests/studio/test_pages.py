"""The page's files come from a fixed table, unchanged, each with its content type."""

import pytest

from musicae.core.assets import STUDIO
from musicae.studio import pages

TABLE = pages.table()


def test_the_page_and_its_description_are_there():
    assert {"/", "/docs", "/built/studio.js", "/built/studio.css"} <= {*TABLE}


@pytest.mark.parametrize("path", TABLE)
def test_each_file_is_served_as_it_is(service, path):
    answer = service.client.get(path, headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.content == TABLE[path].read_bytes()
    assert answer.headers["content-type"] == pages.MEDIA_TYPES[TABLE[path].suffix]
    again = service.client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_pages_hold_nothing_that_their_policy_forbids():
    for path in STUDIO.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "style=" not in text
        assert "onclick" not in text
        assert "<style" not in text
        assert text.count("<script") == text.count("<script ") == text.count("</script>")
        assert "//" not in text.replace("<!doctype html>", "")


def test_other_files_of_the_folder_are_not_served(tmp_path):
    for name in ("index.html", "docs.html", "a.js", "a.js.map", ".env", "notes", "key.pem"):
        (tmp_path / name).write_text("x")
    assert set(pages.table(tmp_path)) == {
        *("/", "/docs", "/built/a.js", "/built/docs.html", "/built/index.html")
    }
