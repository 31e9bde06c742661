"""musicae reads back every file that the page offers; the file has the piece's name."""

import zipfile
from functools import partial
from io import BytesIO

import numpy as np
import pytest
import soundfile

import musicae
from musicae.studio.exports import export, file_name
from musicae.studio.requests import Export
from tests.support.choirs import without_sound

TRIPLETS = [
    *([8 * i, 8, pitch] for i, pitch in enumerate((67, 69, 71))),
    *([24, 12, 72], [36, 12, 71], [48, 48, 69], [96, 72, 67]),
]
READ = ("mid", "musicxml", "mxl", "mei", "abc")


@pytest.fixture(scope="module")
def triplets(service):
    """A triplet, two eighths and longer notes, with their harmony."""
    asked = {"format": 1, "tune": TRIPLETS, "length": 192}
    return asked | {"harmony": service.result("/api/harmonize", {"project": asked})["harmony"]}


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


@pytest.mark.parametrize("form", ["mid", "musicxml", "mxl", "mei"])
def test_triplets_and_eighths_come_back(service, triplets, form):
    content = exported(service, triplets, form).content
    parts = musicae.Project.open_parts(content, f"a.{form}")
    soprano = next(part for part in parts if part.name.lower().startswith("soprano"))
    assert [list(note[:3]) for note in soprano.project.tune] == triplets["tune"]


@pytest.mark.parametrize("wishes", [{}, {"open": True}, {"piano": True}])
def test_triplets_are_engraved_as_triplets(service, triplets, wishes):
    assert b'class="tuplet"' in exported(service, triplets, "svg", **wishes).content


@pytest.mark.parametrize(("form", "kind"), [("mp3", "mpeg"), ("wav", "wav")])
def test_sound_lasts_as_long_as_the_piece(service, harmonized, form, kind):
    answer = exported(service, harmonized, form, program="church organ")
    assert answer.headers["content-type"] == f"audio/{kind}"
    samples, rate = soundfile.read(BytesIO(answer.content))
    assert len(samples) / rate >= 2 * 4 * 60 / 120
    assert abs(samples).max() > 0.01


def test_a_choirs_kit_has_a_page_and_the_voices(harmonized, monkeypatch):
    monkeypatch.setattr(musicae, "practice", partial(musicae.practice, tempos=[100]))
    without_sound(monkeypatch)
    asked = Export(project=harmonized, format="kit")
    made = export(musicae.Project.of_dict(harmonized), [], asked)
    assert made.name == "Scale-kit.zip"
    with zipfile.ZipFile(BytesIO(made.content)) as archive:
        found = {name.removeprefix("Scale-kit/") for name in archive.namelist()}
    assert "practice.html" in found
    for voice in ("soprano", "alto", "tenor", "bass"):
        assert f"{voice}/scale-{voice}-front-100.mp3" in found


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
