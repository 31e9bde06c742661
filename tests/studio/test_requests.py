"""The answer to each request: musicae's own music, as JSON."""

import json

import pytest

import musicae
from musicae.studio.messages import BUG
from tests.support.midifiles import save, tune
from tests.support.service import SCALE, project, serving

CHANGED = (67, 69, 71, 72, 74, 76, 74, 72)
"""Another second bar."""


def refused(answer, status=422):
    """The sentence in an answer that refuses."""
    assert answer.status_code == status, answer.text
    (message,) = answer.json()["error"].values()
    assert message != BUG
    return message


def test_a_tune_gets_the_voices_that_musicae_gives_it(harmonized):
    found = musicae.Project.of_dict(harmonized)
    assert found == musicae.Project.of_dict(project(title="Scale")).harmonized()
    assert all(found.harmony.voices)


def test_rewritten_bars_are_named_in_the_answer(service, harmonized):
    everything = service.result("/api/harmonize", {"project": project()})
    assert everything["changed"] == [1, 2]
    nothing = service.result("/api/harmonize", {"project": harmonized})
    assert nothing == {"harmony": harmonized["harmony"], "changed": None}
    changed = harmonized | {"key": "G major", "tune": project(CHANGED)["tune"]}
    assert service.result("/api/harmonize", {"project": changed})["changed"] == [2, 2]


def test_bars_are_drawn_again(service, harmonized):
    asked = {"project": harmonized, "bars": [2, 2]}
    drawn = [service.result("/api/harmonize", asked | {"redraw": n}) for n in (1, 2, 3)]
    first = [[note for note in voice if note[0] < 96] for voice in harmonized["harmony"]["voices"]]
    for each in drawn:
        voices = each["harmony"]["voices"]
        assert [[note for note in voice if note[0] < 96] for voice in voices] == first
    assert len({json.dumps(each["harmony"]["voices"]) for each in drawn}) > 1


def test_lines_have_the_same_result(service):
    *progress, last = service.lines("/api/harmonize", {"project": project()})
    assert last == {"result": service.result("/api/harmonize", {"project": project()})}
    assert all(list(line) == ["progress"] for line in progress)


def test_alternatives_have_other_chords(service, harmonized):
    found = service.result("/api/alternatives", {"project": harmonized, "n": 3})["alternatives"]
    assert len({each["plan"] for each in found}) == 3
    for each in found:
        musicae.Project.of_dict(harmonized | {"harmony": each})


def test_a_chord_that_is_locked_sounds(service, harmonized):
    asked = {"project": harmonized, "start": 72}
    found = service.result("/api/chords", asked)
    shares = [each["probability"] for each in found["choices"]]
    assert shares == sorted(shares, reverse=True)
    assert [each["chosen"] for each in found["choices"]].count(True) == 1
    other = next(each for each in found["choices"] if not each["chosen"])
    lock = {"start": found["start"], "length": found["length"], "name": other["symbol"]}
    locks = {"voices": [], "bars": [], "notes": [], "chords": [lock]}
    written = service.result("/api/harmonize", {"project": harmonized | {"locks": locks}})
    (chord,) = [
        each
        for each in written["harmony"]["chords"]
        if each["start"] <= 72 < each["start"] + each["length"]
    ]
    assert chord["symbol"] == other["symbol"]


def test_violations_are_repaired(service, harmonized):
    voices = [list(voice) for voice in harmonized["harmony"]["voices"]]
    voices[3] = [[start, length, pitch - 12] for start, length, pitch in voices[0]]
    harmony = harmonized["harmony"] | {"voices": voices}
    parallel = {"rule": "parallel octaves", "start": 0, "end": 48, "bar": 1, "beat": 2}
    parallel |= {"voices": [0, 3], "text": "", "why": ""}
    asked = {"project": harmonized | {"harmony": harmony}, "break": parallel}
    found = service.result("/api/mend", asked)
    assert found["mended"]
    assert found["changed"]
    assert found["harmony"]["voices"] != voices
    message = refused(service.ask("/api/mend", {"project": harmonized, "break": parallel}))
    assert "rule" in message


def test_a_file_is_opened_with_its_parts(service, tmp_path):
    melody = tune(*((480 * i, 480 * (i + 1), pitch) for i, pitch in enumerate(SCALE)))
    bass = tune((0, 1920, 43), (1920, 3840, 43), channel=1)
    content = save(tmp_path / "two.mid", melody, bass).read_bytes()
    answer = service.client.post("/api/open?name=two.mid", content=content)
    parts = answer.json()["parts"]
    (chosen,) = [part for part in parts if part["chosen"]]
    assert chosen["notes"] == len(SCALE)
    assert [note[2] for note in chosen["project"]["tune"]] == list(SCALE)


def test_a_project_is_opened_as_it_was_saved(service, harmonized):
    saved = service.ask("/api/export", {"project": harmonized, "format": "musicae"})
    answer = service.client.post("/api/open?name=Scale.musicae", content=saved.content)
    (part,) = answer.json()["parts"]
    full = musicae.Project.of_dict(harmonized)
    assert musicae.Project.of_dict(part["project"]) == full


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *[
            ("x.mid", b""),
            ("x.mid", b"MThd"),
            ("x.musicxml", b"<a>"),
            ("x.mxl", b"PK"),
            ("x", b"x"),
        ],
        *[("x.musicae", b"{}"), ("x.musicae", b"[" * 10**5), ("../../x.mid", b"MThd"), ("", b"")],
        *[("x.abc", b"\xff\xfe"), ("x.mei", b"<mei/>"), ("x.krn", b"**kern"), ("\x00.mid", b"")],
    ],
)
def test_files_without_music_are_refused_with_a_sentence(service, name, content):
    answer = service.client.post("/api/open", params={"name": name}, content=content)
    assert "/tmp" not in refused(answer)


