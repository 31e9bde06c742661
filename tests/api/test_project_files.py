"""Projects keep their tunes in every file, and files are opened as projects."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae import MusicaeError, Project
from musicae.api.project_values import Harmony, LockedChord, Locks, PhraseEnd, Settings, TuneNote
from musicae.core.constants import STYLES
from musicae.core.errors import ChoraleError
from tests.support.paths import MELODIES

BAR = 96
TRIPLETS = [
    *[TuneNote(12 * i, 12, 67) for i in range(2)],
    *[TuneNote(24 + 8 * i, 8, pitch, 90 + i) for i, pitch in enumerate((72, 74, 76))],
    TuneNote(48, 24, 77),
    *[TuneNote(72 + 16 * i, 16, pitch) for i, pitch in enumerate((76, 74, 72))],
    *[TuneNote(120 + 4 * i, 4, pitch) for i, pitch in enumerate((71, 72, 74, 76, 77, 76))],
    TuneNote(144, 15, 74),
    TuneNote(159, 9, 72),
    *[TuneNote(168 + 12 * i, 12, pitch) for i, pitch in enumerate((72, 71, 69, 71, 72, 74))],
    TuneNote(240, 72, 72, 40),
]
"""A pickup, bars of 3/4 with triplets of eighths, quarters and sixteenths, then bars of 6/8."""
WRITTEN = Project(
    title="Triplets",
    length=312,
    meters=((0, 3, 4), (168, 6, 8)),
    pickup=24,
    tempos=((0, 100.0), (168, 60.5)),
    key="C major",
    tune=tuple(TRIPLETS),
    phrases=(PhraseEnd(144, "half"), PhraseEnd(240)),
    words="Lord, have mer-cy on us",
)


def plain(notes):
    """Notes without their velocities."""
    return [note[:3] for note in notes]


def chosen(parts):
    (part,) = [part for part in parts if part.chosen]
    return part.project


@st.composite
def projects(draw):
    """Any project without harmony: meters that change, triplets, locks, requests."""
    meters = draw(st.lists(st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 4), (3, 8)]), max_size=2))
    starts = [(BAR * (i + 1), *meter) for i, meter in enumerate(meters)]
    length = 6 * draw(st.integers(70, 100))
    tune, at = [], draw(st.integers(0, 30))
    while at < length and len(tune) < 12:
        sounding = draw(st.integers(1, 60))
        tune.append(
            TuneNote(
                at,
                min(sounding, length - at),
                draw(st.integers(0, 127)),
                draw(st.none() | st.integers(1, 127)),
            )
        )
        at += sounding + draw(st.sampled_from([0, 0, 4, 24, 200]))
    ticks = st.integers(0, length - 1)
    return Project(
        title=draw(st.sampled_from(["", "Amen", "Ô 主"])),
        length=length,
        meters=((0, *draw(st.sampled_from([(4, 4), (2, 2)]))), *starts),
        pickup=6 * draw(st.integers(0, 15)),
        tempos=((0, 80.0), *sorted({t: 90.5 for t in draw(st.sets(ticks)) if t}.items())),
        key=draw(st.sampled_from([None, "Eb major", "f# minor", "D dorian"])),
        voice=draw(st.integers(0, 3)),
        tune=tuple(tune),
        phrases=draw(
            st.none()
            | st.sets(ticks, max_size=3).map(lambda found: tuple(map(PhraseEnd, sorted(found))))
        ),
        words=draw(st.sampled_from(["", "A-men, a-men", "x\n\ny"])),
        language=draw(st.sampled_from([None, "en"])),
        settings=Settings(
            style=draw(st.sampled_from(STYLES)),
            rules=draw(st.sampled_from(["bach", "strict"])),
            temperature=draw(st.sampled_from([None, 0, 0.5])),
            seed=draw(st.integers(0, 99)),
        ),
        locks=Locks(
            voices=tuple(draw(st.sets(st.integers(0, 3)))),
            bars=tuple(draw(st.sets(st.integers(0, 9)))),
            notes=((1, 24),),
            chords=(LockedChord(24, 24, "D7"),),
        ),
    )


@settings(max_examples=60)
@given(projects())
def test_a_project_comes_back_from_json(project):
    assert Project.of_dict(json.loads(json.dumps(project.as_dict()))) == project


def test_a_project_with_its_harmony_comes_back_from_a_file(tmp_path):
    project = WRITTEN.harmonized()
    project.write(tmp_path / "tune.musicae")
    assert Project.read(tmp_path / "tune.musicae") == project
    (part,) = Project.open_parts(tmp_path / "tune.musicae")
    assert part.project == project
    (again,) = Project.open_parts((tmp_path / "tune.musicae").read_bytes(), "../x/tune.musicae")
    assert again == part
    with pytest.raises(ChoraleError, match=r"ends in \.musicae"):
        project.write(tmp_path / "tune.json")


JUNK = (
    *(None, True, -1, 0, 7, 10**400, 1.5, float("nan"), float("inf"), "", "\ud800", "x" * 2000),
    *([], {}, [[]], [0, 24, 60], {"at": 0}, {"start": 6, "length": 6, "name": "?"}),
)
WRONG = [
    (["format"], 2, "another version"),
    (["length"], 7, "whole number of sixteenths"),
    (["length"], 10**400, "far too large"),
    (["meters"], [[0, 4, 5]], "4/5 is not a meter"),
    (["meters"], [], "the first meter"),
    (["pickup"], BAR, "pickup"),
    (["tempos"], [[0, 1000]], "qpm"),
    (["key"], "H sharp", "not a key"),
    (["tune", 1, 0], 6, "bar 0, beat 3.25: a note begins before the previous one ends"),
    (["tune", 1, 2], 128, "tune, number 2: pitch is a whole number of 0 to 127, not 128"),
    (["tune", -1, 1], 999, "after the piece"),
    (["phrases", 0, "cadence"], "perfect", "a cadence is"),
    (["settings", "style"], "jazz", "a style is"),
    (["settings", "ensemble"], "kazoos", "an ensemble is"),
    (["settings", "ranges"], "S C4", "ranges are written"),
    (["locks", "chords"], [{"start": 1, "length": 6, "name": "G"}], "sixteenth"),
    (["colour"], "red", "newer"),
]


@pytest.mark.parametrize(("path", "value", "told"), WRONG)
def test_errors_say_what_is_wrong_with_a_project(path, value, told):
    data = WRITTEN.as_dict()
    inside = data
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = value
    with pytest.raises(ChoraleError, match=told):
        Project.of_dict(data)


def places(value, path=()):
    """The paths to all values inside a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for name, inside in items:
        yield from places(inside, (*path, name))


