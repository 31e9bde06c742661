"""musicae reads back every file that the page offers; the file has the piece's name."""

import zipfile
from io import BytesIO

import numpy as np
import pytest

import musicae
from musicae.studio.exports import file_name

READ = ("mid", "musicxml", "mxl", "mei", "abc")


def exported(service, project, form, **wishes):
    answer = service.ask("/api/export", {"project": project, "format": form, **wishes})
    assert answer.status_code == 200, answer.text
    return answer


def names(answer):
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


@pytest.mark.parametrize("form", READ)
def test_notes_come_back(service, harmonized, tmp_path, form):
    answer = exported(service, harmonized, form, numerals=form != "abc")
    assert f'filename="Scale.{form}"' in answer.headers["content-disposition"]
    path = tmp_path / f"back.{form}"
    path.write_bytes(answer.content)
    expected = musicae.Project.of_dict(harmonized).piece().chorale
    np.testing.assert_array_equal(musicae.read(path).pitch, expected.pitch)


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        *[("pdf", b"%PDF"), ("png", b"\x89PNG"), ("svg", b"<svg"), ("wav", b"RIFF")],
        *[("ogg", b"OggS"), ("ly", b"\\version"), ("musicae", b'{"format": 1')],
    ],
)
def test_files_have_the_format_of_their_names(service, harmonized, form, begins):
    answer = exported(service, harmonized, form)
    assert answer.content.startswith(begins)
    assert f'filename="Scale.{form}"' in answer.headers["content-disposition"]


@pytest.mark.parametrize("wishes", [{}, {"open": True}, {"piano": True}])
def test_triplets_are_engraved_as_triplets(service, wishes):
    asked = {"format": 1, "tune": [[0, 8, 67], [8, 8, 69], [16, 8, 71], [24, 72, 72]], "length": 96}
    asked["harmony"] = service.result("/api/harmonize", {"project": asked})["harmony"]
    assert b'class="tuplet"' in exported(service, asked, "svg", **wishes).content


def test_an_mp3_is_compressed_sound(service, harmonized):
    answer = exported(service, harmonized, "mp3", program="church organ")
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.content[:3] == b"ID3" or answer.content[0] == 0xFF


def test_a_pack_holds_the_alternatives(service, harmonized, tmp_path):
    asked = {"project": harmonized, "n": 2}
    others = service.result("/api/alternatives", asked)["alternatives"]
    answer = exported(service, harmonized, "pack", alternatives=others[1:], piano=True)
    assert answer.headers["content-type"] == "application/zip"
    found = names(answer)
    assert {f"Scale-pack/{name}" for name in ("report.html", "Scale-1.mid", "Scale-2.mid")} <= {
        *found
    }
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        archive.extract("Scale-pack/Scale-2.mid", tmp_path)
    second = musicae.Project.of_dict(harmonized | {"harmony": others[1]}).piece().chorale
    back = musicae.read(tmp_path / "Scale-pack" / "Scale-2.mid")
    np.testing.assert_array_equal(back.pitch, second.pitch)


def test_the_same_music_gives_the_same_bytes(service, harmonized):
    for form in ("mid", "pdf", "pack"):
        first, again = (exported(service, harmonized, form).content for _ in range(2))
        assert first == again


def test_an_unharmonized_tune_is_written_alone(service, harmonized, tmp_path):
    alone = harmonized | {"harmony": None}
    path = tmp_path / "back.mid"
    path.write_bytes(exported(service, alone, "mid").content)
    (part,) = musicae.Project.open_parts(path)
    assert [list(note[:3]) for note in part.project.tune] == harmonized["tune"]


@pytest.mark.parametrize(
    "title", ["../../etc/passwd", "a/b\\c", "..", ".", "CON: x?", "%2e%2e", "Wie schön", "名" * 200]
)
def test_names_of_files_hold_no_paths(service, harmonized, title):
    name = file_name(title)
    assert not set(name) & set('/\\:?*"<>|%\0')
    assert name.strip(".")
    assert len(f"{name}-audition-soprano.musicxml".encode()) < 255
    assert exported(service, harmonized | {"title": title}, "mid").content.startswith(b"MThd")