def test_the_file_of_the_start_is_given_once(harmonized, tmp_path):
    path = tmp_path / "mine.musicae"
    musicae.Project.of_dict(harmonized).write(path)
    with serving(opened=(path.read_bytes(), path.name)) as running:
        (part,) = running.result("/api/opened")["parts"]
        assert musicae.Project.of_dict(part["project"]) == musicae.Project.read(path)
        assert running.result("/api/opened") is None


def test_new_pieces_are_projects_and_are_varied(service):
    asked = {"n": 2, "bars": 4, "meter": "3/4", "key": "D minor", "seed": 3}
    found = service.result("/api/compose", asked)["projects"]
    pieces = [musicae.Project.of_dict(each) for each in found]
    assert [len(piece.measures) for piece in pieces] == [4, 4]
    assert all(piece.harmony for piece in pieces)
    varied = service.result("/api/vary", {"project": found[0], "sliders": {"activity": 2}})
    way = service.result("/api/interpolate", {"first": found[0], "last": found[1], "n": 3})
    for each in (*varied["projects"], *way["projects"]):
        assert len(musicae.Project.of_dict(each).measures) == 4


def test_a_kept_voice_stays_in_variations(service, harmonized):
    asked = {"project": harmonized, "keep": ["soprano"], "amount": 1.0}
    (varied,) = service.result("/api/vary", asked)["projects"]
    assert [note[:3] for note in varied["tune"]] == harmonized["tune"]


def test_the_page_gets_the_lists_of_choices(service):
    about = service.result("/api/about")
    assert about["version"] == musicae.__version__
    assert about["styles"][0] == "bach"
    soprano = about["ensembles"][0]["voices"][0]
    assert (soprano["name"], soprano["range"]) == ("Soprano", [60, 81])
    sab = next(each for each in about["ensembles"] if each["name"] == "sab")
    assert sab["voices"][2] is None
    assert all(slider["low"] < slider["usual"] < slider["high"] for slider in about["sliders"])
    assert about["limits"]["bars"] > 0


def test_the_soundfont_is_given(service):
    answer = service.ask("/api/soundfont")
    assert answer.content[:4] == b"RIFF"
    assert answer.content[8:12] == b"sfbk"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/harmonize", {}),
        ("/api/harmonize", {"project": None}),
        ("/api/harmonize", {"project": []}),
        ("/api/harmonize", {"project": {"format": 2}}),
        ("/api/harmonize", {"project": project(), "redraw": -1}),
        ("/api/harmonize", {"project": project(), "redraw": "1"}),
        ("/api/harmonize", {"project": project(), "bars": [1]}),
        ("/api/harmonize", {"project": project(), "bars": [2, 1]}),
        ("/api/harmonize", {"project": project(), "bars": [7, 9]}),
        ("/api/harmonize", {"project": project(), "more": 1}),
        ("/api/harmonize", {"project": project(length=96)}),
        ("/api/harmonize", {"project": project(title="a\u0000b")}),
        ("/api/harmonize", {"project": project(length=10**30)}),
        ("/api/alternatives", {"project": project(), "n": 99}),
        ("/api/chords", {"project": project(), "start": 0}),
        ("/api/chords", {"project": project(), "start": 10**9}),
        ("/api/mend", {"project": project(), "break": {}}),
        ("/api/score", {"project": project(), "width": 1}),
        ("/api/export", {"project": project(), "format": "exe"}),
        ("/api/export", {"project": project(), "format": "mid", "program": "kazoo"}),
        ("/api/compose", {"n": 0}),
        ("/api/compose", {"n": 10**9}),
        ("/api/compose", {"key": "H"}),
        ("/api/compose", {"bars": 2, "form": "AABA"}),
        ("/api/compose", {"sliders": {"speed": 1}}),
        ("/api/compose", {"sliders": {"activity": 9}}),
        ("/api/vary", {"project": project()}),
        ("/api/interpolate", {"first": project(), "last": project(), "n": 3}),
    ],
)
def test_requests_that_make_no_sense_are_refused_with_a_sentence(service, path, body):
    assert "Traceback" not in refused(service.ask(path, body))


@pytest.mark.parametrize(
    "text", [b"", b"{", b"nan", b"[" * 10**5, b"\xff", b'{"n": 1e999}', b"1" * 5000]
)
def test_other_data_than_json_are_refused(service, text):
    json_type = {"Content-Type": "application/json"}
    answer = service.client.post("/api/compose", content=text, headers=json_type)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["message"] != BUG


def test_long_pieces_are_refused(service):
    message = refused(service.ask("/api/harmonize", {"project": project(length=96 * 1001)}))
    assert "up to 1000" in message


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/harmonize"), ("PUT", "/"), ("GET", "/x")]
)
def test_other_requests_are_refused(service, method, path):
    refused(service.client.request(method, path), 404 if path == "/x" else 405)


@pytest.mark.parametrize("name", ["harmonize", "score", "export", "compose"])
def test_the_examples_of_the_description_are_answered(service, name):
    described = service.result("/openapi.json")
    body = described["paths"][f"/api/{name}"]["post"]["requestBody"]
    model = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    (example,) = described["components"]["schemas"][model]["examples"]
    assert service.ask(f"/api/{name}", example).status_code == 200