def test_damaged_json_is_refused_in_one_sentence():
    whole = WRITTEN.harmonized().as_dict()
    draws = random.Random(1)
    for value in JUNK:
        for path in draws.sample(list(places(whole)), 40):
            data = json.loads(json.dumps(whole))
            inside = data
            for name in path[:-1]:
                inside = inside[name]
            if path:
                inside[path[-1]] = value
            try:
                found = Project.of_dict(data if path else value)
            except MusicaeError:
                continue
            assert Project.of_dict(found.as_dict()) == found
    for text in (b"", b"{", b"[" * 100_000, b"\xff\xfe", b"3"):
        with pytest.raises(ChoraleError):
            Project.of_bytes(text)


@pytest.mark.parametrize("suffix", [".mid", ".musicxml", ".mxl", ".abc"])
def test_files_hold_the_tune_exactly(suffix, tmp_path):
    project = WRITTEN.harmonized()
    path = tmp_path / f"tune{suffix}"
    project.piece().write(path)
    found = chosen(Project.open_parts(path))
    assert plain(found.tune) == plain(project.tune)
    assert (found.meters, found.pickup, found.length) == (
        *(project.meters, project.pickup, project.length),
    )
    assert found.title == project.title
    assert found.words.startswith("Lord, have mer-cy on us")
    if suffix == ".mid":
        assert [note.velocity for note in found.tune] == [n.velocity or 80 for n in project.tune]
        assert found.tempos == project.tempos
        assert [end.at for end in found.phrases] == [end.at for end in project.phrases]


def test_a_file_of_four_voices_is_a_project_with_its_harmony_too(tmp_path):
    project = WRITTEN.harmonized()
    for suffix in (".mid", ".musicxml"):
        path = tmp_path / f"tune{suffix}"
        project.piece().write(path)
        parts = Project.open_parts(path)
        assert [part.name for part in parts] == [
            *("Soprano", "Alto", "Tenor", "Bass", "All four voices"),
        ]
        whole = parts[-1].project
        assert plain(whole.tune) == plain(project.tune)
        assert whole.harmony.voices[1:] == project.harmony.voices[1:]
        assert whole.changed_bars() == ()


def test_a_tune_without_harmony_is_written_alone(tmp_path):
    WRITTEN.piece().write(tmp_path / "tune.mid")
    found = chosen(Project.open_parts(tmp_path / "tune.mid"))
    assert plain(found.tune) == plain(WRITTEN.tune)
    Project().piece().write(tmp_path / "empty.mid")
    with pytest.raises(ChoraleError, match="no notes"):
        Project.open_parts(tmp_path / "empty.mid")


@pytest.mark.parametrize("path", sorted(MELODIES.glob("*.mid")), ids=lambda path: path.stem)
def test_example_melodies_are_opened_from_paths_and_from_bytes(path):
    parts = Project.open_parts(path)
    project = chosen(parts)
    assert project.tune
    assert project.harmony is None
    assert sum(part.notes for part in parts) > 30
    assert Project.of_dict(project.as_dict()) == project
    (again,) = [each for each in Project.open_parts(path.read_bytes(), path.name) if each.chosen]
    assert again.project == project


def test_words_and_keys_of_a_file_are_opened():
    grace = chosen(Project.open_parts(MELODIES / "amazing_grace.mid"))
    assert grace.words.startswith("A-ma-zing_ grace how sweet the sound")
    assert (grace.key, grace.pickup, grace.meters) == ("G major", 24, ((0, 3, 4),))
    assert chosen(Project.open_parts(MELODIES / "swing_low.mid")).key is None
    sung = grace.harmonized().harmony.words
    assert sung[0].syllables[:3] == ((0, "A-"), (24, "ma-"), (72, "zing"))


def test_chord_symbols_of_a_score_are_locked(tmp_path):
    path = tmp_path / "tune.abc"
    path.write_text('X:1\nT:Song\nM:4/4\nL:1/4\nK:G\n"G"GGAB|"D7"ABcA|"G"G4|]\n')
    (part,) = Project.open_parts(path)
    assert part.project.title == "Song"
    assert part.project.key == "G major"
    assert [(c.start, c.length, c.name) for c in part.project.locks.chords] == [
        *((0, BAR, "G"), (BAR, BAR, "D7"), (2 * BAR, BAR, "G")),
    ]
    there = part.project.harmonized().harmony.chords
    assert next(c for c in there if c.start <= BAR < c.start + c.length).symbol == "D7"


@pytest.mark.parametrize(
    ("data", "name", "told"),
    [
        (b"", "tune.mid", "tune.mid: is empty"),
        (b"MThd", "tune.mid", "tune.mid"),
        (b"<score/>", "tune.musicxml", "tune.musicxml"),
        (b"\x00" * 100, "tune.mxl", "tune.mxl"),
        (b"nothing", "../../tune.abc", "tune.abc"),
        (b"{}", "tune.musicae", "has no format number"),
        (b"x", "tune.exe", "cannot be opened"),
        (b"x", "", "cannot be opened"),
    ],
)
def test_files_that_cannot_be_opened_say_why_and_name_no_folder(data, name, told):
    with pytest.raises(MusicaeError, match=told) as caught:
        Project.open_parts(data, name)
    assert str(Path(caught.value.args[0].partition(":")[0]).parent) in (".", "../..")


def test_a_file_of_three_voices_has_no_harmony():
    with pytest.raises(ChoraleError, match="four voices"):
        replace(WRITTEN, harmony=Harmony(voices=((), (), ()), key="C major"))
